"""PaymentIntents: made, confirmed, captured, canceled, looked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from payport.adapters.stripe.simulator.books import Books
from payport.adapters.stripe.simulator.calls import Call, Node, Refusal, missing, no_such, table
from payport.adapters.stripe.simulator.cards import CARDS
from payport.adapters.stripe.simulator.objects import charge_node, intent_node, page
from payport.adapters.stripe.simulator.rows import IntentRow

_CREATE = (
    "amount", "currency", "description", "capture_method", "customer", "metadata", "payment_method",
    "automatic_payment_methods", "setup_future_usage", "payment_method_options", "confirm", "off_session", "return_url",
)  # fmt: skip
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_QUERY = re.compile(r"metadata\['([^']{1,40})'\]:'([^']{1,500})'")
_LONGEST = 100


def create(books: Books, call: Call) -> Node:
    """``POST /v1/payment_intents``."""
    call.only(*_CREATE)
    amount, currency = call.amount(), call.currency()
    if currency == "usd" and amount < 50:
        raise Refusal(400, "Amount must be at least $0.50 usd", code="amount_too_small", param="amount")
    method = _method(call)
    capture = call.text("capture_method") or "automatic_async"
    if capture not in ("automatic", "automatic_async", "manual"):
        raise Refusal(400, f"Invalid capture_method: {capture}", param="capture_method")
    options = table(call.table("payment_method_options").get("card"), "payment_method_options[card]")
    number = books.number("pi")
    row = IntentRow(
        id=number,
        amount=amount,
        currency=currency,
        created=call.now,
        client_secret=books.secret(number),
        metadata=call.metadata(),
        capture_method=capture,
        payment_method=method,
        customer=call.text("customer"),
        description=call.text("description"),
        setup_future_usage=call.text("setup_future_usage"),
        multicapture=options.get("request_multicapture") == "if_available",
        redirects=call.table("automatic_payment_methods").get("allow_redirects") != "never",
        status="requires_payment_method" if method is None else "requires_confirmation",
    )
    books.intents[number] = row
    books.tell_intent("created", row, call.now)
    if call.flag("confirm"):
        _confirm(books, row, call, method)
    return intent_node(row)


def _method(call: Call) -> str | None:
    method = call.text("payment_method")
    if method is not None and method not in CARDS:
        raise no_such("PaymentMethod", method, status=400, param="payment_method")
    return method


def confirm(books: Books, call: Call) -> Node:
    """``POST /v1/payment_intents/{intent}/confirm``."""
    call.only("payment_method", "off_session", "return_url")
    row = books.intent(call.numbers["payment_intent"])
    if row.status not in _OPEN:
        raise unexpected(row, "confirm")
    method = _method(call) or row.payment_method
    _confirm(books, row, call, method)
    return intent_node(row)


def _confirm(books: Books, row: IntentRow, call: Call, method: str | None) -> None:
    if method is None:
        raise Refusal(
            400, "A payment method is needed to confirm.", code="payment_intent_unexpected_state", stored=True
        )
    row.return_url = call.text("return_url")
    if row.redirects and row.return_url is None and not call.flag("off_session"):
        raise missing("return_url")
    if CARDS[method].authentication:
        if call.flag("off_session"):
            raise books.decline(
                row, None, call.now, "authentication_required", "authentication_required", "Authentication is needed."
            )
        ask_for_authentication(books, row, method, call)
        return
    books.charge(row, method, call.now, slow=call.slow)


def ask_for_authentication(books: Books, row: IntentRow, method: str, call: Call) -> None:
    """The payer must prove who they are: at Stripe's page when there is a way back from it, else in Stripe.js."""
    row.payment_method, row.status, row.last_error = method, "requires_action", None
    if row.return_url is None:
        row.next_action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    else:
        row.next_action = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": row.return_url, "url": f"{books.url}/3ds/{row.id}"},
        }
    books.tell_intent("requires_action", row, call.now)


def unexpected(row: IntentRow, verb: str) -> Refusal:
    """The intent is in no state for that; the error shows it."""
    return Refusal(
        400,
        f"You cannot {verb} this PaymentIntent because it has a status of {row.status}.",
        code="payment_intent_unexpected_state",
        stored=True,
        payment_intent=intent_node(row),
    )


def capture(books: Books, call: Call) -> Node:
    """``POST /v1/payment_intents/{intent}/capture``: what is not captured is let go, unless more is to come."""
    call.only("amount_to_capture", "final_capture", "metadata")
    row = books.intent(call.numbers["payment_intent"])
    if row.status != "requires_capture" or row.charge is None:
        raise unexpected(row, "capture")
    amount = call.amount("amount_to_capture") if "amount_to_capture" in call.params else row.capturable
    final = call.flag("final_capture", default=True)
    if not final and not row.multicapture:
        raise Refusal(400, "This PaymentIntent was not made for several captures.", param="final_capture", stored=True)
    if amount > row.capturable:
        raise Refusal(
            400, "The amount is more than what can be captured.", code="amount_too_large", param="amount_to_capture",
            stored=True,
        )  # fmt: skip
    notes = call.metadata()
    own = next((key.removeprefix("capture_") for key in notes if key.startswith("capture_")), row.reference)
    row.metadata.update(notes)
    books.take(row, amount, call.now, own=own)
    row.capturable -= amount
    if final or row.capturable == 0:
        row.status, row.capturable = "succeeded", 0
    books.tell("charge.captured", charge_node(row, row.charge), call.now)
    books.tell_intent("succeeded" if row.status == "succeeded" else "amount_capturable_updated", row, call.now)
    return intent_node(row)


def cancel(books: Books, call: Call) -> Node:
    """``POST /v1/payment_intents/{intent}/cancel``."""
    call.only("cancellation_reason")
    row = books.intent(call.numbers["payment_intent"])
    if row.status not in (*_OPEN, "requires_capture"):
        raise unexpected(row, "cancel")
    session = books.sessions.get(row.session or "")
    if session is not None and session.status == "open":
        raise Refusal(400, "This PaymentIntent is a Checkout Session's: expire the session instead.", stored=True)
    books.cancel(row, call.now, call.text("cancellation_reason"))
    return intent_node(row, whole_charge="latest_charge" in expanded(call))


def retrieve(books: Books, call: Call) -> Node:
    """``GET /v1/payment_intents/{intent}``."""
    call.only()
    return intent_node(books.intent(call.numbers["payment_intent"]), whole_charge="latest_charge" in expanded(call))


def expanded(call: Call) -> tuple[str, ...]:
    """What is to be shown whole."""
    value = call.params.get("expand")
    return tuple(str(each) for each in value) if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - a form's list


def search(books: Books, call: Call, lag: timedelta) -> Node:
    """``GET /v1/payment_intents/search``: what is younger than the index is not shown."""
    call.only("query", "limit", "page")
    match = _QUERY.fullmatch(call.need("query"))
    if match is None:
        raise Refusal(400, "We were unable to parse your search query.", param="query")
    found = [
        intent_node(row)
        for row in reversed(books.intents.values())
        if row.metadata.get(match[1]) == match[2] and row.created + lag <= call.now
    ]
    shown = found[: call.whole("limit") or 10]
    return {
        "object": "search_result",
        "data": shown,
        "has_more": len(shown) < len(found),
        "next_page": None,
        "url": "/v1/payment_intents/search",
    }


def listed(books: Books, call: Call) -> Node:
    """``GET /v1/payment_intents``."""
    call.only("created", "customer", "limit", "starting_after", "ending_before")
    rows = {row.id: (int(row.created.timestamp()), intent_node(row)) for row in books.intents.values()}
    return paged(rows, call, "/v1/payment_intents")


def paged(rows: Mapping[str, tuple[int, Node]], call: Call, url: str) -> Node:
    """One page, newest first, by cursor and time. ``rows``: when made, and the record, oldest first."""
    ranges = call.table("created")
    numbers = [number for number, (stamp, _) in reversed(list(rows.items())) if _within(stamp, ranges)]
    cursor = call.text("starting_after")
    if cursor is not None:
        if cursor not in numbers:
            raise no_such("object", cursor, status=400, param="starting_after")
        numbers = numbers[numbers.index(cursor) + 1 :]
    limit = call.whole("limit") or 10
    if not 1 <= limit <= _LONGEST:
        raise Refusal(400, "limit is 1 to 100", code="parameter_invalid_integer", param="limit")
    return page(url, [rows[number][1] for number in numbers[:limit]], more=len(numbers) > limit)


def _within(stamp: int, ranges: Node) -> bool:
    tests = {"gte": stamp.__ge__, "gt": stamp.__gt__, "lte": stamp.__le__, "lt": stamp.__lt__}
    return all(tests[name](int(str(bound))) for name, bound in ranges.items() if name in tests)
