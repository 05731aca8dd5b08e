"""The watch itself: reads the journal's stream, counts, asks the rules, and reports what they find."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from payport.schemas.money import Money
from payport.schemas.order import Payer
from payport.schemas.payment import CancelledBy
from payport.sdk.errors import PayportError
from payport.sdk.forks import follow_forks
from payport.sdk.host_clock import SystemClock
from payport.sdk.incidents.kinds import ABNORMAL_TRANSACTION
from payport.sdk.incidents.records import Trouble
from payport.sdk.journal.records import State, Verb
from payport.sdk.operations.screening import ORDERED
from payport.sdk.watch.moves import Moved, View, What
from payport.sdk.watch.payers import PayerKey
from payport.sdk.watch.rules import Rule
from payport.sdk.watch.tail import BATCH, Streamed, Tail
from payport.sdk.watch.windows import Windows

if TYPE_CHECKING:
    from payport.sdk.hosting import Clock
    from payport.sdk.journal.session import Session
    from payport.sdk.journal.store import Journal

READER = "watch"
"""Under which name it is remembered how far the stream was read."""

EVERY_S = 1.0
REMEMBERED = 20_000
"""So many attempts of this process are remembered until they come by in the stream."""

Report = Callable[[Trouble], object]
"""Takes what was found, quickly: :meth:`payport.sdk.incidents.Alerts.report`."""


class Watch:
    """Rules over everything that happens in one journal. Pass it as ``watch`` to every gateway of the journal.

    ``rules``: from :mod:`payport.sdk.watch.rules`, or your own. ``payer_key``: without one nobody knows who pays, and
    rules about payers find nothing. ``report``: who is told of what was found; without one only payments are held.

    :meth:`start` follows the stream on a daemon thread, :meth:`follow` once. What other processes did is known as soon
    as the stream was read, within a second by default; what this process asked for is known at once. Safe between
    threads; a forked child begins by itself when it is started again.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        payer_key: PayerKey | None = None,
        report: Report | None = None,
        clock: Clock | None = None,
    ) -> None:
        names = [rule.name for rule in rules]
        if len(set(names)) < len(names):
            raise ValueError(f"two rules have one name: {', '.join(names)}")
        self._rules = tuple(rules)
        self._holding = tuple(rule for rule in rules if rule.hold)
        self._payer_key = payer_key
        self._report = report
        self._clock = clock or SystemClock()
        self._windows = Windows(
            [reading for rule in rules for reading in rule.readings], [each for rule in rules for each in rule.usual_s]
        )
        self._stop = Event()
        self._counted: OrderedDict[str, tuple[str, Money, str]] = OrderedDict()
        self._tail: Tail | None = None
        self._reported = 0
        self._thread: Thread | None = None
        self._failed = 0
        self._renew_locks()
        follow_forks(in_child=self._renew_locks)

    def _renew_locks(self) -> None:
        self._lock, self._following = Lock(), Lock()

    @property
    def holds(self) -> bool:
        """Whether any rule may hold a payment back."""
        return bool(self._holding)

    @property
    def failed(self) -> int:
        """How often the stream could not be read, or a rule raised."""
        return self._failed

    def payer(self, partner: str, payer: Payer) -> str:
        """Who pays, as a keyed digest; empty when nobody knows or there is no key."""
        return "" if self._payer_key is None else self._payer_key.digest(partner, payer)

    def screen(self, wanted: Moved) -> tuple[str, str] | None:
        """The first rule that holds this back, and why; ``None`` when none does, and it counts as done."""
        with self._lock:
            if self._knows(wanted):
                return None  # looked at already; its transaction is being tried again
            view = self._windows.suppose(wanted)
            for rule in self._holding:
                why = self._look(rule, view)
                if why is not None:
                    return rule.name, why
            self._windows.add(wanted)
            self._remember(wanted)
        return None

    def follow(self, journal: Journal) -> int:
        """Read what is new in the stream, count it, and report what the rules find; answers how much was new.

        The first time it reads as far back as the rules look, and reports what nobody has reported yet: everything
        since the place where the last reader stopped, nothing of a journal that was never watched.

        Raises :class:`payport.sdk.errors.JournalError`; nothing counts as read then.
        """
        with self._following:
            now = self._clock.moment()
            tail = self._tail
            if tail is None:
                tail = self._tail = self._begin(journal, now.utc)
            before, new = tail.done, 0
            while True:
                batch = journal.read(lambda session: tail.read(session.operating, now.monotonic_s))
                for each in batch:
                    self._take(each)
                new += len(batch)
                if len(batch) < BATCH:
                    break
            if tail.done > max(before, self._reported) and self._report is not None:
                self._reported = tail.done
                journal.write(lambda session: session.operating.keep_place(READER, tail.done))
            return new

    def _begin(self, journal: Journal, now: datetime) -> Tail:
        back_s = max([rule.within_s for rule in self._rules], default=0.0)
        since = now - timedelta(seconds=back_s)

        def read(session: Session) -> tuple[int, int]:
            operating = session.operating
            place = operating.place(READER)
            first = operating.before(since)
            return (first, operating.newest()) if place is None else (min(first, place), place)

        first, self._reported = journal.read(read)
        if self._report is not None:
            journal.write(lambda session: session.operating.keep_place(READER, self._reported))
        return Tail(first)

    def _take(self, streamed: Streamed) -> None:
        moved = moved_by(streamed)
        if moved is None:
            return
        with self._lock:
            if moved.what in ORDERED.values() and self._knows(moved):
                view = self._windows.seen(moved)
            else:
                view = self._windows.add(moved)
            if streamed.transition.id <= self._reported or self._report is None:
                return
            found = [(rule, why) for rule in self._rules if (why := self._look(rule, view)) is not None]
        for rule, why in found:
            self._report(_trouble(rule, moved, why))

    def _look(self, rule: Rule, view: View) -> str | None:
        try:
            return rule.look(view)
        except Exception:  # noqa: BLE001 - a rule of somebody else may raise: it finds nothing, the others go on
            self._failed += 1
            return None

    def _knows(self, moved: Moved) -> bool:
        """Whether this very attempt was counted: what was let through and then rolled back may come as another."""
        return self._counted.get(moved.operation) == (moved.account, moved.amount, moved.payer)

    def _remember(self, moved: Moved) -> None:
        self._counted[moved.operation] = moved.account, moved.amount, moved.payer
        if len(self._counted) > REMEMBERED:
            self._counted.popitem(last=False)

    def start(self, journal: Journal, *, every_s: float = EVERY_S) -> None:
        """Follow the stream on a daemon thread until :meth:`close`, a round every so many seconds."""
        self._stop = Event()
        self._thread = Thread(target=self._run, args=(journal, every_s, self._stop), name="payport-watch", daemon=True)
        self._thread.start()

    def _run(self, journal: Journal, every_s: float, stop: Event) -> None:
        while not stop.is_set():
            try:
                self.follow(journal)
            except PayportError:  # the journal fails or was closed: it is tried again
                self._failed += 1
            stop.wait(every_s)

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None


def moved_by(streamed: Streamed) -> Moved | None:
    """What a transition means to the rules; ``None`` when it is not about money that is asked for or moved."""
    transition, operation = streamed.transition, streamed.operation
    what: What | None = None
    if streamed.before is None:
        what = ORDERED.get(operation.verb)
    elif transition.state is not streamed.before:
        what = _ENDS.get((operation.verb, transition.state))
        if operation.verb is Verb.CANCEL and operation.cancelled_by is not CancelledBy.REVERSED:
            what = None
    if what is None:
        return None
    return Moved(
        what=what,
        at=transition.at,
        partner=operation.partner,
        account=operation.account,
        ref=operation.ref,
        operation=operation.id,
        amount=operation.amount,
        payer=operation.payer,
    )


_ENDS = {
    (Verb.PAY, State.SUCCEEDED): What.PAID,
    (Verb.CAPTURE, State.SUCCEEDED): What.PAID,
    (Verb.PAY, State.DECLINED): What.DECLINED,
    (Verb.REFUND, State.SUCCEEDED): What.REFUNDED,
    (Verb.CANCEL, State.SUCCEEDED): What.REFUNDED,
}


def _trouble(rule: Rule, moved: Moved, why: str) -> Trouble:
    return Trouble(
        kind=ABNORMAL_TRANSACTION,
        about=f"{rule.name}/{rule.subject(moved)}",
        summary=f"{rule.name}: {why} (order {moved.ref})",
        at=moved.at,
        partner=moved.partner,
        account=moved.account,
        ref=moved.ref,
        operation=moved.operation,
    )
