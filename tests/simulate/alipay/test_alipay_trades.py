"""The simulator's trades: states, identity of out_trade_no, expiry, close and cancel."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.simulate.alipay.merchant import Clock, Merchant

from payport.adapters.alipay.simulator import CannotPay, Wallet
from payport.schemas.money import Money

CREATE = "alipay.trade.create"


def test_a_code_that_nobody_scanned_is_no_trade(merchant: Merchant) -> None:
    """Before the scan a query knows nothing and close closes nothing: the code can still be paid."""
    code = merchant.precreate()
    assert merchant.query().code == "ACQ.TRADE_NOT_EXIST"
    assert merchant.call("alipay.trade.close", {"out_trade_no": "SHOP1"}).code == "ACQ.TRADE_NOT_EXIST"
    assert "action" not in merchant.call("alipay.trade.cancel", {"out_trade_no": "SHOP1"}).fields
    assert merchant.partner.payer.scan(code).paid
    assert [Money(1234, "CNY")] == [charge.amount for charge in merchant.partner.ledger.charges("SHOP1")]


def test_a_scanned_code_waits_then_is_paid_once(merchant: Merchant) -> None:
    """OFFERED, WAIT_BUYER_PAY, TRADE_SUCCESS; a second scan is turned away."""
    code = merchant.precreate()
    assert merchant.partner.ledger.trade_status("SHOP1") == ""
    merchant.partner.payer.leave(code)
    assert merchant.query().fields["trade_status"] == "WAIT_BUYER_PAY"
    assert "send_pay_date" not in merchant.query().fields
    merchant.partner.payer.pay("SHOP1")
    said = merchant.query()
    assert (
        said.fields["trade_status"],
        said.fields["total_amount"],
        said.fields["send_pay_date"],
    ) == ("TRADE_SUCCESS", "12.34", "2026-11-23 12:00:00")
    with pytest.raises(CannotPay):
        merchant.partner.payer.scan(code)
    assert Money(1234, "CNY") == merchant.partner.ledger.paid_total()


def test_asking_for_a_code_again_gives_the_same_code(merchant: Merchant) -> None:
    """out_trade_no is the identity; other data is refused."""
    assert merchant.precreate() == merchant.precreate()
    assert merchant.call("alipay.trade.precreate", merchant.order(amount="12.35")).code == "ACQ.CONTEXT_INCONSISTENT"
    other = {**merchant.order(), "subject": "Coffee"}
    assert merchant.call("alipay.trade.precreate", other).code == "ACQ.CONTEXT_INCONSISTENT"


def test_a_code_lives_two_hours_unless_told_otherwise(merchant: Merchant) -> None:
    """An old code can be neither paid nor had again; a longer life is honoured."""
    old, young = merchant.precreate("OLD1"), merchant.precreate("NEW1", qr_code_timeout_express="1d")
    merchant.partner.advance(2 * 3600)
    assert merchant.call("alipay.trade.precreate", merchant.order("OLD1")).code == "ACQ.APPLY_PC_MERCHANT_CODE_ERROR"
    with pytest.raises(CannotPay):
        merchant.partner.payer.scan(old)
    assert merchant.partner.payer.scan(young).paid


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        ({"time_expire": "2026-11-23 12:10:00"}, 600),
        ({"time_expire": "2026-11-23 12:10", "timeout_express": "1d"}, 600),
        ({"timeout_express": "10m"}, 600),
        ({"timeout_express": "2h"}, 7200),
        ({"timeout_express": "1c"}, 12 * 3600),
        ({}, 3 * 3600),
    ],
)
def test_an_unpaid_trade_closes_when_its_time_is_over(merchant: Merchant, life: dict[str, str], seconds: int) -> None:
    """time_expire wins over timeout_express; three hours otherwise for scanned codes."""
    assert merchant.pay(code=Wallet.CONFIRMS.code(1), **life).code == "10003"
    merchant.partner.advance(seconds - 1)
    assert merchant.query().fields["trade_status"] == "WAIT_BUYER_PAY"
    merchant.partner.advance(1)
    assert merchant.query().fields["trade_status"] == "TRADE_CLOSED"
    with pytest.raises(CannotPay):
        merchant.partner.payer.confirm("SHOP1")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"out_trade_no": None}, "ACQ.INVALID_PARAMETER"),
        ({"out_trade_no": "A-1"}, "ACQ.INVALID_PARAMETER"),
        ({"out_trade_no": "A" * 65}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": None}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "0.00"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "1.234"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "1e3"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "-1.00"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "100000000.01"}, "ACQ.INVALID_PARAMETER"),
        ({"total_amount": "100000000.00"}, "10000"),
        ({"total_amount": "1"}, "10000"),
        ({"subject": None}, "ACQ.INVALID_PARAMETER"),
        ({"subject": {"nested": 1}}, "ACQ.INVALID_PARAMETER"),
        ({"time_expire": "soon"}, "ACQ.INVALID_PARAMETER"),
        ({"time_expire": "2026-11-23 12:00:00"}, "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR"),
        ({"timeout_express": "16d"}, "ACQ.INVALID_PARAMETER"),
        ({"timeout_express": "0m"}, "ACQ.INVALID_PARAMETER"),
    ],
)
def test_what_an_order_may_say(merchant: Merchant, change: dict[str, object], code: str) -> None:
    """References, amounts and times outside the limits are refused."""
    assert code == merchant.call("alipay.trade.precreate", {**merchant.order(), **change}).code


def test_a_code_pays_at_once(merchant: Merchant) -> None:
    """Code 10000 with the amount, once: a repetition hears that it was paid."""
    said = merchant.pay()
    assert (said.code, said.fields["total_amount"]) == ("10000", "12.34")
    assert said.fields["fund_bill_list"] == [{"amount": "12.34", "fund_channel": "ALIPAYACCOUNT"}]
    assert merchant.pay().code == "ACQ.TRADE_HAS_SUCCESS"
    assert merchant.call("alipay.trade.precreate", merchant.order()).code == "ACQ.TRADE_HAS_SUCCESS"
    assert len(merchant.partner.ledger.charges("SHOP1")) == 1


def test_a_code_that_asks_for_confirmation(merchant: Merchant) -> None:
    """Code 10003; the same code may be sent again; the payer confirms on the phone."""
    code = merchant.partner.payer.code(Wallet.CONFIRMS)
    assert merchant.pay(code=code).code == "10003"
    assert merchant.pay(code=code).code == "10003"
    assert merchant.partner.payer.confirm("SHOP1").paid
    assert merchant.query().fields["trade_status"] == "TRADE_SUCCESS"


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (Wallet.NO_MONEY.code(1), "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        (Wallet.STALE.code(1), "ACQ.PAYMENT_AUTH_CODE_INVALID"),
        (Wallet.RISKY.code(1), "ACQ.PAYMENT_REQUEST_HAS_RISK"),
        ("1234", "ACQ.PAYMENT_AUTH_CODE_INVALID"),
        ("289000000000000001", "10000"),
        ("300000000000000001", "10000"),
    ],
)
def test_what_stands_behind_a_code(merchant: Merchant, code: str, refusal: str) -> None:
    """A refused code leaves no trade behind: a new code may be tried under the same number."""
    assert refusal == merchant.pay(code=code).code
    if refusal != "10000":
        assert merchant.query().code == "ACQ.TRADE_NOT_EXIST"
        assert merchant.pay().code == "10000"


def test_a_code_is_good_once(merchant: Merchant) -> None:
    """A second order cannot be paid with the same code."""
    code = merchant.partner.payer.code()
    assert merchant.pay("SHOP1", code=code).code == "10000"
    assert merchant.pay("SHOP2", code=code).code == "ACQ.PAYMENT_AUTH_CODE_INVALID"


def test_a_waiting_trade_is_paid_with_another_code(merchant: Merchant) -> None:
    """An unpaid trade pays again with the new code; other data is refused."""
    merchant.pay(code=merchant.partner.payer.code(Wallet.CONFIRMS))
    assert merchant.pay(amount="12.00").code == "ACQ.CONTEXT_INCONSISTENT"
    assert merchant.pay().code == "10000"
    assert len(merchant.partner.ledger.charges()) == 1


def test_a_scanned_code_needs_a_scene(merchant: Merchant) -> None:
    """scene is bar_code or security_code."""
    content = merchant.order(scene="camera", auth_code=merchant.partner.payer.code())
    assert merchant.call("alipay.trade.pay", content).code == "ACQ.INVALID_PARAMETER"


def test_a_mini_program_trade_waits_for_its_buyer(merchant: Merchant) -> None:
    """A trade exists at once; without a buyer there is none."""
    assert merchant.call(CREATE, merchant.order()).code == "ACQ.INVALID_PARAMETER"
    said = merchant.call(CREATE, merchant.order(buyer_id="2088102100000001"))
    again = merchant.call(CREATE, merchant.order(buyer_id="2088102100000001"))
    assert said.fields["trade_no"] == again.fields["trade_no"]
    assert (
        merchant.call("alipay.trade.query", {"trade_no": said.fields["trade_no"]}).fields["trade_status"]
        == "WAIT_BUYER_PAY"
    )


def test_close_ends_what_waits_and_nothing_else(merchant: Merchant) -> None:
    """WAIT_BUYER_PAY closes; a closed or paid trade does not; nothing can be paid afterwards."""
    merchant.pay(code=merchant.partner.payer.code(Wallet.CONFIRMS))
    close = {"out_trade_no": "SHOP1"}
    assert merchant.call("alipay.trade.close", close).code == "10000"
    assert merchant.query().fields["trade_status"] == "TRADE_CLOSED"
    assert merchant.call("alipay.trade.close", close).code == "ACQ.TRADE_STATUS_ERROR"
    assert merchant.pay().code == "ACQ.TRADE_HAS_CLOSE"
    merchant.pay("SHOP2")
    assert merchant.call("alipay.trade.close", {"out_trade_no": "SHOP2"}).code == "ACQ.TRADE_STATUS_ERROR"
    assert merchant.call("alipay.trade.close", {}).code == "ACQ.INVALID_PARAMETER"


def test_cancel_says_what_it_did(merchant: Merchant) -> None:
    """close for what waits, refund for what was paid, no action for what there is not; the same when repeated."""
    merchant.pay("WAIT1", code=merchant.partner.payer.code(Wallet.CONFIRMS))
    merchant.pay("PAID1")
    for _ in range(2):
        actions = [
            merchant.call("alipay.trade.cancel", {"out_trade_no": no}).fields for no in ("WAIT1", "PAID1", "NO1")
        ]
        assert [fields.get("action") for fields in actions] == ["close", "refund", None]
        assert [fields["retry_flag"] for fields in actions] == ["N"] * 3
    assert [("PAID1", "PAID1", Money(1234, "CNY"))] == [
        (refund.out_trade_no, refund.out_request_no, refund.amount) for refund in merchant.partner.ledger.refunds()
    ]
    assert merchant.query("PAID1").fields["trade_status"] == "TRADE_CLOSED"
    assert merchant.call("alipay.trade.cancel", {}).code == "ACQ.INVALID_PARAMETER"


def test_a_reversal_gives_back_what_is_left(merchant: Merchant) -> None:
    """After a partial refund under the trade's own number the reversal gets another number."""
    merchant.pay()
    merchant.refund(request="SHOP1")
    assert merchant.call("alipay.trade.cancel", {"out_trade_no": "SHOP1"}).fields["action"] == "refund"
    assert Money(1234, "CNY") == merchant.partner.ledger.refunded_total()


def test_cancel_on_another_day_is_too_late(merchant: Merchant, clock: Clock) -> None:
    """Paid yesterday in China: refund instead. Unless the money cannot be had, or the trade is finished."""
    merchant.pay()
    merchant.partner.fund(0)
    assert merchant.call("alipay.trade.cancel", {"out_trade_no": "SHOP1"}).code == "ACQ.SELLER_BALANCE_NOT_ENOUGH"
    merchant.partner.fund(10**8)
    clock.now += timedelta(hours=12)
    assert merchant.call("alipay.trade.cancel", {"out_trade_no": "SHOP1"}).code == "ACQ.TRADE_CANCEL_TIME_OUT"


def test_a_payment_is_finished_after_a_year(merchant: Merchant) -> None:
    """TRADE_FINISHED: still paid, no refund, no cancel."""
    merchant.pay()
    merchant.partner.advance(365 * 86_400)
    assert merchant.query().fields["trade_status"] == "TRADE_FINISHED"
    assert merchant.refund().code == "ACQ.TRADE_HAS_FINISHED"
    assert merchant.call("alipay.trade.cancel", {"out_trade_no": "SHOP1"}).code == "ACQ.TRADE_HAS_FINISHED"
    assert merchant.pay().code == "ACQ.TRADE_HAS_SUCCESS"


def test_what_the_order_said_comes_back(merchant: Merchant) -> None:
    """body and passback_params are repeated, and the money's source when asked for."""
    merchant.pay(body="two cups", passback_params="a%3D1")
    said = merchant.call("alipay.trade.query", {"out_trade_no": "SHOP1", "query_options": ["fund_bill_list"]})
    assert (said.fields["body"], said.fields["passback_params"]) == ("two cups", "a%3D1")
    assert "fund_bill_list" in said.fields
    assert merchant.partner.ledger.trade_status("NONE") is None
