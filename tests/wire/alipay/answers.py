"""Operations, slots and authentic answers, for the tests of what Alipay's words mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from payport.adapters.alipay.envelope import Answer
from payport.schemas.actions import QrCode
from payport.schemas.money import Money
from payport.sdk.adapter import Slot
from payport.sdk.journal.records import Operation, State, Verb

NOON = datetime(2026, 1, 31, 4, 0, tzinfo=UTC)
"""Twelve o'clock in China."""
NOON_TEXT = "2026-01-31 12:00:00"
TRADE = "SHOP10010001T001"
REQUEST = "SHOP1001R001"
AMOUNT = Money.of("12.34", "CNY")
SLOT = Slot(partner_ref=TRADE, now=NOON, payable_until=NOON + timedelta(minutes=30))

IDENTITIES: Mapping[Verb, Mapping[str, str]] = {
    Verb.CANCEL: {"out_trade_no": TRADE, "out_order_no": TRADE},
    Verb.REFUND: {"out_trade_no": TRADE},
}


def operation(
    verb: Verb = Verb.PAY,
    *,
    partner_ref: str = TRADE,
    identity: Mapping[str, str] | None = None,
    shown: bool = False,
    state: State = State.DOUBT,
    method: str = "QrShown",
    ids: Mapping[str, str] | None = None,
) -> Operation:
    """An operation over 12.34 yuan. ``shown``: the payer holds a code of ours."""
    return Operation(
        id=f"SHOP10010001/{verb.value}//1",
        ref="SHOP10010001",
        verb=verb,
        partner="alipay",
        account="alipay:9021000000000001",
        partner_ref=partner_ref,
        identity=IDENTITIES.get(verb, {}) if identity is None else identity,
        amount=AMOUNT,
        method=method,
        created_at=NOON,
        state=state,
        action=QrCode(text="https://qr.example") if shown else None,
        ids=ids or {},
    )


def answer(code: str = "10000", sub_code: str | None = None, /, **fields: object) -> Answer:
    """What an authentic reply says."""
    return Answer(code=code, sub_code=sub_code, sub_msg="words", node={"code": code, **fields}, raw=b"{}")


def refusal_of(sub_code: str) -> Answer:
    """A business refusal."""
    return answer("40004", sub_code)
