"""Carry out one step, ask about one operation: which call, and what its answer teaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from payport.adapters.paypal.calls import Call, Reply, ask_paypal, is_number
from payport.adapters.paypal.cancelling import cancelled
from payport.adapters.paypal.mapping import Meaning
from payport.adapters.paypal.planning import (
    AUTHORIZE_ORDER,
    BATCH_ID,
    CAPTURE,
    CAPTURE_ID,
    CAPTURE_ORDER,
    CREATE,
    FORGO,
    ORDER_ID,
    PAYOUT,
    PAYOUTS,
    REFUND,
    REFUND_ID,
    get_capture,
    get_order,
    get_payout,
    get_refund,
)
from payport.adapters.paypal.reading.fields import Unreadable, last_part, parsed, refusal, refused_question, unanswered
from payport.adapters.paypal.reading.orders import capture_observation, order_observation, stated_reference
from payport.adapters.paypal.reading.payouts import batch_observation
from payport.adapters.paypal.reading.refunds import refund_observation
from payport.adapters.paypal.wire import PayPalCapture, PayPalOrder, PayPalPayoutBatch, PayPalRefund
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.schemas.references import PartnerId
from payport.sdk.adapter import Found
from payport.sdk.calling import kept
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.paypal.adapter import PayPal

_OF_ORDER = (CREATE, CAPTURE_ORDER, AUTHORIZE_ORDER)
_COMPLETING = (CAPTURE_ORDER, AUTHORIZE_ORDER)


def perform(paypal: PayPal, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
    """Send one step, or none where a cancel needs none."""
    if step.name == FORGO:
        return Observation(state=State.SUCCEEDED, source=Source.LOCAL, cancelled_by=CancelledBy.CLOSED)
    sends = kept(step)
    if isinstance(sends, Observation):
        return sends
    request = Call.decode(sends)
    answer = yield from ask_paypal(paypal, request, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if operation.verb is Verb.CANCEL:
        return (yield from cancelled(paypal, operation, step, answer, deadline_s))
    if not answer.ok:
        return (yield from _refused(paypal, operation, request, answer, deadline_s))
    return read(paypal, operation, request.endpoint, answer, Source.REPLY)


def read(paypal: PayPal, operation: Operation, endpoint: str, answer: Reply, source: Source) -> Observation:
    """What a successful answer teaches."""
    try:
        if endpoint in _OF_ORDER:
            order = parsed(PayPalOrder, answer.node)
            elsewhere = _about_another(operation, ORDER_ID, order.id, source)
            return elsewhere or order_observation(order, source, paypal.config.merchant_id)
        if endpoint == CAPTURE:
            capture = parsed(PayPalCapture, answer.node)
            return _named(capture_observation(capture, source, capture.invoice_id), source)
        if endpoint == REFUND:
            return _named(refund_observation(parsed(PayPalRefund, answer.node), source), source)
        if endpoint == PAYOUT:
            return _named(batch_observation(parsed(PayPalPayoutBatch, answer.node), source), source)
    except Unreadable as error:
        return doubt(source, UnknownKind.UNREADABLE, f"{endpoint}: {error}")
    return doubt(source, UnknownKind.UNREADABLE, f"{endpoint} is no step that this version knows")


def _about_another(operation: Operation, name: str, told: str, source: Source) -> Observation | None:
    asked = operation.ids.get(name)
    if asked is None or asked == told:
        return None
    return doubt(source, UnknownKind.MISMATCH, f"{name}: the answer is about another one")


def _named(observation: Observation, source: Source) -> Observation:
    """A record of ours that does not say whose it is cannot be compared: it is not believed."""
    if observation.unknown is None and observation.partner_ref is None:
        return doubt(source, UnknownKind.MISMATCH, "reference: the answer names none")
    return observation


def _refused(
    paypal: PayPal, operation: Operation, request: Call, answer: Reply, deadline_s: float
) -> Exchange[Observation]:
    found = answer.verdict
    told = refusal(answer)
    if request.endpoint == PAYOUT and "SENDER_BATCH_ID" in _where(answer):
        # a batch number that was used in the last 30 days is refused, with a link to the batch that has it
        number = _batch_named(answer)
        if number is not None:
            return (yield from _question(paypal, operation, get_payout(number), deadline_s, _payout))
        detail = f"{answer.code}: the batch may be one of ours whose answer never came"
        return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, detail)
    if found.meaning is Meaning.DONE:
        how = yield from ask(paypal, operation, deadline_s)
        # the refusal stands where PayPal shows nothing of ours: somebody else did it
        done = Observation(
            state=State.DECLINED,
            source=Source.REPLY,
            reason=Reason.INVALID_STATE,
            partner_code=answer.code,
            message=answer.words,
        )
        return done if how.absent and request.endpoint not in _COMPLETING else how
    if request.endpoint in _COMPLETING and told.state is State.DECLINED and found.again:
        # the payer has approved: too many calls are no reason to give that up
        return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"{answer.code} {answer.words}".strip(), again=True)
    if request.endpoint not in _COMPLETING and told.state is State.ACTION:
        # only the payer of an order can be sent back
        return replace(told, state=State.DECLINED, reason=told.reason or found.reason)
    return told


def _batch_named(answer: Reply) -> str | None:
    """The number of the batch that a refusal links to; it may link to its documentation as well."""
    links = answer.error.links if answer.error is not None else ()
    numbers = (last_part(each.href) for each in links if f"{PAYOUTS}/" in each.href)
    return next((number for number in numbers if number is not None and is_number(number)), None)


def _where(answer: Reply) -> str:
    details = answer.error.details if answer.error is not None else ()
    return " ".join(f"{detail.field} {detail.issue} {detail.description}" for detail in details).upper()


def ask(paypal: PayPal, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    """Ask about an operation by PayPal's numbers of it, and find it by our own reference in what they show."""
    number = _number_of(operation)
    if number is None and operation.verb is Verb.PAYOUT:
        return doubt(Source.LOCAL, UnknownKind.NO_QUERY, "PayPal shows a payout only by its number, which never came")
    if number is None:
        return doubt(
            Source.QUERY,
            UnknownKind.NOT_FOUND,
            "PayPal's number of it is not known: the answer to the request that creates it never came",
        )
    match operation.verb:
        case Verb.PAY:
            told = yield from _question(paypal, operation, get_order(number), deadline_s, _payment(paypal))
            return _as_journalled(operation, told)
        case Verb.CAPTURE:
            known = operation.ids.get(CAPTURE_ID)
            request, reader = (get_capture(known), _capture) if known else (get_order(number), _capture_in_order)
            return (yield from _question(paypal, operation, request, deadline_s, reader))
        case Verb.REFUND | Verb.CANCEL:
            known = operation.ids.get(REFUND_ID)
            request, reader = (get_refund(known), _refund) if known else (get_order(number), _refund_in_order)
            return (yield from _question(paypal, operation, request, deadline_s, reader))
        case Verb.PAYOUT:
            return (yield from _question(paypal, operation, get_payout(number), deadline_s, _payout))
        case _:
            assert_never(operation.verb)


def _number_of(operation: Operation) -> str | None:
    if operation.verb is Verb.PAYOUT:
        return operation.ids.get(BATCH_ID)
    own = operation.ids.get(CAPTURE_ID if operation.verb is Verb.CAPTURE else REFUND_ID)
    return operation.ids.get(ORDER_ID) or operation.identity.get(ORDER_ID) or own


def _as_journalled(operation: Operation, told: Observation) -> Observation:
    """What an order that waits for us means while a capture of ours has no answer: not captured yet, so far.

    That the payer was refused before stays known: PayPal's order does not say it.
    """
    if told.state is not State.ACTION:
        return told
    if any(step.moves_money and not step.done for step in operation.steps):
        return doubt(Source.QUERY, UnknownKind.NOT_FOUND, "PayPal shows no capture of the order yet")
    return replace(told, reason=operation.reason) if operation.state is State.ACTION else told


_Reader = Callable[[Operation, Reply], Observation]


def _question(
    paypal: PayPal, operation: Operation, request: Call, deadline_s: float, reader: _Reader
) -> Exchange[Observation]:
    answer = yield from ask_paypal(paypal, request, deadline_s)
    if isinstance(answer, Observation):
        return unanswered(answer, request.endpoint)
    if not answer.ok:
        return refused_question(answer, request.endpoint)
    try:
        return reader(operation, answer)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"{request.endpoint}: {error}")


def _payment(paypal: PayPal) -> _Reader:
    def reader(operation: Operation, answer: Reply) -> Observation:
        order = parsed(PayPalOrder, answer.node)
        elsewhere = _about_another(operation, ORDER_ID, order.id, Source.QUERY)
        return elsewhere or order_observation(order, Source.QUERY, paypal.config.merchant_id)

    return reader


def _capture(operation: Operation, answer: Reply) -> Observation:
    capture = parsed(PayPalCapture, answer.node)
    elsewhere = _about_another(operation, CAPTURE_ID, capture.id, Source.QUERY)
    return elsewhere or _named(capture_observation(capture, Source.QUERY, capture.invoice_id), Source.QUERY)


def _capture_in_order(operation: Operation, answer: Reply) -> Observation:
    for unit in parsed(PayPalOrder, answer.node).purchase_units:
        for capture in unit.payments.captures:
            if capture.invoice_id == operation.partner_ref:
                return capture_observation(capture, Source.QUERY, capture.invoice_id)
    return doubt(Source.QUERY, UnknownKind.NOT_FOUND, "the order shows no such capture")


def _refund(operation: Operation, answer: Reply) -> Observation:
    refund = parsed(PayPalRefund, answer.node)
    elsewhere = _about_another(operation, REFUND_ID, refund.id, Source.QUERY)
    return elsewhere or _named(refund_observation(refund, Source.QUERY), Source.QUERY)


def _refund_in_order(operation: Operation, answer: Reply) -> Observation:
    for unit in parsed(PayPalOrder, answer.node).purchase_units:
        for refund in unit.payments.refunds:
            if refund.invoice_id == operation.partner_ref:
                return refund_observation(refund, Source.QUERY)
    return doubt(Source.QUERY, UnknownKind.NOT_FOUND, "the order shows no such refund")


def _payout(operation: Operation, answer: Reply) -> Observation:
    batch = parsed(PayPalPayoutBatch, answer.node)
    elsewhere = _about_another(operation, BATCH_ID, batch.batch_header.payout_batch_id, Source.QUERY)
    return elsewhere or _named(batch_observation(batch, Source.QUERY), Source.QUERY)


def find(paypal: PayPal, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
    """Look a payment up by the number of its order, or of its capture."""
    number = partner_id.value
    if not is_number(number):
        return Found(partner_ref=None, observation=doubt(Source.QUERY, UnknownKind.NOT_FOUND, "no number of PayPal's"))
    found = yield from _find_order(paypal, number, deadline_s)
    if not found.observation.absent:
        return found
    answer = yield from ask_paypal(paypal, get_capture(number), deadline_s)
    if isinstance(answer, Observation) or not answer.ok:
        return found
    try:
        capture = parsed(PayPalCapture, answer.node)
    except Unreadable as error:
        return Found(partner_ref=None, observation=doubt(Source.QUERY, UnknownKind.UNREADABLE, str(error)))
    supplement = capture.supplementary_data
    order_id = supplement.related_ids.order_id if supplement is not None and supplement.related_ids else None
    if capture.id != number or order_id is None or not is_number(order_id):
        return found
    return (yield from _find_order(paypal, order_id, deadline_s))


def _find_order(paypal: PayPal, order_id: str, deadline_s: float) -> Exchange[Found]:
    answer = yield from ask_paypal(paypal, get_order(order_id), deadline_s)
    if isinstance(answer, Observation):
        return Found(partner_ref=None, observation=unanswered(answer, "orders.get"))
    if not answer.ok:
        return Found(partner_ref=None, observation=refused_question(answer, "orders.get"))
    try:
        order = parsed(PayPalOrder, answer.node)
        told = order_observation(order, Source.QUERY, paypal.config.merchant_id)
    except Unreadable as error:
        return Found(partner_ref=None, observation=doubt(Source.QUERY, UnknownKind.UNREADABLE, str(error)))
    if order.id != order_id or told.unknown is not None:
        return Found(partner_ref=None, observation=told)
    return Found(partner_ref=stated_reference(order, order.purchase_units[0]), observation=told)
