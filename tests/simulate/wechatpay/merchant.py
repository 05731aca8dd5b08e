"""A merchant who speaks to the simulator by hand: signs, verifies and decrypts with nothing of the library's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from payport.adapters.wechatpay.account import WeChatPayAccount
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.schemas.actions import AppParameters
from payport.schemas.events import RawNotification
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.transport import Transport

CHINA = timezone(timedelta(hours=8))
NATIVE = "/v3/pay/transactions/native"
CODEPAY = "/v3/pay/transactions/codepay"
ORDER = "/v3/pay/transactions/out-trade-no/{out_trade_no}"
CLOSE = f"{ORDER}/close"
REVERSE = f"{ORDER}/reverse"
REFUND = "/v3/refund/domestic/refunds"
BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
BILL = f"{BILLS}/out-bill-no/{{out_bill_no}}"


class Clock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Said:
    """An answer. ``signed``: a signature stands there; ``authentic``: and it fits time stamp, nonce and raw body."""

    status: int
    fields: dict[str, Any]
    headers: dict[str, str]
    raw: bytes
    signed: bool
    authentic: bool

    @property
    def code(self) -> str:
        """The code of a refusal, empty when there is none."""
        return str(self.fields.get("code", ""))

    @property
    def serial(self) -> str:
        """Which key of WeChat's signed."""
        return self.headers["wechatpay-serial"]


class Merchant:
    """Signs calls for one simulator and reads the answers. ``certificates``: what it downloaded, by serial number."""

    def __init__(self, partner: WeChatPaySimulator, transport: Transport | None = None) -> None:
        self.partner = partner
        self.account: WeChatPayAccount = partner.account
        self.transport: Transport = partner.transport() if transport is None else transport
        self.certificates: dict[str, RSAPublicKey] = {}
        self._nonces = count(1)
        key = load_pem_private_key(
            self.account.private_key.reveal().encode(), None, unsafe_skip_rsa_key_validation=True
        )
        assert isinstance(key, RSAPrivateKey)
        self.private = key

    def public(self, key_id: str) -> RSAPublicKey:
        """WeChat's key of an id: the account's public key, or a certificate, downloaded when it is new."""
        if key_id == self.account.platform_public_key_id:
            found: object = load_pem_public_key((self.account.platform_public_key or "").encode())
            assert isinstance(found, RSAPublicKey)
            return found
        if key_id not in self.certificates:
            self.download()
        return self.certificates[key_id]

    def download(self) -> Said:
        """Fetch the certificates: decrypted first, then the answer is verified with what was in it."""
        answer = self.send("GET", "/v3/certificates")
        assert isinstance(answer, WireReply), answer
        for entry in json.loads(answer.content).get("data", []):
            pem = self.decrypt(entry["encrypt_certificate"])
            certificate = load_pem_x509_certificate(pem)
            key = certificate.public_key()
            assert isinstance(key, RSAPublicKey)
            assert f"{certificate.serial_number:040X}" == entry["serial_no"]
            self.certificates[entry["serial_no"]] = key
        return self.read(answer)

    def decrypt(self, resource: Mapping[str, str]) -> bytes:
        """AEAD_AES_256_GCM with the API v3 key."""
        assert resource["algorithm"] == "AEAD_AES_256_GCM"
        box = AESGCM(self.account.api_v3_key.reveal().encode())
        sealed = base64.b64decode(resource["ciphertext"])
        return box.decrypt(resource["nonce"].encode(), sealed, resource["associated_data"].encode())

    def encrypt(self, text: str, key_id: str) -> str:
        """A sensitive field for WeChat's key of an id."""
        padding = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)
        return base64.b64encode(self.public(key_id).encrypt(text.encode(), padding)).decode()

    def sign(self, *lines: str) -> str:
        """Each line ended by a line feed, signed."""
        message = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        return base64.b64encode(self.private.sign(message, PKCS1v15(), SHA256())).decode()

    def request(
        self, method: str, target: str, body: object = None, at: datetime | None = None, /, **headers: str | None
    ) -> WireRequest:
        """A signed request. ``headers``: changed (underscores for hyphens), or left out with ``None``; not signed."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        stamp = str(int((at or self.partner.clock()).timestamp()))
        nonce = f"{next(self._nonces):032d}"
        signature = self.sign(method, target, stamp, nonce, content.decode("utf-8", "surrogateescape"))
        params = {"mchid": self.account.mchid, "nonce_str": nonce, "timestamp": stamp}
        params |= {"serial_no": self.account.serial, "signature": signature}
        usual: dict[str, str | None] = {
            "authorization": "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{k}="{v}"' for k, v in params.items()),
            "accept": "application/json",
            "user-agent": "tests",
            "content-type": None if body is None else "application/json",
            "wechatpay-serial": self.account.platform_public_key_id,
        }
        usual |= {name.replace("_", "-"): value for name, value in headers.items()}
        return WireRequest(
            endpoint=urlsplit(target).path,
            moves_money=method == "POST",
            method=method,
            url=f"{self.account.base_url}{target}",
            headers={name: value for name, value in usual.items() if value is not None},
            content=content,
        )

    def send(
        self, method: str, target: str, body: object = None, timeout_s: float = 5.0, /, **headers: str | None
    ) -> WireReply | SendFailure:
        """Send a signed request."""
        return self.transport.send(self.request(method, target, body, None, **headers), timeout_s)

    def call(self, method: str, target: str, body: object = None, /, **headers: str | None) -> Said:
        """One call and its answer."""
        answer = self.send(method, target, body, 5.0, **headers)
        assert isinstance(answer, WireReply), answer
        return self.read(answer)

    def fails(self, method: str, target: str, body: object = None, /, *, timeout_s: float = 5.0) -> SendFailure:
        """One call that gets no answer."""
        answer = self.send(method, target, body, timeout_s)
        assert isinstance(answer, SendFailure), answer
        return answer

    def read(self, answer: WireReply) -> Said:
        """An answer taken apart."""
        headers = dict(answer.headers)
        try:
            fields = json.loads(answer.content) if answer.content else {}
        except UnicodeDecodeError:
            fields = json.loads(answer.content.decode("gbk"))
        return Said(
            status=answer.status,
            fields=fields,
            headers=headers,
            raw=answer.content,
            signed="wechatpay-signature" in headers,
            authentic=self.verifies(headers, answer.content),
        )

    def verifies(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether WeChat signed these bytes, and just now."""
        values = {name.lower(): value for name, value in headers.items()}
        if "wechatpay-signature" not in values:
            return False
        stamp, nonce = values["wechatpay-timestamp"], values["wechatpay-nonce"]
        assert abs(int(stamp) - self.partner.clock().timestamp()) <= 300
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        try:
            signature = base64.b64decode(values["wechatpay-signature"], validate=True)
            self.public(values["wechatpay-serial"]).verify(signature, message, PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature):
            return False
        return True

    def told(self, raw: RawNotification) -> dict[str, Any]:
        """What a notice says: verified, then decrypted."""
        assert self.verifies(raw.headers, raw.body)
        body = json.loads(raw.body)
        assert body["resource_type"] == "encrypt-resource"
        return {"event_type": body["event_type"], **json.loads(self.decrypt(body["resource"]))}

    def order(self, number: str = "SHOP01", total: int = 1234, /, **more: object) -> dict[str, object]:
        """The content of a creating call; a change of ``None`` leaves a member out."""
        content: dict[str, object] = {
            "appid": self.account.appid,
            "mchid": self.account.mchid,
            "description": "茶 Tea",
            "out_trade_no": number,
            "notify_url": "https://shop.example/wechatpay",
            "amount": {"total": total, "currency": "CNY"},
            **more,
        }
        return {name: value for name, value in content.items() if value is not None}

    def native(self, number: str = "SHOP01", total: int = 1234, /, **more: object) -> str:
        """A code to show."""
        said = self.call("POST", NATIVE, self.order(number, total, **more))
        assert said.status == 200, said.fields
        return str(said.fields["code_url"])

    def paid(self, number: str = "SHOP01", total: int = 1234, /, **more: object) -> str:
        """An order that the payer paid; gives WeChat's number."""
        self.partner.payer.scan(self.native(number, total, **more))
        return str(self.query(number).fields["transaction_id"])

    def code_order(
        self, number: str = "SHOP01", total: int = 1234, code: str | None = None, /, **more: object
    ) -> dict[str, object]:
        """The content of a payment by a scanned code."""
        return self.order(
            number,
            total,
            notify_url=None,
            payer={"auth_code": self.partner.payer.code() if code is None else code},
            scene_info={"store_info": {"id": "0001"}},
            **more,
        )

    def codepay(self, number: str = "SHOP01", total: int = 1234, code: str | None = None) -> Said:
        """Charge a scanned code."""
        return self.call("POST", CODEPAY, self.code_order(number, total, code))

    def query(self, number: str = "SHOP01") -> Said:
        """How an order stands."""
        return self.call("GET", f"{ORDER.format(out_trade_no=quote(number, safe=''))}?mchid={self.account.mchid}")

    def close(self, number: str = "SHOP01") -> Said:
        """Close."""
        return self.call("POST", CLOSE.format(out_trade_no=number), {"mchid": self.account.mchid})

    def reverse(self, number: str = "SHOP01") -> Said:
        """Reverse."""
        body = {"appid": self.account.appid, "mchid": self.account.mchid}
        return self.call("POST", REVERSE.format(out_trade_no=number), body)

    def refund(
        self, number: str = "SHOP01", refund: int = 100, request: str = "R1", total: int = 1234, **more: object
    ) -> Said:
        """Refund."""
        amount = {"refund": refund, "total": total, "currency": "CNY"}
        return self.call("POST", REFUND, {"out_trade_no": number, "out_refund_no": request, "amount": amount, **more})

    def refunded(self, request: str = "R1") -> Said:
        """How a refund stands."""
        return self.call("GET", f"{REFUND}/{request}")

    def transfer(self, number: str = "PAYOUT1", amount: int = 500, /, **more: object) -> dict[str, object]:
        """The content of a transfer."""
        return {
            "appid": self.account.appid,
            "out_bill_no": number,
            "transfer_scene_id": "1000",
            "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            "transfer_amount": amount,
            "transfer_remark": "Prize",
            "transfer_scene_report_infos": [
                {"info_type": "活动名称", "info_content": "Autumn"},
                {"info_type": "奖励说明", "info_content": "First prize"},
            ],
            **more,
        }

    def jsapi_parameters(self, prepay_id: str, appid: str | None = None) -> AppParameters:
        """What a page hands to WeChat, signed by the merchant."""
        app, stamp, nonce = appid or self.account.appid, "1795406400", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
        package = f"prepay_id={prepay_id}"
        fields = {"appId": app, "timeStamp": stamp, "nonceStr": nonce, "package": package, "signType": "RSA"}
        fields["paySign"] = self.sign(app, stamp, nonce, package)
        return AppParameters(payload=json.dumps(fields), fields=fields)

    def app_parameters(self, prepay_id: str) -> AppParameters:
        """What an app hands to WeChat, signed by the merchant."""
        app, stamp, nonce = self.account.app_appid or "", "1795406400", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
        fields = {"appid": app, "partnerid": self.account.mchid, "prepayid": prepay_id, "package": "Sign=WXPay"}
        fields |= {"noncestr": nonce, "timestamp": stamp, "sign": self.sign(app, stamp, nonce, prepay_id)}
        return AppParameters(payload=json.dumps(fields), fields=fields)

    def page(self, path: str, **query: str) -> str:
        """An address of one of the phone's pages."""
        return f"{path}?{urlencode(query)}" if query else path
