"""What PayPal does by itself, when told to: finishing what was only accepted, reversing, disputing, refunding."""

from __future__ import annotations

from payport.adapters.paypal.simulator import orders, payments, payouts, shapes
from payport.adapters.paypal.simulator.books import Happening
from payport.adapters.paypal.simulator.rows import CaptureRow, PayoutRow, RefundRow
from payport.adapters.paypal.simulator.service import Service
from payport.schemas.money import Money


def process(service: Service, *, succeed: bool) -> int:
    """Finish every capture, hold, refund and payout that was accepted and not final; how many there were."""
    service.settle()
    books, call = service.books, service.call()
    with books.lock:
        captures = [row for row in books.captures.values() if row.status == "PENDING"]
        for taken in captures:
            (orders.complete if succeed else orders.deny)(books, taken, call)
        holds = [row for row in books.holds.values() if row.status == "PENDING"]
        for held in holds:
            held.status = "CREATED" if succeed else "DENIED"
            orders.tell_hold(books, held, "CREATED" if succeed else "DENIED", call)
        refunds = [row for row in books.refunds.values() if row.status == "PENDING"]
        for back in refunds:
            (payments.give_back if succeed else payments.fail)(books, back, call)
        sent = [row for row in books.payouts.values() if row.status == "PENDING"]
        for row in sent:
            payouts.work(books, row, call, succeed=succeed)
        return len(captures) + len(holds) + len(refunds) + len(sent)


def move_payout(service: Service, reference: str, status: str) -> None:
    """A payout reaches another state. Raises ``KeyError`` for an unknown one, ``ValueError`` once money is back."""
    with service.books.lock:
        payouts.move_on(service.books, _payout(service, reference), status, service.call())


def _payout(service: Service, reference: str) -> PayoutRow:
    for row in service.books.payouts.values():
        if row.reference == reference:
            return row
    raise KeyError(reference)


def _capture(service: Service, reference: str) -> CaptureRow:
    for row in service.books.captures.values():
        if row.invoice_id == reference:
            return row
    raise KeyError(reference)


def refund_by_hand(service: Service, reference: str, amount: Money | None) -> str:
    """The merchant refunds on PayPal's own pages; answers the refund's number."""
    books, call = service.books, service.call()
    with books.lock:
        row = _capture(service, reference)
        back = RefundRow(
            id=books.number(),
            capture=row,
            amount=amount or row.amount,
            status="PENDING",
            custom_id=row.order.references.get("custom_id", ""),
            invoice_id=row.invoice_id,
            note=None,
            at=call.now,
        )
        row.refunds.append(back)
        books.refunds[back.id] = back
        payments.give_back(books, back, call)
        return back.id


def reverse(service: Service, reference: str) -> None:
    """PayPal takes a captured payment back from the merchant."""
    books, call = service.books, service.call()
    with books.lock:
        row = _capture(service, reference)
        taken = {**shapes.capture(books, row), "status": "REVERSED"}
        books.move(row.amount, sign=-1)
        books.tell(
            Happening(
                event_type="PAYMENT.CAPTURE.REVERSED",
                resource_type="capture",
                summary="A payment was reversed",
                resource=taken,
                at=call.now,
            )
        )


def dispute(service: Service, reference: str, reason: str) -> str:
    """The payer complains at PayPal; answers the dispute's number."""
    books, call = service.books, service.call()
    with books.lock:
        row = _capture(service, reference)
        number = f"PP-D-{books.number()[-5:]}"
        books.tell(
            Happening(
                event_type="CUSTOMER.DISPUTE.CREATED",
                resource_type="dispute",
                summary="A new dispute",
                resource={
                    "dispute_id": number,
                    "reason": reason,
                    "status": "OPEN",
                    "dispute_amount": shapes.money(row.amount),
                    "disputed_transactions": [
                        {
                            "seller_transaction_id": row.id,
                            "invoice_number": row.invoice_id,
                            "custom": row.order.references.get("custom_id", ""),
                            "seller": {"merchant_id": books.merchant_id},
                        }
                    ],
                },
                at=call.now,
            )
        )
        return number
