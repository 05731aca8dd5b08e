"""One byte form for each value, and one chain for each list of records: by vectors that any program can check."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.audit.canonical import MAX_INTEGER, canonical_text, parse_canonical, well_formed
from payport.sdk.audit.chain import link
from payport.sdk.audit.record import MAX_TEXT, Entry, Origin, Record, about, read_record

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
ORIGIN = Origin("till-3", 4711, "1.0.0")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("vector", VECTORS["canonical"], ids=lambda vector: str(vector["what"]))
def test_the_canonical_text(vector: dict[str, Any]) -> None:
    """RFC 8785: keys by UTF-16 code units, no blanks, the shortest escapes."""
    assert vector["canonical"] == canonical_text(vector["value"])
    assert vector["sha256"] == hashlib.sha256(canonical_text(vector["value"]).encode()).hexdigest()
    assert vector["value"] == parse_canonical(vector["canonical"])


def test_a_chain() -> None:
    """Each hash is SHA-256 over the hash before it and the body; each body is what the entry says at its place."""
    before = bytes.fromhex(VECTORS["chain"]["start"])
    for number, vector in enumerate(VECTORS["chain"]["records"], 1):
        told = dict(vector["entry"])
        who, at = told.pop("who"), datetime.fromisoformat(told.pop("at"))
        body = Entry(at=at, **told).body(chain=0, seq=number, who=who, origin=ORIGIN)
        assert vector["body"] == body
        assert vector["hash"] == link(before, body).hex()
        before = link(before, body)


@given(values)
def test_every_value_has_one_text(value: Any) -> None:
    """Reading it gives the value again, and any other spelling of it is refused."""
    text = canonical_text(value)
    assert value == parse_canonical(text)
    for other in (f" {text}", f"{text}\n", json.dumps(value, indent=1)):
        if other != text:
            with pytest.raises(ValueError, match="canonical"):
                parse_canonical(other)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, TypeError),
        (2**53, ValueError),
        (-(2**53), ValueError),
        ("\ud800", ValueError),
        ({"\ud800": 1}, ValueError),
        ({1: 2}, TypeError),
        ({"a": b"bytes"}, TypeError),
        ({1, 2}, TypeError),
    ],
)
def test_what_has_no_canonical_text(value: Any, error: type[Exception]) -> None:
    """Fractions, integers that a double cannot keep, halves of surrogate pairs, and what JSON does not know."""
    with pytest.raises(error):
        canonical_text(value)


@pytest.mark.parametrize(
    "text", ["", "{", "1.0", "1e3", "NaN", '{"a":1,"a":1}', '{"b":1,"a":1}', '"\\u0041"', "[" * 9999]
)
def test_what_is_no_canonical_text(text: str) -> None:
    """A duplicate key, another order, another escape, a fraction: refused, so that one record has one hash."""
    with pytest.raises(ValueError):  # noqa: PT011 - json's own words differ
        parse_canonical(text)


def test_a_record_is_read_as_it_was_written() -> None:
    """All six of who, what, when, result, origin and object."""
    told = Entry(
        what="refund", result="pending", at=NOON, ref="SHOP0001", operation="SHOP0001/refund/R1/1", version=3,
        partner="alipay", account="alipay:2021", detail={"from": "doubt", "tries": 2},
    )  # fmt: skip
    assert Record(
        chain=5, seq=7, who="clerk", what="refund", when=NOON, result="pending", origin=ORIGIN, ref="SHOP0001",
        operation="SHOP0001/refund/R1/1", version=3, partner="alipay", account="alipay:2021",
        detail={"from": "doubt", "tries": 2}, sealed="c2VhbGVk",
    ) == read_record(told.body(chain=5, seq=7, who="clerk", origin=ORIGIN, sealed="c2VhbGVk"))  # fmt: skip


def test_an_entry_may_name_its_own_actor() -> None:
    """Whoever is named there comes before the one whose transaction it is."""
    told = Entry(what="pay", result="doubt", at=NOON, who="resume")
    assert read_record(told.body(chain=0, seq=1, who="till", origin=ORIGIN)).who == "resume"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("card 4111 1111 1111 1111 refused", "card 411111******1111 refused"),
        ("half \ud83d of a pair", "half ? of a pair"),
        ('nul \x00 and quote "', 'nul \x00 and quote "'),
        ("x" * MAX_TEXT, "x" * MAX_TEXT),
        ("x" * (MAX_TEXT + 1), "x" * (MAX_TEXT - 1) + "…"),
    ],
)
def test_what_a_partner_says_is_made_fit(text: str, kept: str) -> None:
    """A card number is masked, a half pair replaced, a long text cut: a record can always be written."""
    body = Entry(what="pay", result="declined", at=NOON, detail={"message": text}).body(
        chain=0, seq=1, who=text, origin=ORIGIN
    )
    record = read_record(body)
    assert (kept, kept) == (record.detail["message"], record.who)


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_recorded(who: str, word: str, detail: str) -> None:
    """Nothing that a caller or a partner says makes a record impossible."""
    told = Entry(what="pay", result=word, at=NOON, ref=word, account=word, detail={"message": detail})
    record = read_record(told.body(chain=0, seq=1, who=who, origin=ORIGIN))
    assert well_formed(word) == record.result


@pytest.mark.parametrize(
    "body", ["{}", "[]", "null", '{"v":1}', '{"chain":0,"detail":{},"object":[],"origin":{},"result":"","seq":1,"v":1}']
)
def test_what_is_no_record(body: str) -> None:
    """Refused with one error."""
    with pytest.raises(ValueError, match="record"):
        read_record(body)


def test_a_record_of_a_newer_version_is_named() -> None:
    """So that nobody takes it for damage."""
    body = Entry(what="pay", result="doubt", at=NOON).body(chain=0, seq=1, who="", origin=ORIGIN)
    with pytest.raises(ValueError, match="newer version"):
        read_record(body.replace('"v":1', '"v":2'))


def test_what_a_record_is_found_by() -> None:
    """Everything about a debt lies between its reference with a slash and the next text."""
    found = [about("SHOP0001/pay//1", "SHOP0001"), about("", "SHOP0001"), about("", "")]
    assert found == ["SHOP0001/pay//1", "SHOP0001/", None]
    assert all("SHOP0001/" <= each < "SHOP00010" for each in found if each)
