"""Operations, slots and Stripe's records, for the tests of what Stripe's words mean."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from payport.adapters.stripe import Stripe, StripeAccount
from payport.schemas.actions import Redirect
from payport.schemas.money import Money
from payport.sdk.adapter import Slot
from payport.sdk.events import SdkEvent
from payport.sdk.exchange import Effect, Emit, Moment, Now, Send, drive
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.secrets import Secret
from payport.sdk.transport import Transport

T = TypeVar("T")

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
STAMP = int(NOON.timestamp())
TRADE = "SHOP10010001T001"
AMOUNT = Money.of("12.34", "EUR")
SLOT = Slot(partner_ref=TRADE, now=NOON, payable_until=NOON + timedelta(hours=1))
WEBHOOK_SECRET = "whsec_aSecretOfTheseTests"
ACCOUNT = StripeAccount(
    account_id="acct_1Shop",
    secret_key=Secret("sk_test_keyOfTheseTests"),
    webhook_secrets=(Secret(WEBHOOK_SECRET),),
    publishable_key="pk_test_keyOfTheseTests",
    return_url="https://shop.example/return",
)
STRIPE = Stripe(ACCOUNT)

INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 1234,
    "amount_received": 0,
    "amount_capturable": 0,
    "capture_method": "automatic_async",
    "client_secret": "pi_1_secret_x",
    "created": STAMP,
    "currency": "eur",
    "livemode": False,
    "latest_charge": None,
    "metadata": {"payport_ref": TRADE, "payport_way": "direct"},
    "status": "requires_confirmation",
}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "amount": 1234,
    "amount_captured": 1234,
    "amount_refunded": 0,
    "captured": True,
    "created": STAMP + 5,
    "currency": "eur",
    "disputed": False,
    "livemode": False,
    "metadata": {"payport_ref": TRADE},
    "paid": True,
    "payment_intent": "pi_1",
    "refunded": False,
    "status": "succeeded",
}
SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "amount_total": 1234,
    "client_reference_id": TRADE,
    "created": STAMP,
    "currency": "eur",
    "expires_at": STAMP + 3600,
    "livemode": False,
    "metadata": {"payport_ref": TRADE},
    "payment_intent": None,
    "payment_status": "unpaid",
    "status": "open",
    "url": "https://checkout.example/cs_test_1",
}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 1234,
    "charge": "ch_1",
    "created": STAMP,
    "currency": "eur",
    "metadata": {"payport_ref": "REFUND0001R001"},
    "payment_intent": "pi_1",
    "status": "succeeded",
}
PAYOUT: dict[str, Any] = {
    "id": "po_1",
    "object": "payout",
    "amount": 1234,
    "arrival_date": STAMP + 86_400,
    "created": STAMP,
    "currency": "eur",
    "livemode": False,
    "metadata": {"payport_ref": "PAYOUT0001P001"},
    "status": "pending",
}


def operation(
    verb: Verb = Verb.PAY,
    *,
    way: str = "direct",
    partner_ref: str = TRADE,
    state: State = State.DOUBT,
    ids: Mapping[str, str] | None = None,
    identity: Mapping[str, str] | None = None,
    acted: bool = False,
    amount: Money = AMOUNT,
) -> Operation:
    """An operation over 12.34 euros. ``acted``: the payer was shown an action."""
    return Operation(
        id=f"SHOP10010001/{verb.value}//1",
        ref="SHOP10010001",
        verb=verb,
        partner="stripe",
        account=STRIPE.account,
        partner_ref=partner_ref,
        identity={"payport_way": way} if identity is None else identity,
        amount=amount,
        created_at=NOON,
        payable_until=NOON + timedelta(hours=1),
        state=state,
        ids=ids or {},
        action=Redirect(url="https://hooks.example/3ds") if acted else None,
    )


class Host:
    """Noon, answers in order (or a transport), and lists of what was sent and told."""

    def __init__(
        self, *answers: WireReply | SendFailure, at: datetime = NOON, transport: Transport | None = None
    ) -> None:
        self.transport = transport
        self.answers = list(answers)
        self.sent: list[WireRequest] = []
        self.told: list[SdkEvent] = []
        self.at = at

    def perform(self, effect: Effect) -> object:
        """The clock, the next answer, or nothing."""
        match effect:
            case Now():
                return Moment(self.at, 0.0)
            case Send(request=request):
                self.sent.append(request)
                return self.answers.pop(0) if self.transport is None else self.transport.send(request, 5.0)
            case Emit(event=event):
                self.told.append(event)
                return None
            case _:
                return None

    def run(self, exchange: Generator[Effect, object, T]) -> T:
        """Drive it to its end."""
        return drive(exchange, self)
