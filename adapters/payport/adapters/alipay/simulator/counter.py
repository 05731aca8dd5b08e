"""The cashier's pages over HTTP: what a browser sees after a redirect, a posted form or a scanned code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from payport.adapters.alipay.simulator.calls import Refusal, yuan
from payport.adapters.alipay.simulator.cashier import CannotPay
from payport.adapters.alipay.simulator.rows import HoldRow, TradeRow
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.alipay.simulator.cashier import Cashier, Visit
    from payport.sdk.testing.wire import Incoming

PAY_PATH = "/cashier/pay"
CANCEL_PATH = "/cashier/cancel"
_PAGE = '<!doctype html><html><head><meta charset="{charset}"><title>Cashier</title></head><body>{body}</body></html>'


class Counter:
    """Turns page visits into what a payer does. ``settled`` is called after each."""

    def __init__(self, cashier: Cashier, settled: Callable[[], None]) -> None:
        self._cashier = cashier
        self._settled = settled

    def enter(self, params: Mapping[str, str]) -> WireReply:
        """A browser arrives with a signed page request. Refusals are a GBK page with status 200, as Alipay's are."""
        try:
            row = self._cashier.open_request(params)
        except Refusal as refusal:
            text = f"<h1>错误</h1><p>{escape(refusal.sub_code)}: {escape(refusal.sub_msg)}</p>"
            return _page(text, charset="gbk")
        self._settled()
        return _page(_desk(row))

    def visit(self, incoming: Incoming) -> WireReply:
        """Any other page: a scanned code's address, the pay button, the cancel button, the list of what waits."""
        try:
            return self._visit(incoming)
        except CannotPay as error:
            return _page(f"<p>{escape(str(error))}</p>", status=409)
        finally:
            self._settled()

    def _visit(self, incoming: Incoming) -> WireReply:
        if incoming.method == "POST" and incoming.path in (PAY_PATH, CANCEL_PATH):
            number = dict(parse_qsl(incoming.body.decode("latin-1"))).get("number", "")
            if incoming.path == CANCEL_PATH:
                self._cashier.cancel(number)
                return _page("<p>Cancelled.</p>")
            return _goodbye(self._cashier.pay(number))
        if incoming.method == "GET" and incoming.path.startswith("/qr/"):
            return _page(_desk(self._cashier.open_code(incoming.path)))
        if incoming.method == "GET" and incoming.path == "/":
            waiting = self._cashier.waiting()
            return _page("".join(_desk(row) for row in waiting) or "<p>Nobody has to pay anything.</p>")
        return _page("<p>Nothing here.</p>", status=404)


def _desk(row: TradeRow | HoldRow) -> str:
    number, title, verb = (
        (row.out_trade_no, row.subject, "Pay")
        if isinstance(row, TradeRow)
        else (row.out_order_no, row.title, "Let freeze")
    )
    hidden = f'<input type="hidden" name="number" value="{escape(number)}">'
    return (
        f"<h1>{escape(title)}</h1><p>{escape(number)}: CNY {yuan(row.amount_minor)}</p>"
        f'<form method="post" action="{PAY_PATH}">{hidden}<button>{verb}</button></form>'
        f'<form method="post" action="{CANCEL_PATH}">{hidden}<button>Cancel</button></form>'
    )


def _goodbye(visit: Visit) -> WireReply:
    if visit.return_url is None:
        return _page("<p>Paid.</p>")
    return WireReply(302, (("location", visit.return_url),), b"")


def _page(body: str, *, status: int = 200, charset: str = "utf-8") -> WireReply:
    content = _PAGE.format(charset=charset, body=body).encode(charset, errors="xmlcharrefreplace")
    return WireReply(status, (("content-type", f"text/html;charset={charset}"),), content)
