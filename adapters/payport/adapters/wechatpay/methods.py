"""WeChat Pay's own ways to pay and to be paid, beside the portable ones it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from payport.schemas.classes import PERSONAL
from payport.schemas.methods import InApp, MiniProgram, MobileWeb, QrScanned, QrShown


@dataclass(frozen=True, slots=True, kw_only=True)
class JsApi:
    """A page of the merchant inside WeChat pays for the user that the order's ``payer.id`` names (an open id)."""


WeChatPayMethod: TypeAlias = QrShown | QrScanned | MobileWeb | InApp | MiniProgram | JsApi
"""What a WeChat Pay gateway takes. There is no page for desktop browsers: show a code with ``QrShown``."""


def _no_report() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeChatPayPayee:
    """Who gets a transfer, and under which scene of the console it is reported.

    ``openid``: the user under the account's ``appid``. ``name``: the real name, demanded from 2,000 yuan up and not
    taken below 0.30; it leaves encrypted. ``scene_id``: ``1000`` for marketing, ``1006`` for reimbursement, and so on.
    ``report``: what the scene demands, ``info_type`` to ``info_content``. ``perception``: the line that the payee
    reads, where the scene offers a choice.
    """

    openid: str = field(repr=False, metadata=PERSONAL)
    scene_id: str
    name: str | None = field(default=None, repr=False, metadata=PERSONAL)
    report: Mapping[str, str] = field(default_factory=_no_report)
    perception: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "report", MappingProxyType(dict(self.report)))
