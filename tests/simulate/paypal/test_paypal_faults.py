"""PayPal misbehaves: whatever happens to an answer, a payer is charged at most once, and the journal finds out."""

from __future__ import annotations

import pytest
from tests.simulate.paypal.shop import PRICE, Shop

from payport.adapters.paypal import PayeeKind, PayPalPayee
from payport.adapters.paypal.simulator import PLAYED
from payport.schemas import (
    ActionRequired,
    Declined,
    Money,
    NotSent,
    PayoutOrder,
    Pending,
    Reason,
    Succeeded,
    Unknown,
    UnknownKind,
)
from payport.sdk.journal.records import State, Verb
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing import Fault

REF = "SHOP10010001"
READ = sorted(PLAYED - {Fault.RESET_BEFORE_TLS, Fault.RESET_BEFORE_READING}, key=lambda fault: fault.value)
PAYEE = PayPalPayee(kind=PayeeKind.EMAIL, receiver="worker@example.com")


def settle(shop: Shop) -> None:
    """Time passes, and what is open is asked about."""
    shop.partner.faults.clear()
    for _ in range(12):
        shop.partner.process()
        shop.gateway.resolve(REF)
        shop.time.pass_by(45)


@pytest.mark.parametrize("fault", READ, ids=str)
def test_a_capture_meets_a_fault(shop: Shop, fault: Fault) -> None:
    """Told honestly at once, and once the dust has settled charged exactly once."""
    visit = shop.approved(REF)
    shop.partner.faults.next(fault, method="orders.capture", times=3)
    told = shop.gateway.complete(REF, visit.returned, deadline_s=1.0)
    if not fault.commits:
        assert not isinstance(told, Succeeded | Declined), told
    settle(shop)
    assert State.SUCCEEDED is shop.last(REF).state
    assert shop.charges(REF) == [PRICE]


@pytest.mark.parametrize("fault", READ, ids=str)
def test_a_refund_meets_a_fault(shop: Shop, fault: Fault) -> None:
    """Given back exactly once, or refused for good and not at all."""
    shop.sell(REF)
    shop.partner.faults.next(fault, method="captures.refund", times=3)
    shop.gateway.refund(REF, "BACK00000001", Money.of("2.00", "USD"), deadline_s=1.0)
    settle(shop)
    state = shop.last(REF, Verb.REFUND).state
    assert state in (State.SUCCEEDED, State.DECLINED)
    given = [refund.amount for refund in shop.partner.ledger.refunds()]
    assert ([Money.of("2.00", "USD")] if state is State.SUCCEEDED else []) == given


@pytest.mark.parametrize("fault", READ, ids=str)
def test_a_payout_meets_a_fault(shop: Shop, fault: Fault) -> None:
    """Sent exactly once, or refused and not at all: a second batch would be money gone."""
    shop.partner.faults.next(fault, method="payouts.post", times=3)
    order = PayoutOrder(ref=REF, amount=Money.of("5.00", "USD"), subject="Wages")
    shop.gateway.payout(order, PAYEE, deadline_s=1.0)
    settle(shop)
    state = shop.last(REF, Verb.PAYOUT).state
    assert state in (State.SUCCEEDED, State.DECLINED)
    sent = [row.status for row in shop.partner.ledger.transfers(starting_with=REF)]
    assert (["SUCCESS"] if state is State.SUCCEEDED else []) == sent


@pytest.mark.parametrize("fault", READ, ids=str)
def test_an_order_that_is_being_made_meets_a_fault(shop: Shop, fault: Fault) -> None:
    """Whatever became of it moves no money; asking to pay again ends at a page, and one capture."""
    shop.partner.faults.next(fault, method="orders.create", times=3)
    told = shop.pay(REF)
    assert not isinstance(told, Succeeded)
    shop.partner.faults.clear()
    shop.gateway.resolve(REF)
    assert isinstance(shop.sell(REF), Succeeded)
    assert shop.charges(REF) == [PRICE]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.WRONG_AMOUNT, UnknownKind.MISMATCH),
        (Fault.OTHER_ORDER, UnknownKind.MISMATCH),
        (Fault.UNKNOWN_STATUS, UnknownKind.UNKNOWN_STATUS),
        (Fault.COMMIT_THEN_SYSTEM_ERROR, UnknownKind.PARTNER_FAULT),
        (Fault.COMMIT_THEN_SILENCE, UnknownKind.TIMED_OUT),
        (Fault.TRUNCATED, UnknownKind.UNREADABLE),
        (Fault.NOT_FOUND, UnknownKind.NOT_FOUND),
        (Fault.ASK_RETRY, UnknownKind.PARTNER_FAULT),
        (Fault.RATE_LIMITED, UnknownKind.PARTNER_FAULT),
    ],
)
def test_what_is_told_of_a_capture_in_doubt(shop: Shop, fault: Fault, kind: UnknownKind) -> None:
    """Another amount or order is a mismatch, and never a success (thephpleague/omnipay-paypal#276).

    Too many calls are no reason to give up an order that the payer approved: it is asked for again later
    (paypal/PayPal-Python-SDK#194).
    """
    visit = shop.approved(REF)
    shop.partner.faults.next(fault, method="orders.capture", times=3)
    told = shop.gateway.complete(REF, visit.returned, deadline_s=1.0)
    assert isinstance(told, Unknown), told
    assert kind is told.cause.kind


def test_a_refused_repetition_is_no_refusal_of_the_first_request(shop: Shop) -> None:
    """ORDER_ALREADY_CAPTURED: it happened before, so PayPal is asked how."""
    visit = shop.approved(REF)
    shop.partner.faults.next(Fault.COMMIT_THEN_RESET, method="orders.capture", times=3)
    assert isinstance(shop.gateway.complete(REF, visit.returned, deadline_s=1.0), Unknown)
    shop.time.pass_by(7 * 3600)  # PayPal has forgotten the request's id, and the time to pay is over
    shop.gateway.resolve(REF)
    assert State.SUCCEEDED is shop.last(REF).state
    assert shop.charges(REF) == [PRICE]


def test_two_workers_complete_one_order_at_once(shop: Shop) -> None:
    """One sends, the other is told that it is under way, or how it ended."""
    from concurrent.futures import ThreadPoolExecutor

    visit = shop.approved(REF)
    workers = [shop.open(shop.adapter, f"worker-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda worker: worker.complete(REF, visit.returned), workers))
    assert any(isinstance(each, Succeeded) for each in told)
    assert all(isinstance(each, Succeeded | Pending) for each in told)
    assert shop.charges(REF) == [PRICE]


class Said:
    """A PayPal that says one thing to every call of one kind."""

    def __init__(self, shop: Shop, endpoint: str, status: int, body: bytes) -> None:
        self._inner = shop.partner.transport()
        self._endpoint = endpoint
        self._reply = WireReply(status, (("content-type", "application/json"),), body)

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """That one thing."""
        return self._reply if request.endpoint == self._endpoint else self._inner.send(request, timeout_s)

    def close(self) -> None:
        """Nothing is open."""


def error(name: str, issue: str = "") -> bytes:
    """A refusal in PayPal's form."""
    details = f',"details":[{{"issue":"{issue}"}}]' if issue else ""
    return f'{{"name":"{name}","message":"words","debug_id":"f00d"{details}}}'.encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (402, error("PAYMENT_REQUIRED"), Reason.DECLINED),
        (402, error("UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED"), ActionRequired),
        (403, error("NOT_AUTHORIZED", "PERMISSION_DENIED"), Reason.NOT_PERMITTED),
        (404, error("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"), UnknownKind.NOT_FOUND),
        (409, error("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"), UnknownKind.PARTNER_FAULT),
        (409, error("RESOURCE_CONFLICT"), UnknownKind.PARTNER_FAULT),
        (415, error("UNSUPPORTED_MEDIA_TYPE"), Reason.INVALID_REQUEST),
        (422, error("UNPROCESSABLE_ENTITY", "ORDER_COMPLETION_IN_PROGRESS"), UnknownKind.PARTNER_FAULT),
        (422, error("UNPROCESSABLE_ENTITY", "PAYER_CANNOT_PAY"), Reason.DECLINED),
        (422, error("UNPROCESSABLE_ENTITY", "DUPLICATE_INVOICE_ID"), UnknownKind.MISMATCH),
        (422, error("UNPROCESSABLE_ENTITY", "BRAND_NEW_ISSUE"), Reason.OTHER),
        (422, error("UNPROCESSABLE_ENTITY", "SOMETHING_IN_PROGRESS"), UnknownKind.PARTNER_FAULT),
        (429, error("RATE_LIMIT_REACHED"), UnknownKind.PARTNER_FAULT),
        (429, b"slow down", UnknownKind.PARTNER_FAULT),
        (500, error("INTERNAL_SERVER_ERROR"), UnknownKind.PARTNER_FAULT),
        (503, error("SERVICE_UNAVAILABLE"), UnknownKind.PARTNER_FAULT),
        (403, b"<html>Access Denied</html>", UnknownKind.UNREADABLE),
        (302, b"{}", UnknownKind.UNREADABLE),
        (200, b"", UnknownKind.UNREADABLE),
        (200, b'{"id":"5O190127TN364715T"}', UnknownKind.UNREADABLE),
        (201, b'{"id":"5O190127TN364715T","status":"COMPLETED"}', UnknownKind.MISMATCH),
    ],
)
def test_each_status_means_what_it_says(
    shop: Shop, status: int, body: bytes, expected: type | Reason | UnknownKind
) -> None:
    """What a capture ends with, told at once: a refusal, a doubt, or one more chance for the payer."""
    visit = shop.approved(REF)
    other = shop.open(shop.adapter, "other", Said(shop, "orders.capture", status, body))
    told = other.complete(REF, visit.returned, deadline_s=1.0)
    match expected:
        case Reason():
            assert isinstance(told, Declined), told
            assert expected is told.reason
        case UnknownKind():
            assert isinstance(told, Unknown), told
            assert expected is told.cause.kind
        case _:
            assert isinstance(told, expected), told


def test_a_refusal_shows_paypals_own_word_and_its_number_for_support(shop: Shop) -> None:
    """``partner_code`` and the debug id that PayPal's support asks for."""
    from payport.adapters.paypal.simulator import Wallet

    refused = shop.sell(REF, Wallet.RISKY)
    assert isinstance(refused, Declined)
    assert refused.partner_code == "TRANSACTION_REFUSED"
    assert "debug_id f" in refused.message


def test_a_payout_without_its_answer_is_never_sent_as_a_second_batch(shop: Shop) -> None:
    """The batch number is ours: PayPal refuses it for 30 days, and points to the batch that has it."""
    shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method="payouts.post", times=3)
    order = PayoutOrder(ref=REF, amount=Money.of("5.00", "USD"), subject="Wages")
    assert isinstance(shop.gateway.payout(order, PAYEE, deadline_s=1.0), Unknown)
    shop.partner.forget_request_ids()
    shop.gateway.resolve(REF)
    shop.partner.process()
    told = shop.gateway.query_payout(REF).outcome
    assert isinstance(told, Succeeded)
    assert len(shop.partner.ledger.transfers()) == 1


def test_nothing_is_sent_when_the_network_is_down(shop: Shop) -> None:
    """And that is what is told."""
    shop.pay("SHOP10010002")
    shop.partner.faults.next(Fault.RESET_BEFORE_TLS, times=3)
    assert isinstance(shop.pay(REF), NotSent)
