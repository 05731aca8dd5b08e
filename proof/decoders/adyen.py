"""Adyen's decoders."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.adyen.words import ACCOUNT, ADYEN, ITEM, KEY, PAYMENT, TRADE, Host, batch, operation, signed

from payport.adapters.adyen.calls import Call, read_reply
from payport.adapters.adyen.reading import (
    Unreadable,
    parsed,
    read_link,
    read_modification,
    read_payment,
    read_result,
    read_session,
    refusal,
)
from payport.adapters.adyen.signing import sign
from payport.adapters.adyen.wire import AdyenLink, AdyenPayment, AdyenSessionRecord, Modification, SessionResult
from payport.schemas.events import RawNotification, Rejected
from payport.sdk.adapter import Opened
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation
from payport.sdk.strict_json import MalformedJson, parse_object
from proof.decoders.decoder import Refused, decoder
from proof.mutating import Form

AMOUNT = {"currency": "EUR", "value": 1234}
LINK: dict[str, Any] = {
    "id": "PL1", "status": "active", "amount": AMOUNT, "reference": TRADE, "url": "https://pay.example",
    "merchantAccount": "ShopECOM", "expiresAt": "2026-01-31T13:00:00+00:00",
}  # fmt: skip
SESSION: dict[str, Any] = {**LINK, "id": "CS1", "sessionData": "x"}
RESULT: dict[str, Any] = {
    "id": "CS1", "status": "completed", "reference": TRADE,
    "payments": [{"resultCode": "Authorised", "pspReference": "A", "amount": AMOUNT}],
}  # fmt: skip
REDIRECTED: dict[str, Any] = {
    **PAYMENT, "resultCode": "RedirectShopper",
    "action": {"type": "redirect", "method": "POST", "url": "https://a", "data": {"MD": "1"}},
}  # fmt: skip
RECEIVED: dict[str, Any] = {
    "merchantAccount": "ShopECOM", "pspReference": "Z", "status": "received", "reference": TRADE, "amount": AMOUNT,
}  # fmt: skip
ERROR = {"status": 422, "errorCode": "14_030", "errorType": "validation", "message": "Return URL is missing."}
PLATFORM: dict[str, Any] = {
    "type": "balancePlatform.transfer.created", "environment": "test", "data": {}, "timestamp": "2026-01-31",
}  # fmt: skip
ASKED = Call(name="payments", host=ACCOUNT.host)


def bytes_of(node: Any) -> bytes:
    """As JSON."""
    return json.dumps(node).encode()


def payment(body: bytes) -> object:
    """A payment's answer."""
    return read_payment(operation(), parsed(AdyenPayment, parse_object(body)))


def link(body: bytes) -> object:
    """A payment link."""
    return read_link(ACCOUNT, ASKED, parsed(AdyenLink, parse_object(body)))


def session(body: bytes) -> object:
    """A session."""
    return read_session(ACCOUNT, ASKED, parsed(AdyenSessionRecord, parse_object(body)))


def result(body: bytes) -> object:
    """A session's result."""
    return read_result(operation(ids={"session": "CS1"}), parsed(SessionResult, parse_object(body)))


def modification(body: bytes) -> object:
    """What a capture, cancel or refund is answered with."""
    return read_modification(ACCOUNT, ASKED, parsed(Modification, parse_object(body)))


def refused(body: bytes) -> Observation:
    """Whatever an error says, it is an observation."""
    answer = read_reply(ASKED, WireReply(422, (), body))
    told = answer if isinstance(answer, Observation) else refusal(ASKED, answer)
    if told.unknown is not None:
        raise Refused
    return told


def _opened(raw: RawNotification) -> object:
    found = Host().run(ADYEN.open_notice(raw))
    assert isinstance(found, Opened | Rejected)
    if isinstance(found, Rejected):
        raise Refused(found.detail)
    return found


def notice(body: bytes) -> object:
    """A webhook of any content is opened, or refused."""
    return _opened(RawNotification(body=body, headers={}))


def platform(body: bytes) -> object:
    """An authentic event of the platform with any content."""
    return _opened(RawNotification(body=body, headers={"HmacSignature": sign(body, KEY)}))


BOTH = (MalformedJson, Unreadable)
DECODERS = (
    decoder("adyen: payment", payment, bytes_of(PAYMENT), bytes_of(REDIRECTED), declared=BOTH, form=Form.JSON),
    decoder("adyen: link", link, bytes_of(LINK), declared=BOTH, form=Form.JSON),
    decoder("adyen: session", session, bytes_of(SESSION), declared=BOTH, form=Form.JSON),
    decoder("adyen: session's result", result, bytes_of(RESULT), declared=BOTH, form=Form.JSON),
    decoder("adyen: modification", modification, bytes_of(RECEIVED), declared=BOTH, form=Form.JSON),
    decoder("adyen: error", refused, bytes_of(ERROR), declared=(Refused,), form=Form.JSON),
    decoder("adyen: webhook", notice, batch(signed(ITEM)).body, declared=(Refused,), form=Form.JSON),
    decoder("adyen: platform event", platform, bytes_of(PLATFORM), declared=(Refused,), form=Form.JSON),
)
