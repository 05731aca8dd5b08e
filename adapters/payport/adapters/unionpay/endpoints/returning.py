"""What is done with a payment or hold afterwards: undo, reversal, refund, completion, release.

Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from payport.adapters.unionpay.calls import BACK
from payport.adapters.unionpay.endpoints.endpoint import Kind, UnionPayEndpoint
from payport.adapters.unionpay.endpoints.fields import Address, Fen, Notified, OrderId, QueryId, Request, Stamp
from payport.adapters.unionpay.wire import UnionPayTransaction


class Undo(Notified):
    """A whole transaction taken back, by UnionPay's number of it. Undos of payments: on the same clearing day only."""

    orig_qry_id: QueryId
    txn_amt: Fen


class PreAuthFinish(Notified):
    """Take the money of a hold: up to 115 % of it, once, within 30 days."""

    orig_qry_id: QueryId
    txn_amt: Fen


class Refund(Notified):
    """Part or all of a payment or completion. The original: UnionPay's number, or the merchant's number and time."""

    txn_amt: Fen
    orig_qry_id: QueryId | None = None
    orig_order_id: OrderId | None = None
    orig_txn_time: Stamp | None = None

    @model_validator(mode="after")
    def _names_the_original(self) -> Self:
        if self.orig_qry_id is None and (self.orig_order_id is None or self.orig_txn_time is None):
            raise ValueError("give orig_qry_id, or orig_order_id and orig_txn_time")
        return self


class Reversal(Request):
    """Undo a back-end payment whose result is not known: ``order_id`` and ``txn_time`` are the payment's own."""

    order_id: OrderId
    txn_time: Stamp
    txn_amt: Fen
    back_url: Address | None = None


def _back(txn_type: str, txn_sub_type: str = "00") -> Kind:
    return Kind(BACK, txn_type, txn_sub_type, "000000", "07")


CONSUME_UNDO: UnionPayEndpoint[Undo, UnionPayTransaction] = UnionPayEndpoint(_back("31"), UnionPayTransaction)
PRE_AUTH_UNDO: UnionPayEndpoint[Undo, UnionPayTransaction] = UnionPayEndpoint(_back("32"), UnionPayTransaction)
PRE_AUTH_FINISH: UnionPayEndpoint[PreAuthFinish, UnionPayTransaction] = UnionPayEndpoint(
    _back("03"), UnionPayTransaction
)
PRE_AUTH_FINISH_UNDO: UnionPayEndpoint[Undo, UnionPayTransaction] = UnionPayEndpoint(_back("33"), UnionPayTransaction)
REFUND: UnionPayEndpoint[Refund, UnionPayTransaction] = UnionPayEndpoint(_back("04"), UnionPayTransaction)
REVERSAL: UnionPayEndpoint[Reversal, UnionPayTransaction] = UnionPayEndpoint(_back("99", "01"), UnionPayTransaction)
