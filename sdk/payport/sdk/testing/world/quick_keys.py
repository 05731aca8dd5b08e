"""RSA keys that sign in a microsecond: a hash under the key's own name takes the signature's place.

Signing with 2048 bits takes 0.7 ms, a whole schedule three. What is signed, by whom, and whether it was changed on the
way is found out all the same: only whoever holds the key's fingerprint could forge it, and nobody here does.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256

from payport.sdk.keys import PrivateKey, PublicKey

_BYTES = 256
"""As long as the genuine one, so that everything around it is as long too."""


def _seal(fingerprint: str, message: bytes) -> bytes:
    digest = sha256(b"quick\x00" + fingerprint.encode() + b"\x00" + message).digest()
    return digest * (_BYTES // len(digest))


def _sign(key: PrivateKey, message: bytes) -> bytes:
    return _seal(key.public.fingerprint, message)


def _verify(key: PublicKey, message: bytes, signature: bytes, *, legacy_sha1: bool = False) -> bool:
    return not legacy_sha1 and signature == _seal(key.fingerprint, message)


@contextmanager
def quick_keys() -> Generator[None]:
    """While this is entered every :class:`PrivateKey` and :class:`PublicKey` of the process signs and verifies so."""
    genuine = PrivateKey.sign, PublicKey.verify
    PrivateKey.sign, PublicKey.verify = _sign, _verify  # type: ignore[method-assign, assignment]  # for as long as it is entered
    try:
        yield
    finally:
        PrivateKey.sign, PublicKey.verify = genuine  # type: ignore[method-assign]  # as it was
