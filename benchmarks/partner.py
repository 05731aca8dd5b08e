"""What the partner of the benchmarks holds: an application, keys, and answers that are signed beforehand."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from payport.adapters.alipay import AlipayAccount
from payport.adapters.alipay.forms import encode_form
from payport.adapters.alipay.signing import canonical
from payport.sdk.keys import PrivateKey
from payport.sdk.secrets import Secret
from payport.sdk.tls import Trust

APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"
NEITHER = frozenset({"sign", "sign_type"})


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """The partner's key, raw and as the library holds it."""

    raw: rsa.RSAPrivateKey
    key: PrivateKey

    @property
    def public_raw(self) -> rsa.RSAPublicKey:
        """What verifies, raw."""
        return self.raw.public_key()


@dataclass(frozen=True, slots=True)
class Keys:
    """The merchant's key and the partner's."""

    merchant: rsa.RSAPrivateKey
    partner: PartnerKey

    @property
    def merchant_pem(self) -> str:
        """The merchant's key as PKCS#8."""
        return self.merchant.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def account(self, gateway_url: str, trust: Trust | None = None) -> AlipayAccount:
        """The merchant's account at this partner."""
        return AlipayAccount(
            app_id=APP_ID,
            private_key=Secret(self.merchant_pem),
            alipay_public_key=self.partner.key.public.pem(),
            gateway_url=gateway_url,
            trust=trust,
        )


@lru_cache(maxsize=1)
def keys() -> Keys:
    """The keys of this run."""
    merchant, partner = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    return Keys(merchant, PartnerKey(partner, PrivateKey(partner)))


def signed_reply(method: str, fields: dict[str, str]) -> bytes:
    """A whole reply to ``method``."""
    node = json.dumps({"code": "10000", "msg": "Success", **fields}, separators=(",", ":"))
    sign = base64.b64encode(keys().partner.key.sign(node.encode())).decode()
    return f'{{"{method.replace(".", "_")}_response":{node},"sign":"{sign}"}}'.encode()


def shown(partner_ref: str) -> bytes:
    """The reply to a precreate."""
    fields = {"out_trade_no": partner_ref, "qr_code": f"https://qr.alipay.com/{partner_ref.lower()}"}
    return signed_reply("alipay.trade.precreate", fields)


def waiting(partner_ref: str) -> bytes:
    """The reply to a query while the payer has not paid."""
    fields = {
        "buyer_logon_id": "138****1234",
        "buyer_pay_amount": "0.00",
        "invoice_amount": "0.00",
        "out_trade_no": partner_ref,
        "point_amount": "0.00",
        "receipt_amount": "0.00",
        "total_amount": "12.34",
        "trade_no": "2026070122001446881000041395",
        "trade_status": "WAIT_BUYER_PAY",
    }
    return signed_reply("alipay.trade.query", fields)


def replies(refs: Iterable[str]) -> dict[bytes, bytes]:
    """What the server sends for these references, each at its first attempt."""
    found: dict[bytes, bytes] = {}
    for ref in refs:
        found[f"alipay.trade.precreate {ref}T001".encode()] = shown(f"{ref}T001")
    return found


def notice(number: int = 1) -> bytes:
    """A trade notice of 25 fields, as the partner posts it."""
    fields = {
        "app_id": APP_ID,
        "auth_app_id": APP_ID,
        "buyer_id": "2088000000000002",
        "buyer_logon_id": "138****1234",
        "buyer_pay_amount": "12.34",
        "charset": "utf-8",
        "fund_bill_list": '[{"amount":"12.34","fundChannel":"ALIPAYACCOUNT"}]',
        "gmt_create": "2026-07-01 11:59:50",
        "gmt_payment": "2026-07-01 12:00:00",
        "invoice_amount": "12.34",
        "notify_id": f"20260701002221200000413950{number:08d}",
        "notify_time": "2026-07-01 12:00:01",
        "notify_type": "trade_status_sync",
        "out_trade_no": "SHOP1001000100000001",
        "passback_params": "order%3D1%26shop%3D2",
        "point_amount": "0.00",
        "receipt_amount": "12.34",
        "seller_email": "shop@example.com",
        "seller_id": SELLER_ID,
        "sign_type": "RSA2",
        "subject": "Green tea, 茶叶一盒",
        "total_amount": "12.34",
        "trade_no": "2026070122001446881000041395",
        "trade_status": "TRADE_SUCCESS",
        "version": "1.0",
    }
    sign = base64.b64encode(keys().partner.key.sign(canonical(fields, without=NEITHER))).decode()
    return encode_form({**fields, "sign": sign})
