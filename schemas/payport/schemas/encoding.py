"""Values as JSON and back, and their JSON Schema.

The one form of a text is ``{"payport": "1", "value": ...}``. Inside, every schema value is an object that names its own
class, ``{"type": "Money", "amount_minor": 1234, "currency": "CNY"}``, so that unions need nothing more. An enum is its
value, a :class:`PartnerId` its text, a tuple an array, bytes base64, an instant UTC as ``2026-01-31T12:00:00.000000Z``.
``native`` records belong to the partner's adapter and are written as null.

Reading is strict: another version, class or field name, a missing field, a duplicate key, a number of the wrong kind
and every broken rule of the value itself raise :class:`EncodingError` and nothing else. A field that a later version
adds has a default, so older texts stay readable. Personal and secret fields are written as they are: what may be logged
is :func:`payport.schemas.masked`, never this.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from math import isfinite
from operator import attrgetter
from types import MappingProxyType, NoneType
from typing import TypeVar, cast, overload

from payport.schemas.forms import EncodingError, form
from payport.schemas.references import PartnerId

__all__ = ["VERSION", "EncodingError", "dump", "from_json", "instant_text", "json_schema", "load", "to_json"]

VERSION = "1"

T = TypeVar("T")


def to_json(value: object) -> str:
    """A schema value as JSON text (ASCII), with the version. Raises what :func:`dump` raises."""
    return json.dumps({"payport": VERSION, "value": dump(value)}, separators=(",", ":"), allow_nan=False)


@overload
def from_json(text: str, kind: type[T]) -> T: ...
@overload
def from_json(text: str, kind: object) -> object: ...
def from_json(text: str, kind: object) -> object:
    """The value that :func:`to_json` wrote, checked like a new one.

    ``kind``: the class, with its arguments where it is generic (``Succeeded[Payment[None]]``), or a union such as
    ``PayOutcome``, for which the type check knows no more than ``object``: go on with ``match``. Raises
    :class:`EncodingError`, whatever the text; ``TypeError`` for a kind that is no schema.
    """
    read = form(kind).load
    try:
        parsed: object = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except EncodingError:
        raise
    except (ValueError, RecursionError):
        # not chained: a JSON error carries the whole text with it
        raise EncodingError("not JSON, or nested too deeply") from None
    if not isinstance(parsed, dict) or parsed.keys() != {"payport", "value"}:
        raise EncodingError('expected {"payport": version, "value": ...}')
    content = cast("dict[str, object]", parsed)
    if content["payport"] != VERSION:
        raise EncodingError(f"unknown version; this library reads {VERSION!r}")
    return read(content["value"])


def json_schema(kind: object) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the texts that :func:`from_json` reads for ``kind``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"payport": {"const": VERSION}, "value": deepcopy(form(kind).schema)},
        "required": ["payport", "value"],
        "additionalProperties": False,
    }


def dump(value: object) -> object:
    """A value as JSON-able objects, without the version: for a store that keeps a version of its own.

    Raises :class:`EncodingError` for an instant without time zone, NaN, infinity, and what is no schema value.
    """
    kind: object = type(value)
    return value if kind in _PLAIN else _writer(kind)(value)


@overload
def load(content: object, kind: type[T]) -> T: ...
@overload
def load(content: object, kind: object) -> object: ...
def load(content: object, kind: object) -> object:
    """The value that :func:`dump` wrote. ``kind`` and errors as for :func:`from_json`."""
    return form(kind).load(content)


_PLAIN: frozenset[object] = frozenset({str, int, bool, NoneType})


@lru_cache(maxsize=512)
def _writer(kind: type) -> Callable[[object], object]:
    if kind in _WRITERS:
        return _WRITERS[kind]
    is_record: bool = is_dataclass(kind)
    if is_record:
        return _record_writer(kind)
    if issubclass(kind, Enum):
        return attrgetter("_value_")  # what `value` gives, without a descriptor written in Python
    raise EncodingError(f"{kind!r} is no schema value")


def _record_writer(kind: type) -> Callable[[object], object]:
    tag = kind.__name__
    names = tuple(item.name for item in fields(kind) if item.name != "native")
    # what stands under `native` is never looked at: it is the adapter's own
    has_native = len(names) < len(fields(kind))

    def write(value: object) -> object:
        content: dict[str, object] = {"type": tag}
        for name in names:
            item = getattr(value, name)
            content[name] = item if type(item) in _PLAIN else dump(item)
        if has_native:
            content["native"] = None
        return content

    return write


def _write_float(value: object) -> object:
    if not isfinite(cast("float", value)):
        raise EncodingError("a number must be finite")
    return value


def instant_text(instant: datetime) -> str:
    """An instant as it is written, in UTC to the microsecond. Raises :class:`EncodingError` without a time zone."""
    if instant.tzinfo is not UTC:
        if instant.utcoffset() is None:
            raise EncodingError("an instant must carry a time zone")
        try:
            instant = instant.astimezone(UTC)
        except OverflowError:
            raise EncodingError("an instant must fall into the years 1 to 9999 in UTC") from None
    return instant.isoformat(timespec="microseconds")[:26] + "Z"  # without "+00:00"


def _write_mapping(value: object) -> object:
    content = cast("Mapping[object, object]", value)
    if any(type(key) is not str for key in content):
        raise EncodingError("the keys of a mapping must be text")
    return {key: dump(item) for key, item in content.items()}


def _write_sequence(value: object) -> object:
    return [dump(item) for item in cast("tuple[object, ...]", value)]


_WRITERS: Mapping[object, Callable[[object], object]] = MappingProxyType(
    {
        float: _write_float,
        bytes: lambda value: b64encode(cast("bytes", value)).decode(),
        datetime: lambda value: instant_text(cast("datetime", value)),
        PartnerId: str,
        dict: _write_mapping,
        MappingProxyType: _write_mapping,
        tuple: _write_sequence,
        list: _write_sequence,
    }
)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise EncodingError("a key stands twice in one object")
    return content


def _refuse(constant: str) -> object:
    raise EncodingError(f"{constant} is not JSON")
