"""Checks of what is configured or handed over in code: the types that annotations promise, what a message may show."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from math import isfinite
from typing import TYPE_CHECKING

from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SHOWN_CHARACTERS = 4
_KINDS: dict[str, type] = {"str": str, "bool": bool, "Secret": Secret, "None": type(None)}
_TUPLE = re.compile(r"tuple\[(.+), \.\.\.\]")


def shown(value: str) -> str:
    """What a message may show of a text that was refused: a key may have been put where a name belongs."""
    return f"{len(value)} characters that begin with {value[:_SHOWN_CHARACTERS]!r}" if value else "nothing"


def check_argument(name: str, value: object, kinds: type | tuple[type, ...], words: str) -> None:
    """Raise ``TypeError`` for an argument of a verb that is of another type: before anything is written or sent."""
    if not isinstance(value, kinds):
        raise TypeError(f"{name} must be {words}; got {_got(value)}, and nothing was sent")


def check_seconds(name: str, value: float) -> None:
    """Raise ``TypeError`` for what is no number, ``ValueError`` for a time without an end: before anything is done."""
    check_argument(name, value, (int, float), "seconds, as a number")
    if not isfinite(value):
        raise ValueError(f"{name} must have an end, got {value}, and nothing was sent")


def check_kinds(*values: tuple[str, object, tuple[type, ...] | Callable[[object], bool], str]) -> None:
    """Raise :class:`ConfigurationError` for the first value that is not of its kind.

    Each: its name, the value, the types that it may have or a function that says yes to it, and the kind in words.
    """
    for name, value, kind, words in values:
        if not (isinstance(value, kind) if isinstance(kind, tuple) else kind(value)):
            raise ConfigurationError(f"{name} must be {words}; got {_got(value)}")


def _got(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def check_types(account: DataclassInstance) -> None:
    """Raise :class:`ConfigurationError` for a field of text, flags or secrets that holds a value of another type.

    For callers without a type checker. Fields of other types are left to who reads them.
    """
    for item in fields(account):
        value: object = getattr(account, item.name)
        many = _TUPLE.fullmatch(str(item.type))
        if many is None:
            _check_type(item.name, str(item.type), value)
        elif isinstance(value, tuple):
            for one in value:  # pyright: ignore[reportUnknownVariableType] - whatever the caller put there
                _check_type(item.name, many[1], one)  # pyright: ignore[reportUnknownArgumentType] - as above
        else:
            raise ConfigurationError(f"{item.name} must be a tuple, got {type(value).__name__}; write (one,) for one")


def _check_type(name: str, annotation: str, value: object) -> None:
    kinds = annotation.split(" | ")
    known = tuple(_KINDS[kind] for kind in kinds if kind in _KINDS)
    if len(known) < len(kinds) or isinstance(value, known):
        return
    how = "; wrap the text: Secret(...), or look it up with Settings" if kinds[0] == "Secret" else ""
    raise ConfigurationError(f"{name} must be a {kinds[0]}, got {type(value).__name__}{how}")
