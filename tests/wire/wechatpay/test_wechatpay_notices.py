"""Notifications: authentic over the raw bytes, decrypted, ours, read; and the answer that makes WeChat stop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from tests.wire.wechatpay.stage import (
    ACCOUNT,
    AMOUNT,
    BILL,
    CERTIFICATES,
    NOON,
    REQUEST,
    TRADE,
    Host,
    download,
    headers,
    merchant,
    refund,
    resource,
    transaction,
    transfer,
    unsigned,
)

from payport.adapters.wechatpay import WeChatPay
from payport.schemas.events import EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import FactKind
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import drive
from payport.sdk.journal.records import State
from payport.sdk.observation import Source


def notice(
    payload: Mapping[str, Any] | bytes,
    event_type: str = "TRANSACTION.SUCCESS",
    *,
    changed: Mapping[str, Any] | None = None,
    **signed: Any,
) -> RawNotification:
    """A genuine notification. ``changed``: members of the envelope."""
    plain = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    envelope: dict[str, Any] = {
        "id": "ea2a5c34-0001-4000-8000-000000000001",
        "create_time": "2026-01-31T12:00:02+08:00",
        "event_type": event_type,
        "resource_type": "encrypt-resource",
        "summary": "支付成功",
        "resource": resource(plain),
        **(changed or {}),
    }
    body = json.dumps(envelope, ensure_ascii=False).encode()
    return RawNotification(body=body, headers=headers(body, **signed))


def received(raw: RawNotification, wechat: WeChatPay | None = None, host: Host | None = None) -> Opened | Rejected:
    """What becomes of it."""
    return drive((wechat or merchant()).open_notice(raw), host or Host({}))


def opened(raw: RawNotification, wechat: WeChatPay | None = None) -> Opened:
    """It is believed."""
    found = received(raw, wechat)
    assert isinstance(found, Opened), found
    return found


# --- what is told


def test_a_payment() -> None:
    """Event and lesson; 204 makes WeChat stop (WxJava#3355, java#197: what must be answered)."""
    found = opened(notice(transaction()))
    event, ((reference, lesson),) = found.event, found.lessons
    assert (event.kind, event.status, event.partner_ref) == (EventKind.PAYMENT, "SUCCESS", TRADE)
    assert (event.amount, event.occurred_at, event.id) == (AMOUNT, NOON, "ea2a5c34-0001-4000-8000-000000000001")
    assert (reference, lesson.state, lesson.source, lesson.amount) == (TRADE, State.SUCCEEDED, Source.NOTICE, AMOUNT)
    assert (found.acknowledgement.status, found.acknowledgement.body) == (204, b"")


def test_a_payment_that_failed_is_no_closed_order() -> None:
    """TRANSACTION.FAIL of deductions, and whatever the state is, is read from the state."""
    found = opened(notice(transaction("PAYERROR"), "TRANSACTION.FAIL"))
    assert (found.event.status, found.lessons[0][1].state) == ("PAYERROR", State.PENDING)


@pytest.mark.parametrize(
    ("status", "state", "lessons"),
    [("SUCCESS", State.SUCCEEDED, 2), ("ABNORMAL", State.PENDING, 1), ("CLOSED", State.DECLINED, 1)],
)
def test_a_refund(status: str, state: State, lessons: int) -> None:
    """About the refund; one that is done is a fact on its payment, also when it was made in the console."""
    node = {**refund(status), "mchid": ACCOUNT.mchid, "refund_status": status}
    del node["status"]
    found = opened(notice(node, f"REFUND.{status}"))
    assert (found.event.kind, found.event.status, found.event.partner_ref) == (EventKind.REFUND, status, REQUEST)
    assert (len(found.lessons), found.lessons[0][0], found.lessons[0][1].state) == (lessons, REQUEST, state)
    if lessons == 2:
        reference, payment = found.lessons[1]
        (fact,) = payment.facts
        assert (reference, payment.state, payment.amount) == (TRADE, State.SUCCEEDED, AMOUNT)
        assert (fact.kind, fact.amount, str(fact.partner_id)) == (FactKind.REFUNDED, AMOUNT, node["refund_id"])


@pytest.mark.parametrize(
    ("state", "expected"), [("SUCCESS", State.SUCCEEDED), ("FAIL", State.DECLINED), ("CANCELLED", State.DECLINED)]
)
def test_a_transfer(state: str, expected: State) -> None:
    """By its state."""
    node = transfer(state, fail_reason="OVERDUE_CLOSE" if state == "FAIL" else None)
    found = opened(notice(node, "MCHTRANSFER.BILL.FINISHED"))
    assert (found.event.kind, found.event.partner_ref, found.event.amount) == (EventKind.PAYOUT, BILL, AMOUNT)
    ((_, lesson),) = found.lessons
    assert (lesson.state, lesson.reason is Reason.EXPIRED) == (expected, state == "FAIL")


COMBINED: dict[str, Any] = {
    "combine_appid": ACCOUNT.appid,
    "combine_mchid": ACCOUNT.mchid,
    "combine_out_trade_no": "WHOLE00001",
    "sub_orders": [
        {
            "mchid": mchid,
            "out_trade_no": f"PART{mchid}",
            "transaction_id": "42",
            "trade_state": "SUCCESS",
            "success_time": f"2026-01-31T12:00:0{number}+08:00",
            "amount": {"total_amount": 100 * number, "payer_amount": 100, "currency": "CNY"},
        }
        for number, mchid in ((1, "1900000001"), (2, "1900000005"))
    ],
}
SHARED = {
    "sp_mchid": ACCOUNT.mchid,
    "transaction_id": "42",
    "order_id": "30",
    "out_order_no": "SHARE1",
    "receiver": {"type": "MERCHANT_ID", "account": "1", "amount": 1, "description": "x"},
    "success_time": "2026-01-31T12:00:00+08:00",
}
BATCH = {
    "out_batch_no": "BATCH1",
    "batch_id": "1030",
    "batch_status": "FINISHED",
    "total_num": 2,
    "total_amount": 500,
    "mchid": ACCOUNT.mchid,
    "update_time": "2026-01-31T12:00:00+08:00",
}
OTHERS: dict[str, tuple[dict[str, Any], str, EventKind, str, str | None, Money | None]] = {
    "combined": (COMBINED, "TRANSACTION.SUCCESS", EventKind.PAYMENT, "SUCCESS", "WHOLE00001", Money(300, "CNY")),
    "shared": (SHARED, "TRANSACTION.SUCCESS", EventKind.OTHER, "TRANSACTION.SUCCESS", "SHARE1", None),
    "a batch": (BATCH, "MCHTRANSFER.BATCH.FINISHED", EventKind.PAYOUT, "FINISHED", "BATCH1", Money(500, "CNY")),
    "a complaint": (
        {"complaint_id": "200201820200101080076610000", "action_type": "CREATE_COMPLAINT"},
        "COMPLAINT.CREATE",
        EventKind.DISPUTE,
        "CREATE_COMPLAINT",
        None,
        None,
    ),
    "a pay score": (
        {"mchid": ACCOUNT.mchid, "out_contract_code": "1"},
        "PAYSCORE.USER_OPEN_SERVICE",
        EventKind.OTHER,
        "PAYSCORE.USER_OPEN_SERVICE",
        None,
        None,
    ),
    "nothing known": ({}, "BRAND.NEW", EventKind.OTHER, "BRAND.NEW", None, None),
}


@pytest.mark.parametrize(
    ("payload", "event_type", "kind", "status", "reference", "amount"), OTHERS.values(), ids=OTHERS
)
def test_everything_else_is_kept(
    payload: dict[str, Any], event_type: str, kind: EventKind, status: str, reference: str | None, amount: Money | None
) -> None:
    """Read by what it holds: one event type stands for payments, combined ones and shares alike. It teaches nothing."""
    found = opened(notice(payload, event_type))
    event = found.event
    assert (event.kind, event.status, event.partner_ref, event.amount) == (kind, status, reference, amount)
    assert (found.lessons, found.acknowledgement.status) == ((), 204)


def test_a_combined_order_of_which_not_all_is_paid_has_no_state_of_its_own() -> None:
    """Mixed."""
    first, second = COMBINED["sub_orders"]
    mixed = {**COMBINED, "sub_orders": [first, {**second, "trade_state": "NOTPAY"}]}
    assert opened(notice(mixed)).event.status == "MIXED"


def test_a_combined_order_in_two_currencies_has_no_total() -> None:
    """Kept, and no sum is made of it."""
    first, second = COMBINED["sub_orders"]
    dollars = {**second, "amount": {**second["amount"], "currency": "USD"}}
    found = opened(notice({**COMBINED, "sub_orders": [first, dollars]}))
    assert (found.event.amount, found.acknowledgement.status) == (None, 204)


@pytest.mark.parametrize(
    ("payload", "reference"),
    [
        (transaction(amount=None), TRADE),
        (transaction(out_trade_no=7), None),
        ({"mchid": ACCOUNT.mchid, "out_refund_no": "BACK1"}, "BACK1"),
        ({"out_bill_no": "BILL1", "transfer_amount": "x"}, "BILL1"),
    ],
)
def test_what_is_authentic_and_cannot_be_read_leaves_a_doubt(payload: dict[str, Any], reference: str | None) -> None:
    """Kept, acknowledged, and the order that it names is asked about."""
    found = opened(notice(payload))
    assert (found.event.kind, found.event.partner_ref) == (EventKind.OTHER, reference)
    assert [lesson.unknown.kind for _, lesson in found.lessons if lesson.unknown] == (
        [UnknownKind.UNREADABLE] if reference else []
    )


def test_a_new_state_is_kept_and_doubted() -> None:
    """Never guessed."""
    ((_, lesson),) = opened(notice(transaction("BRAND_NEW"))).lessons
    assert lesson.unknown is not None
    assert lesson.unknown.kind is UnknownKind.UNKNOWN_STATUS


def test_another_amount_is_stated_as_told() -> None:
    """The money path compares it."""
    ((_, lesson),) = opened(notice(transaction(amount={"total": 1, "currency": "CNY"}))).lessons
    assert lesson.amount == Money(1, "CNY")


# --- what is refused


def rejected(
    raw: RawNotification, wechat: WeChatPay | None = None, host: Host | None = None
) -> tuple[RejectedKind, int, str]:
    """Why, and what WeChat hears."""
    found = received(raw, wechat, host)
    assert isinstance(found, Rejected)
    assert json.loads(found.acknowledgement.body)["code"] == "FAIL"
    return found.kind, found.acknowledgement.status, found.detail


def without(raw: RawNotification, name: str) -> RawNotification:
    """A header less."""
    return RawNotification(body=raw.body, headers={key: value for key, value in raw.headers.items() if key != name})


SHANGMI: dict[str, Any] = {"wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"}
SPOILT: dict[str, Any] = {"wechatpay-signature": "WECHATPAY/SIGNTEST/Zm9v_-=="}
GOOD = notice(transaction())
REFUSED: dict[str, tuple[RawNotification, RejectedKind, int, str]] = {
    "unsigned": (RawNotification(body=GOOD.body, headers={}), RejectedKind.UNSIGNED, 401, "proxy"),
    "no nonce": (without(GOOD, "wechatpay-nonce"), RejectedKind.UNSIGNED, 401, "no signature"),
    "changed": (
        RawNotification(body=GOOD.body + b" ", headers=GOOD.headers),
        RejectedKind.BAD_SIGNATURE,
        401,
        "raw body",
    ),
    "by a stranger": (notice(transaction(), by="stranger"), RejectedKind.BAD_SIGNATURE, 401, "signature"),
    "stale": (notice(transaction(), at=NOON - timedelta(seconds=301)), RejectedKind.STALE, 401, "clock"),
    "from the future": (notice(transaction(), at=NOON + timedelta(seconds=301)), RejectedKind.STALE, 401, "clock"),
    "a year old": (notice(transaction(), at=NOON - timedelta(days=365)), RejectedKind.STALE, 401, "clock"),
    "another scheme": (
        notice(transaction(), **SHANGMI),
        RejectedKind.BAD_SIGNATURE,
        500,
        "WECHATPAY2-SHA256-RSA2048",
    ),
    "an unknown public key": (notice(transaction(), serial="PUB_KEY_ID_9"), RejectedKind.BAD_SIGNATURE, 401, "console"),
    "no JSON": (
        RawNotification(body=b"<xml/>", headers=headers(b"<xml/>")),
        RejectedKind.MALFORMED,
        400,
        "authentic, but",
    ),
    "no resource": (notice({}, changed={"resource": None}), RejectedKind.MALFORMED, 400, "not an object"),
    "another algorithm": (
        notice({}, changed={"resource": {**resource(b"{}"), "algorithm": "AEAD_SM4_GCM"}}),
        RejectedKind.MALFORMED,
        500,
        "AEAD_AES_256_GCM",
    ),
    "another API key": (
        notice({}, changed={"resource": {**resource(b"{}"), "nonce": "ab9876543210"}}),
        RejectedKind.MALFORMED,
        500,
        "api_v3_key",
    ),
    "no object inside": (notice(b"[]"), RejectedKind.MALFORMED, 500, "decrypted"),
    "another merchant": (notice(transaction(mchid="1900000999")), RejectedKind.WRONG_ACCOUNT, 400, "another merchant"),
    "another sub-merchant": (
        notice(transaction(sub_mchid="1900000009")),
        RejectedKind.WRONG_ACCOUNT,
        400,
        "sub-merchant",
    ),
    "another transferring merchant": (
        notice(transfer(mch_id="1900000999")),
        RejectedKind.WRONG_ACCOUNT,
        400,
        "merchant",
    ),
}


@pytest.mark.parametrize(("raw", "kind", "status", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_and_why(raw: RawNotification, kind: RejectedKind, status: int, words: str) -> None:
    """Any status but 200 and 204 has WeChat send it again."""
    told = rejected(raw)
    assert (kind, status) == told[:2]
    assert words in told[2]


def test_a_probe_is_refused_and_its_repetition_taken() -> None:
    """The deliberate wrong signature: 401, and a moment later the same notice with a right one."""
    probe = notice(transaction(), **SPOILT)
    host = Host({})
    kind, status, words = rejected(probe, host=host)
    assert (kind, status, "probe" in words) == (RejectedKind.BAD_SIGNATURE, 401, True)
    assert [type(event) for event in host.told] == [SignatureFailed]
    assert isinstance(received(GOOD), Opened)


def test_a_notice_under_an_unknown_certificate_is_opened_once_it_is_there() -> None:
    """CertificateDownloader#27: SDKs that refresh in the background only cannot open the first notice of a new one."""
    raw = notice(transaction(), by="platform", serial="07")
    host = Host({CERTIFICATES: download(("platform", 7))})
    assert isinstance(received(raw, merchant(mode="certificate"), host), Opened)
    kind, status, _ = rejected(raw, merchant(mode="certificate"), Host({CERTIFICATES: unsigned(502)}))
    assert (kind, status) == (RejectedKind.BAD_SIGNATURE, 401)


def test_header_names_and_a_missing_type() -> None:
    """As frameworks hand them over."""
    shouted = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in GOOD.headers.items()}
    assert isinstance(received(RawNotification(body=GOOD.body, headers=shouted)), Opened)
    assert isinstance(received(without(GOOD, "wechatpay-signature-type")), Opened)


def test_a_service_provider_gets_its_sub_merchants_notices() -> None:
    """And no others."""
    wechat = merchant(sub_mchid="1900000002")
    node = transaction(mchid=None, appid=None, sp_mchid=ACCOUNT.mchid, sp_appid=ACCOUNT.appid, sub_mchid="1900000002")
    assert isinstance(received(notice(node), wechat), Opened)
    assert rejected(notice({**node, "sub_mchid": "1900000003"}), wechat)[0] is RejectedKind.WRONG_ACCOUNT
    # numbers are unique within a sub-merchant only: the provider's own order of this number is another one
    assert rejected(notice(transaction()), wechat)[0] is RejectedKind.WRONG_ACCOUNT
    given_back = {**refund(), "mchid": ACCOUNT.mchid, "refund_status": "SUCCESS"}
    assert rejected(notice(given_back, "REFUND.SUCCESS"), wechat)[0] is RejectedKind.WRONG_ACCOUNT
    ours = {**given_back, "mchid": None, "sp_mchid": ACCOUNT.mchid, "sub_mchid": "1900000002"}
    assert isinstance(received(notice(ours, "REFUND.SUCCESS"), wechat), Opened)
    assert isinstance(received(notice(COMBINED), wechat), Opened)


def test_a_notice_without_an_id_is_known_by_its_bytes() -> None:
    """The inbox needs a name for it."""
    raw = notice(transaction(), changed={"id": None, "create_time": None, "event_type": 7})
    found = opened(raw)
    assert len(found.event.id) == 64
    assert found.event.id == opened(raw).event.id


def test_nothing_of_a_person_is_shown() -> None:
    """The open id and what was decrypted."""
    assert "oUpF8uMuAJO" not in repr(received(GOOD))
