"""The operations with an adapter of one's own: several steps, no capture, other ladders, two accounts, one journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.corner import (
    ABSENT,
    EURO,
    GO_ON,
    PAID,
    SILENCE,
    UNSENT,
    Corner,
    NoRoad,
    Wink,
    gateway,
    leases_run_out,
    order,
)
from tests.support.journal_records import intend

from payport.schemas import (
    Declined,
    NotSent,
    NotSentKind,
    Order,
    Pending,
    Reason,
    Succeeded,
    Unknown,
    UnknownKind,
)
from payport.schemas.order import CaptureMode
from payport.sdk.exchange import Exchange, now, sleep
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import SyncHost
from payport.sdk.journal.records import Operation, State
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation, Source
from payport.sdk.operations.paying import method_digest
from payport.sdk.secrets import Secret
from payport.sdk.testing.conformance.checks.dying import FailingHost
from payport.sdk.testing.stepping import MORNING, Run, Time, WorkerClock


def test_each_step_is_written_down_before_the_next_one_leaves(journal: Journal, time: Time) -> None:
    """The partner's numbers too."""
    corner = Corner(says=[GO_ON, PAID])
    assert isinstance(gateway(corner, journal, time).pay(order(), Wink()), Succeeded)
    assert corner.did == ["create", "confirm"]
    (paid,) = journal.read(lambda session: session.operations("CORNER000001"))
    assert paid.ids == {"intent": "pi_1"}
    assert [step.done for step in paid.steps] == [True, True]


def test_a_step_without_an_answer_stops_the_rest_and_resume_goes_on_with_it(journal: Journal, time: Time) -> None:
    """The first step is repeated, then the second one leaves for the first time."""
    corner = Corner(says=[SILENCE, SILENCE, SILENCE])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    assert corner.did == ["create"] * 3
    time.pass_by(20)
    corner.says = [ABSENT, GO_ON, PAID]
    till.resume()
    assert corner.did[3:] == ["ask", "create", "confirm"]
    assert isinstance(till.pay(order(), Wink()), Succeeded)


def test_a_step_whose_answer_could_not_be_written_down_stops_the_rest(journal: Journal, time: Time) -> None:
    """What it learnt is lost, so nothing is built on it: told as a doubt, and resume begins with that step again."""
    corner = Corner(says=[GO_ON])
    till = gateway(corner, journal, time)
    desk = till._desk
    run = Run(desk.pay(corner, order(), Wink(), 10), SyncHost(around=desk.around, transport=NoRoad()))
    run.host = FailingHost(around=desk.around, transport=NoRoad(), fails_at=1, times=1)
    told = run.finish()
    assert isinstance(told, Unknown)
    assert told.cause.kind is UnknownKind.STORAGE
    assert corner.did == ["create"]
    time.pass_by(20)
    corner.says = [ABSENT, GO_ON, PAID]
    leases_run_out(journal)
    till.resume()
    assert corner.did[1:] == ["ask", "create", "confirm"]
    assert isinstance(till.pay(order(), Wink()), Succeeded)


def test_a_step_that_was_not_sent_after_one_that_was_is_no_not_sent(journal: Journal, time: Time) -> None:
    """Nothing of the payment left, but that it was begun is outside: asked about, not given up."""
    corner = Corner(says=[GO_ON, UNSENT])
    assert isinstance(gateway(corner, journal, time).pay(order(), Wink()), Unknown)


def test_another_partners_ladder_is_no_error(journal: Journal, time: Time) -> None:
    """An order that is open at one partner, asked for at another, is told as it stands."""
    pending = Observation(state=State.PENDING, source=Source.REPLY)
    assert isinstance(gateway(Corner(says=[pending], steps=("confirm",)), journal, time).pay(order(), Wink()), Pending)
    other = gateway(Corner(account="baker:1", partner="baker", ladder="quick"), journal, time)
    told = other.pay(order(), Wink())
    assert isinstance(told, Pending)
    assert told.ask_again_s == 7.0
    assert other.query("CORNER000001").source == "journal"
    assert isinstance(other.wait("CORNER000001", 3), Pending)


def test_an_order_is_cancelled_where_it_lives(journal: Journal, time: Time) -> None:
    """Another account does not know it, which would look like an order that nobody can pay."""
    pending = Observation(state=State.PENDING, source=Source.REPLY)
    gateway(Corner(says=[pending], steps=("confirm",)), journal, time).pay(order(), Wink())
    other = gateway(Corner(account="corner:2"), journal, time)
    told: object = getattr(other, "cancel")("CORNER000001")  # noqa: B009 - the type check forbids it
    assert isinstance(told, NotSent)
    assert "corner:1" in told.cause.detail


@pytest.mark.parametrize("verb", ["cancel", "capture", "refund", "adopt", "payout"])
def test_a_verb_that_a_dynamic_adapter_lacks_is_not_sent(journal: Journal, time: Time, verb: str) -> None:
    """For an adapter loaded by name, where no type check can tell."""
    corner = Corner(says=[PAID], steps=("confirm",))
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    arguments: dict[str, tuple[object, ...]] = {
        "cancel": ("CORNER000001",),
        "capture": ("CORNER000001",),
        "refund": ("CORNER000001", "BACK0001", EURO),
        "adopt": ("CORNER000002", "pi_1"),
        "payout": (order(), None),
    }
    told = getattr(till, verb)(*arguments[verb])
    assert isinstance(told, NotSent)
    assert told.cause.kind is NotSentKind.UNSUPPORTED


@dataclass(frozen=True)
class Tap:
    """A way of paying of one's own, whose code is a secret."""

    code: Secret


def test_another_secret_code_is_another_way_of_paying() -> None:
    """Though neither shows itself."""
    one, other = (method_digest(Tap(Secret(code)), CaptureMode.AUTOMATIC) for code in ("28763443", "28763444"))
    assert one != other
    assert one == method_digest(Tap(Secret("28763443")), CaptureMode.AUTOMATIC)


class Nobody:
    """An adapter that charges nobody."""

    partner, account, profile, trust = "corner", "corner:1", Corner().profile, None


def test_where_nobody_is_charged_nothing_is_prepared(journal: Journal, time: Time) -> None:
    """As ``pay`` says it."""
    nobody: Any = Nobody()
    till = gateway(nobody, journal, time)
    for told in (
        till.pay(order(), Wink()),
        journal.write(lambda session: till._desk.prepare_in(session, nobody, order(), Wink())),
    ):
        assert isinstance(told, NotSent)
        assert told.cause.kind is NotSentKind.UNSUPPORTED


def test_what_the_adapter_refuses_opens_no_debt(journal: Journal, time: Time) -> None:
    """The message is the adapter's."""
    till = gateway(Corner(says=[PAID], steps=("confirm",)), journal, time)
    told = till.pay(order(), Wink(eye="none"))
    assert isinstance(told, NotSent)
    assert told.cause.detail == "nobody winks without an eye"
    assert isinstance(till.pay(order(amount=EURO), Wink()), Succeeded)


@pytest.mark.parametrize(
    ("until", "detail"),
    [(MORNING - timedelta(seconds=1), "has passed"), (MORNING + timedelta(days=16), "keeps an order open")],
)
def test_an_order_has_a_life_that_the_partner_takes(journal: Journal, time: Time, until: datetime, detail: str) -> None:
    """Not over, not longer than the partner's longest."""
    late = Order(ref="CORNER000001", amount=EURO, subject="Bread", payable_until=until)
    told = gateway(Corner(), journal, time).pay(late, Wink())
    assert isinstance(told, NotSent)
    assert detail in told.cause.detail


def test_the_native_record_of_another_order_is_not_handed_out(journal: Journal, time: Time) -> None:
    """Paid by a notice while the reply, about something else, was on its way: the notice's word, nobody's slip."""
    corner = Corner(says=[PAID], steps=("confirm",))
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Succeeded)
    corner.says = [replace(PAID, amount=EURO * 2, native="a slip for six euros")]
    observed = till.query("CORNER000001")
    assert isinstance(observed.outcome, Succeeded)
    assert observed.outcome.value.native is None


def test_wait_asks_as_the_ladder_says_until_it_is_final(journal: Journal, time: Time) -> None:
    """Every seven seconds at most five, until paid; or until time is up."""
    pending = Observation(state=State.PENDING, source=Source.REPLY)
    corner = Corner(says=[pending], steps=("confirm",), ladder="default")
    till = gateway(corner, journal, time)
    till.pay(order(), Wink())
    corner.says = [pending, pending]
    assert isinstance(till.wait("CORNER000001", 8), Pending)
    corner.says = [pending, PAID]
    assert isinstance(till.wait("CORNER000001", 60), Succeeded)
    assert isinstance(till.wait("CORNER000001", 60), Succeeded)


@dataclass
class Silent(Corner):
    """A question gets no answer, as long as one listens; the first time, the partner tells somebody else meanwhile."""

    meanwhile: Callable[[], object] = lambda: None

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Wait for it to the end."""
        self.meanwhile()
        yield from sleep(deadline_s - (yield from now()).monotonic_s)
        return SILENCE


def test_who_waits_for_an_hour_does_not_listen_for_an_hour(journal: Journal, time: Time) -> None:
    """A notice may have settled the order while one question stays without an answer."""
    pending = Observation(state=State.PENDING, source=Source.REPLY)
    silent = Silent(says=[pending], steps=("confirm",))
    till = gateway(silent, journal, time)
    till.pay(order(), Wink())
    told = gateway(Corner(account=silent.account, says=[replace(PAID, source=Source.QUERY)]), journal, time)
    silent.meanwhile = lambda: told.query("CORNER000001") if told.adapter.says else None
    assert isinstance(till.wait("CORNER000001", 3_600), Succeeded)
    assert time.at < MORNING + timedelta(minutes=1)


def test_refusals_are_told_with_the_partners_code(journal: Journal, time: Time) -> None:
    """And the next call opens the next attempt."""
    no = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.LIMIT_EXCEEDED, partner_code="L1")
    corner = Corner(says=[no, PAID], steps=("confirm",))
    till = gateway(corner, journal, time)
    assert till.pay(order(), Wink()) == Declined(reason=Reason.LIMIT_EXCEEDED, partner_code="L1")
    assert isinstance(till.pay(order(), Wink()), Succeeded)


def test_two_gateways_that_were_given_one_clock_do_not_hold_one_lease(journal: Journal, time: Time) -> None:
    """Each call has a name of its own in the whole process."""
    attempt = journal.write(intend())
    clock = WorkerClock(time, "till")
    taken: list[bool] = []
    for _ in range(2):
        till = Gateway(Corner(), journal=journal, transport=NoRoad(), sinks=(), clock=clock)
        owner = till._desk._setup("pay").owner  # pyright: ignore[reportPrivateUsage]
        taken.append(journal.write(lambda session, owner=owner: session.lease(attempt.id, owner, 30.0)))  # type: ignore[misc] # bound now
    assert taken == [True, False]
