"""What PayPal's words teach: the capture counts, never the order's own word; what is another's is nobody's success."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.wire.paypal.shapes import AMOUNT, CAPTURE_ID, MERCHANT, ORDER_ID, REF, movement, order

from payport.adapters.paypal.calls import instant
from payport.adapters.paypal.reading.fields import Unreadable, last_part, parsed
from payport.adapters.paypal.reading.orders import order_observation
from payport.adapters.paypal.reading.payouts import batch_observation
from payport.adapters.paypal.reading.refunds import refund_observation
from payport.adapters.paypal.wire import PayPalOrder, PayPalPayoutBatch, PayPalRefund
from payport.schemas import CancelledBy, FactKind, Money, Reason, Redirect, UnknownKind
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source

FAILED = {"processor_response": {"response_code": "5120"}}


def read(node: Mapping[str, object]) -> Observation:
    """What an order teaches."""
    return order_observation(parsed(PayPalOrder, node), Source.QUERY, MERCHANT)


@pytest.mark.parametrize(
    ("node", "state", "reason"),
    [
        (order("CREATED"), State.ACTION, None),
        (order("PAYER_ACTION_REQUIRED"), State.ACTION, None),
        (order("APPROVED"), State.ACTION, None),
        (order("SAVED"), State.PENDING, None),
        (order("VOIDED"), State.DECLINED, Reason.CLOSED),
        (order("COMPLETED", captures=[movement("COMPLETED")]), State.SUCCEEDED, None),
        (order("COMPLETED", captures=[movement("PARTIALLY_REFUNDED")]), State.SUCCEEDED, None),
        (order("COMPLETED", captures=[movement("REFUNDED")]), State.SUCCEEDED, None),
        (order("COMPLETED", captures=[movement("PENDING")]), State.PENDING, None),
        (order("COMPLETED", captures=[movement("DECLINED", **FAILED)]), State.DECLINED, Reason.INSUFFICIENT_FUNDS),
        (order("COMPLETED", captures=[movement("FAILED")]), State.DECLINED, Reason.DECLINED),
        (order("APPROVED", captures=[movement("DECLINED")]), State.ACTION, None),
        (order("COMPLETED", captures=[movement("DECLINED", id="A"), movement("COMPLETED")]), State.SUCCEEDED, None),
        (order("COMPLETED", captures=[movement("COMPLETED"), movement("DECLINED", id="A")]), State.SUCCEEDED, None),
        (order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("CREATED")]), State.AUTHORIZED, None),
        (order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("CAPTURED")]), State.AUTHORIZED, None),
        (order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("PENDING")]), State.PENDING, None),
        (order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("DENIED")]), State.DECLINED, Reason.DECLINED),
        (order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("VOIDED")]), State.DECLINED, Reason.CLOSED),
        (order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("EXPIRED")]), State.DECLINED, Reason.EXPIRED),
    ],
)
def test_what_an_order_teaches(node: Mapping[str, object], state: State, reason: Reason | None) -> None:
    """Pain: an unpaid order marked as paid because the order said COMPLETED (thephpleague/omnipay-paypal#276)."""
    told = read(node)
    assert (told.state, told.reason, told.unknown) == (state, reason, None)
    assert (told.partner_ref, told.amount) == (REF, AMOUNT)
    assert told.ids["order_id"] == ORDER_ID


def test_a_paid_order_tells_what_is_needed_to_give_it_back() -> None:
    """Number of the capture, time, amount; and that an order is the payment's own number."""
    told = read(order("COMPLETED", captures=[movement("COMPLETED")]))
    assert (told.partner_id, told.ids["capture_id"]) == (ORDER_ID, CAPTURE_ID)
    assert told.at == instant("2026-01-31T12:01:00Z")


def test_an_order_to_be_approved_tells_where() -> None:
    """The page of PayPal's; an address that no browser should be sent to is not handed out."""
    assert read(order("PAYER_ACTION_REQUIRED")).action == Redirect(url="https://www.paypal.com/checkoutnow?token=5O19")
    assert "approved" in read(order("APPROVED")).ids
    for address in ("http://www.paypal.com/x", "javascript:alert(1)", "https://x y"):
        node = {**order("CREATED"), "links": [{"href": address, "rel": "approve"}]}
        with pytest.raises(Unreadable):
            read(node)
    assert read({**order("CREATED"), "links": []}).action is None


TWO = {**order("APPROVED"), "purchase_units": [{"amount": {"currency_code": "USD", "value": "1"}}] * 2}


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        (order("IN_LIMBO"), UnknownKind.UNKNOWN_STATUS),
        (order("COMPLETED"), UnknownKind.UNKNOWN_STATUS),
        (order("COMPLETED", captures=[movement("IN_LIMBO")]), UnknownKind.UNKNOWN_STATUS),
        (order("COMPLETED", captures=[movement("DECLINED", id="A"), movement("IN_LIMBO")]), UnknownKind.UNKNOWN_STATUS),
        (order("COMPLETED", captures=[movement("COMPLETED", id="A"), movement("COMPLETED")]), UnknownKind.MISMATCH),
        (order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("NEW")]), UnknownKind.UNKNOWN_STATUS),
        (order("APPROVED", unit={"payee": {"merchant_id": "SOMEBODYELSEX"}}), UnknownKind.MISMATCH),
        (order("APPROVED", unit={"custom_id": "OTHER"}), UnknownKind.MISMATCH),
        (order("APPROVED", unit={"invoice_id": "OTHER"}), UnknownKind.MISMATCH),
        (TWO, UnknownKind.MISMATCH),
        ({**order("APPROVED"), "purchase_units": []}, UnknownKind.MISMATCH),
    ],
)
def test_what_is_doubted(node: Mapping[str, object], kind: UnknownKind) -> None:
    """New statuses, another payee, references that differ, captured twice: kept, and never a success."""
    told = read(node)
    assert told.unknown is not None
    assert told.unknown.kind is kind


def test_an_order_of_another_system_goes_by_its_own_name() -> None:
    """Where nobody gave it a reference."""
    bare = {"reference_id": "default", "custom_id": None, "invoice_id": None}
    assert read(order("APPROVED", unit=bare)).partner_ref == ORDER_ID
    assert read(order("APPROVED", unit={**bare, "invoice_id": "THEIRS1"})).partner_ref == "THEIRS1"


@pytest.mark.parametrize(
    "node",
    [
        {"id": ORDER_ID},
        {**order("APPROVED"), "id": 5},
        order("APPROVED", unit={"amount": None}),
        order("APPROVED", unit={"amount": {"currency_code": "USD", "value": "12,34"}}),
        order("APPROVED", unit={"amount": {"currency_code": "XXX", "value": "1"}}),
        order("COMPLETED", captures=[movement("COMPLETED", amount=None)]),
        order("COMPLETED", captures=[{"status": "COMPLETED"}]),
        order("COMPLETED", captures={"id": "1"}),
    ],
)
def test_what_cannot_be_read_says_which_field_it_is(node: Mapping[str, object]) -> None:
    """And never what stood there."""
    with pytest.raises(Unreadable) as error:
        read(node)
    assert "12,34" not in str(error.value)


def test_refunds_of_others_are_facts_and_ours_are_not() -> None:
    """One fact for each; all of it where PayPal shows none."""
    theirs = movement("COMPLETED", id="R1", amount={"currency_code": "USD", "value": "1.00"})
    ours = movement("COMPLETED", id="R2", custom_id=f"refund.{REF}")
    pending = movement("PENDING", id="R3")
    told = read(order("COMPLETED", captures=[movement("PARTIALLY_REFUNDED")], refunds=[theirs, ours, pending]))
    assert [(fact.kind, fact.amount) for fact in told.facts] == [(FactKind.REFUNDED, Money.of("1.00", "USD"))]
    whole = read(order("COMPLETED", captures=[movement("REFUNDED")]))
    assert [(fact.kind, fact.amount) for fact in whole.facts] == [(FactKind.REFUNDED, AMOUNT)]


def test_a_hold_that_is_over_was_released() -> None:
    """By whoever it was."""
    told = read(order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("VOIDED")]))
    assert told.cancelled_by is CancelledBy.VOIDED


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("COMPLETED", State.SUCCEEDED),
        ("PENDING", State.PENDING),
        ("FAILED", State.DECLINED),
        ("CANCELLED", State.DECLINED),
        ("NEW", State.DOUBT),
    ],
)
def test_what_a_refund_teaches(status: str, state: State) -> None:
    """By its own reference."""
    told = refund_observation(parsed(PayPalRefund, movement(status, invoice_id="BACK1R001")), Source.QUERY)
    assert told.state is state
    assert told.unknown is not None or told.partner_ref == "BACK1R001"


def batch(status: str, *items: str) -> dict[str, object]:
    """A batch with items in these states."""
    return {
        "batch_header": {
            "payout_batch_id": "B1",
            "batch_status": status,
            "sender_batch_header": {"sender_batch_id": REF},
        },
        "items": [
            {
                "payout_item_id": "I1",
                "payout_batch_id": "B1",
                "transaction_status": item,
                "payout_item": {"amount": {"currency": "USD", "value": "12.34"}, "sender_item_id": REF},
            }
            for item in items
        ],
    }


@pytest.mark.parametrize(
    ("node", "state"),
    [
        (batch("PENDING"), State.PENDING),
        (batch("PROCESSING"), State.PENDING),
        (batch("SUCCESS"), State.PENDING),
        (batch("DENIED"), State.DECLINED),
        (batch("CANCELED"), State.DECLINED),
        (batch("NEW"), State.DOUBT),
        (batch("SUCCESS", "SUCCESS"), State.SUCCEEDED),
        (batch("SUCCESS", "UNCLAIMED"), State.PENDING),
        (batch("SUCCESS", "ONHOLD"), State.PENDING),
        (batch("SUCCESS", "BLOCKED"), State.PENDING),
        (batch("SUCCESS", "FAILED"), State.DECLINED),
        (batch("SUCCESS", "RETURNED"), State.DECLINED),
        (batch("SUCCESS", "NEW"), State.DOUBT),
        (batch("DENIED", "PENDING"), State.DECLINED),
        (batch("SUCCESS", "SUCCESS", "SUCCESS"), State.DOUBT),
    ],
)
def test_what_a_payout_teaches(node: Mapping[str, object], state: State) -> None:
    """A batch that was worked on says nothing of its item; the item does."""
    told = batch_observation(parsed(PayPalPayoutBatch, node), Source.QUERY)
    assert told.state is state
    assert told.unknown is not None or told.partner_ref == REF


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026-01-31T12:01:00Z", True),
        ("2026-01-31T12:01:00.123Z", True),
        ("2026-01-31t12:01:00+0000", True),
        ("2026-01-31T12:01:00", False),
        ("2026-01-31", False),
        ("2026-13-31T12:01:00Z", False),
        ("0001-01-01T00:00:00+12:00", False),
        (None, False),
    ],
)
def test_times_decide_nothing_when_they_cannot_be_read(text: str | None, good: bool) -> None:
    """They are left out."""
    assert (instant(text) is not None) is good


def test_the_number_at_the_end_of_a_link() -> None:
    """Where PayPal points instead of naming."""
    assert last_part("https://api-m.paypal.com/v1/payments/payouts/B1?x=1") == "B1"
    assert last_part("https://api-m.paypal.com/") is None
    assert last_part(None) is None
