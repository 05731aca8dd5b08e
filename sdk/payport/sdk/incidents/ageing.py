"""What stands too long: open operations that stay in doubt or wait for a person, and dates that come near. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from payport.sdk.incidents import kinds
from payport.sdk.incidents.records import Trouble
from payport.sdk.journal.records import Operation, State

STANDING = (
    kinds.UNKNOWN_AGEING,
    kinds.OPERATION_FOR_PERSON,
    kinds.CERTIFICATE_EXPIRING,
    kinds.CERTIFICATE_EXPIRED,
    kinds.RECORD_EXPIRING,
    kinds.RECORD_EXPIRED,
)
"""Kinds of trouble that last: looked for again and again, and over when they are not found any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """``unknown_s``: how long an operation may stay in doubt. ``expiry_s``: how long before its end a date is told."""

    unknown_s: float = 600.0
    expiry_s: float = 30 * kinds.DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Something with an end. ``what``: in words; ``about``: what it belongs to, an account or a partner."""

    what: str
    about: str
    ends: datetime
    partner: str = ""
    account: str = ""
    record: bool = False
    """Whether it is a paper (licence, agreement, certification) and not a key or certificate."""


def open_too_long(operations: Iterable[Operation], now: datetime, patience: Patience) -> Sequence[Trouble]:
    """What is wrong with the operations that are open: one incident for each account in doubt, one for each person."""
    old = now - timedelta(seconds=patience.unknown_s)
    doubted: dict[tuple[str, str], list[Operation]] = {}
    found: list[Trouble] = []
    for operation in operations:
        if operation.for_person:
            found.append(_for_person(operation, now))
        elif _in_question(operation) and operation.created_at <= old:
            doubted.setdefault((operation.partner, operation.account), []).append(operation)
    return [*found, *(_in_doubt(*about, each, now) for about, each in doubted.items())]


def _in_question(operation: Operation) -> bool:
    """Whether it may have happened, and nobody knows: the whole of it, or a later step that got no answer."""
    if operation.state is State.DOUBT:
        return operation.started
    step = operation.open_step
    return operation.unknown is not None and step is not None and step.moves_money and operation.may_have_left


def _for_person(operation: Operation, now: datetime) -> Trouble:
    return Trouble(
        kind=kinds.OPERATION_FOR_PERSON,
        about=operation.id,
        summary=f"{operation.id}: {operation.for_person}",
        at=now,
        partner=operation.partner,
        account=operation.account,
        ref=operation.ref,
        operation=operation.id,
    )


def _in_doubt(partner: str, account: str, operations: Sequence[Operation], now: datetime) -> Trouble:
    oldest = min(operations, key=lambda operation: operation.created_at)
    number = f"{len(operations)} operations" if len(operations) > 1 else "one operation"
    # no ages in words: they would change with every look, and a look that found nothing new is no news
    why = str(oldest.unknown or "no answer")
    since = f"{oldest.created_at:%Y-%m-%d %H:%M} UTC"
    return Trouble(
        kind=kinds.UNKNOWN_AGEING,
        about=account,
        summary=f"{number} of {account} in doubt, the oldest since {since}: {oldest.id} ({why})",
        at=now,
        partner=partner,
        account=account,
        ref=oldest.ref,
        operation=oldest.id,
    )


def ending(expiries: Iterable[Expiry], now: datetime, patience: Patience) -> Sequence[Trouble]:
    """What has ended, and what will within the time that is asked for."""
    found: list[Trouble] = []
    for each in expiries:
        over = each.ends <= now
        if not over and each.ends > now + timedelta(seconds=patience.expiry_s):
            continue
        if each.record:
            kind = kinds.RECORD_EXPIRED if over else kinds.RECORD_EXPIRING
        else:
            kind = kinds.CERTIFICATE_EXPIRED if over else kinds.CERTIFICATE_EXPIRING
        found.append(
            Trouble(
                kind=kind,
                about=f"{each.about}/{each.what}",
                summary=f"{each.about}: {each.what} {'ended' if over else 'ends'} on {each.ends:%Y-%m-%d}",
                at=now,
                partner=each.partner,
                account=each.account,
            )
        )
    return found
