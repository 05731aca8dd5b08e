"""Payments v2: captures of holds, voids, refunds."""

from __future__ import annotations

from datetime import timedelta

from payport.adapters.paypal.simulator import shapes
from payport.adapters.paypal.simulator.books import Books, Happening
from payport.adapters.paypal.simulator.calls import Answer, Call, amount, missing, text, unprocessable
from payport.adapters.paypal.simulator.orders import complete, tell_capture, tell_hold
from payport.adapters.paypal.simulator.rows import CaptureRow, HoldRow, RefundRow
from payport.schemas.money import Money

HONOUR = timedelta(days=3)
MOST_PERCENT = 115


def show_hold(books: Books, call: Call) -> Answer:
    """An authorization as it stands."""
    row = _hold(books, call)
    return Answer(200, lambda: shapes.hold(books, row))


def show_capture(books: Books, call: Call) -> Answer:
    """A captured payment as it stands."""
    row = _capture(books, call)
    return Answer(200, lambda: shapes.capture(books, row))


def show_refund(books: Books, call: Call) -> Answer:
    """A refund as it stands."""
    row = books.refunds.get(call.number)
    if row is None:
        raise missing("refund")
    return Answer(200, lambda: shapes.refund(books, row))


def _hold(books: Books, call: Call) -> HoldRow:
    row = books.holds.get(call.number)
    if row is None:
        raise missing("authorization")
    return row


def _capture(books: Books, call: Call) -> CaptureRow:
    row = books.captures.get(call.number)
    if row is None:
        raise missing("capture")
    return row


def _usable(row: HoldRow) -> None:
    if row.anew is not None:
        raise unprocessable("AUTHORIZATION_VOIDED", "The money is held by a newer authorization.")
    match row.status:
        case "VOIDED":
            raise unprocessable("AUTHORIZATION_VOIDED", "A voided authorization cannot be captured or reauthorized.")
        case "CAPTURED":
            raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED", "Authorization has already been captured.")
        case "EXPIRED":
            raise unprocessable("AUTHORIZATION_EXPIRED", "An expired authorization cannot be captured.")
        case "DENIED" | "PENDING":
            raise unprocessable("AUTHORIZATION_DENIED", "A denied authorization cannot be captured.")
        case _:
            return


def capture(books: Books, call: Call) -> Answer:
    """Take money from a hold."""
    row = _hold(books, call)
    _usable(row)
    rest = Money(row.amount.amount_minor - row.taken_minor(), row.amount.currency)
    wanted = amount(call.record("amount")) if "amount" in call.body else rest
    if wanted.currency != row.amount.currency:
        raise unprocessable("AUTH_CAPTURE_CURRENCY_MISMATCH", "Currency of capture must be that of authorization.")
    if wanted > rest:
        raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED", "Capture amount exceeds allowable limit.")
    invoice = text(call.body, "invoice_id") or row.order.reference
    if any(each.invoice_id == invoice for each in books.captures.values()):
        raise unprocessable("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.")
    final = call.body.get("final_capture") is True
    taken = CaptureRow(
        id=books.number(),
        order=row.order,
        hold=row,
        amount=wanted,
        status="PENDING" if call.slow else "COMPLETED",
        reason="PENDING_REVIEW" if call.slow else None,
        invoice_id=invoice,
        final=final,
        at=call.now,
    )
    row.captures.append(taken)
    row.order.captures.append(taken)
    books.captures[taken.id] = taken
    row.status = "CAPTURED" if final or wanted == rest else "PARTIALLY_CAPTURED"
    if call.slow:
        tell_capture(books, taken, "PENDING", call)
    else:
        complete(books, taken, call)
    return Answer(201, lambda: shapes.capture(books, taken))


def void(books: Books, call: Call) -> Answer:
    """Release what is left of a hold; of one that was held anew by its first authorization."""
    row = _hold(books, call)
    if row.parent is not None:
        raise unprocessable("CANNOT_BE_VOIDED", "Void the authorization that was held anew.")
    holding = row.anew or row
    if holding.status == "VOIDED":
        raise unprocessable("PREVIOUSLY_VOIDED", "Authorization has been previously voided.")
    if holding.status == "CAPTURED":
        raise unprocessable("PREVIOUSLY_CAPTURED", "Authorization has been previously captured.")
    if not holding.live:
        raise unprocessable("AUTHORIZATION_EXPIRED", "Authorization has ended.")
    row.status = holding.status = "VOIDED"
    tell_hold(books, row, "VOIDED", call)
    return Answer(200, lambda: shapes.hold(books, row))


def reauthorize(books: Books, call: Call) -> Answer:
    """Hold again after the honour period, up to 115 %."""
    row = _hold(books, call)
    _usable(row)
    if call.now < row.at + HONOUR or row.parent is not None:
        raise unprocessable("REAUTHORIZATION_NOT_SUPPORTED", "Not in the honour period, and only once.")
    wanted = amount(call.record("amount")) if "amount" in call.body else row.amount
    if wanted.currency != row.amount.currency:
        raise unprocessable("AUTH_CURRENCY_MISMATCH", "Currency must be that of authorization.")
    if wanted.amount_minor * 100 > row.amount.amount_minor * MOST_PERCENT:
        raise unprocessable("AUTHORIZATION_AMOUNT_EXCEEDED", "More than 115 % of the original.")
    fresh = HoldRow(
        id=books.number(),
        order=row.order,
        amount=wanted,
        status="CREATED",
        at=call.now,
        expires_at=row.expires_at,
        parent=row,
    )
    row.anew = fresh
    row.order.holds.append(fresh)
    books.holds[fresh.id] = fresh
    return Answer(201, lambda: shapes.hold(books, fresh))


def refund(books: Books, call: Call) -> Answer:
    """Give money back, all that is left when no amount is named."""
    row = _capture(books, call)
    if row.status == "PENDING":
        raise unprocessable("PENDING_CAPTURE", "Cannot initiate a refund as the capture is pending.")
    left = Money(row.amount.amount_minor - row.refunded_minor(), row.amount.currency)
    if row.status not in ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED"):
        raise unprocessable("REFUND_NOT_ALLOWED", "Full refund refused.")
    if left.amount_minor <= 0:
        raise unprocessable("CAPTURE_FULLY_REFUNDED", "The capture has already been fully refunded.")
    wanted = amount(call.record("amount")) if "amount" in call.body else left
    if wanted.currency != row.amount.currency:
        raise unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH", "Refund must be in the currency of the capture.")
    if wanted > left:
        raise unprocessable("REFUND_AMOUNT_EXCEEDED", "The refund amount must be less than what is left.")
    if wanted.amount_minor > books.balance_minor(wanted.currency):
        raise unprocessable("REFUND_FAILED_INSUFFICIENT_FUNDS", "Capture could not be refunded due to low funds.")
    custom = row.order.references.get("custom_id", "")
    back = RefundRow(
        id=books.number(),
        capture=row,
        amount=wanted,
        status="PENDING",
        custom_id=text(call.body, "custom_id") or custom,
        invoice_id=text(call.body, "invoice_id") or row.invoice_id,
        note=text(call.body, "note_to_payer", longest=255),
        at=call.now,
    )
    row.refunds.append(back)
    books.refunds[back.id] = back
    if call.slow:
        _tell(books, back, "PAYMENT.REFUND.PENDING", call)
    else:
        give_back(books, back, call)
    return Answer(201, lambda: shapes.refund(books, back))


def give_back(books: Books, back: RefundRow, call: Call) -> None:
    """The payer has the money."""
    back.status, back.at = "COMPLETED", call.now
    books.move(back.amount, sign=-1)
    taken = back.capture
    done = sum(each.amount.amount_minor for each in taken.refunds if each.status == "COMPLETED")
    taken.status = "REFUNDED" if done == taken.amount.amount_minor else "PARTIALLY_REFUNDED"
    _tell(books, back, "PAYMENT.CAPTURE.REFUNDED", call)


def fail(books: Books, back: RefundRow, call: Call) -> None:
    """The refund comes to nothing."""
    back.status, back.at = "FAILED", call.now
    _tell(books, back, "PAYMENT.REFUND.FAILED", call)


def _tell(books: Books, back: RefundRow, event: str, call: Call) -> None:
    books.tell(
        Happening(
            event_type=event,
            resource_type="refund",
            summary="A refund has changed",
            resource=shapes.refund(books, back),
            at=call.now,
        )
    )
