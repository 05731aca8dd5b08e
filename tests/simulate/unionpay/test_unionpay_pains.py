"""What went wrong in other libraries and shops with UnionPay, each as a test that names the pain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.simulate.unionpay.shop import AMOUNT, ORDER, REF, Shop, action_of, minutes

from payport.adapters.unionpay import UnionPayAuthority
from payport.adapters.unionpay.forms import encode_form, parse_notice, parse_reply
from payport.adapters.unionpay.simulator import Fault, UnionPaySimulator
from payport.adapters.unionpay.simulator.keys import authority
from payport.schemas import (
    ActionRequired,
    EventKind,
    HostedPage,
    Money,
    NotSent,
    Pending,
    QrShown,
    RawNotification,
    Rejected,
    RejectedKind,
    Succeeded,
    Unknown,
    UnknownKind,
    Verified,
)
from payport.sdk.events import Mismatch, SignatureFailed
from payport.sdk.journal.records import State, Verb
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault as AnyFault


def told(shop: Shop) -> RawNotification:
    """The notice of a page that was paid, which the journal does not know yet."""
    shop.partner.payer.open(action_of(shop.gateway.pay(ORDER, HostedPage())))
    return shop.partner.notices[-1]


def test_verification_fails_and_nobody_can_find_out_why(shop: Shop) -> None:
    """Pain (lokielse/omnipay-unionpay#36): "verify failed", and people switched verification off. The cause is said."""
    raw = told(shop)
    causes = {
        "descends from none of the configured authorities": replace(
            shop.partner.account,
            authorities=(
                UnionPayAuthority(middle=authority("Other").middle.pem(), root=authority("Other").root.pem()),
            ),
        ),
    }
    for cause, account in causes.items():
        answer = shop.worker(account).receive(raw)
        assert isinstance(answer, Rejected)
        assert cause in answer.detail
        assert "configure UnionPay's current middle and root" in answer.detail


def test_a_renewed_certificate_of_unionpays_breaks_nothing(shop: Shop) -> None:
    """Pain (shima-park/unionpay#1): a fixed public key was configured, and the day UnionPay renewed it all failed."""
    shop.gateway.pay(ORDER, shop.code(), deadline_s=1.0)
    before = shop.partner.account.authorities
    number = shop.partner.rotate_certificate()
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)
    assert shop.partner.account.authorities == before
    assert number.isdigit()


def test_a_notice_that_another_merchant_signed_is_refused(shop: Shop) -> None:
    """Pain: only the chain was checked, so any customer of CFCA could sign "paid"."""
    raw = told(shop)
    forged = shop.partner.notices.signed_by_merchant(raw)
    answer = shop.gateway.receive(forged)
    assert isinstance(answer, Rejected)
    assert answer.kind is RejectedKind.BAD_SIGNATURE
    assert any(isinstance(event, SignatureFailed) for event in shop.events)
    assert shop.operations()[0].state is State.ACTION
    assert isinstance(shop.gateway.receive(raw), Verified)


def test_carriage_returns_of_the_certificate_survive(shop: Shop) -> None:
    r"""Pain: a framework or database turned ``\r\n`` into ``\n``, and the signature did not fit any more."""
    raw = told(shop)
    fields = parse_notice(raw.body)
    spoiled = {**fields, "signPubKeyCert": fields["signPubKeyCert"].replace("\r\n", "\n")}
    answer = shop.gateway.receive(RawNotification(body=encode_form(spoiled, "UTF-8"), headers={}))
    assert isinstance(answer, Rejected)
    assert isinstance(shop.gateway.receive(raw), Verified)


def test_a_plus_in_a_reply_stays_a_plus(shop: Shop) -> None:
    """Pain: replies were read by a URL decoder, so ``+`` in signature and certificate became blanks."""
    shop.gateway.pay(ORDER, shop.code(), deadline_s=1.0)
    replies = [reply.content for _, reply in shop.tap.heard if isinstance(reply, WireReply)]
    assert any(b"+" in content for content in replies)
    assert all("signature" in parse_reply(content, "UTF-8") for content in replies)
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)


def test_own_parameters_of_the_notify_address(shop: Shop) -> None:
    """Pain: ``backUrl?shop=7`` ended in "verify failed", as the framework merged the parameter into the form."""
    raw = told(shop)
    merged = RawNotification(body=raw.body + b"&shop=7", headers={}, query="shop=7")
    assert isinstance(shop.gateway.receive(replace(merged, query="")), Rejected)
    assert isinstance(shop.gateway.receive(merged), Verified)


@pytest.mark.parametrize("reference", ["SHOP_1001_0001", "SHOP-1001-0001"])
def test_a_number_that_unionpay_refuses_never_leaves(shop: Shop, reference: str) -> None:
    """Pain: ``_`` and ``-`` in an ``orderId`` came back as code 10, "message format", and nobody knew why."""
    outcome = shop.gateway.pay(replace(ORDER, ref=reference), shop.code())
    assert isinstance(outcome, NotSent)
    assert "[0-9A-Za-z]" in outcome.cause.detail
    assert shop.tap.heard == []


def test_a_refunds_00_is_not_done(shop: Shop) -> None:
    """Pain: respCode 00 of a refund was shown to the payer as "refunded"; it says that it was received."""
    shop.sell()
    shop.partner.faults.next(Fault.SLOW_PROCESSING, "backTransReq.do 04/00")
    assert isinstance(shop.gateway.refund(REF, "BACK10010001", Money.of("1.00", "CNY")), Pending)
    shop.later(5)
    assert isinstance(shop.gateway.query_refund(REF, "BACK10010001").outcome, Pending)
    assert shop.partner.ledger.refunds() == ()
    shop.partner.process()
    shop.later(5)
    done = shop.gateway.query_refund(REF, "BACK10010001").outcome
    assert isinstance(done, Succeeded)
    assert done.value.amount == Money.of("1.00", "CNY")


def test_many_refunds_each_with_its_own_code(shop: Shop) -> None:
    """Pain: of a batch of refunds only the last code was looked at, and "already refunded" was taken for a failure."""
    shop.sell()
    outcomes = []
    for number, amount in enumerate(("4.00", "4.00", "4.34"), 1):
        if number == 2:
            shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "backTransReq.do 04/00", times=1)
        outcomes.append(shop.gateway.refund(REF, f"BACK1001000{number}", Money.of(amount, "CNY"), deadline_s=5.0))
    shop.later(10)
    told_by_number = [shop.gateway.query_refund(REF, f"BACK1001000{number}").outcome for number in (1, 2, 3)]
    assert all(isinstance(outcome, Succeeded) for outcome in told_by_number)
    assert [row.by for row in shop.partner.ledger.refunds()] == [f"BACK1001000{number}R001" for number in (1, 2, 3)]
    more = shop.gateway.refund(REF, "BACK10010009", Money.of("0.01", "CNY"))
    assert isinstance(more, NotSent), "more than was paid never leaves"


def test_a_failed_refund_is_a_failure_of_that_refund_only(shop: Shop) -> None:
    """Accepted, then refused: the payment is as it was, and a new number may be used."""
    shop.sell()
    shop.partner.faults.next(Fault.SLOW_PROCESSING, "backTransReq.do 04/00")
    shop.gateway.refund(REF, "BACK10010001", AMOUNT)
    shop.partner.process(succeed=False)
    shop.later(5)
    assert shop.operations(Verb.REFUND)[0].state is State.DECLINED
    shop.gateway.refund(REF, "BACK10010002", AMOUNT)
    shop.later(5)
    assert isinstance(shop.gateway.query_refund(REF, "BACK10010002").outcome, Succeeded)


def test_an_old_notice_teaches_another_order_nothing(shop: Shop) -> None:
    """Pain: notices carry no time, and the same number was used on another day: the old "paid" paid the new order."""
    raw = told(shop)
    other_day = shop.partner.notices.altered(raw, {"txnTime": "20251123090000"})
    answer = shop.gateway.receive(other_day)
    assert isinstance(answer, Verified)
    assert shop.operations()[0].state is State.ACTION
    assert [event.field for event in shop.events if isinstance(event, Mismatch)] == ["txnTime"]


def test_late_and_repeated_notices_change_nothing_that_is_final(shop: Shop) -> None:
    """Pain (saleor/saleor#8587 and many): a late event overwrote a final status."""
    raw = told(shop)
    assert isinstance(shop.gateway.receive(raw), Verified)
    paid = shop.operations()[0]
    failed = shop.partner.notices.altered(raw, {"respCode": "64"})
    again = [shop.gateway.receive(each) for each in (raw, failed, raw)]
    assert all(isinstance(answer, Verified) for answer in again)
    assert shop.operations()[0].state is paid.state is State.SUCCEEDED


def test_a_genuine_notice_settles_and_the_question_agrees(shop: Shop) -> None:
    """Signed by UnionPay and matching in number, time, amount and merchant: the order is paid without a question."""
    raw = told(shop)
    answer = shop.gateway.receive(raw)
    assert isinstance(answer, Verified)
    assert (answer.event.kind, answer.event.ref, answer.first_seen) == (EventKind.PAYMENT, REF, True)
    asked = len(shop.sent("00/00"))
    assert shop.operations()[0].state is State.SUCCEEDED
    assert len(shop.sent("00/00")) == asked


def test_asked_too_often_is_asked_more_slowly(shop: Shop) -> None:
    """Pain: code 37 was taken for a failure, or answered with the next question at once."""
    shop.gateway.pay(ORDER, shop.code(), deadline_s=1.0)
    shop.partner.faults.next(Fault.RATE_LIMITED, "queryTrans.do 00/00", times=9)
    waits = []
    for _ in range(9):
        shop.gateway.query(REF)
        operation = shop.operations()[0]
        assert operation.state is State.PENDING
        assert operation.next_at is not None
        waits.append((operation.next_at - shop.time.at).total_seconds())
        shop.time.pass_by(waits[-1])
    assert waits == sorted(waits)
    assert waits[0] == 2
    assert waits[5] >= 30
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)


def test_a_host_that_speaks_sslv3_is_not_spoken_to(shop: Shop) -> None:
    """Pain (lokielse/omnipay-unionpay#11): SSLv3 was hard-coded, and verification off for the test environment."""
    assert shop.gateway.adapter.trust is None, "the usual authorities, TLS 1.2 or later; there is no switch"


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
def test_gbk_is_signed_sent_and_read_as_gbk(tmp_path: Path, encoding: str) -> None:
    """Pain: Chinese text in one encoding was signed in the other."""
    with Shop(tmp_path, UnionPaySimulator(encoding=encoding)) as shop:  # type: ignore[arg-type]  # a text of two
        shop.sell()
        assert isinstance(shop.gateway.query(REF).outcome, Succeeded)
        replies = [reply for _, reply in shop.tap.heard if isinstance(reply, WireReply)]
        codec = "gbk" if encoding == "GBK" else "utf-8"
        assert any("成功" in reply.content.decode(codec) for reply in replies)
        page = replace(ORDER, ref="SHOP10010002", subject="🫖 茶")
        shop.partner.payer.open(action_of(shop.gateway.pay(page, HostedPage())))
        assert isinstance(shop.gateway.receive(shop.partner.notices[-1]), Verified)
        assert isinstance(shop.gateway.query(page.ref).outcome, Succeeded)


@pytest.mark.parametrize("method", ["11", "12"])
def test_shared_keys_work_like_certificates(tmp_path: Path, method: str) -> None:
    """SHA-256 and SM3: paid, told, refused when forged."""
    with Shop(tmp_path, UnionPaySimulator(method)) as shop:  # type: ignore[arg-type]  # a text of three
        raw = told(shop)
        forged = shop.partner.notices.forged(raw, {"txnAmt": "1"})
        assert isinstance(shop.gateway.receive(forged), Rejected)
        assert isinstance(shop.gateway.receive(raw), Verified)
        assert isinstance(shop.gateway.query(REF).outcome, Succeeded)


def test_reserved_text_with_structure_does_not_break_replies(shop: Shop) -> None:
    """Pain: ``&``, ``=`` and brackets in ``reqReserved`` came back and broke the parsing of the reply."""
    order = replace(ORDER, metadata={"note": "a&b={c}[d]"})
    shop.gateway.pay(order, shop.code(), deadline_s=1.0)
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)


def test_a_front_failure_is_not_final(shop: Shop) -> None:
    """Pain: the first card was refused, the shop gave the goods to somebody else, and the second card paid."""
    form = action_of(shop.gateway.pay(ORDER, HostedPage()))
    shop.partner.payer.try_empty_card(form)
    for _ in range(3):
        shop.later(60)
        assert isinstance(shop.gateway.pay(ORDER, HostedPage()), ActionRequired)
    shop.partner.payer.open(form)
    shop.later(60)
    assert shop.operations()[0].state is State.SUCCEEDED
    assert len(shop.operations()) == 1


def test_another_way_of_paying_never_opens_beside_a_live_page(shop: Shop) -> None:
    """Pain: a payer changed from the page to a code and paid both. Nobody can close a page, so it is waited for."""
    form = action_of(shop.gateway.pay(ORDER, HostedPage()))
    other = shop.gateway.pay(ORDER, QrShown())
    assert not isinstance(other, ActionRequired) or other.action == form
    assert len(shop.operations()) == 1
    shop.later(minutes(18))
    assert isinstance(shop.gateway.pay(ORDER, QrShown()), ActionRequired)
    assert shop.operations()[-1].partner_ref == f"{REF}T002"


def test_an_unsigned_failure_is_no_failure(shop: Shop) -> None:
    """Pain: an error page in between was read as "payment failed", and the payer paid again."""
    shop.partner.faults.next(AnyFault.COMMIT_THEN_UNSIGNED_ERROR, "backTransReq.do 01/06", times=3)
    outcome = shop.gateway.pay(ORDER, shop.code(), deadline_s=0.5)
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.UNVERIFIED
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)
