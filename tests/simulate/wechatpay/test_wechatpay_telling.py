"""WeChat Pay's notices: encrypted, signed, delivered until accepted, twice, late, out of order, forged, stale."""

from __future__ import annotations

import json

import pytest
from tests.simulate.wechatpay.merchant import Merchant

from payport.schemas.events import Acknowledgement, RawNotification

YES = Acknowledgement(status=204, content_type="", body=b"")
NO = Acknowledgement(status=401, content_type="", body=b"")


def told_number(merchant: Merchant, raw: RawNotification) -> str:
    """Which order a notice is about."""
    return str(merchant.told(raw)["out_trade_no"])


def test_a_payment_is_told_encrypted_and_signed(merchant: Merchant) -> None:
    """The envelope names the event; what happened is inside, and only the API v3 key opens it."""
    transaction_id = merchant.paid(attach="table 7")
    [raw] = merchant.partner.notices
    envelope = json.loads(raw.body)
    assert (
        len(envelope["id"]),
        envelope["create_time"],
        envelope["resource"]["original_type"],
        envelope["resource"]["algorithm"],
    ) == (36, "2026-11-23T12:00:00+08:00", "transaction", "AEAD_AES_256_GCM")
    told = merchant.told(raw)
    assert told.pop("event_type") == "TRANSACTION.SUCCESS"
    assert told == merchant.query().fields
    assert (transaction_id, "table 7") == (told["transaction_id"], told["attach"])
    assert merchant.partner.notices.opened(raw) == told


def test_nothing_is_told_of_codes_closes_and_reverses(merchant: Merchant) -> None:
    """The merchant asks."""
    merchant.codepay("SHOP01")
    merchant.reverse("SHOP01")
    merchant.native("SHOP02")
    merchant.close("SHOP02")
    assert list(merchant.partner.notices) == []


@pytest.mark.parametrize(
    ("status", "body", "tries"),
    [(200, b"", 1), (204, b"", 1), (200, b'{"code":"FAIL"}', 1), (201, b"", 8), (401, b"", 8), (500, b"", 8)],
)
def test_the_status_alone_decides_whether_a_notice_was_accepted(
    merchant: Merchant, status: int, body: bytes, tries: int
) -> None:
    """200 or 204, whatever the body says."""
    merchant.partner._courier._resend_after_s = (0.001,) * 7
    seen: list[RawNotification] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        seen.append(raw)
        return Acknowledgement(status=status, content_type="application/json", body=body)

    merchant.partner.deliver_to(receive)
    merchant.paid()
    assert merchant.partner.wait_delivered()
    assert tries == len(seen)
    assert {raw.body for raw in seen} == {merchant.partner.notices[0].body}
    assert tries == len({raw.headers["Wechatpay-Signature"] for raw in seen}), "every try is signed anew"
    assert all(merchant.verifies(raw.headers, raw.body) for raw in seen)
    merchant.partner.close()


def test_a_probe_comes_before_the_true_notice(merchant: Merchant) -> None:
    """Whoever verifies refuses it, and gets the notice with the next try."""
    seen: list[str] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        seen.append(raw.headers["Wechatpay-Signature"])
        return YES if merchant.verifies(raw.headers, raw.body) else NO

    merchant.partner.deliver_to(receive)
    merchant.partner.hold_notices()
    merchant.paid()
    merchant.partner.notices.probes = 2  # one for the copy that is kept, one for the first delivery
    merchant.partner.release_notices()
    assert merchant.partner.wait_delivered()
    assert [signature.startswith("WECHATPAY/SIGNTEST/") for signature in seen] == [True, False]
    merchant.partner.close()


def test_held_back_and_released_twice_in_another_order(merchant: Merchant) -> None:
    """The same order for the same seed."""
    merchant.partner.hold_notices()
    numbers = [f"SHOP0{index}" for index in range(5)]
    for number in numbers:
        merchant.paid(number)
    assert list(merchant.partner.notices) == []
    released = merchant.partner.release_notices(copies=2, shuffle_seed=3)
    seen = [told_number(merchant, raw) for raw in released]
    assert sorted(numbers * 2) == sorted(seen)
    assert seen != sorted(seen)
    assert released == merchant.partner.notices[:]


def test_what_may_be_tried_on_a_receiver(merchant: Merchant) -> None:
    """Genuine with other contents; forged, stale, unsigned, a probe, an impostor: none of those verifies."""
    merchant.paid()
    notices = merchant.partner.notices
    raw = notices[0]
    altered = notices.altered(raw, {"out_trade_no": "SHOP99"}, event_type="TRANSACTION.ODD")
    assert (told_number(merchant, altered), merchant.told(altered)["event_type"]) == ("SHOP99", "TRANSACTION.ODD")
    untyped = notices.signed(raw.body, typed=False)
    assert merchant.verifies(untyped.headers, untyped.body)
    assert "Wechatpay-Signature-Type" not in untyped.headers
    for wrong in (
        notices.forged(raw, {"event_type": "TRANSACTION.ODD"}),
        notices.probed(raw),
        notices.unsigned(raw),
        notices.impostor(raw),
    ):
        assert not merchant.verifies(wrong.headers, wrong.body)
    stale = notices.stale(raw, 301)
    assert int(raw.headers["Wechatpay-Timestamp"]) - 301 == int(stale.headers["Wechatpay-Timestamp"])
