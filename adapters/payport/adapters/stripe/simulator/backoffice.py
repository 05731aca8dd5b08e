"""What Stripe does by itself, when told to: finishing what was accepted, disputes, money that comes back."""

from __future__ import annotations

from payport.adapters.stripe.simulator.books import Books
from payport.adapters.stripe.simulator.calls import Node
from payport.adapters.stripe.simulator.cards import CARDS
from payport.adapters.stripe.simulator.objects import charge_node, refund_node
from payport.adapters.stripe.simulator.rows import IntentRow, RefundRow
from payport.adapters.stripe.simulator.service import Service

_OPEN_PAYOUTS = ("pending", "in_transit")


def process(service: Service, *, succeed: bool) -> int:
    """Finish every payment, refund and payout that was accepted and is not final; how many there were."""
    service.settle()
    books = service.books
    with books.lock:
        return (
            _payments(service, books, succeed=succeed)
            + _refunds(service, books, succeed=succeed)
            + _payouts(service, books, succeed=succeed)
        )


def _payments(service: Service, books: Books, *, succeed: bool) -> int:
    slow = [row for row in books.intents.values() if row.status == "processing" and row.charge is not None]
    now = service.now()
    for row in slow:
        assert row.charge is not None
        if succeed and not CARDS[row.charge.payment_method].debit_fails:
            books.settle_charge(row, now)
        else:
            row.charge.paid = False
            books.decline(row, row.charge, now, "card_declined", "insufficient_funds", "The bank refused the debit.")
        session = books.sessions.get(row.session or "")
        if session is not None:
            session.payment_status = "paid" if row.status == "succeeded" else "unpaid"
            word = "async_payment_succeeded" if row.status == "succeeded" else "async_payment_failed"
            books.tell_session(word, session, now)
    return len(slow)


def _refunds(service: Service, books: Books, *, succeed: bool) -> int:
    now, count = service.now(), 0
    for row in books.refunds.values():
        if row.status == "pending":
            count += 1
            if succeed:
                books.give_back(row, now)
                books.tell("refund.updated", refund_node(row), now)
            else:
                books.bounce(row, now)
        elif row.status == "succeeded" and row.fails_later:
            count += 1
            books.bounce(row, now)
    return count


def _payouts(service: Service, books: Books, *, succeed: bool) -> int:
    slow = [row for row in books.payouts.values() if row.status in _OPEN_PAYOUTS]
    for row in slow:
        books.move_payout(row, "paid" if succeed else "failed", service.now())
    return len(slow)


def bounce_refund(service: Service, reference: str) -> None:
    """A refund that succeeded fails after all. Raises ``KeyError`` when there is none."""
    with service.books.lock:
        service.books.bounce(_refund(service.books, reference), service.now())


def _refund(books: Books, reference: str) -> RefundRow:
    for row in books.refunds.values():
        if reference in (row.id, row.metadata.get("payport_ref")) and row.status != "failed":
            return row
    raise KeyError(reference)


def fail_payout(service: Service, reference: str) -> None:
    """A payout, a paid one as well, comes back. Raises ``KeyError`` when there is none."""
    books = service.books
    with books.lock:
        for row in books.payouts.values():
            if reference in (row.id, row.metadata.get("payport_ref")) and row.status != "failed":
                books.move_payout(row, "failed", service.now())
                return
    raise KeyError(reference)


def dispute(service: Service, reference: str, reason: str) -> str:
    """The payer's bank takes a payment back; answers the dispute's number. Raises ``KeyError`` when it is not paid."""
    books, now = service.books, service.now()
    with books.lock:
        row = _paid(books, reference)
        charge = row.charge
        assert charge is not None
        charge.disputed = True
        number, amount = books.number("dp"), charge.captured - charge.refunded
        books.enter(
            "adjustment", -amount, row.currency, number, now, reference=row.reference, own=row.reference, fee=1500
        )
        record: Node = {
            "id": number,
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [],
            "charge": charge.id,
            "created": int(now.timestamp()),
            "currency": row.currency,
            "enhanced_eligibility_types": [],
            "evidence": {},
            "evidence_details": {"due_by": int(now.timestamp()) + 7 * 86_400, "has_evidence": False, "past_due": False,
                                 "submission_count": 0},
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": row.id,
            "reason": reason,
            "status": "needs_response",
        }  # fmt: skip
        books.tell("charge.dispute.created", record, now)
        books.tell("charge.updated", charge_node(row, charge), now)
    return number


def _paid(books: Books, reference: str) -> IntentRow:
    for row in books.intents.values():
        if row.reference == reference and row.charge is not None and row.charge.captured:
            return row
    raise KeyError(reference)
