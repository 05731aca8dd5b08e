"""Alipay's books: every row, the merchant's balance, what time does to them, and the notices that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from threading import RLock

from payport.adapters.alipay.simulator.calls import CHINA, Call, Refusal, not_found_code, wire_time, yuan
from payport.adapters.alipay.simulator.ledger import Entry, EntryKind
from payport.adapters.alipay.simulator.rows import (
    BUYER_ID,
    BUYER_LOGIN,
    HoldRow,
    HoldStatus,
    RefundRow,
    RefundStatus,
    TradeRow,
    TradeStatus,
    TransferRow,
)

REFUND_WINDOW = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something Alipay tells the merchant about. ``message``: through the application gateway (rule V2)."""

    status: str
    fields: Mapping[str, str] = field(repr=False)
    notify_url: str | None
    charset: str
    at: datetime
    message: str | None = None


@dataclass(slots=True, kw_only=True)
class Books:
    """Everything Alipay knows of one merchant. Hold ``lock`` for every read and change."""

    app_id: str
    seller_id: str
    balance_minor: int
    code_url: str
    lock: RLock = field(default_factory=RLock)
    trades: dict[str, TradeRow] = field(default_factory=dict[str, TradeRow])
    holds: dict[str, HoldRow] = field(default_factory=dict[str, HoldRow])
    transfers: dict[str, TransferRow] = field(default_factory=dict[str, TransferRow])
    receivers: dict[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])
    used_codes: dict[str, str] = field(default_factory=dict[str, str])
    entries: list[Entry] = field(default_factory=list[Entry])
    happenings: list[Happening] = field(default_factory=list[Happening])
    codes: dict[str, TradeRow | HoldRow] = field(default_factory=dict[str, TradeRow | HoldRow])
    trade_numbers: dict[str, str] = field(default_factory=dict[str, str])
    _numbers: int = 0
    _timers: list[tuple[datetime, int, TradeRow | HoldRow]] = field(
        default_factory=list[tuple[datetime, int, TradeRow | HoldRow]]
    )

    def number(self, now: datetime, kind: str = "22001") -> str:
        """A fresh number of Alipay's: 28 digits that begin with the day."""
        self._numbers += 1
        return f"{now.astimezone(CHINA):%Y%m%d}{kind}{self._numbers:015d}"

    def find_trade(self, call: Call) -> TradeRow:
        """The trade that a call names, as far as Alipay has one. Raises the refusal *does not exist*."""
        trade_no, out_trade_no = call.text("trade_no"), call.text("out_trade_no")
        if trade_no is None and out_trade_no is None:
            raise call.invalid("out_trade_no or trade_no is missing")
        row = self.trades.get(self.trade_numbers.get(trade_no, "") if trade_no is not None else out_trade_no or "")
        if row is not None and row.status is not TradeStatus.OFFERED:
            return row
        raise Refusal(not_found_code(call.method), "the trade does not exist")

    def charge(self, row: TradeRow, now: datetime) -> None:
        """Take the money. Raises ``ValueError`` for a trade that is not waiting: nobody is ever charged twice."""
        if row.status is not TradeStatus.WAITING:
            raise ValueError(f"{row.out_trade_no} is {row.status.name}, it cannot be charged")
        row.status, row.paid_at = TradeStatus.PAID, now
        self.wake(now + REFUND_WINDOW, row)
        self.enter(EntryKind.CHARGE, row.amount_minor, row.out_trade_no, row.trade_no, now)
        self.tell_trade(row, now)

    def give_back(self, row: TradeRow, refund: RefundRow, now: datetime) -> None:
        """Carry out a refund: move the money, close the trade when nothing is left."""
        refund.status, refund.at = RefundStatus.SUCCESS, now
        self.enter(
            EntryKind.REFUND,
            -refund.amount_minor,
            row.out_trade_no,
            row.trade_no,
            now,
            request_no=refund.out_request_no,
        )
        if row.refunded_minor() == row.amount_minor:
            row.status, row.closed_at = TradeStatus.CLOSED, now
        self.tell_trade(row, now, refund=refund)

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

    def close(self, row: TradeRow, now: datetime) -> None:
        """End a trade that was not paid."""
        row.status, row.closed_at = TradeStatus.CLOSED, now
        self.tell_trade(row, now)

    def add_trade(self, row: TradeRow) -> TradeRow:
        """Open a trade."""
        self.trades[row.out_trade_no] = row
        self.trade_numbers[row.trade_no] = row.out_trade_no
        self.wake(row.expires_at, row)
        return row

    def wake(self, at: datetime, row: TradeRow | HoldRow) -> None:
        """Have :meth:`tick` look at a row when this moment comes."""
        self._numbers += 1
        heappush(self._timers, (at, self._numbers, row))

    def tick(self, now: datetime) -> None:
        """What the passing of time does: unpaid orders end, old payments can no longer be refunded."""
        while self._timers and self._timers[0][0] <= now:
            at, _, row = heappop(self._timers)
            if isinstance(row, HoldRow):
                if row.status is HoldStatus.INIT and row.expires_at <= at:
                    row.close()
            elif row.status is TradeStatus.WAITING and row.expires_at <= at and not row.slow:
                self.close(row, at)
            elif row.status is TradeStatus.PAID and row.paid_at is not None and row.paid_at + REFUND_WINDOW <= at:
                row.status = TradeStatus.FINISHED

    def tell_trade(self, row: TradeRow, now: datetime, *, refund: RefundRow | None = None) -> None:
        """Note that the merchant may be told how a trade stands."""
        fields = {
            "notify_type": "trade_status_sync",
            "trade_no": row.trade_no,
            "out_trade_no": row.out_trade_no,
            "trade_status": row.status.value,
            "total_amount": yuan(row.amount_minor),
            "subject": row.subject,
            "gmt_create": wire_time(row.created_at),
            "seller_id": self.seller_id,
            "buyer_id": BUYER_ID,
            "buyer_logon_id": BUYER_LOGIN,
        }
        if row.paid_at is not None:
            paid = yuan(row.amount_minor)
            fields |= {"gmt_payment": wire_time(row.paid_at), "receipt_amount": paid, "buyer_pay_amount": paid}
            fields |= {"invoice_amount": paid, "point_amount": "0.00", "fund_bill_list": fund_bills(row)}
        if refund is not None:
            fields |= {"refund_fee": yuan(row.refunded_minor()), "gmt_refund": f"{wire_time(refund.at)}.000"}
            fields["out_biz_no"] = refund.out_request_no
        if row.closed_at is not None:
            fields["gmt_close"] = wire_time(row.closed_at)
        fields |= {name: row.asked[name] for name in ("body", "passback_params") if row.asked.get(name)}
        self.tell(row.status.value, fields, row.asked, now)

    def tell(
        self,
        status: str,
        fields: Mapping[str, str],
        asked: Mapping[str, str],
        now: datetime,
        *,
        message: str | None = None,
    ) -> None:
        """Note one happening for the notices."""
        self.happenings.append(
            Happening(
                status=status,
                fields=fields,
                notify_url=asked.get("notify_url"),
                charset=asked.get("charset", "utf-8"),
                at=now,
                message=message,
            )
        )

    def drain(self) -> list[Happening]:
        """What happened since the last look."""
        with self.lock:
            happened, self.happenings = self.happenings, []
            return happened


def fund_bills(row: TradeRow) -> str:
    """Where the money came from, as JSON text: it stands in notices as it is."""
    return f'[{{"amount":"{yuan(row.amount_minor)}","fundChannel":"ALIPAYACCOUNT"}}]'


def asked_of(call: Call) -> dict[str, str]:
    """The parameters of a creating call that later notices and returns repeat."""
    names = ("method", "notify_url", "return_url", "charset")
    asked = {name: call.params[name] for name in names if call.params.get(name)}
    for name in ("body", "passback_params"):
        value = call.text(name)
        if value is not None:
            asked[name] = value
    return asked
