"""Notices are signed like Alipay's, tell what Alipay tells, and are delivered until the answer is ``success``."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from threading import Event
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from tests.simulate.alipay.merchant import Merchant

from payport.adapters.alipay.forms import notice_is_authentic, parse_form
from payport.adapters.alipay.simulator import AlipaySimulator, Fault, Wallet
from payport.schemas.events import Acknowledgement, RawNotification
from payport.sdk.keys import PublicKey

SUCCESS = Acknowledgement(status=200, content_type="text/plain", body=b"success")


def fields(raw: RawNotification, charset: str = "utf-8") -> dict[str, str]:
    """A notice's fields, read with nothing of the library's own."""
    return dict(parse_qsl(raw.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding=charset))


def check(merchant: Merchant, raw: RawNotification, *, without: tuple[str, ...] = ("sign", "sign_type")) -> None:
    """The signature by hand (rule V1 unless told otherwise), and by the library."""
    found = fields(raw, "gbk" if b"charset=gbk" in raw.body else "utf-8")
    text = "&".join(f"{name}={value}" for name, value in sorted(found.items()) if name not in without)
    merchant.key.verify(base64.b64decode(found["sign"]), text.encode(found["charset"]), PKCS1v15(), SHA256())
    assert notice_is_authentic(parse_form(raw.body), [PublicKey(merchant.key)])


def test_a_payment_is_told_once(merchant: Merchant) -> None:
    """TRADE_SUCCESS with what the order said; waiting and closing are not told by default."""
    merchant.precreate(passback_params="a%3D1+b")
    merchant.partner.payer.scan(merchant.precreate(passback_params="a%3D1+b"))
    (raw,) = merchant.partner.notices
    check(merchant, raw)
    said = fields(raw)
    assert tuple(
        said[name] for name in ("notify_type", "trade_status", "total_amount", "subject", "passback_params")
    ) == ("trade_status_sync", "TRADE_SUCCESS", "12.34", "茶 Tea", "a%3D1+b")
    assert (merchant.account.app_id, merchant.account.seller_id) == (said["app_id"], said["seller_id"])
    assert json.loads(said["fund_bill_list"]) == [{"amount": "12.34", "fundChannel": "ALIPAYACCOUNT"}]


def test_refunds_are_told_as_alipay_tells_them(merchant: Merchant) -> None:
    """A partial refund repeats TRADE_SUCCESS with the cumulative fee; a full one says TRADE_CLOSED when switched on."""
    merchant.partner.notices.statuses |= {"TRADE_CLOSED"}
    merchant.pay()
    merchant.refund()
    merchant.refund(amount="11.34", request="R2")
    paid, part, full = (fields(raw) for raw in merchant.partner.notices)
    assert "refund_fee" not in paid
    assert (part["trade_status"], part["refund_fee"], part["out_biz_no"]) == ("TRADE_SUCCESS", "1.00", "R1")
    assert (full["trade_status"], full["refund_fee"], full["out_biz_no"]) == ("TRADE_CLOSED", "12.34", "R2")
    assert len({said["notify_id"] for said in (paid, part, full)}) == 3


@pytest.mark.parametrize(("statuses", "told"), [(frozenset[str](), 0), (frozenset({"TRADE_CLOSED"}), 1)])
def test_closing_is_told_when_switched_on(merchant: Merchant, statuses: frozenset[str], told: int) -> None:
    """Off by default."""
    merchant.partner.notices.statuses |= statuses
    merchant.pay(code=merchant.partner.payer.code(Wallet.CONFIRMS))
    merchant.partner.payer.cancel("SHOP1")
    assert told == len(merchant.partner.notices)


def test_notices_speak_the_orders_charset() -> None:
    """GBK when the order was made in GBK."""
    merchant = Merchant(AlipaySimulator(charset="gbk"))
    merchant.pay()
    (raw,) = merchant.partner.notices
    check(merchant, raw)
    assert fields(raw, "gbk")["subject"] == "茶 Tea"


def test_freezes_and_releases_are_told(merchant: Merchant) -> None:
    """fund_auth_freeze, then fund_auth_unfreeze, with the sums."""
    content = {"out_order_no": "HOLD1", "out_request_no": "F1", "order_title": "Deposit", "amount": "100.00"}
    code = {"auth_code": merchant.partner.payer.code(), "auth_code_type": "bar_code"}
    held = merchant.call("alipay.fund.auth.order.freeze", {**content, **code}).fields
    release = {"auth_no": held["auth_no"], "out_request_no": "U1", "amount": "30.00", "remark": "x"}
    merchant.call("alipay.fund.auth.order.unfreeze", release)
    for raw in merchant.partner.notices:
        check(merchant, raw)
    freeze, unfreeze = (fields(raw) for raw in merchant.partner.notices)
    assert (freeze["notify_type"], freeze["rest_amount"]) == ("fund_auth_freeze", "100.00")
    assert (
        unfreeze["notify_type"],
        unfreeze["rest_amount"],
        unfreeze["total_unfreeze_amount"],
    ) == ("fund_auth_unfreeze", "70.00", "30.00")


def test_transfers_are_told_through_the_application_gateway(certified: AlipaySimulator) -> None:
    """msg_method and biz_content, signed by rule V2: only ``sign`` is left out."""
    merchant = Merchant(certified)
    content = {
        "out_biz_no": "OUT1",
        "trans_amount": "5.00",
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "order_title": "Wages",
        "payee_info": {"identity_type": "ALIPAY_USER_ID", "identity": "2088102100000002"},
    }
    certified.faults.next(Fault.SLOW_PROCESSING)
    merchant.call("alipay.fund.trans.uni.transfer", content)
    assert len(certified.notices) == 0
    certified.process()
    certified.move_transfer("OUT1")
    for raw in certified.notices:
        check(merchant, raw, without=("sign",))
    told = [fields(raw) for raw in certified.notices]
    assert [json.loads(said["biz_content"])["status"] for said in told] == ["SUCCESS", "REFUND"]
    assert {"alipay.fund.trans.order.changed"} == {said["msg_method"] for said in told}


def test_notices_can_be_held_back_repeated_and_shuffled(merchant: Merchant) -> None:
    """The same seed gives the same order; a copy has the same id."""
    merchant.partner.hold_notices()
    for number in range(5):
        merchant.pay(f"SHOP{number}")
    assert len(merchant.partner.notices) == 0
    released = merchant.partner.release_notices(copies=2, shuffle_seed=3)
    numbers = [fields(raw)["out_trade_no"] for raw in released]
    assert (len(numbers), len({fields(raw)["notify_id"] for raw in released})) == (10, 5)
    assert sorted(numbers) != numbers
    assert list(merchant.partner.notices) == released
    assert merchant.partner.release_notices() == []


def test_released_without_a_seed_they_keep_their_order(merchant: Merchant) -> None:
    """Holding twice changes nothing."""
    merchant.partner.hold_notices()
    merchant.pay("SHOP1")
    merchant.partner.hold_notices()
    merchant.pay("SHOP2")
    released = merchant.partner.release_notices()
    assert [fields(raw)["out_trade_no"] for raw in released] == ["SHOP1", "SHOP2"]
    assert released[:1] == merchant.partner.notices[:1]


def test_what_an_attacker_and_what_alipay_can_make(merchant: Merchant) -> None:
    """Altered ones are genuine, forged and unsigned ones are not."""
    merchant.pay()
    notices = merchant.partner.notices
    wrong = notices.altered(notices[0], {"total_amount": "0.01", "notify_time": "2025-11-23 12:00:00"})
    check(merchant, wrong)
    assert fields(wrong)["total_amount"] == "0.01"
    forged = notices.forged(notices[0], {"total_amount": "0.01"})
    assert not notice_is_authentic(parse_form(forged.body), [PublicKey(merchant.key)])
    assert "sign" not in fields(notices.unsigned(notices[0]))


def test_notices_are_delivered_until_accepted(partner: AlipaySimulator) -> None:
    """Anything but exactly ``success`` is delivered again: same id, same signature rule."""
    merchant = Merchant(partner)
    answers = iter([b"SUCCESS", b" success", b"success"])
    seen: list[RawNotification] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        seen.append(raw)
        return Acknowledgement(status=200, content_type="text/plain", body=next(answers))

    partner.deliver_to(receive)
    merchant.pay()
    assert partner.wait_delivered()
    partner.close()
    assert len(seen) == 3
    assert len({fields(raw)["notify_id"] for raw in seen}) == 1
    for raw in seen:
        check(merchant, raw)


def test_copies_are_delivered_as_often_as_told(partner: AlipaySimulator) -> None:
    """Duplicates are what a receiver must live with."""
    seen: list[RawNotification] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        seen.append(raw)
        return SUCCESS

    partner.deliver_to(receive)
    partner.notices.copies = 3
    Merchant(partner).pay()
    assert partner.wait_delivered()
    partner.close()
    assert (len(seen), len(partner.notices)) == (3, 1)


def test_a_receiver_that_breaks_is_asked_again(partner: AlipaySimulator) -> None:
    """Alipay sees only that it was not accepted."""
    calls: list[int] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("database is down")
        return SUCCESS

    partner.deliver_to(receive)
    Merchant(partner).pay()
    assert partner.wait_delivered()
    partner.close()
    assert len(calls) == 2


def test_waiting_has_an_end(partner: AlipaySimulator) -> None:
    """A receiver that never answers does not hold the test."""
    gate = Event()

    def receive(raw: RawNotification) -> Acknowledgement:
        gate.wait(5)
        return SUCCESS

    partner.deliver_to(receive)
    Merchant(partner).pay()
    assert not partner.wait_delivered(0.05)
    gate.set()
    assert partner.wait_delivered()
    partner.close()


@pytest.mark.parametrize("address", [None, "https://shop.example/notify", "http://10.0.0.1/notify"])
def test_nothing_is_posted_to_other_machines(partner: AlipaySimulator, address: str | None) -> None:
    """Only loopback addresses are ever posted to; the notice is kept all the same."""
    merchant = Merchant(partner)
    merchant.public |= {} if address is None else {"notify_url": address}
    merchant.pay()
    assert partner.wait_delivered(0)
    assert len(partner.notices) == 1


def keep(seen: list[RawNotification]) -> Callable[[RawNotification], Acknowledgement]:
    """A receiver that keeps what it gets."""

    def receive(raw: RawNotification) -> Acknowledgement:
        seen.append(raw)
        return SUCCESS

    return receive


def test_delivery_can_be_switched_off_again(partner: AlipaySimulator) -> None:
    """Without a receiver and without an address nothing is delivered."""
    seen: list[RawNotification] = []
    partner.deliver_to(keep(seen))
    partner.deliver_to(None)
    Merchant(partner).pay()
    assert seen == []
    partner.close()
