"""A merchant who speaks to the simulator by hand: signs and verifies with nothing of the library's own signing."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import load_pem_x509_certificate

from payport.adapters.alipay.account import AlipayAccount
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.adapters.alipay.simulator.keys import pair
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.transport import Transport

CHINA = timezone(timedelta(hours=8))


class Clock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Said:
    """A reply, taken apart. ``signed``: a signature stands there; ``authentic``: and it fits the raw node."""

    fields: dict[str, Any]
    signed: bool
    authentic: bool
    raw: bytes
    name: str
    cert_sn: str | None

    @property
    def code(self) -> str:
        """``sub_code`` of a refusal, ``code`` otherwise."""
        return str(self.fields.get("sub_code", self.fields["code"]))


class Merchant:
    """Signs calls for one simulator and reads the replies. ``key`` is Alipay's, for verifying."""

    def __init__(self, partner: AlipaySimulator, transport: Transport | None = None) -> None:
        self.partner = partner
        self.account: AlipayAccount = partner.account
        self.transport: Transport = partner.transport() if transport is None else transport
        self.public: dict[str, str] = {}
        certificates = self.account.certificates
        if certificates is not None:
            from payport.adapters.alipay.certificates import cert_sn, root_cert_sn

            self.public["app_cert_sn"] = cert_sn(certificates.application)
            self.public["alipay_root_cert_sn"] = root_cert_sn(certificates.root)

    @property
    def key(self) -> RSAPublicKey:
        """Alipay's public key as the account has it."""
        if self.account.certificates is not None:
            key: object = load_pem_x509_certificate(self.account.certificates.alipay.encode()).public_key()
        else:
            key = load_der_public_key(base64.b64decode(self.account.alipay_public_key or ""))
        assert isinstance(key, RSAPublicKey)
        return key

    def parameters(self, method: str, biz: Mapping[str, object] | str, /, **changes: str | None) -> dict[str, str]:
        """Signed parameters. A change of ``None`` leaves the parameter out; changes are made before signing."""
        params: dict[str, str | None] = {
            "app_id": self.account.app_id,
            "method": method,
            "format": "JSON",
            "charset": self.account.charset,
            "sign_type": "RSA2",
            "timestamp": f"{self.partner.clock().astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
            "version": "1.0",
            "biz_content": biz if isinstance(biz, str) else json.dumps(biz, ensure_ascii=False),
            **self.public,
            **changes,
        }
        kept = {name: value for name, value in params.items() if value is not None}
        text = "&".join(f"{name}={kept[name]}" for name in sorted(kept))
        charset = kept.get("charset", "utf-8")
        message = text.encode(charset if charset in ("utf-8", "gbk") else "utf-8")
        signature = pair("application").private.sign(message, PKCS1v15(), SHA256())
        return {"sign": base64.b64encode(signature).decode(), **kept}

    def send(self, params: Mapping[str, str], *, timeout_s: float = 5.0) -> WireReply | SendFailure:
        """Post parameters."""
        return self.transport.send(self.request(params), timeout_s)

    def request(self, params: Mapping[str, str]) -> WireRequest:
        """The public parameters in the query, the content in the body."""
        charset = params.get("charset", "utf-8")
        codec = charset if charset in ("utf-8", "gbk") else "utf-8"
        public = {name: value for name, value in params.items() if name != "biz_content"}
        content = {"biz_content": params["biz_content"]} if "biz_content" in params else {}
        return WireRequest(
            endpoint=params.get("method", ""),
            moves_money=True,
            method="POST",
            url=f"{self.account.gateway_url}?{urlencode(public, encoding=codec)}",
            headers={"Content-Type": f"application/x-www-form-urlencoded;charset={charset}"},
            content=urlencode(content, encoding=codec).encode(),
        )

    def call(self, method: str, biz: Mapping[str, object] | str, /, **changes: str | None) -> Said:
        """One call and its reply."""
        answer = self.send(self.parameters(method, biz, **changes))
        assert isinstance(answer, WireReply), answer
        assert answer.status == 200
        return self.read(answer, changes.get("charset") or self.account.charset)

    def fails(self, method: str, biz: Mapping[str, object], *, timeout_s: float = 5.0) -> SendFailure:
        """One call that gets no reply."""
        answer = self.send(self.parameters(method, biz), timeout_s=timeout_s)
        assert isinstance(answer, SendFailure), answer
        return answer

    def read(self, answer: WireReply, charset: str) -> Said:
        """A reply taken apart: the node's raw text is what the decoder walked over."""
        try:
            text = answer.content.decode(charset)
        except UnicodeDecodeError:
            charset = "gbk"
            text = answer.content.decode(charset)
        envelope: dict[str, Any] = json.loads(text)
        name = next(iter(envelope))
        start = text.index(":", text.index(f'"{name}"')) + 1
        start += len(text[start:]) - len(text[start:].lstrip())
        _, end = json.JSONDecoder().raw_decode(text, start)
        node = text[start:end].encode(charset)
        sign = envelope.get("sign")
        fields: dict[str, Any] | str = envelope[name]
        return Said(
            fields={"code": "encrypted", "content": fields} if isinstance(fields, str) else fields,
            signed=bool(sign),
            authentic=bool(sign) and self._fits(node, str(sign)),
            raw=answer.content,
            name=name,
            cert_sn=envelope.get("alipay_cert_sn"),
        )

    def _fits(self, node: bytes, sign: str) -> bool:
        try:
            self.key.verify(base64.b64decode(sign), node, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    def order(self, number: str = "SHOP1", amount: str = "12.34", **more: object) -> dict[str, object]:
        """The content of a creating call."""
        return {"out_trade_no": number, "total_amount": amount, "subject": "茶 Tea", **more}

    def precreate(self, number: str = "SHOP1", amount: str = "12.34", **more: object) -> str:
        """A code to show."""
        said = self.call("alipay.trade.precreate", self.order(number, amount, **more))
        assert said.code == "10000", said.fields
        return str(said.fields["qr_code"])

    def pay(self, number: str = "SHOP1", amount: str = "12.34", code: str | None = None, **more: object) -> Said:
        """Charge a scanned code."""
        auth_code = self.partner.payer.code() if code is None else code
        content = self.order(number, amount, scene="bar_code", auth_code=auth_code, **more)
        return self.call("alipay.trade.pay", content)

    def query(self, number: str = "SHOP1") -> Said:
        """How a trade stands."""
        return self.call("alipay.trade.query", {"out_trade_no": number})

    def refund(self, number: str = "SHOP1", amount: str = "1.00", request: str | None = "R1") -> Said:
        """Refund."""
        content = {"out_trade_no": number, "refund_amount": amount}
        return self.call("alipay.trade.refund", content if request is None else {**content, "out_request_no": request})
