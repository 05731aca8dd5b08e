"""The phone: opens what a code, link or set of parameters asks for, pays it, confirms transfers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

from payport.adapters.wechatpay.simulator import combine
from payport.adapters.wechatpay.simulator.payments import CODE_URL
from payport.adapters.wechatpay.simulator.rows import GroupRow, OrderRow, Prepay, TradeState, TransferRow, TransferState
from payport.schemas.actions import Action, AppParameters, QrCode, Redirect

if TYPE_CHECKING:
    from datetime import datetime

    from payport.adapters.wechatpay.simulator.books import Books
    from payport.adapters.wechatpay.simulator.service import Service

Thing: TypeAlias = OrderRow | GroupRow | TransferRow
"""What a payer or payee can have before the eyes."""


class CannotPay(Exception):
    """The phone shows an error instead; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A payer at the phone. ``number``: the merchant's number of the order, combined order or transfer.

    ``return_url``: where the browser goes after paying. Reaching it proves nothing.
    """

    number: str
    paid: bool
    return_url: str | None = None


class Cashier:
    """Opens, pays and leaves what one simulated WeChat Pay has handed out."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def open(self, action: Action | str) -> Thing:
        """What stands behind an action or a code's text. Raises :class:`CannotPay`."""
        self._service.settle()
        match action:
            case str():
                return self._prepaid(action.removeprefix(CODE_URL) if action.startswith(CODE_URL) else "")
            case QrCode():
                return self.open(action.text)
            case Redirect():
                return self._prepaid(_prepay_id(action.url))
            case AppParameters():
                return self._app(action)
            case _:
                raise CannotPay("WeChat Pay knows no posted forms")

    def open_mark(self, mark: str) -> Thing:
        """What stands behind a prepay id, the end of a code, or a package_info. Raises :class:`CannotPay`."""
        self._service.settle()
        with self._service.books.lock:
            if any(row.package_info == mark for row in self._service.books.transfers.values()):
                return self._transfer(mark)
        return self._prepaid(mark)

    def waiting(self) -> list[tuple[str, Thing]]:
        """What waits for somebody now, each with the mark that opens it."""
        self._service.settle()
        books, now = self._service.books, self._service.now()
        found: dict[str, tuple[str, Thing]] = {}
        with books.lock:
            for prepay in books.prepays.values():
                if prepay.expires_at > now and self._payable(prepay):
                    found[prepay.number] = (prepay.id, self._behind(prepay))
            for row in books.orders.values():
                if row.state is TradeState.USERPAYING:
                    found[row.out_trade_no] = ("", row)
            for transfer in books.transfers.values():
                if transfer.state is TransferState.WAIT_USER_CONFIRM:
                    found[transfer.out_bill_no] = (transfer.package_info, transfer)
        return list(found.values())

    def begin(self, number: str) -> None:
        """The payer starts to type the password: until paid or given up, the order cannot be closed."""
        with self._service.books.lock:
            self._waiting_order(number).state = TradeState.USERPAYING

    def pay(self, number: str) -> Visit:
        """Pay an order, or confirm a transfer, by its number at the merchant. Raises :class:`CannotPay`."""
        self._service.settle()
        books, now = self._service.books, self._service.now()
        with books.lock:
            transfer = books.transfers.get(number)
            if transfer is not None:
                return self._confirm(transfer, now)
            group = books.groups.get(number)
            rows = [self._waiting_order(number)] if group is None else combine.parts(books, group)
            for row in rows:
                self._check_time(row, now)
            if group is None:
                books.charge(rows[0], now)
            else:
                combine.pay(books, group, now)
        return Visit(number=number, paid=True)

    def cancel(self, number: str) -> None:
        """The payer gives up. A code's payment has failed then; an order that was opened can still be paid later."""
        self._service.settle()
        with self._service.books.lock:
            row = self._waiting_order(number)
            row.state = TradeState.PAYERROR if row.trade_type == "MICROPAY" else TradeState.NOTPAY

    def _app(self, action: AppParameters) -> Thing:
        fields = action.fields or _text_fields(action.payload)
        package = fields.get("package", "")
        if "mchId" in fields:
            if fields["mchId"] != self._service.books.parties.mchid:
                raise CannotPay("mchId is another merchant's")
            return self._transfer(package)
        jsapi = package.startswith("prepay_id=")
        prepay_id = package.removeprefix("prepay_id=") if jsapi else fields.get("prepayid", "")
        thing = self._prepaid(prepay_id)
        _check_app_id(self._service.books, thing, fields.get("appId" if jsapi else "appid", ""))
        mchid = self._service.books.parties.mchid
        if not jsapi and (package, fields.get("partnerid")) != ("Sign=WXPay", mchid):
            raise CannotPay("partnerid or package is wrong")
        if jsapi:
            lines = [fields.get(name, "") for name in ("appId", "timeStamp", "nonceStr", "package")]
        else:
            lines = [fields.get(name, "") for name in ("appid", "timestamp", "noncestr", "prepayid")]
        if jsapi and fields.get("signType") != "RSA":
            raise CannotPay("signType must be RSA")
        self._check_signature(lines, fields.get("paySign" if jsapi else "sign", ""))
        return thing

    def _check_signature(self, lines: list[str], signature: str) -> None:
        message = "".join(f"{line}\n" for line in lines).encode()
        try:
            raw = base64.b64decode(signature, validate=True)
            genuine = self._service.gate.key.verify(message, raw)
        except binascii.Error:
            genuine = False
        if not genuine:
            raise CannotPay("支付验证签名失败: the parameters are not signed by the merchant")

    def _prepaid(self, mark: str) -> Thing:
        books, now = self._service.books, self._service.now()
        with books.lock:
            prepay = books.prepays.get(mark)
            if prepay is None:
                raise CannotPay("no such code, link or prepay_id")
            if prepay.expires_at <= now:
                raise CannotPay("it has expired")
            if not self._payable(prepay):
                raise CannotPay(f"{prepay.number} is paid or closed")
            return self._behind(prepay)

    def _transfer(self, package_info: str) -> TransferRow:
        books = self._service.books
        with books.lock:
            for row in books.transfers.values():
                if row.package_info == package_info:
                    return row
        raise CannotPay("no such transfer")

    def _behind(self, prepay: Prepay) -> OrderRow | GroupRow:
        books = self._service.books
        return books.groups[prepay.number] if prepay.number in books.groups else books.orders[prepay.number]

    def _payable(self, prepay: Prepay) -> bool:
        thing, books = self._behind(prepay), self._service.books
        rows = [thing] if isinstance(thing, OrderRow) else combine.parts(books, thing)
        return all(row.state is TradeState.NOTPAY for row in rows)

    def _waiting_order(self, number: str) -> OrderRow:
        row = self._service.books.orders.get(number)
        if row is None or row.group is not None:
            raise CannotPay(f"{number} is not there")
        if row.state not in (TradeState.NOTPAY, TradeState.USERPAYING):
            raise CannotPay(f"{number} is {row.state.value}")
        return row

    def _check_time(self, row: OrderRow, now: datetime) -> None:
        if row.state not in (TradeState.NOTPAY, TradeState.USERPAYING):
            raise CannotPay(f"{row.out_trade_no} is {row.state.value}")
        if row.expires_at <= now:
            raise CannotPay(f"{row.out_trade_no} is over")

    def _confirm(self, row: TransferRow, now: datetime) -> Visit:
        if row.state is not TransferState.WAIT_USER_CONFIRM:
            raise CannotPay(f"{row.out_bill_no} is {row.state.value}")
        self._service.books.move_transfer(row, TransferState.SUCCESS, now)
        return Visit(number=row.out_bill_no, paid=True)


def number_of(thing: Thing) -> str:
    """The merchant's number of something."""
    return thing.out_bill_no if isinstance(thing, TransferRow) else thing.out_trade_no


def _check_app_id(books: Books, thing: Thing, app_id: str) -> None:
    known = {books.parties.sub_appid, books.parties.appid} if books.parties.sub_mchid else {thing.appid}
    if app_id not in known:
        raise CannotPay("the prepay_id belongs to another application")


def _prepay_id(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("prepay_id", [""])[0]


def _text_fields(payload: str) -> Mapping[str, str]:
    try:
        fields: object = json.loads(payload)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise CannotPay("the parameters are no JSON object")
    return {name: str(value) for name, value in cast("dict[str, object]", fields).items()}
