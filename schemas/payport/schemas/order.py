"""What is owed: the order a merchant wants paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType, NoneType
from typing import Any, TypeAlias, cast

from payport.schemas.classes import INTERNAL, PERSONAL, PUBLIC
from payport.schemas.money import Money
from payport.schemas.references import check_reference

MAX_SUBJECT_CHARACTERS = 256
MAX_METADATA_CHARACTERS = 2_000


class CaptureMode(Enum):
    """When the money moves: at once, or held first and captured later."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class CompletionMode(Enum):
    """Who goes on after the payer approved: the caller with ``complete``, or ``resume`` as well."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """What the merchant knows of the payer. Every field is optional and personal."""

    id: str | None = field(default=None, repr=False, metadata=PERSONAL)
    """The payer's identity at the partner: Alipay ``2088...`` or open id, WeChat open id."""
    ip: str | None = field(default=None, repr=False, metadata=PERSONAL)
    email: str | None = field(default=None, repr=False, metadata=PERSONAL)
    name: str | None = field(default=None, repr=False, metadata=PERSONAL)


def _no_metadata() -> Mapping[str, str]:
    return {}


_Kinds: TypeAlias = tuple[tuple[str, tuple[type, ...], str], ...]
_TEXT, _TEXT_OR_NONE = (str,), (str, NoneType)
_PAYOUT: _Kinds = (
    ("ref", _TEXT, "a str"),
    ("amount", (Money,), 'Money, such as Money.of("12.34", "CNY")'),
    ("subject", _TEXT, "a str"),
)
_ORDER: _Kinds = (
    *_PAYOUT,
    ("payer", (Payer,), "a Payer"),
    ("metadata", (Mapping,), "a mapping of text to text"),
    ("notify_url", _TEXT_OR_NONE, "a str"),
    ("return_url", _TEXT_OR_NONE, "a str"),
    ("payable_until", (datetime, NoneType), "a datetime with a time zone"),
    ("capture", (CaptureMode,), "CaptureMode.AUTOMATIC or CaptureMode.MANUAL"),
    ("complete", (CompletionMode,), "CompletionMode.AUTOMATIC or CompletionMode.MANUAL"),
)


def _check_kinds(order: Order | PayoutOrder, kinds: _Kinds) -> None:
    """For callers without a type checker: a mode given as text would else be taken for the other one."""
    for name, kind, words in kinds:
        value: object = getattr(order, name)
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be {words}, got {type(value).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A debt to be paid once, named by the merchant's own reference.

    ``ref`` is unique in a journal over all accounts; 8 to 28 of ``[0-9A-Za-z]`` fits every partner.
    Asking again with the same ``ref`` and the same money is always safe; with other money it raises
    :class:`payport.sdk.ReferenceConflict` before anything is sent.

    Raises ``ValueError`` for a reference, amount, subject, time or URL that can be used nowhere, and ``TypeError`` for
    a value of another type than its annotation says.
    """

    ref: str = field(metadata=INTERNAL)
    amount: Money = field(metadata=INTERNAL)
    subject: str = field(metadata=INTERNAL)
    """One line the payer reads, at most 256 characters."""
    payer: Payer = field(default=Payer(), repr=False, metadata=PERSONAL)
    metadata: Mapping[str, str] = field(default_factory=_no_metadata, repr=False, metadata=INTERNAL)
    """The merchant's own notes, given back with notifications where the partner can."""
    notify_url: str | None = field(default=None, metadata=INTERNAL)
    """Where the partner posts its notification; the account's address when absent."""
    return_url: str | None = field(default=None, metadata=INTERNAL)
    """Where the payer's browser goes after paying. Never a proof of payment."""
    payable_until: datetime | None = field(default=None, metadata=INTERNAL)
    """The instant (with time zone) after which nobody may pay this any more; the profile's default when absent."""
    capture: CaptureMode = field(default=CaptureMode.AUTOMATIC, metadata=PUBLIC)
    complete: CompletionMode = field(default=CompletionMode.MANUAL, metadata=PUBLIC)

    def __post_init__(self) -> None:
        _check_kinds(self, _ORDER)
        check_reference(self.ref)
        if self.amount.amount_minor <= 0:
            raise ValueError(f"amount must be more than zero, got {self.amount}")
        if not self.subject.strip() or len(self.subject) > MAX_SUBJECT_CHARACTERS:
            raise ValueError(f"subject must be 1 to {MAX_SUBJECT_CHARACTERS} characters, got {len(self.subject)}")
        if self.payable_until is not None and self.payable_until.tzinfo is None:
            raise ValueError("payable_until must carry a time zone, for example datetime.now(UTC) + timedelta(hours=1)")
        for name in ("notify_url", "return_url"):
            url = getattr(self, name)
            if url is not None and not url.startswith(("https://", "http://")):
                raise ValueError(f"{name} must be an absolute http(s) URL, got {url!r}")
        for name, text in self.metadata.items():
            if not (isinstance(name, str) and isinstance(text, str)):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"metadata is text to text; write str(...) around {type(text).__name__}")
        if sum(len(key) + len(value) for key, value in self.metadata.items()) > MAX_METADATA_CHARACTERS:
            raise ValueError(f"metadata may hold at most {MAX_METADATA_CHARACTERS} characters in all")
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    def __reduce__(self) -> tuple[Callable[[dict[str, object]], Order], tuple[dict[str, object]]]:
        # a mapping proxy cannot be pickled; and Python before 3.11.4 puts a __getstate__ of its own in place of ours
        values: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return _order, ({**values, "metadata": dict(self.metadata)},)


def _order(values: dict[str, object]) -> Order:
    """An order out of a pickle or copy."""
    return Order(**cast("dict[str, Any]", values))


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutOrder:
    """Money to send once, named by the merchant's own reference. Who gets it is the partner's own payee value."""

    ref: str = field(metadata=INTERNAL)
    amount: Money = field(metadata=INTERNAL)
    subject: str = field(metadata=INTERNAL)
    """One line the payee reads, at most 256 characters."""
    remark: str = field(default="", metadata=INTERNAL)

    def __post_init__(self) -> None:
        _check_kinds(self, _PAYOUT)
        check_reference(self.ref)
        if self.amount.amount_minor <= 0:
            raise ValueError(f"amount must be more than zero, got {self.amount}")
        if not self.subject.strip() or len(self.subject) > MAX_SUBJECT_CHARACTERS:
            raise ValueError(f"subject must be 1 to {MAX_SUBJECT_CHARACTERS} characters, got {len(self.subject)}")
