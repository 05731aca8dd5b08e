"""The decoders of WeChat Pay's API v2."""

from __future__ import annotations

from tests.wire.wechatpay_v2.words import KEY, PAID, REFUNDED, Line, adapter, deadline, operation, over, said, xml

from payport.adapters.wechatpay_v2.calls import ORDER_QUERY
from payport.adapters.wechatpay_v2.encryption import MalformedCiphertext, decrypt, encrypt
from payport.adapters.wechatpay_v2.envelope import Answer
from payport.adapters.wechatpay_v2.reading import read_micropay, read_refund, read_refund_state, read_trade
from payport.adapters.wechatpay_v2.signing import is_authentic
from payport.schemas.events import RawNotification
from payport.sdk.journal.records import Verb
from payport.sdk.message import WireReply
from proof.decoders.decoder import as_text, decoder
from proof.mutating import Form

INNER = xml({"out_refund_no": "REFUND1001R001", "refund_status": "SUCCESS"}, "root")
SHOP = adapter()


def read_reply(body: bytes) -> object:
    """As a question does: an observation or an answer, never an error."""
    return over(Line(WireReply(200, (), body)), SHOP.ask(operation(), deadline()))


def read_notice(body: bytes) -> object:
    """As a receiver does; a refund notice's question finds nothing."""
    nothing = xml(said(result_code="FAIL", err_code="REFUNDNOTEXIST"))
    return over(Line(nothing), SHOP.open_notice(RawNotification(body=body, headers={})))


def read_signed(body: bytes) -> object:
    """Fields that are authentic and hostile: what the readers make of them."""
    pairs = (line.partition("=") for line in body.decode("latin-1").split("&"))
    fields = {"result_code": "SUCCESS"} | {name: value for name, _, value in pairs}
    said_so = Answer(path=ORDER_QUERY, fields=fields)
    refund = operation(Verb.REFUND)
    return (
        read_trade(operation(), said_so),
        read_trade(None, said_so),
        read_micropay(said_so),
        read_refund(refund, said_so),
        read_refund_state(refund, said_so),
        is_authentic(fields, KEY, SHOP.config.believed),
    )


SIGNED = "&".join(f"{name}={value}" for name, value in {**PAID, **REFUNDED}.items()).encode()
REFUND_NOTICE = xml({"return_code": "SUCCESS", "req_info": encrypt(KEY, INNER)})
DECODERS = (
    decoder("wechatpay_v2: reply", read_reply, xml(said(PAID)), form=Form.XML),
    decoder("wechatpay_v2: notice", read_notice, xml(said(PAID)), REFUND_NOTICE, form=Form.XML),
    decoder("wechatpay_v2: authentic fields", read_signed, SIGNED, form=Form.FORM),
    decoder(
        "wechatpay_v2: req_info",
        as_text(lambda text: decrypt(KEY, text)),
        encrypt(KEY, INNER).encode(),
        declared=(MalformedCiphertext,),
    ),
)
