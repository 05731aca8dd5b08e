"""``payport explain``: the story of one order, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.table import Table

from payport.sdk.audit.record import Record, read_record
from payport.sdk.card_numbers import mask_card_numbers
from payport.sdk.cli.words import advice, meaning, notice_meaning, record_meaning
from payport.sdk.journal.records import Debt, Notice, Operation, Transition, Verb
from payport.sdk.journal.session import Session
from payport.sdk.journal.store import Journal
from payport.sdk.journal.trail import JournalTrail


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that the journal holds about one debt. ``records``: those of the audit trail."""

    debt: Debt
    operations: Sequence[Operation]
    transitions: Sequence[Transition]
    notices: Sequence[Notice]
    records: Sequence[Record]


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One line of the story. ``who``: the operation it is about; ``source``: who taught us."""

    at: datetime
    who: str
    source: str
    what: str


def explain_order(console: Console, journal: Journal, ref: str) -> bool:
    """Print the story of ``ref``; false when this journal does not know it. Shows no secret and no payer."""
    records = [read_record(row.body) for row in JournalTrail(journal).of_debt(ref)]
    story = journal.read(lambda session: read_story(session, ref, records))
    if story is None:
        _say(console, f"{ref} is not in this journal: nothing was ever sent for it from here.")
        _show(console, list(_of_records(records)))
        return False
    kind = "payout" if story.debt.verb is Verb.PAYOUT else "payment"
    _say(console, f"{ref}: a {kind} of {story.debt.amount}")
    for operation in story.operations:
        number = f", its number there {operation.partner_id}" if operation.partner_id else ""
        _say(console, f"  {_short(operation.id)} is {operation.partner_ref} at {operation.account}{number}")
    _show(console, time_line(story))
    for line in advice(story.operations):
        _say(console, mask_card_numbers(line))
    return True


def _show(console: Console, events: Sequence[Event]) -> None:
    if not events:
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("operation", no_wrap=True)
    table.add_column("from", no_wrap=True)
    table.add_column("what it means")
    for event in events:
        table.add_row(f"{event.at:%Y-%m-%d %H:%M:%S}", event.who, event.source, mask_card_numbers(event.what))
    console.print()
    console.print(table, highlight=False, markup=False)
    console.print()


def read_story(session: Session, ref: str, records: Sequence[Record] = ()) -> Story | None:
    """What the journal holds about ``ref``, ``None`` when it does not know it. ``records``: as in :class:`Story`."""
    debt = session.debt(ref)
    if debt is None:
        return None
    operations = session.operations(ref)
    known = {(operation.account, operation.partner_ref) for operation in operations}
    notices = [
        notice for account, partner_ref in sorted(known) for notice in session.notices(account, partner_ref=partner_ref)
    ]
    transitions = session.history(ref)
    return Story(debt=debt, operations=operations, transitions=transitions, notices=notices, records=records)


def time_line(story: Story) -> Sequence[Event]:
    """Transitions, notices and what else was recorded in one order of time; one instant stays as it was written."""
    events = [*_of_notices(story), *_of_transitions(story), *_of_records(story.records)]
    return sorted(events, key=lambda event: event.at)


def _of_transitions(story: Story) -> Iterator[Event]:
    before: dict[str, Transition] = {}
    for transition in story.transitions:
        what = meaning(transition, before.get(transition.operation))
        yield Event(transition.at, _short(transition.operation), transition.source, what)
        before[transition.operation] = transition


def _of_notices(story: Story) -> Iterator[Event]:
    names = {operation.partner_ref: _short(operation.id) for operation in story.operations}
    for notice in story.notices:
        who = names.get(notice.event.partner_ref or "", "")
        yield Event(notice.received_at, who, "notice", notice_meaning(notice))


def _of_records(records: Sequence[Record]) -> Iterator[Event]:
    """What only the audit trail tells: who held the order back, let it go, looked at its records, erased its payer."""
    for record in records:
        what = record_meaning(record)
        if what is not None:
            yield Event(record.when, "", "audit", what)


def _short(operation_id: str) -> str:
    """``pay 1`` from ``SHOP10010001/pay//1``."""
    _, verb, part, attempt = operation_id.split("/")
    return " ".join(word for word in (verb, part, attempt) if word)


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
