"""What an order teaches about the payment that it is: approved, captured, held, declined, given back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from payport.adapters.paypal.calls import instant
from payport.adapters.paypal.mapping import (
    AuthorizationStatus,
    CaptureStatus,
    OrderStatus,
    RefundStatus,
    Stage,
    authorization_stage,
    capture_stage,
    order_stage,
    processor_reason,
)
from payport.adapters.paypal.planning import (
    APPROVED,
    AUTHORIZATION_ID,
    CAPTURE_ID,
    INTENT,
    ORDER_ID,
    REFUNDED,
    REVERSED,
)
from payport.adapters.paypal.reading.fields import Unreadable, known, money, page, unknown_status
from payport.adapters.paypal.wire import (
    PayPalAuthorization,
    PayPalCapture,
    PayPalOrder,
    PayPalPurchaseUnit,
    PayPalRefund,
)
from payport.schemas.actions import Redirect
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

_NO_REFERENCE = "default"
"""What PayPal calls a purchase unit that was given no name."""


def order_observation(order: PayPalOrder, source: Source, merchant_id: str) -> Observation:
    """What an order teaches. What moved money under it counts, never the order's own word: a completed order may hold
    a declined capture. Raises :class:`Unreadable`.
    """
    if len(order.purchase_units) != 1:
        return doubt(source, UnknownKind.MISMATCH, f"order: it has {len(order.purchase_units)} purchase units, not one")
    unit = order.purchase_units[0]
    payee = unit.payee.merchant_id if unit.payee is not None else None
    if payee is not None and payee != merchant_id:
        return doubt(source, UnknownKind.MISMATCH, "merchant: the order pays somebody else")
    reference = stated_reference(order, unit)
    if reference is None:
        return doubt(source, UnknownKind.MISMATCH, "reference: the order carries several that differ")
    if unit.payments.captures and order.intent != "AUTHORIZE":
        return _captured(order, unit, reference, source)
    if unit.payments.authorizations:
        return _held(order, unit.payments.authorizations, reference, source)
    return _untouched(order, unit, reference, source)


def stated_reference(order: PayPalOrder, unit: PayPalPurchaseUnit) -> str | None:
    """What PayPal says the order is about: our own reference in each place where it keeps one; ``None`` when they
    differ. An order of another system may carry none: then it is its own name.
    """
    named = {each for each in (unit.custom_id, unit.invoice_id, unit.reference_id) if each and each != _NO_REFERENCE}
    if not named:
        return order.id
    return named.pop() if len(named) == 1 else None


def _ids(order: PayPalOrder, **more: str) -> dict[str, str]:
    intent = {INTENT: order.intent} if order.intent else {}
    return {ORDER_ID: order.id, **intent, **more}


def _untouched(order: PayPalOrder, unit: PayPalPurchaseUnit, reference: str, source: Source) -> Observation:
    status = known(OrderStatus, order.status)
    if status is None:
        return unknown_status(source, "order", order.status)
    stage = order_stage(status)
    if stage is Stage.PAID:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, "order COMPLETED without a capture")
    address = page(order.links)
    approved = {APPROVED: "1"} if status is OrderStatus.APPROVED else {}
    state = {Stage.OPEN: State.ACTION, Stage.WAITING: State.PENDING}.get(stage, State.DECLINED)
    return Observation(
        state=state,
        source=source,
        partner_ref=reference,
        partner_id=order.id,
        amount=money(unit.amount),
        ids=_ids(order, **approved),
        action=Redirect(url=address) if address is not None else None,
        reason=Reason.CLOSED if state is State.DECLINED else None,
        cancelled_by=CancelledBy.CLOSED if state is State.DECLINED else None,
        native=order,
    )


def _captured(order: PayPalOrder, unit: PayPalPurchaseUnit, reference: str, source: Source) -> Observation:
    captures = unit.payments.captures
    stages = {capture.id: _stage_of(capture) for capture in captures}
    for wanted in (Stage.PAID, None, Stage.WAITING, Stage.OVER):
        found = [capture for capture in captures if stages[capture.id] is wanted]
        if found:
            break
    else:  # pragma: no cover - every stage of a capture stands above
        raise AssertionError("a capture has a stage of another kind")
    told = capture_observation(found[-1], source, reference)
    paid = told.state is State.SUCCEEDED
    if len(found) > 1 and paid:
        return doubt(source, UnknownKind.MISMATCH, f"order: it was captured {len(found)} times")
    if told.state is State.DECLINED and known(OrderStatus, order.status) is not OrderStatus.COMPLETED:
        return _untouched(order, unit, reference, source)  # the payer may try again, and we may
    return Observation(
        state=told.state,
        source=source,
        partner_ref=reference,
        partner_id=order.id,
        amount=told.amount,
        at=told.at,
        ids=_ids(order, **told.ids),
        reason=told.reason,
        partner_code=told.partner_code,
        message=told.message,
        unknown=told.unknown,
        facts=_given_back(found[-1], unit.payments.refunds) if paid else (),
        native=order,
    )


def _stage_of(capture: PayPalCapture) -> Stage | None:
    status = known(CaptureStatus, capture.status)
    return None if status is None else capture_stage(status)


def capture_observation(capture: PayPalCapture, source: Source, reference: str | None) -> Observation:
    """What one captured payment teaches. Raises :class:`Unreadable`."""
    status = known(CaptureStatus, capture.status)
    if status is None:
        return unknown_status(source, "capture", capture.status)
    stage = capture_stage(status)
    state = {Stage.PAID: State.SUCCEEDED, Stage.WAITING: State.PENDING}.get(stage, State.DECLINED)
    code = capture.processor_response.response_code if capture.processor_response is not None else None
    why = capture.status_details.reason if capture.status_details is not None else None
    refused = state is State.DECLINED
    return Observation(
        state=state,
        source=source,
        partner_ref=reference,
        partner_id=capture.id,
        amount=money(capture.amount),
        at=when(capture),
        ids={} if refused else {CAPTURE_ID: capture.id},
        reason=processor_reason(code) if refused else None,
        partner_code=(code or why or capture.status) if refused else None,
        message=why or "",
        native=capture,
    )


def when(movement: PayPalCapture | PayPalAuthorization | PayPalRefund) -> datetime | None:
    """When it happened: its last change where PayPal says so."""
    return instant(movement.update_time) or instant(movement.create_time)


def _given_back(capture: PayPalCapture, refunds: Sequence[PayPalRefund]) -> tuple[Fact, ...]:
    """What others refunded of a capture, one fact each; all of it where PayPal shows no single refunds.

    Our own refunds are told by their own operations.
    """
    done = [refund for refund in refunds if known(RefundStatus, refund.status) is RefundStatus.COMPLETED]
    facts = tuple(refunded(refund) for refund in done if when(refund) is not None and not is_ours(refund))
    at = when(capture)
    if not done and capture.status == CaptureStatus.REFUNDED.value and at is not None:
        return (Fact(kind=FactKind.REFUNDED, at=at, amount=money(capture.amount)),)
    return facts


def is_ours(refund: PayPalRefund) -> bool:
    """Whether an operation of ours asked for this refund, and not somebody at PayPal's own pages."""
    return (refund.custom_id or "").startswith((REFUNDED, REVERSED))


def refunded(refund: PayPalRefund) -> Fact:
    """That money was given back. Raises :class:`Unreadable`."""
    at = when(refund)
    if at is None:
        raise Unreadable("a refund without a time")
    return Fact(kind=FactKind.REFUNDED, at=at, amount=money(refund.amount), partner_id=PartnerId(refund.id))


def _held(
    order: PayPalOrder, authorizations: Sequence[PayPalAuthorization], reference: str, source: Source
) -> Observation:
    told = authorization_observation(authorizations[-1], source, reference)
    first, *anew = authorizations
    numbers = {AUTHORIZATION_ID: first.id} | {
        f"{AUTHORIZATION_ID}/{turn}": each.id for turn, each in enumerate(anew, 1)
    }
    return Observation(
        state=told.state,
        source=source,
        partner_ref=reference,
        # a hold that ended is one fact, whoever tells it: a cancel of ours notes it without a number
        partner_id=None if told.cancelled_by is CancelledBy.VOIDED else order.id,
        amount=told.amount,
        at=told.at,
        ids={**_ids(order), **(numbers if told.ids else {})},
        reason=told.reason,
        partner_code=told.partner_code,
        message=told.message,
        unknown=told.unknown,
        cancelled_by=told.cancelled_by,
        native=order,
    )


def authorization_observation(authorization: PayPalAuthorization, source: Source, reference: str | None) -> Observation:
    """What a hold teaches. Raises :class:`Unreadable`."""
    status = known(AuthorizationStatus, authorization.status)
    if status is None:
        return unknown_status(source, "authorization", authorization.status)
    stage = authorization_stage(status)
    state = {Stage.HELD: State.AUTHORIZED, Stage.WAITING: State.PENDING}.get(stage, State.DECLINED)
    refused = state is State.DECLINED
    code = authorization.processor_response.response_code if authorization.processor_response is not None else None
    expired = status is AuthorizationStatus.EXPIRED
    ended = Reason.EXPIRED if expired else Reason.CLOSED
    return Observation(
        state=state,
        source=source,
        partner_ref=reference,
        partner_id=authorization.id,
        amount=money(authorization.amount),
        at=when(authorization),
        ids={} if stage is Stage.OVER else {AUTHORIZATION_ID: authorization.id},
        reason=(ended if stage is Stage.RETURNED else processor_reason(code)) if refused else None,
        partner_code=(code or authorization.status) if refused else None,
        cancelled_by=CancelledBy.VOIDED if stage is Stage.RETURNED else None,
        message="the hold ended by time" if expired else "",
        native=authorization,
    )
