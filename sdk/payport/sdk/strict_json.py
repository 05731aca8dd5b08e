"""JSON as partners' messages are read: one meaning or none.

A name that stands twice, ``NaN``, ``Infinity``, half a surrogate pair and numbers of absurd size are refused: two
readers could take such a text for two things (RFC 8259, sections 4 and 8.2). Numbers with a fraction become
:class:`decimal.Decimal`: money is never a float.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import NoReturn, cast


class MalformedJson(ValueError):
    """The text is not JSON, or has no single meaning. Says nothing of its content, which may be anybody's."""


def parse(text: str | bytes) -> object:
    """The value of a JSON text; bytes are read as UTF-8. Raises :class:`MalformedJson`, whatever the text."""
    try:
        chars = text if isinstance(text, str) else text.decode("utf-8")
        value: object = _DECODER.decode(chars)
        if "\\u" in chars:  # the only way by which half a surrogate pair comes in
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except MalformedJson:
        raise
    except (ValueError, RecursionError):
        # not chained: a JSON error carries the whole text with it
        raise MalformedJson("not JSON, or nested too deeply") from None
    return value


def parse_object(text: str | bytes) -> dict[str, object]:
    """The same for a text that must be an object. Raises :class:`MalformedJson`."""
    value = parse(text)
    if not isinstance(value, dict):
        raise MalformedJson("not a JSON object")
    return cast("dict[str, object]", value)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("a name stands twice")
    return found


def _no_constant(_: str) -> NoReturn:
    raise MalformedJson("not a number")


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:  # an exponent that Decimal does not hold
        number = None
    if number is None or abs(number.adjusted()) > _MOST_DIGITS:
        raise MalformedJson("a number of absurd size")
    return number


_MOST_DIGITS = 4300
"""As many digits as Python reads of an integer: writing more of them out would cost more than reading the text."""

_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_decimal, parse_constant=_no_constant)
