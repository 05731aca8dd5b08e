"""Payouts v1: batches of one item."""

from __future__ import annotations

from payport.adapters.paypal.calls import mapping_of
from payport.adapters.paypal.simulator import shapes
from payport.adapters.paypal.simulator.books import Books, Happening
from payport.adapters.paypal.simulator.calls import Answer, Call, Refusal, amount, missing, need, text
from payport.adapters.paypal.simulator.rows import PayoutRow

STRANGER = "stranger"
"""A receiver with this in its name has no PayPal account: the money waits to be claimed."""
_KINDS = ("EMAIL", "PHONE", "PAYPAL_ID")
_BACK = ("FAILED", "RETURNED", "REFUNDED", "REVERSED")


def create(books: Books, call: Call) -> Answer:
    """Accept a batch; what becomes of its item is told later."""
    header, items = call.record("sender_batch_header"), call.records("items")
    number = text(header, "sender_batch_id", longest=256) or books.number()
    if len(items) != 1:
        raise Refusal(400, "INVALID_ARRAY_MAX_ITEMS", "This simulator takes one item.", name="VALIDATION_ERROR")
    item = items[0]
    known = next((row for row in books.payouts.values() if row.sender_batch_id == number), None)
    if known is not None:
        raise Refusal(
            400,
            "Batch with given sender_batch_id already exists",
            name="USER_BUSINESS_ERROR",
            field_name="SENDER_BATCH_ID",
            links={"self": f"{books.url()}/v1/payments/payouts/{known.batch_id}"},
        )
    if need(item, "recipient_type", longest=13) not in _KINDS:
        raise Refusal(400, "INVALID_PARAMETER_VALUE", name="VALIDATION_ERROR", field_name="items[0].recipient_type")
    wanted = amount(mapping_of(item.get("amount")), currency="currency")
    row = PayoutRow(
        batch_id=books.number(),
        item_id=books.number(),
        transaction_id=books.number(),
        sender_batch_id=number,
        subject=text(header, "email_subject", longest=255),
        item={**item, "receiver": need(item, "receiver")},
        reference=text(item, "sender_item_id", longest=63) or "",
        amount=wanted,
        status="PENDING",
        error=None,
        at=call.now,
    )
    books.payouts[row.batch_id] = row
    _tell(books, row, "PAYMENT.PAYOUTSBATCH.PROCESSING", "payouts", call)
    return Answer(201, lambda: shapes.batch(books, row, items=False))


def show(books: Books, call: Call) -> Answer:
    """A batch with its item."""
    row = books.payouts.get(call.number)
    if row is None:
        raise missing("payout batch")
    return Answer(200, lambda: shapes.batch(books, row, items=True))


def show_item(books: Books, call: Call) -> Answer:
    """One item."""
    row = _item(books, call)
    return Answer(200, lambda: shapes.item(books, row))


def cancel_item(books: Books, call: Call) -> Answer:
    """Take unclaimed money back."""
    row = _item(books, call)
    if row.status != "UNCLAIMED":
        raise Refusal(400, "ITEM_ALREADY_CANCELLED", "Only unclaimed items can be cancelled.", name="INVALID_REQUEST")
    move_on(books, row, "RETURNED", call)
    return Answer(200, lambda: shapes.item(books, row))


def _item(books: Books, call: Call) -> PayoutRow:
    row = next((row for row in books.payouts.values() if row.item_id == call.number), None)
    if row is None:
        raise missing("payout item")
    return row


def work(books: Books, row: PayoutRow, call: Call, *, succeed: bool) -> None:
    """PayPal works on an accepted item: money leaves the merchant's balance, or does not."""
    short = row.amount.amount_minor > books.balance_minor(row.amount.currency)
    if short or not succeed:
        row.error = (
            ("INSUFFICIENT_FUNDS", "Sender does not have sufficient funds.")
            if short
            else ("RECEIVER_REFUSED", "The recipient cannot receive money.")
        )
        move_on(books, row, "FAILED", call)
        return
    receiver = str(row.item.get("receiver", ""))
    books.move(row.amount, sign=-1)
    move_on(books, row, "UNCLAIMED" if STRANGER in receiver else "SUCCESS", call)


def move_on(books: Books, row: PayoutRow, status: str, call: Call) -> None:
    """An item reaches another state. Raises ``ValueError`` once its money is back."""
    if row.status in _BACK:
        raise ValueError(f"{row.reference} is {row.status}: its money is back")
    if status in _BACK and row.status != "PENDING":
        books.move(row.amount, sign=1)
    row.status, row.at = status, call.now
    word = {"SUCCESS": "SUCCEEDED", "ONHOLD": "HELD"}.get(status, status)
    _tell(books, row, f"PAYMENT.PAYOUTS-ITEM.{word}", "payouts_item", call)


def _tell(books: Books, row: PayoutRow, event: str, kind: str, call: Call) -> None:
    resource = shapes.item(books, row) if kind == "payouts_item" else {"batch_header": shapes.batch_header(row)}
    books.tell(
        Happening(event_type=event, resource_type=kind, summary="A payout has changed", resource=resource, at=call.now)
    )
