"""Fields of an answer, checked: amounts, times, statuses, and whether it is about what was asked."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeVar

from pydantic import ValidationError

from payport.adapters.alipay.calls import from_china_time
from payport.adapters.alipay.envelope import Answer
from payport.adapters.alipay.wire import (
    Wire,
)
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.sdk.journal.records import Operation
from payport.sdk.observation import Observation, Source, doubt

WireT = TypeVar("WireT", bound=Wire)
StatusT = TypeVar("StatusT", bound=Enum)


class Unreadable(Exception):
    """An authentic answer without a field that it must have, or with one that cannot be read."""


def parsed(kind: type[WireT], answer: Answer) -> WireT:
    """The answer's fields, checked. Raises :class:`Unreadable`, which names fields and never their contents."""
    try:
        return kind.model_validate(answer.node)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False))
        raise Unreadable(f"fields missing or of another type: {fields}") from None


def money(text: str) -> Money:
    """An amount in yuan. Raises :class:`Unreadable`."""
    try:
        return Money.of(text, "CNY")
    except (ValueError, TypeError):
        raise Unreadable("an amount is not one in yuan with two places") from None


def instant(text: str | None) -> datetime | None:
    """A time in China Standard Time; ``None`` when it is missing or in a form that is not known: it decides nothing."""
    if not text:
        return None
    try:
        return from_china_time(text[:19])
    except ValueError:
        return None


def known(kind: type[StatusT], text: str | None) -> StatusT | None:
    """The status, ``None`` for one that this version does not know."""
    try:
        return kind(text)
    except ValueError:
        return None


def about_another(operation: Operation, source: Source, name: str, told: str | None) -> Observation | None:
    """A doubt when an answer names another order than the one that this operation is about."""
    if not told or told == operation.identity.get(name):
        return None
    return doubt(source, UnknownKind.MISMATCH, f"reference: the answer is about another {name}")
