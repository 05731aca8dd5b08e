"""UnionPay's books: every transaction, what time does to them, and the notices that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from threading import RLock

from payport.adapters.unionpay.beijing import BEIJING, from_stamp
from payport.adapters.unionpay.simulator.rows import Card, Refusal, Request, Status, Transaction

CONFIRMING = timedelta(minutes=5)
"""How long a payer may take to confirm a scanned code."""


class EntryKind(Enum):
    """Why money moved."""

    CHARGE = "charge"
    REFUND = "refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One movement. ``order_id``: of the payment; ``by``: the number of what moved it."""

    kind: EntryKind
    order_id: str
    by: str
    query_id: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Happening:
    """Something UnionPay tells the merchant about."""

    row: Transaction = field(repr=False)
    code: str


@dataclass(slots=True, kw_only=True)
class Books:
    """Everything UnionPay knows of one merchant. Hold ``lock`` for every read and change."""

    mer_id: str
    code_url: str
    lock: RLock = field(default_factory=RLock)
    rows: dict[tuple[str, str], Transaction] = field(default_factory=dict[tuple[str, str], Transaction])
    used_codes: dict[str, str] = field(default_factory=dict[str, str])
    entries: list[Entry] = field(default_factory=list[Entry])
    happenings: list[Happening] = field(default_factory=list[Happening])
    cards: dict[str, Card] = field(default_factory=dict[str, Card])
    batches: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    query_lag_s: float = 0.0
    _numbers: int = 0

    def open(self, request: Request, status: Status, *, original: Transaction | None = None) -> Transaction:
        """A new transaction. Raises the refusal *repeated* when number and time are known already."""
        key = (request.need("orderId"), request.fields["txnTime"])
        if key in self.rows:
            raise Refusal("12", "repeated transaction")
        self._numbers += 1
        short = f"{request.now.astimezone(BEIJING):%m%d%H%M%S}"
        row = Transaction(
            order_id=key[0],
            txn_time=key[1],
            asked=request.fields,
            amount_minor=request.amount(),
            created_at=request.now,
            query_id=f"{request.now.astimezone(BEIJING):%y}{short}{self._numbers:09d}",
            trace_no=f"{self._numbers:06d}",
            status=status,
            pay_until=self._pay_until(request),
            original=original,
        )
        self.rows[key] = row
        return row

    def known(self, fields: Mapping[str, str]) -> Transaction | None:
        """The transaction of a number and time."""
        return self.rows.get((fields.get("orderId", ""), fields.get("txnTime", "")))

    def original(self, request: Request) -> Transaction:
        """What an undo, refund or completion is about. Raises the refusal *original missing*."""
        number = request.fields.get("origQryId")
        if number is not None:
            found = next((row for row in self.rows.values() if row.query_id == number), None)
        else:
            found = self.rows.get((request.need("origOrderId"), request.need("origTxnTime")))
        if found is None:
            raise Refusal("35", "the original is missing")
        return found

    def finish(self, row: Transaction, now: datetime) -> None:
        """A transaction succeeds: money moves, or is held, or given back. Nobody is ever charged twice."""
        if row.status in (Status.DONE, Status.FAILED):
            raise ValueError(f"{row.order_id} is {row.status.name}")
        row.status, row.at = Status.DONE, now
        match row.txn_type:
            case "01" | "03":
                self._enter(EntryKind.CHARGE, row.order_id, row, now)
            case "04" | "31" | "33":
                assert row.original is not None
                row.original.undone = row.original.undone or row.txn_type != "04"
                if row.txn_type == "33" and row.original.original is not None:
                    # UnionPay: after its completion was undone the pre-authorization is still valid
                    row.original.original.captured = None
                self._enter(EntryKind.REFUND, row.original.order_id, row, now)
            case "32":
                assert row.original is not None
                row.original.undone = True
            case _:
                pass  # 02 holds money: nothing moves
        self.tell(row)

    def fail(self, row: Transaction, code: str, now: datetime) -> None:
        """A transaction ends without success."""
        row.status, row.code, row.at = Status.FAILED, code, now
        if row.original is not None and row.original.captured is row:
            row.original.captured = None
        self.tell(row)

    def reverse(self, row: Transaction, now: datetime) -> None:
        """A reversal: what was taken is given back, what was not is never taken."""
        row.reversed = True
        if row.status is Status.DONE:
            self._enter(EntryKind.REFUND, row.order_id, row, now)
        else:
            row.status, row.code, row.at = Status.FAILED, "01", now

    def pay_late(self, row: Transaction, now: datetime) -> None:
        """Money that came after ``payTimeout``: taken and given back by UnionPay itself (code 42)."""
        self._enter(EntryKind.CHARGE, row.order_id, row, now)
        self._enter(EntryKind.REFUND, row.order_id, row, now)
        row.status, row.code, row.at = Status.FAILED, "42", now

    def tick(self, now: datetime) -> None:
        """What the passing of time does: who never confirmed a scanned code cannot any more (code 69)."""
        for row in self.rows.values():
            if row.status is Status.PENDING and row.opened and now >= row.created_at + CONFIRMING:
                self.fail(row, "69", row.created_at + CONFIRMING)

    def tell(self, row: Transaction) -> None:
        """Note that the merchant is told. Front transactions are told of on success only."""
        front = row.kind in ("01/01", "01/03", "01/07", "02/01", "02/05") and row.asked.get("bizType") not in _NO_PAGE
        if row.status is Status.DONE or (row.status is Status.FAILED and not front):
            self.happenings.append(Happening(row, code_of(row)))

    def drain(self) -> list[Happening]:
        """What is to be told now."""
        with self.lock:
            told, self.happenings = self.happenings, []
        return told

    def waiting(self, now: datetime) -> Iterator[Transaction]:
        """What a payer opened and can still pay."""
        for row in self.rows.values():
            open_still = row.status in (Status.OFFERED, Status.TRIED) and row.opened
            if open_still and (row.pay_until is None or now < row.pay_until):
                yield row

    def _enter(self, kind: EntryKind, order_id: str, row: Transaction, now: datetime) -> None:
        self.entries.append(
            Entry(
                kind=kind,
                order_id=order_id,
                by=row.order_id,
                query_id=row.query_id,
                amount_minor=row.amount_minor,
                at=now,
            )
        )

    def _pay_until(self, request: Request) -> datetime | None:
        text = request.fields.get("payTimeout")
        if text is None:
            return None
        try:
            return from_stamp(text)
        except ValueError:
            raise Refusal("10", "payTimeout is not yyyyMMddHHmmss") from None


_NO_PAGE = ("000301", "000902")


def code_of(row: Transaction) -> str:
    """How a transaction ended, or stands, in UnionPay's codes."""
    match row.status:
        case Status.OFFERED:
            return "34"
        case Status.PENDING:
            return "05"
        case Status.DONE:
            return "A6" if row.defective else "00"
        case Status.TRIED | Status.FAILED:
            return row.code
