"""JSON of partners has one meaning or none."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.strict_json import MalformedJson, parse, parse_object


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1}, b'{"a":1}'),
        ({"a": Decimal("0.10")}, '{"a":0.10}'),
        ({"name": "\u8336"}, '{"name":"\u8336"}'.encode()),
        ([1, None, True], "[1,null,true]"),
    ],
)
def test_what_is_json_is_read(value: object, text: str | bytes) -> None:
    """A fraction keeps its digits."""
    assert parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a":1,"a":2}',
        "NaN",
        "[Infinity]",
        b"\xff",
        "[" * 100_000,
        b"<html>",
        '["\\ud800"]',
        "9" * 5_000,
        '{"a":1}x',
    ],
)
def test_what_has_no_single_meaning_is_refused(text: str | bytes) -> None:
    """One declared error, which shows nothing of the text."""
    with pytest.raises(MalformedJson) as caught:
        parse(text)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("text", ["[]", "1", '"a"', "null"])
def test_an_object_is_not_a_list(text: str) -> None:
    """Nor a number."""
    with pytest.raises(MalformedJson):
        parse_object(text)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_give_the_declared_error(text: bytes) -> None:
    """Nothing else comes out."""
    with contextlib.suppress(MalformedJson):
        parse(text)
