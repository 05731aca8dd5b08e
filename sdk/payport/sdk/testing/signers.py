"""The RSA keys of simulated partners, as the library's own: one implementation signs and verifies everywhere."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING

from payport.sdk.keys import PrivateKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


@lru_cache(maxsize=64)
def signer(key: RSAPrivateKey) -> PrivateKey:
    """The key that signs, and by its ``public`` half verifies: RSASSA-PKCS1-v1_5 with SHA-256."""
    return PrivateKey(key)


def signature(key: RSAPrivateKey, message: bytes) -> str:
    """The signature over ``message``, in base64."""
    return base64.b64encode(signer(key).sign(message)).decode()
