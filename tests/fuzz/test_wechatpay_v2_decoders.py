"""What the journal gives back of a call is what was put in."""

from __future__ import annotations

from payport.adapters.wechatpay_v2.calls import ORDER_QUERY, Call


def test_a_kept_call_is_one_of_ours() -> None:
    """What the journal gives back is what was put in: sealed, so not a stranger's to change."""
    call = Call(path=ORDER_QUERY, fields={"out_trade_no": "\u8336"}, notes={"a": "b"})
    assert Call.decode(call.encode()) == call
