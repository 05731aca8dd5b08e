"""Stripe's decoders under mutated input: each answers or raises its one declared error, and nothing else."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.test_alipay_decoders import SCALE, SPICE
from tests.support.mutation import mutated
from tests.wire.stripe.records import (
    ACCOUNT,
    CHARGE,
    INTENT,
    PAYOUT,
    REFUND,
    SESSION,
    STAMP,
    STRIPE,
    WEBHOOK_SECRET,
    Host,
    operation,
)

from payport.adapters.stripe import Stripe
from payport.adapters.stripe.calls import Call, read_reply
from payport.adapters.stripe.mapping import SessionStatus
from payport.adapters.stripe.reading.fields import Unreadable, parsed
from payport.adapters.stripe.reading.intents import read_intent
from payport.adapters.stripe.reading.refusals import refusal
from payport.adapters.stripe.reading.sessions import read_session
from payport.adapters.stripe.signing import MalformedHeader, parse_header, sign
from payport.adapters.stripe.simulator.calls import Refusal, decode_form
from payport.adapters.stripe.wire import StripeIntent, StripeSession
from payport.schemas.events import RawNotification, Rejected
from payport.sdk.adapter import Opened
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation, Source
from payport.sdk.strict_json import MalformedJson, parse_object

PAID = {**INTENT, "status": "succeeded", "amount_received": 1234, "latest_charge": CHARGE}
DECLINED = {
    "error": {"type": "card_error", "code": "card_declined", "payment_intent": {**INTENT, "status": "canceled"}}
}
EVENT = {
    "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": STAMP, "livemode": False,
    "data": {"object": PAID},
}  # fmt: skip


def bytes_of(node: Any) -> bytes:
    return json.dumps(node).encode()


def intent(body: bytes) -> object:
    return read_intent(parsed(StripeIntent, parse_object(body)), Source.QUERY, way="direct")


def session(body: bytes) -> object:
    return read_session(parsed(StripeSession, parse_object(body)), Source.QUERY)


def refused(body: bytes) -> Observation:
    """Whatever a refusal says, it is an observation."""
    answer = read_reply(Call(name="payment_intents.confirm"), WireReply(402, (), body))
    told = answer if isinstance(answer, Observation) else refusal(Call(name="payment_intents.confirm"), answer)
    if told.unknown is not None:
        raise MalformedJson("doubted")
    return told


def notice(body: bytes) -> object:
    """An authentic event with any content is opened, or refused as malformed."""
    header = f"t={STAMP},v1={sign(str(STAMP), body, WEBHOOK_SECRET)}"
    found = Host().run(Stripe(ACCOUNT).open_notice(RawNotification(body=body, headers={"Stripe-Signature": header})))
    assert isinstance(found, Opened | Rejected)
    if isinstance(found, Rejected):
        raise MalformedJson(found.detail)
    return found


def header(body: bytes) -> object:
    return parse_header(body.decode("latin-1"))


def form(body: bytes) -> object:
    return decode_form(body.decode("latin-1"))


# Decoder, a sample, its declared errors, inputs in a normal run.
DECODERS: dict[str, tuple[Callable[[bytes], object], bytes, tuple[type[Exception], ...], int]] = {
    "an intent": (intent, bytes_of(PAID), (MalformedJson, Unreadable), 4_000),
    "a session": (session, bytes_of({**SESSION, "payment_intent": PAID}), (MalformedJson, Unreadable), 4_000),
    "a refusal": (refused, bytes_of(DECLINED), (MalformedJson,), 4_000),
    "a notice": (notice, bytes_of(EVENT), (MalformedJson,), 4_000),
    "a signature header": (header, f"t=1700000000,v1={'a' * 64},v0=b".encode(), (MalformedHeader,), 4_000),
    "the simulator's form": (form, b"a[b][0]=c&d=1&metadata[x y]=%E6%94%AF", (Refusal,), 4_000),
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
RECORDS = [INTENT, CHARGE, SESSION, REFUND, PAYOUT]


@given(st.sampled_from(RECORDS), st.data())
def test_any_field_of_any_record_may_hold_anything(record: dict[str, Any], data: st.DataObject) -> None:
    """As an answer, as a question's answer and as an event: an observation or a rejection, never a crash."""
    name = data.draw(st.sampled_from(sorted(record)))
    body = bytes_of({**record, name: data.draw(JSON)})
    reply = WireReply(data.draw(st.sampled_from([200, 400, 402, 404, 409, 429, 500])), (), body)
    for payment in (operation(ids={"payment_intent": "pi_1"}), operation(way="page", ids={"checkout_session": "cs_1"})):
        told = Host(reply, reply).run(STRIPE.ask(payment, 10.0))
        assert isinstance(told, Observation)
    with suppress(MalformedJson):
        notice(bytes_of({**EVENT, "type": f"{record['object']}.updated", "data": {"object": json.loads(body)}}))


@given(
    st.sampled_from([*(status.value for status in SessionStatus), "x", None]), st.sampled_from(["paid", "unpaid", "x"])
)
def test_any_two_words_of_a_session_have_a_meaning(status: str | None, paid: str) -> None:
    """Total: known ones by the table, others doubted."""
    told = read_session(parsed(StripeSession, {**SESSION, "status": status, "payment_status": paid}), Source.QUERY)
    assert isinstance(told, Observation)


def test_the_normal_run_is_large_enough() -> None:
    """At least 20,000 inputs in every run."""
    assert sum(inputs for _, _, _, inputs in DECODERS.values()) >= 20_000
