"""Checkout Sessions, refunds, payouts, the balance and its lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

from payport.adapters.stripe.simulator.books import Books
from payport.adapters.stripe.simulator.calls import Call, Node, Refusal, missing, no_such, notes, table, whole
from payport.adapters.stripe.simulator.cards import CARDS
from payport.adapters.stripe.simulator.intents import expanded, paged
from payport.adapters.stripe.simulator.objects import (
    charge_node,
    intent_node,
    line_node,
    payout_node,
    refund_node,
    session_node,
)
from payport.adapters.stripe.simulator.rows import PayoutRow, RefundRow, SessionRow

_SESSION = (
    "mode", "client_reference_id", "line_items", "success_url", "cancel_url", "expires_at", "payment_intent_data",
    "metadata", "customer", "customer_email",
)  # fmt: skip
_WHOLE_PAYOUTS = ("huf", "twd")


def create_session(books: Books, call: Call) -> Node:
    """``POST /v1/checkout/sessions``."""
    call.only(*_SESSION)
    if call.need("mode") != "payment":
        raise Refusal(400, "Only mode=payment is simulated.", param="mode")
    success_url = call.need("success_url")
    expires_at = call.whole("expires_at")
    until = call.now + timedelta(hours=24) if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
    if not timedelta(minutes=30) <= until - call.now + timedelta(seconds=1) <= timedelta(hours=24, seconds=1):
        raise Refusal(
            400, "The `expires_at` timestamp must be between 30 minutes and 24 hours away.", param="expires_at"
        )
    amount, currency = _total(call)
    about = call.table("payment_intent_data")
    reference = call.text("client_reference_id")
    if reference is not None and len(reference) > 200:
        raise Refusal(400, "client_reference_id has 200 characters at most", param="client_reference_id")
    row = SessionRow(
        id=books.number("cs_test"),
        amount=amount,
        currency=currency,
        created=call.now,
        expires_at=until,
        success_url=success_url,
        cancel_url=call.text("cancel_url"),
        client_reference_id=reference,
        customer=call.text("customer"),
        customer_email=call.text("customer_email"),
        metadata=call.metadata(),
        about={**about, "metadata": notes(table(about.get("metadata"), "payment_intent_data[metadata]"))},
    )
    books.sessions[row.id] = row
    books.wake(until, row)
    return session_node(row, books.url)


def _total(call: Call) -> tuple[int, str]:
    items = call.params.get("line_items")
    if not isinstance(items, list) or not items:
        raise missing("line_items")
    total, currencies = 0, set[str]()
    for index, item in enumerate(cast("list[object]", items)):
        line = table(item, f"line_items[{index}]")
        price = table(line.get("price_data"), f"line_items[{index}][price_data]")
        name = f"line_items[{index}][price_data][unit_amount]"
        unit = whole(str(price.get("unit_amount", "")), name)
        quantity = whole(str(line.get("quantity", "1")), f"line_items[{index}][quantity]")
        if unit is None or quantity is None or unit < 1 or quantity < 1:
            raise Refusal(400, "Invalid positive integer", code="parameter_invalid_integer", param=name)
        if not table(price.get("product_data"), name).get("name"):
            raise missing(f"line_items[{index}][price_data][product_data][name]")
        total += unit * quantity
        currencies.add(str(price.get("currency", "")).lower())
    if len(currencies) != 1:
        raise Refusal(400, "All line items must have the same currency.", param="line_items")
    return total, currencies.pop()


def _session(books: Books, call: Call) -> SessionRow:
    number = call.numbers["checkout_session"]
    row = books.sessions.get(number)
    if row is None:
        raise no_such("checkout.session", number, param="session")
    return row


def retrieve_session(books: Books, call: Call) -> Node:
    """``GET /v1/checkout/sessions/{session}``."""
    call.only()
    whole_intent = any(each.startswith("payment_intent") for each in expanded(call))
    return session_node(_session(books, call), books.url, whole_intent=whole_intent)


def expire_session(books: Books, call: Call) -> Node:
    """``POST /v1/checkout/sessions/{session}/expire``."""
    call.only()
    row = _session(books, call)
    if row.status != "open":
        raise Refusal(400, 'Only Checkout Sessions with a status in ["open"] can be expired.', stored=True)
    books.expire(row, call.now)
    return session_node(row, books.url)


def list_sessions(books: Books, call: Call) -> Node:
    """``GET /v1/checkout/sessions``."""
    call.only("created", "limit", "starting_after", "ending_before", "payment_intent", "status")
    wanted = call.text("payment_intent")
    rows = {
        row.id: (int(row.created.timestamp()), session_node(row, books.url))
        for row in books.sessions.values()
        if wanted is None or (row.intent is not None and row.intent.id == wanted)
    }
    return paged(rows, call, "/v1/checkout/sessions")


def create_refund(books: Books, call: Call) -> Node:
    """``POST /v1/refunds``: all that is left when no amount is named."""
    call.only("payment_intent", "charge", "amount", "reason", "metadata")
    number = call.text("payment_intent")
    if number is None:
        owner = next(
            (row for row in books.intents.values() if row.charge and row.charge.id == call.text("charge")), None
        )
        number = owner.id if owner is not None else call.need("payment_intent")
    intent = books.intents.get(number)
    if intent is None:
        raise no_such("payment_intent", number, status=400, param="payment_intent")
    charge = intent.charge
    if charge is None or not charge.captured:
        raise Refusal(
            400, "This PaymentIntent has no successful charge to refund.", stored=True,
            code="payment_intent_unexpected_state", payment_intent=intent_node(intent),
        )  # fmt: skip
    left = charge.captured - charge.refunded
    if left <= 0:
        raise Refusal(
            400, f"Charge {charge.id} has already been refunded.", code="charge_already_refunded", stored=True
        )
    if charge.disputed:
        raise Refusal(400, "Charge has been charged back.", code="charge_disputed", stored=True)
    amount = call.amount() if "amount" in call.params else left
    if amount > left:
        raise Refusal(400, "Refund amount is greater than what is left on the charge.", param="amount", stored=True)
    card = CARDS[charge.payment_method]
    row = RefundRow(
        id=books.number("re"),
        intent=intent,
        charge=charge,
        amount=amount,
        created=call.stamp,
        reason=call.text("reason"),
        metadata=call.metadata(),
        status="pending",
        fails_later=card.refund_fails_later,
    )
    books.refunds[row.id] = row
    charge.refunded += amount
    if not call.slow and card.refund == "succeeded":
        books.give_back(row, call.now)
    books.tell("refund.created", refund_node(row), call.now)
    books.tell("charge.refunded", charge_node(intent, charge), call.now)
    return refund_node(row)


def retrieve_refund(books: Books, call: Call) -> Node:
    """``GET /v1/refunds/{refund}``."""
    call.only()
    row = books.refunds.get(call.numbers["refund"])
    if row is None:
        raise no_such("refund", call.numbers["refund"])
    return refund_node(row)


def list_refunds(books: Books, call: Call) -> Node:
    """``GET /v1/refunds``."""
    call.only("payment_intent", "charge", "created", "limit", "starting_after", "ending_before")
    wanted = call.text("payment_intent")
    rows = {
        row.id: (row.created, refund_node(row)) for row in books.refunds.values() if wanted in (None, row.intent.id)
    }
    return paged(rows, call, "/v1/refunds")


def create_payout(books: Books, call: Call) -> Node:
    """``POST /v1/payouts``."""
    call.only("amount", "currency", "destination", "method", "description", "metadata")
    amount, currency = call.amount(), call.currency()
    if currency in _WHOLE_PAYOUTS and amount % 100:
        raise Refusal(400, f"{currency} is paid out in whole units", param="amount")
    if amount > books.balance(currency):
        raise Refusal(
            400, "You have insufficient funds in your Stripe account.", code="balance_insufficient", stored=True
        )
    row = PayoutRow(
        id=books.number("po"),
        amount=amount,
        currency=currency,
        created=call.stamp,
        method=call.text("method") or "standard",
        destination=call.text("destination") or "ba_1Simulator",
        description=call.text("description"),
        metadata=call.metadata(),
    )
    books.payouts[row.id] = row
    own = row.metadata.get("payport_ref", row.id)
    row.transaction = books.enter("payout", -amount, currency, row.id, call.now, reference=own, own=own)
    books.tell("payout.created", payout_node(row), call.now)
    return payout_node(row)


def retrieve_payout(books: Books, call: Call) -> Node:
    """``GET /v1/payouts/{payout}``."""
    call.only()
    row = books.payouts.get(call.numbers["payout"])
    if row is None:
        raise no_such("payout", call.numbers["payout"])
    return payout_node(row)


def list_payouts(books: Books, call: Call) -> Node:
    """``GET /v1/payouts``."""
    call.only("created", "status", "destination", "limit", "starting_after", "ending_before")
    rows = {row.id: (row.created, payout_node(row)) for row in books.payouts.values()}
    return paged(rows, call, "/v1/payouts")


def retrieve_charge(books: Books, call: Call) -> Node:
    """``GET /v1/charges/{charge}``: the newest of each intent."""
    call.only()
    number = call.numbers["charge"]
    for row in books.intents.values():
        if row.charge is not None and row.charge.id == number:
            return charge_node(row, row.charge)
    raise no_such("charge", number)


def balance(books: Books, call: Call) -> Node:
    """``GET /v1/balance``."""
    call.only()
    currencies = sorted({line.currency for line in books.lines} | set(books.opened)) or ["usd"]
    amounts: list[Node] = [{"amount": books.balance(each), "currency": each} for each in currencies]
    nothing: list[Node] = [{"amount": 0, "currency": each} for each in currencies]
    return {"object": "balance", "available": amounts, "pending": nothing, "livemode": False}


def list_lines(books: Books, call: Call) -> Node:
    """``GET /v1/balance_transactions``."""
    call.only("created", "currency", "limit", "payout", "source", "starting_after", "ending_before", "type")
    source, kind, currency = call.text("source"), call.text("type"), call.text("currency")
    rows = {
        row.id: (int(row.created.timestamp()), line_node(row))
        for row in books.lines
        if source in (None, row.source) and kind in (None, row.kind) and currency in (None, row.currency)
    }
    return paged(rows, call, "/v1/balance_transactions")


def retrieve_line(books: Books, call: Call) -> Node:
    """``GET /v1/balance_transactions/{id}``."""
    call.only()
    number = call.numbers["balance_transaction"]
    for row in books.lines:
        if row.id == number:
            return line_node(row)
    raise no_such("balance transaction", number)
