"""Captures, cancels, refunds and reversals: received now, done by :func:`process`, told by webhook."""

from __future__ import annotations

from datetime import datetime

from payport.adapters.adyen.simulator.books import Books
from payport.adapters.adyen.simulator.gate import Refusal, Request
from payport.adapters.adyen.simulator.rows import Happening, ModificationRow, Node, PaymentRow

_CODES = {
    "payments.captures": "CAPTURE",
    "payments.refunds": "REFUND",
    "payments.cancels": "CANCELLATION",
    "payments.reversals": "CANCEL_OR_REFUND",
    "cancels": "TECHNICAL_CANCEL",
}


def receive(books: Books, request: Request) -> Node:
    """Any modification of a payment whose number is known."""
    payment = books.by_psp(request.numbers["psp"])
    if payment is None:
        raise Refusal(422, "167", "Original pspReference required for this operation")
    with_amount = request.name in ("payments.captures", "payments.refunds")
    value, currency = request.amount() if with_amount else (None, None)
    if currency not in (None, payment.currency):
        raise Refusal(422, "138", "Unsupported currency specified")
    row = ModificationRow(
        psp=books.number(),
        kind=request.name,
        reference=str(request.body.get("reference") or payment.reference),
        payment=payment,
        payment_reference=payment.reference,
        value=value,
        currency=currency,
    )
    books.modifications.append(row)
    answer: Node = {**request.body, "paymentPspReference": payment.psp, "pspReference": row.psp, "status": "received"}
    return answer


def cancel_by_reference(books: Books, request: Request) -> Node:
    """``POST /cancels``: by the merchant's reference, whatever is found under it in the end."""
    reference = request.text("paymentReference")
    row = ModificationRow(
        psp=books.number(),
        kind="cancels",
        reference=reference,
        payment=None,
        payment_reference=reference,
        value=None,
        currency=None,
    )
    books.modifications.append(row)
    return {**request.body, "pspReference": row.psp, "status": "received"}


def process(books: Books, now: datetime, *, succeed: bool) -> int:
    """Finish every payment and modification that was accepted and is not final; how many there were."""
    waiting = [row for row in books.payments if row.status == "pending"]
    for payment in waiting:
        if succeed:
            books.authorise(payment, now)
        else:
            books.refuse(payment, now, "Refused")
    received = [row for row in books.modifications if not row.done]
    for row in received:
        _finish(books, row, now, succeed=succeed)
    return len(waiting) + len(received)


def _finish(books: Books, row: ModificationRow, now: datetime, *, succeed: bool) -> None:
    row.done = True
    payment = row.payment if row.kind != "cancels" else books.by_reference(row.payment_reference)
    refused = "Insufficient balance on payment" if not succeed else None
    action: Node = {}
    if payment is None:
        refused = "Original payment not found"
    elif refused is None:
        refused, action = _carried_out(books, row, payment, now)
    row.succeeded = refused is None
    whole = payment.value if payment is not None else 0
    books.tell(
        Happening(
            code=_CODES[row.kind],
            success=row.succeeded,
            psp=row.psp,
            reference=row.reference,
            original=payment.psp if payment is not None else None,
            value=row.value if row.value is not None else whole,
            currency=row.currency or (payment.currency if payment is not None else "EUR"),
            at=now,
            reason=refused or "",
            more=action,
        )
    )


def _carried_out(books: Books, row: ModificationRow, payment: PaymentRow, now: datetime) -> tuple[str | None, Node]:
    """Why it cannot be done, or nothing; and what a reversal was."""
    value = row.value or 0
    match row.kind:
        case "payments.captures":
            if payment.status != "authorised" or value > payment.rest:
                return "Insufficient balance on payment", {}
            books.take(payment, value, row.reference, row.psp, now)
            payment.rest = payment.rest - value if books.multiple_partial_captures else 0
        case "payments.refunds":
            if value > payment.captured - payment.refunded:
                return "Insufficient balance on payment", {}
            books.give_back(payment, value, row.reference, row.psp, now)
        case "payments.reversals":
            left = payment.captured - payment.refunded
            if not left and not payment.rest:
                return "Insufficient balance on payment", {}
            if left:
                books.give_back(payment, left, row.reference, row.psp, now)
            payment.rest = 0
            return None, {"modification.action": "refund" if left else "cancel"}
        case _:
            return _cancelled(row, payment), {}
    return None, {}


def _cancelled(row: ModificationRow, payment: PaymentRow) -> str | None:
    if payment.status in ("waiting", "pending") and row.kind == "cancels":
        payment.status = "cancelled"
        return None
    if payment.status == "cancelled":
        return None
    if payment.status != "authorised" or not payment.rest:
        return "Transaction already captured or refused"
    payment.rest = 0
    return None


def after_the_fact(books: Books, code: str, number: str, now: datetime) -> None:
    """A refund that bounces, a capture that fails, a dispute. Raises ``KeyError`` when there is nothing of the kind."""
    line = next((each for each in reversed(books.lines) if number in (each.own_reference, each.reference)), None)
    if line is None:
        raise KeyError(f"no money moved under {number}")
    payment = books.by_reference(line.reference)
    assert payment is not None
    if code in ("REFUND_FAILED", "REFUNDED_REVERSED"):
        books.lines.remove(line)
        payment.refunded -= line.value
    books.tell(
        Happening(
            code=code,
            success=True,
            psp=line.number if code in ("REFUND_FAILED", "REFUNDED_REVERSED") else books.number(),
            reference=number,
            original=payment.psp,
            value=line.value,
            currency=line.currency,
            at=now,
            reason=code.replace("_", " ").lower(),
        )
    )
