"""Adyen's pages over HTTP: the redirect to authenticate or pay, payment links, and a list of what waits."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from payport.adapters.adyen.simulator.checkout import REFUSALS
from payport.adapters.adyen.simulator.payer import CannotPay, Payer, Visit
from payport.adapters.adyen.simulator.rows import PageRow, PaymentRow
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.adyen.simulator.books import Books
    from payport.sdk.testing.wire import Incoming

_PAGE = '<!doctype html><html><head><meta charset="utf-8"><title>Adyen</title></head><body>{body}</body></html>'


class Pages:
    """Turns page visits into what a payer does."""

    def __init__(self, books: Books, payer: Payer) -> None:
        self._books = books
        self._payer = payer

    def visit(self, incoming: Incoming) -> WireReply:
        """One page, or one button."""
        if incoming.path == "/":
            return _page(self._waiting())
        fields = {name: values[0] for name, values in parse_qs(incoming.body.decode("utf-8", "replace")).items()}
        try:
            row = self._payer.at(incoming.path)
            if incoming.method != "POST":
                return _page(_desk(row, incoming.path))
            return _gone(self._payer.use(row, pays=fields.get("do") == "pay", holder=fields.get("holder", "")))
        except CannotPay as error:
            return _page(f"<p>{escape(str(error))}</p>", 409)

    def _waiting(self) -> str:
        with self._books.lock:
            links: list[tuple[str, PaymentRow | PageRow]] = [
                (f"/link/{page.id}", page) for page in self._books.pages.values() if page.status == "active"
            ]
            rows: list[tuple[str, PaymentRow | PageRow]] = [
                (f"/redirect/{row.token}", row) for row in self._books.payments if row.status == "waiting"
            ]
        items = [f'<li><a href="{path}">{escape(row.reference)}</a></li>' for path, row in (*links, *rows)]
        return f"<h1>What waits to be paid</h1><ul>{''.join(items) or '<li>nothing</li>'}</ul>"


def _desk(row: PaymentRow | PageRow, path: str) -> str:
    choices = ""
    if isinstance(row, PageRow):
        options = "".join(f'<option value="{name}">{name}</option>' for name in ("", *REFUSALS))
        choices = f'<select name="holder">{options}</select>'
    return (
        f"<h1>{escape(row.reference)}</h1><p>{row.value} {escape(row.currency)} ({escape(row.status)})</p>"
        f'<form method="post" action="{escape(path)}">{choices}'
        '<button name="do" value="pay">Pay</button><button name="do" value="leave">Back</button></form>'
    )


def _gone(visit: Visit) -> WireReply:
    if visit.return_url is None:
        return _page(f"<p>{'Paid.' if visit.paid else 'Thank you.'}</p>")
    return WireReply(302, (("location", visit.return_url),), b"")


def _page(body: str, status: int = 200) -> WireReply:
    return WireReply(status, (("content-type", "text/html; charset=utf-8"),), _PAGE.format(body=body).encode())
