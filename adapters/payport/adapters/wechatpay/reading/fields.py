"""Fields of an answer, checked: amounts, times, statuses, and whose money it is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeVar

from pydantic import ValidationError

from payport.adapters.wechatpay.account import WeChatPayAccount
from payport.adapters.wechatpay.calls import from_wire_time
from payport.adapters.wechatpay.wire import Wire
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.sdk.observation import Observation, Source, doubt

WireT = TypeVar("WireT", bound=Wire)
StatusT = TypeVar("StatusT", bound=Enum)


class Unreadable(Exception):
    """An authentic answer without a field that it must have, or with one that cannot be read."""


def parsed(kind: type[WireT], node: Mapping[str, object]) -> WireT:
    """The record, checked. Raises :class:`Unreadable`, which names fields and never their contents."""
    try:
        return kind.model_validate(node)
    except ValidationError as error:
        fields = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False))
        raise Unreadable(f"fields missing or of another type: {fields}") from None


def money(minor: int | None, currency: str | None) -> Money:
    """An amount in fen; the currency is CNY where none stands. Raises :class:`Unreadable`."""
    try:
        if minor is None:
            raise Unreadable("an amount is missing")
        return Money(minor, currency or "CNY")
    except (ValueError, TypeError):
        raise Unreadable("an amount is not one in whole fen") from None


def instant(text: str | None) -> datetime | None:
    """A time; ``None`` when it is missing or in a form that is not known: it decides nothing."""
    if not text:
        return None
    try:
        return from_wire_time(text)
    except ValueError:
        return None


def known(kind: type[StatusT], text: str | None) -> StatusT | None:
    """The status, ``None`` for one that this version does not know."""
    try:
        return kind(text)
    except ValueError:
        return None


class OfMerchant(Protocol):
    """A record that says whose it is."""

    @property
    def mchid(self) -> str | None:
        """A direct merchant's number."""
        ...

    @property
    def sp_mchid(self) -> str | None:
        """A service provider's number."""
        ...

    @property
    def sub_mchid(self) -> str | None:
        """A sub-merchant's number."""
        ...


def whose(account: WeChatPayAccount, record: OfMerchant) -> str | None:
    """What says that a record is another merchant's; ``None`` when it is ours."""
    told = (record.sp_mchid or record.mchid, record.sub_mchid or None)
    if told[0] not in (None, account.mchid):
        return "merchant: it is about another merchant"
    if told[1] != account.sub_mchid and told != (None, None):
        return "merchant: it is about another sub-merchant"
    return None


def mismatch(source: Source, detail: str) -> Observation:
    """An authentic answer about something else."""
    return doubt(source, UnknownKind.MISMATCH, detail)
