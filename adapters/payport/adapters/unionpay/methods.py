"""UnionPay's own ways to pay, beside the portable ones it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from payport.schemas.methods import HostedPage, InApp, MobileWeb, QrScanned, QrShown


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessPage:
    """The gateway page on which a company pays from its bank account (``bizType`` 000202)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplePay:
    """Apple Pay in the merchant's app, through UnionPay's control (``bizType`` 000802)."""


UnionPayMethod: TypeAlias = HostedPage | MobileWeb | QrShown | QrScanned | InApp | BusinessPage | ApplePay
"""What a UnionPay gateway takes."""
