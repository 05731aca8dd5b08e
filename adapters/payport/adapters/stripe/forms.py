"""The form encoding of Stripe's API v1: brackets for nesting, ``a[b]=`` and ``a[0]=``; JSON is refused there.

Source: Stripe's API reference, "request bodies"; the order and the literal brackets are those of its own libraries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, cast
from urllib.parse import quote_plus

Value: TypeAlias = object
"""Text, whole numbers, flags, times (with time zone), and mappings and sequences of them. ``None`` is left out."""


def encode_form(params: Mapping[str, Value]) -> str:
    """The form's text, ASCII. Raises ``TypeError`` for a value that it cannot carry, a float above all."""
    return "&".join(f"{_escaped(name)}={_escaped(text)}" for name, text in flatten(params))


def flatten(params: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """Names with their brackets, and texts, in order."""
    for name, value in params.items():
        yield from _flat(name, value)


def _flat(name: str, value: Value) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Value]", value).items():
            yield from _flat(f"{name}[{key}]", inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(cast("Sequence[Value]", value)):
            yield from _flat(f"{name}[{index}]", inner)
    else:
        yield name, _text(name, value)


def _text(name: str, value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case datetime() if value.tzinfo is not None:
            return str(int(value.timestamp()))
        case _:
            raise TypeError(f"{name}: a {type(value).__name__} has no place in a form; a time needs its zone")


def _escaped(text: str) -> str:
    return quote_plus(text, safe="[]")
