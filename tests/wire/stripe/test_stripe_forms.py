"""The form encoding: brackets for nesting, texts for everything, and nothing that could be read in two ways."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.vectors import vectors

from payport.adapters.stripe.forms import encode_form, flatten
from payport.adapters.stripe.simulator.calls import Refusal, decode_form

# What the form is, and the parameters that it is made of.
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "scalars": ("amount=1099&confirm=true&off_session=false", {"amount": 1099, "confirm": True, "off_session": False}),
    "an indexed list": ("types[0]=card&types[1]=link", {"types": ["card", "link"]}),
    "a table": ("methods[enabled]=true", {"methods": {"enabled": True}}),
    "tables in a list in a table": ("a[b][0][c]=1&a[b][1][c]=2", {"a": {"b": ({"c": 1}, {"c": 2})}}),
    "what means something in a form": ("metadata[a+b]=x%26y%3Dz%2B%25", {"metadata": {"a b": "x&y=z+%"}}),
    "text of the world": ("description=Zo%C3%AB+%E6%94%AF", {"description": "Zoë 支"}),
    "an emptied field": ("description=", {"description": ""}),
    "what is left out": ("", {"description": None, "metadata": {"k": None}, "list": []}),
    "a time": ("created[gte]=1700000000", {"created": {"gte": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)}}),
    "a time elsewhere": (
        "at=1700000000",
        {"at": datetime(2023, 11, 15, 6, 13, 20, tzinfo=timezone(timedelta(hours=8)))},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("form", "params"), FORMS.values(), ids=FORMS.keys())
def test_a_form_is_written_like_this(form: str, params: dict[str, Any]) -> None:
    """One table."""
    assert encode_form(params) == form


@pytest.mark.parametrize("value", [12.34, datetime(2026, 1, 1), b"bytes", object(), {1, 2}])  # noqa: DTZ001 - no zone
def test_what_has_no_place_in_a_form_is_refused(value: object) -> None:
    """Above all a float: it cannot hold an amount. And a time without a zone, which could be any time."""
    with pytest.raises(TypeError, match=r"a\[b\]: a .* has no place in a form"):
        encode_form({"a": {"b": value}})


def test_published_forms() -> None:
    """Every published vector: the body, byte by byte, and the pairs before they are escaped."""
    cases = json.loads(vectors("stripe", "form_encoding.json").read_text("utf-8"))["cases"]
    for case in cases:
        params = case["params"]
        if case["name"] == "datetime-utc":  # JSON has no times
            params = {"created": {"gte": datetime.fromisoformat(params["created"]["gte"])}}
        assert encode_form(params) == case["body"], case["name"]
        assert [list(pair) for pair in flatten(params)] == [[name, str(text)] for name, text in case["pairs"]]
    assert len(cases) == 9


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=8)
TREES = st.recursive(
    st.text(max_size=12),
    lambda inner: (
        st.dictionaries(NAMES.filter(lambda name: not name.isdigit()), inner, min_size=1, max_size=4)
        | st.lists(inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, TREES, max_size=4))
def test_what_is_written_is_read_again(params: dict[str, Any]) -> None:
    """The simulator's own reader gets back what was meant, whatever characters are in it."""
    keep = {name: value for name, value in params.items() if not name.isdigit()}
    assert decode_form(encode_form(keep)) == keep


@pytest.mark.parametrize("form", ["a=1&a=2", "a=1&a[b]=2", "a[b=1", "[a]=1"])
def test_the_simulator_refuses_a_form_with_two_meanings(form: str) -> None:
    """A name that stands twice, a text with parts, brackets that do not match."""
    with pytest.raises(Refusal):
        decode_form(form)
