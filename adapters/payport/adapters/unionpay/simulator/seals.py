"""How UnionPay signs what it says, and how a merchant's signature is looked at: with certificates, or a shared key."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from payport.adapters.unionpay.signing import SIGNATURE, content_digest, keyed_digest
from payport.adapters.unionpay.simulator.keys import Certified
from payport.sdk.testing.signers import signer


@dataclass(slots=True, kw_only=True)
class Seal:
    """``secret`` for ``signMethod`` 11 and 12, certificates for 01. ``unionpay`` changes when it is renewed."""

    sign_method: str
    secret: str = field(repr=False)
    unionpay: Certified = field(repr=False)
    merchant: Certified = field(repr=False)

    def signed(self, fields: Mapping[str, str], codec: str, *, by: Certified | None = None) -> dict[str, str]:
        """The fields with UnionPay's signature, or with somebody else's: ``by``."""
        whole = {**fields, "signMethod": self.sign_method}
        whole.pop(SIGNATURE, None)
        if self.sign_method != "01":
            return {**whole, SIGNATURE: keyed_digest(whole, codec, self.sign_method, self.secret)}
        signer = by or self.unionpay
        whole["signPubKeyCert"] = signer.wire_pem()
        return {**whole, SIGNATURE: signer.sign(content_digest(whole, codec))}

    def is_merchants(self, fields: Mapping[str, str], codec: str) -> bool:
        """Whether the merchant signed these fields."""
        told = fields.get(SIGNATURE, "")
        if self.sign_method != "01":
            return told == keyed_digest(fields, codec, self.sign_method, self.secret)
        if fields.get("certId") != self.merchant.cert_id:
            return False
        try:
            signature = base64.b64decode(told, validate=True)
        except ValueError:
            return False
        return signer(self.merchant.key).public.verify(content_digest(fields, codec), signature)
