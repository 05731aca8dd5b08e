"""The cashier's pages over HTTP: what a browser sees after a redirect, and a list of what waits."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qsl, quote

from payport.adapters.wechatpay_v2.simulator.books import OrderRow
from payport.adapters.wechatpay_v2.simulator.cashier import CannotPay, Cashier
from payport.schemas.actions import Redirect
from payport.sdk.message import WireReply
from payport.sdk.testing.wire import Incoming

MWEB_PATH = "/cgi-bin/mmpayweb-bin/checkmweb"
PAY_PATH = "/cashier/pay"
CANCEL_PATH = "/cashier/cancel"


class Pages:
    """Turns page visits into what a payer does. ``settled`` is called after each."""

    def __init__(self, cashier: Cashier, settled: Callable[[], None]) -> None:
        self._cashier = cashier
        self._settled = settled

    def visit(self, incoming: Incoming) -> WireReply:
        """Any page: the link of MobileWeb, the pay button, the cancel button, the list of what waits."""
        try:
            return self._visit(incoming)
        except CannotPay as error:
            return _page(f"<p>{escape(str(error))}</p>", status=409)
        finally:
            self._settled()

    def _visit(self, incoming: Incoming) -> WireReply:
        if incoming.method == "POST" and incoming.path in (PAY_PATH, CANCEL_PATH):
            form = dict(parse_qsl(incoming.body.decode("latin-1")))
            if incoming.path == CANCEL_PATH:
                self._cashier.cancel(form.get("number", ""))
                return _page("<p>Cancelled.</p>")
            self._cashier.pay(form.get("number", ""))
            target = form.get("return")
            return WireReply(302, (("location", target),), b"") if target else _page("<p>Paid.</p>")
        if incoming.method == "GET" and incoming.path == MWEB_PATH:
            asked = dict(parse_qsl(incoming.query))
            row = self._cashier.open(Redirect(url=f"?prepay_id={quote(asked.get('prepay_id', ''))}"))
            return _page(_desk(row, asked.get("redirect_url", "")))
        if incoming.method == "GET" and incoming.path == "/":
            return _page("".join(_desk(row) for row in self._cashier.waiting()) or "<p>Nobody has to pay anything.</p>")
        return _page("<p>Nothing here.</p>", status=404)


def _desk(row: OrderRow, return_url: str = "") -> str:
    hidden = f'<input type="hidden" name="number" value="{escape(row.out_trade_no)}">'
    back = f'<input type="hidden" name="return" value="{escape(return_url)}">'
    yuan = f"{row.amount_minor // 100}.{row.amount_minor % 100:02d}"
    return (
        f"<h1>{escape(row.asked.get('body', ''))}</h1><p>{escape(row.out_trade_no)}: CNY {yuan}</p>"
        f'<form method="post" action="{PAY_PATH}">{hidden}{back}<button>Pay</button></form>'
        f'<form method="post" action="{CANCEL_PATH}">{hidden}<button>Cancel</button></form>'
    )


def _page(body: str, *, status: int = 200) -> WireReply:
    text = f'<!doctype html><html><head><meta charset="utf-8"><title>Cashier</title></head><body>{body}</body></html>'
    return WireReply(status, (("content-type", "text/html;charset=utf-8"),), text.encode())
