"""The oddities of a genuine WeChat Pay, to be switched on one by one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """What a genuine partner may do as well.

    ``spaced``: blanks and line breaks in the JSON. ``escaped_slashes``: ``\\/`` for ``/``. ``new_fields``: members that
    no document knows yet. ``typed``: whether the signature's type is named. ``instant_refunds``: refunds are final at
    once instead of after some minutes. ``reverses_unknown``: a reverse of an order that nobody knows is answered as
    done (seen by merchants, not documented).
    """

    spaced: bool = False
    escaped_slashes: bool = False
    new_fields: bool = False
    typed: bool = True
    instant_refunds: bool = False
    reverses_unknown: bool = False
