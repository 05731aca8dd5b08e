"""Alipay's own ways to pay and to be paid, beside the portable ones it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from payport.schemas.classes import PERSONAL
from payport.schemas.methods import HostedPage, InApp, MiniProgram, MobileWeb, QrScanned, QrShown


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceScanned(QrScanned):
    """A face payment at a terminal: ``auth_code`` is the terminal's ``fp...`` token."""


AlipayMethod: TypeAlias = HostedPage | MobileWeb | QrShown | QrScanned | InApp | MiniProgram
"""What an Alipay gateway takes. ``FaceScanned`` is a ``QrScanned`` with another scene."""


class PayeeKind(Enum):
    """How a payee is named (``payee_info.identity_type``)."""

    USER_ID = "ALIPAY_USER_ID"
    LOGON_ID = "ALIPAY_LOGON_ID"
    OPEN_ID = "ALIPAY_OPEN_ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlipayPayee:
    """Who gets a payout. ``name``: the real name, demanded with a logon id (mobile number or e-mail)."""

    kind: PayeeKind
    identity: str = field(repr=False, metadata=PERSONAL)
    name: str | None = field(default=None, repr=False, metadata=PERSONAL)
