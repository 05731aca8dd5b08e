"""Everything that UnionPay, or anybody in its name, may send: parsed, or refused with one declared error, quickly."""

from __future__ import annotations

import base64
import os
import random
import time
from collections.abc import Callable

import pytest
from tests.fuzz.test_alipay_decoders import SPICE
from tests.support.mutation import mutated
from tests.support.rsa_keys import key, raw_key
from tests.wire.unionpay.stage import NOON, form, leaf, middle, on_the_wire, paid, reply, root, signed

from payport.adapters.unionpay.certificates import Chain, MalformedCertificate, Signers, parse_certificate
from payport.adapters.unionpay.forms import MalformedMessage, codec_of, parse_group, parse_notice, parse_reply
from payport.adapters.unionpay.reading import Unreadable, money, outcome, parsed
from payport.adapters.unionpay.sensitive import (
    MalformedCiphertext,
    decrypt,
    encrypt,
    pack_file,
    read_customer_info,
    unpack_file,
    write_customer_info,
)
from payport.adapters.unionpay.signing import reads_one_way, rsa_is_authentic
from payport.sdk.observation import Source

SCALE = int(os.environ.get("PAYPORT_FUZZ_SCALE", "1"))
UNIONPAY = key("unionpay").public
OURS = [raw_key("merchant")]
SIGNERS = Signers([Chain(middle(), root())], test=False)
WHOLE = signed(paid(tokenPayData="{token=62&trId=1}", accNo="6216***0018"))
INFO = write_customer_info(OURS[0].public_key(), {"customerNm": "张三", "phoneNo": "18100000000"})

Decoder = Callable[[bytes], object]


def read_reply(encoding: str) -> Decoder:
    """Parse, verify and read, as a call does."""

    def read(body: bytes) -> object:
        fields = parse_reply(body, encoding)
        reads_one_way(fields)
        rsa_is_authentic(fields, codec_of(encoding) or "", UNIONPAY)
        record = parsed(fields)
        return money(record), outcome(record, record.resp_code, record.resp_msg, Source.QUERY, NOON)

    return read


def read_notice(body: bytes) -> object:
    """Parse, find the signer and verify, as a receiver does."""
    fields = parse_notice(body, "shop=7")
    return reads_one_way(fields), SIGNERS.find(fields.get("signPubKeyCert", ""), NOON)


def as_text(read: Callable[[str], object]) -> Decoder:
    """A decoder of text, fed any bytes."""
    return lambda data: read(data.decode("latin-1"))


# Decoder, a sample, its declared errors, inputs in a normal run.
DECODERS: dict[str, tuple[Decoder, bytes, tuple[type[Exception], ...], int]] = {
    "reply in UTF-8": (read_reply("UTF-8"), reply(WHOLE), (MalformedMessage, Unreadable), 4_000),
    "reply in GBK": (read_reply("GBK"), reply(WHOLE, "gbk"), (MalformedMessage, Unreadable), 4_000),
    "short reply": (read_reply("UTF-8"), reply(paid()), (MalformedMessage, Unreadable), 5_000),
    "notice": (read_notice, form(WHOLE), (MalformedMessage,), 4_000),
    "group": (as_text(parse_group), b"{token=62&trId={a=1&b=2}}", (MalformedMessage,), 5_000),
    "certificate": (as_text(parse_certificate), on_the_wire(leaf()).encode(), (MalformedCertificate,), 2_000),
    "customer information": (
        as_text(lambda text: read_customer_info(OURS, text)),
        INFO.encode(),
        (MalformedCiphertext,),
        300,
    ),
    "ciphertext": (
        as_text(lambda text: decrypt(OURS, text)),
        encrypt(OURS[0].public_key(), "6216***0018").encode(),
        (MalformedCiphertext,),
        300,
    ),
    "file": (
        as_text(lambda text: unpack_file(text, max_bytes=10_000)),
        pack_file(b"ZM" * 100).encode(),
        (MalformedCiphertext,),
        2_000,
    ),
}


@pytest.mark.parametrize(("read", "sample", "declared", "inputs"), DECODERS.values(), ids=DECODERS.keys())
def test_a_decoder_of_unionpays_answers_or_raises_its_declared_error(
    read: Decoder, sample: bytes, declared: tuple[type[Exception], ...], inputs: int
) -> None:
    """Anything else would be a crash that a stranger can cause; the sample itself is read."""
    read(sample)
    dice = random.Random(20261123)
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
    assert refused > 0
    assert slowest_s < 0.25, "one input must never hold a worker"


def test_a_spoiled_certificate_is_never_believed() -> None:
    """Whatever of it is changed: the chain is over all of its bytes."""
    from cryptography.hazmat.primitives.serialization import Encoding

    dice = random.Random(7)
    der = leaf().public_bytes(Encoding.DER)
    for _ in range(1_000 * SCALE):
        spoiled = mutated(der, dice, SPICE)
        if spoiled != der:
            found = SIGNERS.find(base64.b64encode(spoiled).decode(), NOON)
            # bytes after the end, or in the signature's own padding, are not part of what is certified
            assert isinstance(found, str) or found == UNIONPAY
