"""What a Checkout Session teaches: open, used, over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from payport.adapters.stripe.mapping import IntentStatus, SessionStatus
from payport.adapters.stripe.planning import INTENT, PAGE, SESSION
from payport.adapters.stripe.reading.fields import known, money
from payport.adapters.stripe.reading.intents import read_intent
from payport.adapters.stripe.wire import StripeIntent, StripeSession
from payport.schemas.actions import Redirect
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

_PAID = (IntentStatus.SUCCEEDED.value, IntentStatus.REQUIRES_CAPTURE.value, IntentStatus.PROCESSING.value)


def read_session(session: StripeSession, source: Source, *, seen_at: datetime | None = None) -> Observation:
    """What a session teaches about the payment that it is for."""
    intent = session.payment_intent
    if isinstance(intent, StripeIntent) and (intent.status in _PAID or session.status == SessionStatus.COMPLETE.value):
        return _used(session, intent, source, seen_at)
    status = known(SessionStatus, session.status)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"session status {session.status}")
    base = _base(session, source)
    match status:
        case SessionStatus.OPEN:
            action = None if session.url is None else Redirect(url=session.url)
            refusal = _refusal(intent, source)
            return replace(base, state=State.ACTION, action=action, reason=refusal)
        case SessionStatus.COMPLETE if session.payment_status == "paid":
            return replace(base, state=State.SUCCEEDED)
        case SessionStatus.COMPLETE if session.payment_status == "unpaid":
            return replace(base, state=State.PENDING, message="the page was used, the money is not there yet")
        case SessionStatus.COMPLETE:
            return doubt(source, UnknownKind.UNKNOWN_STATUS, f"payment_status {session.payment_status}")
        case SessionStatus.EXPIRED:
            return replace(
                base,
                state=State.DECLINED,
                reason=Reason.EXPIRED,
                cancelled_by=CancelledBy.CLOSED,
                partner_code="expired",
            )
        case _:
            assert_never(status)


def _base(session: StripeSession, source: Source) -> Observation:
    ids = {SESSION: session.id}
    intent = session.payment_intent
    number = intent.id if isinstance(intent, StripeIntent) else intent
    if number is not None:
        ids[INTENT] = number
    return Observation(
        state=State.DOUBT,
        source=source,
        partner_ref=session.client_reference_id or session.id,
        partner_id=number or session.id,
        amount=money(session.amount_total, session.currency),
        ids=ids,
        native=session,
    )


def _refusal(intent: StripeIntent | str | None, source: Source) -> Reason | None:
    if not isinstance(intent, StripeIntent) or intent.last_payment_error is None:
        return None
    return read_intent(intent, source, way=PAGE).reason


def _used(session: StripeSession, intent: StripeIntent, source: Source, seen_at: datetime | None) -> Observation:
    """The intent tells how the payment stands; the session tells whose it is and what was asked."""
    told, base = read_intent(intent, source, way=PAGE, seen_at=seen_at), _base(session, source)
    if told.unknown is not None:
        return told
    if told.amount != base.amount:
        return doubt(source, UnknownKind.MISMATCH, f"amount: the page asked for {base.amount}, {told.amount} was paid")
    if told.state is State.ACTION:
        # the page is used up: a debit that came back later cannot be tried again there
        told = replace(told, state=State.DECLINED, action=None, reason=told.reason or Reason.DECLINED)
    return replace(
        told, partner_ref=base.partner_ref, partner_id=base.partner_id, ids={**base.ids, **told.ids}, native=session
    )
