"""Payments, details, payment links and sessions, with the test values that Adyen documents.

A card is ``test_4111111111111111`` in ``encryptedCardNumber``; the holder's name asks for a refusal.
Sources: Adyen's documentation, "test card numbers", "testing result codes".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import cast

from payport.adapters.adyen.simulator.books import Books
from payport.adapters.adyen.simulator.gate import Refusal, Request
from payport.adapters.adyen.simulator.rows import Node, PageRow, PaymentRow

CARD = "test_4111111111111111"
CHALLENGED_CARD = "test_4212345678910006"
"""Asks for 3-D Secure 2: in the component where the page's origin is given, by redirect where it is not."""
REDIRECTS = frozenset({"ideal", "alipay", "klarna"})
PENDING = frozenset({"sepadirectdebit"})
VOUCHERS = frozenset({"multibanco"})
QR_CODES = frozenset({"wechatpayQR"})

REFUSALS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "DECLINED": ("Refused", "2", "Refused"),
        "ERROR": ("Error", "4", "Acquirer Error"),
        "BLOCK_CARD": ("Refused", "5", "Blocked Card"),
        "CARD_EXPIRED": ("Refused", "6", "Expired Card"),
        "INVALID_CARD": ("Refused", "8", "Invalid Card Number"),
        "ISSUER_UNAVAILABLE": ("Refused", "9", "Issuer Unavailable"),
        "NOT_SUPPORTED": ("Refused", "10", "Not supported"),
        "NOT_3D_AUTHENTICATED": ("Refused", "11", "3D Not Authenticated"),
        "NOT_ENOUGH_BALANCE": ("Refused", "12", "Not enough balance"),
        "ACQUIRER_FRAUD": ("Refused", "14", "Acquirer Fraud"),
        "CANCELLED": ("Cancelled", "15", "Cancelled"),
        "INVALID_PIN": ("Refused", "17", "Invalid Pin"),
        "FRAUD": ("Refused", "20", "FRAUD"),
        "CVC_DECLINED": ("Refused", "24", "CVC Declined"),
        "RESTRICTED_CARD": ("Refused", "25", "Restricted Card"),
    }
)
"""By the card holder's name: ``resultCode``, ``refusalReasonCode``, ``refusalReason``."""


def payments(books: Books, request: Request) -> Node:
    """``POST /payments``."""
    value, currency = request.amount()
    request.check_shopper()
    method = request.body.get("paymentMethod")
    if not isinstance(method, dict) or not isinstance(cast("Node", method).get("type"), str):
        raise Refusal(422, "14_006", "Required object 'paymentMethod' is not provided.")
    details = cast("Node", method)
    row = PaymentRow(
        psp=books.number(),
        token=books.number("T"),
        reference=request.text("reference"),
        value=value,
        currency=currency,
        manual=_manual(request.body),
        created=request.now,
        method=str(details["type"]),
        return_url=_return_url(request),
    )
    books.payments.append(row)
    return _started(books, request, row, details)


def _return_url(request: Request) -> str:
    url = request.body.get("returnUrl")
    if not isinstance(url, str) or not url:
        raise Refusal(422, "14_030", "Return URL is missing.")
    return url


def _manual(body: Node) -> bool:
    additional = body.get("additionalData")
    told = cast("Node", additional).get("manualCapture") if isinstance(additional, dict) else None
    return told == "true" or body.get("manualCapture") is True


def _started(books: Books, request: Request, row: PaymentRow, details: Node) -> Node:
    kind, card = row.method, details.get("encryptedCardNumber")
    if kind == "scheme" and not isinstance(card, str) and not details.get("storedPaymentMethodId"):
        books.payments.remove(row)
        raise Refusal(422, "14_012", "The provided SDK token could not be parsed.")
    if card == CHALLENGED_CARD:
        return _challenge(books, row, str(request.body.get("origin") or ""))
    if kind in REDIRECTS:
        row.at_bank = True
        return _answer(row, "RedirectShopper", action=_redirect(books, row))
    if kind in VOUCHERS | QR_CODES:
        row.at_bank = True
        shown: Node = {"type": "voucher", "paymentMethodType": kind, "reference": row.token, "entity": "12101"}
        if kind in QR_CODES:
            shown = {"type": "qrCode", "paymentMethodType": kind, "qrCodeData": f"{books.url}/redirect/{row.token}"}
        return _answer(row, "PresentToShopper", action=shown)
    if kind in PENDING or request.slow:
        row.status = "pending"
        return _answer(row, "Received")
    return _decided(books, row, str(details.get("holderName", "")), request.now)


def _decided(books: Books, row: PaymentRow, holder: str, now: datetime) -> Node:
    refused = REFUSALS.get(holder)
    if refused is not None:
        row.refusal = refused[1]
        books.refuse(row, now, refused[2])
        return _answer(row, refused[0], refusalReason=refused[2], refusalReasonCode=refused[1])
    books.authorise(row, now)
    return _answer(row, "Authorised")


def _challenge(books: Books, row: PaymentRow, origin: str) -> Node:
    if not origin:
        return _answer(row, "RedirectShopper", action=_redirect(books, row))
    row.in_component = True
    action: Node = {
        "type": "threeDS2",
        "subtype": "challenge",
        "token": row.token,
        "paymentMethodType": row.method,
        "authorisationToken": row.token,
    }
    return _answer(row, "ChallengeShopper", action=action)


def _redirect(books: Books, row: PaymentRow) -> Node:
    url = f"{books.url}/redirect/{row.token}"
    return {"type": "redirect", "method": "GET", "url": url, "paymentMethodType": row.method}


def _answer(row: PaymentRow, code: str, **more: object) -> Node:
    answer: Node = {"resultCode": code, "merchantReference": row.reference, "amount": row.amount, **more}
    if "action" not in more:
        answer["pspReference"] = row.psp
    return answer


def payment_methods(books: Books, request: Request) -> Node:  # noqa: ARG001 - the same for everybody
    """``POST /paymentMethods``: all that is simulated."""
    kinds = sorted({"scheme", *REDIRECTS, *PENDING, *VOUCHERS, *QR_CODES})
    return {"paymentMethods": [{"type": kind, "name": kind} for kind in kinds]}


def details(books: Books, request: Request) -> Node:
    """``POST /payments/details``: what the browser brought back is a token and how it went."""
    told = request.body.get("details")
    found = cast("Node", told) if isinstance(told, dict) else {}
    result = next((str(found[name]) for name in ("redirectResult", "threeDSResult", "payload") if name in found), "")
    token, _, how = result.partition("!")
    row = books.by_token(token)
    if row is None:
        raise Refusal(422, "14_018", "Invalid details provided")
    match row.status:
        case "waiting" if how == "cancelled":
            row.status = "cancelled"
            return _answer(row, "Cancelled", refusalReason="Shopper Cancelled", refusalReasonCode="16")
        case "waiting" if how == "authenticated":
            books.authorise(row, request.now)
            return _answer(row, "Authorised")
        case "waiting":
            row.refusal = "11"
            books.refuse(row, request.now, "3D Not Authenticated")
            return _answer(row, "Refused", refusalReason="3D Not Authenticated", refusalReasonCode="11")
        case "authorised":
            return _answer(row, "Authorised")
        case "pending":
            return _answer(row, "Received")
        case "cancelled":
            return _answer(row, "Cancelled", refusalReason="Cancelled", refusalReasonCode="15")
        case _:
            return _answer(row, "Refused", refusalReason="Refused", refusalReasonCode=row.refusal)


def make_link(books: Books, request: Request) -> Node:
    """``POST /paymentLinks``."""
    page = _page(books, request, "PL", timedelta(hours=24))
    return link_node(books, page)


def get_link(books: Books, request: Request) -> Node:
    """``GET /paymentLinks/{id}``."""
    return link_node(books, _known(books, request.numbers["link"], "link"))


def expire_link(books: Books, request: Request) -> Node:
    """``PATCH /paymentLinks/{id}``."""
    page = _known(books, request.numbers["link"], "link")
    if request.body.get("status") != "expired":
        raise Refusal(422, "14_031", "The only status that can be set is 'expired'.")
    if page.status not in ("active", "expired"):
        raise Refusal(422, "14_032", f"The payment link is {page.status}.")
    page.status = "expired"
    return link_node(books, page)


def make_session(books: Books, request: Request) -> Node:
    """``POST /sessions``."""
    _return_url(request)
    page = _page(books, request, "CS", timedelta(hours=1))
    node = _echo(page)
    return {**node, "id": page.id, "sessionData": f"data-{page.id}", "mode": "embedded"}


def get_session(books: Books, request: Request) -> Node:
    """``GET /sessions/{id}``."""
    page = _known(books, request.numbers["session"], "session")
    if request.query.get("sessionResult") != f"result-{page.id}":
        raise Refusal(422, "14_040", "Invalid sessionResult")
    shown: list[Node] = [
        {"pspReference": row.psp, "resultCode": "Authorised", "amount": row.amount, "paymentMethod": {"type": "scheme"}}
        for row in page.payments
        if row.status == "authorised"
    ]
    return {"id": page.id, "reference": page.reference, "status": page.status, "payments": shown}


def _page(books: Books, request: Request, mark: str, life: timedelta) -> PageRow:
    value, currency = request.amount()
    request.check_shopper()
    end = request.body.get("expiresAt")
    try:
        expires_at = datetime.fromisoformat(str(end)) if end is not None else request.now + life
    except ValueError:
        raise Refusal(422, "14_033", "Invalid expiresAt") from None
    if expires_at <= request.now:
        raise Refusal(422, "14_034", "The expiry date is in the past.")
    page = PageRow(
        id=books.number(mark),
        kind="link" if mark == "PL" else "session",
        reference=request.text("reference"),
        value=value,
        currency=currency,
        manual=_manual(request.body),
        expires_at=expires_at,
        body=request.body,
    )
    books.pages[page.id] = page
    return page


def _known(books: Books, number: str, kind: str) -> PageRow:
    page = books.pages.get(number)
    if page is None or page.kind != kind:
        raise Refusal(404, "14_035", f"No such {kind}.")
    return page


def _echo(page: PageRow) -> Node:
    return {**page.body, "expiresAt": page.expires_at.isoformat(timespec="seconds")}


def link_node(books: Books, page: PageRow) -> Node:
    """A payment link as JSON."""
    return {**_echo(page), "id": page.id, "status": page.status, "url": f"{books.url}/link/{page.id}"}


def pay_page(books: Books, page: PageRow, now: datetime, holder: str) -> PaymentRow:
    """The payer pays on a link's page or in the drop-in; a refusal leaves the page open."""
    row = PaymentRow(
        psp=books.number(),
        token=books.number("T"),
        reference=page.reference,
        value=page.value,
        currency=page.currency,
        manual=page.manual,
        created=now,
        method="visa",
        return_url=page.return_url,
    )
    books.payments.append(row)
    page.payments.append(row)
    _decided(books, row, holder, now)
    if row.status == "authorised":
        page.status = "completed"
    return row
