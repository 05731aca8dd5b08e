"""How each declared type is read from JSON-able objects, and the JSON Schema that says so.

One walk over a type's annotations gives both, once per type. :mod:`payport.schemas.encoding` is the front.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from math import isfinite
from types import MappingProxyType, NoneType, UnionType
from typing import TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from payport.schemas.references import PartnerId

MAX_DEPTH = 32
"""Levels of arrays and objects in a field that takes any JSON."""

_UNIONS: tuple[object, ...] = (Union, UnionType)

Read: TypeAlias = Callable[[object], object]


class EncodingError(ValueError):
    """The text or object is not what this version reads, or the value cannot be written. Shows no personal data."""


@dataclass(frozen=True, slots=True)
class Form:
    """One declared type: its reader, its schema, and the class name when it is a schema class."""

    load: Read
    schema: dict[str, object]
    tag: str | None = None


@lru_cache(maxsize=512)
def form(kind: object) -> Form:
    """The form of a class, generic alias, union or leaf type. Raises ``TypeError`` for what is no schema type."""
    if isinstance(kind, TypeVar):
        raise TypeError(f"{kind} is open: give the arguments of a generic kind, for example Succeeded[Payment[None]]")
    if kind in _LEAVES:
        return _LEAVES[kind]
    origin: object = get_origin(kind)
    arguments = get_args(kind)
    if origin in _UNIONS:
        return _union(arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        return _array(form(arguments[0]))
    if origin is Mapping and arguments[0] is str:
        return _mapping(form(arguments[1]))
    return _class(kind if origin is None else origin, arguments)


def _class(kind: object, arguments: tuple[object, ...]) -> Form:
    if isinstance(kind, type):
        is_record: bool = is_dataclass(kind)
        if is_record:
            return _record(kind, arguments)
        if issubclass(kind, Enum):
            return _enum(kind)
    raise TypeError(f"{kind!r} is no schema type")


def _fields(kind: type, arguments: tuple[object, ...]) -> tuple[tuple[str, Form, bool], ...]:
    """Name, form and whether it is required, for each field."""
    parameters: tuple[object, ...] = getattr(kind, "__parameters__", ())
    bound = dict(zip(parameters, arguments, strict=False))
    hints: dict[str, object] = get_type_hints(kind)
    return tuple(
        (
            item.name,
            _NULL if item.name == "native" else form(bound.get(hints[item.name], hints[item.name])),
            item.default is MISSING and item.default_factory is MISSING,
        )
        for item in fields(kind)
    )


def _record(kind: type, arguments: tuple[object, ...]) -> Form:
    members = _fields(kind, arguments)
    tag = kind.__name__
    readers = tuple((name, member.load, required) for name, member, required in members)

    def read(content: object) -> object:
        if _tag(content) != tag:
            raise EncodingError(f"expected an object of type {tag}")
        source, found = cast("dict[str, object]", content), dict[str, object]()
        for name, read_field, required in readers:
            if name in source:
                try:
                    found[name] = read_field(source[name])
                except EncodingError as error:
                    raise EncodingError(f"{tag}.{name}: {error}") from None
            elif required:
                raise EncodingError(f"{tag}.{name} is missing")
        if len(found) + 1 != len(source):
            raise EncodingError(f"{tag} has a field that this version does not know")
        try:
            return kind(**found)
        except (ValueError, TypeError) as error:
            raise EncodingError(f"{tag}: {error}") from error

    schema: dict[str, object] = {
        "title": tag,
        "description": (kind.__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": {"type": {"const": tag}, **{name: member.schema for name, member, _ in members}},
        "required": ["type", *(name for name, _, required in members if required)],
        "additionalProperties": False,
    }
    return Form(read, schema, tag)


def _union(members: tuple[object, ...]) -> Form:
    forms = [form(member) for member in members if member is not NoneType]
    read = forms[0].load if len(forms) == 1 else _read_tagged(forms)
    schemas: list[object] = [member.schema for member in forms]
    if NoneType not in members:
        return Form(read, {"oneOf": schemas})
    return Form(lambda content: None if content is None else read(content), {"oneOf": [*schemas, _NULL.schema]})


def _read_tagged(forms: list[Form]) -> Read:
    readers: dict[object, Read] = {member.tag: member.load for member in forms}
    if None in readers or len(readers) < len(forms):
        raise TypeError("a union is read by the names of its classes: schema classes only, each name once")
    names = " or ".join(sorted(map(str, readers)))

    def read(content: object) -> object:
        tag = _tag(content)
        if not isinstance(tag, str) or tag not in readers:
            raise EncodingError(f"expected an object of type {names}")
        return readers[tag](content)

    return read


def _tag(content: object) -> object:
    return cast("dict[str, object]", content).get("type") if isinstance(content, dict) else None


def _array(item: Form) -> Form:
    def read(content: object) -> object:
        if type(content) is not list:
            raise EncodingError("expected an array")
        return tuple(item.load(entry) for entry in cast("list[object]", content))

    return Form(read, {"type": "array", "items": item.schema})


def _mapping(item: Form) -> Form:
    def read(content: object) -> object:
        if type(content) is not dict:
            raise EncodingError("expected an object")
        return {key: item.load(entry) for key, entry in cast("dict[str, object]", content).items()}

    return Form(read, {"type": "object", "additionalProperties": item.schema})


def _enum(kind: type[Enum]) -> Form:
    members: dict[object, Enum] = {member.value: member for member in kind}
    if not all(isinstance(value, str) for value in members):
        raise TypeError(f"{kind.__name__} must have text values")

    def read(content: object) -> object:
        if not isinstance(content, str) or content not in members:
            raise EncodingError(f"no {kind.__name__} that this version knows")
        return members[content]

    return Form(read, {"title": kind.__name__, "enum": list(members)})


def _exactly(kind: type, name: str) -> Read:
    def read(content: object) -> object:
        if type(content) is not kind:
            raise EncodingError(f"expected {name}")
        return content

    return read


def _read_number(content: object) -> object:
    if type(content) is int or type(content) is float:
        try:
            number = float(content)
        except OverflowError:
            number = float("inf")
        if isfinite(number):
            return number
    raise EncodingError("expected a finite number")


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def _read_instant(content: object) -> object:
    try:
        if isinstance(content, str) and _INSTANT.fullmatch(content):
            return datetime.fromisoformat(content)
    except ValueError:
        pass  # a 30th of February, said below
    raise EncodingError("expected an instant such as 2026-01-31T12:00:00.000000Z")


def _read_bytes(content: object) -> object:
    try:
        return b64decode(cast("str", _read_text(content)), validate=True)
    except ValueError:
        raise EncodingError("expected base64 text") from None


def _read_partner_id(content: object) -> object:
    return PartnerId(cast("str", _read_text(content)))


def _read_any(content: object, depth: int = 0) -> object:
    if isinstance(content, str | int | NoneType):
        return content
    if isinstance(content, float):
        return _read_number(content)
    if depth < MAX_DEPTH and isinstance(content, list):
        return [_read_any(entry, depth + 1) for entry in cast("list[object]", content)]
    if depth < MAX_DEPTH and isinstance(content, dict):
        return {key: _read_any(entry, depth + 1) for key, entry in cast("dict[str, object]", content).items()}
    raise EncodingError(f"expected JSON of at most {MAX_DEPTH} levels")


_read_text = _exactly(str, "text")

_NULL = Form(_exactly(NoneType, "null"), {"type": "null"})
_LEAVES: Mapping[object, Form] = MappingProxyType(
    {
        str: Form(_read_text, {"type": "string"}),
        int: Form(_exactly(int, "a whole number"), {"type": "integer"}),
        bool: Form(_exactly(bool, "true or false"), {"type": "boolean"}),
        float: Form(_read_number, {"type": "number"}),
        bytes: Form(_read_bytes, {"type": "string", "contentEncoding": "base64"}),
        datetime: Form(_read_instant, {"type": "string", "format": "date-time"}),
        PartnerId: Form(_read_partner_id, {"type": "string"}),
        NoneType: _NULL,
        None: _NULL,
        object: Form(_read_any, {}),
    }
)
