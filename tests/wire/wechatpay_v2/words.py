"""Accounts, operations and messages for the tests of what API v2 says. Signed here by hand, not by the library."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from payport.adapters.wechatpay_v2 import SignType, WeChatPayV2, WeChatPayV2Account
from payport.adapters.wechatpay_v2.envelope import Answer
from payport.schemas.actions import QrCode
from payport.schemas.events import RawNotification
from payport.schemas.money import Money
from payport.sdk.adapter import Slot
from payport.sdk.exchange import Effect, Exchange, Moment, Nonce, Now, Send, drive
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.message import SendFailure, WireReply
from payport.sdk.secrets import Secret
from payport.sdk.strict_xml import parse_flat
from payport.sdk.tls import ClientCertificate, Trust

KEY = "0123456789abcdefghijklmnopqrstuv"
NOON = datetime(2026, 1, 31, 4, 0, tzinfo=UTC)
"""Twelve o'clock in Beijing."""
ORDER_NO = "SHOP10010001T001"
REFUND_NO = "REFUND1001R001"
TRANSACTION = "4200000000202601310000000001"
REFUND_ID = "5000000000202601310000000002"
AMOUNT = Money.of("12.34", "CNY")
SLOT = Slot(partner_ref=ORDER_NO, now=NOON, payable_until=NOON + timedelta(minutes=30))
CERTIFIED = Trust(client_certificate=ClientCertificate(chain_file="apiclient_cert.pem"))

ACCOUNT = WeChatPayV2Account(
    appid="wx0123456789abcdef",
    mch_id="1900000109",
    api_key=Secret(KEY),
    notify_url="https://shop.example/notify",
    site_url="https://shop.example",
    trust=CERTIFIED,
)
MD5_ACCOUNT = replace(ACCOUNT, sign_type=SignType.MD5)
PROVIDER = replace(ACCOUNT, sub_mch_id="1900000110", sub_appid="wxfedcba9876543210")


def adapter(account: WeChatPayV2Account = ACCOUNT) -> WeChatPayV2:
    """An adapter whose certificate files are nobody's business here."""
    return WeChatPayV2(replace(account, trust=None))


def sign(fields: Mapping[str, str], key: str = KEY, sign_type: str = "HMAC-SHA256") -> str:
    """The signature, from the documents."""
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value and name != "sign")
    message = f"{text}&key={key}".encode()
    if sign_type == "MD5":
        return hashlib.md5(message).hexdigest().upper()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest().upper()


def xml(fields: Mapping[str, str], root: str = "xml") -> bytes:
    """A message as WeChat lays it out: numbers plain, everything else in CDATA."""
    lines = [
        f"<{name}>{value}</{name}>" if value.isdecimal() else f"<{name}><![CDATA[{value}]]></{name}>"
        for name, value in fields.items()
    ]
    return "\n".join([f"<{root}>", *lines, f"</{root}>"]).encode()


def said(
    result: Mapping[str, str] | None = None,
    /,
    *,
    key: str = KEY,
    sign_type: str = "HMAC-SHA256",
    **fields: str,
) -> dict[str, str]:
    """An authentic message of WeChat's. A field of ``-`` is left out before signing."""
    whole = {
        "return_code": "SUCCESS",
        "appid": ACCOUNT.appid,
        "mch_id": ACCOUNT.mch_id,
        "nonce_str": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
        "result_code": "SUCCESS",
        **(result or {}),
        **fields,
    }
    whole = {name: value for name, value in whole.items() if value != "-"}
    return {**whole, "sign": sign(whole, key, sign_type)}


PAID = {
    "trade_type": "NATIVE",
    "trade_state": "SUCCESS",
    "out_trade_no": ORDER_NO,
    "transaction_id": TRANSACTION,
    "total_fee": "1234",
    "cash_fee": "1000",
    "fee_type": "CNY",
    "bank_type": "OTHERS",
    "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    "time_end": "20260131120000",
}
REFUNDED = {
    "out_trade_no": ORDER_NO,
    "transaction_id": TRANSACTION,
    "total_fee": "1234",
    "refund_fee": "200",
    "refund_count": "1",
    "out_refund_no_0": REFUND_NO,
    "refund_id_0": REFUND_ID,
    "refund_fee_0": "200",
    "refund_status_0": "SUCCESS",
    "refund_success_time_0": "2026-01-31 12:05:00",
}


def answer(path: str, result: Mapping[str, str] | None = None, /, **fields: str) -> Answer:
    """What an authentic reply of an endpoint says."""
    return Answer(path=path, fields=said(result, **fields))


def refused(path: str, code: str) -> Answer:
    """An authentic refusal."""
    return answer(path, result_code="FAIL", err_code=code, err_code_des="words")


def operation(
    verb: Verb = Verb.PAY,
    *,
    method: str = "QrShown",
    state: State = State.DOUBT,
    shown: bool = False,
    ids: Mapping[str, str] | None = None,
) -> Operation:
    """An operation over 12.34 yuan; a refund of 2.00 of them. ``shown``: the payer holds a code of ours."""
    refund = verb is Verb.REFUND
    return Operation(
        id=f"SHOP10010001/{verb.value}//1",
        ref="SHOP10010001",
        verb=verb,
        partner="wechatpay_v2",
        account="wechatpay_v2:1900000109:wx0123456789abcdef",
        partner_ref=REFUND_NO if refund else ORDER_NO,
        identity={"out_trade_no": ORDER_NO, "total_fee": "1234"} if refund else {},
        amount=Money.of("2.00", "CNY") if refund else AMOUNT,
        method=method,
        created_at=NOON,
        state=state,
        settled_at=NOON if state is State.SUCCEEDED else None,
        action=QrCode(text="weixin://wxpay/bizpayurl?pr=1") if shown else None,
        ids=ids or {},
    )


class Line:
    """The other end of the line: answers requests in turn, and keeps what was asked."""

    def __init__(self, *replies: bytes | WireReply | SendFailure, now: datetime = NOON) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.slept_s: list[float] = []
        self.told: list[object] = []
        self.now = now

    def perform(self, effect: Effect) -> object:
        """Answer one effect."""
        match effect:
            case Now():
                return Moment(self.now, self.now.timestamp())
            case Nonce():
                return "5d2b6c2a8db53831f7eda20af46e531c"
            case Send(request=request):
                self.asked.append((request.endpoint, parse_flat(request.content, root="xml")))
                reply = self.replies.pop(0)
                return WireReply(200, (), reply) if isinstance(reply, bytes) else reply
            case _:
                seconds = getattr(effect, "seconds", None)
                if seconds is not None:
                    self.slept_s.append(seconds)
                    self.now += timedelta(seconds=seconds)
                self.told.append(getattr(effect, "event", None))
                return None

    @property
    def paths(self) -> list[str]:
        """The endpoints that were called."""
        return [path for path, _ in self.asked]


def over(line: Line, exchange: Exchange[object]) -> object:
    """Run an exchange against the other end."""
    return drive(exchange, line)


def deadline(seconds: float = 10.0) -> float:
    """On the line's monotonic clock."""
    return NOON.timestamp() + seconds


def raw(fields: Mapping[str, str] | bytes) -> RawNotification:
    """A notification as posted."""
    body = fields if isinstance(fields, bytes) else xml(fields)
    return RawNotification(body=body, headers={"content-type": "text/xml"})
