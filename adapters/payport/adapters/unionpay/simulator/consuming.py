"""Payments and holds as a server asks for them: app orders, shown codes, scanned codes, cards without a page."""

from __future__ import annotations

from payport.adapters.unionpay.forms import MalformedMessage, parse_group
from payport.adapters.unionpay.simulator.books import Books
from payport.adapters.unionpay.simulator.rows import Refusal, Request, Status, Transaction
from payport.adapters.unionpay.simulator.wallets import Wallet, wallet_behind

_REFUSALS = {
    Wallet.NO_MONEY: ("64", "not enough money"),
    Wallet.STALE: ("86", "the code was used or is too old"),
    Wallet.RISKY: ("38", "refused by risk control"),
}


def offer(books: Books, request: Request) -> Transaction:
    """A page, code or app order: nobody has paid yet. The same request again is refused as repeated."""
    _addresses(request)
    if request.need("currencyCode") != "156":
        raise Refusal("10", "currencyCode must be 156")
    return books.open(request, Status.OFFERED)


def order_app(books: Books, request: Request) -> dict[str, str]:
    """``appTransReq.do``: a ``tn`` for the phone."""
    row = offer(books, request)
    row.tn = f"5{row.query_id}"
    return {"tn": row.tn}


def show_code(books: Books, request: Request) -> dict[str, str]:
    """A code for the payer to scan."""
    row = offer(books, request)
    row.qr_code = f"{books.code_url}{row.query_id}"
    return {"qrCode": row.qr_code}


def scan_code(books: Books, request: Request) -> dict[str, str]:
    """Charge, or hold from, the payer whose code was scanned. The answer 00 is a receipt."""
    _addresses(request)
    code = request.need("qrNo")
    wallet = wallet_behind(code)
    if books.known(request.fields) is not None:
        raise Refusal("12", "repeated transaction")
    if wallet is None:
        raise Refusal("88", "no such code")
    if books.used_codes.get(code, request.need("orderId")) != request.need("orderId"):
        raise Refusal("86", "the code was used")
    row = books.open(request, Status.PENDING)
    books.used_codes[code] = row.order_id
    if wallet in _REFUSALS:
        refused, message = _REFUSALS[wallet]
        books.fail(row, refused, request.now)
        raise Refusal(refused, message)
    if wallet is Wallet.CONFIRMS:
        row.opened = True
        raise Refusal("05", "the payer must confirm")
    if not request.slow:
        books.finish(row, request.now)
    return {"queryId": row.query_id}


def pay_by_card(books: Books, request: Request) -> dict[str, str]:
    """A payment without a page: by an opened card's token, or a card number that was sent encrypted."""
    _addresses(request)
    try:
        token = parse_group(request.fields["tokenPayData"]).get("token") if "tokenPayData" in request.fields else None
    except MalformedMessage:
        raise Refusal("10", "tokenPayData is not a group") from None
    if token is None:
        request.need("accNo")
    elif not any(card.token == token and card.active for card in books.cards.values()):
        raise Refusal("80", "the token is over or unknown")
    row = books.open(request, Status.PENDING)
    if not request.slow:
        books.finish(row, request.now)
    return {"queryId": row.query_id}


def _addresses(request: Request) -> None:
    for name in ("backUrl", "frontUrl"):
        if len(request.fields.get(name, "")) > 256:
            raise Refusal("10", f"{name} is too long")
    request.need("backUrl")
