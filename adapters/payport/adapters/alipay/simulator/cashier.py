"""The cashier: opens what a code, page, form or app string asks for, and sends the payer back afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from payport.adapters.alipay.forms import encode_form
from payport.adapters.alipay.signing import canonical
from payport.adapters.alipay.simulator import preauth, trades
from payport.adapters.alipay.simulator.calls import Call, wire_time, yuan
from payport.adapters.alipay.simulator.gate import CHARSETS
from payport.adapters.alipay.simulator.rows import HoldRow, HoldStatus, TradeRow, TradeStatus
from payport.schemas.actions import Action, AppParameters, PostForm, QrCode

if TYPE_CHECKING:
    from payport.adapters.alipay.simulator.service import Service

_RETURNS = {name: f"{name}.return" for name in ("alipay.trade.page.pay", "alipay.trade.wap.pay")}


class CannotPay(Exception):
    """The cashier turns the payer away; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A payer at the cashier. ``number``: ``out_trade_no``, or ``out_order_no`` of a freeze.

    ``return_url``: where the browser goes after paying, signed parameters included. ``app_result``: what the phone's
    SDK hands back. Neither proves that anything was paid.
    """

    number: str
    paid: bool
    return_url: str | None = None
    app_result: Mapping[str, str] | None = None


class Cashier:
    """Opens, pays and leaves trades and freezes of one simulated Alipay."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def open(self, action: Action | str) -> TradeRow | HoldRow:
        """The trade or freeze behind an action or a code's text; from now on Alipay knows it.

        Raises :class:`CannotPay` when it is over or unknown, :class:`Refusal` when the request behind it is wrong.
        """
        self._service.settle()
        if isinstance(action, str | QrCode):
            return self._scan(action if isinstance(action, str) else action.text)
        if isinstance(action, AppParameters):
            trade_no = action.fields.get("tradeNO") or action.fields.get("trade_no")
            return self._known(trade_no) if trade_no else self.open_request(_pairs(action.payload))
        params = _pairs(urlsplit(action.url).query)
        return self.open_request({**params, **action.fields} if isinstance(action, PostForm) else params)

    def open_code(self, path: str) -> TradeRow | HoldRow:
        """The trade or freeze behind the path of a code's address. Raises :class:`CannotPay`."""
        return self._scan(self._service.books.code_url + path.rpartition("/")[2])

    def waiting(self) -> list[TradeRow | HoldRow]:
        """What waits for the payer now."""
        self._service.settle()
        books = self._service.books
        with books.lock:
            trades_waiting = [row for row in books.trades.values() if row.status is TradeStatus.WAITING]
            return [*trades_waiting, *(hold for hold in books.holds.values() if hold.status is HoldStatus.INIT)]

    def open_request(self, params: Mapping[str, str]) -> TradeRow | HoldRow:
        """The trade or freeze behind a signed page, form or app string. Raises :class:`Refusal`."""
        service, books = self._service, self._service.books
        # what was signed once may be opened until the order ends: its time stamp is not held to the clock
        call = service.gate.admit(params, now=service.now(), clock=None)
        with books.lock:
            books.tick(call.now)
            if call.method == "alipay.fund.auth.order.app.freeze":
                return preauth.known_hold(books, call) or preauth.open_hold(books, call, HoldStatus.INIT)
            return trades.known_trade(books, call) or trades.open_trade(books, call, TradeStatus.WAITING, trades.LIFE)

    def pay(self, number: str) -> Visit:
        """Pay a trade, or agree to a freeze, that was opened. Raises :class:`CannotPay`."""
        self._service.settle()
        books, now = self._service.books, self._service.now()
        with books.lock:
            hold = books.holds.get(number)
            if hold is not None:
                return self._agree(hold)
            row = self._waiting(number)
            books.charge(row, now)
            return Visit(number=number, paid=True, return_url=self._return_url(row), app_result=self._app_result(row))

    def cancel(self, number: str) -> None:
        """The payer ends the trade or freeze. Raises :class:`CannotPay` when there is nothing to end."""
        self._service.settle()
        books, now = self._service.books, self._service.now()
        with books.lock:
            hold = books.holds.get(number)
            if hold is None:
                books.close(self._waiting(number), now)
            elif hold.status is HoldStatus.INIT:
                hold.close()
            else:
                raise CannotPay(f"{number} is {hold.status.name}")

    def _scan(self, text: str) -> TradeRow | HoldRow:
        books, now = self._service.books, self._service.now()
        with books.lock:
            row = books.codes.get(text)
            if isinstance(row, TradeRow):
                return self._opened(row)
            if isinstance(row, HoldRow):
                if row.status is HoldStatus.OFFERED:
                    if row.expires_at <= now:
                        raise CannotPay("the code is over")
                    row.status = HoldStatus.INIT
                return row
        raise CannotPay("no such code")

    def _opened(self, row: TradeRow) -> TradeRow:
        now = self._service.now()
        if row.status is TradeStatus.OFFERED:
            if row.expires_at <= now or (row.code_expires_at is not None and row.code_expires_at <= now):
                raise CannotPay("the code is over")
            row.status, row.created_at = TradeStatus.WAITING, now
            self._service.books.wake(row.expires_at, row)
        if row.status is not TradeStatus.WAITING:
            raise CannotPay(f"{row.out_trade_no} is {row.status.value}")
        return row

    def _known(self, trade_no: str) -> TradeRow:
        books = self._service.books
        with books.lock:
            row = books.trades.get(books.trade_numbers.get(trade_no, ""))
            if row is None:
                raise CannotPay("no such trade")
            return self._opened(row)

    def _waiting(self, number: str) -> TradeRow:
        row = self._service.books.trades.get(number)
        if row is None or row.status is TradeStatus.OFFERED:
            raise CannotPay(f"{number} was not opened")
        if row.status is not TradeStatus.WAITING:
            raise CannotPay(f"{number} is {row.status.value}")
        return row

    def _agree(self, hold: HoldRow) -> Visit:
        if hold.status is not HoldStatus.INIT:
            raise CannotPay(f"{hold.out_order_no} is {hold.status.name}")
        service = self._service
        call = Call(method="", params={}, biz={}, now=service.now())
        preauth.agree(service.books, hold, call)
        return Visit(number=hold.out_order_no, paid=True)

    def _return_url(self, row: TradeRow) -> str | None:
        target, method = row.asked.get("return_url"), _RETURNS.get(row.asked.get("method", ""))
        if target is None or method is None:
            return None
        params = {
            "app_id": self._service.books.app_id,
            "auth_app_id": self._service.books.app_id,
            "method": method,
            "charset": row.asked.get("charset", "utf-8"),
            "version": "1.0",
            "timestamp": wire_time(self._service.now()),
            "out_trade_no": row.out_trade_no,
            "trade_no": row.trade_no,
            "total_amount": yuan(row.amount_minor),
            "seller_id": self._service.books.seller_id,
        }
        params["sign"] = self._service.key.sign(canonical(params, params["charset"]))
        params["sign_type"] = "RSA2"
        return f"{target}{'&' if '?' in target else '?'}{encode_form(params, params['charset']).decode()}"

    def _app_result(self, row: TradeRow) -> Mapping[str, str] | None:
        if row.asked.get("method") != "alipay.trade.app.pay":
            return None
        fields = {
            "code": "10000",
            "msg": "Success",
            "app_id": self._service.books.app_id,
            "out_trade_no": row.out_trade_no,
            "trade_no": row.trade_no,
            "total_amount": yuan(row.amount_minor),
            "seller_id": self._service.books.seller_id,
        }
        node = json.dumps(fields, separators=(",", ":"))
        sign = self._service.key.sign(node.encode())
        result = f'{{"alipay_trade_app_pay_response":{node},"sign":"{sign}","sign_type":"RSA2"}}'
        return {"resultStatus": "9000", "result": result, "memo": ""}


def _pairs(query: str) -> dict[str, str]:
    charset = dict(parse_qsl(query)).get("charset", "utf-8")
    codec = charset if charset in CHARSETS else "utf-8"
    return dict(parse_qsl(query, keep_blank_values=True, encoding=codec))
