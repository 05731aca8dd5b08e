"""UnionPay's certificates, spoilt: they come with the message, so anybody can send one."""

from __future__ import annotations

import base64
import random

from cryptography.hazmat.primitives.serialization import Encoding
from proof.decoders.unionpay import SIGNERS, UNIONPAY
from proof.mutating import scattered
from tests.wire.unionpay.stage import NOON, leaf


def test_a_spoiled_certificate_is_never_believed() -> None:
    """Whatever of it is changed: the chain is over all of its bytes."""
    dice = random.Random(7)
    der = leaf().public_bytes(Encoding.DER)
    for _ in range(1_000):
        spoiled = scattered(der, dice)
        if spoiled != der:
            found = SIGNERS.find(base64.b64encode(spoiled).decode(), NOON)
            # bytes after the end, or in the signature's own padding, are not part of what is certified
            assert isinstance(found, str) or found == UNIONPAY
