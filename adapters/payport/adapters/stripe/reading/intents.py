"""What a PaymentIntent teaches: waiting, refused, held, paid, over.

Source: Stripe's documentation, "how PaymentIntents work"; the API reference of ``next_action``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never, cast

from payport.adapters.stripe.mapping import TIME_IS_OVER, IntentStatus, decline_reason
from payport.adapters.stripe.planning import DIRECT, ELEMENTS, INTENT, PAGE, PAYMENT_REF, capture_mark
from payport.adapters.stripe.reading.fields import instant, known, money, said
from payport.adapters.stripe.wire import StripeCharge, StripeFailure, StripeIntent
from payport.schemas.actions import Action, AppParameters, QrCode, Redirect
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownCause, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

_ADDRESSES = ("url", "hosted_instructions_url", "hosted_voucher_url", "hosted_verification_url")
_LONGEST_CODE = 4_096


def read_intent(
    intent: StripeIntent,
    source: Source,
    *,
    way: str,
    seen_at: datetime | None = None,
    publishable_key: str | None = None,
) -> Observation:
    """What an intent teaches about the payment that it is.

    ``way``: who confirms it (empty: not made here). ``seen_at``: when, for what happened at a time that Stripe does not
    tell. A ``DIRECT`` intent that waits for another payment method is ``PENDING`` with a reason: whether that is the
    end depends on whether its secret is outside, which :mod:`~payport.adapters.stripe.asking` knows.
    """
    status = known(IntentStatus, intent.status)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"status {intent.status}")
    base = _base(intent, source, seen_at)
    match status:
        case IntentStatus.SUCCEEDED:
            return _succeeded(intent, base)
        case IntentStatus.REQUIRES_CAPTURE:
            return replace(base, state=State.AUTHORIZED)
        case IntentStatus.PROCESSING:
            return replace(base, state=State.PENDING, message="Stripe is processing it")
        case IntentStatus.CANCELED:
            late = intent.cancellation_reason in TIME_IS_OVER
            return replace(
                base,
                state=State.DECLINED,
                reason=Reason.EXPIRED if late else Reason.CLOSED,
                cancelled_by=CancelledBy.CLOSED,
                message=f"canceled: {intent.cancellation_reason or 'no reason given'}",
            )
        case IntentStatus.REQUIRES_ACTION:
            return replace(base, state=State.ACTION, action=_action(intent, way, publishable_key))
        case IntentStatus.REQUIRES_CONFIRMATION if way == DIRECT:
            return base  # made, and not confirmed yet
        case IntentStatus.REQUIRES_CONFIRMATION:
            return replace(base, state=State.ACTION, action=_action(intent, way, publishable_key))
        case IntentStatus.REQUIRES_PAYMENT_METHOD:
            return _open(intent, base, way, publishable_key)
        case _:
            assert_never(status)


def _base(intent: StripeIntent, source: Source, seen_at: datetime | None) -> Observation:
    """What every state of it says: whose, how much, which number. By itself: nothing is decided yet."""
    charge = intent.latest_charge
    ids = {INTENT: intent.id}
    if isinstance(charge, StripeCharge):
        ids["charge"] = charge.id
    return Observation(
        state=State.DOUBT,
        source=source,
        partner_ref=said(intent.metadata, intent.id),
        partner_id=intent.id,
        amount=money(intent.amount, intent.currency),
        ids=ids,
        facts=_refunded(charge, seen_at) if isinstance(charge, StripeCharge) else (),
        native=intent,
    )


def _refunded(charge: StripeCharge, seen_at: datetime | None) -> tuple[Fact, ...]:
    if charge.amount_refunded <= 0 or seen_at is None or charge.amount_captured < charge.amount:
        return ()  # what was held and not captured is "refunded" too when it is let go
    total = money(charge.amount_refunded, charge.currency)
    return (Fact(kind=FactKind.REFUNDED, at=seen_at, amount=total, detail="refunded so far, in all"),)


def _succeeded(intent: StripeIntent, base: Observation) -> Observation:
    if intent.amount_received != intent.amount:
        if intent.capture_method == "manual":
            return replace(base, state=State.AUTHORIZED)  # it was held whole; its captures tell how much was paid
        received = money(intent.amount_received, intent.currency)
        return doubt(base.source, UnknownKind.MISMATCH, f"amount: {received} was received for {base.amount}")
    charge = intent.latest_charge
    when = charge.created if isinstance(charge, StripeCharge) else None
    return replace(base, state=State.SUCCEEDED, at=instant(when))


def _open(intent: StripeIntent, base: Observation, way: str, publishable_key: str | None) -> Observation:
    failure = intent.last_payment_error
    told = base if failure is None else refused(base, failure)
    if way in (ELEMENTS, PAGE):
        return replace(told, state=State.ACTION, action=_action(intent, way, publishable_key))
    return base if way == DIRECT and failure is None else replace(told, state=State.PENDING)


def refused(base: Observation, failure: StripeFailure) -> Observation:
    """The observation with why a payment method was refused."""
    return replace(
        base,
        reason=decline_reason(failure.code, failure.decline_code),
        partner_code=failure.decline_code or failure.code,
        message=(failure.message or "")[:200],
    )


def _action(intent: StripeIntent, way: str, publishable_key: str | None) -> Action | None:
    """What the payer must do: follow a link, scan a code, or go on with Stripe.js and the client secret."""
    if way == PAGE:
        return None  # the page does it
    if way != ELEMENTS:
        found = _told(intent.next_action or {})
        if found is not None:
            return found
    secret = intent.client_secret
    if secret is None or not way:
        return None  # what was not made here is not handed out here
    fields = {"client_secret": secret, "payment_intent": intent.id}
    if publishable_key is not None:
        fields["publishable_key"] = publishable_key
    return AppParameters(payload=secret, fields=fields)


def _told(next_action: Mapping[str, object]) -> Action | None:
    detail = next_action.get(str(next_action.get("type")))
    if not isinstance(detail, Mapping):
        return None
    fields = cast("Mapping[str, object]", detail)
    for name in _ADDRESSES:
        address = fields.get(name)
        if isinstance(address, str) and address.startswith(("https://", "http://")):
            return Redirect(url=address)
    code = fields.get("data")
    return QrCode(text=code) if isinstance(code, str) and 0 < len(code) <= _LONGEST_CODE else None


def read_capture(operation: Operation, intent: StripeIntent, source: Source) -> Observation:
    """What the intent of a hold teaches about one capture: the capture's own mark says that it happened, and how much.

    The amount that an intent calls received is the sum of its captures.
    """
    if said(intent.metadata, intent.id) != operation.identity.get(PAYMENT_REF):
        return doubt(source, UnknownKind.MISMATCH, "reference: the answer is about another payment's hold")
    held = operation.identity.get("held", "")
    if str(intent.amount) != held:
        detail = f"amount: a hold of {held} was captured, Stripe says {intent.amount}"
        return doubt(source, UnknownKind.MISMATCH, detail)
    status = known(IntentStatus, intent.status)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"status {intent.status}")
    told = intent.metadata.get(capture_mark(operation.partner_ref))
    if told is None:
        return _not_captured(intent, status, source)
    amount = _marked(told, intent)
    if amount is None or money(intent.amount_received, intent.currency) < amount:
        return doubt(source, UnknownKind.MISMATCH, "amount: less was captured in all than by this capture")
    return Observation(
        state=State.SUCCEEDED,
        source=source,
        partner_ref=operation.partner_ref,
        partner_id=intent.id,
        amount=amount,
        ids={INTENT: intent.id},
        native=intent,
    )


def _marked(told: str, intent: StripeIntent) -> Money | None:
    if not told.isascii() or not told.isdecimal() or len(told) > 12:
        return None
    return money(int(told), intent.currency)


def _not_captured(intent: StripeIntent, status: IntentStatus, source: Source) -> Observation:
    if status in (IntentStatus.SUCCEEDED, IntentStatus.CANCELED):
        return Observation(
            state=State.DECLINED,
            source=source,
            reason=Reason.INVALID_STATE,
            partner_code=intent.status,
            message=f"the hold is {intent.status} without this capture",
        )
    if status is IntentStatus.REQUIRES_CAPTURE:
        return Observation(
            state=State.DOUBT,
            source=source,
            unknown=UnknownCause(UnknownKind.NOT_FOUND, "the hold is not captured by this"),
        )
    return doubt(source, UnknownKind.UNKNOWN_STATUS, f"status {intent.status}")
