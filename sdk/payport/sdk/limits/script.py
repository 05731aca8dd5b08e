"""What is counted over several processes, in Lua: the rules of :mod:`payport.sdk.limits.bucket`, run by Redis.

Each script is one decision and runs by itself, on Redis's own clock. Keys, three for each limit: its hash, and the
sorted sets of what is under way in each lane by deadline. Arguments: the time (empty for Redis's own), two of the
script's own, then four for each limit: rate, burst, concurrency, reserve; 0 where there is none.

The hash: ``d1`` ``d2`` when the last booked turn of each lane is over; ``w`` ``n`` ``l`` the window that counts, its
count, the count before; ``s`` ``t`` the rate that a complaint left, and when; ``u`` until when nothing goes; ``c`` a
number for each place taken; ``z`` the time of the last decision.
"""

from __future__ import annotations

from payport.sdk.limits.bucket import FORGET, LEAST_PER_S, LONGEST_PAUSE_S, RECOVER_S, SAME_S

_HELPERS = (
    f"""
local RECOVER, LEAST, LONGEST, SAME, FORGET = {RECOVER_S}, {LEAST_PER_S}, {LONGEST_PAUSE_S}, {SAME_S}, {FORGET}
"""
    r"""
local clock = redis.call('TIME')
local now = tonumber(ARGV[1]) or clock[1] + clock[2] / 1000000
local count = #KEYS / 3

local function number(text) return tonumber(text or 0) or 0 end

local function text(value) return string.format('%.6f', value) end

local function keep(limit, seconds)
  redis.call('HSET', limit.key, 'd1', limit.due[1], 'd2', limit.due[2], 'w', limit.window, 'n', limit.count,
    'l', limit.last, 's', limit.slow, 't', limit.slow_at, 'u', limit.till, 'z', now)
  redis.call('PEXPIRE', limit.key, math.ceil((seconds + 3600) * 1000))
end

-- a clock that was set back by so many seconds must not stop everybody until it has caught up: all times move with it
local function set_back(limit, gone)
  if gone <= 0 then return end
  limit.due = {limit.due[1] - gone, limit.due[2] - gone}
  limit.window, limit.slow_at, limit.till = limit.window - gone, limit.slow_at - gone, limit.till - gone
  for _, key in ipairs(limit.held) do
    local held = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #held, 2 do redis.call('ZADD', key, held[i + 1] - gone, held[i]) end
  end
  keep(limit, 0)
end

-- one limit: what was asked of it, and how it stands
local function read(i)
  local at = 3 + (i - 1) * 4
  local limit = {
    key = KEYS[i * 3 - 2], held = {KEYS[i * 3 - 1], KEYS[i * 3]},
    usual = tonumber(ARGV[at + 1]), usual_burst = tonumber(ARGV[at + 2]),
    together = tonumber(ARGV[at + 3]), reserve = tonumber(ARGV[at + 4]),
  }
  local kept = redis.call('HMGET', limit.key, 'd1', 'd2', 'w', 'n', 'l', 's', 't', 'u', 'z')
  limit.due = {number(kept[1]), number(kept[2])}
  limit.window, limit.count, limit.last = number(kept[3]), number(kept[4]), number(kept[5])
  limit.slow, limit.slow_at, limit.till = number(kept[6]), number(kept[7]), number(kept[8])
  set_back(limit, number(kept[9]) - now)
  limit.rate = limit.usual
  if limit.slow > 0 then
    local grown = 1 + (now - limit.slow_at) / RECOVER
    limit.rate = limit.slow * grown
    if (limit.usual == 0 and grown >= FORGET) or (limit.usual > 0 and limit.rate >= limit.usual) then
      limit.slow, limit.rate = 0, limit.usual
    end
  end
  limit.lanes = {}
  if limit.rate > 0 then
    local burst = limit.usual_burst
    if limit.usual == 0 then burst = math.max(2, limit.rate)
    elseif limit.slow > 0 then
      burst = math.max(math.min(2, burst), burst * math.min(1, limit.rate / limit.usual))
    end
    if burst < 2 or limit.reserve == 0 then
      limit.lanes[1] = {turn = 1 / limit.rate, ahead = (burst - 1) / limit.rate}
    else
      local asking = math.min(burst - 1, math.max(1, burst * limit.reserve))
      local rates = {limit.rate * (1 - limit.reserve), limit.rate * limit.reserve}
      limit.lanes[1] = {turn = 1 / rates[1], ahead = (burst - asking - 1) / rates[1]}
      limit.lanes[2] = {turn = 1 / rates[2], ahead = (asking - 1) / rates[2]}
    end
  end
  return limit
end

-- the first turn that a request of this lane (1 or 2) can have, and in which lane
local function first(limit, lane)
  local lanes = limit.lanes
  if #lanes == 0 then return math.max(now, limit.till), 0 end
  local own = math.min(lane, #lanes)
  local at, where = limit.due[own] - lanes[own].ahead, own
  if at > now and #lanes > 1 then
    local other = 3 - own
    local there = limit.due[other] - lanes[other].ahead
    if there < at and there <= now + lanes[other].turn then at, where = there, other end
  end
  return math.max(at, limit.till), where
end

-- how many requests are under way; those whose deadline is over are none
local function under_way(limit, lane)
  local held = {}
  for i, key in ipairs(limit.held) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    held[i] = redis.call('ZCARD', key)
  end
  return held[lane], held[1] + held[2]
end

local function full(limit, lane)
  if limit.together == 0 then return false end
  local mine, total = under_way(limit, lane)
  local room = limit.together
  if room >= 2 and limit.reserve > 0 then
    local kept = 1
    if lane == 1 then kept = math.max(1, math.floor(limit.together * limit.reserve)) end
    room = room - kept
  end
  return mine >= room or total >= limit.together
end
"""
)

TAKE = (
    _HELPERS
    + r"""
-- own arguments: seconds left, lane. Answers {what, seconds, which limit}: what is 0 taken, 1 too late, 2 full
local left, lane = tonumber(ARGV[2]), tonumber(ARGV[3])
local limits, turns = {}, {}
local start, last = now, 1
for i = 1, count do
  limits[i] = read(i)
  local at, where = first(limits[i], lane)
  turns[i] = where
  if at > start then start, last = at, i end
end
if start > now + left then
  local paused = limits[last].till >= start
  return {1, text(start - now), last, paused and 1 or 0}
end
for i = 1, count do
  if full(limits[i], lane) then return {2, '0', i, 0} end
end
for i, limit in ipairs(limits) do
  local where = turns[i]
  if where > 0 then limit.due[where] = math.max(limit.due[where], start) + limit.lanes[where].turn end
  if limit.together > 0 then
    local number = redis.call('HINCRBY', limit.key, 'c', 1)
    redis.call('ZADD', limit.held[lane], now + left, number)
    redis.call('PEXPIRE', limit.held[lane], math.ceil((left + 3600) * 1000))
  end
  if now - limit.window >= 1 then
    limit.last = now - limit.window < 2 and limit.count or 0
    limit.count, limit.window = 0, now
  end
  limit.count = limit.count + 1
  keep(limit, start - now)
end
return {0, text(start - now), 0, 0}
"""
)

RELEASE = (
    _HELPERS
    + r"""
-- own arguments: none, lane. The place that would be free first: never one too many is
for i = 1, count do redis.call('ZPOPMIN', KEYS[i * 3 - 2 + tonumber(ARGV[3])]) end
return 0
"""
)

SLOW = (
    _HELPERS
    + r"""
-- own arguments: seconds to pause, none. Answers the rate of each limit from now on, '' where nothing changes
local till = now + math.min(tonumber(ARGV[2]), LONGEST)
local answer = {}
for i = 1, count do
  local limit = read(i)
  answer[i] = ''
  if limit.slow_at > 0 and now - limit.slow_at < SAME then
    if till > limit.till + SAME then answer[i] = text(limit.rate) end
  else
    local recent = limit.count
    if now - limit.window < 1 then recent = math.max(limit.count, limit.last) end
    if now - limit.window >= 2 then recent = 0 end
    local rate = recent
    if limit.rate > 0 then rate = math.min(limit.rate, recent) end
    local least = LEAST
    if limit.usual > 0 then least = math.min(LEAST, limit.usual) end
    limit.slow, limit.slow_at = math.max(least, rate / 2), now
    answer[i] = text(limit.slow)
  end
  limit.till = math.max(limit.till, till)
  keep(limit, till - now)
end
return answer
"""
)

LOOK = (
    _HELPERS
    + r"""
-- own arguments: none. Answers five texts for each limit: rate, turns left (-1 for any number), seconds until the next
-- payment's, requests under way, seconds of pause
local answer = {}
for i = 1, count do
  local limit = read(i)
  local pause = math.max(0, limit.till - now)
  local left = -1
  if #limit.lanes > 0 or pause > 0 then left = 0 end
  if pause == 0 then
    for lane, of in ipairs(limit.lanes) do
      local turns = 1 + (of.ahead - math.max(0, limit.due[lane] - now)) / of.turn
      left = left + math.max(0, math.floor(turns + 0.000001))
    end
  end
  local _, held = under_way(limit, 1)
  local at = first(limit, 1)
  for _, value in ipairs({limit.rate, left, math.max(0, at - now), held, pause}) do
    answer[#answer + 1] = text(value)
  end
end
return answer
"""
)
