"""Limits in Redis: the same rules as in one process, and a stricter limit, never none, while Redis is away."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import count
from threading import Thread
from time import monotonic, sleep

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.redis_server import RedisServer, free_port, redis_server

from payport.sdk.cli.drill.standin import RedisStandIn
from payport.sdk.errors import ConfigurationError
from payport.sdk.events import SharedLimitsBack, SharedLimitsLost
from payport.sdk.host_clock import SystemClock
from payport.sdk.limits import LimitLeft, LocalStore, SharedStore
from payport.sdk.limits.rules import ASKING, MOVING, Full, Refused, Rule
from payport.sdk.limits.store import Decision
from payport.sdk.profile import CallLimit
from payport.sdk.secrets import Secret

NUMBERS = count()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture
def store(server: RedisServer) -> Iterator[SharedStore]:
    with closing(SharedStore(server.url, prefix=f"test{next(NUMBERS)}", timeout_s=5.0)) as opened:
        yield opened


def rule(
    rate_per_s: float | None = 1.0,
    burst: float = 5.0,
    concurrency: int | None = None,
    name: str = "account",
    reserve: float = 0.2,
) -> Rule:
    """A limit."""
    limit = CallLimit(name=name, rate_per_s=rate_per_s, burst=burst, concurrency=concurrency)
    return Rule(limit, f"shop/{name}", reserve)


def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Whether something comes to hold."""
    until_s = monotonic() + within_s
    while not holds():
        if monotonic() > until_s:
            return False
        sleep(0.01)
    return True


class Stepped(SharedStore):
    """A shared store on the test's own time, whose errands are run at once."""

    at_s = 0.0

    def _run(self, script: Callable[..., object], rules: object, first: str, second: str, at: str = "") -> object:
        return super()._run(script, rules, first, second, f"{self.at_s:.6f}")  # type: ignore[arg-type]  # narrowed there

    def _later(self, errand: Callable[[], object]) -> None:
        errand()


RULES = st.builds(
    rule,
    st.sampled_from([None, 0.3, 1.0, 5.0, 100.0]),
    st.sampled_from([1.0, 1.5, 2.0, 5.0, 20.0]),
    st.sampled_from([None, 1, 2, 5]),
    reserve=st.sampled_from([0.0, 0.2, 0.5]),
)
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "take", "release", "slow"]),
        st.sampled_from([0.0, 0.01, 0.3, 1.2, 30.0, 70.0]),
        st.sampled_from([MOVING, ASKING]),
        st.sampled_from([0.1, 1.0, 10.0, 400.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


def same(one: Decision, other: Decision) -> bool:
    """Whether two stores decided the same, to a tenth of a millisecond."""
    if isinstance(one, Refused) and isinstance(other, Refused):
        same_wait = abs(one.retry_after_s - other.retry_after_s) < 1e-4
        return same_wait and (one.rule, one.paused) == (other.rule, other.paused)
    if isinstance(one, Full) or isinstance(other, Full) or isinstance(one, Refused) or isinstance(other, Refused):
        return one == other
    return abs(one - other) < 1e-4


def note(tale: list[tuple[str, float]], slowed: Rule, rate_per_s: float, pause_s: float) -> None:
    """Note what was slowed."""
    tale.append((slowed.name, round(rate_per_s, 3)))


def figures(left: LimitLeft) -> list[object]:
    """What a store says is left, rounded."""
    shown = [left.name, left.left, left.in_use, left.concurrency, left.burst, left.usual_per_s]
    return [*shown, *(pytest.approx(each, abs=1e-3) for each in (left.rate_per_s or 0, left.next_s, left.paused_s))]


@pytest.fixture(params=["redis", "the drill's stand-in"])
def counter(request: pytest.FixtureRequest) -> Iterator[Secret]:
    """Where something counts that is to decide as a process does."""
    if request.param == "redis":
        with redis_server() as started:
            yield started.url
        return
    standin = RedisStandIn(SystemClock())
    yield standin.url
    standin.stop()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whole=RULES, narrow=st.one_of(st.none(), RULES), acts=ACTS)
def test_redis_decides_as_a_process_does(
    counter: Secret, whole: Rule, narrow: Rule | None, acts: list[tuple[str, float, int, float, bool]]
) -> None:
    """Whatever is asked of both, in whatever order: the ways to count never come apart."""
    own = () if narrow is None else (Rule(replace(narrow.limit, name="narrow"), "shop/narrow", narrow.reserve),)
    local, told = LocalStore(), (list[tuple[str, float]](), list[tuple[str, float]]())
    with closing(Stepped(counter, prefix=f"same{next(NUMBERS)}", timeout_s=5.0)) as shared:
        shared.at_s = 1000.0
        for what, pause_s, lane, seconds, both in acts:
            shared.at_s += pause_s
            rules, now_s = (whole, *own) if both else (whole,), shared.at_s
            match what:
                case "take":
                    decisions = [each.take(rules, lane, seconds, now_s) for each in (local, shared)]
                    assert same(*decisions)
                case "release":
                    local.release(rules, lane)
                    shared.release(rules, lane)
                case _:
                    local.slow(rules, seconds, now_s, partial(note, told[0]))
                    shared.slow(rules, seconds, now_s, partial(note, told[1]))
            expected, found = local.look((whole, *own), now_s), shared.look((whole, *own), now_s)
            assert [figures(each) for each in expected] == [
                [*figures(each)[:6], each.rate_per_s or 0, each.next_s, each.paused_s] for each in found
            ]
    assert told[0] == told[1]
    assert not shared.news


def test_two_stores_on_one_server_keep_one_limit(server: RedisServer) -> None:
    """What one takes is gone for the other; another prefix, another limit."""
    one, two, other = (SharedStore(server.url, prefix=prefix, timeout_s=5.0) for prefix in ("pair", "pair", "third"))
    with closing(one), closing(two), closing(other):
        taken = [store.take((rule(burst=3),), MOVING, 0.0, 0.0) for store in (one, two, one, two, one)]
        assert [type(each) for each in taken] == [float, float, float, Refused, Refused]
        assert other.take((rule(burst=3),), MOVING, 0.0, 0.0) == 0.0
        assert [(each.left, each.shared) for each in two.look((rule(burst=3),), 0.0)] == [(0, True)]


def test_a_place_is_given_back_without_waiting_for_redis(store: SharedStore) -> None:
    """By a thread of its own: the payment is over and does not wait."""
    one = rule(None, concurrency=1)
    assert store.take((one,), MOVING, 30.0, 0.0) == 0.0
    assert isinstance(store.take((one,), MOVING, 30.0, 0.0), Full)
    store.release((one,), MOVING)
    assert eventually(lambda: store.look((one,), 0.0)[0].in_use == 0)


def test_a_place_of_a_dead_process_runs_out(store: SharedStore) -> None:
    """At the deadline of its call."""
    one = rule(None, concurrency=1)
    assert store.take((one,), MOVING, 0.1, 0.0) == 0.0
    assert isinstance(store.take((one,), MOVING, 0.1, 0.0), Full)
    assert eventually(lambda: store.take((one,), MOVING, 0.1, 0.0) == 0.0, 2.0)


def test_a_complaint_slows_every_process(server: RedisServer) -> None:
    """The one that heard of it tells Redis."""
    slowed: list[tuple[str, float, float]] = []
    one, two = (SharedStore(server.url, prefix="slow", timeout_s=5.0) for _ in range(2))
    with closing(one), closing(two):
        one.take((rule(100, 20),), MOVING, 0.0, 0.0)
        one.slow((rule(100, 20),), 30.0, 0.0, lambda *told: slowed.append((told[0].name, *told[1:])))
        assert eventually(lambda: bool(slowed))
        late = two.take((rule(100, 20),), MOVING, 1.0, 0.0)
    assert slowed == [("account", 2.0, 30.0)]
    assert isinstance(late, Refused)
    assert late.paused


def test_a_clock_that_is_set_back_changes_nothing(server: RedisServer) -> None:
    """What is booked, who is under way and how long the pause is move with it."""
    one = rule(burst=2, concurrency=2)
    with closing(Stepped(server.url, prefix="clock", timeout_s=5.0)) as store:
        store.at_s = 100_000.0
        assert store.take((one,), MOVING, 10.0, 0.0) == 0.0
        store.slow((one,), 20.0, 0.0, lambda *_: None)
        before = store.look((one,), 0.0)
        store.at_s = 50_000.0
        assert isinstance(store.take((one,), MOVING, 19.0, 0.0), Refused)
        assert before == store.look((one,), 0.0)
        store.at_s += 11.0
        assert [(each.in_use, each.paused_s) for each in store.look((one,), 0.0)] == [(0, 9.0)]


def test_redis_lost_is_a_stricter_limit_said_aloud_and_forgotten_when_it_is_back() -> None:
    """Never none, and nobody waits long: the first who notices waits for the answer, the rest for nothing."""
    one = rule(8.0, 80.0, concurrency=40)
    with redis_server() as server, closing(SharedStore(server.url, hosts=4, timeout_s=0.2)) as store:
        assert store.take((one,), MOVING, 0.0, 0.0) == 0.0
        server.stop()
        begun_s = monotonic()
        taken = [store.take((one,), MOVING, 0.1, 100.0) for _ in range(100)]
        took_s = monotonic() - begun_s
        assert [type(each) for each in taken] == [float] * 8 + [Full] * 92, "ten places, two of them for asking"
        for _ in range(8):
            store.release((one,), MOVING)
        taken = [store.take((one,), MOVING, 0.1, 100.0) for _ in range(100)]
        assert sum(isinstance(each, float) for each in taken) == 8
        assert [(each.rate_per_s, each.shared) for each in store.look((one,), 100.0)] == [(2.0, False)]
        assert took_s < 1.0
        assert store.lost
        server.start()
        assert eventually(lambda: not store.lost)
        assert store.take((one,), MOVING, 0.0, 0.0) == 0.0
        assert [(each.rate_per_s, each.shared) for each in store.look((one,), 0.0)] == [(8.0, True)]
        lost, back = store.news
    assert lost == SharedLimitsLost(place=store.place, error="ConnectionError")
    assert isinstance(back, SharedLimitsBack)
    assert 0 < back.away_s < 10


def test_a_redis_that_takes_and_never_answers_costs_one_time_out() -> None:
    """Then nobody asks it any more, until it answers the one who looks after it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        closing(SharedStore(Secret(f"redis://127.0.0.1:{silent.getsockname()[1]}"), timeout_s=0.2)) as store,
    ):
        begun_s = monotonic()
        for _ in range(50):
            store.take((rule(),), MOVING, 0.0, 0.0)
            store.release((rule(),), MOVING)
        assert monotonic() - begun_s < 1.0
        assert [SharedLimitsLost(place=store.place, error="TimeoutError")] == list(store.news)


def test_a_redis_that_answers_and_refuses_to_write_is_lost_too(server: RedisServer, store: SharedStore) -> None:
    """A replica after a failover: told once, however often it answers, until it takes writes again."""

    def tell(*words: str) -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as admin:
            admin.sendall(" ".join(words).encode() + b"\r\n")
            assert admin.recv(16).startswith(b"+OK")

    assert store.take((rule(),), MOVING, 0.0, 0.0) == 0.0
    tell("REPLICAOF", "127.0.0.1", str(free_port()))
    for _ in range(30):
        store.take((rule(),), MOVING, 0.0, 0.0)
        sleep(0.05)
    assert [SharedLimitsLost(place=store.place, error="ReadOnlyError")] == list(store.news)
    tell("REPLICAOF", "NO", "ONE")
    assert eventually(lambda: not store.lost)


def test_a_lost_redis_still_lets_the_partner_slow_us() -> None:
    """And a look at what is left notices, too, that nobody is there."""
    slowed: list[float] = []
    with closing(SharedStore(Secret(f"redis://127.0.0.1:{free_port()}"))) as store:
        assert [each.rate_per_s for each in store.look((rule(100, 20),), 0.0)] == [25.0]
        store.slow((rule(100, 20),), 0.0, 0.0, lambda _, rate_per_s, __: slowed.append(rate_per_s))
        assert [each.rate_per_s for each in store.look((rule(100, 20),), 0.0)] == [2.0]
    assert slowed == [2.0]


def test_an_idle_connection_that_redis_cut_is_not_noticed(server: RedisServer, store: SharedStore) -> None:
    """It is opened again."""
    assert store.take((rule(),), MOVING, 0.0, 0.0) == 0.0
    with socket.create_connection(("127.0.0.1", server.port)) as admin:
        admin.sendall(b"CLIENT KILL TYPE normal SKIPME yes\r\n")
        assert admin.recv(16).startswith(b":")
    assert store.take((rule(),), MOVING, 0.0, 0.0) == 0.0
    assert not store.news


def test_many_threads_share_one_store(store: SharedStore) -> None:
    """None is too many."""
    taken: list[Decision] = []

    def call() -> None:
        taken.extend(store.take((rule(0.001, 40.0),), MOVING, 0.0, 0.0) for _ in range(20))

    threads = [Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(each, float) for each in taken) == 40


def test_a_forked_process_goes_on(server: RedisServer, store: SharedStore) -> None:
    """On connections and a thread of its own."""
    one = rule(0.001, 2.0, concurrency=9)
    assert store.take((one,), MOVING, 30.0, 0.0) == 0.0
    store.release((one,), MOVING)
    child = os.fork()
    if child == 0:  # pragma: no cover - in another process
        try:
            taken = store.take((one,), MOVING, 30.0, 0.0)
            store.release((one,), MOVING)
            freed = eventually(lambda: store.look((one,), 0.0)[0].in_use == 0)
            os._exit(0 if taken == 0.0 and freed else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert isinstance(store.take((one,), MOVING, 30.0, 0.0), Refused)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1", "must begin with redis://"),
        ("rediss://:hunter2@127.0.0.1?ssl_cert_reqs=none", "would weaken it"),
        ("redis://:hunter2@127.0.0.1:port/0", "cannot be read"),
        ("redis://:hunter2@127.0.0.1/zero?socket_timeout=never", "cannot be read"),
    ],
)
def test_a_url_that_cannot_work_is_refused_without_its_password(url: str, says: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=says) as refused:
        SharedStore(Secret(url))
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of the extra."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"payport\[redis\]"):
        SharedStore(Secret("redis://127.0.0.1"))


def test_a_socket_by_its_path() -> None:
    """``unix://`` for a Redis on the same machine."""
    with closing(SharedStore(Secret("unix:///run/redis.sock"))) as store:
        assert store.place == "/run/redis.sock"
