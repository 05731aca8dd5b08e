"""From an intent to the calls that carry it out, frozen. Pure: the same intent always gives the same calls.

Sources: Stripe's API reference of each call named here; "idempotent requests" for keys and their 24 hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from payport.adapters.stripe.account import StripeAccount
from payport.adapters.stripe.calls import CONFLICT, ROUTES, Call
from payport.adapters.stripe.methods import StripeElements, StripeMethod, StripePayee, StripePaymentMethod
from payport.adapters.stripe.money import UnsupportedAmount, to_payout, to_wire
from payport.schemas.methods import HostedPage, MobileWeb
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order, PayoutOrder
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import Operation, State, Step

REF = "payport_ref"
"""Metadata key of our reference: what Stripe says back, and what a lost record is looked for by."""
REVERSES = "payport_reverses"
"""Metadata key on the refund by which a cancel gives a payment back: that payment's reference."""
WAY = "payport_way"
"""Metadata key, and mark in an operation's identity: who confirms."""
DIRECT = "direct"
ELEMENTS = "elements"
PAGE = "page"

INTENT = "payment_intent"
SESSION = "checkout_session"
REFUND = "refund"
PAYOUT = "payout"
PAYMENT_REF = "payment_ref"
PAYMENT_AMOUNT = "payment_amount"

KEY_LIFE = timedelta(hours=24)
"""How long Stripe is sure to recognise a key; after that it may work as a new one."""
SHORTEST_PAGE = timedelta(minutes=30)
LONGEST_PAGE = timedelta(hours=24)
"""The life of a Checkout Session, counted from when Stripe gets it."""
PAGE_SLACK = timedelta(seconds=60)

_MAX_DESCRIPTION = 1_000
_MAX_METADATA = 40
"""Stripe keeps 50 entries; the rest is for ours, captures included."""
_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


def plan_pay(account: StripeAccount, order: Order, method: StripeMethod, slot: Slot) -> Plan:
    """The steps that charge or hold. Raises :class:`InvalidIntent`."""
    match method:
        case StripePaymentMethod():
            return _plan_direct(account, order, method, slot)
        case StripeElements():
            return _plan_elements(order, method, slot)
        case HostedPage() | MobileWeb():
            return _plan_page(account, order, method, slot)
    raise InvalidIntent(f"Stripe does not take {type(method).__name__}")


def _plan_direct(account: StripeAccount, order: Order, method: StripePaymentMethod, slot: Slot) -> Plan:
    """Create unconfirmed, so that the number is in the journal, and only then confirm, which moves the money."""
    return_url = order.return_url or account.return_url
    if not method.payment_method.startswith(("pm_", "card_", "src_", "ba_")):
        raise InvalidIntent("payment_method is Stripe's number of one, pm_...: never a card number")
    redirects = {} if return_url and not method.off_session else {"allow_redirects": "never"}
    create = _intent_params(order, slot, DIRECT, method.customer) | {
        "payment_method": method.payment_method,
        "automatic_payment_methods": {"enabled": True, **redirects},
        "setup_future_usage": method.setup_future_usage,
    }
    if method.multicapture:
        if order.capture is not CaptureMode.MANUAL:
            raise InvalidIntent("multicapture is for holds: set capture=CaptureMode.MANUAL")
        create["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
    confirm: dict[str, object] = {"off_session": True} if method.off_session else {"return_url": return_url}
    steps = (
        _step("create", _call("payment_intents.create", create, slot), slot),
        _step("confirm", _call("payment_intents.confirm", confirm, slot), slot),
    )
    return Plan(steps=steps, method=type(method).__name__, identity={WAY: DIRECT})


def _plan_elements(order: Order, method: StripeElements, slot: Slot) -> Plan:
    """Create, and hand the client secret out. An intent has no end on the wire: what is over is cancelled."""
    create = _intent_params(order, slot, ELEMENTS, method.customer) | {
        "automatic_payment_methods": {"enabled": True},
        "setup_future_usage": method.setup_future_usage,
    }
    step = _step("create", _call("payment_intents.create", create, slot), slot, exposes=True)
    return Plan(steps=(step,), method=type(method).__name__, ladder="page", identity={WAY: ELEMENTS})


def _plan_page(account: StripeAccount, order: Order, method: HostedPage | MobileWeb, slot: Slot) -> Plan:
    return_url = order.return_url or account.return_url
    if return_url is None:
        raise InvalidIntent("a Checkout page needs return_url, in the order or the account")
    until = min(slot.payable_until, (slot.now + LONGEST_PAGE - PAGE_SLACK).replace(microsecond=0))
    if until < slot.now + SHORTEST_PAGE + PAGE_SLACK:
        raise InvalidIntent("Stripe keeps a Checkout page open for at least 30 minutes: payable_until must be later")
    common = _intent_params(order, slot, PAGE, None)
    item = {
        "price_data": {
            "currency": common["currency"],
            "unit_amount": common["amount"],
            "product_data": {"name": order.subject},
        },
        "quantity": 1,
    }
    about = {name: common.get(name) for name in ("capture_method", "description", "metadata")}
    customer = common.get("customer")
    create: dict[str, object] = {
        "mode": "payment",
        "client_reference_id": slot.partner_ref,
        "line_items": [item],
        "success_url": return_url,
        "cancel_url": method.quit_url if isinstance(method, MobileWeb) else None,
        "expires_at": int(until.timestamp()),
        "payment_intent_data": about,
        "metadata": common["metadata"],
        "customer": customer,
        "customer_email": order.payer.email if customer is None else None,
    }
    # half of the window is where the resolver stops repeating: a page must have 30 minutes left when it is made
    window = min(2 * (until - SHORTEST_PAGE - slot.now), KEY_LIFE)
    call = _call("checkout.sessions.create", create, slot)
    step = _step("create", call, slot, exposes=True, replay_until=slot.now + window)
    return Plan(steps=(step,), method=type(method).__name__, ladder="page", identity={WAY: PAGE}, payable_until=until)


def _intent_params(order: Order, slot: Slot, way: str, customer: str | None) -> dict[str, object]:
    payer = order.payer.id
    return {
        "amount": _charged(order.amount),
        "currency": order.amount.currency.lower(),
        "description": order.subject[:_MAX_DESCRIPTION],
        "capture_method": "manual" if order.capture is CaptureMode.MANUAL else None,
        "customer": customer or (payer if payer is not None and payer.startswith("cus_") else None),
        "metadata": {**_notes_of(order.metadata), REF: slot.partner_ref, WAY: way},
    }


def _charged(amount: Money) -> int:
    try:
        return to_wire(amount)
    except UnsupportedAmount as error:
        raise InvalidIntent(str(error)) from None


def _notes_of(metadata: Mapping[str, str]) -> Mapping[str, str]:
    if len(metadata) > _MAX_METADATA:
        raise InvalidIntent(f"Stripe keeps few notes: at most {_MAX_METADATA} entries of metadata fit")
    for key, value in metadata.items():
        if not 1 <= len(key) <= 40 or "[" in key or "]" in key or key.startswith(("payport_", "capture_")):
            raise InvalidIntent(
                f"Stripe takes metadata keys of 1 to 40 characters without brackets, and those that begin with "
                f"payport_ and capture_ are taken; got {key!r}"
            )
        if len(value) > 500:
            raise InvalidIntent(f"Stripe takes metadata values of at most 500 characters; {key!r} has more")
    return metadata


def _call(name: str, params: Mapping[str, object], slot: Slot, **numbers: str) -> Call:
    kept = {key: value for key, value in params.items() if value is not None}
    return Call(name=name, params=kept, numbers=numbers, key=f"payport-{slot.partner_ref}-{name}")


def _step(name: str, call: Call, slot: Slot, *, exposes: bool = False, replay_until: datetime | None = None) -> Step:
    """The journal's form of a call. ``exposes``: what it makes is handed out and may be paid without us."""
    try:
        request = call.encode()
    except UnicodeEncodeError:
        raise InvalidIntent("a text holds half a surrogate pair, which cannot be sent in UTF-8") from None
    return Step.of(
        name,
        request,
        moves_money=exposes or ROUTES[call.name].moves_money,
        replayable=True,
        replay_until=replay_until or slot.now + KEY_LIFE,
    )


def plan_cancel(payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
    """Cancel the intent, expire the page, refund what is paid, by how the attempt stands.

    Cancelling twice cancels once, so it goes without a key: an answer kept by Stripe would be an old one.
    """
    session, intent = payment.ids.get(SESSION), payment.ids.get(INTENT)
    notes = {PAYMENT_REF: payment.partner_ref, PAYMENT_AMOUNT: str(_charged(payment.amount))}
    if reverse_paid:
        notes["reverse"] = "1"
    if payment.state is State.AUTHORIZED:
        notes["held"] = "1"
    if CONFLICT in payment.ids:
        notes[CONFLICT] = "1"
    if intent is not None and payment.state is State.SUCCEEDED and reverse_paid:
        call = reversal(slot.partner_ref, intent, notes)
    elif session is not None and payment.state is not State.AUTHORIZED:
        call = Call(name="checkout.sessions.expire", numbers={SESSION: session}, notes=notes)
    elif intent is not None:
        call = cancellation(intent, notes)
    else:
        call = search(payment.partner_ref, notes)
    identity = {PAYMENT_REF: payment.partner_ref, INTENT: intent or "", SESSION: session or ""}
    return Plan(
        steps=(_step(call.name, call, slot),), identity={key: value for key, value in identity.items() if value}
    )


def cancellation(intent: str, notes: Mapping[str, str]) -> Call:
    """End an intent that is not paid, a hold included. Its charge tells whether anything was held."""
    params = {"cancellation_reason": "abandoned", "expand": ["latest_charge"]}
    return Call(name="payment_intents.cancel", params=params, numbers={INTENT: intent}, notes=notes)


def reversal(reference: str, intent: str, notes: Mapping[str, str]) -> Call:
    """Give everything back that is left of a paid intent, once for this cancel."""
    params = {"payment_intent": intent, "metadata": {REF: reference, REVERSES: notes[PAYMENT_REF]}}
    return Call(name="refunds.create", params=params, key=f"payport-{reference}-refunds.create", notes=notes)


def search(reference: str, notes: Mapping[str, str] | None = None) -> Call:
    """Look for an intent by our reference. The index lags: what is found is there, what is not proves nothing."""
    params = {"query": f"metadata['{REF}']:'{reference}'", "limit": 1}
    return Call(name="payment_intents.search", params=params, notes=notes or {})


def plan_capture(hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
    """Take money from a hold. The capture notes itself on the intent, so that it can be told from others."""
    intent = _number_of(hold)
    params = {
        "amount_to_capture": _charged(amount),
        "final_capture": None if final else False,
        "metadata": {capture_mark(slot.partner_ref): str(_charged(amount))},
    }
    call = _call("payment_intents.capture", params, slot, payment_intent=intent)
    identity = {INTENT: intent, PAYMENT_REF: hold.partner_ref, "held": str(_charged(hold.amount))}
    return Plan(steps=(_step("capture", call, slot),), of=hold.id, identity=identity)


def capture_mark(reference: str) -> str:
    """The metadata key that says that a capture was carried out; its value is the amount as Stripe counts it."""
    return f"capture_{reference}"


def plan_refund(payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
    """Give money back under a record of its own."""
    intent = _number_of(payment)
    metadata = {REF: slot.partner_ref}
    if reason and reason not in _REASONS:
        metadata["reason"] = reason[:500]
    params = {
        "payment_intent": intent,
        "amount": _charged(amount),
        "reason": reason if reason in _REASONS else None,
        "metadata": metadata,
    }
    call = _call("refunds.create", params, slot)
    return Plan(steps=(_step("refund", call, slot),), ladder="refund", identity={INTENT: intent})


def _number_of(operation: Operation) -> str:
    number = operation.ids.get(INTENT) or operation.identity.get(INTENT)
    if number is None:
        raise InvalidIntent(f"the journal does not know Stripe's number of {operation.ref} yet: query it first")
    return number


def plan_payout(order: PayoutOrder, payee: StripePayee, slot: Slot) -> Plan:
    """Send money from the balance to the account's own bank account or card."""
    try:
        amount = to_payout(order.amount)
    except UnsupportedAmount as error:
        raise InvalidIntent(str(error)) from None
    match payee.method:
        case "standard" | "instant":
            method = payee.method
        case _:
            assert_never(payee.method)
    params = {
        "amount": amount,
        "currency": order.amount.currency.lower(),
        "destination": payee.destination,
        "method": method,
        "description": order.subject,
        "metadata": {REF: slot.partner_ref} | ({"remark": order.remark[:500]} if order.remark else {}),
    }
    call = _call("payouts.create", params, slot)
    return Plan(steps=(_step("payout", call, slot),), method="payout", ladder="payout")
