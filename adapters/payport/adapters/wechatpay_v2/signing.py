"""The signature of API v2: sorted parameters and the shared key, hashed by MD5 or HMAC-SHA256.

It covers parsed values, not bytes, so a message must be read before it can be believed; what stands in its way is that
:mod:`payport.sdk.strict_xml` gives every message one meaning or none. Both sides hold the same key: a good signature
proves that the message was made by somebody who knows it, ourselves included, and nothing about which side.

Source: pay.weixin.qq.com, API v2, "security".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import assert_never

from payport.adapters.wechatpay_v2.account import SignType

_SIGNATURES = {
    SignType.MD5: re.compile(r"[0-9A-Fa-f]{32}", re.ASCII),
    SignType.HMAC_SHA256: re.compile(r"[0-9A-Fa-f]{64}", re.ASCII),
}


def canonical(fields: Mapping[str, str], key: str) -> str:
    """The text that is hashed: names in the order of their bytes, empty values and ``sign`` left out, then the key."""
    pairs = [f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name != "sign"]
    return "&".join([*pairs, f"key={key}"])


def signature(fields: Mapping[str, str], key: str, sign_type: SignType) -> str:
    """The value of ``sign``: upper-case hexadecimal."""
    text = canonical(fields, key).encode()
    match sign_type:
        case SignType.HMAC_SHA256:
            return hmac.new(key.encode(), text, hashlib.sha256).hexdigest().upper()
        case SignType.MD5:
            return hashlib.md5(text).hexdigest().upper()  # noqa: S324 - what WeChat's older merchants must use
        case _:
            assert_never(sign_type)


def kind_of(sign: str) -> SignType | None:
    """How a signature was made, by its length.

    Answers and notices often do not say, and the documented default (MD5) is wrong for orders that were signed
    otherwise: binarywang/WxJava#1585, wxpay/WXPay-SDK-Java#1.
    """
    return next((kind for kind, form in _SIGNATURES.items() if form.fullmatch(sign)), None)


def is_authentic(fields: Mapping[str, str], key: str, believed: frozenset[SignType]) -> bool:
    """Whether ``sign`` was made over the other fields with this key, in a way that is believed."""
    sign = fields.get("sign", "")
    kind = kind_of(sign)
    if kind is None or kind not in believed or fields.get("sign_type") not in (None, "", kind.value):
        return False
    return hmac.compare_digest(signature(fields, key, kind), sign.upper())
