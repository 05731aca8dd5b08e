"""What is done when Stripe's answer is missing: asked by number, repeated with the same key, ended, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulate.stripe.shop import EUROS, Shop, card

from payport.adapters.stripe import StripeElements, StripePayee
from payport.adapters.stripe.simulator import Fault
from payport.schemas import (
    ActionRequired,
    Declined,
    HostedPage,
    Money,
    PayoutOrder,
    Pending,
    Succeeded,
    Unknown,
)
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import Verb
from payport.sdk.message import WireReply

CREATE, CONFIRM, SEARCH = "payment_intents.create", "payment_intents.confirm", "payment_intents.search"


def keys(shop: Shop, endpoint: str) -> set[str]:
    return {request.headers.get("idempotency-key", "") for request, _ in shop.wire.seen if request.endpoint == endpoint}


@pytest.mark.parametrize("endpoint", [CREATE, CONFIRM])
@pytest.mark.parametrize("fault", [Fault.COMMIT_THEN_SILENCE, Fault.SILENCE, Fault.COMMIT_THEN_BAD_GATEWAY])
def test_a_missing_answer_is_made_up_for_with_the_same_key(shop: Shop, endpoint: str, fault: Fault) -> None:
    """However often it is sent, by this call and by later ones: one key, one charge."""
    shop.partner.faults.next(fault, endpoint, times=3)
    ref, outcome = shop.pay()
    assert isinstance(outcome, Unknown)
    shop.gateway.resolve(ref)
    assert isinstance(shop.outcome(ref), Succeeded)
    assert len(keys(shop, endpoint)) == 1
    assert shop.charged(ref) == 1


def test_a_create_in_doubt_is_repeated_only_in_half_of_the_keys_life(shop: Shop) -> None:
    """After twelve hours the same request could make a second intent, so it is not sent; nobody can pay the first."""
    shop.partner.search_lag_s = 10**9
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, CREATE, times=3)
    order = shop.order(payable_until=shop.time.at.replace(hour=23))
    assert isinstance(shop.gateway.pay(order, card()), Unknown)
    sent = shop.sent(CREATE)
    shop.time.pass_by(12 * 3600 + 1)
    shop.gateway.resolve(order.ref)
    assert shop.sent(CREATE) == sent
    assert isinstance(shop.outcome(order.ref), Unknown)
    shop.time.pass_by(11 * 3600)
    shop.gateway.resolve(order.ref)
    outcome = shop.outcome(order.ref)
    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.EXPIRED
    assert shop.charged(order.ref) == 0


def test_without_a_sealing_key_the_search_finds_what_was_made(shop: Shop) -> None:
    """Nothing can be sent again, so the intent is found by our reference and ended when its time is over."""
    bare = Shop(seals=False)
    bare.partner.faults.next(Fault.COMMIT_THEN_SILENCE, CREATE, times=3)
    ref, outcome = bare.pay()
    assert isinstance(outcome, Unknown)
    bare.gateway.resolve(ref)
    assert "payment_intent" not in bare.last(ref).ids, "the index lags: what it does not show proves nothing"
    bare.time.pass_by(60)
    bare.gateway.resolve(ref)
    assert bare.last(ref).ids["payment_intent"].startswith("pi_")
    bare.time.pass_by(3600 + 121)
    bare.gateway.resolve(ref)
    assert isinstance(bare.outcome(ref), Declined)
    assert bare.partner.ledger.status(f"{ref}T001") == "canceled"
    bare.gateway.close()


def test_a_search_that_lags_is_no_proof_of_absence(shop: Shop) -> None:
    """The order is asked for by search, not found, and still paid exactly once: by the same request again."""
    shop.partner.search_lag_s = 10**9
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, CREATE, times=3)
    ref, _ = shop.pay()
    shop.gateway.resolve(ref)
    assert shop.sent(SEARCH) == 1
    assert isinstance(shop.outcome(ref), Succeeded)
    assert shop.charged(ref) == 1


@pytest.mark.parametrize("endpoint", [CREATE, CONFIRM])
@pytest.mark.parametrize("fault", [Fault.SYSTEM_ERROR, Fault.COMMIT_THEN_SYSTEM_ERROR])
def test_a_step_that_was_answered_with_a_replayed_500_is_never_sent_again(
    shop: Shop, endpoint: str, fault: Fault
) -> None:
    """Two tries: the 500, and its playback. Then only questions: carried out it is found, else the intent is ended."""
    shop.partner.faults.next(fault, endpoint)
    order = shop.order()
    outcome = shop.gateway.pay(order, card())
    assert isinstance(outcome, Unknown)
    assert "that key is spent" in outcome.cause.detail
    sent = shop.sent(endpoint)
    assert sent == 2
    for _ in range(3):
        shop.gateway.resolve(order.ref)
    assert shop.sent(endpoint) == sent
    told = shop.outcome(order.ref)
    if endpoint == CONFIRM and fault.commits:
        assert isinstance(told, Succeeded)
    else:
        assert isinstance(told, Declined)
        assert told.reason is Reason.PARTNER_UNAVAILABLE
        assert isinstance(shop.gateway.pay(order, card()), Succeeded)
    assert shop.charged(order.ref) == 1


def test_a_refund_whose_key_is_spent_is_found_or_left_to_a_person(shop: Shop) -> None:
    """Never sent again: not under the same key, which is spent, and not under another, which could pay twice."""
    done, _ = shop.pay()
    shop.partner.faults.next(Fault.COMMIT_THEN_SYSTEM_ERROR, "refunds.create")
    assert isinstance(shop.gateway.refund(done, "BACK0001", EUROS), Unknown)
    assert isinstance(shop.gateway.query_refund(done, "BACK0001").outcome, Succeeded)
    lost, _ = shop.pay()
    shop.partner.faults.next(Fault.SYSTEM_ERROR, "refunds.create")
    assert isinstance(shop.gateway.refund(lost, "BACK0002", EUROS), Unknown)
    sent = shop.sent("refunds.create")
    shop.time.pass_by(13 * 3600)
    shop.gateway.resume()
    assert shop.sent("refunds.create") == sent
    reason = shop.last(lost, Verb.REFUND).for_person or ""
    assert "the key is spent" in reason
    assert "may not be sent again" in reason
    assert "sealed" not in reason
    assert "however often" not in reason


@pytest.mark.parametrize("fault", [Fault.COMMIT_THEN_SILENCE, Fault.SILENCE])
def test_captures_refunds_and_payouts_in_doubt_happen_once(shop: Shop, fault: Fault) -> None:
    """Asked by number, by mark or by reference; what is not there is sent again with the same key."""
    shop.partner.fund(Money.of("100.00", "EUR"))
    ref, _ = shop.pay(hold=True)
    order = PayoutOrder(ref="PAYOUT0001", amount=Money.of("9.00", "EUR"), subject="To the bank")
    for endpoint in ("payment_intents.capture", "refunds.create", "payouts.create"):
        shop.partner.faults.next(fault, endpoint, times=3)
    assert isinstance(shop.gateway.capture(ref), Unknown)
    shop.gateway.resume()
    assert isinstance(shop.gateway.capture(ref), Succeeded)
    assert isinstance(shop.gateway.refund(ref, "BACK0001", Money.of("1.00", "EUR")), Unknown)
    assert isinstance(shop.gateway.payout(order, StripePayee()), Unknown)
    shop.time.pass_by(61)
    shop.gateway.resume()
    assert isinstance(shop.gateway.query_refund(ref, "BACK0001").outcome, Succeeded)
    assert isinstance(shop.gateway.query_payout(order.ref).outcome, Pending)
    assert shop.charged(ref) == 1
    assert len(shop.partner.ledger.refunds()) == 1
    assert len(shop.partner.ledger.transfers()) == 1


def test_a_late_confirmation_meets_its_own_key(shop: Shop) -> None:
    """It was given up, sent again and carried out; then the first one arrives."""
    shop.partner.faults.next(Fault.LATE_ARRIVAL, CONFIRM, delay_s=60)
    ref, outcome = shop.pay()
    assert isinstance(outcome, Succeeded)
    shop.partner.advance(61)
    assert shop.charged(ref) == 1


def test_a_late_confirmation_meets_a_canceled_intent(shop: Shop) -> None:
    """The order was cancelled meanwhile: the fence holds."""
    shop.partner.faults.next(Fault.LATE_ARRIVAL, CONFIRM, times=3, delay_s=60)
    ref, outcome = shop.pay()
    assert isinstance(outcome, Unknown)
    assert isinstance(shop.gateway.cancel(ref), Succeeded)
    shop.partner.advance(61)
    assert shop.charged(ref) == 0


def test_a_lost_journal_does_not_charge_again(shop: Shop, tmp_path: Path) -> None:
    """A new journal plans the same order anew; Stripe keeps the key with other parameters, and our reference tells why.

    The intent that was paid is found by it: paid is paid, once.
    """
    order = shop.order(payable_until=shop.time.at.replace(hour=20))
    assert isinstance(shop.gateway.pay(order, card()), Succeeded)
    shop.time.pass_by(60)
    with shop.open(f"sqlite:///{tmp_path}/new.db") as other:
        outcome = other.pay(order, card("pm_card_mastercard"))
        assert isinstance(outcome, Unknown)
        assert outcome.cause.kind is UnknownKind.MISMATCH
        assert isinstance(other.query(order.ref).outcome, Succeeded)
    assert shop.charged(order.ref) == 1


def test_a_lost_journal_whose_payment_is_not_found_stays_in_doubt(shop: Shop, tmp_path: Path) -> None:
    """Where the search shows nothing, time alone does not make it unpaid: it is never called over, nor tried anew."""
    shop.partner.search_lag_s = 10**9
    order = shop.order(payable_until=shop.time.at.replace(hour=20))
    assert isinstance(shop.gateway.pay(order, card()), Succeeded)
    shop.time.pass_by(60)
    with shop.open(f"sqlite:///{tmp_path}/new.db") as other:
        for _ in range(3):
            assert isinstance(other.pay(order, card("pm_card_mastercard")), Unknown)
            shop.time.pass_by(24 * 3600)
            other.resume()
        shop.partner.search_lag_s = 0.0
        assert isinstance(other.query(order.ref).outcome, Succeeded)
    assert shop.charged(order.ref) == 1


def test_a_journal_that_plans_the_same_finds_the_same(shop: Shop, tmp_path: Path) -> None:
    """The keys are derived: a lost journal and the same request play the first answer back."""
    order = shop.order()
    shop.gateway.pay(order, card())
    with shop.open(f"sqlite:///{tmp_path}/new.db") as other:
        assert isinstance(other.pay(order, card()), Succeeded)
    assert shop.charged(order.ref) == 1


@pytest.mark.parametrize("method", [StripeElements(), HostedPage()])
def test_what_was_never_handed_out_cannot_be_paid(shop: Shop, method: object) -> None:
    """The answer that held the page or the secret is lost for good: the order may be paid another way."""
    endpoint = CREATE if isinstance(method, StripeElements) else "checkout.sessions.create"
    order = shop.order()
    shop.partner.faults.next(Fault.COMMIT_THEN_SYSTEM_ERROR, endpoint)
    assert isinstance(shop.gateway.pay(order, method), Unknown)  # type: ignore[arg-type]  # one of two
    shop.gateway.resolve(order.ref)
    assert isinstance(shop.gateway.pay(order, card()), Succeeded)
    assert shop.charged(order.ref) == 1


def test_a_lost_answer_is_handed_out_when_it_is_played_back(shop: Shop) -> None:
    """The same page as the first time."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "checkout.sessions.create", times=3)
    order = shop.order()
    assert isinstance(shop.gateway.pay(order, HostedPage()), Unknown)
    outcome = shop.gateway.pay(order, HostedPage())
    assert isinstance(outcome, ActionRequired)
    shop.partner.payer.open(outcome.action)
    assert isinstance(shop.outcome(order.ref), Succeeded)


def test_a_page_in_doubt_is_not_made_again_when_it_could_not_live_for_half_an_hour(shop: Shop) -> None:
    """Stripe would refuse its end. Nobody has the first one, so its time runs out."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "checkout.sessions.create", times=3)
    order = shop.order()
    shop.gateway.pay(order, HostedPage())
    sent = shop.sent("checkout.sessions.create")
    shop.time.pass_by(31 * 60)
    shop.gateway.resolve(order.ref)
    assert shop.sent("checkout.sessions.create") == sent
    shop.time.pass_by(32 * 60)
    shop.gateway.resolve(order.ref)
    assert isinstance(shop.outcome(order.ref), Declined)


def test_a_cancel_of_what_has_no_number_ends_what_the_search_finds(shop: Shop) -> None:
    """Before that, and without it, the order's own time ends it."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, CREATE, times=3)
    ref, _ = shop.pay()
    waiting = shop.gateway.cancel(ref)
    assert isinstance(waiting, Pending)
    assert waiting.payable_until is not None
    shop.time.pass_by(60)
    assert isinstance(shop.gateway.cancel(ref), Succeeded)
    assert shop.charged(ref) == 0


@pytest.mark.parametrize("fault", [Fault.WRONG_AMOUNT, Fault.OTHER_ORDER])
def test_a_first_answer_about_something_else_is_not_confirmed(shop: Shop, fault: Fault) -> None:
    """Peers take "succeeded, 1 EUR" for 10: here nothing is confirmed before the record is what was asked for."""
    shop.partner.faults.next(fault, CREATE)
    _, outcome = shop.pay()
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.MISMATCH
    assert shop.sent(CONFIRM) == 0


def test_nothing_that_leaves_or_is_told_holds_a_secret(shop: Shop) -> None:
    """The key travels in one header; events, outcomes and the journal's rows do not know it."""
    ref, outcome = shop.pay(StripeElements())
    shop.receive_all()
    key = shop.partner.account.secret_key.reveal()
    shown = f"{shop.events}{outcome}{shop.last(ref)}{shop.gateway.adapter}"
    assert key not in shown
    for request, reply in shop.wire.seen:
        assert key not in f"{request!r}{reply!r}{request.url}"
        assert isinstance(reply, WireReply)
