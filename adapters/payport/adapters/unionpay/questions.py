"""The one question that UnionPay answers: how did the transaction of this number and time end?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.adapters.unionpay.calls import QUERY, Call
from payport.adapters.unionpay.envelope import Answer, ask_gateway
from payport.schemas.outcome import UnknownKind
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.unionpay.adapter import UnionPay


def query_call(order_id: str, txn_time: str) -> Call:
    """The query of a transaction. Number and time are *its* own, never those of the asking."""
    return Call(
        path=QUERY,
        fields={
            "txnType": "00",
            "txnSubType": "00",
            "bizType": "000000",
            "orderId": order_id,
            "txnTime": txn_time,
        },
        moves_money=False,
    )


def question(unionpay: UnionPay, order_id: str, txn_time: str, deadline_s: float) -> Exchange[Answer | Observation]:
    """Ask. A question that was not answered teaches nothing, whether it left or not."""
    call = query_call(order_id, txn_time)
    answer = yield from ask_gateway(unionpay, call, deadline_s)
    if not isinstance(answer, Observation):
        return answer
    cause = answer.unknown or answer.not_sent
    kind = answer.unknown.kind if answer.unknown else UnknownKind.TIMED_OUT
    detail = answer.unknown.detail if kind is UnknownKind.MISMATCH and answer.unknown else f"not answered: {cause}"
    return doubt(Source.QUERY, kind, detail)
