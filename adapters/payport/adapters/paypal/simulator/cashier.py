"""The checkout: what a payer's browser sees, and where it is sent afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from payport.adapters.paypal.simulator import orders
from payport.adapters.paypal.simulator.rows import OrderRow, OrderStatus, Wallet
from payport.adapters.paypal.simulator.shapes import CHECKOUT, PAYER_ID
from payport.schemas.actions import Action, Redirect
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.paypal.simulator.service import Service
    from payport.sdk.testing.wire import Incoming

APPROVE_PATH = f"{CHECKOUT}/approve"
CANCEL_PATH = f"{CHECKOUT}/cancel"
_PAGE = '<!doctype html><html><head><meta charset="utf-8"><title>Checkout</title></head><body>{body}</body></html>'


class CannotPay(Exception):
    """The checkout turns the payer away; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A payer at the checkout. ``number``: the merchant's reference; ``order_id``: PayPal's.

    ``return_url``: where the browser goes afterwards. ``returned``: what it brings along, for ``gateway.complete``.
    Neither proves that anything was paid, and approving takes no money yet.
    """

    number: str
    order_id: str
    approved: bool
    return_url: str

    @property
    def returned(self) -> dict[str, str]:
        """The query parameters of :attr:`return_url`."""
        return dict(parse_qsl(urlsplit(self.return_url).query))


class Cashier:
    """Opens, approves and leaves orders of one simulated PayPal."""

    def __init__(self, service: Service, settled: Callable[[], None]) -> None:
        self._service = service
        self._settled = settled

    def open(self, action: Action) -> OrderRow:
        """The order behind a page. Raises :class:`CannotPay` when it is over or unknown."""
        if not isinstance(action, Redirect):
            raise CannotPay("PayPal's payers are sent to a page")
        return self._by_id(parse_qs(urlsplit(action.url).query).get("token", [""])[0])

    def by_reference(self, number: str) -> OrderRow:
        """The order that was opened under a merchant's reference. Raises :class:`CannotPay`."""
        self._service.settle()
        with self._service.books.lock:
            rows = [row for row in self._service.books.orders.values() if row.reference == number and row.opened]
        if not rows:
            raise CannotPay(f"{number} was not opened")
        return rows[-1]

    def approve(self, row: OrderRow, wallet: Wallet) -> Visit:
        """The payer says yes. Raises :class:`CannotPay` when the order is done."""
        with self._service.books.lock:
            if row.status is OrderStatus.COMPLETED:
                raise CannotPay(f"{row.reference} is {row.status.value}")
            orders.approve(self._service.books, row, wallet, self._service.call())
        self._settled()
        return self._visit(row, row.return_url, approved=True)

    def give_up(self, row: OrderRow) -> Visit:
        """The payer goes back to the shop. The order stays: it can be opened again."""
        return self._visit(row, row.cancel_url, approved=False)

    def look(self, row: OrderRow) -> Visit:
        """The payer has seen the page, and closes it."""
        return self._visit(row, row.cancel_url, approved=False)

    def _visit(self, row: OrderRow, address: str, *, approved: bool) -> Visit:
        said = {"token": row.id, **({"PayerID": PAYER_ID} if approved else {})}
        joined = f"{address}{'&' if '?' in address else '?'}{urlencode(said)}" if address else f"?{urlencode(said)}"
        return Visit(number=row.reference, order_id=row.id, approved=approved, return_url=joined)

    def _by_id(self, order_id: str) -> OrderRow:
        self._service.settle()
        with self._service.books.lock:
            row = self._service.books.orders.get(order_id)
            if row is None:
                raise CannotPay("no such order, or it has expired")
            if row.status is OrderStatus.COMPLETED:
                raise CannotPay(f"{row.reference} is {row.status.value}")
            row.opened = True
            return row

    def serve(self, incoming: Incoming) -> WireReply:
        """The pages over HTTP: the checkout, its two buttons, and the list of what waits."""
        try:
            return self._serve(incoming)
        except CannotPay as error:
            return _page(f"<p>{escape(str(error))}</p>", status=409)

    def _serve(self, incoming: Incoming) -> WireReply:
        if incoming.method == "POST" and incoming.path in (APPROVE_PATH, CANCEL_PATH):
            row = self._by_id(dict(parse_qsl(incoming.body.decode("latin-1"))).get("token", ""))
            approving = incoming.path == APPROVE_PATH
            visit = self.approve(row, Wallet.PAYS) if approving else self.give_up(row)
            return WireReply(302, (("location", visit.return_url),), b"")
        if incoming.method == "GET" and incoming.path == CHECKOUT:
            return _page(_desk(self._by_id(dict(parse_qsl(incoming.query)).get("token", ""))))
        if incoming.method == "GET" and incoming.path == "/":
            with self._service.books.lock:
                rows = [row for row in self._service.books.orders.values() if row.status is not OrderStatus.COMPLETED]
            return _page("".join(_desk(row) for row in rows) or "<p>Nobody has to pay anything.</p>")
        return _page("<p>Nothing here.</p>", status=404)


def _desk(row: OrderRow) -> str:
    hidden = f'<input type="hidden" name="token" value="{escape(row.id)}">'
    title = row.references.get("description", row.reference)
    return (
        f"<h1>{escape(title)}</h1><p>{escape(row.reference)}: {escape(str(row.amount))}</p>"
        f'<form method="post" action="{APPROVE_PATH}">{hidden}<button>Pay with PayPal</button></form>'
        f'<form method="post" action="{CANCEL_PATH}">{hidden}<button>Back to the shop</button></form>'
    )


def _page(body: str, *, status: int = 200) -> WireReply:
    return WireReply(status, (("content-type", "text/html;charset=utf-8"),), _PAGE.format(body=body).encode())
