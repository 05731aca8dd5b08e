"""What UnionPay's side remembers: transactions of every type, and opened cards. Changed under the books' lock only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from payport.adapters.unionpay.forms import codec_of


class Status(Enum):
    """How a transaction stands."""

    OFFERED = "offered"
    """Only a page, code or ``tn``: no query knows it until somebody tries to pay."""
    TRIED = "tried"
    """A card was refused, another one may be tried."""
    PENDING = "pending"
    """Accepted, not final (code 05)."""
    DONE = "done"
    FAILED = "failed"


class Refusal(Exception):
    """A request is refused with one of UnionPay's codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that passed the gate. ``slow``: to be accepted and not finished."""

    path: str
    fields: Mapping[str, str] = field(repr=False)
    now: datetime
    slow: bool = False

    @property
    def kind(self) -> str:
        """``txnType/txnSubType``."""
        return f"{self.fields.get('txnType', '')}/{self.fields.get('txnSubType', '')}"

    @property
    def name(self) -> str:
        """The endpoint's name, for faults."""
        return f"{self.path} {self.kind}".strip()

    @property
    def codec(self) -> str:
        """Python's codec of the request's encoding."""
        return codec_of(self.fields.get("encoding", "UTF-8")) or "utf-8"

    def need(self, name: str) -> str:
        """A field that must be there. Raises the refusal."""
        value = self.fields.get(name)
        if not value:
            raise Refusal("13", f"{name} is missing")
        return value

    def amount(self) -> int:
        """``txnAmt`` in fen. Raises the refusal."""
        text = self.need("txnAmt")
        if not (text.isascii() and text.isdigit() and len(text) <= 12) or int(text) == 0:
            raise Refusal("10", "txnAmt must be a whole number of fen")
        return int(text)


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One transaction, by the merchant's number and time. ``asked``: the request that made it."""

    order_id: str
    txn_time: str
    asked: Mapping[str, str] = field(repr=False)
    amount_minor: int
    created_at: datetime
    query_id: str
    trace_no: str
    status: Status
    code: str = "00"
    """Of a failed one."""
    defective: bool = False
    """Settled with A6."""
    pay_until: datetime | None = None
    qr_code: str | None = None
    tn: str | None = None
    at: datetime | None = None
    original: Transaction | None = None
    undone: bool = False
    reversed: bool = False
    captured: Transaction | None = None
    opened: bool = False
    """Whether a payer opened the page, code or app."""
    refunds: list[Transaction] = field(default_factory=list["Transaction"])

    @property
    def txn_type(self) -> str:
        """Its ``txnType``."""
        return self.asked.get("txnType", "")

    @property
    def kind(self) -> str:
        """``txnType/txnSubType``."""
        return f"{self.txn_type}/{self.asked.get('txnSubType', '')}"

    def given_back_minor(self, *, promised: bool = False) -> int:
        """What was refunded; with ``promised`` also what is on its way."""
        counted = {Status.DONE, Status.PENDING} if promised else {Status.DONE}
        return sum(refund.amount_minor for refund in self.refunds if refund.status in counted)


@dataclass(slots=True, kw_only=True)
class Card:
    """A card that a payer opened for paying without a page."""

    order_id: str
    token: str
    asked: Mapping[str, str] = field(repr=False)
    active: bool = True
