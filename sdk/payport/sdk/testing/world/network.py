"""What becomes of a request between the merchant and the partner, and when its answer is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from payport.sdk.exchange import Send
from payport.sdk.hosting import too_late
from payport.sdk.journal.records import Operation, Step, Verb
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.simulated import SimulatedPartner
from payport.sdk.testing.world.books import Bookkeeper
from payport.sdk.testing.world.disk import Disk
from payport.sdk.testing.world.history import Arrived, Left
from payport.sdk.testing.world.stage import Stage
from payport.sdk.testing.world.weather import NOT_LEFT, Mishap
from payport.sdk.testing.world.workers import Call, Workers

About: TypeAlias = tuple[Operation, Step | None]
"""What a request carries out, or, without a step, asks about."""

_TIMED_OUT = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="no answer came in time")
_LOST = SendFailure(FailureKind.CONNECTION_LOST, may_have_left=True, detail="the connection was reset")
_NO_ROAD = {
    Mishap.UNRESOLVED: SendFailure(FailureKind.UNRESOLVED, may_have_left=False, detail="no such host"),
    Mishap.UNREACHABLE: SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="connection refused"),
    Mishap.BROKEN_TLS: SendFailure(FailureKind.TLS, may_have_left=False, detail="the handshake failed"),
}
_SAYS = frozenset({None, Fault.RATE_LIMITED, Fault.ASK_RETRY, Fault.NOT_FOUND, Fault.SLOW_PROCESSING})
"""Faults whose answer is the partner's own word on the request."""
UNBELIEVABLE = frozenset({Fault.BAD_SIGNATURE, Fault.NO_SIGNATURE})
"""Faults whose answer must teach nothing, whatever it says."""
_LONGEST_SPELL_S = 600.0
"""For so long at most the same befalls every request."""
_PATIENCE_S = 60.0
"""How long a simulator's own transport would wait: it answers at once."""


@dataclass(slots=True)
class Network:
    """Carries requests. ``asks``: what a request asks for, without what is new on every try.

    ``in_flight_s``: for how long a request may be on its way: longer is beyond what the partner's profile promises.
    ``seen_at``: when the partner last heard of an operation, or of an order by its payer: as long may a question not
    find it.
    """

    stage: Stage
    disk: Disk
    workers: Workers
    partner: SimulatedPartner
    books: Bookkeeper
    asks: Callable[[WireRequest], object]
    in_flight_s: float
    aside: frozenset[str] = frozenset()
    met: Counter[str] = field(default_factory=Counter[str])
    """Kinds of fate, and how often each was met."""
    seen_at: dict[str, float] = field(default_factory=dict[str, float])
    after_delivery: Callable[[], None] = lambda: None
    """Called when the partner has read a request: it may have something to tell now."""
    _sent: int = 0
    _spell: tuple[Mishap | Fault, float] | None = None
    """What befalls every request, and until when."""
    _contents: list[object] = field(default_factory=list[object])

    def carry(self, call: Call, effect: Send, about: About | None) -> None:
        """Send a request, and let the call go on when the answer is there, or known not to come."""
        stage = self.stage
        late = too_late(effect, call.process.clock.moment())
        if late is not None:
            self.workers.go_on(call, late)
            return
        self._sent += 1
        number, request = self._sent, effect.request
        mishap, fault = self._befalls(about)
        self._note(number, call, request, about, mishap, fault)
        self.met[mishap.name if mishap else fault.name if fault else "DELIVERED"] += 1
        if about is not None and about[1] is not None:
            self.seen_at[about[0].id] = stage.elapsed
        if mishap in NOT_LEFT:
            self._answer(call, _NO_ROAD[mishap], self._short())
            return
        self._on_its_way(number, call, effect, mishap, fault)

    def _on_its_way(self, number: int, call: Call, effect: Send, mishap: Mishap | None, fault: Fault | None) -> None:
        request, left_s = effect.request, effect.deadline_s - self.stage.elapsed
        there_s, back_s = self._short(), self._short()
        match mishap:
            case Mishap.RESET_BEFORE:
                self._answer(call, _LOST, min(there_s, left_s))
            case Mishap.RESET_AFTER:
                self._arrive(number, request, there_s)
                self._answer(call, _LOST, min(there_s + back_s, left_s))
            case Mishap.LOST:
                self._answer(call, _TIMED_OUT, left_s)
            case Mishap.DELAYED:
                self._arrive(number, request, self.stage.dice.between(there_s, self.in_flight_s * 0.9))
                self._answer(call, _TIMED_OUT, left_s)
            case Mishap.REPLY_LOST:
                self._arrive(number, request, there_s)
                self._answer(call, _TIMED_OUT, left_s)
            case _:
                if mishap is Mishap.REPEATED:  # by a proxy that has no answer yet
                    self._arrive(number, request, self.stage.dice.between(there_s, there_s + back_s))
                if mishap is Mishap.SLOW:
                    back_s = self.stage.dice.between(1.0, 20.0)
                self._there_and_back(number, call, request, fault, there_s, back_s, left_s)

    def _there_and_back(
        self,
        number: int,
        call: Call,
        request: WireRequest,
        fault: Fault | None,
        there_s: float,
        back_s: float,
        left_s: float,
    ) -> None:
        def arrive() -> None:
            reply = self._deliver(number, request, fault)
            silent = isinstance(reply, SendFailure) and reply.kind is FailureKind.TIMED_OUT
            if silent or there_s + back_s >= left_s:
                self._answer(call, _TIMED_OUT, left_s - there_s)
            else:
                self._answer(call, reply, back_s)

        self.stage.after(there_s, arrive)

    def _arrive(self, number: int, request: WireRequest, seconds: float) -> None:
        """It arrives, and nobody hears what the partner says."""

        def arrive() -> None:
            self._deliver(number, request, None)

        self.stage.after(seconds, arrive)

    def _deliver(self, number: int, request: WireRequest, fault: Fault | None) -> WireReply | SendFailure:
        stage = self.stage
        stage.note(Arrived(at=stage.elapsed, number=number))
        if fault is not None:
            self.partner.faults.next(fault)
        reply = self.partner.transport().send(request, _PATIENCE_S)
        self.partner.faults.clear()
        self.books.look()  # a question too: what the partner had accepted may be done by now
        self.after_delivery()
        return reply

    def _answer(self, call: Call, reply: WireReply | SendFailure, seconds: float) -> None:
        self.stage.after(seconds, lambda: self.workers.go_on(call, reply))

    def _short(self) -> float:
        return 0.01 + self.stage.dice.number() * 0.2

    def _befalls(self, about: About | None) -> tuple[Mishap | None, Fault | None]:
        """What goes wrong with a request: what has gone wrong for a while, or something of its own."""
        stage = self.stage
        kind = self._spell[0] if self._spell is not None and stage.elapsed < self._spell[1] else None
        if kind is None or stage.weather.lasting == 0:
            kind = self._mishap() or self._fault()
            if kind is not None and stage.extra.happens(stage.weather.lasting):
                self._spell = (kind, stage.elapsed + stage.extra.while_(_LONGEST_SPELL_S))
        if isinstance(kind, Mishap):
            return kind, None
        return None, None if kind is Fault.NOT_FOUND and not self._may_lag(about) else kind

    def _mishap(self) -> Mishap | None:
        weather, dice = self.stage.weather, self.stage.dice
        return dice.pick(weather.mishaps) if dice.happens(weather.road) else None

    def _fault(self) -> Fault | None:
        weather, dice = self.stage.weather, self.stage.dice
        return dice.pick(weather.faults) if weather.faults and dice.happens(weather.partner) else None

    def _may_lag(self, about: About | None) -> bool:
        """Whether the partner may say that it knows of nothing: only a moment after it heard of it."""
        if about is None or (about[1] is not None and about[0].verb is not Verb.CANCEL):
            return False
        operation = about[0]
        heard = [operation.of if operation.verb is Verb.CANCEL else operation.id]
        if operation.verb in (Verb.PAY, Verb.CANCEL):
            heard.append(operation.ref)  # a payer was there
        last = max((self.seen_at[name] for name in heard if name in self.seen_at), default=None)
        return last is not None and self.stage.elapsed - last < self.in_flight_s * 0.9

    def _note(
        self,
        number: int,
        call: Call,
        request: WireRequest,
        about: About | None,
        mishap: Mishap | None,
        fault: Fault | None,
    ) -> None:
        fate = mishap.value if mishap else f"the partner will play {fault.value}" if fault else "delivered"
        operation, step, digest, content, written = "", "", "", 0, True
        if about is not None:
            operation = about[0].id
        if about is not None and about[1] is not None:
            step, digest = about[1].name, about[1].digest
            content = self._content(self.asks(request))
            # a cancel is planned anew each time: that something of it may leave must be there, not the very step
            cancel = about[0].verb is Verb.CANCEL
            written = self.disk.foresees(operation) if cancel else self.disk.holds(operation, digest)
        self.stage.note(
            Left(
                at=self.stage.elapsed, number=number, call=call.number, endpoint=request.endpoint, operation=operation,
                step=step, digest=digest, content=content, written=written, moves_money=request.moves_money,
                may_have_left=mishap not in NOT_LEFT, authentic=fault not in UNBELIEVABLE,
                answered=mishap is None and fault in _SAYS, fate=fate,
            )
        )  # fmt: skip

    def _content(self, asks: object) -> int:
        """The number of what is asked for: the same for the same."""
        if asks not in self._contents:
            self._contents.append(asks)
        return 1 + self._contents.index(asks)
