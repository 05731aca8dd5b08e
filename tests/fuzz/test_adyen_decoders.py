"""Adyen's words with anything in any field: an answer or the declared error, never a crash."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from proof.decoders.adyen import (
    ERROR,
    LINK,
    RECEIVED,
    REDIRECTED,
    RESULT,
    SESSION,
    bytes_of,
    link,
    modification,
    payment,
    refused,
    result,
    session,
)
from proof.decoders.decoder import Refused
from tests.wire.adyen.words import PAYMENT

from payport.adapters.adyen.planning import details_in
from payport.adapters.adyen.reading import Unreadable
from payport.sdk.observation import Observation
from payport.sdk.strict_json import MalformedJson

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
        except (MalformedJson, Unreadable, Refused):
            continue


@given(st.dictionaries(st.sampled_from(["redirectResult", "details", "payload", "x"]), st.text(max_size=40)))
def test_whatever_comes_back_is_handed_in_or_left_out(returned: dict[str, str]) -> None:
    """A browser can bring anything."""
    assert all(isinstance(value, str) and value for value in details_in(returned).values())
