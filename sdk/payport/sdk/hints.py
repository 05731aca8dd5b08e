"""Notices that prove nothing: they only say where to look, so the partner is asked, and its answer is what counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from payport.schemas.events import Acknowledgement, Event, EventKind, Rejected, RejectedKind
from payport.schemas.references import PartnerId
from payport.sdk import exchange
from payport.sdk.adapter import Opened
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation, Source

ASK_S = 5.0
"""How long the partner may take to confirm its own notice: it waits to be acknowledged meanwhile."""

_REFERENCE = re.compile(r"[0-9A-Za-z_-]{1,64}")
_ACCEPTED = Acknowledgement(status=204, content_type="text/plain", body=b"")
_REFUSED = Acknowledgement(status=400, content_type="text/plain", body=b"refused")
_AGAIN = Acknowledgement(status=503, content_type="text/plain", body=b"try again")


def confirmed(
    reference: str,
    look: Callable[[str, float], Exchange[Observation]],
    *,
    kind: EventKind = EventKind.PAYMENT,
    accepted: Acknowledgement = _ACCEPTED,
) -> Exchange[Opened | Rejected]:
    """A notice that is not signed, as an adapter's ``open_notice`` gives it: believed as far as the partner confirms.

    ``reference``: our reference at the partner, as the notice has it. Anybody may have written it, so only digits,
    letters, hyphens and underscores are ever handed on. ``look``: asks the partner about it until a deadline.
    ``accepted``: what the partner wants to hear.
    """
    if not _REFERENCE.fullmatch(reference):
        return _rejected("it names no reference", _REFUSED)
    now = yield from exchange.now()
    told = replace((yield from look(reference, now.monotonic_s + ASK_S)), source=Source.NOTICE)
    if told.absent:
        return _rejected("the partner knows of no such operation", _REFUSED)
    if told.partner_ref != reference:
        return _rejected(f"the partner does not confirm it: {told.unknown or told.not_sent}", _AGAIN)
    # nothing numbers it: what it says is its identity, what became known since it was paid included
    facts = sorted({f"{fact.kind.value} {fact.partner_id or ''} {fact.amount or ''}" for fact in told.facts})
    event = Event(
        kind=kind,
        id="/".join((reference, told.state.value, *facts)),
        partner_ref=reference,
        partner_id=None if told.partner_id is None else PartnerId(told.partner_id),
        status=told.state.value,
        amount=told.amount,
        occurred_at=told.at,
    )
    return Opened(event=event, lessons=((reference, told),), acknowledgement=accepted)


def _rejected(detail: str, acknowledgement: Acknowledgement) -> Rejected:
    return Rejected(kind=RejectedKind.UNSIGNED, detail=f"not signed, and {detail}", acknowledgement=acknowledgement)
