"""What may follow what: an operation moves forward only, and a final answer stays.

Checked at every write and again at every read of a history. Each rule guards money, so each is a real ``raise``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import attrgetter

from payport.sdk.errors import JournalError
from payport.sdk.journal.records import Operation, State, Step, Transition, evolve

_RANK = {state: min(rank, 3) for rank, state in enumerate(State)}
"""Doubt, action, pending, and one rank for every final state."""

FROZEN = (
    "id", "ref", "verb", "part", "of", "attempt", "partner", "account", "partner_ref", "identity", "amount", "payer",
    "method", "method_digest", "ladder", "created_at", "payable_until", "expires", "library",
)  # fmt: skip
"""Fixed before the first byte leaves: what the partner recognises a repetition by, and what was promised."""

ADDED_LATER = frozenset({"version", "steps", "partner_id", "ids", "facts", "for_person"})
"""What a final operation may still gain; each has a rule of its own."""

_ANSWER = tuple(item.name for item in fields(Operation) if item.name not in ADDED_LATER)
_answer, _frozen = attrgetter(*_ANSWER), attrgetter(*FROZEN)


def check_forward(before: State, after: State, row: str) -> None:
    """Raise :class:`JournalError` when ``after`` cannot follow ``before``."""
    if before is after:
        return
    if before.final or _RANK[after] < _RANK[before]:
        raise JournalError(f"{row} cannot go from {before.value} to {after.value}: states only move forward")


def check_new(operation: Operation) -> None:
    """Raise :class:`JournalError` when an operation cannot be written as a new one."""
    if operation.version != 0:
        raise JournalError(f"{operation.id}: a new operation has version 0, not {operation.version}")
    if operation.id != f"{operation.ref}/{operation.verb.value}/{operation.part}/{operation.attempt}":
        raise JournalError(f"{operation.id}: an operation's id is <ref>/<verb>/<part>/<attempt>")
    if len({step.name for step in operation.steps}) < len(operation.steps):
        raise JournalError(f"{operation.id}: two of its steps have the same name")


def check_successor(before: Operation, after: Operation) -> None:
    """Raise :class:`JournalError` when ``after`` cannot be what ``before`` became."""
    check_forward(before.state, after.state, before.id)
    names, values = (_ANSWER, _answer) if before.state.final else (FROZEN, _frozen)
    # compared all at once, and one by one only to say which
    for name in names if values(before) != values(after) else ():
        if getattr(before, name) != getattr(after, name):
            why = "its answer is final" if before.state.final else "it was fixed when it was intended"
            raise JournalError(f"{before.id}: {name} may not change, {why}")
    if before.state.final:
        _check_numbers(before, after)
    if after.facts[: len(before.facts)] != before.facts:
        raise JournalError(f"{before.id}: facts are only added")
    if before.started and not after.started:
        raise JournalError(f"{before.id}: it was started, which cannot be taken back")
    _check_steps(before, after)


def check_postponed(before: Operation, after: Operation) -> None:
    """Raise :class:`JournalError` when more changed than when it is looked at, and how often it was asked about."""
    if evolve(before, asked=after.asked, next_at=after.next_at) != after:
        raise JournalError(f"{before.id}: what was learnt of it needs a transition")


def check_history(history: Sequence[Transition]) -> None:
    """Raise :class:`JournalError` when a transition is missing, or one goes backwards. ``history``: in order."""
    last: dict[str, Transition] = {}
    for line in history:
        before = last.get(line.operation)
        if line.version != (0 if before is None else before.version + 1):
            raise JournalError(
                f"{line.operation}: version {line.version} follows {before.version if before else 'nothing'}"
            )
        check_forward(before.state if before else line.state, line.state, line.operation)
        last[line.operation] = line


def _check_numbers(before: Operation, after: Operation) -> None:
    if before.partner_id not in (None, after.partner_id):
        raise JournalError(f"{before.id}: partner_id may not change, its answer is final")
    if any(after.ids.get(name) != value for name, value in before.ids.items()):
        raise JournalError(f"{before.id}: ids are only added, its answer is final")


def _check_steps(before: Operation, after: Operation) -> None:
    kept = after.steps[: len(before.steps)]
    grew = len(after.steps) > len(before.steps)
    if after.steps is before.steps:
        return
    if list(map(_fixed, kept)) != list(map(_fixed, before.steps)) or (before.state.final and grew):
        raise JournalError(f"{before.id}: its steps may not change, the partner may have seen them")
    if any(old.done and not new.done for old, new in zip(before.steps, kept, strict=True)):
        raise JournalError(f"{before.id}: a step that is done stays done")


_fixed: Callable[[Step], tuple[str, bool, str]] = attrgetter("name", "moves_money", "digest")
