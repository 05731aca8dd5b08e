"""Hostile bytes for every decoder of API v2: each answers, or raises its one declared error.

The inputs are mutations of genuine messages from a fixed seed. ``PAYPORT_FUZZ_SCALE=100`` multiplies the number of
inputs for long runs.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest
from tests.support.mutation import mutated
from tests.wire.wechatpay_v2.words import KEY, PAID, REFUNDED, Line, adapter, deadline, operation, over, said, xml

from payport.adapters.wechatpay_v2.calls import ORDER_QUERY, Call
from payport.adapters.wechatpay_v2.encryption import MalformedCiphertext, decrypt, encrypt
from payport.adapters.wechatpay_v2.envelope import Answer
from payport.adapters.wechatpay_v2.reading import read_micropay, read_refund, read_refund_state, read_trade
from payport.adapters.wechatpay_v2.signing import is_authentic
from payport.schemas.events import RawNotification
from payport.sdk.journal.records import Verb
from payport.sdk.message import WireReply
from payport.sdk.strict_xml import MalformedXml, parse_flat

SCALE = int(os.environ.get("PAYPORT_FUZZ_SCALE", "1"))
INNER = xml({"out_refund_no": "REFUND1001R001", "refund_status": "SUCCESS"}, "root")
SHOP = adapter()

Decoder = Callable[[bytes], object]


def read_reply(body: bytes) -> object:
    """As a question does: an observation or an answer, never an error."""
    return over(Line(WireReply(200, (), body)), SHOP.ask(operation(), deadline()))


def read_notice(body: bytes) -> object:
    """As a receiver does; a refund notice's question finds nothing."""
    nothing = xml(said(result_code="FAIL", err_code="REFUNDNOTEXIST"))
    return over(Line(nothing), SHOP.open_notice(RawNotification(body=body, headers={})))


def read_signed(body: bytes) -> object:
    """Fields that are authentic and hostile: what the readers make of them."""
    pairs = (line.partition("=") for line in body.decode("latin-1").split("\n"))
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


def read_secret(body: bytes) -> object:
    """What a refund notice holds."""
    return decrypt(KEY, body.decode("latin-1"))


class Never(Exception):
    """The decoder has no error: it answers whatever comes."""


SIGNED = "\n".join(f"{name}={value}" for name, value in {**PAID, **REFUNDED}.items()).encode()
DECODERS: dict[str, tuple[Decoder, bytes, type[Exception], int]] = {
    "flat XML": (lambda data: parse_flat(data, root="xml"), xml(said(PAID)), MalformedXml, 6_000),
    "reply": (read_reply, xml(said(PAID)), Never, 4_000),
    "notice of a payment": (read_notice, xml(said(PAID)), Never, 4_000),
    "notice of a refund": (
        read_notice,
        xml({"return_code": "SUCCESS", "req_info": encrypt(KEY, INNER)}),
        Never,
        3_000,
    ),
    "authentic fields": (read_signed, SIGNED, Never, 4_000),
    "req_info": (
        lambda data: decrypt(KEY, data.decode("latin-1")),
        encrypt(KEY, INNER).encode(),
        MalformedCiphertext,
        3_000,
    ),
}
SPICE = [
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&b;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"<?a?>",
    b"<total_fee>",
    b"</xml>",
    b"<",
    b"&",
    b"\0",
    b"\xff",
    b"9" * 30,
]


@pytest.mark.parametrize(("read", "sample", "declared", "inputs"), DECODERS.values(), ids=DECODERS.keys())
def test_a_decoder_answers_or_raises_its_declared_error(
    read: Decoder, sample: bytes, declared: type[Exception], inputs: int
) -> None:
    """Anything else would be a crash that a stranger can cause; the sample itself is read."""
    read(sample)
    dice = random.Random(20261125)
    refused, slowest_s = 0, 0.0
    for number in range(inputs * SCALE):
        data = mutated(sample, dice, SPICE)
        started_s = time.thread_time()
        try:
            read(data)
        except declared:
            refused += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the input that caused it must be shown
            pytest.fail(f"input {number} raised {error!r}: {data!r}")
        slowest_s = max(slowest_s, time.thread_time() - started_s)
    assert (refused > 0) == (declared is not Never)
    assert slowest_s < 0.25, "one input must never hold a worker"


def test_the_normal_run_is_large_enough() -> None:
    """At least 20,000 inputs in every run."""
    assert sum(inputs for _, _, _, inputs in DECODERS.values()) >= 20_000


def test_a_kept_call_is_one_of_ours() -> None:
    """What the journal gives back is what was put in: sealed, so not a stranger's to change."""
    call = Call(path=ORDER_QUERY, fields={"out_trade_no": "\u8336"}, notes={"a": "b"})
    assert Call.decode(call.encode()) == call
