"""A merchant and WeChat's signed words, for the wire tests: keys made here, answers by endpoint, a still clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from tests.support.rsa_keys import certificate, key, private_pem

from payport.adapters.wechatpay import WeChatPay, WeChatPayAccount
from payport.adapters.wechatpay.adapter import payee_digest
from payport.adapters.wechatpay.calls import Call
from payport.adapters.wechatpay.encryption import encrypt
from payport.adapters.wechatpay.signing import SCHEME, answer_message, base64_text
from payport.schemas.actions import QrCode
from payport.schemas.money import Money
from payport.sdk.adapter import Plan, Slot
from payport.sdk.events import SdkEvent
from payport.sdk.exchange import Admit, Effect, Emit, Moment, Nonce, Now, Send, Sign, Sleep
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.secrets import Secret

NOON = datetime(2026, 1, 31, 4, 0, tzinfo=UTC)
"""Twelve o'clock in China."""
TRADE = "SHOP10010001T001"
REQUEST = "SHOP1001R001"
BILL = "PAYOUT0001P001"
AMOUNT = Money.of("12.34", "CNY")
SLOT = Slot(partner_ref=TRADE, now=NOON, payable_until=NOON + timedelta(minutes=30))
API_V3_KEY = "0123456789abcdef0123456789abcdef"
PUBLIC_ID = "PUB_KEY_ID_0100000000002026013100000000000001"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
QUERY = "/v3/pay/transactions/out-trade-no/{out_trade_no}"
CERTIFICATES = "/v3/certificates"

ACCOUNT = WeChatPayAccount(
    mchid="1900000001",
    appid="wx0000000000000001",
    private_key=Secret("unused"),
    serial_no="ABC",
    api_v3_key=Secret(API_V3_KEY),
    notify_url="https://shop.example/notify",
)
PROVIDER = WeChatPayAccount(
    mchid="1900000001",
    appid="wx0000000000000001",
    private_key=Secret("unused"),
    serial_no="ABC",
    api_v3_key=Secret(API_V3_KEY),
    sub_mchid="1900000002",
    notify_url="https://shop.example/notify",
)


def merchant(*, mode: str = "public", **more: Any) -> WeChatPay:
    """An adapter. ``mode``: ``public`` key, ``certificate`` (none known yet), or ``both``."""
    details: dict[str, Any] = {"private_key": Secret(private_pem("merchant")), **more}
    if mode in ("public", "both"):
        details |= {"platform_public_key": key("wechat").public.pem(), "platform_public_key_id": PUBLIC_ID}
    if mode == "both":
        details |= {"platform_certificates": (platform_certificate("platform", 7),)}
    fields = {name: getattr(ACCOUNT, name) for name in ACCOUNT.__slots__}
    return WeChatPay(WeChatPayAccount(**{**fields, **details}), keys_checked=True)


@cache
def platform_certificate(name: str, serial: int, ends: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> str:
    """A certificate of WeChat's, over the key called ``name``."""
    days = (datetime(2025, 1, 1, tzinfo=UTC), ends)
    return certificate("Tenpay.com", "Tenpay Root", signed_by="root", of=name, serial=serial, days=days)


def headers(
    body: bytes,
    *,
    by: str = "wechat",
    serial: str = PUBLIC_ID,
    at: datetime = NOON,
    nonce: str = "n0nce",
    **changed: str,
) -> dict[str, str]:
    """The headers of an authentic message."""
    timestamp = str(int(at.timestamp()))
    signature = base64_text(key(by).sign(answer_message(timestamp, nonce, body)))
    return {
        "wechatpay-timestamp": timestamp,
        "wechatpay-nonce": nonce,
        "wechatpay-signature": signature,
        "wechatpay-serial": serial,
        "wechatpay-signature-type": SCHEME,
        **changed,
    }


def said(status: int = 200, node: object = None, /, **signed: Any) -> WireReply:
    """An authentic answer; without ``node`` an empty one."""
    body = b"" if node is None else json.dumps(node, ensure_ascii=False).encode()
    return WireReply(status, tuple(headers(body, **signed).items()), body)


def refused(status: int, code: str, message: str = "words", **signed: Any) -> WireReply:
    """An authentic refusal."""
    return said(status, {"code": code, "message": message}, **signed)


def unsigned(status: int, code: str = "", message: str = "words") -> WireReply:
    """An answer that nobody signed; without ``code`` the page of a proxy."""
    body = json.dumps({"code": code, "message": message}).encode() if code else b"<html>502 Bad Gateway</html>"
    return WireReply(status, (), body)


def resource(
    plain: bytes, *, original_type: str = "transaction", associated_data: str = "transaction"
) -> dict[str, str]:
    """Something that WeChat encrypted with the API v3 key."""
    nonce = "0123456789ab"
    return {
        "original_type": original_type,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": encrypt(API_V3_KEY.encode(), nonce, associated_data, plain),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def download(*listed: tuple[str, int], by: tuple[str, int] | None = None, **changed: Any) -> WireReply:
    """The answer with certificates, each over the key of that name, with that serial number; signed by one of them."""
    entries = [
        {
            "serial_no": f"{serial:02X}",
            "effective_time": "2025-01-01T08:00:00+08:00",
            "expire_time": "2030-01-01T08:00:00+08:00",
            "encrypt_certificate": resource(platform_certificate(name, serial).encode(), associated_data="certificate"),
        }
        for name, serial in listed
    ]
    signer, number = by or listed[-1]
    return said(200, {"data": entries}, **{"by": signer, "serial": f"{number:02X}", **changed})


Scripted = WireReply | SendFailure | Callable[[WireRequest], WireReply | SendFailure]


def path_of(request: WireRequest) -> str:
    """The path of a call's name, which begins with the method."""
    method, _, path = request.endpoint.partition(" ")
    assert method == request.method
    return path


@dataclass
class Host:
    """Answers each path from its list, the last answer again and again; time moves only when somebody sleeps."""

    replies: Mapping[str, Scripted | Sequence[Scripted]] = field(default_factory=dict[str, Any])
    requests: list[WireRequest] = field(default_factory=list[WireRequest])
    told: list[SdkEvent] = field(default_factory=list[SdkEvent])
    slept_s: float = 0.0
    begins: datetime = NOON

    @property
    def asked(self) -> list[str]:
        """The paths that were called, as WeChat's documents write them."""
        return [path_of(request) for request in self.requests]

    def perform(self, effect: Effect) -> object:
        """One effect."""
        match effect:
            case Now():
                return Moment(self.begins + timedelta(seconds=self.slept_s), self.slept_s)
            case Nonce():
                return f"{len(self.requests):032x}"
            case Sign(signer, message):
                return signer.sign(message)
            case Sleep(seconds):
                self.slept_s += seconds
                return None
            case Send(request):
                return self._answer(request)
            case Emit(event):
                self.told.append(event)
                return None
            case Admit():
                return None
            case _:
                raise AssertionError(effect)

    def _answer(self, request: WireRequest) -> object:
        earlier = self.asked.count(path_of(request))
        self.requests.append(request)
        scripted = self.replies[path_of(request)]
        if isinstance(scripted, Sequence):
            scripted = scripted[min(earlier, len(scripted) - 1)]
        return scripted(request) if callable(scripted) else scripted


def operation(
    verb: Verb = Verb.PAY,
    *,
    partner_ref: str = TRADE,
    steps: tuple[Step, ...] = (),
    ladder: str = "shown",
    state: State = State.DOUBT,
    shown: bool = False,
    **more: Any,
) -> Operation:
    """An operation over 12.34 yuan. ``shown``: the payer holds a code of ours."""
    identities = {
        Verb.CANCEL: {"out_trade_no": TRADE},
        Verb.REFUND: {"out_trade_no": TRADE},
        Verb.PAYOUT: {"payee": payee_digest(OPENID)},
    }
    details: dict[str, Any] = {
        "identity": identities.get(verb, {}),
        "action": QrCode(text="weixin://x") if shown else None,
        "payable_until": SLOT.payable_until,
        **more,
    }
    return Operation(
        id=f"SHOP10010001/{verb.value}//1",
        ref="SHOP10010001",
        verb=verb,
        partner="wechatpay",
        account="wechatpay:1900000001",
        partner_ref=partner_ref,
        amount=AMOUNT,
        ladder=ladder,
        created_at=NOON,
        state=state,
        steps=steps,
        **details,
    )


def only_call(plan: Plan) -> Call:
    """The one call of a plan, as the journal will give it back."""
    (step,) = plan.steps
    assert step.request is not None
    return Call.decode(step.request)


def transaction(state: str = "SUCCESS", **changed: Any) -> dict[str, Any]:
    """A payment as WeChat shows it; paid unless told otherwise."""
    node: dict[str, Any] = {
        "appid": ACCOUNT.appid,
        "mchid": ACCOUNT.mchid,
        "out_trade_no": TRADE,
        "trade_state": state,
        "trade_state_desc": "words",
        "amount": {"total": 1234, "currency": "CNY"},
    }
    if state in ("SUCCESS", "REFUND"):
        node |= {
            "transaction_id": "4200000000202601310000000001",
            "trade_type": "NATIVE",
            "bank_type": "OTHERS",
            "success_time": "2026-01-31T12:00:00+08:00",
            "payer": {"openid": OPENID},
            "amount": {"total": 1234, "payer_total": 1000, "currency": "CNY", "payer_currency": "CNY"},
        }
    return {name: value for name, value in {**node, **changed}.items() if value is not None}


def refund(status: str = "SUCCESS", **changed: Any) -> dict[str, Any]:
    """A refund as WeChat shows it."""
    node: dict[str, Any] = {
        "refund_id": "50000000382019052709732678859",
        "out_refund_no": REQUEST,
        "transaction_id": "4200000000202601310000000001",
        "out_trade_no": TRADE,
        "channel": "ORIGINAL",
        "user_received_account": "招商银行信用卡0403",
        "create_time": "2026-01-31T12:00:00+08:00",
        "status": status,
        "amount": {"total": 1234, "refund": 1234, "payer_total": 1234, "payer_refund": 1234, "currency": "CNY"},
    }
    if status == "SUCCESS":
        node["success_time"] = "2026-01-31T12:00:05+08:00"
    return {name: value for name, value in {**node, **changed}.items() if value is not None}


def transfer(state: str = "SUCCESS", **changed: Any) -> dict[str, Any]:
    """A transfer bill as its query shows it."""
    node: dict[str, Any] = {
        "mch_id": ACCOUNT.mchid,
        "appid": ACCOUNT.appid,
        "out_bill_no": BILL,
        "transfer_bill_no": "1330000071100999991182020050700019480001",
        "state": state,
        "openid": OPENID,
        "transfer_amount": 1234,
        "transfer_remark": "Wages",
        "create_time": "2026-01-31T12:00:00.120+08:00",
        "update_time": "2026-01-31T12:00:01.120+08:00",
    }
    return {name: value for name, value in {**node, **changed}.items() if value is not None}
