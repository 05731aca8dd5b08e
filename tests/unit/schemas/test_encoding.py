"""Reading JSON is strict: a value exactly as it was written, or ``EncodingError``, whatever the text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payport.schemas import (
    Acknowledgement,
    Action,
    Change,
    EncodingError,
    Fact,
    FactKind,
    Money,
    NotSentCause,
    NotSentKind,
    Order,
    PartnerId,
    Payment,
    PayOutcome,
    Pending,
    PostForm,
    QrCode,
    Redirect,
    Succeeded,
    from_json,
    json_schema,
    to_json,
)
from payport.schemas.encoding import dump, load

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MONEY = Money(1234, "CNY")
ORDER = Order(ref="SHOP10010001", amount=MONEY, subject="Tea", metadata={"a": "b"}, payable_until=AT)
PAYMENT: Payment[None] = Payment(
    ref="A",
    amount=MONEY,
    partner="p",
    account="p:1",
    partner_ref="A",
    partner_id=PartnerId("9"),
    paid_at=AT,
    facts=(Fact(kind=FactKind.DISPUTED, at=AT),),
)
CHANGE = Change(id=1, ref="A", operation="o", kind="k", state="s", at=AT, detail={"a": [1, {"b": 0.5}]})
SAMPLES: list[tuple[object, object]] = [
    (MONEY, Money),
    (ORDER, Order),
    (Succeeded(PAYMENT), PayOutcome),
    (QrCode(text="x"), Action),
    (CHANGE, Change),
    (Acknowledgement(status=200, content_type="text/plain", body=b"ok"), Acknowledgement),
    (Pending(operation="o", ask_again_s=1.5), Pending),
]


def _text(value: str) -> str:
    return f'{{"payport":"1","value":{value}}}'


MONEY_TEXT = '{"type":"Money","amount_minor":1234,"currency":"CNY"}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("null", "expected"),
        ("[]", "expected"),
        (MONEY_TEXT, "payport"),
        ('{"payport":"1"}', "payport"),
        (_text(MONEY_TEXT)[:-1] + ',"more":1}', "payport"),
        (_text(MONEY_TEXT).replace('"1"', '"2"'), "unknown version"),
        (_text(MONEY_TEXT).replace('"1"', "1"), "unknown version"),
        (_text(MONEY_TEXT).replace('"1"', "[]"), "unknown version"),
        (_text("null"), "of type Money"),
        (_text('"12.34 CNY"'), "of type Money"),
        (_text(MONEY_TEXT.replace("Money", "Order")), "of type Money"),
        (_text(MONEY_TEXT.replace('"Money"', "[]")), "of type Money"),
        (_text(MONEY_TEXT.replace('"type":"Money",', "")), "of type Money"),
        (_text(MONEY_TEXT.replace("1234", "12.0")), "Money.amount_minor: expected a whole number"),
        (_text(MONEY_TEXT.replace("1234", "1e3")), "Money.amount_minor: expected a whole number"),
        (_text(MONEY_TEXT.replace("1234", "true")), "Money.amount_minor: expected a whole number"),
        (_text(MONEY_TEXT.replace("1234", '"1234"')), "Money.amount_minor: expected a whole number"),
        (_text(MONEY_TEXT.replace("1234", "NaN")), "NaN is not JSON"),
        (_text(MONEY_TEXT.replace("1234", "-Infinity")), "-Infinity is not JSON"),
        (_text(MONEY_TEXT.replace("1234", "9" * 5000)), "not JSON"),
        (_text(MONEY_TEXT.replace("1234", "9" * 19)), "18 digits"),
        (_text(MONEY_TEXT.replace("CNY", "RMB")), "ISO 4217"),
        (_text(MONEY_TEXT.replace('"CNY"', "null")), "Money.currency: expected text"),
        (_text(MONEY_TEXT.replace(',"currency":"CNY"', "")), "Money.currency is missing"),
        (_text(MONEY_TEXT.replace('"currency"', '"amount_minor":1,"currency"')), "stands twice"),
        (_text(MONEY_TEXT.replace("}", ',"unit":"fen"}')), "does not know"),
        ("[" * 100_000, "too deeply"),
        (_text('{"type":' * 5_000), "not JSON|too deeply"),
        ("\ufeff" + _text(MONEY_TEXT), "not JSON"),
    ],
)
def test_a_text_that_was_not_written_here_is_refused(text: str, says: str) -> None:
    """One declared error, which names the class and field."""
    with pytest.raises(EncodingError, match=says):
        from_json(text, Money)


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        (str, 1, "expected text"),
        (int, True, "whole number"),
        (bool, 1, "true or false"),
        (float, "1", "finite number"),
        (float, True, "finite number"),
        (float, float("nan"), "finite number"),
        (float, float("inf"), "finite number"),
        (float, 10**400, "finite number"),
        (bytes, "%%%", "base64"),
        (bytes, "YQ", "base64"),
        (bytes, "é", "base64"),
        (bytes, 1, "base64"),
        (datetime, "2026-01-31", "instant"),
        (datetime, "2026-02-30T12:00:00.000000Z", "instant"),
        (datetime, "2026-01-31T12:00:00.000000", "instant"),
        (datetime, "2026-01-31T12:00:00.000000+00:00", "instant"),
        (datetime, "２026-01-31T12:00:00.000000Z", "instant"),
        (datetime, 0, "instant"),
        (PartnerId, 9, "expected text"),
        (FactKind, "happened", "no FactKind"),
        (FactKind, [], "no FactKind"),
        (None, 0, "null"),
        (tuple[str, ...], "ab", "an array"),
        (tuple[str, ...], ["a", 1], "expected text"),
        (PostForm, {"type": "PostForm", "url": "x", "fields": []}, "PostForm.fields: expected an object"),
        (PostForm, {"type": "PostForm", "url": "x", "fields": {"a": 1}}, "PostForm.fields: expected text"),
        (Action, {"type": "Jump", "url": "x"}, "AppParameters or PostForm or QrCode or Redirect"),
        (Action, {"type": {}, "url": "x"}, "of type"),
        (Action, [], "of type"),
        (Money | None, {}, "of type Money"),
        (object, b"", "at most 32 levels"),
        (Payment, {**cast("dict[str, object]", dump(PAYMENT)), "native": {}}, "Payment.native: expected null"),
        (Order, {**cast("dict[str, object]", dump(ORDER)), "ref": "a b"}, "Order: ref must be"),
    ],
)
def test_each_kind_of_field_is_checked(kind: object, content: object, says: str) -> None:
    """A field is what its class declares, exactly; nothing is converted."""
    with pytest.raises(EncodingError, match=says):
        load(content, kind)


def test_any_json_is_taken_to_a_depth_of_32() -> None:
    """A field that holds any JSON is bounded."""

    def nested(depth: int) -> object:
        return [nested(depth - 1)] if depth else 1

    assert nested(32) == load(nested(32), object)
    for too_deep in (nested(33), {"a": nested(32)}):
        with pytest.raises(EncodingError, match="at most 32 levels"):
            load(too_deep, object)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (object(), "no schema value"),
        ({1, 2}, "no schema value"),
        ({1: "a"}, "keys of a mapping"),
        (float("nan"), "finite"),
        ((1, float("inf")), "finite"),
        (datetime(2026, 1, 31), "time zone"),  # noqa: DTZ001 - the missing zone is the point
        (datetime.fromisoformat("0001-01-01T00:00:00+08:00"), "years 1 to 9999"),
    ],
)
def test_what_cannot_be_read_back_is_not_written(value: object, says: str) -> None:
    """An instant without zone, NaN, and what is no schema value are refused when they are written."""
    with pytest.raises(EncodingError, match=says):
        to_json(value)


def test_leaves_and_collections() -> None:
    """Enums are their values, partner numbers text, bytes base64, mappings and tuples plain JSON."""
    content = {"a": (1, 2.0), "b": MappingProxyType({"c": b"\xff"}), "d": FactKind.DISPUTED, "e": PartnerId("9")}
    assert dump(content) == {"a": [1, 2.0], "b": {"c": "/w=="}, "d": "disputed", "e": "9"}
    assert load("/w==", bytes) == b"\xff"
    assert load(["a", "b"], tuple[str, ...]) == ("a", "b")
    assert load(3, float) == 3.0


def test_an_older_text_without_a_newer_field_is_read() -> None:
    """A field with a default may be missing, so that a library upgrade reads what an older one wrote."""
    content = cast("dict[str, object]", dump(NotSentCause(NotSentKind.TLS, "x")))
    del content["retry_after_s"]
    assert NotSentCause(NotSentKind.TLS, "x") == load(content, NotSentCause)


T = TypeVar("T")


class _Numbered(Enum):
    ONE = 1


@dataclass(frozen=True, slots=True)
class _Own:
    """A partner's own method class, outside the schemas."""

    first: str
    tags: tuple[str, ...] = field(default=())


def test_a_partners_own_class_is_encoded_like_any_other() -> None:
    """An adapter's method classes need nothing more than to be dataclasses of the known leaves."""
    value = _Own(first="a", tags=("b",))
    assert dump(value) == {"type": "_Own", "first": "a", "tags": ["b"]}
    assert value == load(dump(value), _Own)
    assert value == from_json(to_json(value), _Own | Redirect)


@pytest.mark.parametrize(
    "kind",
    [T, Succeeded, object(), set, dict[int, str], tuple[int, str], int | str, Money | int, _Numbered,
     _Own | Money | str, Succeeded[Payment[None]] | Succeeded[Money]],
)  # fmt: skip
def test_a_kind_that_is_no_schema_is_a_programming_error(kind: object) -> None:
    """An open type variable, a set, a union that names cannot tell apart: ``TypeError``, before any text is read."""
    with pytest.raises(TypeError):
        from_json("", kind)
    with pytest.raises(TypeError):
        json_schema(kind)


kinds = st.sampled_from([kind for _, kind in SAMPLES])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _read_or_refuse(text: str, kind: object) -> None:
    try:
        value = from_json(text, kind)
    except EncodingError:
        return
    assert value == from_json(to_json(value), kind)


@settings(deadline=None)
@given(st.text() | json_values.map(json.dumps) | json_values.map(lambda value: _text(json.dumps(value))), kinds)
def test_any_text_is_a_value_or_an_encoding_error(text: str, kind: object) -> None:
    """Law: for any text at all, nothing but :class:`EncodingError` comes out, and what is read is read again."""
    _read_or_refuse(text, kind)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(SAMPLES), st.integers(0, 10**6), st.characters() | st.sampled_from('{}[]",:0.eE-\\'))
def test_a_changed_character_is_a_value_or_an_encoding_error(
    sample: tuple[object, object], position: int, character: str
) -> None:
    """Law: a written text with one character replaced, dropped or cut off there is read in full or refused."""
    value, kind = sample
    text = to_json(value)
    at = position % len(text)
    for changed in (text[:at] + character + text[at + 1 :], text[:at] + text[at + 1 :], text[:at]):
        _read_or_refuse(changed, kind)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(SAMPLES), st.integers(0, 10**6), json_values)
def test_any_node_replaced_is_a_value_or_an_encoding_error(
    sample: tuple[object, object], position: int, replacement: object
) -> None:
    """Law: a written value with any part of it replaced by any JSON is read or refused."""
    value, kind = sample
    content = dump(value)
    places: list[tuple[dict[object, object], object]] = []

    def collect(node: object) -> None:
        if isinstance(node, dict | list):
            holder = cast("dict[object, object]", node)
            for key in list(holder) if isinstance(node, dict) else range(len(holder)):
                places.append((holder, key))
                collect(holder[key])

    collect(content)
    holder, key = places[position % len(places)]
    holder[key] = replacement
    _read_or_refuse(_text(json.dumps(content)), kind)
