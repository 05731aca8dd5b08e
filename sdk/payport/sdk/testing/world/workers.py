"""Processes of the merchant: each runs calls step by step among the others', each can die at any effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, cast

from payport.schemas.money import Money
from payport.schemas.outcome import Declined, NotSent, Unknown
from payport.sdk.adapter import Adapter
from payport.sdk.desk import Desk
from payport.sdk.errors import JournalError, JournalUnsure
from payport.sdk.events import EventSink
from payport.sdk.exchange import Admit, Effect, Emit, Exchange, Load, Moment, Nonce, Now, Record, Send, Sign, Sleep
from payport.sdk.journal.records import Operation, Step
from payport.sdk.message import FailureKind, SendFailure, WireRequest
from payport.sdk.retry import RetryPolicy
from payport.sdk.testing.stepping import WorkerClock
from payport.sdk.testing.watching import EveryVerb, Watch, watched
from payport.sdk.testing.world.disk import Disk, Shelf
from payport.sdk.testing.world.history import Asked, Away, Died, Happened, Moved, Told, changes_of
from payport.sdk.testing.world.stage import Stage
from payport.sdk.testing.world.weather import Failure

if TYPE_CHECKING:
    from payport.sdk.testing.world.network import Network

REFUSALS = tuple(
    SendFailure(kind, may_have_left=False, detail="refused here")
    for kind in (FailureKind.RATE_LIMITED, FailureKind.BREAKER_OPEN, FailureKind.SUSPENDED)
)
_LONGEST_LIFE = 24
"""Within so many effects a call dies, or its process is away, that is to: most have no more."""
_LONGEST_AWAY_S = 900.0
"""A process stands still for so long at most: longer than any lease, and than many an order can be paid."""


@dataclass(slots=True, eq=False)
class Process:
    """One process: its clock, its memory, its calls.

    ``left_at``, ``back_at``: when it was last away: it stood still, and does not know it (a stopped machine, swapping).
    """

    name: str
    shelf: Shelf
    desk: Desk
    adapter: EveryVerb
    clock: ProcessClock
    calls: list[Call] = field(default_factory=list["Call"])
    alive: bool = True
    left_at: float = -1.0
    back_at: float = -1.0


class ProcessClock(WorkerClock):
    """The clock of one process: it may be wrong, and set right, while the seconds go on evenly."""

    def __init__(self, stage: Stage, name: str) -> None:
        super().__init__(stage.time, name)
        self._stage = stage
        self.skew_s = 0.0

    def moment(self) -> Moment:
        """The wall time as this process sees it, and seconds since the schedule began."""
        at = self._stage.time.at
        return Moment(at + timedelta(seconds=self.skew_s) if self.skew_s else at, self._stage.elapsed)


@dataclass(slots=True, eq=False)
class Call:
    """One call of a verb, as far as it came. ``then``: told what it ended with; ``None`` when it died."""

    number: int
    process: Process
    verb: str
    ref: str
    exchange: Exchange[object]
    then: Callable[[object | None], None]
    dies_at: int
    away_at: int
    effects: int = 0
    looked_at: float = 0.0
    """When it last read or wrote the journal."""
    about: tuple[Operation, Step | None] | None = None
    """What the next request carries out, or only asks about."""
    over: bool = False


@dataclass
class Tag(Watch):
    """Says of each request of a step whose it is, just before it leaves."""

    call: Call | None = None

    def left(self, operation: Operation, step: Step, request: WireRequest) -> None:
        """A request of a step is about to leave."""
        if self.call is not None and request.endpoint not in self.aside:
            self.call.about = (operation, step)

    def asking(self, operation: Operation) -> None:
        """A question is about to leave."""
        if self.call is not None:
            self.call.about = (operation, None)


class Workers:
    """All processes, the dead ones forgotten."""

    def __init__(
        self,
        stage: Stage,
        disk: Disk,
        adapter: Callable[[], Adapter],
        tag: Tag,
        *,
        sinks: Sequence[EventSink] = (),
    ) -> None:
        self._stage = stage
        self._disk = disk
        self._new_adapter = adapter
        self._tag = tag
        self._sinks = sinks
        self._names = count(1)
        self._calls = count(1)
        self.policy = RetryPolicy()
        self.network: Network
        self.alive: list[Process] = []
        self.met: Counter[str] = Counter()
        """What was read and written, by the names of the effects."""

    @property
    def sealed(self) -> bool:
        """Whether requests are kept, so that another process can send them."""
        return self._disk.sealed

    def open(self) -> Process:
        """Another process starts: it knows nothing but what is in the journal."""
        stage = self._stage
        name = f"worker {next(self._names)}"
        shelf = self._disk.open()
        adapter = watched(self._new_adapter(), self._tag)
        clock = ProcessClock(stage, name)
        if stage.weather.jump:
            clock.skew_s = self._skew()
        desk = Desk.open(
            adapter,
            shelf.journal,
            sealing_key=None,
            sinks=self._sinks,
            admissions=(),
            retry=self.policy,
            clock=clock,
            deadline_s=10.0,
        )
        desk.calls = count()  # a process of its own
        process = Process(name, shelf, desk, adapter, clock)
        self.alive.append(process)
        skew = f", its clock {clock.skew_s:+.0f} s" if clock.skew_s else ""
        stage.note(Happened(at=stage.elapsed, kind="started", detail=f"{name}{skew}"))
        return process

    def kill(self, process: Process) -> None:
        """A process is gone, and so is everything that it was doing."""
        if not process.alive:
            return
        process.alive = False
        self.alive.remove(process)
        dead = [call for call in process.calls if not call.over]
        stage = self._stage
        stage.note(Died(at=stage.elapsed, process=process.name, calls=tuple(call.number for call in dead)))
        stage.after(stage.dice.while_(90.0), self._open_another, fading=True)
        for call in dead:
            call.over = True
            call.then(None)

    def _open_another(self) -> None:
        self.open()

    def _skew(self) -> float:
        """As much as what a late payment is given: a clock that is further off is not one that can be lived with."""
        most = min(60.0, self._stage.history.margin_s / 2)
        return round(self._stage.dice.between(-most, most))

    def jump(self, process: Process) -> None:
        """A process's clock is set."""
        if process.alive:
            process.clock.skew_s = self._skew()
            stage = self._stage
            told = f"{process.name}: {process.clock.skew_s:+.0f} s from the true time"
            stage.note(Happened(at=stage.elapsed, kind="clock set", detail=told))

    def start(
        self,
        process: Process,
        verb: str,
        make: Callable[[Desk, EveryVerb], Exchange[object]],
        *,
        ref: str = "",
        detail: str = "",
        deadline_s: float | None = None,
        amount: Money | None = None,
        then: Callable[[object | None], None] = lambda _: None,
    ) -> None:
        """Call a verb in a process."""
        stage, number = self._stage, next(self._calls)
        stage.note(
            Asked(
                at=stage.elapsed, call=number, process=process.name, verb=verb, ref=ref, detail=detail,
                deadline_s=deadline_s, amount=amount,
            )
        )  # fmt: skip
        dies_at = 1 + stage.dice.upto(_LONGEST_LIFE) if stage.dice.happens(stage.weather.death) else 0
        away_at = 1 + stage.extra.upto(_LONGEST_LIFE) if stage.extra.happens(stage.weather.away) else 0
        call = Call(number, process, verb, ref, make(process.desk, process.adapter), then, dies_at, away_at)
        process.calls.append(call)
        self.go_on(call, None)

    def go_on(self, call: Call, answer: object, error: Exception | None = None) -> None:
        """Let a call go on with the answer to what it asked for, until it must wait or is over."""
        while not call.over:
            if call.process.back_at > self._stage.elapsed:
                self._when_back(call, lambda: self.go_on(call, answer, error))  # noqa: B023 - nothing follows
                return
            effect = self._next_effect(call, answer, error)
            if effect is None:
                return
            if call.effects == call.away_at:
                call.away_at = 0
                self._leave(call.process)
                self._when_back(call, lambda: self._perform_late(call, effect))  # noqa: B023 - nothing follows
                return
            done = self._perform(call, effect)
            if done is None:
                return
            answer, error = done

    def _leave(self, process: Process) -> None:
        stage = self._stage
        process.left_at, process.back_at = stage.elapsed, stage.elapsed + stage.extra.while_(_LONGEST_AWAY_S)
        stage.note(Away(at=stage.elapsed, process=process.name, until=process.back_at))

    def _when_back(self, call: Call, act: Callable[[], None]) -> None:
        self._stage.after(call.process.back_at - self._stage.elapsed, act)

    def _perform_late(self, call: Call, effect: Effect) -> None:
        """Carry out what a call was about to when its process stood still. A sleep that had begun goes on meanwhile."""
        if isinstance(effect, Sleep):
            effect = Sleep(max(0.0, effect.seconds - (call.process.back_at - call.process.left_at)))
        done = None if call.over else self._perform(call, effect)
        if done is not None:
            self.go_on(call, *done)

    def _perform(self, call: Call, effect: Effect) -> tuple[object, Exception | None] | None:
        """What the call hears of it, an answer or an error; ``None`` when it hears later."""
        match effect:
            case Now():
                return call.process.clock.moment(), None
            case Load() | Record():
                call.looked_at = self._stage.elapsed
                try:
                    answer = self._store(call, effect)
                except Exception as raised:  # noqa: BLE001 - handed to the operation, as the drivers do
                    return None, raised
                if self._stage.dice.happens(self._stage.weather.pause):
                    self._later(call, answer, self._stage.dice.number() * 0.02)
                    return None
                return answer, None
            case Send():
                about, call.about = call.about, None
                self.network.carry(call, effect, about)
                return None
            case Sleep(seconds):
                self._later(call, None, seconds)
                return None
            case _:
                return self._at_once(call, effect), None

    def _next_effect(self, call: Call, answer: object, error: Exception | None) -> Effect | None:
        """What the call asks for next; ``None`` when it is over, or its process died just now."""
        self._tag.call = call
        exchange = call.exchange
        try:
            effect = exchange.send(answer) if error is None else exchange.throw(error)
        except StopIteration as end:
            self._tell(call, end.value)
            return None
        except Exception as raised:  # noqa: BLE001 - told to the caller, and looked at by the checker
            self._tell(call, raised)
            return None
        call.effects += not isinstance(effect, Emit)  # of which there are more when somebody listens
        if call.effects == call.dies_at:
            self.kill(call.process)
            return None
        return effect

    def _at_once(self, call: Call, effect: Admit | Nonce | Emit | Sign) -> object:
        match effect:
            case Sign(key, message):
                return key.sign(message)
            case Nonce():
                return call.process.clock.nonce()
            case Emit():
                return call.process.desk.around.at_once(effect)
            case Admit():  # seconds to wait, or no
                if self._stage.dice.happens(self._stage.weather.refused):
                    if self._stage.dice.happens(0.5):
                        return self._stage.dice.pick(REFUSALS)
                    return self._stage.dice.number() * min(5.0, max(0.0, effect.deadline_s - self._stage.elapsed))
                return None

    def _later(self, call: Call, answer: object, seconds: float) -> None:
        self._stage.after(seconds, lambda: self.go_on(call, answer))

    def _store(self, call: Call, effect: Load[object] | Record[object]) -> object:
        """A storage effect, which fails when the weather says so."""
        stage = self._stage
        self.met[effect.name] += 1
        failure = self._failure(effect) if stage.dice.happens(stage.weather.disk) else None
        if failure is not None:
            told = f"{failure.value} for call {call.number}: {effect.name}"
            stage.note(Happened(at=stage.elapsed, kind=f"disk failed to {failure.name.lower()}", detail=told))
        if failure in (Failure.READ, Failure.WRITE):
            raise JournalError("the disk is full")
        answer = call.process.shelf.perform(effect)
        if isinstance(effect, Record):
            self.note_news(call.number)
        if failure is Failure.COMMIT:
            raise JournalUnsure("the connection to the database was lost during the commit")
        return answer

    def _failure(self, effect: Load[object] | Record[object]) -> Failure:
        if isinstance(effect, Load):
            return Failure.READ
        return Failure.COMMIT if self._stage.dice.happens(0.2) else Failure.WRITE

    def note_news(self, call: int) -> None:
        """Write down what the journal says now that it did not say before."""
        stage = self._stage
        for line in self._disk.news():
            stage.note(
                Moved(
                    at=stage.elapsed, call=call, operation=line.operation, version=line.version, state=line.state,
                    source=line.source, detail=line.detail,
                )
            )  # fmt: skip

    def _tell(self, call: Call, outcome: object) -> None:
        call.over = True
        call.process.calls.remove(call)
        stage = self._stage
        as_of = call.looked_at if call.process.left_at >= call.looked_at else stage.elapsed
        stage.note(
            Told(
                at=stage.elapsed, call=call.number, verb=call.verb, ref=call.ref, outcome=outcome,
                text=in_words(outcome), as_of=as_of,
            )
        )  # fmt: skip
        call.then(outcome)


def in_words(outcome: object) -> str:
    """An outcome without what is new in every run: numbers and texts of the partner's."""
    match outcome:
        case Exception():
            return f"{type(outcome).__name__} raised"
        case str():
            return "prepared"
        case Declined(reason=reason):
            return f"Declined {reason.value}"
        case NotSent(cause=cause):
            return f"NotSent {cause.kind.value}"
        case Unknown(cause=cause):
            return f"Unknown {cause.kind.value}"
        case _:
            return _others_in_words(outcome)


def _others_in_words(outcome: object) -> str:
    inner = getattr(outcome, "outcome", None)
    if inner is not None:
        return f"{in_words(inner)} by {getattr(outcome, 'source', '')}"
    kind = getattr(outcome, "kind", None)
    if kind is not None:
        return f"{type(outcome).__name__} {kind.value}"
    if hasattr(outcome, "first_seen"):
        return f"Verified{'' if getattr(outcome, 'first_seen', True) else ' again'}"
    if hasattr(outcome, "settled"):
        return f"settled {len(getattr(outcome, 'settled', ()))}, open {len(getattr(outcome, 'open', ()))}"
    if isinstance(outcome, tuple):
        return f"{len(changes_of(cast('object', outcome)))} changes"
    return type(outcome).__name__
