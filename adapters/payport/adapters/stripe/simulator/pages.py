"""Stripe's pages over HTTP: authentication, Checkout, and a list of what waits."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from payport.adapters.stripe.simulator.cards import CARDS, DEFAULT
from payport.adapters.stripe.simulator.payer import CannotPay, Payer, Visit
from payport.adapters.stripe.simulator.rows import IntentRow, SessionRow
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.stripe.simulator.books import Books
    from payport.sdk.testing.wire import Incoming

_PAGE = '<!doctype html><html><head><meta charset="utf-8"><title>Stripe</title></head><body>{body}</body></html>'


class Pages:
    """Turns page visits into what a payer does."""

    def __init__(self, books: Books, payer: Payer) -> None:
        self._books = books
        self._payer = payer

    def visit(self, incoming: Incoming) -> WireReply:
        """One page, or one button."""
        parts = incoming.path.strip("/").split("/")
        fields = {name: values[0] for name, values in parse_qs(incoming.body.decode("utf-8", "replace")).items()}
        try:
            with self._books.lock:
                row = self._row(parts)
            if row is None:
                return _page(
                    self._waiting() if parts == [""] else "<p>No such page.</p>", 200 if parts == [""] else 404
                )
            if incoming.method == "POST":
                return _gone(self._act(row, fields))
            return _page(_desk(row, incoming.path))
        except CannotPay as error:
            return _page(f"<p>{escape(str(error))}</p>", 409)

    def _row(self, parts: list[str]) -> IntentRow | SessionRow | None:
        match parts:
            case ["3ds", number]:
                return self._books.intents.get(number)
            case ["c", "pay", number]:
                return self._books.sessions.get(number)
            case _:
                return None

    def _act(self, row: IntentRow | SessionRow, fields: dict[str, str]) -> Visit:
        if fields.get("do") == "pay":
            card = fields.get("card", DEFAULT)
            return self._payer.pay(row.reference, card if card in CARDS else DEFAULT)
        return self._payer.cancel(row.reference)

    def _waiting(self) -> str:
        with self._books.lock:
            sessions = [row for row in self._books.sessions.values() if row.status == "open"]
            intents = [row for row in self._books.intents.values() if row.status == "requires_action"]
        links = [f'<li><a href="/c/pay/{row.id}">{escape(row.reference)}</a></li>' for row in sessions]
        links += [f'<li><a href="/3ds/{row.id}">{escape(row.reference)}</a></li>' for row in intents]
        return f"<h1>What waits to be paid</h1><ul>{''.join(links) or '<li>nothing</li>'}</ul>"


def _desk(row: IntentRow | SessionRow, path: str) -> str:
    choices = ""
    if isinstance(row, SessionRow):
        options = "".join(f'<option value="{name}">{name}</option>' for name in CARDS)
        choices = f'<select name="card">{options}</select>'
    words = ("Pay", "Back") if isinstance(row, SessionRow) else ("Complete authentication", "Fail authentication")
    return (
        f"<h1>{escape(row.reference)}</h1><p>{row.amount} {escape(row.currency)} ({escape(row.status)})</p>"
        f'<form method="post" action="{escape(path)}">{choices}'
        f'<button name="do" value="pay">{words[0]}</button><button name="do" value="leave">{words[1]}</button></form>'
    )


def _gone(visit: Visit) -> WireReply:
    if visit.return_url is None:
        return _page(f"<p>{'Paid.' if visit.paid else 'Thank you.'}</p>")
    return WireReply(302, (("location", visit.return_url),), b"")


def _page(body: str, status: int = 200) -> WireReply:
    return WireReply(status, (("content-type", "text/html; charset=utf-8"),), _PAGE.format(body=body).encode())
