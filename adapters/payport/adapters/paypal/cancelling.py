"""What the answers to a cancel's step mean: voided, given back, or not to be cancelled any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.adapters.paypal.calls import Call, Reply, ask_paypal
from payport.adapters.paypal.mapping import AuthorizationStatus, Meaning
from payport.adapters.paypal.planning import (
    AUTHORIZATION_ID,
    CAPTURE_ID,
    GET_ORDER,
    LOOK,
    ORDER_ID,
    REVERSE,
    get_order,
    reversal,
    void,
)
from payport.adapters.paypal.reading.fields import Unreadable, known, parsed, refusal, refused_question, unanswered
from payport.adapters.paypal.reading.orders import order_observation
from payport.adapters.paypal.reading.refunds import reversal_observation
from payport.adapters.paypal.wire import PayPalAuthorization, PayPalOrder, PayPalRefund
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.adapter import Slot
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.paypal.adapter import PayPal

_VOIDED = Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.VOIDED)
_ANOTHER = doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about something else")
_VOIDED_BEFORE = ("PREVIOUSLY_VOIDED", "AUTHORIZATION_VOIDED")


def cancelled(paypal: PayPal, cancel: Operation, step: Step, answer: Reply, deadline_s: float) -> Exchange[Observation]:
    """What the answer to one step of a cancel teaches; the question of :data:`LOOK` says what is to be done."""
    if step.name == LOOK:
        return (yield from _by_its_state(paypal, cancel, answer, deadline_s))
    if step.name == REVERSE:
        return (yield from _reversed(paypal, cancel, answer, deadline_s))
    return _voided(cancel, answer)


def _voided(cancel: Operation, answer: Reply) -> Observation:
    if not answer.ok:
        if answer.code in _VOIDED_BEFORE:
            return _VOIDED
        if answer.verdict.meaning is Meaning.DONE:
            return _too_late(answer.code, answer.words)
        return refusal(answer)
    if answer.status == 204:
        return _VOIDED
    try:
        said = parsed(PayPalAuthorization, answer.node)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"void: {error}")
    if said.custom_id not in (None, cancel.identity.get("of")):
        return _ANOTHER
    if known(AuthorizationStatus, said.status) is AuthorizationStatus.VOIDED:
        return _VOIDED
    return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"voided authorization has status {said.status}")


def _too_late(code: str | None, words: str) -> Observation:
    return Observation(
        state=State.DECLINED, source=Source.REPLY, reason=Reason.INVALID_STATE, partner_code=code, message=words
    )


def _reversed(paypal: PayPal, cancel: Operation, answer: Reply, deadline_s: float) -> Exchange[Observation]:
    if answer.ok:
        return _read_reversal(cancel, answer)
    if answer.verdict.meaning is not Meaning.DONE:
        return refusal(answer)
    # everything was given back before: by this very cancel, or by refunds that are told elsewhere
    shown = yield from ask_paypal(paypal, get_order(cancel.identity.get(ORDER_ID, "")), deadline_s)
    if isinstance(shown, Observation):
        return unanswered(shown, GET_ORDER)
    if not shown.ok:
        return refused_question(shown, GET_ORDER)
    try:
        order = parsed(PayPalOrder, shown.node)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"order: {error}")
    refunds = [refund for unit in order.purchase_units for refund in unit.payments.refunds]
    ours = any(refund.invoice_id == cancel.partner_ref for refund in refunds)
    by = CancelledBy.REVERSED if ours else CancelledBy.CLOSED
    return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by, partner_code=answer.code)


def _read_reversal(cancel: Operation, answer: Reply) -> Observation:
    try:
        told = reversal_observation(parsed(PayPalRefund, answer.node), Source.REPLY)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"refund: {error}")
    return told if told.partner_ref == cancel.partner_ref or told.unknown is not None else _ANOTHER


def _by_its_state(paypal: PayPal, cancel: Operation, answer: Reply, deadline_s: float) -> Exchange[Observation]:
    """A capture is in doubt, or the order is another system's: what PayPal shows decides."""
    if not answer.ok:
        return refusal(answer)
    try:
        order = parsed(PayPalOrder, answer.node)
        told = order_observation(order, Source.REPLY, paypal.config.merchant_id)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"order: {error}")
    if told.unknown is not None:
        return told
    if told.partner_ref != cancel.identity.get("of"):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another order")
    match told.state:
        case State.DECLINED:
            by = told.cancelled_by or CancelledBy.CLOSED
            return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by)
        case State.AUTHORIZED:
            return (yield from _void_now(paypal, cancel, told.ids[AUTHORIZATION_ID], deadline_s))
        case State.SUCCEEDED if cancel.identity.get("reverse_paid"):
            call = reversal(told.ids[CAPTURE_ID], cancel.identity.get("of", ""), cancel.partner_ref)
            return (yield from _reverse_now(paypal, cancel, call, deadline_s))
        case State.SUCCEEDED:
            return _too_late(order.status, "the order is paid")
        case State.PENDING:
            return _too_late(order.status, "the capture is pending and cannot be stopped")
        case _:
            return doubt(
                Source.REPLY, UnknownKind.NOT_FOUND, "the order is not captured, and a capture may be on its way"
            )


def _void_now(paypal: PayPal, cancel: Operation, number: str, deadline_s: float) -> Exchange[Observation]:
    slot = Slot(partner_ref=cancel.partner_ref, now=cancel.created_at, payable_until=cancel.created_at)
    answer = yield from ask_paypal(paypal, void(number, slot), deadline_s)
    return answer if isinstance(answer, Observation) else _voided(cancel, answer)


def _reverse_now(paypal: PayPal, cancel: Operation, call: Call, deadline_s: float) -> Exchange[Observation]:
    answer = yield from ask_paypal(paypal, call, deadline_s)
    return answer if isinstance(answer, Observation) else (yield from _reversed(paypal, cancel, answer, deadline_s))
