"""Call limits in front of a gateway: wait inside the deadline, else ``NotSent(rate_limited)``; heed complaints."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.corner import ABSENT, PAID
from tests.support.pier import CLOSED, LOST, Shop

from payport.schemas import NotSent, NotSentKind, Succeeded
from payport.schemas.outcome import PayOutcome, Reason
from payport.sdk.events import RequestRefused, Slowed
from payport.sdk.hosting import Asked
from payport.sdk.journal.records import State
from payport.sdk.journal.store import Journal
from payport.sdk.limits import Limiter, LimitStore, LocalStore
from payport.sdk.message import AskAgain, FailureKind, Purpose, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source
from payport.sdk.profile import CallLimit, each_second
from payport.sdk.testing.stepping import Time, WorkerClock

WHOLE = CallLimit(name="account", rate_per_s=1.0, burst=1.0)
BUSY = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.RATE_LIMITED, retry_after_s=30.0)


def limiter(time: Time, *limits: CallLimit, account: str = "corner:1", store: LimitStore | None = None) -> Limiter:
    """Limits on the test's time."""
    return Limiter(account, limits, clock=WorkerClock(time, "limits"), store=store)


def ask(time: Time, limits: Limiter, endpoint: str = "pay", method: str = "POST", left_s: float = 0.0) -> object:
    """Whether one more may go out."""
    now_s = WorkerClock(time, "").moment().monotonic_s
    request = WireRequest(
        endpoint=endpoint, moves_money=True, method=method, url="https://corner/", headers={}, content=b""
    )
    return limits.admit(Asked("corner", "corner:1", request, left_s, Purpose.MOVE, now_s))


def kind(outcome: PayOutcome[str]) -> NotSentKind:
    """Why nothing was sent."""
    assert isinstance(outcome, NotSent)
    return outcome.cause.kind


def test_a_payment_waits_for_its_turn_inside_its_deadline(journal: Journal, time: Time) -> None:
    """And one whose turn comes too late is not sent at all, is told when to come back, and takes no turn."""
    shop = Shop(journal, time, admissions=[limiter(time, WHOLE)])
    shop.pay(PAID)
    assert isinstance(shop.pay(PAID, ref="CORNER000002", deadline_s=10), Succeeded)
    assert shop.pier.sent_at == [0.0, 1.0]
    late = shop.pay(PAID, ref="CORNER000003", deadline_s=0.5)
    assert isinstance(late, NotSent)
    assert (late.cause.kind, late.cause.retry_after_s) == (NotSentKind.RATE_LIMITED, 1.0)
    assert late.cause.detail == (
        "corner:1 is called too often: the next turn of its limit 'account' is in 1 s, and this call has no time to "
        "wait for it"
    )
    assert [each.kind for each in shop.pier.news if isinstance(each, RequestRefused)] == [FailureKind.RATE_LIMITED]
    time.pass_by(1.0)
    assert isinstance(shop.pay(PAID, ref="CORNER000003"), Succeeded)
    assert shop.pier.sent_at == [0.0, 1.0, 2.0]


def test_endpoints_have_limits_of_their_own(time: Time) -> None:
    """A pattern, a method, each endpoint by itself; what fits several counts under all of them."""
    limits = limiter(
        time,
        CallLimit(name="refunds", rate_per_s=1, burst=2, endpoints=("POST /refunds",)),
        CallLimit(name="reads", rate_per_s=1, burst=3, methods=frozenset({"GET"})),
        CallLimit(name="endpoint", rate_per_s=1, burst=4, each=True, endpoints=("v2/*",)),
    )

    def most(endpoint: str, method: str = "POST") -> int:
        return sum(ask(time, limits, endpoint, method) is None for _ in range(9))

    assert [most("POST /refunds"), most("orders", "GET"), most("orders")] == [2, 3, 9]
    assert [most("v2/a"), most("v2/b")] == [4, 4]
    time.pass_by(60.0)
    assert most("v2/c", "GET") == 3, "the narrowest of two holds"
    assert {"account", "refunds", "reads", "endpoint v2/a", "endpoint v2/b", "endpoint v2/c"} == {
        each.name for each in limits.left()
    }


def test_a_limit_of_n_a_second_has_no_second_with_more() -> None:
    """Burst and rate together: wherever the partner lets its seconds begin."""
    assert [each_second(calls) for calls in (100, 25, 3)] == [(80.0, 20.0), (20.0, 5.0), (2.0, 1.0)]


def test_gateways_of_one_account_share_what_is_left(journal: Journal, time: Time) -> None:
    """One limiter, or one store: the second gateway waits for the first. Another account has its own."""
    store = LocalStore()
    shops = [Shop(journal, time, admissions=[limiter(time, WHOLE, store=store)]) for _ in range(2)]
    other = Shop(journal, time, admissions=[limiter(time, WHOLE, account="corner:2", store=store)])
    for number, shop in enumerate([*shops, other]):
        shop.pay(PAID, ref=f"CORNER00001{number}")
    assert [shop.pier.sent_at[0] for shop in (*shops, other)] == [0.0, 1.0, 1.0]


def test_accounts_of_one_service_provider_are_counted_together(time: Time) -> None:
    """Where the partner counts by the number of the provider."""
    store, both = LocalStore(), CallLimit(name="account", rate_per_s=1, burst=2, per="corner:provider")
    one, two = (limiter(time, both, account=account, store=store) for account in ("corner:1", "corner:2"))
    assert [ask(time, one), ask(time, two)] == [None, None]
    assert isinstance(ask(time, one), SendFailure)


def test_a_place_is_waited_for_and_given_back(journal: Journal, time: Time) -> None:
    """By the answer, by a failure, and by a transport that refuses: each frees the place for the next."""
    limits = limiter(time, CallLimit(name="account", concurrency=1))
    shop = Shop(journal, time, admissions=[limits])
    lost = SendFailure(FailureKind.CONNECTION_LOST, may_have_left=True, detail="gone")
    shut = SendFailure(FailureKind.REFUSED, may_have_left=False, detail="closed")
    shop.pier.answers += [WireReply(200, (), b""), lost, shut]
    for number in range(4):
        shop.pay(PAID, ref=f"CORNER00000{number}")
    assert shop.pier.sent_at == [0.0] * 4
    assert ask(time, limits, left_s=5.0) is None
    assert AskAgain(0.02) == ask(time, limits, left_s=1.0)
    refused = ask(time, limits, left_s=0.01)
    assert isinstance(refused, SendFailure)
    assert "all 1 places of its limit 'account' are taken" in refused.detail
    assert isinstance(shop.pay(PAID, ref="CORNER000005"), Succeeded), "whoever died with the place is not waited for"
    assert pytest.approx(5.0, abs=0.03) == shop.pier.sent_at[-1]


COMPLAINTS: list[tuple[WireReply, Observation, float]] = [
    (WireReply(429, (("retry-after", "30"),), b""), BUSY, 30.0),
    (WireReply(429, (("retry-after", "30"),), b""), LOST, 30.0),
    (WireReply(503, (("retry-after", "30"),), b""), LOST, 30.0),
    (WireReply(200, (), b""), BUSY, 30.0),
    (WireReply(429, (), b""), LOST, 0.0),
]


@pytest.mark.parametrize(("reply", "says", "pause_s"), COMPLAINTS)
def test_a_partner_that_is_called_too_often_is_called_less(
    journal: Journal, time: Time, reply: WireReply, says: Observation, pause_s: float
) -> None:
    """By status or by its own word; ``Retry-After`` is waited out, and the rate halves. One complaint counts once."""
    limits = limiter(time, CallLimit(name="account", rate_per_s=100, burst=20))
    shop = Shop(journal, time, admissions=[limits])
    shop.pier.answers.append(reply)
    shop.pay(says)
    (slowed,) = [event for event in shop.pier.news if isinstance(event, Slowed)]
    assert Slowed(partner="corner", account="corner:1", limit="account", rate_per_s=2.0, pause_s=pause_s) == slowed
    (left,) = limits.left()
    assert (2.0, 100.0, pause_s) == (left.rate_per_s, left.usual_per_s, left.paused_s)
    outcome = shop.pay(PAID, ref="CORNER000002")
    if pause_s:
        assert kind(outcome) is NotSentKind.RATE_LIMITED
        assert "the partner wants to be left alone for 30 s more" in str(outcome)
    else:
        assert isinstance(outcome, Succeeded)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (WireReply(200, (("retry-after", "9"),), b""), PAID),
        (WireReply(500, (), b""), LOST),
        (WireReply(503, (), b""), LOST),
    ],
)
def test_what_is_no_complaint_slows_nothing(journal: Journal, time: Time, reply: WireReply, says: Observation) -> None:
    """A fault of the partner's is the breaker's business."""
    limits = limiter(time, CallLimit(name="account", rate_per_s=100, burst=20))
    shop = Shop(journal, time, admissions=[limits])
    shop.pier.answers.append(reply)
    shop.pay(says)
    assert (limits.left()[0].rate_per_s, limits.left()[0].paused_s) == (100.0, 0.0)


def test_a_complaint_about_an_endpoint_slows_that_endpoint(journal: Journal, time: Time) -> None:
    """The narrowest limit that it counted under; what else the account does goes on."""
    step = CallLimit(name="step", rate_per_s=50, burst=10, endpoints=("create",))
    limits = limiter(time, step)
    shop = Shop(journal, time, admissions=[limits])
    shop.pier.answers.append(WireReply(429, (), b""))
    shop.pay(LOST)
    assert {each.name: each.rate_per_s for each in limits.left()} == {"step": 2.0, "account": None}


def cancel(shop: Shop) -> object:
    """Close what may be open."""
    shop.corner.says[:] = [CLOSED]
    return shop.gateway.cancel("CORNER000001", deadline_s=1.0)


FINDING_OUT: list[tuple[Callable[[Shop], object], int]] = [
    (lambda shop: shop.resume(ABSENT, PAID, after_s=10.0), 2),
    (cancel, 1),
]


@pytest.mark.parametrize(("settle", "requests"), FINDING_OUT)
def test_what_is_under_way_is_settled_while_payments_queue(
    journal: Journal, time: Time, settle: Callable[[Shop], object], requests: int
) -> None:
    """A question, a repetition and a cancel have turns of their own."""
    limits = limiter(time, CallLimit(name="account", rate_per_s=1.0, burst=5))
    shop = Shop(journal, time, admissions=[limits])
    shop.pay(LOST)
    time.pass_by(20.0)
    while ask(time, limits, left_s=60.0) is None or limits.left()[0].next_s < 50.0:
        pass
    assert kind(shop.pay(PAID, ref="CORNER000002", deadline_s=10)) is NotSentKind.RATE_LIMITED
    before = len(shop.pier.sent_at)
    time.pass_by(10.0)
    settle(shop)
    assert requests == len(shop.pier.sent_at) - before
    assert tuple(shop.gateway.open_operations()) == ()


def test_a_share_that_leaves_nothing_to_payments_is_refused() -> None:
    """The reserve is a share."""
    with pytest.raises(ValueError, match="less than 1"):
        Limiter("corner:1", reserve=1.0)


@pytest.mark.parametrize("wrong", [{"rate_per_s": 0}, {"burst": 0.5}, {"concurrency": 0}, {"rate_per_s": float("inf")}])
def test_a_limit_that_cannot_be_kept_is_refused(wrong: dict[str, float]) -> None:
    """By name."""
    with pytest.raises(ValueError, match="the limit refunds"):
        CallLimit(name="refunds", **wrong)  # type: ignore[arg-type]  # that is the point
