"""Refunds at WeChat Pay: accepted first, carried out later, many of one payment, each once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.simulate.wechatpay.merchant import REFUND, Clock, Merchant

from payport.adapters.wechatpay.simulator import Fault, Quirks, RefundStatus
from payport.schemas.money import Money


def test_accepted_is_not_refunded(merchant: Merchant) -> None:
    """200 PROCESSING; the money is back some minutes later, and the order says REFUND from the beginning."""
    transaction_id = merchant.paid()
    said = merchant.refund()
    assert (200, "PROCESSING", transaction_id) == (
        said.status,
        said.fields["status"],
        said.fields["transaction_id"],
    )
    assert merchant.query().fields["trade_state"] == "REFUND"
    assert merchant.partner.ledger.refunds() == ()
    merchant.partner.advance(5 * 60)
    after = merchant.refunded().fields
    assert (after["status"], after["success_time"]) == ("SUCCESS", "2026-11-23T12:05:00+08:00")
    [row] = merchant.partner.ledger.refunds("SHOP01")
    assert ("R1", Money(100, "CNY")) == (row.out_refund_no, row.amount)


@pytest.mark.parametrize(
    ("succeed", "status", "money_back", "event"),
    [(True, "SUCCESS", 100, "REFUND.SUCCESS"), (False, "CLOSED", 0, "REFUND.CLOSED")],
)
def test_a_refund_ends_when_told_to(
    merchant: Merchant, succeed: bool, status: str, money_back: int, event: str
) -> None:
    """And the merchant is told."""
    merchant.paid()
    merchant.refund(notify_url="https://shop.example/refunds")
    assert merchant.partner.process(succeed=succeed) == 1
    assert merchant.refunded().fields["status"] == status
    assert Money(money_back, "CNY") == merchant.partner.ledger.refunded_total()
    told = merchant.told(merchant.partner.notices[-1])
    assert (event, status, "R1", 1234, 100) == (
        told["event_type"],
        told["refund_status"],
        told["out_refund_no"],
        told["amount"]["total"],
        told["amount"]["refund"],
    )
    assert merchant.partner.process() == 0


def test_a_slow_refund_waits_however_long(merchant: Merchant) -> None:
    """Until it is told to go on."""
    merchant.paid()
    merchant.partner.faults.next(Fault.SLOW_PROCESSING)
    merchant.refund()
    merchant.partner.advance(86400)
    assert merchant.refunded().fields["status"] == "PROCESSING"
    merchant.partner.process()
    assert merchant.refunded().fields["status"] == "SUCCESS"


def test_an_abnormal_refund_is_not_over(merchant: Merchant) -> None:
    """The merchant is told; it can still be carried out, but not once the money is back."""
    merchant.paid()
    merchant.refund()
    merchant.partner.move_refund("R1")
    assert (
        merchant.told(merchant.partner.notices[-1])["event_type"],
        merchant.refunded().fields["status"],
    ) == ("REFUND.ABNORMAL", "ABNORMAL")
    merchant.partner.move_refund("R1", RefundStatus.PROCESSING)
    merchant.partner.move_refund("R1", RefundStatus.SUCCESS)
    with pytest.raises(ValueError, match="the money is back"):
        merchant.partner.move_refund("R1", RefundStatus.CLOSED)
    with pytest.raises(KeyError):
        merchant.partner.move_refund("R9")


def test_the_same_number_refunds_once(merchant: Merchant) -> None:
    """With other content it is refused."""
    merchant.paid()
    merchant.paid("SHOP02")
    first, again = merchant.refund(), merchant.refund()
    assert first.fields == again.fields
    others = [
        merchant.refund(refund=101),
        merchant.refund(reason="late"),
        merchant.refund("SHOP02"),
    ]
    assert [one.code for one in others] == ["INVALID_REQUEST"] * 3
    merchant.partner.process()
    assert Money(100, "CNY") == merchant.partner.ledger.refunded_total()


def test_a_closed_refund_is_tried_again_under_its_number(merchant: Merchant) -> None:
    """It keeps WeChat's number as well."""
    merchant.paid()
    first = merchant.refund()
    merchant.partner.process(succeed=False)
    again = merchant.refund()
    assert ("PROCESSING", first.fields["refund_id"]) == (again.fields["status"], again.fields["refund_id"])


def test_many_parts_but_never_more_than_was_paid(merchant: Merchant) -> None:
    """What is on its way counts; fifty parts at most."""
    merchant.paid()
    for index in range(50):
        assert merchant.refund(refund=10, request=f"P{index}").status == 200
    assert merchant.refund(refund=10, request="P50").code == "INVALID_REQUEST"
    merchant.paid("SHOP02")
    assert merchant.refund("SHOP02", 1200, "Q1").status == 200
    assert merchant.refund("SHOP02", 35, "Q2").code == "INVALID_REQUEST"
    assert merchant.refund("SHOP02", 34, "Q3").status == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"out_trade_no": None}, 400, "PARAM_ERROR"),
        ({"transaction_id": "1" * 28}, 400, "PARAM_ERROR"),
        ({"out_trade_no": None, "transaction_id": "1" * 28}, 404, "RESOURCE_NOT_EXISTS"),
        ({"out_trade_no": None, "transaction_id": "12"}, 500, "INVALID_TRANSACTIONID"),
        ({"out_trade_no": "SHOP99"}, 404, "RESOURCE_NOT_EXISTS"),
        ({"out_trade_no": "SHOP02"}, 400, "INVALID_REQUEST"),
        ({"out_refund_no": "R 1"}, 400, "PARAM_ERROR"),
        ({"amount": {"refund": 100, "total": 1233, "currency": "CNY"}}, 400, "INVALID_REQUEST"),
        ({"amount": {"refund": 100, "total": 1234}}, 400, "PARAM_ERROR"),
        ({"amount": {"refund": 0, "total": 1234, "currency": "CNY"}}, 400, "PARAM_ERROR"),
        ({"sub_mchid": "1900000110"}, 400, "PARAM_ERROR"),
    ],
)
def test_a_refund_that_cannot_be(merchant: Merchant, change: dict[str, object], status: int, code: str) -> None:
    """Exactly one number of the payment, its true total, a payment that was paid."""
    merchant.paid()
    merchant.native("SHOP02")
    body: dict[str, object] = {
        "out_trade_no": "SHOP01",
        "out_refund_no": "R1",
        "amount": {"refund": 100, "total": 1234, "currency": "CNY"},
        **change,
    }
    said = merchant.call("POST", REFUND, {name: value for name, value in body.items() if value is not None})
    assert (status, code) == (said.status, said.code)
    assert merchant.refunded().code == "RESOURCE_NOT_EXISTS"


def test_the_merchants_balance_must_cover_it(merchant: Merchant) -> None:
    """The same number succeeds once there is money."""
    merchant.paid()
    merchant.partner.fund(99)
    assert (merchant.refund().status, merchant.refund().code) == (403, "NOT_ENOUGH")
    merchant.partner.fund(100)
    assert merchant.refund().status == 200
    merchant.codepay("SHOP02")
    merchant.partner.fund(0)
    assert merchant.reverse("SHOP02").code == "NOT_ENOUGH"


def test_a_year_later_it_is_too_late(merchant: Merchant, clock: Clock) -> None:
    """365 days after the payment."""
    merchant.paid()
    clock.now += timedelta(days=365, seconds=1)
    assert merchant.refund().code == "INVALID_REQUEST"


def test_a_reversed_payment_is_not_refunded_as_well(merchant: Merchant) -> None:
    """And what was refunded before is not given back by the reverse again."""
    merchant.codepay()
    merchant.refund(refund=234)
    merchant.partner.process()
    merchant.reverse()
    assert merchant.refund(refund=1, request="R2").code == "INVALID_REQUEST"
    assert merchant.partner.ledger.paid_total() == merchant.partner.ledger.refunded_total()


def test_refunds_can_be_final_at_once(merchant: Merchant) -> None:
    """A quirk that some merchants see."""
    merchant.partner.quirks = Quirks(instant_refunds=True)
    merchant.paid()
    assert merchant.refund().fields["status"] == "SUCCESS"
    assert merchant.partner.quirks.instant_refunds
