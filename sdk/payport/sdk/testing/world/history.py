"""What happened in one schedule, in order, as values: what the checker reads, and what a person reads.

Nothing in it depends on the machine, the process or the time of day: two runs of a seed give the same text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from payport.schemas.events import Change
from payport.schemas.money import Money
from payport.sdk.journal.records import Operation, State, Transition, Verb
from payport.sdk.testing.simulated import HoldRow, Row, TransferRow, reference_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened. ``at``: seconds since the schedule began, on the true clock."""

    at: float

    @property
    def said(self) -> str:
        """In words."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Entry):
    """Somebody called a verb. ``deadline_s``: how long it may take, ``None`` where nothing says so.

    ``amount``: what was to be paid, of ``pay`` only.
    """

    call: int
    process: str
    verb: str
    ref: str = ""
    detail: str = ""
    deadline_s: float | None = None
    amount: Money | None = None

    @property
    def said(self) -> str:
        """In words."""
        within = "" if self.deadline_s is None else f", within {self.deadline_s:g} s"
        return f"{self.process}: call {self.call}: {' '.join(filter(None, (self.verb, self.ref, self.detail)))}{within}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Entry):
    """A call ended. ``outcome``: what it returned, or the exception that it raised.

    ``operation``: the journal's word on the newest attempt of what was asked for, at that moment. ``as_of``: earlier
    than ``at`` where the process was away since the call last looked into the journal: it tells what was so then.
    """

    call: int
    verb: str
    ref: str
    outcome: object = field(repr=False)
    text: str = ""
    operation: Operation | None = field(default=None, repr=False)
    as_of: float

    @property
    def said(self) -> str:
        """In words."""
        return f"call {self.call}: told {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Away(Entry):
    """A process stands still, with all that it is doing, ``until`` a later second."""

    process: str
    until: float

    @property
    def said(self) -> str:
        """In words."""
        return f"{self.process} stands still for {self.until - self.at:.1f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Entry):
    """A request left, or was to. ``operation`` and ``step``: what it carries out; a question has no step.

    ``content``: the same number for the same thing asked for. ``written``: whether another process would have found
    this very step in the journal at that moment. ``fate``: what will become of it.
    """

    number: int
    call: int
    endpoint: str
    operation: str = ""
    step: str = ""
    digest: str = ""
    content: int = 0
    written: bool = True
    moves_money: bool = False
    may_have_left: bool = True
    authentic: bool = True
    """Whether the answer, if there is one, can be believed."""
    answered: bool = False
    """Whether the caller will hear the partner's own word on it."""
    fate: str = ""

    @property
    def said(self) -> str:
        """In words."""
        about = f" about {self.operation}" if self.operation else ""
        if self.step:
            about = f" for {self.operation} {self.step}, content {self.content}"
        unwritten = "" if self.written else ", NOT IN THE JOURNAL"
        return f"call {self.call}: request {self.number} {self.endpoint}{about}{unwritten}: {self.fate}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived(Entry):
    """The partner has read a request."""

    number: int

    @property
    def said(self) -> str:
        """In words."""
        return f"the partner reads request {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Entry):
    """A transition became durable, written by ``call``."""

    call: int
    operation: str
    version: int
    state: State
    source: str
    detail: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def said(self) -> str:
        """In words."""
        more = "".join(f", {name} {value}" for name, value in sorted(self.detail.items()))
        return f"journal: {self.operation} v{self.version} {self.state.value} by {self.source}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked(Entry):
    """The partner's books changed: ``kind`` is ``charge``, ``refund``, ``hold`` or ``transfer``."""

    kind: str
    reference: str
    amount: Money
    """What the line says now: of a hold what is still held."""
    status: str = ""

    @property
    def said(self) -> str:
        """In words."""
        return " ".join(
            filter(None, ("the partner's books:", self.kind, self.reference, str(self.amount), self.status))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(Entry):
    """Something that the checker need not tell apart: a payer, a clock, a failure of the disk, a process."""

    kind: str
    detail: str

    @property
    def said(self) -> str:
        """In words."""
        return f"{self.kind}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Died(Entry):
    """A process is gone, with every call in it."""

    process: str
    calls: tuple[int, ...]

    @property
    def said(self) -> str:
        """In words."""
        during = f" during call {', '.join(map(str, self.calls))}" if self.calls else ""
        return f"{self.process}: KILLED{during}"


@dataclass(frozen=True)
class Books:
    """The partner's books as they stand at the end, of one schedule: a ledger that does not change any more."""

    charged: Sequence[Row] = ()
    given_back: Sequence[Row] = ()
    held: Sequence[HoldRow] = ()
    sent: Sequence[TransferRow] = ()

    def charges(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        """Money taken."""
        return [row for row in self.charged if _is_of(row, reference, starting_with)]

    def refunds(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        """Money given back."""
        return [row for row in self.given_back if _is_of(row, reference, starting_with)]

    def holds(self, reference: str | None = None, /) -> Sequence[HoldRow]:
        """Money held."""
        return [row for row in self.held if _is_of(row, reference, None)]

    def transfers(self, reference: str | None = None, /) -> Sequence[TransferRow]:
        """Money sent."""
        return [row for row in self.sent if _is_of(row, reference, None)]


def _is_of(row: Row, reference: str | None, starting_with: str | None) -> bool:
    own = reference_of(row)
    return reference in (None, own) and own.startswith(starting_with or "")


@dataclass(slots=True)
class History:
    """One schedule. ``max_attempts``: how often a step may be tried in a row. ``arrived``: words for money sent.

    What is known at the end: ``operations`` and ``transitions`` of the journal, the partner's ``books``, the numbers of
    notices ``unheard``, the ``flaws`` of the audit trail where one was kept. ``secrets``: what may not be read in what
    was ``spoken``, texts with where they came from.
    """

    partner: str
    seed: int
    start: datetime
    max_attempts: int = 3
    answers_queries: bool = True
    margin_s: float = 120.0
    """How much later than it should a payment may still come in, so that no clock may be off by more."""
    arrived: frozenset[str] = frozenset()
    entries: list[Entry] = field(default_factory=list[Entry])
    refs: list[str] = field(default_factory=list[str])
    operations: Sequence[Operation] = ()
    transitions: Sequence[Transition] = ()
    books: Books = field(default_factory=Books)
    unheard: Sequence[int] = ()
    flaws: Sequence[str] = ()
    secrets: frozenset[str] = frozenset()
    spoken: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    rounds: int = 0
    """How many rounds of ``resume`` it took until nothing was open any more."""

    def of(self, ref: str, verb: Verb | None = None) -> list[Operation]:
        """The operations of a debt at the end."""
        return [each for each in self.operations if each.ref == ref and verb in (None, each.verb)]

    def lines(self) -> list[str]:
        """The whole story, one line for each thing that happened."""
        return [f"{clock_of(self.start, entry.at)} {entry.said}" for entry in self.entries]

    def text(self) -> str:
        """The story, and how it ended."""
        ended = [
            f"{each.id}: {each.state.value}{f', for a person: {each.for_person}' if each.for_person else ''}"
            for each in self.operations
        ]
        return "\n".join([f"{self.partner}, seed {self.seed}", *self.lines(), "at the end:", *ended]) + "\n"


def changes_of(outcome: object) -> tuple[Change, ...]:
    """The changes that a call of ``changes`` answered."""
    if not isinstance(outcome, tuple):
        return ()
    return tuple(each for each in cast("tuple[object, ...]", outcome) if isinstance(each, Change))


def clock_of(start: datetime, at: float) -> str:
    """The time of day, to the millisecond, and the day when it is another one."""
    moment = start + timedelta(seconds=round(at, 3))
    days = (moment.date() - start.date()).days
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}{f' (+{days} d)' if days else ''}"
