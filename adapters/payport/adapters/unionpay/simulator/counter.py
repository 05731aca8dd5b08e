"""The cashier's pages over HTTP: what a browser sees after posting a form or scanning a code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from payport.adapters.unionpay.forms import MalformedMessage, parse_group
from payport.adapters.unionpay.simulator.cashier import CannotPay
from payport.adapters.unionpay.simulator.rows import Card, Refusal, Transaction
from payport.schemas.actions import PostForm
from payport.sdk.message import WireReply

if TYPE_CHECKING:
    from payport.adapters.unionpay.simulator.cashier import Cashier, Visit
    from payport.sdk.testing.wire import Incoming

PAY_PATH = "/cashier/pay"
REFUSED_PATH = "/cashier/refused"
_PAGE = '<!doctype html><html><head><meta charset="utf-8"><title>Cashier</title></head><body>{body}</body></html>'


class Counter:
    """Turns page visits into what a payer does. ``settled`` is called after each."""

    def __init__(self, cashier: Cashier, settled: Callable[[], None]) -> None:
        self._cashier = cashier
        self._settled = settled

    def enter(self, fields: Mapping[str, str]) -> WireReply:
        """A browser arrives with a signed page request."""
        try:
            found = self._cashier.open_page(fields)
            if isinstance(found, Card):
                return _page("<p>The card is open.</p>")
            return _page(_desk(self._cashier.open(PostForm(url="", fields=fields))))
        except Refusal as refusal:
            return _page(f"<h1>错误</h1><p>{escape(str(refusal))}</p>")
        except CannotPay as error:
            return _page(f"<p>{escape(str(error))}</p>", status=409)
        finally:
            self._settled()

    def visit(self, incoming: Incoming) -> WireReply:
        """Any other page: a scanned code's address, the pay button, the list of what waits."""
        try:
            return self._visit(incoming)
        except CannotPay as error:
            return _page(f"<p>{escape(str(error))}</p>", status=409)
        finally:
            self._settled()

    def _visit(self, incoming: Incoming) -> WireReply:
        if incoming.method == "POST" and incoming.path in (PAY_PATH, REFUSED_PATH):
            number = dict(parse_qsl(incoming.body.decode("latin-1"))).get("number", "")
            if incoming.path == REFUSED_PATH:
                self._cashier.refuse(number, "64")
                return _page("<p>Not enough money: try another card.</p>")
            return _goodbye(self._cashier.pay(number))
        if incoming.method == "GET" and incoming.path.startswith("/qr/"):
            return _page(_desk(self._cashier.open_code(incoming.path)))
        if incoming.method == "GET" and incoming.path == "/":
            waiting = self._cashier.waiting()
            return _page("".join(_desk(row) for row in waiting) or "<p>Nobody has to pay anything.</p>")
        return _page("<p>Nothing here.</p>", status=404)


def _desk(row: Transaction) -> str:
    number, verb = row.order_id, "Let hold" if row.txn_type == "02" else "Pay"
    hidden = f'<input type="hidden" name="number" value="{escape(number)}">'
    return (
        f"<h1>{escape(_title(row))}</h1><p>{escape(number)}: CNY {row.amount_minor / 100:.2f}</p>"
        f'<form method="post" action="{PAY_PATH}">{hidden}<button>{verb}</button></form>'
        f'<form method="post" action="{REFUSED_PATH}">{hidden}<button>Try an empty card</button></form>'
    )


def _title(row: Transaction) -> str:
    try:
        return parse_group(row.asked["riskRateInfo"])["commodityName"]
    except (KeyError, MalformedMessage):
        return "UnionPay"


def _goodbye(visit: Visit) -> WireReply:
    if visit.return_url is None or visit.return_fields is None:
        return _page("<p>Paid.</p>")
    html = PostForm(url=visit.return_url, fields=visit.return_fields).html()
    return WireReply(200, (("content-type", "text/html;charset=utf-8"),), html.encode())


def _page(body: str, *, status: int = 200) -> WireReply:
    return WireReply(status, (("content-type", "text/html;charset=utf-8"),), _PAGE.format(body=body).encode())
