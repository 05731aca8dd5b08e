"""Pages, codes and apps: nobody can close them, a refusal is not the end, and their time is on the wire."""

from __future__ import annotations

import re
from html import unescape

import pytest
from tests.simulate.unionpay.shop import AMOUNT, HOLD, ORDER, REF, Shop, action_of, minutes

from payport.adapters.unionpay import ApplePay, BusinessPage, UnionPayMethod
from payport.adapters.unionpay.simulator import CannotPay, Fault
from payport.schemas import (
    ActionRequired,
    Authorized,
    CancelledBy,
    Declined,
    FactKind,
    HostedPage,
    InApp,
    MobileWeb,
    Money,
    NotSent,
    NotSentKind,
    Pending,
    QrShown,
    RawNotification,
    Reason,
    Succeeded,
    Verified,
)
from payport.schemas.actions import PostForm
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing import Incoming

METHODS = [HostedPage(), MobileWeb(), BusinessPage(), InApp(), ApplePay(), QrShown()]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_what_is_handed_out_is_paid(shop: Shop, method: UnionPayMethod) -> None:
    """Opened and paid; the question tells."""
    shop.partner.payer.open(action_of(shop.gateway.pay(ORDER, method)))
    told = shop.gateway.query(REF).outcome
    assert isinstance(told, Succeeded)
    assert (told.value.amount, told.value.partner_ref) == (AMOUNT, f"{REF}T001")
    assert told.value.native is not None
    assert told.value.native.orig_resp_code == "00"


def test_a_browser_can_click_through_the_page(shop: Shop) -> None:
    """The form is posted, the button pressed, and the browser posts signed fields to ``frontUrl``."""
    from dataclasses import replace

    order = replace(ORDER, return_url="https://shop.example/thanks")
    form = action_of(shop.gateway.pay(order, HostedPage()))
    assert isinstance(form, PostForm)
    page = browse(shop, form)
    assert "Tea 茶" in page
    assert "CNY 12.34" in page
    refused = post(shop, "/cashier/refused", f"number={REF}T001")
    assert "try another card" in refused
    thanks = post(shop, "/cashier/pay", f"number={REF}T001")
    assert 'action="https://shop.example/thanks"' in thanks
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', thanks))
    carried = RawNotification(body=as_form({name: unescape(value) for name, value in fields.items()}), headers={})
    assert isinstance(shop.gateway.receive(carried), Verified), "the browser carries what UnionPay signed"
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)


def as_form(fields: dict[str, str]) -> bytes:
    """As a browser posts it."""
    from urllib.parse import urlencode

    return urlencode(fields).encode()


def browse(shop: Shop, form: PostForm) -> str:
    """The page behind a form."""
    return post(shop, "/gateway/api/frontTransReq.do", as_form(dict(form.fields)).decode())


def post(shop: Shop, path: str, body: str) -> str:
    """What a browser sees."""
    delivery = shop.partner.handle(Incoming(method="POST", target=path, headers={}, body=body.encode()))
    return delivery.reply.content.decode()


def test_a_refusal_is_only_the_last_refusal(shop: Shop) -> None:
    """A card without money: the page stays open, the next card pays."""
    form = action_of(shop.gateway.pay(ORDER, HostedPage()))
    shop.partner.payer.try_empty_card(form)
    told = shop.gateway.query(REF).outcome
    assert isinstance(told, ActionRequired)
    assert told.last_refusal is Reason.INSUFFICIENT_FUNDS
    shop.partner.payer.open(form)
    assert isinstance(shop.gateway.query(REF).outcome, Succeeded)


def test_after_its_time_a_refusal_is_the_end(shop: Shop) -> None:
    """``payTimeout`` and two minutes later it has expired; then another attempt can be opened."""
    form = action_of(shop.gateway.pay(ORDER, HostedPage()))
    shop.partner.payer.try_empty_card(form)
    shop.later(minutes(15))
    assert shop.operations()[0].state is State.ACTION
    shop.later(minutes(2))
    assert (shop.operations()[0].state, shop.operations()[0].reason) == (State.DECLINED, Reason.EXPIRED)
    again = shop.gateway.pay(ORDER, HostedPage())
    assert isinstance(again, ActionRequired)
    assert shop.operations()[-1].partner_ref == f"{REF}T002"


def test_what_nobody_opened_expires(shop: Shop) -> None:
    """UnionPay knows no such transaction (34), and by then nobody can make one of it."""
    form = action_of(shop.gateway.pay(ORDER, QrShown()))
    shop.later(minutes(10))
    assert isinstance(shop.gateway.query(REF).outcome, ActionRequired), "34 before its time says nothing"
    shop.later(minutes(7.1))
    told = shop.gateway.query(REF).outcome
    assert isinstance(told, Declined)
    assert told.reason is Reason.EXPIRED
    with pytest.raises(CannotPay, match="over"):
        shop.partner.payer.open(form)


def test_there_is_no_close(shop: Shop) -> None:
    """A cancel waits until the time is over, says until when, and then it is certain."""
    form = action_of(shop.gateway.pay(ORDER, HostedPage()))
    waiting = shop.gateway.cancel(REF)
    assert isinstance(waiting, Pending)
    assert waiting.payable_until == shop.operations()[0].payable_until
    assert [request.endpoint for request, _ in shop.tap.heard] == ["queryTrans.do 00/00"], "nothing closes"
    for _ in range(4):
        shop.later(minutes(5))
    done = shop.gateway.cancel(REF)
    assert isinstance(done, Succeeded)
    assert done.value.by is CancelledBy.EXPIRED
    with pytest.raises(CannotPay):
        shop.partner.payer.open(form)


def test_a_cancel_that_the_payer_overtook_is_refused(shop: Shop) -> None:
    """Paid while it waited: left alone, unless the cancel may give money back; then it is undone."""
    form = action_of(shop.gateway.pay(ORDER, HostedPage()))
    assert isinstance(shop.gateway.cancel(REF), Pending)
    shop.partner.payer.open(form)
    refused = shop.gateway.cancel(REF)
    assert isinstance(refused, Declined)
    assert refused.reason is Reason.INVALID_STATE
    shop.gateway.cancel(REF, reverse_paid=True)
    assert isinstance(shop.gateway.cancel(REF, reverse_paid=True), Succeeded)
    assert len(shop.partner.ledger.refunds()) == 1


def test_a_cancel_that_may_reverse_waits_for_the_payer_and_undoes(shop: Shop) -> None:
    """Asked for before, paid ten minutes later: the undo bears a time that UnionPay still takes."""
    form = action_of(shop.gateway.pay(ORDER, HostedPage()))
    assert isinstance(shop.gateway.cancel(REF, reverse_paid=True), Pending)
    shop.time.pass_by(minutes(12))
    shop.partner.payer.open(form)
    for _ in range(4):
        shop.later(10)
    done = shop.gateway.cancel(REF, reverse_paid=True)
    assert isinstance(done, Succeeded)
    assert done.value.by is CancelledBy.REVERSED
    (undo,) = shop.sent("31/00")
    assert undo["txnTime"] == "20261123091200"


def test_paid_after_its_time_is_not_paid(shop: Shop) -> None:
    """42: UnionPay returns it by itself; the order has expired, and somebody looks when the day is reconciled."""
    shop.gateway.pay(ORDER, QrShown())
    shop.time.pass_by(minutes(16))
    shop.partner.payer.pay_late(f"{REF}T001")
    shop.later(minutes(2))
    told = shop.gateway.query(REF).outcome
    assert isinstance(told, Declined)
    assert (told.reason, told.partner_code) == (Reason.EXPIRED, "42")
    assert [fact.kind for fact in shop.operations()[0].facts] == [FactKind.FLAGGED]
    assert shop.partner.ledger.paid_total() == shop.partner.ledger.refunded_total()


def test_a_defect_is_paid_and_flagged(shop: Shop) -> None:
    """A6 counts as success; the fact says that the books are to be compared."""
    form = action_of(shop.gateway.pay(ORDER, HostedPage()))
    shop.partner.payer.open(form)
    shop.partner.settle_with_defect(f"{REF}T001")
    told = shop.gateway.query(REF).outcome
    assert isinstance(told, Succeeded)
    assert [fact.kind for fact in told.value.facts] == [FactKind.FLAGGED]


@pytest.mark.parametrize("answered", [True, False])
def test_a_notice_of_a_defect_is_asked_about(shop: Shop, *, answered: bool) -> None:
    """A6 alone settles nothing: what cannot be confirmed now is pending, and asked about again."""
    shop.partner.payer.open(action_of(shop.gateway.pay(ORDER, HostedPage())))
    shop.partner.settle_with_defect(f"{REF}T001")
    if not answered:
        shop.partner.faults.next(Fault.SILENCE, "queryTrans.do 00/00")
    defective = shop.partner.notices.altered(shop.partner.notices[-1], {"respCode": "A6"})
    assert isinstance(shop.gateway.receive(defective), Verified)
    assert len(shop.sent("00/00")) == 1
    assert shop.operations()[0].state is (State.SUCCEEDED if answered else State.PENDING)
    shop.later(minutes(2))
    (settled,) = shop.operations()
    assert settled.state is State.SUCCEEDED
    assert [fact.kind for fact in settled.facts] == [FactKind.FLAGGED]


def test_a_lost_code_is_not_given_twice(shop: Shop) -> None:
    """The answer with the code was lost: a repetition is only recognised (12), and the order waits out its time."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "backTransReq.do 01/07")
    assert not isinstance(shop.gateway.pay(ORDER, QrShown()), ActionRequired)
    assert len(shop.sent("01/07")) == 2
    shop.later(minutes(18))
    assert isinstance(shop.gateway.pay(ORDER, QrShown()), ActionRequired)
    assert shop.partner.ledger.charges() == ()


# holds


@pytest.mark.parametrize("method", [HostedPage(), MobileWeb(), QrShown()], ids=lambda method: type(method).__name__)
def test_a_hold_is_captured_in_part_and_the_rest_is_released(shop: Shop, method: UnionPayMethod) -> None:
    """03, once; what is not captured goes back."""
    shop.partner.payer.open(action_of(shop.gateway.pay(HOLD, method)))
    assert isinstance(shop.gateway.query(REF).outcome, Authorized)
    assert shop.partner.ledger.charges() == ()
    assert isinstance(shop.gateway.capture(REF, Money.of("5.00", "CNY")), Pending)
    shop.later(5)
    assert isinstance(shop.gateway.capture(REF, Money.of("5.00", "CNY")), Succeeded)
    (held,) = shop.partner.ledger.holds()
    assert (held.captured, held.rest) == (Money.of("5.00", "CNY"), Money.zero("CNY"))
    assert shop.partner.ledger.paid_total() == Money.of("5.00", "CNY")
    shop.gateway.refund(REF, "BACK10010001", Money.of("1.00", "CNY"))
    shop.later(5)
    assert isinstance(shop.gateway.query_refund(REF, "BACK10010001").outcome, Succeeded)
    (back,) = shop.partner.ledger.refunds()
    assert back.order_id == f"{REF}C001", "a capture is refunded, not its hold"


def test_a_hold_is_released(shop: Shop) -> None:
    """32, received, then asked about."""
    shop.gateway.pay(HOLD, shop.code(), deadline_s=1.0)
    assert isinstance(shop.gateway.query(REF).outcome, Authorized)
    shop.gateway.cancel(REF)
    done = shop.gateway.cancel(REF)
    assert isinstance(done, Succeeded)
    assert done.value.by is CancelledBy.VOIDED
    assert shop.partner.ledger.holds()[0].rest == Money.zero("CNY")
    assert [operation.verb for operation in shop.operations(Verb.CANCEL)] == [Verb.CANCEL]


def test_a_captured_hold_cannot_be_released(shop: Shop) -> None:
    """UnionPay would refuse it, and the journal does before."""
    shop.gateway.pay(HOLD, shop.code(), deadline_s=1.0)
    shop.gateway.query(REF)
    shop.gateway.capture(REF)
    shop.later(5)
    told = shop.gateway.cancel(REF)
    assert isinstance(told, NotSent)
    assert told.cause.kind is NotSentKind.INVALID
    assert shop.sent("32/00") == []
    assert shop.partner.ledger.paid_total() == AMOUNT
