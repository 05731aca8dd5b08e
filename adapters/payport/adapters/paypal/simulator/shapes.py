"""Rows as PayPal shows them: the JSON of orders, holds, captures, refunds and payouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from payport.adapters.paypal.money import to_wire
from payport.adapters.paypal.simulator.calls import wire_time
from payport.adapters.paypal.simulator.rows import CaptureRow, HoldRow, OrderRow, OrderStatus, PayoutRow, RefundRow
from payport.schemas.money import Money

if TYPE_CHECKING:
    from payport.adapters.paypal.simulator.books import Books

PAYER_ID = "QYR5Z8XDVJNXQ"
PAYER_EMAIL = "payer@example.com"
CHECKOUT = "/checkoutnow"


def money(amount: Money) -> dict[str, str]:
    """An amount of Orders and Payments."""
    return {"currency_code": amount.currency, "value": to_wire(amount)}


def link(href: str, rel: str, method: str = "GET") -> dict[str, str]:
    """A HATEOAS link."""
    return {"href": href, "rel": rel, "method": method}


def order(books: Books, row: OrderRow) -> dict[str, object]:
    """An order with everything that moved money under it."""
    home = f"{books.url()}/v2/checkout/orders/{row.id}"
    shown: dict[str, object] = {
        "id": row.id,
        "status": row.status.value,
        "intent": row.intent,
        "purchase_units": [_unit(books, row)],
        "create_time": wire_time(row.created_at),
        "update_time": wire_time(row.updated_at),
        "payment_source": {"paypal": _wallet(row)},
    }
    links = [link(home, "self")]
    if row.status is OrderStatus.PAYER_ACTION_REQUIRED:
        links.append(link(f"{books.url()}{CHECKOUT}?token={row.id}", "payer-action"))
    elif row.status is OrderStatus.APPROVED:
        verb = "capture" if row.intent == "CAPTURE" else "authorize"
        links += [link(f"{books.url()}{CHECKOUT}?token={row.id}", "payer-action"), link(f"{home}/{verb}", verb, "POST")]
    return {**shown, "links": links}


def _wallet(row: OrderRow) -> dict[str, object]:
    if row.status is OrderStatus.PAYER_ACTION_REQUIRED:
        return {}
    return {"email_address": PAYER_EMAIL, "account_id": PAYER_ID, "name": {"given_name": "Pat", "surname": "Payer"}}


def _unit(books: Books, row: OrderRow) -> dict[str, object]:
    unit: dict[str, object] = {
        **row.references,
        "amount": money(row.amount),
        "payee": {"merchant_id": books.merchant_id},
    }
    payments = {
        "authorizations": [_inside(hold(books, each)) for each in row.holds],
        "captures": [_inside(capture(books, each)) for each in row.captures],
        "refunds": [refund(books, each) for taken in row.captures for each in taken.refunds],
    }
    filled = {name: rows for name, rows in payments.items() if rows}
    return {**unit, "payments": filled} if filled else unit


def _inside(shown: dict[str, object]) -> dict[str, object]:
    """Inside an order nothing says to which order it belongs."""
    return {name: value for name, value in shown.items() if name != "supplementary_data"}


def _reason(why: str | None) -> dict[str, object]:
    return {"status_details": {"reason": why}} if why is not None else {}


def capture(books: Books, row: CaptureRow) -> dict[str, object]:
    """A captured payment."""
    home = f"{books.url()}/v2/payments/captures/{row.id}"
    up = (
        f"{books.url()}/v2/payments/authorizations/{row.hold.id}"
        if row.hold is not None
        else f"{books.url()}/v2/checkout/orders/{row.order.id}"
    )
    related = {"order_id": row.order.id, **({"authorization_id": row.hold.id} if row.hold is not None else {})}
    zero = money(Money.zero(row.amount.currency))
    return {
        "id": row.id,
        "status": row.status,
        **_reason(row.reason),
        "amount": money(row.amount),
        "final_capture": row.final,
        "invoice_id": row.invoice_id,
        **({"custom_id": row.order.references["custom_id"]} if "custom_id" in row.order.references else {}),
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        "seller_receivable_breakdown": {
            "gross_amount": money(row.amount),
            "paypal_fee": zero,
            "net_amount": money(row.amount),
        },
        "supplementary_data": {"related_ids": related},
        "create_time": wire_time(row.at),
        "update_time": wire_time(row.at),
        "links": [link(home, "self"), link(f"{home}/refund", "refund", "POST"), link(up, "up")],
    }


def hold(books: Books, row: HoldRow) -> dict[str, object]:
    """An authorization."""
    home = f"{books.url()}/v2/payments/authorizations/{row.id}"
    references = {name: value for name, value in row.order.references.items() if name in ("custom_id", "invoice_id")}
    return {
        "id": row.id,
        "status": row.status,
        "amount": money(row.amount),
        **references,
        "seller_protection": {"status": "NOT_ELIGIBLE"},
        "expiration_time": wire_time(row.expires_at),
        "supplementary_data": {"related_ids": {"order_id": row.order.id}},
        "create_time": wire_time(row.at),
        "update_time": wire_time(row.at),
        "links": [
            link(home, "self"),
            link(f"{home}/capture", "capture", "POST"),
            link(f"{home}/void", "void", "POST"),
            link(f"{books.url()}/v2/checkout/orders/{row.order.id}", "up"),
        ],
    }


def refund(books: Books, row: RefundRow) -> dict[str, object]:
    """A refund."""
    return {
        "id": row.id,
        "status": row.status,
        **_reason("ECHECK" if row.status == "PENDING" else None),
        "amount": money(row.amount),
        "custom_id": row.custom_id,
        "invoice_id": row.invoice_id,
        **({"note_to_payer": row.note} if row.note is not None else {}),
        "seller_payable_breakdown": {
            "gross_amount": money(row.amount),
            "paypal_fee": money(Money.zero(row.amount.currency)),
            "net_amount": money(row.amount),
            "total_refunded_amount": money(Money(row.capture.refunded_minor(), row.amount.currency)),
        },
        "create_time": wire_time(row.at),
        "update_time": wire_time(row.at),
        "links": [
            link(f"{books.url()}/v2/payments/refunds/{row.id}", "self"),
            link(f"{books.url()}/v2/payments/captures/{row.capture.id}", "up"),
        ],
    }


def batch_header(row: PayoutRow) -> dict[str, object]:
    """A batch as a whole."""
    sender: dict[str, object] = {"sender_batch_id": row.sender_batch_id}
    if row.subject is not None:
        sender["email_subject"] = row.subject
    return {
        "payout_batch_id": row.batch_id,
        "batch_status": row.batch_status,
        "time_created": wire_time(row.at),
        "sender_batch_header": sender,
    }


def batch(books: Books, row: PayoutRow, *, items: bool) -> dict[str, object]:
    """A batch; with its item once it is asked about."""
    header = batch_header(row)
    home = link(f"{books.url()}/v1/payments/payouts/{row.batch_id}", "self")
    if not items:
        return {"batch_header": header, "links": [home]}
    header |= {"amount": _sent(row.amount), "fees": _sent(Money.zero(row.amount.currency))}
    return {"batch_header": header, "items": [item(books, row)], "links": [home]}


def item(books: Books, row: PayoutRow) -> dict[str, object]:
    """One payout."""
    errors: Mapping[str, object] = {}
    if row.error is not None:
        errors = {"errors": {"name": row.error[0], "message": row.error[1], "debug_id": "f77ac0d5b1b0b"}}
    return {
        "payout_item_id": row.item_id,
        "transaction_id": row.transaction_id,
        "transaction_status": row.status,
        "payout_item_fee": _sent(Money.zero(row.amount.currency)),
        "payout_batch_id": row.batch_id,
        "payout_item": row.item,
        "time_processed": wire_time(row.at),
        **errors,
        "links": [link(f"{books.url()}/v1/payments/payouts-item/{row.item_id}", "item")],
    }


def _sent(amount: Money) -> dict[str, str]:
    return {"currency": amount.currency, "value": to_wire(amount)}
