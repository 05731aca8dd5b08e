"""What a record tells of a person, sealed under a key of its own debt, so that it can be erased later.

The chain covers what is sealed. Throwing the key away makes it unreadable for good, in archives and copies too, and no
hash changes. AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; what the record is about is authenticated
along with it.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final, cast

from payport.sdk.audit.canonical import canonical_text, well_formed
from payport.sdk.errors import AuditError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


def new_data_key() -> bytes:
    """A key for one debt."""
    return os.urandom(KEY_BYTES)


def seal_personal(key: bytes, fields: Mapping[str, str], bound_to: str) -> str:
    """These fields as base64 text. ``bound_to``: the debt's reference; under another it does not open."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - for who records persons

    plain = canonical_text({name: well_formed(value) for name, value in fields.items()}).encode()
    nonce = os.urandom(_NONCE_BYTES)
    return b64encode(nonce + AESGCM(key).encrypt(nonce, plain, _bound(bound_to))).decode()


def open_personal(key: bytes, sealed: str, bound_to: str) -> Mapping[str, str]:
    """The fields that were sealed. Raises :class:`payport.sdk.errors.AuditError` for another key or debt."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

    try:
        raw = b64decode(sealed, validate=True)
        plain = AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(bound_to))
    except (InvalidTag, ValueError) as error:
        raise AuditError(f"what is sealed in a record of {bound_to} does not open with its key") from error
    return cast("Mapping[str, str]", json.loads(plain))


def _bound(ref: str) -> bytes:
    return f"payport audit personal\n{ref}".encode()
