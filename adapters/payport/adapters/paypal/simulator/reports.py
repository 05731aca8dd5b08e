"""Transaction Search v1: the list of what moved money, and balances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from payport.adapters.paypal.calls import instant
from payport.adapters.paypal.simulator import shapes
from payport.adapters.paypal.simulator.books import Books
from payport.adapters.paypal.simulator.calls import Answer, Call, Refusal, wire_time
from payport.schemas.money import Money

LONGEST = timedelta(days=31)
_TAKEN = ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")


def transactions(books: Books, call: Call) -> Answer:
    """What moved money between two instants, page by page."""
    start, end = instant(call.query.get("start_date")), instant(call.query.get("end_date"))
    if start is None or end is None:
        raise Refusal(400, "MISSING_REQUIRED_PARAMETER", "start_date and end_date", name="INVALID_REQUEST")
    if not timedelta(0) <= end - start <= LONGEST:
        raise Refusal(400, "INVALID_DATE_RANGE", "At most 31 days.", name="INVALID_REQUEST")
    size, page = int(call.query.get("page_size", "100")), int(call.query.get("page", "1"))
    lines = sorted((line for line in _lines(books) if start <= line[0] <= end), key=lambda line: line[0])
    shown = [{"transaction_info": info} for _, info in lines[(page - 1) * size : page * size]]
    found: dict[str, object] = {
        "transaction_details": shown,
        "account_number": books.merchant_id,
        "start_date": wire_time(start),
        "end_date": wire_time(end),
        "last_refreshed_datetime": wire_time(call.now),
        "page": page,
        "total_items": len(lines),
        "total_pages": max(1, -(-len(lines) // size)),
        "links": [shapes.link(f"{books.url()}/v1/reporting/transactions", "self")],
    }
    return Answer(200, lambda: found)


def _lines(books: Books) -> Iterator[tuple[datetime, Mapping[str, object]]]:
    for taken in books.captures.values():
        if taken.status in _TAKEN:
            yield taken.at, _line(taken.id, "T0006", taken.order.id, taken.amount, taken.invoice_id, taken.at)
    for back in books.refunds.values():
        if back.status == "COMPLETED":
            yield back.at, _line(back.id, "T1107", back.capture.id, -back.amount, back.invoice_id, back.at)
    for sent in books.payouts.values():
        if sent.status == "SUCCESS":
            yield sent.at, _line(sent.transaction_id, "T0001", sent.batch_id, -sent.amount, sent.reference, sent.at)


def _line(number: str, code: str, of: str, amount: Money, invoice: str, at: datetime) -> Mapping[str, object]:
    kind = "ODR" if code == "T0006" else "TXN"
    return {
        "transaction_id": number,
        "paypal_reference_id": of,
        "paypal_reference_id_type": kind,
        "transaction_event_code": code,
        "transaction_initiation_date": wire_time(at),
        "transaction_updated_date": wire_time(at),
        "transaction_amount": shapes.money(amount),
        "transaction_status": "S",
        "invoice_id": invoice,
    }


def balances(books: Books, call: Call) -> Answer:
    """What the merchant has, by currency."""
    wanted = call.query.get("currency_code", "ALL")
    books.balance_minor("USD")
    shown = [
        {
            "currency": currency,
            "primary": currency == "USD",
            "total_balance": shapes.money(Money(minor, currency)),
            "available_balance": shapes.money(Money(minor, currency)),
            "withheld_balance": shapes.money(Money.zero(currency)),
        }
        for currency, minor in books.balances.items()
        if wanted in ("ALL", currency)
    ]
    found: dict[str, object] = {
        "balances": shown,
        "account_id": books.merchant_id,
        "as_of_time": wire_time(call.now),
        "last_refresh_time": wire_time(call.now),
    }
    return Answer(200, lambda: found)
