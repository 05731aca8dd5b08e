"""Faults that breaker and call limits answer: each strikes, and looks whether they kept what they promise."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from payport.schemas.outcome import NotSent, NotSentKind
from payport.sdk.cli.drill.ground import Ground
from payport.sdk.limits import LimitLeft
from payport.sdk.profile import WHOLE
from payport.sdk.testing.faults import Fault

MANY = 10_000
MOST_CALLS = 30
"""So many payments may fail before the partner is left alone."""
CALLS_ALONE = 8
CALLS_REFUSED = 4


def no_redis_client() -> str:
    """Why limits cannot be shared here."""
    return "" if find_spec("redis") else 'the extra "redis" is not installed (pip install "payport[redis]")'


def keeps_failing(ground: Ground) -> list[str]:
    """The partner charges and answers 502, until it is left alone; what is under way is settled meanwhile."""
    ground.partner.faults.next(Fault.COMMIT_THEN_BAD_GATEWAY, ground.sale.endpoint, times=MANY)
    calls = next((calls for calls in range(1, MOST_CALLS + 1) if _is_left_alone(ground.sell())), None)
    if calls is None:
        ground.broken.append(f"after {MOST_CALLS} payments that failed the partner is not left alone")
        return []
    sent = len(ground.requests.began_s)
    ground.sell()
    if len(ground.requests.began_s) != sent:
        ground.broken.append("a partner that is left alone was sent a payment")
    waiting = ground.gateway.open_operations()
    for operation in waiting:
        ground.gateway.resolve(operation.ref, deadline_s=5.0)
    settled = len(waiting) - len(ground.gateway.open_operations())
    return [
        f"payment {calls} was not sent any more",
        f"{settled} of {len(waiting)} payments in doubt were settled while nothing new went",
    ]


def too_many_calls(ground: Ground) -> list[str]:
    """The partner says "too many requests" to every payment."""
    before, since, begun_s = _limits(ground), len(ground.requests.began_s), ground.now_s
    ground.partner.faults.next(Fault.RATE_LIMITED, ground.sale.endpoint, times=MANY)
    for _ in range(CALLS_REFUSED):
        ground.sell()
    slowed = [left for left in ground.gateway.limits() if _slower(left, before.get(left.name))]
    if not slowed:
        ground.broken.append("a partner that refuses calls is called as often as before")
        return []
    left = slowed[0]
    paused = f", and not at all for {left.paused_s:.0f} s" if left.paused_s else ""
    return [
        f"the limit {left.name!r} lets {left.rate_per_s:.3g} requests a second go{paused}",
        _count(ground, since, begun_s),
    ]


def redis_lost(ground: Ground) -> list[str]:
    """What all processes count their limits in is gone: each keeps to a part of them, and payments go on."""
    assert ground.redis is not None, "limits are shared here"
    before = _limits(ground)
    if not all(left.shared for left in before.values()):
        ground.broken.append("call limits were not shared before Redis was lost")
    ground.redis.stop()
    since, begun_s = len(ground.requests.began_s), ground.now_s
    for _ in range(CALLS_ALONE):
        ground.sell()
    took_s, sent = ground.now_s - begun_s, len(ground.requests.began_s) - since
    after = _limits(ground)
    for name, left in after.items():
        if left.shared or (name in before and not _slower(left, before[name]) and before[name].rate_per_s):
            ground.broken.append(f"without Redis the limit {name!r} is no stricter")
    whole = after[WHOLE]
    most = whole.burst + (whole.rate_per_s or 0.0) * took_s
    if sent > most + 1:
        ground.broken.append(f"without Redis {sent} requests went in {took_s:.1f} s, and {most:.0f} is the most")
    kept = (
        f"this process kept to {whole.rate_per_s:.3g} requests a second, in place of "
        f"{before[WHOLE].rate_per_s:.3g} over all processes"
    )
    return [kept, _count(ground, since, begun_s), "Redis was a stand-in that counts by the same rules"]


def redis_back(ground: Ground) -> None:
    """It answers again, where it did, and has forgotten everything."""
    assert ground.redis is not None, "limits are shared here"
    ground.redis.start()


def _limits(ground: Ground) -> Mapping[str, LimitLeft]:
    return {left.name: left for left in ground.gateway.limits()}


def _is_left_alone(outcome: object) -> bool:
    return isinstance(outcome, NotSent) and outcome.cause.kind is NotSentKind.BREAKER_OPEN


def _slower(now: LimitLeft, before: LimitLeft | None) -> bool:
    was = None if before is None else before.rate_per_s
    return now.rate_per_s is not None and (was is None or now.rate_per_s < was)


def _count(ground: Ground, since: int, begun_s: float) -> str:
    return f"{len(ground.requests.began_s) - since} requests went in {ground.now_s - begun_s:.1f} s"
