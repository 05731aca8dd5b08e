"""An authentic answer, or not an answer; what is sent, and where, when the first host cannot be reached."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.rsa_keys import key
from tests.wire.wechatpay.stage import (
    NOON,
    PUBLIC_ID,
    QUERY,
    TRADE,
    Host,
    headers,
    merchant,
    refused,
    said,
    transaction,
    unsigned,
)

from payport.adapters.wechatpay import WeChatPay, WeChatPayAccount
from payport.adapters.wechatpay.calls import Call, china_time, from_wire_time
from payport.adapters.wechatpay.envelope import Answer, ask_wechat, refusal
from payport.adapters.wechatpay.performing import trade_question
from payport.adapters.wechatpay.signing import request_message
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import drive
from payport.sdk.journal.records import State
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation

CLOSE = Call(name="POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close", path={"out_trade_no": TRADE}, body={})


def asked(
    reply: Any, *, of: WeChatPay | None = None, host: Host | None = None, number: str = TRADE
) -> Answer | Observation:
    """What becomes of an answer."""
    wechat = of or merchant()
    return drive(ask_wechat(wechat, trade_question(wechat.config, number), 10.0), host or Host({QUERY: reply}))


def why(found: Answer | Observation) -> UnknownKind | None:
    """What left it open."""
    return found.unknown.kind if isinstance(found, Observation) and found.unknown else None


def detail(found: Answer | Observation) -> str:
    """In words."""
    assert isinstance(found, Observation)
    assert found.unknown is not None
    return found.unknown.detail


# --- what is sent


def signed_by_us(request: WireRequest) -> bool:
    """Whether our signature covers method, path, query and body exactly as they leave."""
    parts = dict(part.split("=", 1) for part in request.headers["authorization"].partition(" ")[2].split(","))
    fields = {name: value.strip('"') for name, value in parts.items()}
    target = request.url.partition("://")[2].partition("/")
    message = request_message(
        request.method, f"/{target[2]}", fields["timestamp"], fields["nonce_str"], request.content
    )
    signature = base64.b64decode(fields["signature"])
    return key("merchant").public.verify(message, signature)


def test_a_question_is_signed_as_it_leaves() -> None:
    """Headers that WeChat demands, our serial number in even digits, and which key the answer is to be signed with."""
    host = Host({QUERY: said(200, transaction())})
    asked(None, host=host)
    (request,) = host.requests
    assert signed_by_us(request)
    assert request.url == f"https://api.mch.weixin.qq.com/v3/pay/transactions/out-trade-no/{TRADE}?mchid=1900000001"
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"]
    assert 'mchid="1900000001"' in request.headers["authorization"]
    assert 'serial_no="0ABC"' in request.headers["authorization"]
    assert f'timestamp="{int(NOON.timestamp())}"' in request.headers["authorization"]
    assert "content-type" not in request.headers
    assert (request.content, request.endpoint, request.moves_money) == (b"", f"GET {QUERY}", False)


@pytest.mark.parametrize("number", ["a|b*c-d_e", "SHOP|0001", "100%25", "茶茶茶茶茶茶"])
def test_a_number_is_encoded_once_and_signed_as_encoded(number: str) -> None:
    """wechatpayv3 signs ``a|b`` and sends ``a%7Cb``, so that WeChat refuses the signature."""
    host = Host({QUERY: said(200, transaction())})
    asked(None, host=host, number=number)
    (request,) = host.requests
    assert signed_by_us(request)
    assert request.url.isascii()
    assert not set("|*茶") & set(request.url)
    assert unquote(request.url.rpartition("/")[2].partition("?")[0]) == number


def test_a_body_is_signed_byte_for_byte() -> None:
    """Written once, signed and sent: Chinese stays Chinese."""
    name = "POST /v3/pay/transactions/native"
    host = Host({"/v3/pay/transactions/native": said(200, {"code_url": "weixin://x"})})
    drive(ask_wechat(merchant(), Call(name=name, body={"description": '茶 "/\\'}), 10.0), host)
    (request,) = host.requests
    assert request.content == '{"description":"茶 \\"/\\\\"}'.encode()
    assert signed_by_us(request)
    assert request.headers["content-type"] == "application/json"


def test_every_try_has_a_signature_of_its_own() -> None:
    """A signature is good for five minutes, a nonce for once."""
    host = Host({QUERY: said(200, transaction())})
    wechat = merchant()
    for _ in range(2):
        asked(None, of=wechat, host=host)
    first, second = (request.headers["authorization"] for request in host.requests)
    assert first != second


UNREACHED = SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="refused")


@pytest.mark.parametrize("kind", [FailureKind.UNREACHABLE, FailureKind.UNRESOLVED, FailureKind.TLS])
def test_the_backup_host_is_called_when_the_first_cannot_be_reached(kind: FailureKind) -> None:
    """The same number, the same ledger; signed anew."""
    host = Host({QUERY: [SendFailure(kind, may_have_left=False, detail="x"), said(200, transaction())]})
    assert isinstance(asked(None, host=host), Answer)
    first, second = host.requests
    assert (first.url.replace("api.mch", "api2.mch"), first.content) == (second.url, second.content)
    assert second.url.startswith("https://api2.mch.weixin.qq.com/")
    assert signed_by_us(second)


def test_when_neither_can_be_reached_nothing_was_sent() -> None:
    """The caller may go elsewhere."""
    host = Host({QUERY: UNREACHED})
    found = asked(None, host=host)
    assert isinstance(found, Observation)
    assert (found.state, len(host.requests)) == (State.NOT_SENT, 2)


@pytest.mark.parametrize(
    "failure",
    [
        SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="x"),
        SendFailure(FailureKind.CONNECTION_LOST, may_have_left=True, detail="x"),
        SendFailure(FailureKind.TLS, may_have_left=True, detail="x"),
        SendFailure(FailureKind.RATE_LIMITED, may_have_left=False, detail="limit"),
        SendFailure(FailureKind.DEADLINE, may_have_left=False, detail="late"),
    ],
    ids=str,
)
def test_the_backup_host_is_not_called_when_something_may_have_left(failure: SendFailure) -> None:
    """Nor when it was held back here: another host does not mend that."""
    host = Host({QUERY: [failure, said(200, transaction())]})
    asked(None, host=host)
    assert len(host.requests) == 1


def test_a_simulator_has_no_backup_in_production() -> None:
    """What is meant for a simulator never reaches WeChat."""
    wechat = merchant(base_url="https://127.0.0.1:8443")
    assert (wechat.config.urls, wechat.profile.hosts) == (("https://127.0.0.1:8443",), frozenset({"127.0.0.1:8443"}))


# --- what comes back


def test_an_authentic_answer_is_read() -> None:
    """Its object, its status; odd blanks stay what they are."""
    found = asked(said(200, transaction()))
    assert isinstance(found, Answer)
    assert (found.ok, found.node["out_trade_no"]) == (True, TRADE)


@pytest.mark.parametrize(("status", "ok"), [(200, True), (204, True), (202, False)])
def test_an_empty_signed_body_is_an_answer(status: int, ok: bool) -> None:
    """204 is done, 202 is only accepted: to be repeated unchanged."""
    found = asked(said(status))
    assert isinstance(found, Answer)
    assert (found.ok, found.node) == (ok, {})


def test_an_authentic_refusal_is_an_answer() -> None:
    """Code and words, and the number that WeChat's support asks for."""
    reply = refused(404, "ORDER_NOT_EXIST", "订单不存在")
    reply = replace(reply, headers=(*reply.headers, ("request-id", "08F8A1")))
    found = asked(reply)
    assert isinstance(found, Answer)
    assert (found.ok, found.code, found.message) == (False, "ORDER_NOT_EXIST", "订单不存在 (request 08F8A1)")


def of_bytes(body: bytes) -> WireReply:
    """An authentic answer of these very bytes."""
    return WireReply(200, tuple(headers(body).items()), body)


NOT_BELIEVED: dict[str, tuple[WireReply, UnknownKind]] = {
    "2xx without a signature": (WireReply(200, (), json.dumps(transaction()).encode()), UnknownKind.UNVERIFIED),
    "204 without a signature": (WireReply(204, (), b""), UnknownKind.UNVERIFIED),
    "changed on the way": (replace(said(200, transaction()), content=b"{}"), UnknownKind.UNVERIFIED),
    "by a stranger": (said(200, transaction(), by="stranger"), UnknownKind.UNVERIFIED),
    "a refusal by a stranger": (refused(404, "ORDER_NOT_EXIST", by="stranger"), UnknownKind.UNVERIFIED),
    "half a signature": (WireReply(404, (("wechatpay-nonce", "n"),), b"{}"), UnknownKind.UNVERIFIED),
    "not an object": (said(200, []), UnknownKind.UNREADABLE),
    "two of one name": (of_bytes(b'{"a":1,"a":2}'), UnknownKind.UNREADABLE),
    "an unsigned refusal": (unsigned(404, "ORDER_NOT_EXIST"), UnknownKind.UNVERIFIED),
    "an unsigned fault": (unsigned(500, "SYSTEM_ERROR"), UnknownKind.PARTNER_FAULT),
    "the page of a proxy": (unsigned(502), UnknownKind.PARTNER_FAULT),
    "too many calls, unsigned": (unsigned(429, "FREQUENCY_LIMITED"), UnknownKind.PARTNER_FAULT),
    "a redirect": (WireReply(302, (("location", "https://x"),), b""), UnknownKind.UNVERIFIED),
}


@pytest.mark.parametrize(("reply", "kind"), NOT_BELIEVED.values(), ids=NOT_BELIEVED.keys())
def test_what_is_not_authentic_teaches_nothing(reply: WireReply, kind: UnknownKind) -> None:
    """Above all an unsigned "no such order": it must not make a payment fail."""
    assert why(asked(reply)) is kind


def test_a_probe_is_alarmed_and_asked_again() -> None:
    """The call was carried out: the same number once more brings an answer with a right signature."""
    spoilt = said(200, transaction(), **{"wechatpay-signature": "WECHATPAY/SIGNTEST/AAAA"})
    host = Host({QUERY: spoilt})
    found = asked(None, host=host)
    assert isinstance(found, Observation)
    assert ("probe" in detail(found), found.again) == (True, True)
    assert [type(event) for event in host.told if isinstance(event, SignatureFailed)] == [SignatureFailed]


def test_a_wrong_clock_is_named() -> None:
    """go#203: users cannot tell a wrong clock from a wrong key."""
    assert "clock" in detail(asked(unsigned(401, "SIGN_ERROR", "the five minutes")))
    late = Host({QUERY: said(200, transaction())}, slept_s=301.0)
    assert "clock" in detail(asked(None, host=late))


def test_no_message_tells_a_secret() -> None:
    """yansongda#946, and wechatpayv3's debug log: the header Authorization, and what was decrypted."""
    host = Host({QUERY: said(200, transaction(), by="stranger")})
    found = asked(None, host=host)
    shown = f"{found!r} {host.requests!r} {host.told!r} {merchant()!r} {merchant().config!r} {merchant().keys!r}"
    for secret in ("WECHATPAY2", "BEGIN", "0123456789abcdef0123456789abcdef", "signature="):
        assert secret not in shown


# --- kept in the journal


def test_a_call_comes_back_from_the_journal_as_it_was() -> None:
    """Plain texts and all: encryption is done anew on every try."""
    call = Call(
        name="POST /v3/x/{a}",
        path={"a": "b|c"},
        query={"d": "e"},
        body={"user_name": "李雷", "n": 1},
        hidden=("user_name",),
        notes={"appid": "wx1"},
        moves_money=False,
    )
    assert call == Call.decode(call.encode())
    assert (call.method, call.target) == ("POST", "/v3/x/b%7Cc?d=e")
    assert "李雷" not in repr(call)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00+08:00",
        "2026-01-31T04:00:00Z",
        "2026-01-31T12:00:00.000+08:00",
        "2026-01-31T12:00:00.000000+08:00",
    ],
)
def test_times_come_with_and_without_a_fraction(text: str) -> None:
    """Transfers tell milliseconds."""
    assert from_wire_time(text) == NOON
    assert china_time(NOON) == "2026-01-31T12:00:00+08:00"


@pytest.mark.parametrize(
    "text", ["", "2026-01-31", "2026-01-31 12:00:00+08:00", "2026-01-31T12:00:00", "noon", "0001-01-01T00:00:00+08:00"]
)
def test_a_time_without_offset_is_none(text: str) -> None:
    """Nobody can tell which instant it is."""
    with pytest.raises(ValueError, match=r"time|format|isoformat"):
        from_wire_time(text)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(-9, 9), max_size=4))
def test_any_authentic_object_is_an_answer(node: dict[str, object]) -> None:
    """New fields, in any order."""
    body = json.dumps(node).encode()
    found = asked(said(200, node))
    assert isinstance(found, Answer)
    assert found.node == json.loads(body)


def test_a_refusal_is_told_by_status_and_code() -> None:
    """Each meaning becomes what the money path acts on."""
    told = refusal(Answer(status=403, code="RULE_LIMIT", message="words", node={}))
    assert (told.state, told.reason, told.partner_code) == (State.DECLINED, Reason.LIMIT_EXCEEDED, "RULE_LIMIT")
    told = refusal(Answer(status=500, code="SYSTEM_ERROR", message="", node={}))
    assert (why(told), told.again) == (UnknownKind.PARTNER_FAULT, True)
    assert refusal(Answer(status=404, code="ORDER_NOT_EXIST", message="", node={})).absent
    assert refusal(Answer(status=202, code="USERPAYING", message="", node={})).state is State.PENDING
    assert why(refusal(Answer(status=400, code="ORDERPAID", message="", node={}))) is UnknownKind.UNKNOWN_STATUS


def test_accounts_keep_their_own_serial_number_in_even_digits() -> None:
    """And in capitals."""
    account: WeChatPayAccount = merchant(serial_no="abc").config
    assert account.serial == "0ABC"
    assert account.platform_public_key_id == PUBLIC_ID
