"""Names of things: the merchant's reference for a debt, and the partner's own number for a payment."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MERCHANT_REFERENCE = re.compile(r"[0-9A-Za-z_-]{1,64}")
_PORTABLE_REFERENCE = re.compile(r"[0-9A-Za-z]{8,28}")


def check_reference(ref: str, name: str = "ref") -> str:
    """Return ``ref`` when it can name a debt, a refund or a payout; raise ``ValueError`` otherwise.

    Any 1 to 64 of ``[0-9A-Za-z_-]`` is a reference. What a given partner takes is narrower and is
    checked by its profile before anything is sent. Raises ``TypeError`` for what is no text.
    """
    if not isinstance(ref, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise TypeError(f"{name} must be a str, got {type(ref).__name__}")
    if not _MERCHANT_REFERENCE.fullmatch(ref):
        raise ValueError(f"{name} must be 1 to 64 of [0-9A-Za-z_-], best 8 to 28 of [0-9A-Za-z]; got {ref!r}")
    return ref


def is_portable(ref: str) -> bool:
    """Whether every partner takes this reference: 8 to 28 of ``[0-9A-Za-z]``, room left for the attempt's suffix."""
    return _PORTABLE_REFERENCE.fullmatch(ref) is not None


@dataclass(frozen=True, slots=True)
class PartnerId:
    """The partner's own number for a payment, refund or transfer (Alipay ``trade_no``, Stripe ``pi_...``).

    Not a ``str`` on purpose: it can never stand in for a merchant reference, which is what survives a time-out.
    """

    value: str

    def __str__(self) -> str:
        return self.value
