"""What Alipay's side remembers: trades, refunds, holds, transfers, splits. Changed under the books' lock only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

BUYER_ID = "2088102100000001"
BUYER_LOGIN = "159****0001"


class TradeStatus(Enum):
    """Alipay's trade states, and one before them."""

    OFFERED = ""
    """Only a code or a page: no query knows it until the payer opens it."""
    WAITING = "WAIT_BUYER_PAY"
    PAID = "TRADE_SUCCESS"
    FINISHED = "TRADE_FINISHED"
    CLOSED = "TRADE_CLOSED"


class RefundStatus(Enum):
    """States of one refund."""

    SUCCESS = "REFUND_SUCCESS"
    PROCESSING = "REFUND_PROCESSING"
    FAILED = "REFUND_FAIL"


class HoldStatus(Enum):
    """States of a pre-authorization order; OFFERED as for trades."""

    OFFERED = ""
    INIT = "INIT"
    AUTHORIZED = "AUTHORIZED"
    FINISHED = "FINISH"
    CLOSED = "CLOSED"


class TransferStatus(Enum):
    """States of a transfer."""

    SUCCESS = "SUCCESS"
    WAITING = "WAIT_PAY"
    DEALING = "DEALING"
    FAILED = "FAIL"
    CLOSED = "CLOSED"
    RETURNED = "REFUND"


@dataclass(slots=True, kw_only=True)
class RefundRow:
    """One refund request. ``apart``: asked for with refund.apply, whose state a query spells out."""

    out_request_no: str
    amount_minor: int
    at: datetime
    status: RefundStatus
    apart: bool = False


@dataclass(slots=True, kw_only=True)
class SplitRow:
    """One settlement request of a trade."""

    out_request_no: str
    settle_no: str
    lines: tuple[Mapping[str, object], ...]
    total_minor: int
    at: datetime


@dataclass(slots=True, kw_only=True)
class TradeRow:
    """One trade. ``asked``: the public and business parameters that notices and returns repeat."""

    out_trade_no: str
    trade_no: str
    amount_minor: int
    subject: str
    asked: Mapping[str, str] = field(repr=False)
    created_at: datetime
    expires_at: datetime
    status: TradeStatus
    splittable: bool = False
    code: str | None = None
    code_expires_at: datetime | None = None
    slow: bool = False
    auth_no: str | None = None
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    reversed_at: datetime | None = None
    refunds: dict[str, RefundRow] = field(default_factory=dict[str, RefundRow])
    splits: dict[str, SplitRow] = field(default_factory=dict[str, SplitRow])

    def refunded_minor(self, *, promised: bool = False) -> int:
        """What was given back; with ``promised`` also what is on its way."""
        counted = {RefundStatus.SUCCESS, RefundStatus.PROCESSING} if promised else {RefundStatus.SUCCESS}
        return sum(refund.amount_minor for refund in self.refunds.values() if refund.status in counted)


@dataclass(slots=True, kw_only=True)
class HoldOperation:
    """One freeze, unfreeze or capture of a hold."""

    operation_id: str
    out_request_no: str
    kind: str
    amount_minor: int
    status: str
    at: datetime
    remark: str = ""


@dataclass(slots=True, kw_only=True)
class HoldRow:
    """One pre-authorization order and its operations by request number."""

    out_order_no: str
    auth_no: str
    title: str
    amount_minor: int
    asked: Mapping[str, str] = field(repr=False)
    created_at: datetime
    expires_at: datetime
    status: HoldStatus
    code: str | None = None
    slow: bool = False
    rest_minor: int = 0
    captured_minor: int = 0
    operations: dict[str, HoldOperation] = field(default_factory=dict[str, HoldOperation])

    def close(self) -> None:
        """End an order that the payer never agreed to."""
        self.status = HoldStatus.CLOSED
        for operation in self.operations.values():
            operation.status = "CLOSED"


@dataclass(slots=True, kw_only=True)
class TransferRow:
    """One transfer. ``identity``: what a repetition must agree with."""

    out_biz_no: str
    order_id: str
    fund_order_id: str
    amount_minor: int
    identity: tuple[str, ...]
    asked: Mapping[str, str] = field(repr=False)
    at: datetime
    status: TransferStatus
    fail_code: str | None = None
