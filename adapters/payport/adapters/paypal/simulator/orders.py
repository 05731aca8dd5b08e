"""Orders v2: create, approve, capture, authorize, show."""

from __future__ import annotations

from datetime import timedelta

from payport.adapters.paypal.calls import mapping_of
from payport.adapters.paypal.simulator import shapes
from payport.adapters.paypal.simulator.books import HOLD_LIFE, Books, Happening
from payport.adapters.paypal.simulator.calls import Answer, Call, Refusal, amount, missing, need, text, unprocessable
from payport.adapters.paypal.simulator.rows import CaptureRow, HoldRow, OrderRow, OrderStatus, Wallet

TO_REDIRECT = timedelta(hours=3)
TO_CAPTURE = timedelta(hours=3)


def create(books: Books, call: Call) -> Answer:
    """Open an order for the payer to approve."""
    units = call.records("purchase_units")
    if need(call.body, "intent") not in ("CAPTURE", "AUTHORIZE"):
        raise Refusal(400, "INVALID_PARAMETER_VALUE", "CAPTURE or AUTHORIZE", field_name="/intent")
    if not 1 <= len(units) <= 10:
        raise Refusal(400, "INVALID_ARRAY_MIN_ITEMS", "1 to 10 purchase units", field_name="/purchase_units")
    if len(units) > 1:
        raise unprocessable("UNSUPPORTED_PAYMENT_INSTRUCTION", "This simulator takes one purchase unit.")
    unit = units[0]
    context = call.record("payment_source", "paypal", "experience_context")
    if "payment_source" in call.body and call.request_id is None:
        raise Refusal(400, "PAYPAL_REQUEST_ID_REQUIRED", "A PayPal-Request-Id is required.")
    if mapping_of(unit.get("payee")).get("merchant_id") not in (None, books.merchant_id):
        raise unprocessable("PAYEE_ACCOUNT_INVALID", "Payee account is invalid.")
    references = {
        name: value
        for name in ("reference_id", "description", "custom_id", "invoice_id")
        if (value := text(unit, name, longest=256 if name == "reference_id" else 127)) is not None
    }
    number = books.number()
    row = OrderRow(
        id=number,
        intent=str(call.body["intent"]),
        amount=amount(mapping_of(unit.get("amount"))),
        references={"reference_id": "default", **references},
        return_url=text(context, "return_url", longest=4000) or "",
        cancel_url=text(context, "cancel_url", longest=4000) or "",
        status=OrderStatus.PAYER_ACTION_REQUIRED,
        created_at=call.now,
        updated_at=call.now,
        expires_at=call.now + TO_REDIRECT,
    )
    books.orders[number] = row
    return Answer(201, lambda: shapes.order(books, row))


def show(books: Books, call: Call) -> Answer:
    """An order as it stands."""
    row = _find(books, call)
    return Answer(200, lambda: shapes.order(books, row))


def _find(books: Books, call: Call) -> OrderRow:
    row = books.orders.get(call.number)
    if row is None:
        raise missing("resource ID")
    return row


def approve(books: Books, row: OrderRow, wallet: Wallet, call: Call) -> None:
    """The payer says yes."""
    row.status, row.wallet, row.updated_at = OrderStatus.APPROVED, wallet, call.now
    row.expires_at = call.now + TO_CAPTURE
    _tell(books, row, "CHECKOUT.ORDER.APPROVED", call)


def _tell(books: Books, row: OrderRow, event: str, call: Call) -> None:
    books.tell(
        Happening(
            event_type=event,
            resource_type="checkout-order",
            summary="An order has changed",
            resource=shapes.order(books, row),
            at=call.now,
        )
    )


def _approved(books: Books, call: Call, intent: str, done: str) -> OrderRow:
    row = _find(books, call)
    if row.intent != intent:
        raise unprocessable("ACTION_DOES_NOT_MATCH_INTENT", "The order was created with another intent.")
    if row.status is OrderStatus.COMPLETED:
        raise unprocessable(done, "Order already done; only one is allowed.")
    page = f"{books.url()}{shapes.CHECKOUT}?token={row.id}"
    if row.status is not OrderStatus.APPROVED:
        raise unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the order.", links={"payer-action": page})
    if row.wallet is Wallet.NO_MONEY:
        raise unprocessable("INSTRUMENT_DECLINED", "The instrument was declined.", links={"redirect": page})
    if row.wallet is Wallet.RISKY:
        raise unprocessable("TRANSACTION_REFUSED", "The request was refused.")
    invoice = row.references.get("invoice_id")
    if invoice is not None and any(each.invoice_id == invoice for each in books.captures.values()):
        raise unprocessable("DUPLICATE_INVOICE_ID", "Duplicate Invoice ID detected.")
    return row


def capture(books: Books, call: Call) -> Answer:
    """Take the money of an approved order."""
    row = _approved(books, call, "CAPTURE", "ORDER_ALREADY_CAPTURED")
    slow = call.slow or row.wallet is Wallet.ECHECK
    taken = CaptureRow(
        id=books.number(),
        order=row,
        hold=None,
        amount=row.amount,
        status="PENDING" if slow else "COMPLETED",
        reason="ECHECK" if slow else None,
        invoice_id=row.reference,
        final=True,
        at=call.now,
    )
    row.captures.append(taken)
    books.captures[taken.id] = taken
    row.status, row.updated_at = OrderStatus.COMPLETED, call.now
    _tell(books, row, "CHECKOUT.ORDER.COMPLETED", call)
    if slow:
        tell_capture(books, taken, "PENDING", call)
    else:
        complete(books, taken, call)
    return Answer(201, lambda: shapes.order(books, row))


def complete(books: Books, taken: CaptureRow, call: Call) -> None:
    """The money is there."""
    taken.status, taken.reason, taken.at = "COMPLETED", None, call.now
    books.move(taken.amount, sign=1)
    tell_capture(books, taken, "COMPLETED", call)


def deny(books: Books, taken: CaptureRow, call: Call) -> None:
    """The money never comes."""
    taken.status, taken.reason, taken.at = "DECLINED", None, call.now
    if taken.hold is not None and taken.hold.status == "CAPTURED":
        taken.hold.status = "PARTIALLY_CAPTURED"
    tell_capture(books, taken, "DENIED", call)


def tell_capture(books: Books, taken: CaptureRow, word: str, call: Call) -> None:
    """Have a capture told."""
    books.tell(
        Happening(
            event_type=f"PAYMENT.CAPTURE.{word}",
            resource_type="capture",
            summary=f"Payment {word.lower()}",
            resource=shapes.capture(books, taken),
            at=call.now,
        )
    )


def authorize(books: Books, call: Call) -> Answer:
    """Hold the money of an approved order."""
    row = _approved(books, call, "AUTHORIZE", "ORDER_ALREADY_AUTHORIZED")
    held = HoldRow(
        id=books.number(),
        order=row,
        amount=row.amount,
        status="PENDING" if call.slow else "CREATED",
        at=call.now,
        expires_at=call.now + HOLD_LIFE,
    )
    row.holds.append(held)
    books.holds[held.id] = held
    row.status, row.updated_at = OrderStatus.COMPLETED, call.now
    if not call.slow:
        tell_hold(books, held, "CREATED", call)
    return Answer(201, lambda: shapes.order(books, row))


def tell_hold(books: Books, held: HoldRow, word: str, call: Call) -> None:
    """Have a hold told."""
    books.tell(
        Happening(
            event_type=f"PAYMENT.AUTHORIZATION.{word}",
            resource_type="authorization",
            summary=f"Authorization {word.lower()}",
            resource=shapes.hold(books, held),
            at=call.now,
        )
    )
