"""Notifications: authentic over raw bytes, addressed to us, then read; and what is refused, with which answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rsa_keys import private_pem, raw_key
from tests.wire.alipay.answers import AMOUNT, NOON, NOON_TEXT, TRADE

from payport.adapters.alipay import Alipay, AlipayAccount
from payport.adapters.alipay.notices import ACCEPTED, REFUSED
from payport.schemas.events import EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import FactKind
from payport.sdk.adapter import Opened
from payport.sdk.events import SdkEvent, SignatureFailed
from payport.sdk.exchange import Effect, Emit, Moment, Now, drive
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation
from payport.sdk.secrets import Secret

APP, SELLER = "9021000000000001", "2088000000000001"
NOTICE = {
    "notify_id": "N1",
    "notify_type": "trade_status_sync",
    "notify_time": NOON_TEXT,
    "charset": "utf-8",
    "sign_type": "RSA2",
    "app_id": APP,
    "seller_id": SELLER,
    "out_trade_no": TRADE,
    "trade_no": "2026A",
    "total_amount": "12.34",
    "trade_status": "TRADE_SUCCESS",
    "subject": "茶 & a + b",
    "gmt_payment": NOON_TEXT,
}
HOLD = {
    "notify_id": "N2",
    "notify_type": "fund_auth_freeze",
    "charset": "utf-8",
    "sign_type": "RSA2",
    "app_id": APP,
    "payee_user_id": SELLER,
    "out_order_no": TRADE,
    "out_request_no": TRADE,
    "auth_no": "A1",
    "operation_id": "O1",
    "amount": "12.34",
    "status": "SUCCESS",
    "gmt_trans": NOON_TEXT,
}
SENT = {
    "notify_id": "N3",
    "msg_method": "alipay.fund.trans.order.changed",
    "charset": "utf-8",
    "sign_type": "RSA2",
    "app_id": APP,
    "biz_content": f'{{"out_biz_no":"{TRADE}","order_id":"T1","status":"SUCCESS","trans_amount":"12.34","n":1}}',
}


class Host:
    """Noon, and a list of what was told."""

    def __init__(self) -> None:
        self.told: list[SdkEvent] = []

    def perform(self, effect: Effect) -> object:
        """The clock, or nothing."""
        match effect:
            case Now():
                return Moment(NOON, 0.0)
            case Emit(event):
                self.told.append(event)
                return None
            case _:
                raise AssertionError(effect)


@cache
def alipay(seller_id: str | None = SELLER) -> Alipay:
    """An application that knows Alipay's key."""
    public = raw_key("alipay").public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    account = AlipayAccount(
        app_id=APP,
        private_key=Secret(private_pem("application")),
        alipay_public_key=base64.b64encode(der).decode(),
        seller_id=seller_id,
    )
    return Alipay(account)


def signed(fields: Mapping[str, str], *, signer: str = "alipay") -> RawNotification:
    """A notification as Alipay signs and posts it."""
    left_out = {"sign"} if "msg_method" in fields else {"sign", "sign_type"}
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in left_out)
    codec = fields.get("charset", "utf-8")
    signature = raw_key(signer).sign(text.encode(codec), padding.PKCS1v15(), hashes.SHA256())
    return posted({**fields, "sign": base64.b64encode(signature).decode()})


def posted(fields: Mapping[str, str]) -> RawNotification:
    """The form of these fields, whoever signed it."""
    body = urlencode(fields, encoding=fields.get("charset", "utf-8")).encode()
    return RawNotification(body=body, headers={})


def received(raw: RawNotification, *, by: Alipay | None = None, host: Host | None = None) -> Opened | Rejected:
    """What becomes of a notification."""
    return drive((by or alipay()).open_notice(raw), host or Host())


def opened(fields: Mapping[str, str], **changes: str | None) -> Opened:
    """An authentic one, opened. A change of ``None`` leaves the field out."""
    merged = {**fields, **changes}
    found = received(signed({name: value for name, value in merged.items() if value is not None}))
    assert isinstance(found, Opened)
    assert found.acknowledgement == ACCEPTED
    return found


def lesson(found: Opened) -> Observation:
    """The first thing it teaches."""
    return found.lessons[0][1]


def test_the_answer_is_exactly_success() -> None:
    """Seven bytes, or Alipay sends it again."""
    assert (ACCEPTED.status, ACCEPTED.body) == (200, b"success")
    assert REFUSED.body != b"success"


# --- trades


@pytest.mark.parametrize(
    ("state", "changes"),
    [
        (State.SUCCEEDED, {}),
        (State.SUCCEEDED, {"trade_status": "TRADE_FINISHED"}),
        (State.ACTION, {"trade_status": "WAIT_BUYER_PAY", "gmt_payment": None}),
        (State.DECLINED, {"trade_status": "TRADE_CLOSED", "gmt_payment": None}),
        (State.DECLINED, {"trade_status": "TRADE_CLOSED", "gmt_payment": ""}),
        (State.SUCCEEDED, {"trade_status": "TRADE_CLOSED"}),
        (State.DOUBT, {"trade_status": "TRADE_REVERSED"}),
    ],
)
def test_trade_notices(state: State, changes: dict[str, str | None]) -> None:
    """Each status teaches about the order it names; the event carries Alipay's own word."""
    found = opened(NOTICE, **changes)
    assert (TRADE, state) == (found.lessons[0][0], lesson(found).state)
    event = found.event
    assert (event.kind, event.id, event.partner_ref, event.amount) == (EventKind.PAYMENT, "N1", TRADE, AMOUNT)
    assert (changes.get("trade_status") or "TRADE_SUCCESS") == event.status


def test_a_refund_notice_teaches_the_payment_and_the_refund() -> None:
    """``refund_fee`` is the sum so far: a fact on the payment; ``out_biz_no`` is the refund that is done."""
    found = opened(NOTICE, refund_fee="4.00", out_biz_no="R1", gmt_refund=NOON_TEXT)
    (about, payment), (request, refund) = found.lessons
    assert (about, request, refund.state, refund.partner_ref) == (TRADE, "R1", State.SUCCEEDED, "R1")
    assert [(FactKind.REFUNDED, Money.of("4.00", "CNY"))] == [(fact.kind, fact.amount) for fact in payment.facts]
    assert EventKind.REFUND is found.event.kind


def test_closed_after_a_full_refund_is_paid_and_given_back() -> None:
    """One fact, over everything, and no decline of a payment that was made."""
    found = opened(NOTICE, trade_status="TRADE_CLOSED", refund_fee="12.34", gmt_refund=NOON_TEXT, out_biz_no=TRADE)
    assert [(ref, learnt.state) for ref, learnt in found.lessons] == [(TRADE, State.SUCCEEDED)]
    assert [(fact.kind, fact.amount) for fact in lesson(found).facts] == [(FactKind.REFUNDED, AMOUNT)]


def test_a_refund_notice_without_a_time_of_payment() -> None:
    """The time of the notice serves; without any, the payment is still not declined."""
    found = opened(NOTICE, trade_status="TRADE_CLOSED", gmt_payment=None, refund_fee="12.34")
    assert [fact.at for fact in lesson(found).facts] == [NOON]
    bare = opened(NOTICE, trade_status="TRADE_CLOSED", gmt_payment=None, notify_time=None, refund_fee="12.34")
    assert State.SUCCEEDED is lesson(bare).state


@pytest.mark.parametrize(
    "changes", [{"total_amount": "12.345"}, {"total_amount": None}, {"trade_no": None}, {"refund_fee": "x"}]
)
def test_an_authentic_notice_that_cannot_be_read_is_kept(changes: dict[str, str | None]) -> None:
    """It is acknowledged, and the order that it names is left in doubt, so that it is asked about."""
    found = opened(NOTICE, **changes)
    assert EventKind.OTHER is found.event.kind
    assert lesson(found).unknown is not None
    assert UnknownKind.UNREADABLE is getattr(lesson(found).unknown, "kind", None)


def test_an_unreadable_notice_that_names_no_order_teaches_nothing() -> None:
    """There is nothing to ask about."""
    assert opened(NOTICE, out_trade_no=None).lessons == ()


def test_an_event_is_the_same_on_every_resend() -> None:
    """``notify_id`` counts; the time of the resend does not. Without one the bytes themselves count."""
    assert opened(NOTICE).event.id == opened(NOTICE, notify_time="2026-01-31 13:00:00").event.id
    assert opened(NOTICE, notify_id=None).event.id == opened(NOTICE, notify_id=None).event.id
    assert opened(NOTICE, notify_id=None).event.id != opened(NOTICE, notify_id=None, trade_no="B").event.id


# --- holds and transfers


@pytest.mark.parametrize(
    ("state", "status"),
    [(State.AUTHORIZED, "SUCCESS"), (State.ACTION, "INIT"), (State.DECLINED, "CLOSED"), (State.DOUBT, "ODD")],
)
def test_hold_notices(state: State, status: str) -> None:
    """A freeze teaches about its order."""
    found = opened(HOLD, status=status)
    assert (TRADE, state) == (found.lessons[0][0], lesson(found).state)
    assert (found.event.kind, found.event.partner_ref) == (EventKind.AUTHORIZATION, TRADE)


def test_a_release_notice_is_told_and_teaches_nothing_of_the_hold() -> None:
    """It names its own request; what is left of the hold it does not say."""
    found = opened(HOLD, notify_type="fund_auth_unfreeze", out_request_no="X1", amount=None)
    assert (found.lessons, found.event.partner_ref, found.event.amount) == ((), "X1", None)


@pytest.mark.parametrize("name", ["out_order_no", "amount", "auth_no"])
def test_a_hold_notice_without_a_field_it_needs(name: str) -> None:
    """Kept, and asked about where it names an order."""
    found = opened(HOLD, **{name: None})
    assert EventKind.OTHER is found.event.kind
    assert (0 if name == "out_order_no" else 1) == len(found.lessons)


def test_transfer_notices() -> None:
    """Signed with ``sign_type``, as everything from the application gateway."""
    found = opened(SENT)
    assert (found.lessons[0][0], lesson(found).state, lesson(found).amount) == (TRADE, State.SUCCEEDED, AMOUNT)
    assert EventKind.PAYOUT is found.event.kind
    back = opened(SENT, biz_content=f'{{"out_biz_no":"{TRADE}","status":"REFUND","error_code":"BANK_NO"}}')
    assert (lesson(back).state, lesson(back).partner_code) == (State.DECLINED, "BANK_NO")


@pytest.mark.parametrize(
    "content", [None, "{", "[]", "{}", '{"out_biz_no":1}', '{"out_biz_no":"A","trans_amount":"x"}']
)
def test_a_transfer_notice_that_cannot_be_read(content: str | None) -> None:
    """Kept, and nothing is learnt."""
    found = opened(SENT, biz_content=content)
    assert (found.event.kind, found.lessons) == (EventKind.OTHER, ())


@pytest.mark.parametrize("changes", [{"notify_type": "brand_new"}, {"notify_type": None, "msg_method": "alipay.new"}])
def test_an_authentic_notice_of_a_new_kind_is_kept(changes: dict[str, str | None]) -> None:
    """And acknowledged: Alipay would send it for 25 hours."""
    found = opened({**NOTICE, "n": "1"}, trade_status=None, **changes)
    assert (found.event.kind, found.lessons) == (EventKind.OTHER, ())
    assert found.event.status == next(value for value in changes.values() if value)


# --- whom it is for


@pytest.mark.parametrize(
    "changes",
    [
        {"app_id": "9021000000000009"},
        {"app_id": "9021000000000009", "auth_app_id": "9021000000000008"},
        {"app_id": None, "auth_app_id": "9021000000000009"},
        {"seller_id": "2088000000000009"},
        {"seller_id": None, "payee_user_id": "2088000000000009"},
    ],
)
def test_an_authentic_notice_for_somebody_else_is_refused(changes: dict[str, str | None]) -> None:
    """Alipay's key signs for every merchant."""
    merged = {name: value for name, value in {**NOTICE, **changes}.items() if value is not None}
    found = received(signed(merged))
    assert isinstance(found, Rejected)
    assert (found.kind, found.acknowledgement) == (RejectedKind.WRONG_ACCOUNT, REFUSED)


def test_a_notice_through_a_service_provider_is_ours() -> None:
    """The provider's application sends it, ours is the one that it acts for."""
    assert State.SUCCEEDED is lesson(opened(NOTICE, app_id="9021000000000009", auth_app_id=APP)).state


def test_without_a_seller_id_every_seller_of_the_application_is_ours() -> None:
    """Nothing to compare with."""
    found = received(signed({**NOTICE, "seller_id": "2088000000000009"}), by=alipay(None))
    assert isinstance(found, Opened)


# --- what is not authentic


def refused(raw: RawNotification) -> RejectedKind:
    """Why it is refused."""
    found = received(raw)
    assert isinstance(found, Rejected)
    assert found.acknowledgement == REFUSED
    return found.kind


def test_unsigned_and_malformed() -> None:
    """The message tells what usually went wrong: a framework that parsed the body first."""
    assert RejectedKind.UNSIGNED is refused(posted(NOTICE))
    assert RejectedKind.UNSIGNED is refused(posted({**NOTICE, "sign": ""}))
    for body in (b"", b'{"trade_status":"TRADE_SUCCESS"}', b"a=1&a=2", "subject=茶".encode(), b"a=%zz"):
        assert RejectedKind.MALFORMED is refused(RawNotification(body=body, headers={}))
    found = received(RawNotification(body=b"a=1&a=2", headers={}))
    assert isinstance(found, Rejected)
    assert "raw request body" in found.detail


@pytest.mark.parametrize("name", sorted(set(NOTICE) - {"sign_type", "charset"}))
def test_a_field_changed_after_signing_is_refused(name: str) -> None:
    """One character is enough; the sinks are told."""
    body = signed(NOTICE).body.decode()
    field = urlencode({name: NOTICE[name]})
    host = Host()
    found = received(RawNotification(body=body.replace(field, f"{field}0").encode(), headers={}), host=host)
    assert isinstance(found, Rejected)
    assert RejectedKind.BAD_SIGNATURE is found.kind
    assert [SignatureFailed] == [type(event) for event in host.told]


def test_a_notice_signed_by_somebody_else_is_refused() -> None:
    """Our own key included."""
    assert RejectedKind.BAD_SIGNATURE is refused(signed(NOTICE, signer="application"))
    assert RejectedKind.BAD_SIGNATURE is refused(signed(NOTICE, signer="stranger"))


def test_an_added_field_is_refused() -> None:
    """Everything that is posted was signed."""
    body = signed(NOTICE).body + b"&refund_fee=12.34"
    assert RejectedKind.BAD_SIGNATURE is refused(RawNotification(body=body, headers={}))


def test_a_gbk_notice_is_read_in_its_own_charset() -> None:
    """Orders made in GBK are told in GBK."""
    assert State.SUCCEEDED is lesson(opened({**NOTICE, "charset": "gbk"})).state


def test_a_year_old_notice_is_still_authentic() -> None:
    """Alipay signs no time that could be checked: inbox and forward-only states take the harm out of it."""
    assert State.SUCCEEDED is lesson(opened(NOTICE, notify_time="2025-01-31 12:00:00")).state


@pytest.mark.parametrize("kept", [True, False])
def test_empty_values_may_be_signed_or_left_out(kept: bool) -> None:
    """The partner's papers disagree with themselves; either way nothing else is varied."""
    empty = {"body": "", "refund_fee": ""}
    raw = signed({**NOTICE, **empty}) if kept else signed(NOTICE)
    body = raw.body if kept else raw.body + b"&" + urlencode(empty).encode()
    found = received(RawNotification(body=body, headers={}))
    assert isinstance(found, Opened)
    assert EventKind.PAYMENT is found.event.kind


@given(
    st.dictionaries(
        st.sampled_from(sorted({**NOTICE, **HOLD, **SENT})),
        st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=12),
    )
)
def test_an_authentic_notice_never_raises(fields: dict[str, str]) -> None:
    """Whatever Alipay signs is opened or refused."""
    fields.pop("charset", None)
    assert isinstance(received(signed(fields)), Opened | Rejected)
