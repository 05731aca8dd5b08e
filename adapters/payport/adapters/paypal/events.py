"""What an authentic event says and teaches, by the kind of its resource. Events of an unknown kind are kept.

Source: developer.paypal.com, "Webhook event names".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from payport.adapters.paypal.calls import instant, is_number, mapping_of
from payport.adapters.paypal.planning import ORDER_ID, REVERSED
from payport.adapters.paypal.reading.fields import Unreadable, last_part, link, money, parsed
from payport.adapters.paypal.reading.orders import (
    authorization_observation,
    capture_observation,
    is_ours,
    order_observation,
    refunded,
    stated_reference,
)
from payport.adapters.paypal.reading.payouts import header_observation, item_observation
from payport.adapters.paypal.reading.refunds import refund_observation, reversal_observation
from payport.adapters.paypal.wire import (
    PayPalAuthorization,
    PayPalBatchHeader,
    PayPalCapture,
    PayPalDispute,
    PayPalOrder,
    PayPalPayeeSaid,
    PayPalPayout,
    PayPalRefund,
)
from payport.schemas.events import Event, EventKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

Lessons = tuple[tuple[str, Observation], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """An event as read. ``foreign``: it is about another merchant's money.

    ``ask_order``: the order whose own state counts, because the event alone does not tell whether it is over.
    """

    event: Event
    lessons: Lessons = ()
    foreign: bool = False
    ask_order: str | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """The parts that every event has."""

    id: str
    type: str
    at: datetime | None
    resource: Mapping[str, object]
    merchant_id: str

    def teaching(
        self,
        kind: EventKind,
        reference: str | None = None,
        partner_id: str | None = None,
        amount: Money | None = None,
        *,
        lessons: Lessons = (),
        payee: PayPalPayeeSaid | None = None,
        ask_order: str | None = None,
    ) -> Teaching:
        event = Event(
            kind=kind,
            id=self.id,
            partner_ref=reference,
            partner_id=PartnerId(partner_id) if partner_id else None,
            status=self.type,
            amount=amount,
            occurred_at=self.at,
        )
        foreign = payee is not None and payee.merchant_id is not None and payee.merchant_id != self.merchant_id
        return Teaching(event=event, lessons=lessons, foreign=foreign, ask_order=ask_order)


def read_event(event: Mapping[str, object], merchant_id: str) -> Teaching:
    """What the event says. Raises :class:`Unreadable` for what is no event at all."""
    number, kind, at = event.get("id"), event.get("event_type"), event.get("create_time")
    if not isinstance(number, str) or not isinstance(kind, str) or not number:
        raise Unreadable("no id or event_type")
    when = instant(at) if isinstance(at, str) else None
    said = _Said(number, kind, when, mapping_of(event.get("resource")), merchant_id)
    for prefix, reader in _TOPICS:
        if kind.startswith(prefix):
            try:
                return reader(said)
            except Unreadable as error:
                return _unread(said, str(error))
    return said.teaching(EventKind.OTHER)


def _unread(said: _Said, problem: str) -> Teaching:
    """Authentic but not understood: kept, and what it names is left in doubt, so that it is asked about."""
    named = [said.resource.get(name) for name in ("invoice_id", "custom_id")]
    reference = next((each for each in named if isinstance(each, str) and each), None)
    unreadable = doubt(Source.NOTICE, UnknownKind.UNREADABLE, f"event: {problem}")
    return said.teaching(EventKind.OTHER, reference, lessons=((reference, unreadable),) if reference else ())


def _order(said: _Said) -> Teaching:
    order = parsed(PayPalOrder, said.resource)
    unit = order.purchase_units[0] if len(order.purchase_units) == 1 else None
    reference = stated_reference(order, unit) if unit is not None else None
    lesson = order_observation(order, Source.NOTICE, said.merchant_id)
    return said.teaching(
        EventKind.PAYMENT,
        reference,
        order.id,
        lesson.amount,
        lessons=((reference, lesson),) if reference is not None else (),
        payee=unit.payee if unit is not None else None,
    )


def _capture(said: _Said) -> Teaching:
    capture = parsed(PayPalCapture, said.resource)
    # a capture of a hold carries its own number as invoice, and the payment's as custom id
    reference = capture.invoice_id or capture.custom_id
    lesson = capture_observation(capture, Source.NOTICE, reference)
    whole = capture.custom_id in (None, capture.invoice_id) or capture.invoice_id is None
    return _movement(said, EventKind.PAYMENT, capture, reference, lesson, whole=whole)


def _authorization(said: _Said) -> Teaching:
    authorization = parsed(PayPalAuthorization, said.resource)
    reference = authorization.custom_id or authorization.invoice_id
    lesson = authorization_observation(authorization, Source.NOTICE, reference)
    return _movement(said, EventKind.AUTHORIZATION, authorization, reference, lesson, whole=True)


def _movement(
    said: _Said,
    kind: EventKind,
    movement: PayPalCapture | PayPalAuthorization,
    reference: str | None,
    lesson: Observation,
    *,
    whole: bool,
) -> Teaching:
    """``whole``: it is the payment itself, which is an order: PayPal's number of it is the order's."""
    supplement = movement.supplementary_data
    order_id = supplement.related_ids.order_id if supplement is not None and supplement.related_ids else None
    declined = whole and lesson.state is State.DECLINED and lesson.cancelled_by is None
    if whole:
        numbers = {ORDER_ID: order_id} if order_id else {}
        # a hold that ended is one fact, whoever tells it: a cancel of ours notes it without a number
        number = None if lesson.cancelled_by is not None else order_id
        lesson = replace(lesson, partner_id=number, ids={**lesson.ids, **numbers})
    if declined and (order_id is None or not is_number(order_id)):
        lesson = doubt(Source.NOTICE, UnknownKind.UNKNOWN_STATUS, f"{movement.status}: the order is to be asked")
    return said.teaching(
        kind,
        reference,
        movement.id,
        lesson.amount,
        lessons=((reference, lesson),) if reference else (),
        payee=movement.payee,
        ask_order=order_id if declined and order_id is not None and is_number(order_id) else None,
    )


def _refund(said: _Said) -> Teaching:
    refund = parsed(PayPalRefund, said.resource)
    reference, amount = refund.invoice_id or refund.custom_id, money(refund.amount)
    if not is_ours(refund):
        told = refund_observation(refund, Source.NOTICE)
        facts = (refunded(refund),) if told.state is State.SUCCEEDED else ()
        lessons = _facts(reference, *facts)
    elif refund.custom_id is not None and refund.custom_id.startswith(REVERSED):
        lessons = ((refund.invoice_id or "", reversal_observation(refund, Source.NOTICE)),)
    else:
        lessons = ((refund.invoice_id or "", refund_observation(refund, Source.NOTICE)),)
    return said.teaching(EventKind.REFUND, reference, refund.id, amount, lessons=lessons)


def _reversed(said: _Said) -> Teaching:
    """PayPal took a captured payment back. The resource is a refund, in older versions the capture itself."""
    taken = parsed(PayPalRefund, said.resource)
    reference, amount = taken.invoice_id or taken.custom_id, money(taken.amount)
    number = last_part(link(taken.links, "up")) or taken.id
    facts = (
        (Fact(kind=FactKind.CAPTURE_REVERSED, at=said.at, amount=amount, partner_id=PartnerId(number)),)
        if said.at is not None
        else ()
    )
    return said.teaching(EventKind.REFUND, reference, taken.id, amount, lessons=_facts(reference, *facts))


def _facts(reference: str | None, *facts: Fact) -> Lessons:
    """Facts say nothing of the operation's own answer."""
    if reference is None or not facts:
        return ()
    return ((reference, Observation(state=State.DOUBT, source=Source.NOTICE, partner_ref=reference, facts=facts)),)


def _item(said: _Said) -> Teaching:
    item = parsed(PayPalPayout, said.resource)
    reference = item.payout_item.sender_item_id
    lesson = item_observation(item, Source.NOTICE)
    return said.teaching(
        EventKind.PAYOUT,
        reference,
        item.payout_item_id,
        money(item.payout_item.amount),
        lessons=((reference, lesson),) if reference else (),
    )


def _batch(said: _Said) -> Teaching:
    header = parsed(PayPalBatchHeader, mapping_of(said.resource.get("batch_header")))
    reference = header.sender_batch_header.sender_batch_id
    lessons = ((reference, header_observation(header, Source.NOTICE)),) if reference else ()
    return said.teaching(EventKind.PAYOUT, reference, header.payout_batch_id, lessons=lessons)


def _dispute(said: _Said) -> Teaching:
    dispute = parsed(PayPalDispute, said.resource)
    amount = money(dispute.dispute_amount) if dispute.dispute_amount is not None else None
    lessons: Lessons = ()
    for payment in dispute.disputed_transactions:
        if said.at is not None:
            fact = Fact(
                kind=FactKind.DISPUTED,
                at=said.at,
                amount=amount,
                partner_id=PartnerId(dispute.dispute_id),
                detail=f"{dispute.reason or ''} {dispute.status or ''}".strip(),
            )
            lessons += _facts(payment.invoice_number or payment.custom, fact)
    payees = [payment.seller for payment in dispute.disputed_transactions if payment.seller is not None]
    return said.teaching(
        EventKind.DISPUTE,
        lessons[0][0] if lessons else None,
        dispute.dispute_id,
        amount,
        lessons=lessons,
        payee=payees[0] if payees else None,
    )


_TOPICS: tuple[tuple[str, Callable[[_Said], Teaching]], ...] = (
    ("CHECKOUT.ORDER.", _order),
    ("PAYMENT.CAPTURE.REFUNDED", _refund),
    ("PAYMENT.REFUND.", _refund),
    ("PAYMENT.CAPTURE.REVERSED", _reversed),
    ("PAYMENT.CAPTURE.", _capture),
    ("PAYMENT.AUTHORIZATION.", _authorization),
    ("PAYMENT.PAYOUTS-ITEM.", _item),
    ("PAYMENT.PAYOUTSBATCH.", _batch),
    ("CUSTOMER.DISPUTE.", _dispute),
)
"""By the beginning of the event's type, the longer ones first."""
