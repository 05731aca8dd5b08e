"""Native questions: typed, believed under the same rules, and never an answer to another question."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.corner import Corner
from tests.wire.wechatpay_v2.words import (
    ORDER_NO,
    PAID,
    REFUNDED,
    TRANSACTION,
    Line,
    adapter,
    deadline,
    over,
    said,
    xml,
)

from payport.adapters.wechatpay_v2 import endpoints as e
from payport.schemas.outcome import NotSentKind, Reason, UnknownKind
from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.records import State
from payport.sdk.message import FailureKind, SendFailure
from payport.sdk.observation import Observation

BY_NUMBER = e.OrderQuery(out_trade_no=ORDER_NO)
SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="silence")


def asked(endpoint: Any, request: Any, reply: bytes | SendFailure) -> Any:
    """One question and its answer."""
    return over(Line(reply), endpoint.call(adapter(), request, deadline()))


def test_an_answer_is_typed() -> None:
    """Fields that this version does not know are kept."""
    told = asked(e.ORDER_QUERY, BY_NUMBER, xml(said(PAID, novelty="1")))
    assert (told.value.trade_state, told.value.transaction_id) == ("SUCCESS", TRANSACTION)
    assert told.value.model_extra["novelty"] == "1"
    many = asked(e.REFUND_QUERY, e.RefundQuery(out_trade_no=ORDER_NO, offset="10"), xml(said(REFUNDED)))
    assert many.value.model_extra["refund_fee_0"] == "200"
    payer = asked(e.AUTH_CODE_TO_OPENID, e.AuthCodeToOpenId(auth_code="13"), xml(said(openid="oUpF8")))
    assert payer.value.openid == "oUpF8"
    assert "oUpF8" not in repr(payer.value)
    assert "13" not in repr(e.AuthCodeToOpenId(auth_code="13"))


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        (UnknownKind.TIMED_OUT, SILENCE),
        (UnknownKind.UNVERIFIED, xml({**said(PAID), "total_fee": "1"})),
        (UnknownKind.MISMATCH, xml(said(PAID, out_trade_no="OTHER"))),
        (UnknownKind.UNREADABLE, xml(said(PAID, out_trade_no=""))),
        (UnknownKind.NOT_FOUND, xml(said(result_code="FAIL", err_code="ORDERNOTEXIST"))),
    ],
)
def test_what_is_not_an_answer(kind: UnknownKind, reply: bytes | SendFailure) -> None:
    """Is doubted as everywhere."""
    told = asked(e.ORDER_QUERY, BY_NUMBER, reply)
    assert isinstance(told, Observation)
    assert told.unknown is not None
    assert told.unknown.kind is kind


def test_a_refused_question() -> None:
    """With WeChat's reason."""
    told = asked(e.ORDER_QUERY, BY_NUMBER, xml(said(result_code="FAIL", err_code="NOAUTH")))
    assert (told.state, told.reason) == (State.DECLINED, Reason.NOT_PERMITTED)


def test_what_cannot_be_asked() -> None:
    """A text that XML has no way to write; an adapter of somebody else."""
    told = over(Line(), e.ORDER_QUERY.call(adapter(), e.OrderQuery(out_trade_no="\x07"), deadline()))
    assert isinstance(told, Observation)
    assert told.not_sent is not None
    assert told.not_sent.kind is NotSentKind.INVALID
    with pytest.raises(ConfigurationError, match="goes through the wechatpay_v2 adapter"):
        over(Line(), e.ORDER_QUERY.call(Corner(), BY_NUMBER, deadline()))
    assert e.ORDER_QUERY.partner == "wechatpay_v2"
