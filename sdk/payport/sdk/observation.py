"""What was learnt about an operation, and how what is learnt adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from payport.schemas.actions import Action
from payport.schemas.money import Money
from payport.schemas.outcome import NotSentCause, NotSentKind, Reason, UnknownCause, UnknownKind
from payport.schemas.payment import CancelledBy, Fact
from payport.sdk.journal.records import State

LET_GO = "let_go."
"""Begins the name in ``ids`` of the partner's number of a payment that went back when its attempt was closed: its own
notice, or answer, may be read after that.
"""


class Source(Enum):
    """Where an observation came from."""

    REPLY = "reply"
    QUERY = "query"
    NOTICE = "notice"
    LOCAL = "local"


def _no_ids() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One thing learnt about one operation.

    ``state`` is what the partner's word amounts to; ``DOUBT`` with ``unknown`` when nothing was learnt.
    ``partner_ref``, ``amount`` and ``identity`` are what the partner stated, ``None`` or left out where it states none:
    they are compared with what was asked before anything is believed. ``identity``: what the partner dedupes on besides
    the reference, by the names of the operation's own identity. Whose money it is (merchant, application) the adapter
    has compared.
    ``concerns``: for a lesson of a notification that does not say what kind of operation it is about: only operations
    whose identity has these are taught, others hear nothing.
    ``counted_by``: the name in ``ids`` of the partner's number of the payment: one that was paid under another number
    already was paid twice.
    ``as_of``: when it was asked for, where that was a question or a repetition: an answer may have been read long after
    it was given, by a process that stood still, and what it does not know may have come since. For what the partner
    does not know, the partner's own time where that is earlier: its clock ends what is over by time.
    ``again``: the same step may be tried again at once (rate limit, a cancel that asks to be repeated).
    """

    state: State
    source: Source
    partner_ref: str | None = None
    amount: Money | None = None
    identity: Mapping[str, str] = field(default_factory=_no_ids)
    concerns: Mapping[str, str] = field(default_factory=_no_ids)
    partner_id: str | None = None
    counted_by: str | None = None
    ids: Mapping[str, str] = field(default_factory=_no_ids)
    at: datetime | None = None
    as_of: datetime | None = None
    action: Action | None = field(default=None, repr=False)
    cancelled_by: CancelledBy | None = None
    reason: Reason | None = None
    partner_code: str | None = None
    message: str = ""
    unknown: UnknownCause | None = None
    not_sent: NotSentCause | None = None
    facts: tuple[Fact, ...] = ()
    again: bool = False
    retry_after_s: float | None = None
    native: object = field(default=None, repr=False)

    @property
    def absent(self) -> bool:
        """Whether the partner said that it does not know the operation. No proof while a request may be on its way."""
        return self.unknown is not None and self.unknown.kind is UnknownKind.NOT_FOUND

    @property
    def held_back(self) -> bool:
        """Whether nothing was sent because a limit, a breaker or a suspension held it back: nobody was asked."""
        return self.not_sent is not None and self.not_sent.kind in _HELD_BACK


_HELD_BACK = (NotSentKind.RATE_LIMITED, NotSentKind.BREAKER_OPEN, NotSentKind.PARTNER_SUSPENDED)


def doubt(source: Source, kind: UnknownKind, detail: str, *, again: bool = False) -> Observation:
    """Nothing was learnt."""
    return Observation(state=State.DOUBT, source=source, unknown=UnknownCause(kind, detail), again=again)
