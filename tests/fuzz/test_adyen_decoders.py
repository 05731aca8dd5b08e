"""Adyen's decoders under mutated input: each answers or raises its one declared error, and nothing else."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.test_alipay_decoders import SCALE, SPICE
from tests.support.mutation import mutated
from tests.wire.adyen.words import ACCOUNT, ADYEN, ITEM, KEY, PAYMENT, TRADE, Host, batch, operation, signed

from payport.adapters.adyen.calls import Call, read_reply
from payport.adapters.adyen.planning import details_in
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
from payport.adapters.adyen.wire import (
    AdyenLink,
    AdyenPayment,
    AdyenSessionRecord,
    Modification,
    SessionResult,
)
from payport.schemas.events import RawNotification, Rejected
from payport.sdk.adapter import Opened
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation
from payport.sdk.strict_json import MalformedJson, parse_object

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
ASKED = Call(name="payments", host=ACCOUNT.host)


def bytes_of(node: Any) -> bytes:
    return json.dumps(node).encode()


def payment(body: bytes) -> object:
    return read_payment(operation(), parsed(AdyenPayment, parse_object(body)))


def link(body: bytes) -> object:
    return read_link(ACCOUNT, ASKED, parsed(AdyenLink, parse_object(body)))


def session(body: bytes) -> object:
    return read_session(ACCOUNT, ASKED, parsed(AdyenSessionRecord, parse_object(body)))


def result(body: bytes) -> object:
    return read_result(operation(ids={"session": "CS1"}), parsed(SessionResult, parse_object(body)))


def modification(body: bytes) -> object:
    return read_modification(ACCOUNT, ASKED, parsed(Modification, parse_object(body)))


def refused(body: bytes) -> Observation:
    """Whatever an error says, it is an observation."""
    answer = read_reply(ASKED, WireReply(422, (), body))
    told = answer if isinstance(answer, Observation) else refusal(ASKED, answer)
    if told.unknown is not None:
        raise MalformedJson("doubted")
    return told


def _opened(raw: RawNotification) -> object:
    found = Host().run(ADYEN.open_notice(raw))
    assert isinstance(found, Opened | Rejected)
    if isinstance(found, Rejected):
        raise MalformedJson(found.detail)
    return found


def notice(body: bytes) -> object:
    """A webhook of any content is opened, or refused."""
    return _opened(RawNotification(body=body, headers={}))


def platform(body: bytes) -> object:
    """An authentic event of the platform with any content."""
    return _opened(RawNotification(body=body, headers={"HmacSignature": sign(body, KEY)}))


PLATFORM: dict[str, Any] = {
    "type": "balancePlatform.transfer.created",
    "environment": "test",
    "data": {},
    "timestamp": "2026-01-31",
}
# Decoder, a sample, its declared errors, inputs in a normal run.
DECODERS: dict[str, tuple[Callable[[bytes], object], bytes, tuple[type[Exception], ...], int]] = {
    "a payment": (payment, bytes_of(PAYMENT), (MalformedJson, Unreadable), 3_000),
    "a payment with an action": (payment, bytes_of(REDIRECTED), (MalformedJson, Unreadable), 3_000),
    "a link": (link, bytes_of(LINK), (MalformedJson, Unreadable), 2_500),
    "a session": (session, bytes_of(SESSION), (MalformedJson, Unreadable), 2_500),
    "a session's result": (result, bytes_of(RESULT), (MalformedJson, Unreadable), 2_500),
    "a modification": (modification, bytes_of(RECEIVED), (MalformedJson, Unreadable), 2_500),
    "an error": (refused, bytes_of(ERROR), (MalformedJson,), 2_500),
    "a webhook": (notice, batch(signed(ITEM)).body, (MalformedJson,), 3_000),
    "a platform event": (platform, bytes_of(PLATFORM), (MalformedJson,), 2_000),
}


@pytest.mark.parametrize(("read", "sample", "declared", "inputs"), DECODERS.values(), ids=DECODERS.keys())
def test_a_decoder_answers_or_raises_its_declared_error(
    read: Callable[[bytes], object], sample: bytes, declared: tuple[type[Exception], ...], inputs: int
) -> None:
    """Anything else would be a crash that a stranger can cause; the sample itself is read."""
    read(sample)
    dice = random.Random(20261125)
    wrong, slowest_s = 0, 0.0
    for number in range(inputs * SCALE):
        data = mutated(sample, dice, SPICE)
        started_s = time.thread_time()
        try:
            read(data)
        except declared:
            wrong += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the input that caused it must be shown
            pytest.fail(f"input {number} raised {error!r}: {data!r}")
        slowest_s = max(slowest_s, time.thread_time() - started_s)
    assert wrong > 0
    assert slowest_s < 0.25, "one input must never hold a worker"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([PAYMENT, REDIRECTED, LINK, SESSION, RESULT, RECEIVED, ERROR]), st.data())
def test_any_field_of_any_record_may_hold_anything(record: dict[str, Any], data: st.DataObject) -> None:
    """Whoever reads it: an answer or the declared error."""
    body = bytes_of({**record, data.draw(st.sampled_from(sorted(record))): data.draw(JSON)})
    for read in (payment, link, session, result, modification, refused):
        try:
            assert isinstance(read(body), Observation)
        except (MalformedJson, Unreadable):
            continue


@given(st.dictionaries(st.sampled_from(["redirectResult", "details", "payload", "x"]), st.text(max_size=40)))
def test_whatever_comes_back_is_handed_in_or_left_out(returned: dict[str, str]) -> None:
    """A browser can bring anything."""
    assert all(isinstance(value, str) and value for value in details_in(returned).values())


def test_the_normal_run_is_large_enough() -> None:
    """At least 20,000 inputs in every run."""
    assert sum(inputs for _, _, _, inputs in DECODERS.values()) >= 20_000
