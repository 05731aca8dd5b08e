"""Alipay's decoders under mutated input: each answers or raises its one declared error, quickly, and nothing else.

The mutations follow a seed; keys are new in each run, so a failure shows its input. ``PAYPORT_FUZZ_SCALE`` multiplies
the number of inputs for long runs.
"""

from __future__ import annotations

import base64
import os
import random
import time
from collections.abc import Callable

import pytest
from tests.support.mutation import mutated
from tests.support.rsa_keys import certificate, key, private_pem

from payport.adapters.alipay.certificates import MalformedCertificate, parse_certificates, parse_download, root_cert_sn
from payport.adapters.alipay.encryption import ContentCipher, MalformedCiphertext, decrypt, encrypt
from payport.adapters.alipay.forms import MalformedForm, encode_form, notice_is_authentic, parse_form
from payport.adapters.alipay.signing import MalformedReply, reply_is_authentic, split_reply, strict_json
from payport.sdk.errors import ConfigurationError
from payport.sdk.keys import PrivateKey, PublicKey

SCALE = int(os.environ.get("PAYPORT_FUZZ_SCALE", "1"))
ALIPAY = (key("alipay").public,)
CONTENT_KEY = base64.b64encode(bytes(16)).decode()
NODE = '{"code":"10000","subject":"茶 } \\" {","list":[{"a":1.5,"b":null}],"url":"https:\\/\\/a"}'
SIGN = base64.b64encode(key("alipay").sign(NODE.encode())).decode()
REPLY = f'{{"alipay_trade_query_response":{NODE},"alipay_cert_sn":"0123abcd","sign":"{SIGN}"}}'
LEAF = certificate("支付宝(中国)网络技术有限公司-2088", "Root", signed_by="root", of="alipay")
FORM = encode_form({"charset": "utf-8", "subject": "茶+ &total_amount=1", "sign_type": "RSA2", "sign": SIGN})

Decoder = Callable[[bytes], object]


def read_reply(charset: str) -> Decoder:
    """Split, verify and decode, as a call does."""

    def read(body: bytes) -> object:
        reply = split_reply(body, "alipay.trade.query", charset)
        reply_is_authentic(reply, ALIPAY)
        return reply.ciphertext if reply.is_encrypted else strict_json(reply.node, reply.charset)

    return read


def read_notice(body: bytes) -> object:
    """Parse and verify, as a receiver does."""
    return notice_is_authentic(parse_form(body), ALIPAY)


def as_text(read: Callable[[str], object]) -> Decoder:
    """A decoder of text, fed any bytes."""
    return lambda data: read(data.decode("latin-1"))


def sealed(cipher: ContentCipher) -> bytes:
    """One ciphertext."""
    vector = bytes(16) if cipher is ContentCipher.AES else bytes(range(16))
    return encrypt(CONTENT_KEY, NODE.encode(), cipher=cipher, vector=vector).encode()


# Decoder, a sample, its one declared error, inputs in a normal run.
DECODERS: dict[str, tuple[Decoder, bytes, type[Exception], int]] = {
    "reply in UTF-8": (read_reply("utf-8"), REPLY.encode(), MalformedReply, 8_000),
    "reply in GBK": (read_reply("gbk"), REPLY.encode("gbk"), MalformedReply, 8_000),
    "node": (strict_json, NODE.encode(), MalformedReply, 8_000),
    "notice": (read_notice, FORM, MalformedForm, 8_000),
    "certificate": (as_text(parse_certificates), LEAF.encode(), MalformedCertificate, 2_000),
    "root file": (as_text(root_cert_sn), LEAF.encode() * 2, MalformedCertificate, 2_000),
    "downloaded certificate": (as_text(parse_download), base64.b64encode(LEAF.encode()), MalformedCertificate, 1_000),
    "AES": (as_text(lambda text: decrypt(CONTENT_KEY, text)), sealed(ContentCipher.AES), MalformedCiphertext, 2_000),
    "SM4": (
        as_text(lambda text: decrypt(CONTENT_KEY, text, cipher=ContentCipher.SM4)),
        sealed(ContentCipher.SM4),
        MalformedCiphertext,
        2_000,
    ),
    "private key": (
        as_text(lambda text: PrivateKey.load(text, trusted=True)),
        private_pem("ours").encode(),
        ConfigurationError,
        1_000,
    ),
    "public key": (as_text(PublicKey.load), ALIPAY[0].pem().encode(), ConfigurationError, 1_000),
}
SPICE = [bytes([sign]) for sign in b'"\\{}[],:%&=+\0\xff\x81'] + [b"NaN", b"1e999"]


@pytest.mark.parametrize(("read", "sample", "declared", "inputs"), DECODERS.values(), ids=DECODERS.keys())
def test_a_decoder_answers_or_raises_its_declared_error(
    read: Decoder, sample: bytes, declared: type[Exception], inputs: int
) -> None:
    """Anything else would be a crash that a stranger can cause; the sample itself is read."""
    read(sample)
    dice = random.Random(20260701)
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


def test_the_normal_run_is_large_enough() -> None:
    """At least 20,000 inputs in every run."""
    assert sum(inputs for _, _, _, inputs in DECODERS.values()) >= 20_000
