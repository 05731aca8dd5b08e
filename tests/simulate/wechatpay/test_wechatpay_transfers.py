"""Transfers at WeChat Pay: accepted, confirmed by the payee, cancelled, failed."""

from __future__ import annotations

import pytest
from tests.simulate.wechatpay.merchant import BILL, BILLS, Merchant

from payport.adapters.wechatpay.simulator import CannotPay, Fault, TransferState
from payport.schemas.actions import AppParameters
from payport.schemas.money import Money


def make(merchant: Merchant, number: str = "PAYOUT1", amount: int = 500, **more: object) -> dict[str, object]:
    """A transfer that was taken."""
    said = merchant.call("POST", BILLS, merchant.transfer(number, amount, **more))
    assert said.status == 200, said.fields
    return said.fields


def state(merchant: Merchant, number: str = "PAYOUT1") -> str:
    """WeChat's word for it."""
    return str(merchant.call("GET", BILL.format(out_bill_no=number)).fields["state"])


def test_a_transfer_waits_for_its_payee_and_arrives(merchant: Merchant) -> None:
    """The answer has what the payee's page is opened with; a query never has it, a repetition has it again."""
    made = make(merchant, notify_url="https://shop.example/transfers")
    assert (made["state"], made["create_time"]) == ("WAIT_USER_CONFIRM", "2026-11-23T12:00:00.000+08:00")
    assert made == make(merchant, notify_url="https://shop.example/transfers")
    queried = merchant.call("GET", BILL.format(out_bill_no="PAYOUT1")).fields
    by_number = merchant.call("GET", f"{BILLS}/transfer-bill-no/{made['transfer_bill_no']}").fields
    assert queried == by_number
    assert "package_info" not in queried
    assert (queried["transfer_amount"], queried["mch_id"]) == (500, "1900000109")
    fields = {"mchId": "1900000109", "appId": merchant.account.appid, "package": str(made["package_info"])}
    assert merchant.partner.payer.open(AppParameters(payload="", fields=fields)).number == "PAYOUT1"
    assert state(merchant) == "SUCCESS"
    [row] = merchant.partner.ledger.transfers("PAYOUT1")
    assert ("SUCCESS", Money(500, "CNY")) == (row.status, row.amount)
    told = merchant.told(merchant.partner.notices[-1])
    assert (
        told["event_type"],
        told["state"],
        told["transfer_amount"],
    ) == ("MCHTRANSFER.BILL.FINISHED", "SUCCESS", 500)


def test_a_slow_transfer_is_accepted_first(merchant: Merchant) -> None:
    """Nothing to confirm yet."""
    merchant.partner.faults.next(Fault.SLOW_PROCESSING, f"POST {BILLS}")
    made = make(merchant)
    assert made["state"] == "ACCEPTED"
    assert "package_info" not in made
    with pytest.raises(CannotPay, match="ACCEPTED"):
        merchant.partner.payer.confirm("PAYOUT1")
    merchant.partner.process()
    assert state(merchant) == "WAIT_USER_CONFIRM"
    assert "package_info" in make(merchant)
    merchant.partner.payer.confirm("PAYOUT1")
    assert state(merchant) == "SUCCESS"


def test_who_does_not_confirm_within_a_day_gets_nothing(merchant: Merchant) -> None:
    """FAIL, OVERDUE_CLOSE, and the money is back with the merchant."""
    balance = merchant.partner.ledger.entries
    make(merchant)
    merchant.partner.advance(24 * 3600)
    queried = merchant.call("GET", BILL.format(out_bill_no="PAYOUT1")).fields
    assert (queried["state"], queried["fail_reason"]) == ("FAIL", "OVERDUE_CLOSE")
    assert [entry.amount_minor for entry in balance()] == [-500, 500]
    assert make(merchant)["fail_reason"] == "OVERDUE_CLOSE"


def test_a_cancel_is_accepted_first_and_done_a_minute_later(merchant: Merchant) -> None:
    """Before the payee confirms; afterwards it is refused."""
    make(merchant)
    target = f"{BILL.format(out_bill_no='PAYOUT1')}/cancel"
    said, again = merchant.call("POST", target), merchant.call("POST", target)
    assert (said.fields["state"], again.fields["state"]) == ("CANCELING", "CANCELING")
    with pytest.raises(CannotPay, match="CANCELING"):
        merchant.partner.payer.confirm("PAYOUT1")
    merchant.partner.advance(60)
    assert state(merchant) == "CANCELLED"
    assert merchant.call("POST", target).fields["state"] == "CANCELLED"
    make(merchant, "PAYOUT2")
    merchant.partner.payer.confirm("PAYOUT2")
    refused = merchant.call("POST", f"{BILL.format(out_bill_no='PAYOUT2')}/cancel")
    assert (refused.status, refused.code) == (400, "INVALID_REQUEST")


def test_a_slow_cancel_waits_however_long(merchant: Merchant) -> None:
    """Until it is told to go on."""
    make(merchant)
    merchant.partner.faults.next(Fault.SLOW_PROCESSING)
    merchant.call("POST", f"{BILL.format(out_bill_no='PAYOUT1')}/cancel")
    merchant.partner.advance(3600)
    assert state(merchant) == "CANCELING"
    merchant.partner.process()
    assert state(merchant) == "CANCELLED"


def test_the_same_number_sends_once(merchant: Merchant) -> None:
    """With other content it is refused; the encrypted name may look different, but must say the same."""
    merchant.download()
    serial = next(iter(merchant.certificates))

    def named(name: str, amount: int = 500) -> str:
        body = merchant.transfer("PAYOUT1", amount, user_name=merchant.encrypt(name, serial))
        return merchant.call("POST", BILLS, body, wechatpay_serial=serial).code

    assert [
        named("张三"),
        named("张三"),
        named("李四"),
        named("张三", 501),
    ] == ["", "", "INVALID_REQUEST", "INVALID_REQUEST"]
    assert [entry.amount_minor for entry in merchant.partner.ledger.entries()] == [-500]


def test_another_name_than_the_payees_fails(merchant: Merchant) -> None:
    """Known only after the transfer was taken."""
    partner = merchant.partner
    merchant.download()
    serial = next(iter(merchant.certificates))
    partner.name_payee("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "张三")
    body = merchant.transfer(user_name=merchant.encrypt("李四", serial))
    said = merchant.call("POST", BILLS, body, wechatpay_serial=serial)
    assert (said.fields["state"], said.fields["fail_reason"]) == ("FAIL", "NAME_NOT_CORRECT")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"out_bill_no": "PAYOUT-1"}, 400, "PARAM_ERROR"),
        ({"out_bill_no": "P" * 33}, 400, "PARAM_ERROR"),
        ({"transfer_amount": 0}, 400, "PARAM_ERROR"),
        ({"transfer_amount": 200_000}, 400, "PARAM_ERROR"),
        ({"transfer_amount": 100_000_001, "user_name": "known"}, 403, "NOT_ENOUGH"),
        ({"transfer_amount": 29, "user_name": "known"}, 400, "PARAM_ERROR"),
        ({"transfer_remark": "x" * 33}, 400, "PARAM_ERROR"),
        ({"transfer_scene_report_infos": []}, 400, "PARAM_ERROR"),
        ({"transfer_scene_report_infos": [{"info_type": "x"}]}, 400, "PARAM_ERROR"),
        ({"appid": "wx0"}, 400, "APPID_MCHID_NOT_MATCH"),
    ],
)
def test_a_transfer_that_cannot_be(merchant: Merchant, change: dict[str, object], status: int, code: str) -> None:
    """A name from 2000 yuan up and none below 0.30, what the scene demands, enough money."""
    merchant.download()
    serial = next(iter(merchant.certificates))
    if "user_name" in change:
        change = {**change, "user_name": merchant.encrypt("张三", serial)}
    said = merchant.call("POST", BILLS, {**merchant.transfer(), **change}, wechatpay_serial=serial)
    assert (status, code) == (said.status, said.code)
    assert merchant.partner.ledger.transfers() == ()


def test_a_transfer_that_nobody_knows_is_not_found(merchant: Merchant) -> None:
    """Nor is one after thirty days."""
    make(merchant)
    merchant.partner.payer.confirm("PAYOUT1")
    targets = [("GET", BILL.format(out_bill_no="PAYOUT9")), ("POST", f"{BILL.format(out_bill_no='PAYOUT9')}/cancel")]
    assert [(said.status, said.code) for said in (merchant.call(method, target) for method, target in targets)] == [
        (404, "NOT_FOUND")
    ] * 2
    merchant.partner.advance(30 * 86400 + 1)
    assert merchant.call("GET", BILL.format(out_bill_no="PAYOUT1")).code == "NOT_FOUND"


def test_a_transfer_moves_by_itself_until_its_end(merchant: Merchant) -> None:
    """To any state, with any reason; then no further."""
    make(merchant)
    merchant.partner.move_transfer("PAYOUT1", TransferState.TRANSFERING)
    assert state(merchant) == "TRANSFERING"
    merchant.partner.process(succeed=False)
    assert state(merchant) == "FAIL"
    make(merchant, "PAYOUT2")
    merchant.partner.move_transfer("PAYOUT2", reason="ACCOUNT_FROZEN")
    assert merchant.call("GET", BILL.format(out_bill_no="PAYOUT2")).fields["fail_reason"] == "ACCOUNT_FROZEN"
    with pytest.raises(ValueError, match="that is final"):
        merchant.partner.move_transfer("PAYOUT2", TransferState.SUCCESS)


def test_a_payees_page_opens_for_its_own_merchant_only(merchant: Merchant) -> None:
    """And for a transfer that there is."""
    made = make(merchant)
    for fields, why in (
        ({"mchId": "1", "package": str(made["package_info"])}, "another merchant"),
        ({"mchId": "1900000109", "package": "x"}, "no such transfer"),
    ):
        with pytest.raises(CannotPay, match=why):
            merchant.partner.payer.open(AppParameters(payload="", fields=fields))
