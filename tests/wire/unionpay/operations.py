"""Operations as the journal holds them, for the wire tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.wire.unionpay.stage import MERCHANT, NOON, STAMP

from payport.schemas.money import Money
from payport.schemas.order import Order
from payport.sdk.adapter import Plan, Slot
from payport.sdk.journal.records import Operation, State, Verb

AMOUNT = Money.of("12.34", "CNY")
ORDER = Order(ref="SHOP10010001", amount=AMOUNT, subject="Tea & {Cake} = 茶")
SLOT = Slot(partner_ref="SHOP10010001T001", now=NOON, payable_until=NOON + timedelta(minutes=15))
CANCEL_SLOT = replace(SLOT, partner_ref="SHOP10010001X001")
REFUND_SLOT = replace(SLOT, partner_ref="BACK10010001R001")
QUERY_ID = "512611231200000000001"
COMPLETION_ID = "512611231200000000003"
PAGE = {"txnTime": STAMP, "txnType": "01", "txnSubType": "01", "bizType": "000201"}
SCANNED = {"txnTime": STAMP, "txnType": "01", "txnSubType": "06", "bizType": "000000"}
HOLD = {"txnTime": STAMP, "txnType": "02", "txnSubType": "01", "bizType": "000201"}


def payment(**changes: Any) -> Operation:
    """An attempt to pay."""
    kept: dict[str, Any] = {
        "id": "SHOP10010001/pay//1",
        "ref": "SHOP10010001",
        "verb": Verb.PAY,
        "partner": "unionpay",
        "account": f"unionpay:{MERCHANT}",
        "partner_ref": "SHOP10010001T001",
        "identity": PAGE,
        "amount": AMOUNT,
        "created_at": NOON,
        "payable_until": NOON + timedelta(minutes=15),
        **changes,
    }
    return Operation(**kept)


def succeeded(**changes: Any) -> Operation:
    """One that was paid at noon."""
    return payment(**{"state": State.SUCCEEDED, "partner_id": QUERY_ID, "settled_at": NOON, **changes})


def held(**changes: Any) -> Operation:
    """One that holds money since noon."""
    return succeeded(**{"state": State.AUTHORIZED, "identity": HOLD, **changes})


def completed(**changes: Any) -> Operation:
    """The completion of that hold at noon: 12.34 was taken."""
    own = {"txnTime": STAMP, "txnType": "03", "bizType": "000201"}
    return succeeded(
        **{
            "id": "SHOP10010001/capture//1",
            "verb": Verb.CAPTURE,
            "of": held().id,
            "partner_ref": "SHOP10010001C001",
            "identity": own,
            "partner_id": COMPLETION_ID,
            **changes,
        }
    )


def refund(plan: Plan, **changes: Any) -> Operation:
    """A refund or undo under way."""
    return payment(
        **{
            "id": "SHOP10010001/refund/BACK10010001/1",
            "verb": Verb.REFUND,
            "part": "BACK10010001",
            "partner_ref": "BACK10010001R001",
            "identity": plan.identity,
            "steps": plan.steps,
            "payable_until": plan.payable_until,
            **changes,
        }
    )


def cancel(plan: Plan, **changes: Any) -> Operation:
    """A cancel under way."""
    return payment(
        **{
            "id": "SHOP10010001/cancel//1",
            "verb": Verb.CANCEL,
            "partner_ref": "SHOP10010001X001",
            "identity": plan.identity,
            "steps": plan.steps,
            **changes,
        }
    )
