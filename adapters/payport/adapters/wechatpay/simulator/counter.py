"""The phone as web pages: for a browser that opens an h5_url, and for whoever plays the payer by hand."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, assert_never
from urllib.parse import parse_qsl, quote, unquote

from payport.adapters.wechatpay.simulator.cashier import CannotPay, number_of
from payport.adapters.wechatpay.simulator.rows import GroupRow, OrderRow, TransferRow
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.wechatpay.simulator.cashier import Cashier, Thing
    from payport.sdk.testing.wire import Incoming

PAY_PATH = "/cashier/pay"
CANCEL_PATH = "/cashier/cancel"
OPEN_PATH = "/open/"
H5_PATH = "/cgi-bin/mmpayweb-bin/checkmweb"
_PAGE = '<!doctype html><html><head><meta charset="utf-8"><title>WeChat Pay</title></head><body>{body}</body></html>'


class Counter:
    """Turns page visits into what a payer does. ``settled`` is called after each."""

    def __init__(self, cashier: Cashier, settled: Callable[[], None]) -> None:
        self._cashier = cashier
        self._settled = settled

    def visit(self, incoming: Incoming) -> WireReply:
        """One page: the list of what waits, something opened, the pay button, the cancel button."""
        try:
            return self._visit(incoming)
        except CannotPay as error:
            return _page(f"<p>{escape(str(error))}</p>", status=409)
        finally:
            self._settled()

    def _visit(self, incoming: Incoming) -> WireReply:
        if incoming.method == "POST" and incoming.path in (PAY_PATH, CANCEL_PATH):
            fields = dict(parse_qsl(incoming.body.decode("latin-1")))
            number, back = fields.get("number", ""), fields.get("redirect_url")
            if incoming.path == CANCEL_PATH:
                self._cashier.cancel(number)
                return _page("<p>Given up.</p>")
            self._cashier.pay(number)
            return WireReply(302, (("location", back),), b"") if back else _page("<p>Done.</p>")
        query = dict(parse_qsl(incoming.query))
        if incoming.method == "GET" and incoming.path == H5_PATH:
            thing = self._cashier.open_mark(query.get("prepay_id", ""))
            return _page(_desk(thing, back=query.get("redirect_url", "")))
        if incoming.method == "GET" and incoming.path.startswith(OPEN_PATH):
            return _page(_desk(self._cashier.open_mark(unquote(incoming.path[len(OPEN_PATH) :]))))
        if incoming.method == "GET" and incoming.path == "/":
            waiting = self._cashier.waiting()
            return _page("".join(_line(mark, thing) for mark, thing in waiting) or "<p>Nobody has to do anything.</p>")
        return _page("<p>Nothing here.</p>", status=404)


def _line(mark: str, thing: Thing) -> str:
    link = f'<p><a href="{OPEN_PATH}{quote(mark, safe="")}">{escape(number_of(thing))}</a></p>' if mark else ""
    return link + _desk(thing)


def _desk(thing: Thing, back: str = "") -> str:
    match thing:
        case OrderRow():
            title, amount, verb = thing.description, f": CNY {_yuan(thing.amount_minor)}", "Pay"
        case GroupRow():
            title, amount, verb = " ".join(thing.parts), "", "Pay all"
        case TransferRow():
            title, amount, verb = thing.remark, f": CNY {_yuan(thing.amount_minor)}", "Receive"
        case _:
            assert_never(thing)
    hidden = f'<input type="hidden" name="number" value="{escape(number_of(thing))}">'
    hidden += f'<input type="hidden" name="redirect_url" value="{escape(back)}">' if back else ""
    return (
        f"<h1>{escape(title)}</h1><p>{escape(number_of(thing))}{amount}</p>"
        f'<form method="post" action="{PAY_PATH}">{hidden}<button>{verb}</button></form>'
        f'<form method="post" action="{CANCEL_PATH}">{hidden}<button>Cancel</button></form>'
    )


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _page(body: str, *, status: int = 200) -> WireReply:
    content = _PAGE.format(body=body).encode()
    return WireReply(status, (("content-type", "text/html;charset=utf-8"),), content)
