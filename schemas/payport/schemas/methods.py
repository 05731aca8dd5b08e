"""Portable ways to pay. A partner takes some of these and adds method classes of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from payport.schemas.classes import SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedPage:
    """The partner's checkout page in a desktop browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileWeb:
    """The partner's checkout page in a phone's browser.

    ``quit_url``: where a payer who gives up is sent, where the partner has it.
    """

    quit_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QrShown:
    """The merchant shows a QR code, the payer scans it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QrScanned:
    """The payer shows a payment code, the merchant's scanner reads it.

    ``auth_code``: the scanned digits. A secret: whoever holds it can take money once.
    """

    auth_code: str = field(repr=False, metadata=SECRET)


@dataclass(frozen=True, slots=True, kw_only=True)
class InApp:
    """The merchant's phone app hands over to the partner's app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MiniProgram:
    """A mini-program inside the partner's app pays for the user that the order's ``payer.id`` names."""


PortableMethod: TypeAlias = HostedPage | MobileWeb | QrShown | QrScanned | InApp | MiniProgram
