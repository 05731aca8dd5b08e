"""From an intent to the calls that carry it out, frozen. Pure: the same intent always gives the same calls.

Sources: Adyen's API explorer for each call named here; its documentation, "API idempotency" for keys and their life.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from payport.adapters.adyen.account import AdyenAccount
from payport.adapters.adyen.calls import ROUTES, Call, key_of
from payport.adapters.adyen.methods import AdyenMethod, AdyenPaymentMethod, AdyenSession
from payport.adapters.adyen.money import UnsupportedAmount, to_wire
from payport.schemas.methods import HostedPage, MobileWeb
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import Operation, Step
from payport.sdk.strict_json import MalformedJson, parse_object

WAY = "way"
"""Mark in a payment's identity: how it is paid. A webhook does not say; it teaches whom it concerns."""
DIRECT = "payment"
SESSION_WAY = "session"
LINK_WAY = "link"
PAGE_WAYS = (SESSION_WAY, LINK_WAY)
TAKE = "take"
"""Mark in a payment's identity: whether an authorisation is the end, or a hold."""
AUTOMATIC = "automatic"
MANUAL = "manual"

HOST = "host"
"""Mark in a payment's identity: the region it was begun in, whose books alone can tell of it."""

PSP = "psp"
"""Adyen's number of an authorised payment; in the identity of a modification, of the payment that it is about."""
LINK = "link"
SESSION = "session"
PAYMENT_REF = "payment_ref"

KEY_LIFE = timedelta(days=7)
"""How long Adyen is sure to recognise a key; one of its pages says 31 days, a newer one 7."""
SHORTEST_PAGE = timedelta(seconds=60)

RETURNED = ("redirectResult", "payload", "MD", "PaRes", "threeDSResult", "threeds2.fingerprint",
            "threeds2.challengeResult", "billingToken", "facilitatorAccessToken", "orderID", "payerID", "paymentID",
            "returnUrlQueryString")  # fmt: skip
"""What a browser or Adyen's component may bring back, by the names that ``/payments/details`` takes."""

_MAX_DETAIL = 100_000
_MAX_METADATA = 20
_SHOPPER_LENGTHS = range(3, 257)
_REASONS = frozenset({"FRAUD", "CUSTOMER REQUEST", "RETURN", "DUPLICATE", "OTHER"})


def plan_pay(account: AdyenAccount, order: Order, method: AdyenMethod, slot: Slot) -> Plan:
    """The step that charges or holds, or makes what the payer pays by. Raises :class:`InvalidIntent`."""
    match method:
        case AdyenPaymentMethod():
            return _plan_direct(account, order, method, slot)
        case AdyenSession():
            return _plan_session(account, order, method, slot)
        case HostedPage() | MobileWeb():
            return _plan_link(account, order, method, slot)
    raise InvalidIntent(f"Adyen does not take {type(method).__name__}")


def _plan_direct(account: AdyenAccount, order: Order, method: AdyenPaymentMethod, slot: Slot) -> Plan:
    body = _common(account, order, slot) | {
        "paymentMethod": dict(method.data),
        "returnUrl": _return_url(account, order),
        "channel": method.channel,
        "browserInfo": None if method.browser is None else dict(method.browser),
        "origin": method.origin,
        "shopperIP": method.shopper_ip,
        "shopperReference": _shopper(order, method),
        "additionalData": {"manualCapture": "true" if _manual(order) else "false"},
    }
    if method.store or method.off_session:
        body["recurringProcessingModel"] = "UnscheduledCardOnFile" if method.off_session else "CardOnFile"
        body["shopperInteraction"] = "ContAuth" if method.off_session else "Ecommerce"
        body["storePaymentMethod"] = True if method.store else None
    # nothing on the wire ends a redirect that the payer never comes back from: it is cancelled
    return _planned("pay", _call(account, "payments", body, slot), order, slot, method, way=DIRECT, expires=False)


def _plan_session(account: AdyenAccount, order: Order, method: AdyenSession, slot: Slot) -> Plan:
    body = _common(account, order, slot) | {
        "returnUrl": _return_url(account, order),
        "channel": method.channel,
        "countryCode": method.country_code,
        "expiresAt": _end(slot),
        "shopperReference": _shopper(order, method),
        "additionalData": {"manualCapture": "true" if _manual(order) else "false"},
    }
    return _planned("session", _call(account, "sessions", body, slot), order, slot, method, way=SESSION_WAY)


def _plan_link(account: AdyenAccount, order: Order, method: HostedPage | MobileWeb, slot: Slot) -> Plan:
    body = _common(account, order, slot) | {
        "returnUrl": order.return_url or account.return_url,
        "description": order.subject,
        "expiresAt": _end(slot),
        "manualCapture": _manual(order),
    }
    if isinstance(method, MobileWeb) and method.quit_url is not None:
        raise InvalidIntent("Adyen's page has no address for those who give up: leave quit_url out")
    return _planned("link", _call(account, "paymentLinks", body, slot), order, slot, method, way=LINK_WAY)


def _common(account: AdyenAccount, order: Order, slot: Slot) -> dict[str, object]:
    return {
        "merchantAccount": account.merchant_account,
        "amount": amount_node(order.amount),
        "reference": slot.partner_ref,
        "shopperEmail": order.payer.email,
        "metadata": dict(_notes_of(order.metadata)) or None,
        "captureDelayHours": None if _manual(order) else 0,
    }


def _shopper(order: Order, method: AdyenPaymentMethod | AdyenSession) -> str | None:
    """The payer's number in the merchant's books; the order's own is left out where Adyen cannot take it."""
    stated = method.shopper_reference
    if stated is None:
        number = order.payer.id
        return number if number is not None and len(number) in _SHOPPER_LENGTHS else None
    if len(stated) not in _SHOPPER_LENGTHS:
        raise InvalidIntent("Adyen takes a shopper_reference of 3 to 256 characters")
    return stated


def _manual(order: Order) -> bool:
    return order.capture is CaptureMode.MANUAL


def _return_url(account: AdyenAccount, order: Order) -> str:
    url = order.return_url or account.return_url
    if url is None:
        raise InvalidIntent("Adyen needs return_url, in the order or the account")
    return url


def _end(slot: Slot) -> str:
    """Until when a page can be paid, in whole seconds, with an offset instead of ``Z``."""
    if slot.payable_until < slot.now + SHORTEST_PAGE:
        raise InvalidIntent("a page must be payable for at least a minute: payable_until must be later")
    return slot.payable_until.astimezone(UTC).isoformat(timespec="seconds")


def _planned(
    name: str, call: Call, order: Order, slot: Slot, method: AdyenMethod, *, way: str, expires: bool = True
) -> Plan:
    until = slot.payable_until.replace(microsecond=0) if way in PAGE_WAYS else None
    return Plan(
        steps=(step_of(name, call, slot.now),),
        method=type(method).__name__,
        ladder="page" if way in PAGE_WAYS else "default",
        identity={WAY: way, TAKE: MANUAL if _manual(order) else AUTOMATIC, HOST: call.host},
        payable_until=until,
        expires=expires,
    )


def amount_node(amount: Money) -> dict[str, object]:
    """An amount as Adyen takes it. Raises :class:`InvalidIntent`."""
    try:
        return {"currency": amount.currency, "value": to_wire(amount)}
    except UnsupportedAmount as error:
        raise InvalidIntent(str(error)) from None


def _notes_of(metadata: Mapping[str, str]) -> Mapping[str, str]:
    if len(metadata) > _MAX_METADATA:
        raise InvalidIntent(f"Adyen keeps few notes: at most {_MAX_METADATA} entries of metadata fit")
    for key, value in metadata.items():
        if not 1 <= len(key) <= 20 or len(value) > 80:
            raise InvalidIntent(f"Adyen takes metadata keys of up to 20 characters and values of up to 80; see {key!r}")
    return metadata


def _call(account: AdyenAccount, name: str, body: Mapping[str, object], slot: Slot, **numbers: str) -> Call:
    kept = {key: value for key, value in body.items() if value is not None}
    key = key_of(account.merchant_account, slot.partner_ref, name)
    return Call(name=name, host=account.host, body=kept, numbers=numbers, key=key)


def step_of(name: str, call: Call, now: datetime) -> Step:
    """The journal's form of a call. Raises :class:`InvalidIntent` for a text that is none."""
    try:
        request = call.encode()
    except UnicodeEncodeError:
        raise InvalidIntent("a text holds half a surrogate pair, which JSON in UTF-8 cannot carry") from None
    return Step.of(
        name,
        request,
        moves_money=ROUTES[call.name].moves_money,
        replayable=True,
        replay_until=now + KEY_LIFE,
    )


def plan_complete(account: AdyenAccount, payment: Operation, returned: Mapping[str, str], slot: Slot) -> Plan | None:
    """Post what came back, once; ``None`` when nothing did, or when it was posted before."""
    match payment.identity.get(WAY):
        case "payment":
            details = details_in(returned)
            if not details:
                return None
            name = f"details.{_short(json.dumps(details, sort_keys=True))}"
            key = key_of(account.merchant_account, payment.partner_ref, name)
            call = Call(name="payments.details", host=account.host, body={"details": details}, key=key)
        case "session" if _is_text(returned.get("sessionResult", "")) and SESSION in payment.ids:
            query = {"sessionResult": returned["sessionResult"]}
            name = f"result.{_short(query['sessionResult'])}"
            numbers = {SESSION: payment.ids[SESSION]}
            call = Call(name="sessions.get", host=account.host, query=query, numbers=numbers)
        case _:
            return None
    if any(step.name == name for step in payment.steps):
        return None
    return Plan(steps=(step_of(name, call, slot.now),))


def details_in(returned: Mapping[str, str]) -> dict[str, str]:
    """What of the returned is for ``/payments/details``; ``details`` may be the component's own, as JSON text."""
    found = dict(returned)
    try:
        inner = parse_object(found.pop("details", "{}"))
    except MalformedJson:
        inner = {}
    found |= {name: value for name, value in inner.items() if isinstance(value, str)}
    return {name: found[name] for name in RETURNED if _is_text(found.get(name, ""))}


def _is_text(value: str) -> bool:
    """Whether Adyen can be told it: whoever sits at the browser may send anything, halves of characters included."""
    return 0 < len(value) <= _MAX_DETAIL and not any("\ud800" <= char <= "\udfff" for char in value)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def plan_capture(account: AdyenAccount, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
    """Take money from a hold."""
    if not final and not account.multiple_partial_captures:
        raise InvalidIntent(
            "without multiple partial captures the first one releases the rest: have Adyen switch them on, set "
            "multiple_partial_captures, or capture with final=True"
        )
    return _modification(account, "payments.captures", hold, amount, slot, {})


def plan_refund(account: AdyenAccount, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
    """Give money back."""
    told = reason.upper() if reason.upper() in _REASONS else None
    return _modification(account, "payments.refunds", payment, amount, slot, {"merchantRefundReason": told})


def _modification(
    account: AdyenAccount, name: str, payment: Operation, amount: Money, slot: Slot, more: Mapping[str, object]
) -> Plan:
    psp = payment.ids.get(PSP) or payment.identity.get(PSP)  # a capture names the payment that it was taken from
    if psp is None:
        raise InvalidIntent(
            f"the journal does not know Adyen's number of {payment.ref} yet: it comes with the webhook AUTHORISATION"
        )
    body = {
        "merchantAccount": account.merchant_account,
        "amount": amount_node(amount),
        "reference": slot.partner_ref,
        **more,
    }
    call = _call(account, name, body, slot, psp=psp)
    return Plan(steps=(step_of(name, call, slot.now),), of=payment.id, ladder="refund", identity={PSP: psp})
