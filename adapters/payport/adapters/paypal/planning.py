"""From an intent to the calls that carry it out, frozen. Pure: the same intent always gives the same calls.

Sources: PayPal's OpenAPI documents of Orders v2, Payments v2 and Payouts v1; developer.paypal.com, "Idempotency".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from payport.adapters.paypal.account import PayPalAccount
from payport.adapters.paypal.calls import Call
from payport.adapters.paypal.methods import PayPalMethod, PayPalPayee
from payport.adapters.paypal.money import to_wire
from payport.schemas.methods import HostedPage, MobileWeb
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order, PayoutOrder
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import Operation, State, Step

CREATE = "orders.create"
CAPTURE_ORDER = "orders.capture"
AUTHORIZE_ORDER = "orders.authorize"
GET_ORDER = "orders.get"
CAPTURE = "authorizations.capture"
VOID = "authorizations.void"
GET_AUTHORIZATION = "authorizations.get"
GET_CAPTURE = "captures.get"
REFUND = "captures.refund"
GET_REFUND = "refunds.get"
PAYOUT = "payouts.post"
GET_PAYOUT = "payouts.get"

FORGO = "forgo"
"""Step of a cancel that calls nobody: the order was never captured, and now it never will be."""
LOOK = "look"
"""Step of a cancel that first asks how the order stands."""
REVERSE = "reverse"
"""Step of a cancel that gives a captured payment back."""

ORDERS, PAYMENTS, AUTHORIZATIONS, CAPTURES, REFUNDS, PAYOUTS = (
    "/v2/checkout/orders",
    "/v2/payments",
    "/v2/payments/authorizations",
    "/v2/payments/captures",
    "/v2/payments/refunds",
    "/v1/payments/payouts",
)

WINDOWS: Mapping[str, timedelta] = {
    ORDERS: timedelta(hours=6),
    PAYMENTS: timedelta(days=45),
    PAYOUTS: timedelta(days=30),
}
"""For how long each API recognises a repetition by its ``PayPal-Request-Id``."""

ORDER_LIFE_S = 3 * 3600.0
"""PayPal's own default: three hours to send the payer over."""
LONGEST_LIFE_S = 6 * 3600.0
"""And three more to approve and capture."""

INTENT = "intent"
"""In an operation's identity: ``CAPTURE``, or ``AUTHORIZE`` for an attempt that holds money."""
ORDER_ID, CAPTURE_ID, AUTHORIZATION_ID, APPROVED = "order_id", "capture_id", "authorization_id", "approved"
REFUND_ID, BATCH_ID, ITEM_ID = "refund_id", "batch_id", "item_id"
AUTOMATIC = "complete"
"""The sdk's mark in a payment's identity: ``resume`` asks to go on by itself."""

REFUNDED, REVERSED = "refund.", "reverse."
"""What the ``custom_id`` of a refund of ours begins with, before the reference of what is refunded."""

_DESCRIPTION = 127
_NOTE = 255


def plan_pay(account: PayPalAccount, order: Order, method: PayPalMethod, slot: Slot) -> Plan:
    """The order that the payer approves. Money moves only by the steps that :func:`plan_complete` adds later."""
    match method:
        case HostedPage():
            quit_url = None
        case MobileWeb():
            quit_url = method.quit_url
        case _:
            raise InvalidIntent(f"PayPal does not take {type(method).__name__}")
    intent = "AUTHORIZE" if order.capture is CaptureMode.MANUAL else "CAPTURE"
    unit: dict[str, object] = {
        "reference_id": slot.partner_ref,
        "custom_id": slot.partner_ref,
        "invoice_id": slot.partner_ref,
        "description": _fitting(order.subject, _DESCRIPTION),
        "amount": _amount(order.amount),
        "payee": {"merchant_id": account.merchant_id},
    }
    body: dict[str, object] = {
        "intent": intent,
        "purchase_units": [unit],
        "payment_source": {"paypal": _wallet(account, order, quit_url)},
    }
    call = Call(
        endpoint=CREATE,
        verb="POST",
        path=ORDERS,
        body=body,
        request_id=f"{slot.partner_ref}-create",
        moves_money=False,
    )
    step = _step("create", call, slot, ORDERS)
    return Plan(steps=(step,), method=type(method).__name__, ladder="approving", identity={INTENT: intent})


def _wallet(account: PayPalAccount, order: Order, quit_url: str | None) -> dict[str, object]:
    return_url = order.return_url or account.return_url
    if return_url is None:
        raise InvalidIntent("PayPal sends the payer back after approving: set return_url of the order or the account")
    context = {
        "return_url": return_url,
        "cancel_url": quit_url or account.cancel_url or return_url,
        "user_action": "PAY_NOW",
        "shipping_preference": "NO_SHIPPING",
    }
    if account.brand_name is not None:
        context["brand_name"] = account.brand_name
    email = {"email_address": order.payer.email} if order.payer.email else {}
    return {"experience_context": context, **email}


def plan_complete(payment: Operation, returned: Mapping[str, str], slot: Slot) -> Plan | None:
    """Capture or authorize the order; ``None`` where that would be too early, too late, or somebody else's.

    ``resume`` asks without anything returned: then the payer must have been seen to approve, and PayPal must not have
    refused yet, because a refused payer has to come back and choose another way to pay first.
    """
    order_id = payment.ids.get(ORDER_ID)
    if order_id is None or payment.state is not State.ACTION or not payment.steps or slot.now >= slot.payable_until:
        return None
    if returned.get("token", order_id) != order_id:
        return None
    tried = len(_completions(payment))
    if not returned and AUTOMATIC in payment.identity and (tried or APPROVED not in payment.ids):
        return None
    holding = payment.identity.get(INTENT) == "AUTHORIZE"
    verb = "authorize" if holding else "capture"
    name = f"{verb}-{tried + 1}"
    call = Call(
        endpoint=AUTHORIZE_ORDER if holding else CAPTURE_ORDER,
        verb="POST",
        path=f"{ORDERS}/{order_id}/{verb}",
        body={},
        # a repetition under the number of a refused try would only be told of that refusal again
        request_id=f"{payment.partner_ref}-{name}",
    )
    return Plan(steps=(_step(name, call, slot, ORDERS),))


def _completions(payment: Operation) -> tuple[Step, ...]:
    return tuple(step for step in payment.steps if step.moves_money)


def plan_cancel(payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
    """Void, reverse, or let an order be that only we could have captured.

    PayPal has no call that closes an order. It needs none: an approved order moves no money until we capture it, no
    capture is in the journal, and while a cancel is there none is added. That makes forgoing it a fence. With a capture
    in doubt it would not be one: then PayPal is asked.
    """
    identity = {
        "of": payment.partner_ref,
        ORDER_ID: payment.ids.get(ORDER_ID, ""),
        CAPTURE_ID: payment.ids.get(CAPTURE_ID, ""),
        "reverse_paid": "1" if reverse_paid else "",
    }
    # of a hold that was held anew only the first authorization can be voided
    authorization_id = payment.ids.get(AUTHORIZATION_ID)
    if payment.state is State.AUTHORIZED and authorization_id is not None:
        return Plan(steps=(_step("void", void(authorization_id, slot), slot, PAYMENTS),), identity=identity)
    if payment.state is State.SUCCEEDED and reverse_paid and identity[CAPTURE_ID]:
        call = reversal(identity[CAPTURE_ID], payment.partner_ref, slot.partner_ref)
        return Plan(steps=(_step(REVERSE, call, slot, PAYMENTS),), identity=identity)
    idle = all(step.done for step in _completions(payment))
    if payment.steps and idle and payment.state in (State.DOUBT, State.ACTION):
        return Plan(steps=(Step(name=FORGO, moves_money=False, digest=""),), identity=identity)
    question = get_order(payment.ids.get(ORDER_ID, ""))
    return Plan(steps=(_step(LOOK, question, slot, None),), identity=identity)


def void(authorization_id: str, slot: Slot) -> Call:
    """Release what is left of a hold."""
    return Call(
        endpoint=VOID,
        verb="POST",
        path=f"{AUTHORIZATIONS}/{authorization_id}/void",
        request_id=f"{slot.partner_ref}-void",
    )


def reversal(capture_id: str, partner_ref: str, cancel_ref: str) -> Call:
    """Give back all that is left of a captured payment."""
    return Call(
        endpoint=REFUND,
        verb="POST",
        path=f"{CAPTURES}/{capture_id}/refund",
        body={"custom_id": f"{REVERSED}{partner_ref}", "invoice_id": cancel_ref},
        request_id=f"{cancel_ref}-reverse",
    )


def authorization_of(hold: Operation) -> str | None:
    """PayPal's number of what can be captured: the newest one, when it was held anew."""
    found = hold.ids.get(AUTHORIZATION_ID)
    for turn in range(1, len(hold.ids)):
        found = hold.ids.get(f"{AUTHORIZATION_ID}/{turn}", found)
    return found


def plan_capture(hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
    """Take money from a hold."""
    authorization_id = authorization_of(hold)
    if authorization_id is None:
        raise InvalidIntent("PayPal's number of the authorization is not known yet: query the payment first")
    call = Call(
        endpoint=CAPTURE,
        verb="POST",
        path=f"{AUTHORIZATIONS}/{authorization_id}/capture",
        body={"amount": _amount(amount), "invoice_id": slot.partner_ref, "final_capture": final},
        request_id=f"{slot.partner_ref}-capture",
    )
    identity = {ORDER_ID: hold.ids.get(ORDER_ID, ""), AUTHORIZATION_ID: authorization_id}
    return Plan(steps=(_step("capture", call, slot, PAYMENTS),), of=hold.id, identity=identity)


def plan_refund(payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
    """Give money of a captured payment back."""
    capture_id = payment.ids.get(CAPTURE_ID)
    if capture_id is None:
        raise InvalidIntent("PayPal's number of the captured payment is not known yet: query the payment first")
    body: dict[str, object] = {
        "amount": _amount(amount),
        "custom_id": f"{REFUNDED}{payment.partner_ref}",
        "invoice_id": slot.partner_ref,
    }
    if reason:
        body["note_to_payer"] = _fitting(reason, _NOTE)
    call = Call(
        endpoint=REFUND,
        verb="POST",
        path=f"{CAPTURES}/{capture_id}/refund",
        body=body,
        request_id=f"{slot.partner_ref}-refund",
    )
    order_id = payment.ids.get(ORDER_ID) or payment.identity.get(ORDER_ID, "")
    identity = {ORDER_ID: order_id, CAPTURE_ID: capture_id, "of": payment.partner_ref}
    return Plan(steps=(_step("refund", call, slot, PAYMENTS),), ladder="refund", identity=identity)


def plan_payout(order: PayoutOrder, payee: PayPalPayee, slot: Slot) -> Plan:
    """Send money: a batch of one item."""
    item: dict[str, object] = {
        "recipient_type": payee.kind.value,
        "receiver": payee.receiver,
        "amount": {"currency": order.amount.currency, "value": _value(order.amount)},
        "sender_item_id": slot.partner_ref,
    }
    note = payee.note or order.remark
    if note:
        item["note"] = note
    body: dict[str, object] = {
        "sender_batch_header": {
            "sender_batch_id": slot.partner_ref,
            "email_subject": _fitting(order.subject, _NOTE),
        },
        "items": [item],
    }
    call = Call(endpoint=PAYOUT, verb="POST", path=PAYOUTS, body=body, request_id=f"{slot.partner_ref}-payout")
    return Plan(steps=(_step("payout", call, slot, PAYOUTS),), method="payout", ladder="payout")


def get_order(order_id: str) -> Call:
    """How an order stands, with everything that moved money under it."""
    return Call(endpoint=GET_ORDER, verb="GET", path=f"{ORDERS}/{order_id}", moves_money=False)


def get_capture(capture_id: str) -> Call:
    """How a captured payment stands."""
    return Call(endpoint=GET_CAPTURE, verb="GET", path=f"{CAPTURES}/{capture_id}", moves_money=False)


def get_refund(refund_id: str) -> Call:
    """How a refund stands."""
    return Call(endpoint=GET_REFUND, verb="GET", path=f"{REFUNDS}/{refund_id}", moves_money=False)


def get_payout(batch_id: str) -> Call:
    """How a payout stands."""
    return Call(endpoint=GET_PAYOUT, verb="GET", path=f"{PAYOUTS}/{batch_id}", moves_money=False)


def _step(name: str, call: Call, slot: Slot, api: str | None) -> Step:
    """The journal's form of a call. ``api``: whose window its repetitions have; ``None`` for a question."""
    try:
        request = call.encode()
    except UnicodeEncodeError:
        raise InvalidIntent("a text holds half a surrogate pair, which cannot be sent in UTF-8") from None
    return Step.of(
        name,
        request,
        moves_money=call.moves_money,
        replayable=True,
        replay_until=None if api is None else slot.now + WINDOWS[api],
    )


def _amount(money: Money) -> dict[str, str]:
    return {"currency_code": money.currency, "value": _value(money)}


def _value(money: Money) -> str:
    try:
        return to_wire(money)
    except ValueError as error:
        raise InvalidIntent(str(error)) from None


def _fitting(text: str, longest: int) -> str:
    """A text cut to what PayPal takes; half a surrogate pair cannot be sent at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidIntent("a text holds half a surrogate pair, which JSON in UTF-8 cannot carry") from None
    return text[:longest]
