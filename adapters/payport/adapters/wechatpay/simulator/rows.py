"""What WeChat's side remembers: orders, refunds, transfers, splits. Changed under the books' lock only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


class TradeState(Enum):
    """WeChat's states of an order."""

    NOTPAY = "NOTPAY"
    USERPAYING = "USERPAYING"
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    PAYERROR = "PAYERROR"


PAID_STATES = frozenset({TradeState.SUCCESS, TradeState.REFUND})


class RefundStatus(Enum):
    """States of one refund."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"
    """The account that paid cannot take the money back; the merchant must say where to (apply-abnormal-refund)."""


class TransferState(Enum):
    """States of a transfer; ``TRANSFERING`` is spelled as WeChat spells it."""

    ACCEPTED = "ACCEPTED"
    PROCESSING = "PROCESSING"
    WAIT_USER_CONFIRM = "WAIT_USER_CONFIRM"
    TRANSFERING = "TRANSFERING"
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    CANCELING = "CANCELING"
    CANCELLED = "CANCELLED"


FINAL_TRANSFERS = frozenset({TransferState.SUCCESS, TransferState.FAIL, TransferState.CANCELLED})


@dataclass(slots=True, kw_only=True)
class RefundRow:
    """One refund. ``content``: what a repetition must agree with. ``slow``: waits to be told, however long."""

    out_refund_no: str
    refund_id: str
    amount_minor: int
    content: str = field(repr=False)
    notify_url: str | None
    created_at: datetime
    due_at: datetime
    status: RefundStatus = RefundStatus.PROCESSING
    slow: bool = False
    finished_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class OrderRow:
    """One order. ``content``: the request it came from, which a repetition must agree with; ``asked``: read from it.

    ``group``: the combined order it belongs to. ``trade_type``: WeChat's word.
    """

    out_trade_no: str
    trade_type: str
    amount_minor: int
    description: str
    appid: str
    content: str = field(repr=False)
    asked: Mapping[str, str] = field(repr=False)
    created_at: datetime
    expires_at: datetime
    state: TradeState = TradeState.NOTPAY
    group: str | None = None
    splittable: bool = False
    slow: bool = False
    failure: str | None = None
    transaction_id: str | None = None
    paid_at: datetime | None = None
    refunds: dict[str, RefundRow] = field(default_factory=dict[str, RefundRow])
    reversed_minor: int = 0

    def returned_minor(self, *, promised: bool = False) -> int:
        """What was given back; with ``promised`` also what is on its way."""
        counted = set(RefundStatus) - {RefundStatus.CLOSED} if promised else {RefundStatus.SUCCESS}
        given = sum(refund.amount_minor for refund in self.refunds.values() if refund.status in counted)
        return given + self.reversed_minor


@dataclass(slots=True, kw_only=True)
class GroupRow:
    """One combined order: its parts are orders of their own."""

    out_trade_no: str
    trade_type: str
    appid: str
    content: str = field(repr=False)
    asked: Mapping[str, str] = field(repr=False)
    created_at: datetime
    expires_at: datetime
    parts: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Prepay:
    """Something handed out that a payer can open. ``number``: of the order or the combined order behind it."""

    id: str
    number: str
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class TransferRow:
    """One transfer. ``package_info``: what the payee's confirmation page is opened with."""

    out_bill_no: str
    transfer_bill_no: str
    amount_minor: int
    openid: str
    appid: str
    remark: str
    content: str = field(repr=False)
    user_name: str | None = field(repr=False)
    package_info: str = field(repr=False)
    notify_url: str | None
    created_at: datetime
    updated_at: datetime
    state: TransferState
    slow: bool = False
    fail_reason: str | None = None


@dataclass(slots=True, kw_only=True)
class ShareRow:
    """One receiver's part of a profit sharing order."""

    kind: str
    account: str
    amount_minor: int
    description: str
    detail_id: str
    result: str = "PENDING"
    returned_minor: int = 0


@dataclass(slots=True, kw_only=True)
class SplitRow:
    """One profit sharing order, unfreezing included."""

    out_order_no: str
    order_id: str
    transaction_id: str
    content: str = field(repr=False)
    unfreeze: bool
    created_at: datetime
    due_at: datetime
    shares: tuple[ShareRow, ...]
    finished_at: datetime | None = None
    slow: bool = False


@dataclass(slots=True, kw_only=True)
class ShareReturnRow:
    """Money that a receiver gives back."""

    out_return_no: str
    return_id: str
    out_order_no: str
    order_id: str
    return_mchid: str
    amount_minor: int
    description: str
    content: str = field(repr=False)
    at: datetime
    result: str
