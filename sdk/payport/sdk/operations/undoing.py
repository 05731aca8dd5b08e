"""What a cancel that has left may still undo: until that is known, nobody is told that the payment is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import FactKind
from payport.sdk.journal.records import Operation, State, Transition, Verb
from payport.sdk.journal.session import Session
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.operations.repeating import REPEATED
from payport.sdk.operations.setup import Setup

REVERSE = "reverse"
"""Mark in a cancel's identity: a paid order is to be reversed, not refused."""

FENCE = "fence"
"""Mark in a cancel's identity: asked for by the resolver, so it never undoes what the caller was told."""

TAKEN = (State.AUTHORIZED, State.SUCCEEDED)
"""States in which the payer's money is the merchant's, or held for it."""


def unless_undone(setup: Setup, session: Session, payment: Operation, told: Observation, now: datetime) -> Observation:
    """What was told of a payment, or a doubt while a fence of it may yet give back what came through, or let it go.

    The fence is on its way, or was not answered. Then its own answer decides; or the partner's to a question about the
    payment, if that would show it: once the fence must have arrived, and time for the question has passed too. What
    cannot be asked about is told at once, and what a fence undid afterwards. What was paid and has gone back is for the
    fence to tell: most likely it was the fence.
    """
    if payment.verb is not Verb.PAY or payment.state.final or told.state not in TAKEN:
        return told
    held = told.state is State.AUTHORIZED  # a close lets it go; what is paid, only a reversal gives back
    reversible = held or setup.ladder(payment).fence_after_s is not None
    undone = any(fact.kind in _UNDONE and fact.amount in (None, payment.amount) for fact in told.facts)
    if not reversible or not setup.profile.answers_queries:
        return told
    shows = setup.profile.shows_cancels and told.source is Source.QUERY
    shown_after = timedelta(seconds=2 * setup.profile.in_flight_s)
    for fence in session.operations(payment.ref):
        undoes = FENCE in fence.identity and (held or REVERSE in fence.identity)
        if fence.of == payment.id and undoes and not fence.state.final:
            lines = [line for line in session.history(fence.ref) if line.operation == fence.id]
            left_at = unanswered_at(lines)
            unknown = left_at is not None and (undone or not (shows and now >= left_at + shown_after))
            if unknown or _is_out(fence, lines):
                return doubt(told.source, UnknownKind.INTERRUPTED, _DECIDES)
    return told


_UNDONE = (FactKind.REFUNDED, FactKind.RELEASED)
_DECIDES = "it came through, and a cancel of it may have been carried out: that decides"


def _is_out(fence: Operation, lines: Sequence[Transition]) -> bool:
    """Whether a request of it is under way: nothing was written down since."""
    return (fence.started and len(lines) == 1) or repeated_unanswered(lines)


def repeated_unanswered(lines: Sequence[Transition]) -> bool:
    """Whether a cancel was sent again, with no word of the partner's after it."""
    for line in reversed(lines):
        if REPEATED in line.detail:
            return True
        if line.source == Source.REPLY.value or "not_sent" in line.detail:
            return False
    return False


def unanswered_at(lines: Sequence[Transition]) -> datetime | None:
    """When it was written down last that a request of a cancel may have been carried out, or may be yet."""
    return max((line.at for line in lines if _leaves_it_open(line)), default=None)


def _leaves_it_open(line: Transition) -> bool:
    return "taken_by" in line.detail or ("unknown" in line.detail and line.source == Source.REPLY.value)
