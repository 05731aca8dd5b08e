"""Paying with PayPal: approve, capture, hold, and how orders end that nobody captures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from tests.simulate.paypal.shop import PRICE, Shop

from payport.adapters.paypal.simulator import Wallet
from payport.schemas import (
    ActionRequired,
    Authorized,
    CancelledBy,
    Declined,
    FactKind,
    HostedPage,
    MobileWeb,
    Money,
    NotSent,
    NotSentKind,
    Order,
    PartnerId,
    Pending,
    QrShown,
    Reason,
    Redirect,
    Succeeded,
    Unknown,
    UnknownKind,
)
from payport.sdk import Gateway
from payport.sdk.hosting import Asked
from payport.sdk.journal.records import State
from payport.sdk.testing import Fault
from payport.sdk.testing.stepping import WorkerClock

REF = "SHOP10010001"


def test_a_payer_approves_and_comes_back_and_is_charged_once(shop: Shop) -> None:
    """Approving takes nothing; ``complete`` captures; to complete or to pay again changes nothing any more."""
    visit = shop.approved(REF)
    assert shop.charges(REF) == []
    done = shop.gateway.complete(REF, visit.returned)
    assert isinstance(done, Succeeded)
    assert done.value.amount == PRICE
    assert visit.order_id == str(done.value.partner_id)
    assert done.value.native is not None
    assert done.value.native.status == "COMPLETED"
    assert isinstance(shop.gateway.complete(REF, visit.returned), Succeeded)
    assert isinstance(shop.pay(REF), Succeeded)
    assert shop.charges(REF) == [PRICE]


def test_the_page_is_the_same_however_often_it_is_asked_for(shop: Shop) -> None:
    """One live attempt, one order at PayPal."""
    assert shop.page(REF) == shop.page(REF)
    assert "https://paypal.simulator/checkoutnow?token=" in shop.page(REF).url


def test_a_browser_can_click_through_the_checkout(shop: Shop) -> None:
    """The page, the button, and the way back with token and PayerID."""
    from urllib.parse import parse_qsl, urlsplit

    from payport.sdk.testing import Incoming

    url = urlsplit(shop.page(REF).url)
    page = shop.partner.handle(Incoming(method="GET", target=f"{url.path}?{url.query}", headers={}, body=b"")).reply
    assert b"Pay with PayPal" in page.content
    click = Incoming(method="POST", target="/checkoutnow/approve", headers={}, body=url.query.encode())
    back = dict(shop.partner.handle(click).reply.headers)["location"]
    assert back.startswith("https://shop.example/paid?")
    returned = dict(parse_qsl(urlsplit(back).query))
    assert {"token", "PayerID"} == set(returned)
    assert isinstance(shop.gateway.complete(REF, returned), Succeeded)


def test_who_did_not_approve_is_not_charged(shop: Shop) -> None:
    """The page that the payer comes back to proves nothing: PayPal is asked to capture, and says not approved."""
    page = shop.page(REF)
    token = page.url.rpartition("=")[2]
    outcome = shop.gateway.complete(REF, {"token": token, "PayerID": "MADEUPBYHAND1"})
    assert ActionRequired(action=page, payable_until=shop.last(REF).payable_until or shop.time.at) == outcome
    assert shop.charges(REF) == []


def test_the_way_back_of_another_order_completes_nothing(shop: Shop) -> None:
    """A token that is not this order's sends no capture."""
    shop.approved(REF)
    shop.gateway.complete(REF, {"token": "5O190127TN364715T"})
    assert shop.charges(REF) == []
    assert len(shop.last(REF).steps) == 1


def test_without_parameters_complete_captures_what_is_approved(shop: Shop) -> None:
    """Whoever calls ``complete`` means it: PayPal decides whether it may be."""
    shop.approved(REF)
    assert isinstance(shop.gateway.complete(REF), Succeeded)
    assert shop.charges(REF) == [PRICE]


def test_an_automatic_order_is_captured_by_resume(shop: Shop) -> None:
    """As soon as PayPal says that it is approved; before that no capture is tried."""
    page = shop.page(REF, automatic=True)
    shop.gateway.resolve(REF)
    assert len(shop.last(REF).steps) == 1
    shop.partner.payer.open(page)
    shop.gateway.resolve(REF)
    assert shop.charges(REF) == [PRICE]
    assert isinstance(shop.pay(REF, automatic=True), Succeeded)


def test_a_declined_instrument_sends_the_payer_back(shop: Shop) -> None:
    """INSTRUMENT_DECLINED is no end: another instrument pays the same order, under a request id of its own."""
    first = shop.sell(REF, Wallet.NO_MONEY)
    assert isinstance(first, ActionRequired)
    assert Reason.DECLINED is first.last_refusal
    assert isinstance(first.action, Redirect)
    asked = shop.gateway.query(REF).outcome
    assert isinstance(asked, ActionRequired)
    assert Reason.DECLINED is asked.last_refusal
    visit = shop.partner.payer.open(first.action)
    assert isinstance(shop.gateway.complete(REF, visit.returned), Succeeded)
    assert [step.name for step in shop.last(REF).steps] == ["create", "capture-1", "capture-2"]
    assert shop.charges(REF) == [PRICE]


def test_resume_does_not_try_a_declined_instrument_again_and_again(shop: Shop) -> None:
    """The payer must come back first."""
    shop.partner.payer.open(shop.page(REF, automatic=True), Wallet.NO_MONEY)
    for _ in range(5):
        shop.time.pass_by(60)
        shop.gateway.resolve(REF)
    assert [step.name for step in shop.last(REF).steps] == ["create", "capture-1"]


def test_a_refusal_for_good_ends_the_attempt(shop: Shop) -> None:
    """TRANSACTION_REFUSED: declined, and the next attempt may open."""
    refused = shop.sell(REF, Wallet.RISKY)
    assert isinstance(refused, Declined)
    assert (refused.partner_code, refused.reason) == ("TRANSACTION_REFUSED", Reason.DECLINED)
    assert isinstance(shop.sell(REF), Succeeded)
    assert shop.charges(REF) == [PRICE]
    assert f"{REF}T002" == shop.last(REF).partner_ref


@pytest.mark.parametrize(("succeed", "ends"), [(True, Succeeded), (False, Declined)])
def test_an_echeck_is_pending_for_days(shop: Shop, succeed: bool, ends: type) -> None:
    """An order COMPLETED whose capture is PENDING is not paid, and one whose capture was DECLINED never was.

    Pain: pending, denied or in review told as success or as failure (thephpleague/omnipay-paypal#13, #60).
    """
    assert isinstance(shop.sell(REF, Wallet.ECHECK), Pending)
    assert isinstance(shop.gateway.query(REF).outcome, Pending)
    shop.partner.process(succeed=succeed)
    assert isinstance(shop.gateway.query(REF).outcome, ends)
    assert ([PRICE] if succeed else []) == shop.charges(REF)


def test_a_pending_capture_is_not_tried_again(shop: Shop) -> None:
    """``complete`` on it asks, and sends nothing."""
    shop.sell(REF, Wallet.ECHECK)
    assert isinstance(shop.gateway.complete(REF, {"token": shop.last(REF).ids["order_id"]}), Pending)
    assert len(shop.last(REF).steps) == 2


def test_money_is_held_captured_in_parts_and_the_rest_released(shop: Shop) -> None:
    """AUTHORIZE, two captures, void."""
    held = shop.sell(REF, hold=True)
    assert isinstance(held, Authorized)
    assert held.value.amount == PRICE
    assert shop.charges(REF) == []
    for ref, value in (("PARTA0000001", "2.00"), ("PARTB0000001", "3.00")):
        part = shop.gateway.capture(REF, Money.of(value, "USD"), capture_ref=ref, final=False)
        assert isinstance(part, Succeeded)
        assert Money.of(value, "USD") == part.value.amount
    cancelled = shop.gateway.cancel(REF)
    assert isinstance(cancelled, Succeeded)
    assert CancelledBy.VOIDED is cancelled.value.by
    (hold,) = shop.partner.ledger.holds(f"{REF}T001")
    assert (Money.zero("USD"), Money.of("5.00", "USD")) == (hold.rest, hold.captured)
    assert isinstance(shop.gateway.refund(REF, "BACK00000001", Money.of("3.00", "USD")), Succeeded)


def test_a_hold_that_is_captured_whole_cannot_be_released(shop: Shop) -> None:
    """PREVIOUSLY_CAPTURED is no success of a cancel."""
    shop.sell(REF, hold=True)
    assert isinstance(shop.gateway.capture(REF), Succeeded)
    refused = shop.gateway.cancel(REF)
    assert isinstance(refused, Declined)
    assert (refused.reason, refused.partner_code) == (Reason.INVALID_STATE, "PREVIOUSLY_CAPTURED")


def test_a_hold_that_ran_out_is_a_fact(shop: Shop) -> None:
    """Authorizations end after 29 days: the answer stays Authorized, and the money's way back stands beside it."""
    shop.sell(REF, hold=True)
    shop.time.pass_by(30 * 86_400)
    told = shop.gateway.query(REF).outcome
    assert isinstance(told, Authorized)
    assert [fact.kind for fact in told.value.facts] == [FactKind.RELEASED]


def test_an_order_that_was_never_captured_is_closed_by_letting_it_be(shop: Shop) -> None:
    """PayPal has no call for it. Only our capture moves money; the cancel sends nothing, and ``complete`` is over."""
    visit = shop.approved(REF)
    before = shop.partner.tokens_given
    cancelled = shop.gateway.cancel(REF)
    assert isinstance(cancelled, Succeeded)
    assert CancelledBy.CLOSED is cancelled.value.by
    assert before == shop.partner.tokens_given
    assert isinstance(shop.gateway.complete(REF, visit.returned), Declined)
    assert shop.charges(REF) == []


def test_after_a_refused_capture_the_order_can_still_be_let_be(shop: Shop) -> None:
    """Every capture was answered, with a refusal: nothing is under way."""
    shop.sell(REF, Wallet.NO_MONEY)
    cancelled = shop.gateway.cancel(REF)
    assert isinstance(cancelled, Succeeded)
    assert CancelledBy.CLOSED is cancelled.value.by


@pytest.mark.parametrize("fault", [Fault.COMMIT_THEN_SILENCE, Fault.LATE_ARRIVAL])
def test_with_a_capture_in_doubt_a_cancel_asks(shop: Shop, fault: Fault) -> None:
    """It is no fence to let the order be while a capture may be on its way: captured, it is too late to close."""
    visit = shop.approved(REF)
    shop.partner.faults.next(fault, method="orders.capture", times=3, delay_s=5.0)
    doubt = shop.gateway.complete(REF, visit.returned, deadline_s=1.0)
    assert isinstance(doubt, Unknown)
    assert UnknownKind.TIMED_OUT is doubt.cause.kind
    told = shop.gateway.cancel(REF)
    if fault is Fault.LATE_ARRIVAL:
        assert isinstance(told, Pending)
        assert shop.last(REF).payable_until == told.payable_until
        shop.time.pass_by(30)
        shop.gateway.resolve(REF)
    else:
        assert isinstance(told, Declined)
    shop.gateway.resolve(REF)
    assert State.SUCCEEDED is shop.last(REF).state
    assert shop.charges(REF) == [PRICE]


def test_a_capture_in_doubt_that_is_to_be_reversed_is_given_back(shop: Shop) -> None:
    """The cancel finds it captured, and refunds it."""
    visit = shop.approved(REF)
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="orders.capture", times=3)
    shop.gateway.complete(REF, visit.returned, deadline_s=1.0)
    reversed_ = shop.gateway.cancel(REF, reverse_paid=True)
    assert isinstance(reversed_, Succeeded)
    assert CancelledBy.REVERSED is reversed_.value.by
    assert shop.partner.ledger.refunded_total() == PRICE


def test_a_paid_order_is_reversed_once(shop: Shop) -> None:
    """Without ``reverse_paid`` it is too late; with it the money goes back, and asking again gives back nothing."""
    shop.sell(REF)
    assert isinstance(shop.gateway.cancel(REF), Declined)
    for _ in range(2):
        told = shop.gateway.cancel(REF, reverse_paid=True)
        assert isinstance(told, Succeeded)
        assert CancelledBy.REVERSED is told.value.by
    assert shop.partner.ledger.refunded_total() == PRICE
    paid = shop.gateway.query(REF).outcome
    assert isinstance(paid, Succeeded)
    assert [fact.kind for fact in paid.value.facts] == [FactKind.REFUNDED]


def test_nobody_approves_and_the_order_is_over_by_time(shop: Shop) -> None:
    """After its three hours the attempt is closed here, and the next one may open."""
    shop.page(REF)
    shop.time.pass_by(3 * 3600 + 180)
    shop.gateway.resolve(REF)
    assert State.DECLINED is shop.last(REF).state
    assert isinstance(shop.sell(REF), Succeeded)


def test_an_approval_that_comes_too_late_is_not_captured(shop: Shop) -> None:
    """``payable_until`` is ours to keep: PayPal would still take it."""
    visit = shop.approved(REF)
    shop.time.pass_by(3 * 3600)
    shop.partner.advance(-3600)
    assert not isinstance(shop.gateway.complete(REF, visit.returned), Succeeded)
    shop.time.pass_by(180)
    shop.gateway.resolve(REF)
    assert shop.charges(REF) == []


def test_an_order_whose_number_never_came_back_is_asked_for_again(shop: Shop) -> None:
    """PayPal has no question by our reference, but it knows the request: the same id gives the same order."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="orders.create", times=3)
    assert isinstance(shop.pay(REF), Unknown)
    shop.gateway.resolve(REF)
    outcome = shop.pay(REF)
    assert isinstance(outcome, ActionRequired)
    shop.partner.payer.open(outcome.action)
    assert isinstance(shop.gateway.complete(REF), Succeeded)
    assert shop.charges(REF) == [PRICE]


def test_another_way_of_paying_lets_the_first_order_be(shop: Shop) -> None:
    """The payer on the phone gets an order of the phone's; the first one can no longer be captured by us."""
    shop.approved(REF)
    outcome = shop.pay(REF, MobileWeb(quit_url="https://shop.example/m"))
    assert isinstance(outcome, ActionRequired)
    assert f"{REF}T002" == shop.last(REF).partner_ref
    shop.partner.payer.open(outcome.action)
    assert isinstance(shop.gateway.complete(REF), Succeeded)
    assert shop.charges(REF) == [PRICE]


@pytest.mark.parametrize("by", ["order_id", "capture_id"])
def test_a_payment_is_adopted_by_the_number_of_its_order_or_of_its_capture(shop: Shop, by: str) -> None:
    """A payment that this journal never saw is taken over, and can be refunded."""
    shop.sell(REF)
    (charge,) = shop.partner.ledger.charges()
    other = shop.beside()
    adopted = other.gateway.adopt("ADOPTED00001", PartnerId(getattr(charge, by)))
    assert isinstance(adopted, Succeeded), adopted
    assert adopted.value.amount == PRICE
    assert charge.order_id == str(adopted.value.partner_id)
    assert isinstance(other.gateway.refund("ADOPTED00001", "BACK00000001", Money.of("1.00", "USD")), Succeeded)
    other.journal.close()


def test_a_number_that_paypal_does_not_know_adopts_nothing(shop: Shop) -> None:
    """Nor does one that is no number at all: it is never put into a path."""
    for number in ("5O190127TN364715T", "../v1/oauth2/token"):
        unknown = shop.gateway.adopt("ADOPTED00001", PartnerId(number))
        assert isinstance(unknown, NotSent)
        assert NotSentKind.INVALID is unknown.cause.kind


def test_an_adopted_order_is_not_let_be(shop: Shop) -> None:
    """Whoever made it may still capture it, so forgoing our own capture is no fence: its time is waited out."""
    visit = shop.approved(REF)
    other = shop.beside()
    assert isinstance(other.gateway.adopt("ADOPTED00001", PartnerId(visit.order_id)), ActionRequired)
    told = other.gateway.cancel("ADOPTED00001")
    assert isinstance(told, Pending)
    assert told.payable_until is not None
    assert isinstance(shop.gateway.complete(REF), Succeeded)
    other.gateway.resolve("ADOPTED00001")
    assert State.SUCCEEDED is other.last("ADOPTED00001").state
    other.journal.close()


@dataclass
class SlowTurn:
    """A call limit whose next turn comes when the order's time is long over; meanwhile somebody cancels it."""

    shop: Shop
    told: list[object] = field(default_factory=list[object])

    def admit(self, asked: Asked) -> float | None:
        """The turn of the capture."""
        if asked.request.endpoint != "orders.capture":
            return None
        until = self.shop.last(REF).payable_until
        assert until is not None
        self.shop.time.at = until + timedelta(seconds=121)
        self.told.append(self.shop.gateway.cancel(REF))
        return 1.0


def test_a_capture_that_waits_for_its_turn_until_the_order_is_over_does_not_leave(shop: Shop) -> None:
    """The call has hours. Somebody else is told meanwhile that the order can be paid no more."""
    half_an_hour = Order(ref=REF, amount=PRICE, subject="Tea", payable_until=shop.time.at + timedelta(minutes=30))
    page = shop.gateway.pay(half_an_hour, HostedPage())
    assert isinstance(page, ActionRequired)
    visit, slow = shop.partner.payer.open(page.action), SlowTurn(shop)
    till = Gateway(
        shop.adapter, journal=shop.journal, transport=shop.partner.transport(), sinks=(), admissions=(slow,),
        clock=WorkerClock(shop.time, "till"),
    )  # fmt: skip
    assert not isinstance(till.complete(REF, visit.returned, deadline_s=50_000.0), Succeeded)
    (cancelled,) = slow.told
    assert isinstance(cancelled, Succeeded)
    assert shop.charges(REF) == []
    assert shop.last(REF).facts == ()


def test_what_paypal_cannot_take_is_refused_here(shop: Shop) -> None:
    """A currency it does not know, a fraction of a forint, a code to be scanned: nothing is sent."""
    from typing import cast

    from payport.adapters.paypal import PayPalMethod

    for outcome in (
        shop.pay(REF, amount=Money.of("12.34", "KWD")),
        shop.pay(REF, amount=Money.of("12.34", "HUF")),
        shop.pay(REF, cast("PayPalMethod", QrShown())),
    ):
        assert isinstance(outcome, NotSent)
        assert NotSentKind.INVALID is outcome.cause.kind
    assert shop.partner.tokens_given == 0
    assert isinstance(shop.sell(REF, amount=Money.of("1234", "HUF")), Succeeded)
