"""Operations, slots and PayPal's words, for the tests of what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from payport.adapters.paypal import PayPalAccount
from payport.schemas import Money
from payport.sdk import Secret
from payport.sdk.adapter import Slot
from payport.sdk.journal.records import Operation, State, Step, Verb

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
REF = "SHOP10010001T001"
ORDER_ID = "5O190127TN364715T"
CAPTURE_ID = "3C679366HH908993F"
MERCHANT = "2SMWANTEDPAYP"
AMOUNT = Money.of("12.34", "USD")
SLOT = Slot(partner_ref=REF, now=NOON, payable_until=NOON + timedelta(hours=3))
ACCOUNT = PayPalAccount(
    client_id="AYclientclientclient",
    client_secret=Secret("EGsecretsecretsecret"),
    merchant_id=MERCHANT,
    return_url="https://shop.example/paid",
)
CREATE = Step(name="create", moves_money=False, digest="", done=True)


def operation(
    verb: Verb = Verb.PAY,
    *,
    state: State = State.DOUBT,
    ids: Mapping[str, str] | None = None,
    identity: Mapping[str, str] | None = None,
    steps: tuple[Step, ...] = (CREATE,),
    partner_ref: str = REF,
) -> Operation:
    """An operation over 12.34 dollars."""
    return Operation(
        id=f"SHOP10010001/{verb.value}//1",
        ref="SHOP10010001",
        verb=verb,
        partner="paypal",
        account=f"paypal:{MERCHANT}",
        partner_ref=partner_ref,
        identity=identity if identity is not None else {"intent": "CAPTURE"},
        amount=AMOUNT,
        created_at=NOON,
        payable_until=NOON + timedelta(hours=3),
        steps=steps,
        state=state,
        ids=ids or {},
    )


def movement(status: str, **more: object) -> dict[str, object]:
    """A capture, authorization or refund."""
    return {
        "id": CAPTURE_ID,
        "status": status,
        "amount": {"currency_code": "USD", "value": "12.34"},
        "invoice_id": REF,
        "custom_id": REF,
        "create_time": "2026-01-31T12:01:00Z",
        **more,
    }


def order(
    status: str, *, intent: str = "CAPTURE", unit: Mapping[str, object] | None = None, **payments: object
) -> dict[str, object]:
    """An order with one purchase unit."""
    whole: dict[str, object] = {
        "reference_id": REF,
        "custom_id": REF,
        "invoice_id": REF,
        "amount": {"currency_code": "USD", "value": "12.34"},
        "payee": {"merchant_id": MERCHANT},
        **(unit or {}),
    }
    if payments:
        whole["payments"] = payments
    return {
        "id": ORDER_ID,
        "status": status,
        "intent": intent,
        "purchase_units": [whole],
        "links": [{"href": "https://www.paypal.com/checkoutnow?token=5O19", "rel": "payer-action", "method": "GET"}],
    }
