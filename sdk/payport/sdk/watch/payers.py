"""Who pays, so that two orders of one payer can be told to be of one, and nobody can read who that is.

A digest under a key: the journal holds it instead of an e-mail address or an account number. Whoever has the journal
but not the key cannot try addresses out; whoever drops the key has forgotten every payer.
"""

from __future__ import annotations

import hashlib
import hmac

from payport.schemas.order import Payer
from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

DIGEST_HEX = 24
"""96 bits: no two payers of any shop share one."""
LEAST_KEY = 16
_LABEL = b"payport payer v1"


class PayerKey:
    """The key that payers are digested under. ``secret``: text of 16 characters or more; keep it where keys are.

    Another key makes strangers of all payers. Raises :class:`payport.sdk.ConfigurationError` for one that is too short.
    """

    __slots__ = ("_key",)

    def __init__(self, secret: Secret) -> None:
        text = secret.reveal().strip().encode()
        if len(text) < LEAST_KEY:
            raise ConfigurationError(
                f"the key of payers is shorter than {LEAST_KEY} characters; make one with payport keygen"
            )
        # a key of its own: the same secret may also seal requests
        self._key = hmac.new(text, _LABEL, hashlib.sha256).digest()

    def __repr__(self) -> str:
        return "PayerKey(***)"

    def digest(self, partner: str, payer: Payer) -> str:
        """24 hexadecimal digits for a payer, empty for one of whom nothing is known.

        The payer's identity at the partner counts, else the e-mail address, whatever its letters' case. An address
        (IP) is shared by many and a name by more, so neither counts.
        """
        if payer.id:
            known = f"id\x1f{partner}\x1f{payer.id}"
        elif payer.email:
            known = f"email\x1f{payer.email.strip().casefold()}"
        else:
            return ""
        return hmac.new(self._key, known.encode(), hashlib.sha256).hexdigest()[:DIGEST_HEX]
