"""PayPal's words with anything in any place: read or refused with the declared error, and never believed by mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proof.decoders.paypal import BATCH, HEADERS, MERCHANT, MOVEMENT, ORDER, RESOURCES

from payport.adapters.paypal.account import LIVE_CERTIFICATE_HOSTS
from payport.adapters.paypal.calls import Reply, instant, read_reply
from payport.adapters.paypal.certificates import MalformedCertificate, Signers, allowed_address, parse_chain
from payport.adapters.paypal.events import read_event
from payport.adapters.paypal.money import from_wire
from payport.adapters.paypal.reading.fields import Unreadable, parsed
from payport.adapters.paypal.reading.orders import order_observation
from payport.adapters.paypal.reading.payouts import batch_observation
from payport.adapters.paypal.reading.refunds import refund_observation
from payport.adapters.paypal.signing import MalformedTransmission, read_transmission
from payport.adapters.paypal.simulator.keys import chain
from payport.adapters.paypal.wire import PayPalOrder, PayPalPayoutBatch, PayPalRefund
from payport.sdk import strict_json
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation, Source

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(["COMPLETED", "DECLINED", "2026-01-31T12:00:00Z", "9" * 40, "-.5", "USD"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(node: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON value."""
    found = [path]
    if isinstance(node, dict):
        found += [each for name, value in node.items() for each in places(value, (*path, name))]
    if isinstance(node, list):
        found += [each for index, value in enumerate(node) for each in places(value, (*path, index))]
    return found


def put(node: object, path: tuple[str | int, ...], value: object) -> object:
    """The same value with another one in one place."""
    if not path:
        return value
    head, *rest = path
    if isinstance(node, dict):
        return {**node, head: put(node[head], tuple(rest), value)}
    assert isinstance(node, list)
    return [put(each, tuple(rest), value) if index == head else each for index, each in enumerate(node)]


@st.composite
def mutated(draw: st.DrawFn, sample: object) -> object:
    """A sample with something else in one or two places."""
    for _ in range(draw(st.integers(1, 2))):
        sample = put(sample, draw(st.sampled_from(places(sample))), draw(junk))
    return sample


READERS: Mapping[str, tuple[object, Callable[[Mapping[str, object]], object]]] = {
    "order": (ORDER, lambda node: order_observation(parsed(PayPalOrder, node), Source.QUERY, MERCHANT)),
    "refund": (MOVEMENT, lambda node: refund_observation(parsed(PayPalRefund, node), Source.QUERY)),
    "batch": (BATCH, lambda node: batch_observation(parsed(PayPalPayoutBatch, node), Source.QUERY)),
}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_a_changed_answer_is_read_or_unreadable(name: str, data: st.DataObject) -> None:
    """Through strict JSON, as it comes over the wire."""
    sample, reader = READERS[name]
    node = data.draw(mutated(sample))
    try:
        told = reader(strict_json.parse_object(json.dumps(node)))
    except (Unreadable, strict_json.MalformedJson):
        return
    assert isinstance(told, Observation)


@pytest.mark.parametrize("kind", RESOURCES)
@given(data=st.data())
def test_a_changed_event_is_read_or_no_event(kind: str, data: st.DataObject) -> None:
    """What is authentic and odd is kept: only what is no event at all is refused."""
    event: object = {
        "id": "WH-1",
        "event_type": kind,
        "create_time": "2026-01-31T12:00:00Z",
        "resource": RESOURCES[kind],
    }
    changed = data.draw(mutated(event))
    try:
        teaching = read_event(strict_json.parse_object(json.dumps(changed)), MERCHANT)
    except (Unreadable, strict_json.MalformedJson):
        return
    assert teaching.event.id


@given(st.integers(100, 599), st.binary(max_size=60) | junk.map(lambda node: json.dumps(node).encode()))
def test_any_reply_is_paypals_word_or_a_doubt(status: int, body: bytes) -> None:
    """Whatever the status and the bytes: and a refusal always has a verdict."""
    answer = read_reply(WireReply(status, (("retry-after", body.decode("latin-1")),), body))
    if isinstance(answer, Reply) and not answer.ok:
        assert answer.verdict
        assert isinstance(answer.code + answer.words, str)


@given(st.sampled_from(sorted(HEADERS)), st.text(max_size=60))
def test_any_header_is_read_or_malformed(name: str, value: str) -> None:
    """And never lets one signed text stand for two events."""
    try:
        found = read_transmission({**HEADERS, name: value})
    except MalformedTransmission:
        return
    assert found.message("WEBHOOK", b"").count(b"|") == 3


@given(st.text(max_size=80), st.integers(0, 60))
def test_no_address_leads_anywhere_else(text: str, at: int) -> None:
    """Whatever is put into a good one: what is allowed still begins with a host of the list."""
    good = HEADERS["PAYPAL-CERT-URL"]
    found = allowed_address(good[:at] + text + good[at:], LIVE_CERTIFICATE_HOSTS)
    assert found is None or found.split("/")[2] in LIVE_CERTIFICATE_HOSTS


@given(st.data())
def test_any_bytes_of_a_certificate_are_judged(data: st.DataObject) -> None:
    """Damaged in any place: not trusted, and no other error."""
    leaf = chain().leaf
    at = data.draw(st.integers(0, len(leaf) - 1))
    damaged = leaf[:at] + data.draw(st.characters(max_codepoint=127)) + leaf[at + 1 :]
    try:
        found = parse_chain(damaged)
    except MalformedCertificate:
        return
    name = "messageverificationcerts.sandbox.paypal.com"
    Signers(chain().root).trusted(found, name, datetime(2026, 1, 1, tzinfo=UTC))


@given(st.text(max_size=40), st.sampled_from(["USD", "JPY", "HUF", "XXX", ""]))
def test_any_text_is_an_amount_or_a_value_error(text: str, currency: str) -> None:
    """And any text is a time or none."""
    instant(text)
    try:
        from_wire(text, currency)
    except ValueError:
        return
