"""The cashier inside WeChat: opens what a code, link or parameters ask for, and lets the payer pay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from payport.adapters.wechatpay_v2.account import SignType
from payport.adapters.wechatpay_v2.signing import kind_of, signature
from payport.adapters.wechatpay_v2.simulator.books import OrderRow, OrderStatus
from payport.adapters.wechatpay_v2.simulator.orders import CODE_LIFE, CODE_URL
from payport.schemas.actions import Action, AppParameters, PostForm, QrCode, Redirect

if TYPE_CHECKING:
    from payport.adapters.wechatpay_v2.simulator.service import Service


class CannotPay(Exception):
    """The cashier turns the payer away; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A payer at the cashier. ``number``: ``out_trade_no``. ``return_url``: where the browser goes. No proof."""

    number: str
    paid: bool
    return_url: str | None = None


class Cashier:
    """Opens, pays and leaves orders of one simulated WeChat."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def open(self, action: Action | str) -> OrderRow:
        """The order behind an action or a code's text. Raises :class:`CannotPay`."""
        self._service.settle()
        match action:
            case str(text) | QrCode(text=text):
                prepay_id = text.removeprefix(CODE_URL)
            case Redirect(url=url):
                prepay_id = dict(parse_qsl(urlsplit(url).query)).get("prepay_id", "")
            case AppParameters(fields=fields):
                prepay_id = self._signed(fields)
            case PostForm():
                raise CannotPay("WeChat takes no posted form")
        books, now = self._service.books, self._service.now()
        with books.lock:
            row = books.by_prepay(prepay_id)
            if row is None:
                raise CannotPay("no such order")
            if now >= row.created_at + CODE_LIFE:
                raise CannotPay("the code is over")
            return self._payable(row)

    def pay(self, number: str) -> Visit:
        """Pay an order that was opened, or enter the password for a scanned code. Raises :class:`CannotPay`."""
        self._service.settle()
        books, now = self._service.books, self._service.now()
        with books.lock:
            row = self._payable(books.orders.get(number))
            books.charge(row, now)
            return Visit(number=number, paid=True)

    def cancel(self, number: str) -> None:
        """The payer gives up. A scanned payment fails; any other order just stays unpaid: only merchants close."""
        self._service.settle()
        books = self._service.books
        with books.lock:
            row = self._payable(books.orders.get(number))
            if row.status is OrderStatus.PAYING:
                row.status, row.slow = OrderStatus.FAILED, False

    def fail(self, number: str) -> None:
        """The payer tries, and the bank refuses. A shown order may be tried again. Raises :class:`CannotPay`."""
        self._service.settle()
        books = self._service.books
        with books.lock:
            self._payable(books.orders.get(number)).status = OrderStatus.FAILED

    def waiting(self) -> list[OrderRow]:
        """What waits for the payer now."""
        self._service.settle()
        books, now = self._service.books, self._service.now()
        with books.lock:
            return [row for row in books.orders.values() if row.payable and row.expires_at > now]

    def _payable(self, row: OrderRow | None) -> OrderRow:
        if row is None:
            raise CannotPay("no such order")
        if not row.payable:
            raise CannotPay(f"{row.out_trade_no} is {row.status.value}")
        if row.expires_at <= self._service.now():
            raise CannotPay(f"{row.out_trade_no} is over")
        if row.trade_type == "MICROPAY" and row.status is not OrderStatus.PAYING:
            raise CannotPay(f"{row.out_trade_no} failed")
        return row

    def _signed(self, fields: Mapping[str, str]) -> str:
        """The ``prepay_id`` of parameters that are the merchant's own. Raises :class:`CannotPay`."""
        name = "paySign" if "paySign" in fields else "sign"
        unsigned = {key: value for key, value in fields.items() if key != name}
        kind = kind_of(fields.get(name, "")) or SignType.MD5
        if signature(unsigned, self._service.api_key, kind) != fields.get(name):
            raise CannotPay("支付验证签名失败")
        return fields.get("prepayid") or fields.get("package", "").removeprefix("prepay_id=")
