"""A gateway on WeChat's simulator: the counter's ladder, what is shown, refunds, notices, and the pains of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.simulate.wechatpay_v2.shop import AMOUNT, Till, order

from payport.adapters.wechatpay_v2 import OfficialAccount, SignType, WeChatPayV2
from payport.adapters.wechatpay_v2.doctor import converse, examine
from payport.adapters.wechatpay_v2.simulator import Fault, Quirks, Wallet, WeChatPayV2Simulator
from payport.adapters.wechatpay_v2.wire import WeChatPayV2Refund
from payport.schemas import (
    ActionRequired,
    Declined,
    InApp,
    MiniProgram,
    MobileWeb,
    Money,
    NotSent,
    PartnerId,
    Pending,
    QrScanned,
    QrShown,
    Reason,
    Rejected,
    RejectedKind,
    Succeeded,
    Unknown,
    UnknownKind,
    Verified,
)
from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.cli.findings import Light
from payport.sdk.exchange import drive
from payport.sdk.host_clock import SystemClock
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.journal.store import Journal
from payport.sdk.secrets import Secret
from payport.sdk.testing.stepping import Time

PAY, QUERY, REVERSE, REFUND = "pay/micropay", "pay/orderquery", "secapi/pay/reverse", "secapi/pay/refund"
SHOWN: list[Any] = [QrShown(), MiniProgram(), OfficialAccount(), InApp(), MobileWeb()]


def scan(till: Till, wallet: Wallet = Wallet.PAYS, *, deadline_s: float = 60.0) -> Any:
    """Pay by a code that the payer shows."""
    return till.gateway.pay(order(), QrScanned(auth_code=till.partner.payer.code(wallet)), deadline_s=deadline_s)


@pytest.mark.parametrize("method", SHOWN, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("kind", SignType)
def test_what_is_shown_is_paid(time: Time, kind: SignType, method: Any) -> None:
    """By either signature; the payer's phone accepts what was signed for it."""
    till = Till(time, WeChatPayV2Simulator(kind, clock=time))
    outcome = till.gateway.pay(order(), method)
    assert isinstance(outcome, ActionRequired)
    till.partner.payer.open(outcome.action)
    assert till.gateway.query(order().ref).outcome.unwrap().amount == AMOUNT
    (notice,) = till.partner.notices
    assert isinstance(till.gateway.receive(notice), Verified)
    till.close()


def test_a_service_providers_merchant(time: Time) -> None:
    """The same verbs under the merchant's own number; a notice for another merchant of the provider is refused."""
    partner = WeChatPayV2Simulator(clock=time, sub_mch_id="1900000110", sub_appid="wxfedcba9876543210")
    till = Till(time, partner)
    outcome = till.gateway.pay(order(), MiniProgram())
    assert isinstance(outcome, ActionRequired)
    partner.payer.open(outcome.action)
    (notice,) = partner.notices
    other = till.gateway.receive(partner.notices.altered(notice, {"sub_mch_id": "1900000111"}))
    assert isinstance(other, Rejected)
    assert other.kind is RejectedKind.WRONG_ACCOUNT
    assert isinstance(till.gateway.receive(notice), Verified)
    name = "wechatpay_v2:1900000109/1900000110:wxfedcba9876543210"
    assert till.gateway.query(order().ref).outcome.unwrap().account == name
    till.close()


def test_the_payer_enters_the_password(till: Till) -> None:
    """USERPAYING is asked about every five seconds until it is done."""
    partner = till.partner

    def confirm(path: str) -> None:
        if path == QUERY and till.time.at.second == 10:
            partner.payer.confirm("SHOP10010001T001")

    partner.on_commit = confirm
    assert isinstance(scan(till, Wallet.CONFIRMS), Succeeded)
    assert len(partner.ledger.charges()) == 1
    assert (till.time.at.minute, till.time.at.second) == (0, 15)


def test_the_payer_never_enters_the_password(till: Till) -> None:
    """After 45 seconds it is reversed, and the next attempt can be paid."""
    outcome = scan(till, Wallet.CONFIRMS)
    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.CLOSED
    assert till.partner.ledger.trade_state("SHOP10010001T001") == "REVOKED"
    assert scan(till).unwrap().partner_ref == "SHOP10010001T002"
    assert len(till.partner.ledger.charges()) == 1


@pytest.mark.parametrize("fault", [Fault.COMMIT_THEN_SILENCE, Fault.COMMIT_THEN_SYSTEM_ERROR, Fault.BAD_SIGNATURE])
def test_an_answer_that_was_lost(till: Till, fault: Fault) -> None:
    """Pain: SYSTEMERROR and time-outs of a scanned code. It is asked about, never sent again: charged once."""
    till.partner.faults.next(fault, PAY)
    assert isinstance(scan(till), Succeeded)
    assert len(till.partner.ledger.charges()) == 1


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.SYSTEM_ERROR, Fault.UNSIGNED_ERROR])
def test_a_request_that_was_lost(till: Till, fault: Fault) -> None:
    """WeChat knows no such order. A reversal is answered as done all the same, so nobody believes it: it waits."""
    till.partner.faults.next(fault, PAY)
    assert isinstance(scan(till), Unknown | Pending)
    till.time.pass_by(400)
    till.gateway.resume()
    outcome = till.gateway.query(order().ref).outcome
    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.EXPIRED
    assert till.partner.ledger.charges() == ()


def test_recall_is_asked_again(till: Till) -> None:
    """recall=Y means: the same reversal once more."""
    till.partner.faults.next(Fault.ASK_RETRY, REVERSE, times=2)
    assert isinstance(scan(till, Wallet.CONFIRMS), Declined)
    assert till.partner.ledger.trade_state("SHOP10010001T001") == "REVOKED"


def test_a_payment_in_the_very_last_moment(till: Till) -> None:
    """Paid between the last question and the reversal: given back, and nobody is told that it is paid."""
    partner = till.partner

    def confirm_late(path: str) -> None:
        if path == QUERY and till.time.at.second >= 45 and not partner.ledger.charges():
            partner.payer.confirm("SHOP10010001T001")

    partner.on_commit = confirm_late
    outcome = scan(till, Wallet.CONFIRMS)
    assert isinstance(outcome, Declined)
    assert partner.ledger.paid_total() == partner.ledger.refunded_total() == AMOUNT


def test_cancelling_says_how(till: Till) -> None:
    """Closed, reversed, or refused because it is paid."""
    assert isinstance(till.gateway.pay(order("SHOWN0001"), QrShown()), ActionRequired)
    assert till.gateway.cancel("SHOWN0001").unwrap().by is CancelledBy.CLOSED
    scan(till)
    refused = till.gateway.cancel(order().ref)
    assert isinstance(refused, Declined)
    assert refused.reason is Reason.INVALID_STATE
    assert till.gateway.cancel(order().ref, reverse_paid=True).unwrap().by is CancelledBy.REVERSED
    paid = till.gateway.query(order().ref).outcome.unwrap()
    assert [fact.kind for fact in paid.facts] == [FactKind.REFUNDED]
    assert till.partner.ledger.refunded_total() == AMOUNT


def test_what_is_shown_is_not_reversed(till: Till) -> None:
    """API v2 reverses scanned codes only: refund the others."""
    outcome = till.gateway.pay(order(), QrShown())
    assert isinstance(outcome, ActionRequired)
    till.partner.payer.open(outcome.action)
    refused = till.gateway.cancel(order().ref, reverse_paid=True)
    assert isinstance(refused, Declined)
    assert refused.partner_code == "ORDERPAID"


def test_closing_is_believed_when_the_query_says_so(till: Till) -> None:
    """WeChat may accept a close and get to it later: until then the order can be paid, and is not called closed."""
    assert isinstance(till.gateway.pay(order(), QrShown()), ActionRequired)
    till.partner.faults.next(Fault.SLOW_PROCESSING, "pay/closeorder", times=3)
    assert isinstance(till.gateway.cancel(order().ref), Unknown | Pending)
    till.partner.process()
    assert till.gateway.cancel(order().ref).unwrap().by is CancelledBy.CLOSED


def test_a_code_that_never_came_is_asked_for_again(till: Till) -> None:
    """The order is open at WeChat and its answer was lost: the same request gives the same prepay_id."""
    till.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "pay/unifiedorder", times=3)
    assert isinstance(till.gateway.pay(order(), QrShown()), Unknown)
    outcome = till.gateway.pay(order(), QrShown())
    assert isinstance(outcome, ActionRequired)
    till.partner.payer.open(outcome.action)
    assert isinstance(till.gateway.query(order().ref).outcome, Succeeded)
    assert len(till.partner.ledger.charges()) == 1


def test_a_failed_try_leaves_a_shown_code_open(till: Till) -> None:
    """PAYERROR of a shown code: the payer may try again, so no other attempt is opened."""
    assert isinstance(till.gateway.pay(order(), QrShown()), ActionRequired)
    till.partner.payer.fail("SHOP10010001T001")
    outcome = till.gateway.query(order().ref).outcome
    assert isinstance(outcome, ActionRequired)
    assert outcome.last_refusal is Reason.DECLINED
    till.partner.payer.pay("SHOP10010001T001")
    assert isinstance(till.gateway.query(order().ref).outcome, Succeeded)


def test_refunds(till: Till) -> None:
    """Accepted first; the query or the notice tells that it is done. Parts, never more than was paid."""
    scan(till)
    part = Money.of("2.00", "CNY")
    assert isinstance(till.gateway.refund(order().ref, "REFUND0001", part, reason="too cold"), Pending)
    done = till.gateway.query_refund(order().ref, "REFUND0001").outcome.unwrap()
    assert (done.amount, done.partner_ref) == (part, "REFUND0001R001")
    assert isinstance(done.native, WeChatPayV2Refund)
    assert isinstance(till.gateway.refund(order().ref, "REFUND0002", AMOUNT), NotSent)
    assert [row.amount for row in till.partner.ledger.refunds()] == [part]
    (notice,) = till.partner.notices
    assert isinstance(till.gateway.receive(notice), Verified)
    paid = till.gateway.query(order().ref).outcome.unwrap()
    assert [(fact.kind, fact.amount) for fact in paid.facts] == [(FactKind.REFUNDED, part)]


def test_a_refund_with_too_little_money(till: Till) -> None:
    """The merchant's own balance: top up and ask again."""
    scan(till)
    till.partner.fund(0)
    refused = till.gateway.refund(order().ref, "REFUND0001", AMOUNT)
    assert isinstance(refused, Declined)
    assert refused.reason is Reason.MERCHANT_FUNDS
    till.partner.fund(10_000)
    assert isinstance(till.gateway.refund(order().ref, "REFUND0001", AMOUNT), Pending)


def test_a_refund_that_wechat_closes(till: Till) -> None:
    """Nothing was given back."""
    scan(till)
    till.partner.faults.next(Fault.SLOW_PROCESSING, REFUND)
    till.gateway.refund(order().ref, "REFUND0001", AMOUNT)
    till.partner.process(succeed=False)
    for notice in till.partner.notices:
        till.gateway.receive(notice)
    outcome = till.gateway.query_refund(order().ref, "REFUND0001").outcome
    assert isinstance(outcome, Declined)
    assert till.partner.ledger.refunds() == ()


@pytest.mark.parametrize("fault", [Fault.COMMIT_THEN_RESET, Fault.COMMIT_THEN_UNSIGNED_ERROR, Fault.ASK_RETRY])
def test_a_refund_is_repeated_under_its_number(till: Till, fault: Fault) -> None:
    """And done once."""
    scan(till)
    till.partner.faults.next(fault, REFUND)
    till.gateway.refund(order().ref, "REFUND0001", AMOUNT)
    till.time.pass_by(120)
    till.gateway.resume()
    assert isinstance(till.gateway.query_refund(order().ref, "REFUND0001").outcome, Succeeded)
    assert len(till.partner.ledger.refunds()) == 1


def test_without_a_client_certificate(time: Time, partner: WeChatPayV2Simulator) -> None:
    """No refunds, and no scanned codes either: what stays open at the counter could not be undone."""
    till = Till(time, partner, trust=None)
    outcome = till.gateway.pay(order(), QrShown())
    assert isinstance(outcome, ActionRequired)
    partner.payer.open(outcome.action)
    till.gateway.query(order().ref)
    for refused in (
        till.gateway.refund(order().ref, "REFUND0001", AMOUNT),
        till.gateway.pay(order("SCANNED01"), QrScanned(auth_code=partner.payer.code())),
    ):
        assert isinstance(refused, NotSent)
        assert "client certificate" in refused.cause.detail
    till.close()


def test_adopting_a_payment(till: Till) -> None:
    """By WeChat's number; a scanned one is then reversed as such."""
    number = scan(till).unwrap().partner_id
    assert isinstance(number, PartnerId)
    other = Till(till.time, till.partner)
    assert other.gateway.adopt("ADOPTED01", number).unwrap().amount == AMOUNT
    assert isinstance(other.gateway.adopt("ADOPTED02", PartnerId("4200000000000000000000000000")), NotSent)
    assert other.gateway.cancel("ADOPTED01", reverse_paid=True).unwrap().by is CancelledBy.REVERSED
    other.close()


# pains of others, each by its name


def first_notice(till: Till) -> Any:
    """The notice of an order that was paid, with nothing learnt yet."""
    outcome = till.gateway.pay(order(), QrShown())
    assert isinstance(outcome, ActionRequired)
    till.partner.payer.open(outcome.action)
    return till.partner.notices[0]


@pytest.mark.parametrize(
    "quirks", [Quirks(), Quirks(says_sign_type=True), Quirks(plain_values=True), Quirks(more_fields=True)]
)
def test_pain_a_notice_with_and_without_sign_type(till: Till, quirks: Quirks) -> None:
    """binarywang/WxJava#1585 and #1407, helei112g/payment#211: absent, or there and signed with the rest."""
    till.partner.quirks = quirks
    assert isinstance(till.gateway.receive(first_notice(till)), Verified)
    assert isinstance(till.gateway.query(order().ref).outcome, Succeeded)


def test_pain_a_notice_over_another_amount(till: Till) -> None:
    """Authentic, kept, and no payment: total_fee is compared with the order's. The right one still counts."""
    notice = first_notice(till)
    told = till.gateway.receive(till.partner.notices.altered(notice, {"total_fee": "1"}))
    assert isinstance(told, Verified)
    assert not any(operation.state.final for operation in operations(till))
    assert isinstance(till.gateway.receive(notice), Verified)
    assert all(operation.state.final for operation in operations(till))


def operations(till: Till) -> Any:
    """The operations of the order, as the journal has them."""
    return till.gateway.journal.read(lambda session: session.operations(order().ref))


def test_pain_an_external_entity_in_a_notice(till: Till) -> None:
    """The hole of 2018: refused at the document type, before anything is opened."""
    body = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><a>&x;</a></xml>'
    told = till.gateway.receive(replace(first_notice(till), body=body))
    assert isinstance(told, Rejected)
    assert told.kind is RejectedKind.MALFORMED


@pytest.mark.parametrize("fault", [Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR])
def test_pain_an_unsigned_fail_is_no_refusal(till: Till, fault: Fault) -> None:
    """return_code FAIL can be said by anybody on the way: the order is in doubt, and its doubt ends by asking."""
    till.partner.faults.next(fault, "pay/unifiedorder")
    outcome = till.gateway.pay(order(), QrShown())
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.UNVERIFIED
    assert isinstance(till.gateway.pay(order(), QrShown()), ActionRequired)


def test_pain_a_forged_refund_notice(till: Till) -> None:
    """It decrypts, and proves nothing: WeChat, asked, knows of no such refund."""
    scan(till)
    till.gateway.refund(order().ref, "REFUND0001", Money.of("1.00", "CNY"))
    genuine = till.partner.notices[0]
    forged = till.partner.notices.altered(genuine, {"out_refund_no": "INVENTED", "refund_fee": "1234"})
    told = till.gateway.receive(forged)
    assert isinstance(told, Rejected)
    assert till.gateway.query(order().ref).outcome.unwrap().facts == ()


def test_pain_the_wrong_key_is_told_as_such(time: Time, partner: WeChatPayV2Simulator) -> None:
    """WeChat answers "signature wrong" without a signature: in doubt, with words that lead to the key."""
    till = Till(time, partner, api_key=Secret("x" * 32))
    outcome = till.gateway.pay(order(), QrShown())
    assert isinstance(outcome, Unknown)
    assert "\u7b7e\u540d\u9519\u8bef" in outcome.cause.detail
    assert "x" * 32 not in outcome.cause.detail
    till.close()


# the doctor


def findings(partner: WeChatPayV2Simulator, **changes: Any) -> list[tuple[Light, str]]:
    """What the doctor says of an account."""
    adapter, clock = WeChatPayV2(replace(partner.account, **changes)), SystemClock()
    told = [*examine(adapter, clock.moment().utc)]
    with Journal.open("sqlite:///:memory:?durable=no") as journal:
        host = SyncHost(around=Surroundings(journal=journal, clock=clock), transport=partner.transport())
        told += drive(converse(adapter, clock.moment().monotonic_s + 5), host)
    return [(finding.light, finding.what) for finding in told]


def misbehaving(fault: Fault) -> Callable[[WeChatPayV2Simulator], None]:
    """The next answer meets a fault."""
    return lambda partner: partner.faults.next(fault)


@pytest.mark.parametrize(
    ("light", "word", "changes"),
    [
        (Light.GREEN, "accepted our signature", {}),
        (Light.GREEN, "a simulator or proxy", {}),
        (Light.GREEN, "client certificate is there", {}),
        (Light.GREEN, "only HMAC-SHA256", {}),
        (Light.YELLOW, "proves less than v3", {}),
        (Light.YELLOW, "no client certificate", {"trust": None}),
        (Light.YELLOW, "MD5 signatures are believed", {"accept_md5": True}),
        (Light.YELLOW, "notify_url is not set", {"notify_url": None}),
        (Light.YELLOW, "is not https", {"notify_url": "http://shop.example/n"}),
        (Light.RED, "is not believed", {"api_key": Secret("x" * 32)}),
        (Light.RED, "is not believed", {"mch_id": "1900000999"}),
    ],
)
def test_what_the_doctor_finds(partner: WeChatPayV2Simulator, light: Light, word: str, changes: dict[str, Any]) -> None:
    """An authentic "no such order" proves that both sides have one key."""
    assert any(light is found and word in what for found, what in findings(partner, **changes))


@pytest.mark.parametrize(
    ("light", "word", "misbehave"),
    [
        (Light.YELLOW, "gave no answer", misbehaving(Fault.SILENCE)),
        (Light.YELLOW, "a refusal (SYSTEMERROR", misbehaving(Fault.SYSTEM_ERROR)),
        (Light.RED, "is not believed", misbehaving(Fault.BAD_SIGNATURE)),
    ],
)
def test_what_the_doctor_hears(
    partner: WeChatPayV2Simulator, light: Light, word: str, misbehave: Callable[[WeChatPayV2Simulator], None]
) -> None:
    """Other answers, and none."""
    misbehave(partner)
    assert any(light is found and word in what for found, what in findings(partner))


def test_the_journal_keeps_what_was_paid(till: Till) -> None:
    """The debt, the attempt, WeChat's number."""
    scan(till)
    (operation,) = operations(till)
    assert (operation.partner, operation.partner_ref, operation.ids) == (
        "wechatpay_v2",
        "SHOP10010001T001",
        {"trade_type": "MICROPAY"},
    )
