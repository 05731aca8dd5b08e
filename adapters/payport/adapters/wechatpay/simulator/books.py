"""WeChat's books: every row, the merchant's balance, what time does to them, and the notices that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock

from payport.adapters.wechatpay.simulator.calls import CHINA, Call, Refusal, wire_time, wire_time_ms
from payport.adapters.wechatpay.simulator.ledger import Entry, EntryKind
from payport.adapters.wechatpay.simulator.quirks import Quirks
from payport.adapters.wechatpay.simulator.rows import (
    FINAL_TRANSFERS,
    OPENID,
    PAID_STATES,
    GroupRow,
    OrderRow,
    Prepay,
    RefundRow,
    RefundStatus,
    ShareReturnRow,
    SplitRow,
    TradeState,
    TransferRow,
    TransferState,
)

CONFIRM_WITHIN = timedelta(hours=24)
CANCEL_TAKES = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something WeChat tells the merchant about. ``fields``: what will be encrypted."""

    event_type: str
    original_type: str
    summary: str
    fields: Mapping[str, object] = field(repr=False)
    notify_url: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who the merchant is. ``sub_mchid``: set for a service provider, whose own number ``mchid`` is then."""

    mchid: str
    appid: str
    appids: frozenset[str]
    sub_mchid: str | None = None
    sub_appid: str | None = None

    def fields(self, appid: str) -> dict[str, object]:
        """How answers and notices name them."""
        if self.sub_mchid is None:
            return {"appid": appid, "mchid": self.mchid}
        own: dict[str, object] = {"sp_appid": self.appid, "sp_mchid": self.mchid, "sub_mchid": self.sub_mchid}
        return own if self.sub_appid is None else {**own, "sub_appid": self.sub_appid}

    def payer(self) -> dict[str, object]:
        """Who paid."""
        if self.sub_mchid is None:
            return {"openid": OPENID}
        own: dict[str, object] = {"sp_openid": OPENID}
        return own if self.sub_appid is None else {**own, "sub_openid": f"{OPENID}s"}


@dataclass(slots=True, kw_only=True)
class Books:
    """Everything WeChat knows of one merchant. Hold ``lock`` for every read and change."""

    parties: Parties
    balance_minor: int
    api_url: str
    page_url: str
    quirks: Quirks = field(default_factory=Quirks)
    lock: RLock = field(default_factory=RLock)
    orders: dict[str, OrderRow] = field(default_factory=dict[str, OrderRow])
    groups: dict[str, GroupRow] = field(default_factory=dict[str, GroupRow])
    prepays: dict[str, Prepay] = field(default_factory=dict[str, Prepay])
    transactions: dict[str, str] = field(default_factory=dict[str, str])
    refunds: dict[str, OrderRow] = field(default_factory=dict[str, OrderRow])
    transfers: dict[str, TransferRow] = field(default_factory=dict[str, TransferRow])
    splits: dict[str, SplitRow] = field(default_factory=dict[str, SplitRow])
    share_returns: dict[str, ShareReturnRow] = field(default_factory=dict[str, ShareReturnRow])
    receivers: dict[tuple[str, str], Mapping[str, object]] = field(
        default_factory=dict[tuple[str, str], Mapping[str, object]]
    )
    payee_names: dict[str, str] = field(default_factory=dict[str, str])
    bills: dict[str, tuple[bytes, datetime]] = field(default_factory=dict[str, tuple[bytes, datetime]])
    used_codes: dict[str, str] = field(default_factory=dict[str, str])
    entries: list[Entry] = field(default_factory=list[Entry])
    happenings: list[Happening] = field(default_factory=list[Happening])
    _numbers: int = 0

    def number(self, now: datetime, kind: str = "4200000001") -> str:
        """A fresh number of WeChat's: 28 digits."""
        self._numbers += 1
        return f"{kind}{now.astimezone(CHINA):%Y%m%d}{self._numbers:010d}"

    def find_order(self, out_trade_no: str) -> OrderRow:
        """The order of a number. Raises the refusal *does not exist*."""
        row = self.orders.get(out_trade_no)
        if row is None:
            raise no_order()
        return row

    def charge(self, row: OrderRow, now: datetime) -> None:
        """Take the money. Raises ``ValueError`` for an order that is not waiting: nobody is ever charged twice."""
        if row.state not in (TradeState.NOTPAY, TradeState.USERPAYING):
            raise ValueError(f"{row.out_trade_no} is {row.state.value}, it cannot be charged")
        row.state, row.paid_at, row.slow = TradeState.SUCCESS, now, False
        row.transaction_id = self.number(now)
        self.transactions[row.transaction_id] = row.out_trade_no
        self.enter(EntryKind.CHARGE, row.amount_minor, row.out_trade_no, row.transaction_id, now)
        if row.group is None and row.trade_type != "MICROPAY":
            self.tell("TRANSACTION.SUCCESS", "transaction", "支付成功", self.transaction(row), row.asked, now)

    def finish_refund(self, row: OrderRow, refund: RefundRow, status: RefundStatus, now: datetime) -> None:
        """A refund comes to an end: money back, closed, or stuck. Raises ``ValueError`` once the money is back."""
        if refund.status is RefundStatus.SUCCESS:
            raise ValueError(f"{refund.out_refund_no} is SUCCESS, the money is back")
        refund.status, refund.slow = status, False
        if status is RefundStatus.PROCESSING:
            return
        refund.finished_at = now
        if status is RefundStatus.SUCCESS:
            partner_no = row.transaction_id or ""
            out_no, request_no = row.out_trade_no, refund.out_refund_no
            self.enter(EntryKind.REFUND, -refund.amount_minor, out_no, partner_no, now, request_no=request_no)
        paid = row.amount_minor
        fields: dict[str, object] = {
            **{name: value for name, value in self.parties.fields(row.appid).items() if name.endswith("mchid")},
            "out_trade_no": row.out_trade_no,
            "transaction_id": row.transaction_id,
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "refund_status": status.value,
            "user_received_account": "支付用户零钱",
            "amount": {
                "total": paid,
                "refund": refund.amount_minor,
                "payer_total": paid,
                "payer_refund": refund.amount_minor,
            },
        }
        if status is RefundStatus.SUCCESS:
            fields["success_time"] = wire_time(now)
        asked = {} if refund.notify_url is None else {"notify_url": refund.notify_url}
        self.tell(f"REFUND.{status.value}", "refund", "退款通知", fields, asked, now)

    def move_transfer(self, row: TransferRow, state: TransferState, now: datetime, reason: str | None = None) -> None:
        """A transfer reaches another state. Raises ``ValueError`` when it is at its end."""
        if row.state in FINAL_TRANSFERS:
            raise ValueError(f"{row.out_bill_no} is {row.state.value}, that is final")
        row.state, row.updated_at = state, now
        if state not in FINAL_TRANSFERS:
            return
        row.slow = False
        if state is not TransferState.SUCCESS:
            row.fail_reason = reason or ("MCH_CANCEL" if state is TransferState.CANCELLED else "PAYEE_ACCOUNT_ABNORMAL")
            self.enter(EntryKind.TRANSFER_RETURNED, row.amount_minor, row.out_bill_no, row.transfer_bill_no, now)
        fields: dict[str, object] = {
            "out_bill_no": row.out_bill_no,
            "transfer_bill_no": row.transfer_bill_no,
            "state": state.value,
            "mch_id": self.parties.mchid,
            "transfer_amount": row.amount_minor,
            "openid": row.openid,
            "create_time": wire_time_ms(row.created_at),
            "update_time": wire_time_ms(now),
        }
        if state is TransferState.FAIL:
            fields["fail_reason"] = row.fail_reason
        asked = {} if row.notify_url is None else {"notify_url": row.notify_url}
        self.tell("MCHTRANSFER.BILL.FINISHED", "mch_payment", "商家转账单据终态通知", fields, asked, now)

    def enter(
        self, kind: EntryKind, amount_minor: int, out_no: str, partner_no: str, now: datetime, *, request_no: str = ""
    ) -> None:
        """Write one movement of the balance."""
        self.balance_minor += amount_minor
        self.entries.append(
            Entry(
                kind=kind,
                out_no=out_no,
                request_no=request_no,
                partner_no=partner_no,
                amount_minor=amount_minor,
                balance_minor=self.balance_minor,
                at=now,
            )
        )

    def tick(self, now: datetime) -> None:
        """What the passing of time does: refunds and splits are carried out, unconfirmed transfers end."""
        for row in self.refunds.values():
            for refund in row.refunds.values():
                if refund.status is RefundStatus.PROCESSING and refund.due_at <= now and not refund.slow:
                    self.finish_refund(row, refund, RefundStatus.SUCCESS, refund.due_at)
        for split in self.splits.values():
            if split.finished_at is None and split.due_at <= now and not split.slow:
                self.finish_split(split, split.due_at)
        for transfer in self.transfers.values():
            over = transfer.created_at + CONFIRM_WITHIN
            if transfer.state is TransferState.WAIT_USER_CONFIRM and over <= now:
                self.move_transfer(transfer, TransferState.FAIL, over, "OVERDUE_CLOSE")
            elif transfer.state is TransferState.CANCELING and not transfer.slow:
                done_at = transfer.updated_at + CANCEL_TAKES
                if done_at <= now:
                    self.move_transfer(transfer, TransferState.CANCELLED, done_at)

    def shared_minor(self, row: OrderRow) -> int:
        """What of a payment went to others, or is about to."""
        mine = (split for split in self.splits.values() if split.transaction_id == row.transaction_id)
        return sum(share.amount_minor - share.returned_minor for split in mine for share in split.shares)

    def finish_split(self, split: SplitRow, now: datetime) -> None:
        """Every receiver gets its part."""
        split.finished_at, split.slow = now, False
        for share in split.shares:
            if share.result != "PENDING":
                continue
            share.result = "SUCCESS"
            out_no, request_no = split.out_order_no, share.detail_id
            self.enter(EntryKind.SPLIT, -share.amount_minor, out_no, split.order_id, now, request_no=request_no)

    def transaction(self, row: OrderRow) -> dict[str, object]:
        """An order as queries, payment codes and notices show it."""
        fields: dict[str, object] = {
            **self.parties.fields(row.appid),
            "out_trade_no": row.out_trade_no,
            "trade_state": row.state.value,
            "trade_state_desc": DESCRIPTIONS[row.state],
            "trade_type": row.trade_type,
            "attach": row.asked.get("attach", ""),
            "amount": {"total": row.amount_minor, "currency": "CNY"},
        }
        if row.paid_at is not None:
            fields |= {
                "transaction_id": row.transaction_id,
                "bank_type": "OTHERS",
                "success_time": wire_time(row.paid_at),
                "payer": self.parties.payer(),
                "amount": {
                    "total": row.amount_minor,
                    "payer_total": row.amount_minor,
                    "currency": "CNY",
                    "payer_currency": "CNY",
                },
                "promotion_detail": [],
            }
        return fields

    def tell(
        self,
        event_type: str,
        original_type: str,
        summary: str,
        fields: Mapping[str, object],
        asked: Mapping[str, str],
        now: datetime,
    ) -> None:
        """Note one happening for the notices."""
        self.happenings.append(
            Happening(
                event_type=event_type,
                original_type=original_type,
                summary=summary,
                fields=fields,
                notify_url=asked.get("notify_url"),
                at=now,
            )
        )

    def drain(self) -> list[Happening]:
        """What happened since the last look."""
        with self.lock:
            happened, self.happenings = self.happenings, []
            return happened


DESCRIPTIONS = {
    TradeState.NOTPAY: "订单未支付",
    TradeState.USERPAYING: "需要用户输入支付密码",
    TradeState.SUCCESS: "支付成功",
    TradeState.REFUND: "订单发生过退款",
    TradeState.CLOSED: "订单已关闭",
    TradeState.REVOKED: "订单已撤销",
    TradeState.PAYERROR: "支付失败",
}


def no_order() -> Refusal:
    """The refusal of an order that nobody knows."""
    return Refusal("ORDER_NOT_EXIST", "订单不存在", status=404)


def over(row: OrderRow) -> Refusal:
    """The refusal of what needs an order that is neither paid nor closed."""
    if row.state in PAID_STATES:
        return Refusal("ORDERPAID", "该订单已支付")
    return Refusal("ORDER_CLOSED", "该订单已关闭")


def asked_of(call: Call) -> dict[str, str]:
    """What later notices and queries repeat of the creating call."""
    asked: dict[str, str] = {}
    attach, notify_url = call.text("/attach"), call.notify_url()
    if attach is not None:
        asked["attach"] = attach
    if notify_url is not None:
        asked["notify_url"] = notify_url
    return asked
