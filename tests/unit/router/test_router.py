"""The router: who is asked first, and when another may be. A debt has one live attempt over all accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.support.corner import EURO, PAID, SILENCE, UNSENT, Corner, Wink, order

from payport.schemas import (
    ActionRequired,
    CancelledBy,
    Declined,
    Money,
    NotSent,
    NotSentCause,
    NotSentKind,
    Order,
    Pending,
    QrCode,
    QrShown,
    Reason,
    Retriable,
    Succeeded,
    Unknown,
)
from payport.schemas.payment import Fact, FactKind
from payport.sdk import (
    AsyncGateway,
    AsyncRouter,
    ConfigurationError,
    Gateway,
    Health,
    Journal,
    ReferenceConflict,
    Router,
    UnknownReference,
    avia,
    via,
)
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source
from payport.sdk.operations.learning import add_facts
from payport.sdk.testing.conformance.world import AT_ONCE, SEALING_KEY
from payport.sdk.testing.stepping import Time, WorkerClock

REF = "CORNER000001"


def refused(reason: Reason) -> Observation:
    """An authentic no."""
    return Observation(state=State.DECLINED, source=Source.REPLY, reason=reason)


class NoRoad:
    """Nothing is ever sent: the corners answer by themselves."""

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        raise AssertionError("the corner needs no network")

    def close(self) -> None:
        """Nothing is open."""


class AsyncNoRoad:
    """The same."""

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        raise AssertionError("the corner needs no network")

    async def aclose(self) -> None:
        """Nothing is open."""


@pytest.fixture
def baker() -> Corner:
    return Corner(account="baker:1", partner="baker", steps=("charge",))


@pytest.fixture
def grocer() -> Corner:
    return Corner(account="grocer:1", partner="grocer", steps=("charge",))


def till(corner: Corner, journal: Journal, time: Time) -> Gateway[Corner]:
    clock = WorkerClock(time, corner.account)
    return Gateway(corner, journal=journal, transport=NoRoad(), sinks=(), retry=AT_ONCE, clock=clock)


@pytest.fixture
def router(baker: Corner, grocer: Corner, journal: Journal, time: Time) -> Router:
    """The baker first, the grocer when the baker cannot."""
    clock = WorkerClock(time, "router")
    return Router(via(till(baker, journal, time)), via(till(grocer, journal, time)), clock=clock)


def test_the_first_suitable_route_is_asked(router: Router, baker: Corner, grocer: Corner) -> None:
    """And only that one."""
    baker.says = [PAID]
    assert isinstance(router.pay(order(), Wink()), Succeeded)
    assert (baker.did, grocer.did) == (["charge"], [])


@pytest.mark.parametrize("told", [UNSENT, refused(Reason.PARTNER_UNAVAILABLE), refused(Reason.NOT_PERMITTED)])
def test_what_lies_with_the_partner_is_tried_elsewhere(
    router: Router, baker: Corner, grocer: Corner, told: Observation
) -> None:
    """It is certain that nothing was charged."""
    baker.says = [told]
    grocer.says = [PAID]
    outcome = router.pay(order(), Wink())
    assert isinstance(outcome, Succeeded)
    assert outcome.value.account == "grocer:1"


@pytest.mark.parametrize("reason", [Reason.INSUFFICIENT_FUNDS, Reason.DECLINED, Reason.INVALID_REQUEST])
def test_what_lies_with_the_payer_is_told(router: Router, baker: Corner, grocer: Corner, reason: Reason) -> None:
    """Whether another partner may be asked is the merchant's decision: ``elsewhere``."""
    baker.says = [refused(reason)]
    assert router.pay(order(), Wink()) == Declined(reason=reason)
    assert grocer.did == []


def test_the_merchant_may_decide_otherwise(baker: Corner, grocer: Corner, journal: Journal, time: Time) -> None:
    """With a rule over ``NotSent`` and ``Declined``; the type check lets it see nothing else."""

    def always(outcome: Retriable) -> bool:
        return True

    router = Router(via(till(baker, journal, time)), via(till(grocer, journal, time)), elsewhere=always)
    baker.says, grocer.says = [refused(Reason.DECLINED)], [PAID]
    assert isinstance(router.pay(order(), Wink()), Succeeded)


def test_paybridge_one_slow_reply_is_one_charge_at_one_provider(
    router: Router, baker: Corner, grocer: Corner, time: Time
) -> None:
    """One slow reply was answered there by four charges at the first provider and one at the second.

    Here the identical request is repeated, the outcome is ``Unknown``, nobody else is asked, then or later, and the
    question settles it.
    """
    baker.says = [SILENCE] * 3
    assert isinstance(router.pay(order(), Wink()), Unknown)
    time.pass_by(5)
    baker.says = [SILENCE] * 10
    assert isinstance(router.pay(order(), Wink()), Unknown)
    assert grocer.did == []
    time.pass_by(120)
    baker.says = [PAID]
    router.gateways[0].resume()
    outcome = router.pay(order(), Wink())
    assert isinstance(outcome, Succeeded)
    assert outcome.value.account == "baker:1"
    assert grocer.did == []


def test_a_live_attempt_is_followed_where_it_lives(router: Router, baker: Corner, grocer: Corner, time: Time) -> None:
    """Though another route comes first now."""
    baker.says = [UNSENT]
    grocer.says = [Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="grocer"))]
    assert isinstance(router.pay(order(), Wink()), ActionRequired)
    assert isinstance(router.pay(order(), Wink()), ActionRequired)
    assert baker.did == ["charge"]
    assert router.at(REF).adapter.account == "grocer:1"


def test_what_is_certainly_over_where_it_lived_goes_on_elsewhere(router: Router, baker: Corner, grocer: Corner) -> None:
    """The baker was in doubt, and now says that nothing comes of it, for a reason of its own."""
    baker.says = [SILENCE] * 3
    assert isinstance(router.pay(order(), Wink()), Unknown)
    baker.says, grocer.says = [refused(Reason.PARTNER_UNAVAILABLE)], [PAID]
    assert isinstance(router.pay(order(), Wink()), Succeeded)
    assert router.at(REF).adapter.account == "grocer:1"


@dataclass
class Stall(Corner):
    """Takes one class of methods, and closes what it handed out."""

    takes: type = Wink

    def plan_pay(self, order: Order, method: object, slot: Slot) -> Plan:
        """One request."""
        if not isinstance(method, self.takes):
            raise InvalidIntent(f"{self.partner} does not take {type(method).__name__}")
        return super().plan_pay(order, Wink(), slot)

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """Another one."""
        return Plan(steps=(Step(name="close", moves_money=False, digest="close"),))

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """And another."""
        return Plan(steps=(Step(name="refund", moves_money=True, digest="refund"),))


def test_another_method_is_paid_where_it_is_taken(journal: Journal, time: Time) -> None:
    """What the payer was shown by the one method is closed where it lives, and does not keep the order there."""
    baker = Stall(account="baker:1", partner="baker", steps=("confirm",))
    grocer = Stall(account="grocer:1", partner="grocer", steps=("confirm",), takes=QrShown)
    router = Router(via(till(baker, journal, time), Wink), via(till(grocer, journal, time), QrShown))
    shown = Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="baker"))
    baker.says = [shown]
    assert isinstance(router.pay(order(), Wink()), ActionRequired)
    closed = Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED)
    baker.says, grocer.says = [replace(shown, source=Source.QUERY), closed], [PAID]
    assert isinstance(router.pay(order(), QrShown()), Succeeded)
    assert (baker.did, grocer.did) == (["confirm", "ask", "close"], ["confirm"])


def test_a_debt_lives_where_it_is_paid_and_not_where_something_was_given_back(journal: Journal, time: Time) -> None:
    """What came in late at the first account was refunded there, after the second one was paid."""
    baker = Stall(account="baker:1", partner="baker", steps=("confirm",))
    grocer = Stall(account="grocer:1", partner="grocer", steps=("confirm",))
    first: Any = till(baker, journal, time)
    second = till(grocer, journal, time)
    router = Router(via(first), via(second))
    baker.says, grocer.says = [refused(Reason.PARTNER_UNAVAILABLE)], [PAID]
    assert isinstance(router.pay(order(), Wink()), Succeeded)
    (late, _) = journal.read(lambda session: session.operations(REF))
    fact = Fact(kind=FactKind.SURPLUS_PAID, at=time.at, amount=EURO)
    journal.write(lambda session: add_facts(session, late, (fact,), time.at))
    baker.says = [Observation(state=State.SUCCEEDED, source=Source.REPLY)]
    assert isinstance(first.refund(REF, "BACK0001", EURO), Succeeded)
    assert router.at(REF) is second


def test_what_was_shown_elsewhere_is_not_shown_again_once_its_time_is_over(
    baker: Corner, grocer: Corner, journal: Journal, time: Time
) -> None:
    """Whoever is asked: nobody knows yet whether it was used."""
    grocer.says = [Observation(state=State.ACTION, source=Source.REPLY, amount=EURO, action=QrCode(text="grocer"))]
    assert isinstance(till(grocer, journal, time).pay(order(), Wink()), ActionRequired)
    other = till(baker, journal, time)
    assert isinstance(other.pay(order(), Wink()), ActionRequired)
    time.pass_by(3_601)
    assert isinstance(other.pay(order(), Wink()), Pending)
    assert baker.did == []


def test_a_live_attempt_at_an_account_without_a_route_is_told_and_not_paid_again(
    baker: Corner, grocer: Corner, journal: Journal, time: Time
) -> None:
    """The journal knows of it, though this router does not know the way."""
    grocer.says = [Observation(state=State.PENDING, source=Source.REPLY, amount=EURO)]
    till(grocer, journal, time).pay(order(), Wink())
    router = Router(via(till(baker, journal, time)))
    assert isinstance(router.pay(order(), Wink()), Pending)
    assert baker.did == []
    with pytest.raises(UnknownReference, match="grocer:1"):
        router.at(REF)


def test_another_amount_conflicts_over_all_accounts(router: Router, baker: Corner, grocer: Corner) -> None:
    """One reference, one debt, whoever is asked."""
    baker.says = [UNSENT]
    grocer.says = [UNSENT]
    assert isinstance(router.pay(order(), Wink()), NotSent)
    with pytest.raises(ReferenceConflict):
        router.pay(order(amount=EURO * 2), Wink())


def test_routes_choose_by_currency_method_and_rule(baker: Corner, grocer: Corner, journal: Journal, time: Time) -> None:
    """Small sums to the baker by winking; what nobody takes is not sent."""
    small = via(till(baker, journal, time), Wink, when=lambda order: order.amount.amount_minor < 1_000)
    large = via(till(grocer, journal, time), Wink)
    router = Router(small, large)
    baker.says, grocer.says = [PAID], [replace(PAID, amount=EURO * 10)]
    assert isinstance(router.pay(order(), Wink()), Succeeded)
    assert isinstance(router.pay(order("CORNER000002", EURO * 10), Wink()), Succeeded)
    assert (baker.did, grocer.did) == (["charge"], ["charge"])
    for nobodys in (
        router.pay(order("CORNER000003"), QrShown()),
        router.pay(order("CORNER000004", Money.of("5", "JPY")), Wink()),
    ):
        assert isinstance(nobodys, NotSent)
        assert nobodys.cause.kind is NotSentKind.UNSUPPORTED


def test_a_gateway_that_keeps_failing_is_asked_last_for_a_while(
    baker: Corner, grocer: Corner, journal: Journal, time: Time
) -> None:
    """Doubt counts as failing, though it is never failed over; then the first route is the first again."""
    clock = WorkerClock(time, "router")
    health = Health(failures=2, rest_s=60)
    router = Router(via(till(baker, journal, time), health=health), via(till(grocer, journal, time)), clock=clock)
    baker.says, grocer.says = [UNSENT], [PAID]
    router.pay(order("CORNER000001"), Wink())
    baker.says = [SILENCE] * 3
    assert isinstance(router.pay(order("CORNER000002"), Wink()), Unknown)
    baker.did.clear()
    grocer.says = [PAID]
    assert isinstance(router.pay(order("CORNER000003"), Wink()), Succeeded)
    assert baker.did == []
    time.pass_by(61)
    baker.says = [PAID]
    assert isinstance(router.pay(order("CORNER000004"), Wink()), Succeeded)
    assert baker.did == ["charge"]


@pytest.mark.parametrize(
    ("kind", "retry_after_s", "rests_s"),
    [
        (NotSentKind.BREAKER_OPEN, 15.0, 15.0),
        (NotSentKind.PARTNER_SUSPENDED, None, 60.0),
    ],
)
def test_a_partner_that_is_left_alone_is_asked_last_at_once(
    baker: Corner, grocer: Corner, journal: Journal, time: Time, kind: NotSentKind, retry_after_s: float, rests_s: float
) -> None:
    """The order goes to the next; those after it go there straight away, for as long as the first one said."""
    health = Health(failures=9, rest_s=60)
    router = Router(
        via(till(baker, journal, time), health=health),
        via(till(grocer, journal, time)),
        clock=WorkerClock(time, "router"),
    )
    shut = Observation(
        state=State.NOT_SENT, source=Source.LOCAL, not_sent=NotSentCause(kind, "left alone", retry_after_s)
    )
    baker.says, grocer.says = [shut], [PAID, PAID]
    assert isinstance(router.pay(order("CORNER000001"), Wink()), Succeeded)
    assert isinstance(router.pay(order("CORNER000002"), Wink()), Succeeded)
    assert (baker.did, grocer.did) == (["charge"], ["charge", "charge"])
    time.pass_by(rests_s)
    baker.says = [PAID]
    assert isinstance(router.pay(order("CORNER000003"), Wink()), Succeeded)
    assert baker.did == ["charge", "charge"]


def test_what_a_rule_holds_is_not_tried_elsewhere(router: Router, baker: Corner, grocer: Corner) -> None:
    """A person is to look first."""
    held = NotSentCause(NotSentKind.HELD, "ten times the usual amount")
    baker.says = [Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=held)]
    assert isinstance(router.pay(order(), Wink()), NotSent)
    assert grocer.did == []


def test_a_router_that_cannot_be_safe_is_not_built(baker: Corner, journal: Journal, time: Time) -> None:
    """Two journals could each open an attempt; two gateways of one account are one too many."""
    with Journal.open("sqlite:///:memory:?durable=no", sealing_key=SEALING_KEY) as another:
        other = Corner(account="grocer:1")
        with pytest.raises(ConfigurationError, match="share one Journal"):
            Router(via(till(baker, journal, time)), via(till(other, another, time)))
    with pytest.raises(ConfigurationError, match="same account"):
        Router(via(till(baker, journal, time)), via(till(baker, journal, time)))
    with pytest.raises(ConfigurationError, match="at least one"):
        Router()
    bare: Any = till(baker, journal, time)
    with pytest.raises(ConfigurationError, match=r"write via\(gateway\), got Gateway"):
        Router(bare)


def test_an_order_nobody_knows_lives_nowhere(router: Router) -> None:
    """So there is no gateway to ask."""
    with pytest.raises(UnknownReference):
        router.at("CORNER000009")


@pytest.mark.anyio
async def test_the_async_router_does_the_same(baker: Corner, grocer: Corner, journal: Journal, time: Time) -> None:
    """Not sent at the first, paid at the second, asked where it lives."""

    def desk(corner: Corner) -> AsyncGateway[Corner]:
        clock = WorkerClock(time, corner.account)
        return AsyncGateway(corner, journal=journal, transport=AsyncNoRoad(), sinks=(), retry=AT_ONCE, clock=clock)

    router = AsyncRouter(avia(desk(baker)), avia(desk(grocer)), clock=WorkerClock(time, "router"))
    baker.says, grocer.says = [UNSENT], [PAID]
    assert isinstance(await router.pay(order(), Wink()), Succeeded)
    assert (await router.at(REF)).adapter.account == "grocer:1"
    assert len(router.gateways) == 2
