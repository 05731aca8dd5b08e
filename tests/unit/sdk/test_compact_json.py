"""The texts are those of the standard library."""

from __future__ import annotations

import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.compact_json import compact_encoder

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner))


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("sort_keys", [True, False])
@given(value=VALUES)
def test_it_writes_what_json_dumps_writes(value: object, *, ascii_only: bool, sort_keys: bool) -> None:
    """Only sooner."""
    expected = json.dumps(value, ensure_ascii=ascii_only, sort_keys=sort_keys, separators=(",", ":"))
    assert expected == compact_encoder(ascii_only=ascii_only, sort_keys=sort_keys)(value)


@pytest.mark.parametrize("value", [nan, inf, [-inf], {"a": nan}])
def test_what_is_no_json_number_is_refused(value: object) -> None:
    """NaN in a text would be read by nobody else."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        compact_encoder()(value)


@pytest.mark.parametrize("value", [b"x", object(), {1, 2}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """Nothing is turned into its name."""
    with pytest.raises(TypeError, match="not JSON serializable"):
        compact_encoder()(value)
