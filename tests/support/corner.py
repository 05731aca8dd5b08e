"""The shop around the corner: an adapter that says what it is told to say, for tests of the operations themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from payport.schemas import Money, NotSentCause, NotSentKind, Order, PayOutcome, Rejected, UnknownKind
from payport.schemas.events import RawNotification
from payport.sdk.adapter import InvalidIntent, Opened, Plan, Slot
from payport.sdk.exchange import Exchange, Record, now
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import SyncHost
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.store import Journal
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.operations.resuming import Resumed
from payport.sdk.profile import Ladder, Profile
from payport.sdk.testing.conformance.world import AT_ONCE
from payport.sdk.testing.stepping import MORNING, Run, T_co, Time, WorkerClock
from payport.sdk.tls import Trust

REF = "CORNER000001"
EURO = Money.of("3.00", "EUR")
GO_ON = Observation(state=State.DOUBT, source=Source.REPLY, ids={"intent": "pi_1"})
PAID = Observation(state=State.SUCCEEDED, source=Source.REPLY, amount=EURO)
SILENCE = doubt(Source.REPLY, UnknownKind.TIMED_OUT, "silence", again=True)
ABSENT = doubt(Source.QUERY, UnknownKind.NOT_FOUND, "not here")
UNSENT = Observation(
    state=State.NOT_SENT, source=Source.LOCAL, not_sent=NotSentCause(NotSentKind.UNREACHABLE, "no road")
)


CornerT = TypeVar("CornerT", bound="Corner")


@dataclass(frozen=True)
class Wink:
    """How one pays at the corner."""

    eye: str = "left"


@dataclass
class Corner:
    """The shop around the corner. ``says``: its answers in order, to steps and questions. ``did``: what it was told."""

    account: str = "corner:1"
    says: list[Observation] = field(default_factory=list[Observation])
    did: list[str] = field(default_factory=list[str])
    steps: tuple[str, ...] = ("create", "confirm")
    ladder: str = "slow"
    partner: str = "corner"
    trust: Trust | None = None

    @property
    def profile(self) -> Profile:
        """Euros and dollars."""
        ladders = {"default": Ladder(ask_after_s=(7.0,)), self.ladder: Ladder(ask_after_s=(9.0,))}
        return Profile(
            partner=self.partner,
            hosts=frozenset({"corner.example"}),
            currencies=frozenset({"EUR", "USD"}),
            ladders=ladders,
        )

    def plan_pay(self, order: Order, method: Wink, slot: Slot) -> Plan:
        """Each step can be repeated."""
        if method.eye == "none":
            raise InvalidIntent("nobody winks without an eye")
        steps = tuple(
            Step(name=name, moves_money=name == "confirm", digest=name, request=name.encode(), replayable=True)
            for name in self.steps
        )
        return Plan(steps=steps, ladder=self.ladder)

    def native_payment(self, native: object) -> str | None:
        """A slip of paper."""
        return native if isinstance(native, str) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Whatever comes next."""
        yield from now()
        self.did.append(step.name)
        return self.says.pop(0)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Whatever comes next."""
        yield from now()
        self.did.append("ask")
        return self.says.pop(0)

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """It sends none."""
        raise NotImplementedError


class NoRoad:
    """Nothing is ever sent."""

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        raise AssertionError("the corner needs no network")

    def close(self) -> None:
        """Nothing is open."""


def gateway(corner: CornerT, journal: Journal, time: Time) -> Gateway[CornerT]:
    """A till at the corner."""
    clock = WorkerClock(time, corner.account)
    return Gateway(corner, journal=journal, transport=NoRoad(), sinks=(), retry=AT_ONCE, clock=clock)


@dataclass
class TwoTills:
    """Two workers of one journal, each at a till of its own."""

    journal: Journal
    time: Time
    one: Corner = field(default_factory=lambda: Corner(steps=("confirm",)))
    other: Corner = field(default_factory=lambda: Corner(steps=("confirm",)))

    def __post_init__(self) -> None:
        self.tills = [gateway(corner, self.journal, self.time) for corner in (self.one, self.other)]

    def pays(self, method: Wink | None = None, *, stops_before: str) -> Run[PayOutcome[str]]:
        """The first worker pays, stands still before it writes this, and loses its lease."""
        run = stepped(self.tills[0], self.tills[0]._desk.pay(self.one, order(), method or Wink(), 10.0))
        stop_before(run, stops_before)
        self.time.pass_by(60)
        leases_run_out(self.journal)
        return run

    def resumes(self, *, stops_before: str) -> Run[Resumed]:
        """The second worker takes over, and stands still before it writes this."""
        run = stepped(self.tills[1], self.tills[1]._desk.resume(60.0))
        stop_before(run, stops_before)
        return run

    @property
    def payment(self) -> Operation:
        """The one attempt."""
        (found,) = self.journal.read(lambda session: session.operations(REF))
        return found


def order(ref: str = REF, amount: Money = EURO) -> Order:
    return Order(ref=ref, amount=amount, subject="Bread", payable_until=MORNING + timedelta(hours=1))


def leases_run_out(journal: Journal) -> None:
    """As if so much time had passed on the database's clock."""
    sql = "UPDATE payport_operation SET lease_owner = NULL, lease_until = NULL"
    journal.write(lambda session: session._cursor.execute(sql))  # type: ignore[attr-defined] # below the interface


def stepped(till: Gateway[CornerT], work: Exchange[T_co]) -> Run[T_co]:
    """A call of a till's desk, one effect at a time."""
    return Run(work, SyncHost(around=till._desk.around, transport=till._transport))


def stop_before(run: Run[T_co], name: str) -> None:
    """Let it go on until it is about to write this."""
    while not (isinstance(run.next_effect, Record) and run.next_effect.name == name):
        run.step()
