"""WeChat Pay's keys: certificates to download and to rotate, the public key, the change from one to the other."""

from __future__ import annotations

import pytest
from tests.simulate.wechatpay.merchant import BILLS, ORDER, REFUND, Clock, Merchant

from payport.adapters.wechatpay.simulator import RefundStatus, WeChatPaySimulator

QUERY = f"{ORDER.format(out_trade_no='SHOP01')}?mchid=1900000109"


@pytest.fixture
def changing(clock: Clock) -> Merchant:
    """A merchant whom WeChat moves from certificates to the public key."""
    return Merchant(WeChatPaySimulator("both", clock=clock))


@pytest.fixture
def modern(clock: Clock) -> Merchant:
    """A merchant who never had certificates."""
    return Merchant(WeChatPaySimulator("public_key", clock=clock))


def test_certificates_are_downloaded_decrypted_and_vouch_for_the_answer(merchant: Merchant) -> None:
    """Each has a number, a life and an encrypted PEM; the answer is signed with one of them."""
    said = merchant.download()
    [entry] = said.fields["data"]
    assert said.authentic
    assert (
        len(entry["serial_no"]),
        entry["encrypt_certificate"]["algorithm"],
        entry["encrypt_certificate"]["associated_data"],
        len(entry["encrypt_certificate"]["nonce"]),
    ) == (40, "AEAD_AES_256_GCM", "certificate", 12)
    assert entry["effective_time"] < "2026-11-23T12:00:00+08:00" < entry["expire_time"]
    assert merchant.call("GET", "/v3/certificates?algorithm_type=SM2").code == "INVALID_REQUEST"


def test_a_new_certificate_signs_at_once_and_the_old_one_stays_listed(merchant: Merchant) -> None:
    """Another key, until the old one is dropped."""
    old = merchant.call("GET", QUERY)
    serial = merchant.partner.rotate_certificate()
    new = merchant.call("GET", QUERY)
    assert (True, True, serial) == (old.authentic, new.authentic, new.serial)
    assert old.serial != new.serial
    assert merchant.certificates[old.serial] != merchant.certificates[new.serial]
    assert {old.serial, new.serial} == {entry["serial_no"] for entry in merchant.download().fields["data"]}
    last = merchant.partner.rotate_certificate(drop_old=True)
    assert [last] == [entry["serial_no"] for entry in merchant.download().fields["data"]]


def test_a_merchant_with_a_public_key_only_has_no_certificates(modern: Merchant) -> None:
    """404 RESOURCE_NOT_EXISTS, the most reported failure of all clients; everything else is signed with the key."""
    said = modern.call("GET", "/v3/certificates")
    assert (said.status, said.code, said.authentic) == (404, "RESOURCE_NOT_EXISTS", True)
    assert said.serial == modern.account.platform_public_key_id
    assert (said.serial or "").startswith("PUB_KEY_ID_")
    with pytest.raises(ValueError, match="has no certificates"):
        modern.partner.rotate_certificate()


def test_during_the_change_the_merchant_decides_which_key_answers(changing: Merchant) -> None:
    """By the Wechatpay-Serial of its request; without one a certificate signs."""
    by_key, by_certificate = changing.call("GET", QUERY), changing.call("GET", QUERY, wechatpay_serial=None)
    assert by_key.serial == changing.account.platform_public_key_id
    assert by_certificate.serial in changing.certificates
    assert by_key.authentic
    assert by_certificate.authentic


def test_during_the_change_notices_come_with_either_key(changing: Merchant) -> None:
    """WeChat shifts them bit by bit; the serial tells which."""
    for number in ("SHOP01", "SHOP02"):
        changing.paid(number)
    serials = {raw.headers["Wechatpay-Serial"] for raw in changing.partner.notices}
    assert len(serials) == 2
    assert changing.account.platform_public_key_id in serials
    assert [changing.told(raw)["out_trade_no"] for raw in changing.partner.notices] == ["SHOP01", "SHOP02"]


def test_the_change_goes_one_way(merchant: Merchant) -> None:
    """Certificates, both, the public key; then the certificates are gone."""
    partner = merchant.partner
    assert merchant.account.platform_public_key is None
    partner.switch("both")
    assert partner.mode == "both"
    assert merchant.call("GET", "/v3/certificates").status == 200
    after = Merchant(partner)
    assert after.account.platform_public_key is not None
    partner.switch("public_key")
    assert after.call("GET", "/v3/certificates").status == 404
    with pytest.raises(ValueError, match="no way back"):
        partner.switch("certificate")


def test_a_sensitive_field_is_opened_with_the_key_that_the_request_names(changing: Merchant) -> None:
    """The public key or either certificate; what was made for another key is refused."""
    partner, name = changing.partner, "张三"
    changing.download()
    old = next(iter(changing.certificates))
    new = partner.rotate_certificate()
    public = changing.account.platform_public_key_id or ""
    for number, key_id in (("A1", public), ("A2", old), ("A3", new)):
        body = changing.transfer(number, user_name=changing.encrypt(name, key_id))
        assert changing.call("POST", BILLS, body, wechatpay_serial=key_id).status == 200
    wrong = changing.transfer("A4", user_name=changing.encrypt(name, old))
    for other_id in (public, new, None, "PUB_KEY_ID_0", "00" * 20):  # the last two are nobody's
        said = changing.call("POST", BILLS, wrong, wechatpay_serial=other_id)
        assert (said.status, said.code, said.fields["detail"]["field"]) == (400, "PARAM_ERROR", "/user_name")
    plain = changing.call("POST", BILLS, changing.transfer("A5", user_name=name))
    assert plain.code == "PARAM_ERROR"
    assert [row.out_bill_no for row in partner.ledger.transfers()] == ["A1", "A2", "A3"]


def test_a_certificate_that_is_gone_opens_nothing(changing: Merchant) -> None:
    """Once only the public key is in use."""
    changing.download()
    old = next(iter(changing.certificates))
    body = changing.transfer(user_name=changing.encrypt("张三", old))
    changing.partner.switch("public_key")
    assert changing.call("POST", BILLS, body, wechatpay_serial=old).code == "PARAM_ERROR"


def test_the_echo_shows_that_keys_encryption_and_notices_work(merchant: Merchant) -> None:
    """The smoke test that moves nothing."""
    merchant.download()
    serial = next(iter(merchant.certificates))
    body = {
        "echo_message": "hello",
        "encrypted_echo_message": merchant.encrypt("hello", serial),
        "notify_url": "https://shop.example/wechatpay",
    }
    said = merchant.call("POST", "/v3/security/echo", body, wechatpay_serial=serial)
    assert (said.fields, said.authentic) == ({"echo_message": "hello"}, True)
    assert merchant.told(merchant.partner.notices[0])["echo_message"] == "hello"
    body["encrypted_echo_message"] = merchant.encrypt("goodbye", serial)
    assert merchant.call("POST", "/v3/security/echo", body, wechatpay_serial=serial).code == "PARAM_ERROR"


def test_an_abnormal_refund_goes_on_to_a_card_whose_number_is_encrypted(merchant: Merchant) -> None:
    """With the name of its owner; both opened with WeChat's key."""
    merchant.paid()
    refund_id = merchant.refund().fields["refund_id"]
    merchant.partner.move_refund("R1", RefundStatus.ABNORMAL)
    assert merchant.refunded().fields["status"] == "ABNORMAL"
    serial = next(iter(merchant.certificates))
    target = f"{REFUND}/{refund_id}/apply-abnormal-refund"
    body: dict[str, object] = {"out_refund_no": "R1", "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT"}
    assert merchant.call("POST", target, body, wechatpay_serial=serial).code == "PARAM_ERROR"
    body["bank_account"] = merchant.encrypt("6222000000000000", serial)
    body["real_name"] = merchant.encrypt("张三", serial)
    said = merchant.call("POST", target, body, wechatpay_serial=serial)
    assert (said.status, said.fields["status"]) == (200, "PROCESSING")
    merchant.partner.process()
    assert merchant.refunded().fields["status"] == "SUCCESS"
    assert merchant.call("POST", target, body, wechatpay_serial=serial).code == "INVALID_REQUEST"
    assert merchant.call("POST", f"{REFUND}/1/apply-abnormal-refund", body).status == 400
    merchants = {"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"}
    assert merchant.call("POST", f"{REFUND}/1/apply-abnormal-refund", merchants).code == "RESOURCE_NOT_EXISTS"
    assert merchant.call("POST", target, {"out_refund_no": "R1", "type": "CASH"}).code == "PARAM_ERROR"
