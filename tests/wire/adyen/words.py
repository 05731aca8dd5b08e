"""An account, operations and Adyen's words, for the tests of what they mean."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from payport.adapters.adyen import Adyen, AdyenAccount
from payport.adapters.adyen.planning import AUTOMATIC, DIRECT, TAKE, WAY
from payport.adapters.adyen.signing import payload_of, sign
from payport.schemas.events import RawNotification, Rejected
from payport.schemas.money import Money
from payport.sdk.adapter import Opened, Slot
from payport.sdk.events import SdkEvent
from payport.sdk.exchange import Effect, Emit, Moment, Now, Send, drive
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.secrets import Secret

T = TypeVar("T")

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TRADE = "SHOP10010001T001"
AMOUNT = Money.of("12.34", "EUR")
SLOT = Slot(partner_ref=TRADE, now=NOON, payable_until=NOON + timedelta(hours=1))
KEY = "0A1B" * 16
OLD_KEY = "0C1D" * 16
ACCOUNT = AdyenAccount(
    merchant_account="ShopECOM",
    api_key=Secret("AQEkeyOfTheseTests0000000000"),
    hmac_keys=(Secret(KEY), Secret(OLD_KEY)),
    client_key="test_KEYOFTHESETESTS",
    return_url="https://shop.example/return",
)
ADYEN = Adyen(ACCOUNT)
ITEM: dict[str, Any] = {
    "amount": {"currency": "EUR", "value": 1234},
    "eventCode": "AUTHORISATION",
    "eventDate": "2026-01-31T13:00:00+01:00",
    "merchantAccountCode": "ShopECOM",
    "merchantReference": TRADE,
    "paymentMethod": "visa",
    "pspReference": "QFQTPCQ8HXSKGK82",
    "reason": "",
    "success": "true",
}
PAYMENT: dict[str, Any] = {
    "resultCode": "Authorised",
    "pspReference": "QFQTPCQ8HXSKGK82",
    "merchantReference": TRADE,
    "amount": {"currency": "EUR", "value": 1234},
}


def signed(item: Mapping[str, Any], key: str = KEY) -> dict[str, Any]:
    """An item with its signature."""
    additional = {**item.get("additionalData", {}), "hmacSignature": sign(payload_of(item).encode(), key)}
    return {**item, "additionalData": additional}


def batch(*items: Mapping[str, Any], live: object = "false") -> RawNotification:
    """Items as they are, in one webhook."""
    body = {"live": live, "notificationItems": [{"NotificationRequestItem": item} for item in items]}
    return RawNotification(body=json.dumps(body).encode(), headers={"content-type": "application/json"})


def operation(
    verb: Verb = Verb.PAY,
    *,
    partner_ref: str = TRADE,
    state: State = State.DOUBT,
    ids: Mapping[str, str] | None = None,
    identity: Mapping[str, str] | None = None,
    amount: Money = AMOUNT,
    expires: bool = True,
) -> Operation:
    """An operation over 12.34 euros."""
    return Operation(
        id=f"SHOP10010001/{verb.value}//1",
        ref="SHOP10010001",
        verb=verb,
        partner="adyen",
        account=ADYEN.account,
        partner_ref=partner_ref,
        identity={WAY: DIRECT, TAKE: AUTOMATIC} if identity is None else identity,
        amount=amount,
        created_at=NOON,
        payable_until=NOON + timedelta(hours=1),
        state=state,
        ids=ids or {},
        expires=expires,
    )


def reply(node: object, status: int = 200, **headers: str) -> WireReply:
    """An answer; underscores in header names are dashes."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return WireReply(status, named, json.dumps(node).encode())


class Host:
    """Noon, answers in order, and lists of what was sent and told."""

    def __init__(self, replies: Sequence[WireReply] = ()) -> None:
        self.replies = list(replies)
        self.sent: list[WireRequest] = []
        self.told: list[SdkEvent] = []

    def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        match effect:
            case Now():
                return Moment(NOON, 0.0)
            case Send(request=request):
                self.sent.append(request)
                return self.replies.pop(0)
            case Emit(event=event):
                self.told.append(event)
            case _:
                pass
        return None

    def run(self, exchange: Generator[Effect, object, T]) -> T:
        """Drive to the end."""
        return drive(exchange, self)


def opened(raw: RawNotification, adyen: Adyen = ADYEN) -> Opened | Rejected:
    """What a webhook says."""
    return Host().run(adyen.open_notice(raw))
