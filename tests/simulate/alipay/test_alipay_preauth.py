"""The simulator's pre-authorizations: frozen, captured, released, cancelled, asked about."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulate.alipay.merchant import Merchant

from payport.adapters.alipay.simulator import CannotPay, Fault, Wallet
from payport.schemas.money import Money

FREEZE = "alipay.fund.auth.order.freeze"
VOUCHER = "alipay.fund.auth.order.voucher.create"
UNFREEZE = "alipay.fund.auth.order.unfreeze"
CANCEL = "alipay.fund.auth.operation.cancel"
DETAIL = "alipay.fund.auth.operation.detail.query"


def order(**more: object) -> dict[str, object]:
    """The content of a freeze."""
    return {"out_order_no": "HOLD1", "out_request_no": "F1", "order_title": "Deposit", "amount": "100.00", **more}


def freeze(merchant: Merchant, code: str | None = None, **more: object) -> dict[str, Any]:
    """Freeze by a scanned code."""
    auth_code = merchant.partner.payer.code() if code is None else code
    return merchant.call(FREEZE, order(auth_code=auth_code, auth_code_type="bar_code", **more)).fields


def detail(merchant: Merchant, request: str = "F1") -> dict[str, Any]:
    """How one operation stands."""
    return merchant.call(DETAIL, {"out_order_no": "HOLD1", "out_request_no": request}).fields


def unfreeze(merchant: Merchant, auth_no: str, amount: str, request: str = "U1") -> dict[str, Any]:
    """Release."""
    content = {"auth_no": auth_no, "out_request_no": request, "amount": amount, "remark": "over"}
    return merchant.call(UNFREEZE, content).fields


def capture(merchant: Merchant, auth_no: str, amount: str, mode: str = "NOT_COMPLETE", number: str = "CAP1") -> str:
    """Capture; the code of the reply."""
    return merchant.call(
        "alipay.trade.pay", merchant.order(number, amount, auth_no=auth_no, auth_confirm_mode=mode)
    ).code


def test_a_freeze_holds_money_and_charges_nothing(merchant: Merchant) -> None:
    """SUCCESS at once; the sums stand in the detail query; no charge in the ledger."""
    said = freeze(merchant)
    assert said["status"] == "SUCCESS"
    shown = detail(merchant)
    assert tuple(
        shown[name]
        for name in ("order_status", "operation_type", "total_freeze_amount", "rest_amount", "total_pay_amount")
    ) == ("AUTHORIZED", "FREEZE", "100.00", "100.00", "0.00")
    (hold,) = merchant.partner.ledger.holds("HOLD1")
    assert (Money(10_000, "CNY"), Money(10_000, "CNY"), "AUTHORIZED") == (hold.amount, hold.rest, hold.status)
    assert merchant.partner.ledger.charges() == ()


def test_captures_take_from_the_hold_until_it_is_used_up(merchant: Merchant) -> None:
    """Several captures; more than is left is refused; nothing left means FINISH."""
    auth_no = freeze(merchant)["auth_no"]
    assert capture(merchant, auth_no, "40.00") == "10000"
    assert capture(merchant, auth_no, "60.01", number="CAP2") == "ACQ.AUTH_AMOUNT_NOT_ENOUGH"
    assert merchant.query("CAP2").code == "ACQ.TRADE_NOT_EXIST"
    assert capture(merchant, auth_no, "60.00", number="CAP2") == "10000"
    assert tuple(detail(merchant)[name] for name in ("order_status", "rest_amount", "total_pay_amount")) == (
        "FINISH",
        "0.00",
        "100.00",
    )
    assert Money(10_000, "CNY") == merchant.partner.ledger.paid_total()
    assert capture(merchant, auth_no, "1.00", number="CAP3") == "ACQ.TRADE_STATUS_ERROR"
    assert unfreeze(merchant, auth_no, "1.00")["sub_code"] == "ORDER_ALREADY_FINISH"
    assert merchant.call(CANCEL, {"auth_no": auth_no, "out_request_no": "F1"}).code == "ORDER_ALREADY_FINISH"
    assert freeze(merchant)["sub_code"] == "ORDER_ALREADY_FINISH"
    assert detail(merchant, "CAP1")["operation_type"] == "PAY"


def test_a_complete_capture_releases_the_rest(merchant: Merchant) -> None:
    """COMPLETE: what was not captured is free again, and the captured trade can be refunded."""
    auth_no = freeze(merchant)["auth_no"]
    assert capture(merchant, auth_no, "40.00", "COMPLETE") == "10000"
    assert (detail(merchant)["order_status"], detail(merchant)["rest_amount"]) == ("FINISH", "0.00")
    assert merchant.refund("CAP1").fields["fund_change"] == "Y"


@pytest.mark.parametrize(
    ("auth_no", "mode", "code"),
    [
        ("2026", "COMPLETE", "ACQ.TRADE_NOT_EXIST"),
        (None, "SOMETIMES", "ACQ.INVALID_PARAMETER"),
    ],
)
def test_a_capture_that_makes_no_sense(merchant: Merchant, auth_no: str | None, mode: str, code: str) -> None:
    """An unknown hold, an unknown mode."""
    own = str(freeze(merchant)["auth_no"])
    assert code == capture(merchant, auth_no or own, "1.00", mode)


def test_a_capture_is_no_other_trade(merchant: Merchant) -> None:
    """The number of a trade that waits for its payer cannot be captured under; a paid one has been paid."""
    auth_no = freeze(merchant)["auth_no"]
    merchant.pay("CAP1", "1.00", code=merchant.partner.payer.code(Wallet.CONFIRMS))
    assert capture(merchant, auth_no, "1.00") == "ACQ.CONTEXT_INCONSISTENT"
    assert capture(merchant, auth_no, "1.00", number="CAP2") == "10000"
    assert capture(merchant, auth_no, "1.00", number="CAP2") == "ACQ.TRADE_HAS_SUCCESS"


def test_a_release_is_idempotent_by_its_number(merchant: Merchant) -> None:
    """Same number and amount give the same result; other data, or more than is left, are refused."""
    auth_no = freeze(merchant)["auth_no"]
    first = unfreeze(merchant, auth_no, "30.00")
    assert first == unfreeze(merchant, auth_no, "30.00")
    assert unfreeze(merchant, auth_no, "31.00")["sub_code"] == "UNIQUE_VIOLATION"
    assert unfreeze(merchant, auth_no, "70.01", "U2")["sub_code"] == "REQUEST_AMOUNT_EXCEED"
    assert unfreeze(merchant, auth_no, "70.00", "U2")["status"] == "SUCCESS"
    assert (detail(merchant, "U1")["order_status"], detail(merchant, "U1")["remark"]) == ("CLOSED", "over")
    assert unfreeze(merchant, auth_no, "1.00", "U3")["sub_code"] == "ORDER_ALREADY_CLOSED"
    assert freeze(merchant)["sub_code"] == "ORDER_ALREADY_CLOSED"


def test_a_freeze_is_identified_by_both_numbers(merchant: Merchant) -> None:
    """Repeated: FREEZE_ALREADY_SUCCESS; with other data: UNIQUE_VIOLATION."""
    freeze(merchant)
    assert freeze(merchant)["sub_code"] == "FREEZE_ALREADY_SUCCESS"
    assert freeze(merchant, amount="99.00")["sub_code"] == "UNIQUE_VIOLATION"
    assert freeze(merchant, out_request_no="F2")["sub_code"] == "UNIQUE_VIOLATION"


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (Wallet.NO_MONEY.code(1), "MONEY_NOT_ENOUGH"),
        (Wallet.STALE.code(1), "PAYMENT_AUTH_CODE_INVALID"),
        (Wallet.RISKY.code(1), "ACCESS_FORBIDDEN"),
        ("12", "PAYMENT_AUTH_CODE_INVALID"),
    ],
)
def test_a_code_that_cannot_be_frozen(merchant: Merchant, code: str, refusal: str) -> None:
    """No order is left behind."""
    assert refusal == freeze(merchant, code)["sub_code"]
    assert detail(merchant)["sub_code"] == "AUTH_ORDER_NOT_EXIST"


def test_a_freeze_needs_a_kind_of_code(merchant: Merchant) -> None:
    """auth_code_type is bar_code or security_code."""
    said = merchant.call(FREEZE, order(auth_code=merchant.partner.payer.code(), auth_code_type="face"))
    assert said.code == "ILLEGAL_ARGUMENT"


def test_a_freeze_that_waits_for_its_payer(merchant: Merchant) -> None:
    """INIT until the payer agrees; nothing is frozen before."""
    code = merchant.partner.payer.code(Wallet.CONFIRMS)
    assert freeze(merchant, code)["status"] == "INIT"
    assert freeze(merchant, code)["status"] == "INIT"
    assert (detail(merchant)["order_status"], detail(merchant)["total_freeze_amount"]) == ("INIT", "0.00")
    assert merchant.partner.payer.confirm("HOLD1").paid
    assert detail(merchant)["order_status"] == "AUTHORIZED"
    with pytest.raises(CannotPay):
        merchant.partner.payer.confirm("HOLD1")
    with pytest.raises(CannotPay):
        merchant.partner.payer.cancel("HOLD1")


def test_nobody_agrees_in_time(merchant: Merchant) -> None:
    """pay_timeout closes the order, with its operation."""
    freeze(merchant, merchant.partner.payer.code(Wallet.CONFIRMS), pay_timeout="5m")
    merchant.partner.advance(300)
    assert (detail(merchant)["order_status"], detail(merchant)["status"]) == ("CLOSED", "CLOSED")


@pytest.mark.parametrize(("succeed", "status"), [(True, "AUTHORIZED"), (False, "CLOSED")])
def test_a_freeze_that_takes_its_time(merchant: Merchant, succeed: bool, status: str) -> None:
    """Accepted, finished by Alipay later."""
    merchant.partner.faults.next(Fault.SLOW_PROCESSING, FREEZE)
    assert freeze(merchant)["status"] == "INIT"
    assert merchant.partner.process(succeed=succeed) == 1
    assert status == detail(merchant)["order_status"]


def test_a_shown_code_for_a_freeze(merchant: Merchant) -> None:
    """No order before the scan; the same code when asked again; over after its time."""
    code = merchant.call(VOUCHER, order()).fields["code_value"]
    assert code == merchant.call(VOUCHER, order()).fields["code_value"]
    assert detail(merchant)["sub_code"] == "AUTH_ORDER_NOT_EXIST"
    assert merchant.partner.payer.leave(code).number == "HOLD1"
    assert detail(merchant)["order_status"] == "INIT"
    assert merchant.partner.payer.scan(code).paid
    late = merchant.call(VOUCHER, order(out_order_no="HOLD2")).fields["code_value"]
    merchant.partner.advance(15 * 60)
    with pytest.raises(CannotPay):
        merchant.partner.payer.scan(late)


def test_cancelling_an_operation(merchant: Merchant) -> None:
    """close before the payer agreed, unfreeze afterwards, and refused once something was captured."""
    freeze(merchant, merchant.partner.payer.code(Wallet.CONFIRMS))
    wanted = {"out_order_no": "HOLD1", "out_request_no": "F1", "remark": "gone"}
    assert merchant.call(CANCEL, wanted).fields["action"] == "close"
    assert merchant.call(CANCEL, wanted).fields["action"] == "close"
    second = {"out_order_no": "HOLD2", "out_request_no": "F1"}
    freeze(merchant, out_order_no="HOLD2")
    assert merchant.call(CANCEL, second).fields["action"] == "unfreeze"
    assert merchant.call(CANCEL, second).fields["action"] == "unfreeze"
    auth_no = freeze(merchant, out_order_no="HOLD3")["auth_no"]
    capture(merchant, auth_no, "1.00")
    assert merchant.call(CANCEL, {"auth_no": auth_no, "out_request_no": "F1"}).code == "REQUEST_AMOUNT_EXCEED"


def test_the_payer_may_give_a_freeze_up(merchant: Merchant) -> None:
    """Closed before anything was frozen."""
    freeze(merchant, merchant.partner.payer.code(Wallet.CONFIRMS))
    merchant.partner.payer.cancel("HOLD1")
    assert detail(merchant)["order_status"] == "CLOSED"


def test_questions_that_name_nothing(merchant: Merchant) -> None:
    """The order and the operation must both be named, and exist."""
    operation_id = freeze(merchant)["operation_id"]
    table: list[tuple[dict[str, Any], str]] = [
        ({}, "ILLEGAL_ARGUMENT"),
        ({"out_order_no": "HOLD1"}, "ILLEGAL_ARGUMENT"),
        ({"out_order_no": "HOLD1", "out_request_no": "F9"}, "AUTH_OPERATION_NOT_EXIST"),
        ({"auth_no": "1", "out_request_no": "F1"}, "AUTH_ORDER_NOT_EXIST"),
        ({"out_order_no": "HOLD1", "operation_id": operation_id}, "10000"),
    ]
    assert [code for _, code in table] == [merchant.call(DETAIL, content).code for content, _ in table]
