"""A merchant at the simulator: by hand, signing with nothing of the library's own, and through a gateway."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree as ET  # the simulator's own messages: nothing hostile in them

from payport.adapters.wechatpay_v2 import WeChatPayV2, WeChatPayV2Account
from payport.adapters.wechatpay_v2.simulator import WeChatPayV2Simulator
from payport.schemas import Money, Order, Payer
from payport.sdk import Gateway, Secret
from payport.sdk.events import SdkEvent
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.retry import RetryPolicy
from payport.sdk.testing.stepping import Time, WorkerClock
from payport.sdk.transport import Transport

CHINA = timezone(timedelta(hours=8))
AMOUNT = Money.of("12.34", "CNY")
AT_ONCE = RetryPolicy(base_s=0.0, cap_s=0.0)
"""Three tries without waiting."""
SEALING_KEY = Secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")


class ByHand:
    """Signs calls for one simulator and reads the answers."""

    def __init__(self, partner: WeChatPayV2Simulator, transport: Transport | None = None) -> None:
        self.partner = partner
        self.account: WeChatPayV2Account = partner.account
        self.transport: Transport = partner.transport() if transport is None else transport

    def sign(self, fields: Mapping[str, str], kind: str) -> str:
        """From the documents."""
        key = self.account.api_key.reveal()
        text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if fields[name] and name != "sign")
        message = f"{text}&key={key}".encode()
        if kind == "MD5":
            return hashlib.md5(message).hexdigest().upper()
        return hmac.new(key.encode(), message, hashlib.sha256).hexdigest().upper()

    def fields(self, content: Mapping[str, str], /, **changes: str | None) -> dict[str, str]:
        """Signed fields. A change of ``None`` leaves a field out; changes are made before signing."""
        whole: dict[str, str | None] = {
            "appid": self.account.appid,
            "mch_id": self.account.mch_id,
            "nonce_str": "ibuaiVcKdpRxkhJA",
            "sign_type": "HMAC-SHA256",
            **content,
            **changes,
        }
        kept = {name: value for name, value in whole.items() if value is not None}
        kind = kept.get("sign_type", "MD5")
        return {**kept, "sign": self.sign(kept, kind)}

    def post(self, path: str, body: bytes, *, timeout_s: float = 5.0) -> WireReply | SendFailure:
        """One request."""
        request = WireRequest(
            endpoint=path,
            moves_money=True,
            method="POST",
            url=f"{self.account.base_url}/{path}",
            headers={"Content-Type": "text/xml"},
            content=body,
        )
        return self.transport.send(request, timeout_s)

    def call(self, path: str, content: Mapping[str, str], /, **changes: str | None) -> dict[str, str]:
        """One call and its answer's fields."""
        answer = self.post(path, as_xml(self.fields(content, **changes)))
        assert isinstance(answer, WireReply), answer
        assert answer.status == 200
        return self.read(answer.content)

    def read(self, content: bytes) -> dict[str, str]:
        """The fields of an answer, with ``authentic`` when its signature fits."""
        found = {each.tag: each.text or "" for each in ET.fromstring(content)}
        sign = found.get("sign", "")
        kind = "MD5" if len(sign) == 32 else "HMAC-SHA256"
        return {**found, "authentic": "yes" if sign and self.sign(found, kind) == sign else "no"}

    def order(self, number: str = "SHOP1", fee: str = "1234", **more: str) -> dict[str, str]:
        """What opens an order for a code to show."""
        return {
            "body": "\u8336 Tea",
            "out_trade_no": number,
            "total_fee": fee,
            "spbill_create_ip": "203.0.113.7",
            "notify_url": "https://shop.example/notify",
            "trade_type": "NATIVE",
            **more,
        }

    def open(self, number: str = "SHOP1", **more: str) -> str:
        """A code to show."""
        told = self.call("pay/unifiedorder", self.order(number, **more))
        assert told["result_code"] == "SUCCESS", told
        return told["code_url"]

    def scan(self, number: str = "SHOP1", code: str | None = None, **more: str) -> dict[str, str]:
        """Charge a scanned code."""
        content = {
            name: value for name, value in self.order(number).items() if name not in ("notify_url", "trade_type")
        }
        auth_code = self.partner.payer.code() if code is None else code
        return self.call("pay/micropay", {**content, "auth_code": auth_code, **more})

    def query(self, number: str = "SHOP1") -> dict[str, str]:
        """How an order stands."""
        return self.call("pay/orderquery", {"out_trade_no": number})

    def refund(self, number: str = "SHOP1", fee: str = "100", refund_no: str = "R1", **more: str) -> dict[str, str]:
        """Give money back."""
        content = {"out_trade_no": number, "out_refund_no": refund_no, "total_fee": "1234", "refund_fee": fee, **more}
        return self.call("secapi/pay/refund", content)


def as_xml(fields: Mapping[str, str]) -> bytes:
    """By the standard library."""
    root = ET.Element("xml")
    for name, value in fields.items():
        ET.SubElement(root, name).text = value
    return ET.tostring(root, encoding="unicode").encode()


def china(moment: datetime) -> str:
    """As WeChat writes a time."""
    return moment.astimezone(CHINA).strftime("%Y%m%d%H%M%S")


class Till:
    """A gateway on the simulator, in time that stands still until it is moved. ``events``: what it told."""

    def __init__(self, time: Time, partner: WeChatPayV2Simulator, **changes: Any) -> None:
        self.time = time
        self.partner = partner
        self.events: list[SdkEvent] = []
        account = replace(partner.account, **changes) if changes else partner.account
        self.gateway = Gateway(
            WeChatPayV2(account),
            journal="sqlite:///:memory:?durable=no",
            transport=partner.transport(),
            sealing_key=SEALING_KEY,
            sinks=(self.events.append,),
            retry=AT_ONCE,
            clock=WorkerClock(time, "till"),
        )

    def close(self) -> None:
        """Close the journal."""
        self.gateway.close()


def order(ref: str = "SHOP10010001", amount: Money = AMOUNT, **more: Any) -> Order:
    """An order that can be paid every way."""
    payer = Payer(id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", ip="203.0.113.7")
    return Order(ref=ref, amount=amount, subject="Tea", payer=payer, **more)
