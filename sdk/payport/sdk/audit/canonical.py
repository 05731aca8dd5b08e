"""One byte form for each value: JSON by RFC 8785 (JCS), on the values that an audit record may hold.

Those are objects with text keys, arrays, texts, integers within 2**53 (which every reader of JSON keeps exactly), truth
values and null. No fractions: their spelling is the only hard part of the RFC, and no record needs one. Keys are sorted
by their UTF-16 code units, nothing is left blank, and a text escapes only what JSON must escape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring as quoted
from typing import TypeAlias, cast

Canonical: TypeAlias = "Mapping[str, Canonical] | Sequence[Canonical] | str | int | bool | None"
"""What a record may hold."""

MAX_INTEGER = 2**53 - 1
"""The largest integer that a reader which knows only doubles keeps exactly."""

__all__ = [
    "MAX_INTEGER",
    "Canonical",
    "canonical_text",
    "integer_in",
    "parse_canonical",
    "quoted",
    "text_in",
    "well_formed",
]


def canonical_text(value: Canonical) -> str:
    """The one JSON text of a value; its bytes are UTF-8.

    Raises ``ValueError`` for an integer beyond 2**53 and for half a surrogate pair, ``TypeError`` for anything that is
    no :data:`Canonical`.
    """
    text = _text(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half a surrogate pair, which has no bytes") from None
    return text


def _text(value: object) -> str:
    kind = type(value)
    if kind is str:
        return quoted(cast("str", value))
    if kind is int:
        if abs(cast("int", value)) > MAX_INTEGER:
            raise ValueError(f"integers must lie within 2**53, got one of {cast('int', value).bit_length()} bits")
        return repr(value)
    if value is None or kind is bool:
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, Mapping):
        return _object(cast("Mapping[object, object]", value))
    if kind is list or kind is tuple:
        return "[" + ",".join([_text(item) for item in cast("Sequence[object]", value)]) + "]"
    raise TypeError(f"a record holds no {kind.__name__}")


def _object(content: Mapping[object, object]) -> str:
    keys: list[str] = []
    for key in content:
        if type(key) is not str:
            raise TypeError("the keys of an object are texts")
        keys.append(key)
    # by code points, as Python compares, is the same unless a key leaves the first plane
    keys.sort(key=None if all(map(str.isascii, keys)) else _code_units)
    return "{" + ",".join([f"{quoted(key)}:{_text(content[key])}" for key in keys]) + "}"


def _code_units(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def parse_canonical(text: str) -> Canonical:
    """The value of a text. Raises ``ValueError`` when it is not the one text of a value."""
    try:
        value = cast("Canonical", json.loads(text, parse_float=_no_fraction, parse_constant=_no_fraction))
        again = canonical_text(value)
    except (RecursionError, TypeError) as error:
        raise ValueError("no canonical JSON") from error
    if again != text:
        raise ValueError("JSON, but not in its canonical form")
    return value


def _no_fraction(text: str) -> float:
    raise ValueError(f"{text} is no integer")


def well_formed(text: str) -> str:
    """``text``, with every half of a surrogate pair replaced by a question mark: a partner's text may hold one."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def text_in(content: Mapping[str, object], name: str) -> str:
    """The text under a name of what was read. Raises ``ValueError`` when there is none, or something else."""
    value = content.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")  # noqa: TRY004 - of a content, not of an argument
    return value


def integer_in(content: Mapping[str, object], name: str) -> int:
    """The same of a whole number."""
    value = content.get(name)
    if type(value) is not int:
        raise ValueError(f"{name} is no integer")
    return value
