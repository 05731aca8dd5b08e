"""What every reader needs: a record checked, an amount, a time, our reference as Stripe says it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from pydantic import ValidationError

from payport.adapters.stripe.money import from_wire
from payport.adapters.stripe.planning import REF
from payport.adapters.stripe.wire import Wire
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.sdk.observation import Observation, Source, doubt

WireT = TypeVar("WireT", bound=Wire)
StatusT = TypeVar("StatusT", bound=Enum)


class Unreadable(Exception):
    """An authentic answer without a field that it must have, or with one that cannot be read."""


def parsed(kind: type[WireT], node: object) -> WireT:
    """The record, checked. Raises :class:`Unreadable`, which names fields and never their contents."""
    try:
        return kind.model_validate(node)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False))
        raise Unreadable(f"fields missing or of another type: {fields}") from None


def money(amount: int | None, currency: str | None) -> Money:
    """An amount as Stripe counts it. Raises :class:`Unreadable`."""
    if amount is None or currency is None:
        raise Unreadable("an amount or currency is missing")
    try:
        return from_wire(amount, currency)
    except ValueError:
        raise Unreadable("an amount is none in its currency") from None


def instant(seconds: int | None) -> datetime | None:
    """A time; ``None`` when it is missing or none: it decides nothing."""
    if seconds is None or not 0 <= seconds < 10**11:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def known(kind: type[StatusT], text: str | None) -> StatusT | None:
    """The status, ``None`` for one that this version does not know."""
    try:
        return kind(text)
    except ValueError:
        return None


def said(metadata: Mapping[str, str] | None, number: str) -> str:
    """The reference as Stripe says it: ours, or its own number for what was not made here."""
    return (metadata or {}).get(REF) or number


def number_of(value: object) -> str | None:
    """The number of a record that may stand there whole."""
    if isinstance(value, Mapping):
        value = value.get("id")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - any JSON
    return value if isinstance(value, str) and value else None


def another_mode(live: bool, told: bool, source: Source) -> Observation | None:  # noqa: FBT001 - two of a kind
    """A doubt when an answer is of the other mode than the key."""
    if live is told:
        return None
    return doubt(source, UnknownKind.MISMATCH, f"merchant: the answer is of {'live' if told else 'test'} mode")
