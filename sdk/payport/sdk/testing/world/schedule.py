"""One schedule: a seed becomes a story. First everything may go wrong, then nothing does, and it must end."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from payport.schemas.events import Change
from payport.sdk.events import SdkEvent
from payport.sdk.testing.conformance.case import AnySubject
from payport.sdk.testing.conformance.secrecy import secrets_in
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.stepping import MORNING, Time
from payport.sdk.testing.world import weather
from payport.sdk.testing.world.books import Bookkeeper
from payport.sdk.testing.world.dice import Dice
from payport.sdk.testing.world.disk import Disk
from payport.sdk.testing.world.history import Happened, History, Told, changes_of
from payport.sdk.testing.world.network import Network
from payport.sdk.testing.world.shop import Shop
from payport.sdk.testing.world.stage import Stage
from payport.sdk.testing.world.street import Street
from payport.sdk.testing.world.weather import Weather
from payport.sdk.testing.world.workers import Tag, Workers

MAX_ROUNDS = 80
"""After so many rounds of ``resume`` without a fault nothing may be open any more."""
_LEAST_ROUND_S = 30.0
_LONGEST_ROUND_S = 86_400.0
_STARTS = (
    timedelta(0),
    timedelta(0),
    timedelta(hours=13, minutes=57),  # 22:57 in China: a clearing day ends at 23:00
    timedelta(hours=14, minutes=59, seconds=50),  # ten seconds to midnight there
    timedelta(hours=22, minutes=59, seconds=55),  # and here
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a schedule is run. ``place``: a folder for a journal in a file; ``None``: in memory.

    ``watched``: events are listened to and looked through for secrets. ``weather``: instead of the seed's own.
    """

    place: Path | None = None
    watched: bool = False
    weather: Weather | None = None


@dataclass
class Schedule:
    """Everything of one schedule. :meth:`play` runs it; :attr:`history` is what happened."""

    subject: AnySubject
    seed: int
    options: Options = field(default_factory=Options)
    events: list[SdkEvent] = field(default_factory=list[SdkEvent])

    def __post_init__(self) -> None:
        subject = self.subject
        dice = Dice(subject.name, self.seed)
        start = MORNING + dice.pick(_STARTS)
        self.history = History(partner=subject.name, seed=self.seed, start=start)
        plays = sorted(subject.plays, key=_name)
        extra = Dice(f"{subject.name}/away", self.seed)
        drawn = weather.draw(dice, extra, plays)
        self.stage = Stage(dice, extra, self.options.weather or drawn, self.history, start)
        self._open(self.stage.time)

    def _open(self, time: Time) -> None:
        subject, stage, options = self.subject, self.stage, self.options
        self.partner = subject.simulator(time)
        place = None if options.place is None else options.place / f"{subject.name}-{self.seed}.db"
        self.disk = Disk(time, sealed=not stage.dice.happens(0.1), place=place)
        tag = Tag(asks=subject.asks, known=lambda _: None, aside=subject.aside)
        sinks = (self.events.append,) if options.watched else ()
        self.workers = Workers(stage, self.disk, lambda: subject.adapter(self.partner), tag, sinks=sinks)
        profile = self.workers.open().adapter.profile
        history = self.history
        history.max_attempts, history.answers_queries = self.workers.policy.max_attempts, profile.answers_queries
        history.margin_s = profile.settle_margin_s
        history.arrived = frozenset() if subject.payout is None else subject.payout.done
        self.books = Bookkeeper(stage, self.partner.ledger)
        self.network = self.workers.network = Network(
            stage, self.disk, self.workers, self.partner, self.books, subject.asks, profile.in_flight_s, subject.aside
        )
        self.street = Street(subject, stage, self.workers, self.partner, self.books, self.network.seen_at)
        self.network.after_delivery = self.street.post
        self.shop = Shop(subject, stage, self.workers, self.street)

    def play(self) -> History:
        """Run it to its end."""
        with ExitStack() as closing:
            closing.callback(self.partner.close)
            closing.callback(self.disk.close)
            for _ in range(self.stage.dice.upto(2)):
                self.workers.open()
            self.shop.open()
            self.stage.run(until=self.stage.weather.length_s)
            self._come_to_rest()
            self._close()
        return self.history

    def _come_to_rest(self) -> None:
        """Faults stop, payers and callers stop, what is under way arrives, every notice is delivered, time goes on."""
        stage = self.stage
        stage.calm(weather.CALM)
        self.partner.faults.clear()
        stage.note(Happened(at=stage.elapsed, kind="calm", detail="from now on nothing goes wrong"))
        self.workers.open()
        for number in range(MAX_ROUNDS):
            self.history.rounds = number
            stage.run()
            self.street.process()
            for notice in self.street.notices:
                if not notice.acknowledged:
                    self.street.deliver(notice)
            stage.run()
            self.shop.resume()
            stage.run()
            due = self._next_due()
            if due is None and all(notice.acknowledged for notice in self.street.notices) and not self._untold():
                return
            wait_s = _LEAST_ROUND_S * 2 ** (number // 4)  # who resumes less often comes to the end too
            if due is not None:
                wait_s = max(wait_s, (due - stage.time.at).total_seconds() + 0.001)
            stage.run(until=stage.elapsed + min(wait_s, _LONGEST_ROUND_S))

    def _untold(self) -> bool:
        return len(self.partner.notices) > len(self.street.notices)

    def _next_due(self) -> datetime | None:
        """When ``resume`` has something to do next; ``None`` when nothing is open any more."""
        found = self.disk.reader.journal.read(lambda session: session.open_operations())
        waiting = [operation for operation in found if operation.for_person is None]
        return min((operation.next_at or self.stage.time.at for operation in waiting), default=None)

    def _close(self) -> None:
        """What the journal and the partner's books say in the end."""
        self._drain_changes()
        history, reader = self.history, self.disk.reader.journal
        history.operations = [
            each
            for ref in history.refs
            for each in reader.read(lambda session: session.operations(ref))  # noqa: B023 - read at once
        ]
        history.transitions = [
            each
            for ref in history.refs
            for each in reader.read(lambda session: session.history(ref))  # noqa: B023 - read at once
        ]
        history.books = self.books.close()
        history.flaws = self.disk.flaws()
        history.unheard = [notice.number for notice in self.street.notices if not notice.acknowledged]
        if self.options.watched:
            texts = {text for method in self.shop.methods for text in secrets_in(method)}
            history.secrets = frozenset({*secrets_in(self.partner.account), *texts})
            told = [entry for entry in history.entries if isinstance(entry, Told)]
            history.spoken = [
                *((f"event {event.name}", repr(event)) for event in self.events),
                *((f"what call {each.call} was told", repr(each.outcome)) for each in told),
                *((f"operation {each.id}", repr(each)) for each in history.operations),
                *((f"transition {each.id}", repr(each)) for each in history.transitions),
            ]

    def _drain_changes(self) -> None:
        """Read every change that was not acknowledged before."""
        journal = self.disk.reader.journal
        for _ in range(100):
            waiting: list[Change] = []

            def heard(outcome: object | None, waiting: list[Change] = waiting) -> None:
                waiting.extend(changes_of(outcome))

            self.workers.start(self.workers.alive[-1], "changes", lambda desk, _: desk.changes(100), then=heard)
            self.stage.run()
            if not waiting:
                return
            numbers = [change.id for change in waiting]
            journal.write(lambda session: session.delivered(numbers))  # noqa: B023 - written at once
        raise AssertionError("changes do not come to an end")


def _name(fault: Fault) -> str:
    return fault.name
