"""The simulator's refunds: cumulative fee, fund_change, identity of out_request_no, and the nearly empty query."""

from __future__ import annotations

import pytest
from tests.simulate.alipay.merchant import Merchant

from payport.adapters.alipay.simulator import Fault, Wallet
from payport.schemas.money import Money

QUERY = "alipay.trade.fastpay.refund.query"
APPLY = "alipay.trade.refund.apply"


def state(merchant: Merchant, request: str = "R1") -> dict[str, object]:
    """What the refund query says."""
    content = {"out_trade_no": "SHOP1", "out_request_no": request, "query_options": ["gmt_refund_pay"]}
    return merchant.call(QUERY, content).fields


def test_refund_fee_is_the_sum_of_all_refunds(merchant: Merchant) -> None:
    """Two parts: each moves money, the fee adds up, the trade closes when nothing is left."""
    merchant.pay()
    first, second = merchant.refund(amount="2.34"), merchant.refund(amount="10.00", request="R2")
    assert [(said.fields["fund_change"], said.fields["refund_fee"]) for said in (first, second)] == [
        ("Y", "2.34"),
        ("Y", "12.34"),
    ]
    assert merchant.query().fields["trade_status"] == "TRADE_CLOSED"
    assert Money(1234, "CNY") == merchant.partner.ledger.refunded_total()
    assert merchant.refund(request="R3").code == "ACQ.TRADE_HAS_CLOSE"


def test_a_repeated_refund_moves_nothing(merchant: Merchant) -> None:
    """fund_change=N with the same data, a refusal with other data."""
    merchant.pay()
    merchant.refund()
    assert merchant.refund().fields["fund_change"] == "N"
    assert merchant.refund(amount="2.00").code == "ACQ.DISCORDANT_REPEAT_REQUEST"
    assert len(merchant.partner.ledger.refunds("SHOP1")) == 1


def test_without_a_request_number_only_all_can_be_refunded(merchant: Merchant) -> None:
    """The number is then the trade's own."""
    merchant.pay()
    assert merchant.refund(request=None).code == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert merchant.refund(amount="12.34", request=None).fields["fund_change"] == "Y"
    assert state(merchant, "SHOP1")["refund_status"] == "REFUND_SUCCESS"


def test_what_cannot_be_refunded(merchant: Merchant) -> None:
    """Unknown, unpaid, more than was paid, more than the merchant has."""
    assert merchant.refund().code == "ACQ.TRADE_NOT_EXIST"
    merchant.pay(code=merchant.partner.payer.code(Wallet.CONFIRMS))
    assert merchant.refund().code == "ACQ.TRADE_STATUS_ERROR"
    merchant.partner.payer.confirm("SHOP1")
    assert merchant.refund(amount="12.35").code == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    merchant.partner.fund(99)
    assert merchant.refund().code == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    assert merchant.partner.ledger.refunds() == ()


def test_the_query_of_an_unknown_request_is_nearly_empty(merchant: Merchant) -> None:
    """10000 and nothing else; for an unknown trade a bare TRADE_NOT_EXIST."""
    assert state(merchant).get("sub_code") == "TRADE_NOT_EXIST"
    merchant.pay()
    assert state(merchant) == {"code": "10000", "msg": "Success"}
    merchant.refund()
    assert tuple(
        state(merchant)[name] for name in ("refund_status", "refund_amount", "total_amount", "gmt_refund_pay")
    ) == ("REFUND_SUCCESS", "1.00", "12.34", "2026-11-23 12:00:00")


@pytest.mark.parametrize(("succeed", "status", "refunded"), [(True, "REFUND_SUCCESS", 100), (False, None, 0)])
def test_a_refund_that_takes_its_time(merchant: Merchant, succeed: bool, status: str | None, refunded: int) -> None:
    """fund_change=N and no status until it is finished; a failed one may be tried again."""
    merchant.pay()
    merchant.partner.faults.next(Fault.SLOW_PROCESSING, "alipay.trade.refund")
    said = merchant.refund()
    assert (said.fields["fund_change"], said.fields["refund_fee"]) == ("N", "0.00")
    assert "refund_status" not in state(merchant)
    assert merchant.refund(amount="12.00", request="R2").code == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    assert merchant.partner.process(succeed=succeed) == 1
    assert status == state(merchant).get("refund_status")
    assert Money(refunded, "CNY") == merchant.partner.ledger.refunded_total()
    assert ("N" if succeed else "Y") == merchant.refund().fields["fund_change"]


@pytest.mark.parametrize(("succeed", "status"), [(True, "REFUND_SUCCESS"), (False, "REFUND_FAIL")])
def test_an_asynchronous_refund_says_how_it_stands(merchant: Merchant, succeed: bool, status: str) -> None:
    """refund.apply: REFUND_PROCESSING, then REFUND_SUCCESS or REFUND_FAIL with an error code."""
    merchant.pay()
    content = {"out_trade_no": "SHOP1", "out_request_no": "R1", "refund_amount": "1.00"}
    merchant.partner.faults.next(Fault.SLOW_PROCESSING, APPLY)
    assert merchant.call(APPLY, content).fields["refund_status"] == "REFUND_PROCESSING"
    assert merchant.call(APPLY, content).fields["refund_status"] == "REFUND_PROCESSING"
    assert state(merchant)["refund_status"] == "REFUND_PROCESSING"
    merchant.partner.process(succeed=succeed)
    assert status == state(merchant)["refund_status"]
    assert ("error_code" in state(merchant)) == (not succeed)


def test_an_asynchronous_refund_that_is_quick(merchant: Merchant) -> None:
    """Nothing hinders it: done at once. Its request number is compulsory."""
    merchant.pay()
    content = {"out_trade_no": "SHOP1", "out_request_no": "R1", "refund_amount": "1.00"}
    assert merchant.call(APPLY, content).fields["refund_status"] == "REFUND_SUCCESS"
    assert merchant.call(APPLY, {"out_trade_no": "SHOP1", "refund_amount": "1.00"}).code == "ACQ.INVALID_PARAMETER"
