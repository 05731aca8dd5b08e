"""Stripe's words with anything in any field: an observation or a rejection, never a crash."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from proof.decoders.decoder import Refused
from proof.decoders.stripe import EVENT, bytes_of, notice
from tests.wire.stripe.records import CHARGE, INTENT, PAYOUT, REFUND, SESSION, STRIPE, Host, operation

from payport.adapters.stripe.mapping import SessionStatus
from payport.adapters.stripe.reading.fields import parsed
from payport.adapters.stripe.reading.sessions import read_session
from payport.adapters.stripe.wire import StripeSession
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation, Source

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
    with suppress(Refused):
        notice(bytes_of({**EVENT, "type": f"{record['object']}.updated", "data": {"object": json.loads(body)}}))


@given(
    st.sampled_from([*(status.value for status in SessionStatus), "x", None]), st.sampled_from(["paid", "unpaid", "x"])
)
def test_any_two_words_of_a_session_have_a_meaning(status: str | None, paid: str) -> None:
    """Total: known ones by the table, others doubted."""
    told = read_session(parsed(StripeSession, {**SESSION, "status": status, "payment_status": paid}), Source.QUERY)
    assert isinstance(told, Observation)
