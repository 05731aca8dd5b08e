"""JSON without blanks, by an encoder that is made once.

``json.dumps`` with options of its own, and ``JSONEncoder.encode`` too, make another encoder in C for every text, which
takes longer than to write a short one.
"""

from __future__ import annotations

import json.encoder
from collections.abc import Callable
from json import JSONEncoder
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, cast


def compact_encoder(*, ascii_only: bool = True, sort_keys: bool = False) -> Callable[[object], str]:
    """A function that writes JSON texts. ``ascii_only``: everything else is escaped.

    Raises ``ValueError`` for NaN and infinity, ``TypeError`` for what JSON cannot hold, and does not look for a value
    that holds itself.
    """
    plain = JSONEncoder(
        ensure_ascii=ascii_only,
        sort_keys=sort_keys,
        separators=(",", ":"),
        allow_nan=False,
        check_circular=False,
    )
    make: Callable[..., Any] | None = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # pragma: no cover - an interpreter without the C part of the standard library
        return plain.encode
    escape = encode_basestring_ascii if ascii_only else encode_basestring
    # as JSONEncoder.iterencode makes it: no markers, default, escape, indent, separators, sort, skip keys, NaN
    pieces = cast(
        "Callable[[object, int], tuple[str, ...]]",
        make(None, plain.default, escape, None, ":", ",", sort_keys, False, False),  # noqa: FBT003 - it takes no names
    )
    join = "".join

    def encode(value: object) -> str:
        return join(pieces(value, 0))

    return encode
