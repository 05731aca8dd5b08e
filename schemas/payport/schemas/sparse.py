"""Records as JSON text for a store that writes many of them, each of many fields.

The texts are those of :func:`payport.schemas.encoding.dump`, apart from fields that hold their default: they are left
out, and reading (:func:`payport.schemas.encoding.load`) fills them in. The text is put together directly: objects for a
JSON encoder to walk through would cost more than everything else that writing a record takes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from math import isfinite
from operator import attrgetter
from types import MappingProxyType, NoneType
from typing import Any, TypeAlias, cast

from payport.schemas.encoding import instant_text
from payport.schemas.forms import EncodingError
from payport.schemas.references import PartnerId

Write: TypeAlias = Callable[[Any], str]


def sparse_text(record: object, names: tuple[str, ...] | None = None) -> str:
    """The JSON text of a record, without those of its own fields that hold their default. ``names``: only these fields.

    A default may not change while such texts are kept. Raises :class:`EncodingError` for an instant without time zone,
    NaN, infinity, and what is no schema value.
    """
    kind: object = type(record)
    return _sparse_writer(kind, names)(record)


def _text(value: object) -> str:
    kind = type(value)
    return (_WRITERS.get(kind) or _learn(kind))(value)


def _learn(kind: type) -> Write:
    """The writer of a class that was not written before: there are as many as schema classes."""
    write = _WRITERS[kind] = _new_writer(kind)
    return write


def _new_writer(kind: type) -> Write:
    is_record: bool = is_dataclass(kind)
    if is_record:
        return _record_writer(kind)
    if issubclass(kind, Enum):
        # what `value` gives, without a descriptor written in Python
        words = all(type(member.value) is str for member in kind)
        return (lambda member: quoted(member._value_)) if words else (lambda member: _text(member._value_))
    raise EncodingError(f"{kind!r} is no schema value")


def _record_writer(kind: type) -> Write:
    names = tuple(item.name for item in fields(kind) if item.name != "native")
    # what stands under `native` is never looked at: it is the adapter's own
    end = "}" if len(names) == len(fields(kind)) else ',"native":null}'
    begin, keys, values, known = _begin(kind), _keys(names), values_getter(names), _WRITERS.get

    def write(record: object) -> str:
        text = begin
        for key, item in zip(keys, values(record), strict=True):
            text += key + (known(type(item)) or _text)(item)
        return text + end

    return write


@lru_cache(maxsize=64)
def _sparse_writer(kind: type, only: tuple[str, ...] | None) -> Write:
    members = [item for item in fields(kind) if item.name != "native" and (only is None or item.name in only)]
    names, defaults = tuple(item.name for item in members), tuple(item.default for item in members)
    begin, keys, values, known = _begin(kind), _keys(names), values_getter(names), _WRITERS.get

    def write(record: object) -> str:
        # defaults are None, truth values, small numbers, empty texts and enums: where one is another object after
        # all, it is written, which reads the same
        pieces = [
            key + (quoted(item) if type(item) is str else (known(type(item)) or _text)(item))
            for key, item, default in zip(keys, values(record), defaults, strict=True)
            if item is not default
        ]
        return begin + "".join(pieces) + "}"

    return write


def _begin(kind: type) -> str:
    return f'{{"type":{quoted(kind.__name__)}'


def _keys(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f",{quoted(name)}:" for name in names)


def values_getter(names: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
    """Fetches all these attributes of an object as a tuple, by one call in C; for one name and for none, too."""
    if len(names) > 1:
        return attrgetter(*names)  # a tuple for two names and more
    return lambda record: tuple([getattr(record, name) for name in names])


def _instant(value: datetime) -> str:
    return _utc_instant(value) if value.tzinfo is UTC else quoted(instant_text(value))


@lru_cache(maxsize=256)  # one instant stands in several records, and in every version of each
def _utc_instant(value: datetime) -> str:
    return quoted(instant_text(value))


def _number(value: float) -> str:
    if not isfinite(value):
        raise EncodingError("a number must be finite")
    return repr(value)


def _mapping(content: Mapping[object, object]) -> str:
    items: list[str] = []
    for key, item in content.items():
        if type(key) is not str:
            raise EncodingError("the keys of a mapping must be text")
        items.append(f"{quoted(key)}:{_text(item)}")
    return "{" + ",".join(items) + "}"


def _sequence(items: Sequence[object]) -> str:
    return "[" + ",".join([_text(item) for item in items]) + "]"


_WRITERS: dict[type, Write] = {
    str: quoted,
    int: repr,
    bool: lambda value: "true" if value else "false",
    NoneType: lambda _: "null",
    float: _number,
    bytes: lambda value: quoted(b64encode(value).decode()),
    datetime: _instant,
    PartnerId: lambda value: quoted(str(value)),
    dict: _mapping,
    MappingProxyType: cast("Write", _mapping),
    tuple: _sequence,
    list: _sequence,
}
