"""Every decoder of the library: of each partner, and those that all share."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from proof.decoders.decoder import Decoder

MODULES = (
    "shared",
    "audit",
    "files",
    "adyen",
    "alipay",
    "paypal",
    "stripe",
    "unionpay",
    "wechatpay",
    "wechatpay_v2",
    "conversations",
)


@cache
def decoders() -> tuple[Decoder, ...]:
    """All of them, in a fixed order. The samples are made with the first call: keys, signatures, conversations."""
    return tuple(found for name in MODULES for found in import_module(f"proof.decoders.{name}").DECODERS)


@cache
def decoder_named(name: str) -> Decoder:
    """One of them, by its name or its folder's. Raises ``KeyError``."""
    return {each: found for found in decoders() for each in (found.name, found.slug)}[name]
