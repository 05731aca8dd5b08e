"""WeChat's books: orders, refunds, the merchant's balance, and what the merchant is to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from threading import RLock

from payport.adapters.wechatpay_v2.calls import CHINA, china_time

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


class OrderStatus(Enum):
    """``trade_state`` of an order."""

    UNPAID = "NOTPAY"
    PAYING = "USERPAYING"
    PAID = "SUCCESS"
    RETURNING = "REFUND"
    FAILED = "PAYERROR"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"


class RefundStatus(Enum):
    """``refund_status`` of a refund."""

    SUCCESS = "SUCCESS"
    PROCESSING = "PROCESSING"
    CLOSED = "REFUNDCLOSE"


class Refusal(Exception):
    """WeChat says no, under its signature. ``fields``: what stands beside the code."""

    def __init__(self, code: str, words: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.words = words
        self.fields = fields or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One authentic request. ``slow``: accept it and do not finish it."""

    fields: Mapping[str, str] = field(repr=False)
    now: datetime
    slow: bool = False

    def need(self, name: str) -> str:
        """A field that must be there. Raises the refusal *missing*."""
        value = self.fields.get(name)
        if not value:
            raise Refusal("LACK_PARAMS", f"{name} is missing")
        return value

    def fee(self, name: str) -> int:
        """An amount in fen. Raises the refusal *wrong parameter*."""
        text = self.need(name)
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**12:
            raise Refusal("PARAM_ERROR", f"{name} must be fen")
        return int(text)


@dataclass(slots=True, kw_only=True)
class RefundRow:
    """One refund."""

    out_refund_no: str
    refund_id: str
    amount_minor: int
    status: RefundStatus
    notify_url: str | None
    at: datetime


@dataclass(slots=True, kw_only=True)
class OrderRow:
    """One order. ``asked``: the request that made it. ``slow``: goes on by itself when told to."""

    out_trade_no: str
    prepay_id: str
    trade_type: str
    amount_minor: int
    asked: Mapping[str, str] = field(repr=False)
    created_at: datetime
    expires_at: datetime
    status: OrderStatus = OrderStatus.UNPAID
    transaction_id: str = ""
    paid_at: datetime | None = None
    slow: bool = False
    closing: bool = False
    refunds: dict[str, RefundRow] = field(default_factory=dict[str, RefundRow])

    @property
    def payable(self) -> bool:
        """Whether the payer may still pay, its time apart."""
        return self.status in (OrderStatus.UNPAID, OrderStatus.PAYING, OrderStatus.FAILED)

    def refunded_minor(self) -> int:
        """What was given back or is on its way."""
        return sum(refund.amount_minor for refund in self.refunds.values() if refund.status is not RefundStatus.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One movement of the merchant's balance, signed."""

    out_trade_no: str
    transaction_id: str
    out_refund_no: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something the merchant is told. ``secret``: to be encrypted instead of signed."""

    fields: Mapping[str, str] = field(repr=False)
    address: str | None
    sign_type: str
    secret: bool = False


@dataclass(slots=True, kw_only=True)
class Books:
    """Everything WeChat knows of one merchant. Hold ``lock`` for every read and change."""

    identity: Mapping[str, str]
    balance_minor: int
    lock: RLock = field(default_factory=RLock)
    orders: dict[str, OrderRow] = field(default_factory=dict[str, OrderRow])
    used_codes: dict[str, str] = field(default_factory=dict[str, str])
    entries: list[Entry] = field(default_factory=list[Entry])
    happenings: list[Happening] = field(default_factory=list[Happening])
    _numbers: int = 0

    def number(self, kind: str, now: datetime) -> str:
        """A fresh number of WeChat's: 28 digits."""
        self._numbers += 1
        return f"{kind}{now.astimezone(CHINA):%Y%m%d}{self._numbers:010d}"

    def find(self, request: Request) -> OrderRow:
        """The order that a request names. Raises the refusal *does not exist*."""
        transaction_id, number = request.fields.get("transaction_id"), request.fields.get("out_trade_no")
        if not transaction_id and not number:
            raise Refusal("LACK_PARAMS", "transaction_id or out_trade_no is missing")
        if not transaction_id:
            row = self.orders.get(number or "")
        else:
            row = next((row for row in self.orders.values() if row.transaction_id == transaction_id), None)
        if row is None:
            raise Refusal("ORDERNOTEXIST", "此交易订单号不存在")
        return row

    def by_prepay(self, prepay_id: str) -> OrderRow | None:
        """The order that a payer opens."""
        return next((row for row in self.orders.values() if row.prepay_id == prepay_id), None)

    def charge(self, row: OrderRow, now: datetime) -> None:
        """Take the money. Raises ``ValueError`` for an order that cannot be paid: nobody is ever charged twice."""
        if not row.payable:
            raise ValueError(f"{row.out_trade_no} is {row.status.value}, it cannot be charged")
        row.status, row.paid_at, row.slow, row.closing = OrderStatus.PAID, now, False, False
        row.transaction_id = self.number("4200000000", now)
        self._enter(row, "", row.amount_minor, now)
        if row.trade_type != "MICROPAY":  # whose result is the answer itself
            self.happenings.append(
                Happening(
                    fields={"result_code": "SUCCESS", **paid_fields(row)},
                    address=row.asked.get("notify_url"),
                    sign_type=row.asked.get("sign_type", "MD5"),
                )
            )

    def give_back(self, row: OrderRow, refund: RefundRow, now: datetime) -> None:
        """Carry a refund out."""
        refund.status, refund.at = RefundStatus.SUCCESS, now
        self._enter(row, refund.out_refund_no, -refund.amount_minor, now)
        self.tell_refund(row, refund)

    def revoke(self, row: OrderRow, now: datetime) -> None:
        """End a scanned order; what was paid and not refunded goes back."""
        if row.paid_at is not None and row.status is not OrderStatus.REVOKED:
            rest = row.amount_minor - row.refunded_minor()
            self._enter(row, row.out_trade_no, -rest, now)
        row.status, row.slow = OrderStatus.REVOKED, False

    def tell_refund(self, row: OrderRow, refund: RefundRow) -> None:
        """Note that the merchant may be told what became of a refund."""
        fields = {
            "out_refund_no": refund.out_refund_no,
            "out_trade_no": row.out_trade_no,
            "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS",
            "refund_fee": str(refund.amount_minor),
            "refund_id": refund.refund_id,
            "refund_recv_accout": "支付用户零钱",
            "refund_request_source": "API",
            "refund_status": refund.status.value,
            "settlement_refund_fee": str(refund.amount_minor),
            "settlement_total_fee": str(row.amount_minor),
            "success_time": spoken_time(refund.at) if refund.status is RefundStatus.SUCCESS else "",
            "total_fee": str(row.amount_minor),
            "transaction_id": row.transaction_id,
        }
        self.happenings.append(
            Happening(fields=fields, address=refund.notify_url, sign_type=row.asked.get("sign_type", ""), secret=True)
        )

    def drain(self) -> list[Happening]:
        """What happened since the last look."""
        with self.lock:
            happened, self.happenings = self.happenings, []
            return happened

    def _enter(self, row: OrderRow, out_refund_no: str, amount_minor: int, now: datetime) -> None:
        self.balance_minor += amount_minor
        self.entries.append(
            Entry(
                out_trade_no=row.out_trade_no,
                transaction_id=row.transaction_id,
                out_refund_no=out_refund_no,
                amount_minor=amount_minor,
                at=now,
            )
        )


def paid_fields(row: OrderRow) -> dict[str, str]:
    """What WeChat says of an order that was paid."""
    assert row.paid_at is not None
    fields = {
        "openid": OPENID,
        "is_subscribe": "N",
        "trade_type": row.trade_type,
        "bank_type": "OTHERS",
        "total_fee": str(row.amount_minor),
        "fee_type": "CNY",
        "cash_fee": str(row.amount_minor),
        "transaction_id": row.transaction_id,
        "out_trade_no": row.out_trade_no,
        "time_end": china_time(row.paid_at),
    }
    kept = {name: row.asked[name] for name in ("attach", "device_info") if row.asked.get(name)}
    return fields | kept


def spoken_time(moment: datetime) -> str:
    """Beijing time as refunds have it."""
    return f"{moment.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
