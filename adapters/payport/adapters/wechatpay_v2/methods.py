"""WeChat's own way to pay, beside the portable ones it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from payport.schemas.methods import InApp, MiniProgram, MobileWeb, QrScanned, QrShown


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialAccount(MiniProgram):
    """A page of an official account, opened inside WeChat: the same call as a mini-program's (trade type JSAPI)."""


WeChatPayV2Method: TypeAlias = QrShown | QrScanned | MiniProgram | InApp | MobileWeb
"""What a gateway for API v2 takes. ``OfficialAccount`` is a ``MiniProgram`` by another name."""
