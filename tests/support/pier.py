"""A pier at the corner: everything that goes out, and what may let it go, in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.support.corner import Corner, Wink, order

from payport.schemas import PartnerId
from payport.schemas.outcome import PayOutcome, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.adapter import Adapter, Answer, Found, Plan, Slot
from payport.sdk.calling import call
from payport.sdk.events import ReplyJudged, RequestSent, SdkEvent
from payport.sdk.exchange import Exchange
from payport.sdk.gateway import Gateway
from payport.sdk.hosting import Admission, Asked
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.store import Journal
from payport.sdk.message import Purpose, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.operations.resuming import Resumed
from payport.sdk.profile import Ladder, Profile
from payport.sdk.retry import RetryPolicy
from payport.sdk.testing.stepping import Time, WorkerClock

LOST = doubt(Source.REPLY, UnknownKind.TIMED_OUT, "silence")
CLOSED = Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED)


def request(endpoint: str, *, moves_money: bool) -> WireRequest:
    """A request to the corner."""
    return WireRequest(
        endpoint=endpoint, moves_money=moves_money, method="POST", url="https://corner/", headers={}, content=b""
    )


@dataclass
class Calling(Corner):
    """The shop around the corner, which is called for every step and question. Its cancels need a step too."""

    fence_after_s: float | None = None
    answers_queries: bool = True

    @property
    def profile(self) -> Profile:
        """Fences by age when it is told to."""
        ladder = Ladder(ask_after_s=(7.0,), fence_after_s=self.fence_after_s)
        ladders = {"default": ladder, "slow": ladder}
        return replace(super().profile, ladders=ladders, answers_queries=self.answers_queries)

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Call, then say what comes next. Like an order that is made before it is confirmed, no step says of itself
        that it moves money."""
        reply = yield from call(self, request(step.name, moves_money=False), deadline_s)
        return reply if isinstance(reply, Observation) else self.says.pop(0)

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """The same."""
        reply = yield from call(self, request("ask", moves_money=False), deadline_s)
        return reply if isinstance(reply, Observation) else self.says.pop(0)

    def find(self, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
        """Found under the first reference."""
        yield from call(self, request("find", moves_money=False), deadline_s)
        return Found(partner_ref="CORNER000001", observation=self.says.pop(0))

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """One step."""
        return Plan(steps=(Step(name="close", moves_money=True, digest="close"),))


@dataclass
class Pier:
    """Where everything arrives. ``asked``: what for; ``told``: what was heard of it, by what for; ``news``: the rest.

    ``answers``: what the next requests get instead of 200; ``took_s``: how long each answer takes.
    """

    time: Time = field(default_factory=Time)
    answers: list[WireReply | SendFailure] = field(default_factory=list[WireReply | SendFailure])
    took_s: float = 0.0
    sent_at: list[float] = field(default_factory=list[float])
    news: list[SdkEvent] = field(default_factory=list[SdkEvent])
    asked: list[tuple[str, Purpose]] = field(default_factory=list[tuple[str, Purpose]])
    told: list[tuple[str, str, Purpose | None]] = field(default_factory=list[tuple[str, str, Purpose | None]])

    def admit(self, asked: Asked) -> None:
        """Let it go."""
        self.asked.append((asked.request.endpoint, asked.purpose))

    def __call__(self, event: SdkEvent) -> None:
        """Note it."""
        if isinstance(event, RequestSent | ReplyJudged):
            self.told.append((event.name, event.endpoint, event.purpose))
        else:
            self.news.append(event)

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """It arrives."""
        self.sent_at.append(WorkerClock(self.time, "pier").moment().monotonic_s)
        self.time.pass_by(self.took_s)
        return self.answers.pop(0) if self.answers else WireReply(200, (), b"{}")

    def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class Bell:
    """An endpoint of the corner."""

    moves_money: bool
    name: str = "bell"
    partner: str = "corner"

    def call(self, adapter: Adapter, request_: None, deadline_s: float) -> Exchange[Answer[str] | Observation]:
        """Ring it."""
        yield from call(adapter, request(self.name, moves_money=self.moves_money), deadline_s)
        return Answer("rang")


class Shop:
    """A gateway at the corner, with everything that goes out in view. ``admissions``: who decides, before the pier."""

    def __init__(
        self, journal: Journal, time: Time, corner: Calling | None = None, *, admissions: Sequence[Admission] = ()
    ) -> None:
        self.corner = corner or Calling(steps=("create",))
        self.pier, self.time = Pier(time), time
        self.gateway = Gateway(
            self.corner, journal=journal, transport=self.pier, clock=WorkerClock(time, "till"), sinks=(),
            admissions=(*admissions, self.pier), retry=RetryPolicy(max_attempts=1),
        )  # fmt: skip

    def pay(self, *says: Observation, ref: str = "CORNER000001", deadline_s: float = 10.0) -> PayOutcome[str]:
        """One order, and what the partner says of it."""
        self.corner.says[:] = says
        return self.gateway.pay(order(ref), Wink(), deadline_s=deadline_s)

    def resume(self, *says: Observation, after_s: float = 60.0) -> Resumed:
        """Time passes, and what is open is looked at again."""
        self.corner.says[:] = says
        self.time.pass_by(after_s)
        return self.gateway.resume()
