"""An authentic answer, or not an answer: a reply is verified over its raw bytes before anything is read of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from tests.support.rsa_keys import private_pem, raw_key
from tests.wire.alipay.answers import NOON, TRADE, operation

from payport.adapters.alipay import Alipay, AlipayAccount
from payport.adapters.alipay import planning as p
from payport.adapters.alipay.calls import Call
from payport.adapters.alipay.encryption import encrypt
from payport.adapters.alipay.envelope import Answer, ask_gateway
from payport.adapters.alipay.performing import find, perform
from payport.schemas.outcome import NotSentKind, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.schemas.references import PartnerId
from payport.sdk.events import SdkEvent, SignatureFailed
from payport.sdk.exchange import Admit, Effect, Emit, Moment, Now, Send, Sign, drive
from payport.sdk.journal.records import State, Step, Verb
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation
from payport.sdk.secrets import Secret

QUERY = Call(method=p.TRADE_QUERY, biz={"out_trade_no": TRADE}, moves_money=False)
KEY = "MDEyMzQ1Njc4OWFiY2RlZg=="


class Host:
    """Answers every method from a table of replies; ``asked``: the contents that were sent, by method."""

    def __init__(self, replies: Mapping[str, WireReply]) -> None:
        self.replies = replies
        self.told: list[SdkEvent] = []
        self.asked: list[str] = []

    def perform(self, effect: Effect) -> object:
        """One effect."""
        match effect:
            case Now():
                return Moment(NOON, 0.0)
            case Sign(key, message):
                return key.sign(message)
            case Send(request):
                self.asked.append(request.endpoint)
                return self.replies[request.endpoint]
            case Emit(event):
                self.told.append(event)
                return None
            case Admit():
                return None
            case _:
                raise AssertionError(effect)


@cache
def alipay(*, encrypted: bool = False) -> Alipay:
    """An application that knows Alipay's key."""
    public = raw_key("alipay").public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Alipay(
        AlipayAccount(
            app_id="9021000000000001",
            private_key=Secret(private_pem("application")),
            alipay_public_key=base64.b64encode(der).decode(),
            encryption_key=Secret(KEY) if encrypted else None,
        )
    )


def signed(method: str, node: bytes, *, signer: str = "alipay") -> WireReply:
    """A reply whose node holds exactly these bytes."""
    signature = base64.b64encode(raw_key(signer).sign(node, padding.PKCS1v15(), hashes.SHA256()))
    name = f"{method.replace('.', '_')}_response".encode()
    return WireReply(200, (), b'{"' + name + b'":' + node + b',"sign":"' + signature + b'"}')


def said(method: str, /, code: str = "10000", **fields: str) -> WireReply:
    """An authentic reply."""
    return signed(method, json.dumps({"code": code, "msg": "words", **fields}).encode())


def unsigned(**fields: str) -> WireReply:
    """A reply that nobody signed."""
    return WireReply(200, (), json.dumps({"alipay_trade_query_response": fields}).encode())


def asked(reply: WireReply, *, of: Alipay | None = None, host: Host | None = None) -> Answer | Observation:
    """What becomes of a reply."""
    host = host or Host({p.TRADE_QUERY: reply})
    return drive(ask_gateway(of or alipay(), QUERY, 10.0), host)


def why(found: Answer | Observation) -> UnknownKind | None:
    """What left it open."""
    return found.unknown.kind if isinstance(found, Observation) and found.unknown else None


# --- authentic


def test_an_authentic_reply_is_read_from_the_very_bytes_that_were_signed() -> None:
    """A brace inside a text, odd blanks, an escaped slash: nothing is written anew before verifying."""
    node = b'{ "code":"10000","subject":"a } b","url":"https:\\/\\/x" }'
    found = asked(signed(p.TRADE_QUERY, node))
    assert isinstance(found, Answer)
    assert (found.raw, found.ok) == (node, True)
    assert found.node["subject"] == "a } b"


def test_a_refusal_is_an_answer() -> None:
    """Code and words as Alipay gave them; a missing text is empty."""
    found = asked(said(p.TRADE_QUERY, "40004", sub_code="ACQ.TRADE_NOT_EXIST", sub_msg="no"))
    assert isinstance(found, Answer)
    assert (found.ok, found.sub_code, found.sub_msg) == (False, "ACQ.TRADE_NOT_EXIST", "no")
    found = asked(signed(p.TRADE_QUERY, b'{"code":"40004","sub_code":null,"sub_msg":null}'))
    assert isinstance(found, Answer)
    assert (found.sub_code, found.sub_msg) == (None, "")


def test_an_encrypted_reply_is_verified_then_decrypted() -> None:
    """The signature covers the ciphertext with its quotes; an error may stay in clear."""
    secret = encrypt(KEY, b'{"code":"10000","msg":"Success"}')
    found = asked(signed(p.TRADE_QUERY, json.dumps(secret).encode()), of=alipay(encrypted=True))
    assert isinstance(found, Answer)
    assert found.code == "10000"
    assert isinstance(asked(said(p.TRADE_QUERY, "40004", sub_code="X"), of=alipay(encrypted=True)), Answer)


# --- not an answer


@pytest.mark.parametrize(
    ("kind", "again", "reply"),
    [
        (UnknownKind.UNVERIFIED, False, unsigned(code="10000", trade_status="TRADE_SUCCESS")),
        (UnknownKind.UNVERIFIED, False, unsigned(code="10003")),
        (UnknownKind.UNVERIFIED, False, unsigned(code="40004", sub_code="ACQ.TRADE_HAS_CLOSE")),
        (UnknownKind.UNVERIFIED, False, unsigned(code="40002", sub_code="isv.invalid-app-id")),
        (UnknownKind.UNVERIFIED, True, unsigned(code="40005", sub_code="isv.app-call-limited")),
        (UnknownKind.PARTNER_FAULT, True, unsigned(code="20000", sub_code="isp.unknow-error")),
        (UnknownKind.PARTNER_FAULT, False, unsigned()),
        (UnknownKind.UNREADABLE, False, WireReply(200, (), b'{"alipay_trade_query_response":{"a":1,"a":2}}')),
        (UnknownKind.UNREADABLE, False, WireReply(200, (), b"<html>502</html>")),
        (UnknownKind.UNREADABLE, False, WireReply(200, (), b"")),
        (UnknownKind.UNREADABLE, False, said("alipay.trade.pay")),
        (UnknownKind.UNREADABLE, False, signed(p.TRADE_QUERY, b'{"msg":"no code"}')),
        (UnknownKind.UNREADABLE, False, signed(p.TRADE_QUERY, b'{"code":10000}')),
        (UnknownKind.UNREADABLE, False, signed(p.TRADE_QUERY, b'{"code":"10000","code":"40004"}')),
        (UnknownKind.UNREADABLE, False, signed(p.TRADE_QUERY, b'"AAAA"')),
        (UnknownKind.UNVERIFIED, False, signed(p.TRADE_QUERY, b'{"code":"10000"}', signer="stranger")),
        (UnknownKind.UNVERIFIED, False, signed(p.TRADE_QUERY, b'{"code":"10000"}', signer="application")),
        (UnknownKind.PARTNER_FAULT, True, WireReply(502, (), b"<html>")),
        (UnknownKind.PARTNER_FAULT, True, WireReply(429, (), b"")),
        (UnknownKind.UNREADABLE, False, WireReply(302, (), said(p.TRADE_QUERY).content)),
    ],
)
def test_what_is_no_answer(kind: UnknownKind, again: bool, reply: WireReply) -> None:
    """An unsigned error is told and never believed; nothing here ends an attempt."""
    found = asked(reply)
    assert isinstance(found, Observation)
    assert (found.state, why(found), found.again) == (State.DOUBT, kind, again)


def test_a_wrong_signature_is_told_to_the_sinks_and_says_how_to_mend_it() -> None:
    """The application's own key configured as Alipay's is the usual cause."""
    host = Host({p.TRADE_QUERY: signed(p.TRADE_QUERY, b'{"code":"10000"}', signer="stranger")})
    found = asked(host.replies[p.TRADE_QUERY], host=host)
    assert SignatureFailed in [type(event) for event in host.told]
    assert isinstance(found, Observation)
    assert "payport doctor" in str(found.unknown)


def test_a_ciphertext_of_another_key_is_unreadable() -> None:
    """Authentic, and still nothing is learnt."""
    secret = encrypt("ZmVkY2JhOTg3NjU0MzIxMA==", b'{"code":"10000"}')
    found = asked(signed(p.TRADE_QUERY, json.dumps(secret).encode()), of=alipay(encrypted=True))
    assert why(found) is UnknownKind.UNREADABLE


# --- one step, and the question that a doubtful answer leads to


def step(method: str, **biz: str) -> Step:
    """A planned call."""
    return p.step(Call(method=method, biz=biz))


def performed(method: str, verb: Verb, replies: Mapping[str, WireReply]) -> tuple[Observation, list[str]]:
    """What one step teaches, and what was asked on the way."""
    host = Host(replies)
    return drive(perform(alipay(), operation(verb), step(method, out_trade_no=TRADE), 10.0), host), host.asked


def test_a_step_whose_request_was_not_kept_is_not_sent() -> None:
    """Without a sealing key there is nothing to send again."""
    bare = replace(step(p.PAY), request=None)
    found = drive(perform(alipay(), operation(), bare, 10.0), Host({}))
    assert found.not_sent is not None
    assert (found.state, found.not_sent.kind) == (State.NOT_SENT, NotSentKind.INVALID)


NOT_OPEN = said(p.CLOSE, "40004", sub_code="ACQ.REASON_TRADE_STATUS_INVALID")
CLOSED = {"trade_no": "1", "total_amount": "12.34", "trade_status": "TRADE_CLOSED"}


@pytest.mark.parametrize(
    ("state", "query"),
    [
        (State.SUCCEEDED, said(p.TRADE_QUERY, out_trade_no=TRADE, **CLOSED)),
        (State.DECLINED, said(p.TRADE_QUERY, out_trade_no="SHOP2", **CLOSED)),
        (State.DECLINED, said(p.TRADE_QUERY, out_trade_no=TRADE, **{**CLOSED, "trade_status": "TRADE_SUCCESS"})),
        (State.DOUBT, WireReply(502, (), b"")),
    ],
)
def test_a_trade_that_cannot_be_closed_is_paid_or_closed_already(state: State, query: WireReply) -> None:
    """The refusal is the same for both: the query tells, and only about this very trade."""
    found, sent = performed(p.CLOSE, Verb.CANCEL, {p.CLOSE: NOT_OPEN, p.TRADE_QUERY: query})
    assert (found.state, sent) == (state, [p.CLOSE, p.TRADE_QUERY])
    assert found.cancelled_by is (CancelledBy.CLOSED if state is State.SUCCEEDED else None)


EXCEEDED = said(p.UNFREEZE, "40004", sub_code="REQUEST_AMOUNT_EXCEED")
HOLD = {"out_order_no": TRADE, "auth_no": "A1", "status": "SUCCESS", "order_status": "AUTHORIZED"}


@pytest.mark.parametrize(
    ("state", "detail"),
    [
        (State.SUCCEEDED, said(p.HOLD_QUERY, **HOLD, rest_amount="0.00")),
        (State.SUCCEEDED, said(p.HOLD_QUERY, **{**HOLD, "order_status": "FINISH"}, rest_amount="1.00")),
        (State.DOUBT, said(p.HOLD_QUERY, **{**HOLD, "out_order_no": "SHOP2"}, rest_amount="0.00")),
        (State.DOUBT, said(p.HOLD_QUERY, **HOLD)),
        (State.DOUBT, said(p.HOLD_QUERY, "40004", sub_code="AUTH_ORDER_NOT_EXIST")),
        (State.DOUBT, signed(p.HOLD_QUERY, b'{"code":"10000","rest_amount":1}')),
        (State.DOUBT, WireReply(502, (), b"")),
    ],
)
def test_a_hold_that_cannot_be_released_whole_is_looked_at(state: State, detail: WireReply) -> None:
    """Nothing left, or finished: released. Where nothing says how it stands, the refusal may mean that it is done."""
    found, sent = performed(p.UNFREEZE, Verb.CANCEL, {p.UNFREEZE: EXCEEDED, p.HOLD_QUERY: detail})
    assert (found.state, sent) == (state, [p.UNFREEZE, p.HOLD_QUERY])
    assert found.reason is None


@pytest.mark.parametrize(
    ("expected", "reply"),
    [
        (TRADE, said(p.TRADE_QUERY, out_trade_no=TRADE, **CLOSED)),
        (None, said(p.TRADE_QUERY, out_trade_no=TRADE, **{**CLOSED, "trade_no": "2"})),
        (None, said(p.TRADE_QUERY, "40004", sub_code="ACQ.TRADE_NOT_EXIST")),
        (None, WireReply(502, (), b"")),
    ],
)
def test_a_trade_is_found_by_alipays_own_number_only(expected: str | None, reply: WireReply) -> None:
    """An answer about another number finds nothing."""
    found = drive(find(alipay(), PartnerId("1"), 10.0), Host({p.TRADE_QUERY: reply}))
    assert found.partner_ref == expected


def test_what_is_left_of_a_hold_is_released() -> None:
    """A second release, of the rest; here it is refused like the first."""
    rest = said(p.HOLD_QUERY, **HOLD, rest_amount="2.00")
    found, sent = performed(p.UNFREEZE, Verb.CANCEL, {p.UNFREEZE: EXCEEDED, p.HOLD_QUERY: rest})
    assert (found.state, sent) == (State.DECLINED, [p.UNFREEZE, p.HOLD_QUERY, p.UNFREEZE])
    second = iter([EXCEEDED, WireReply(502, (), b"")])

    class Changing(dict[str, WireReply]):
        def __getitem__(self, name: str) -> WireReply:
            return next(second) if name == p.UNFREEZE else rest

    host = Host(Changing())
    lost = drive(perform(alipay(), operation(Verb.CANCEL), step(p.UNFREEZE), 10.0), host)
    assert why(lost) is UnknownKind.PARTNER_FAULT
