"""WeChat Pay's decoders under mutated input: each answers or raises its one declared error, quickly, and nothing else.

The mutations follow a seed; keys are new in each run, so a failure shows its input. ``PAYPORT_FUZZ_SCALE`` multiplies
the number of inputs for long runs.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable

import pytest
from tests.support.mutation import mutated
from tests.support.rsa_keys import key
from tests.wire.wechatpay.stage import (
    API_V3_KEY,
    NOON,
    QUERY,
    Host,
    download,
    headers,
    merchant,
    operation,
    platform_certificate,
    resource,
    transaction,
)

from payport.adapters.wechatpay.calls import from_wire_time
from payport.adapters.wechatpay.certificates import MalformedCertificate, parse_certificate, read_download
from payport.adapters.wechatpay.encryption import MalformedCiphertext, Resource, hide, open_object, reveal
from payport.adapters.wechatpay.signing import Flaw, Seal, is_authentic, plain_headers, read_seal
from payport.schemas.events import RawNotification, Rejected
from payport.sdk.adapter import Opened
from payport.sdk.exchange import drive
from payport.sdk.message import WireReply
from payport.sdk.observation import Observation
from payport.sdk.strict_json import MalformedJson, parse_object

SCALE = int(os.environ.get("PAYPORT_FUZZ_SCALE", "1"))
KEY = API_V3_KEY.encode()
SEALED = json.dumps(resource(json.dumps(transaction()).encode())).encode()
BODY = json.dumps(transaction()).encode()
HEADERS = json.dumps(headers(BODY)).encode()
WECHAT = merchant()

Decoder = Callable[[bytes], object]


class Refused(Exception):
    """What was not taken: for decoders that answer a value instead of raising."""


def read_headers(data: bytes) -> object:
    """Verify, as a receiver does, with whatever headers stand there."""
    found = parse_object(data)
    plain = plain_headers((name, value) for name, value in found.items() if isinstance(value, str))
    seal = plain if isinstance(plain, Flaw) else read_seal(plain, NOON.timestamp())
    if isinstance(seal, Seal) and is_authentic(seal, BODY, key("wechat").public):
        return seal
    raise Refused


def read_answer(data: bytes) -> object:
    """Read an authentic answer of any content: a question teaches something or leaves a doubt."""
    reply = WireReply(200, tuple(headers(data).items()), data)
    told = drive(WECHAT.ask(operation(shown=True), 10.0), Host({QUERY: reply}))
    assert isinstance(told, Observation)
    if told.unknown is not None:
        raise Refused
    return told


def read_notice(data: bytes) -> object:
    """Open an authentic notification of any content."""
    found = drive(WECHAT.open_notice(RawNotification(body=data, headers=headers(data))), Host({}))
    assert isinstance(found, Opened | Rejected)
    if isinstance(found, Rejected):
        raise Refused
    return found


def read_payload(data: bytes) -> object:
    """Open an authentic, well encrypted notification of any payload."""
    body = json.dumps({"id": "1", "event_type": "X", "resource": resource(data)}).encode()
    found = drive(WECHAT.open_notice(RawNotification(body=body, headers=headers(body))), Host({}))
    assert isinstance(found, Opened | Rejected)
    if isinstance(found, Rejected) or not found.lessons or found.lessons[0][1].unknown is not None:
        raise Refused
    return found


def as_text(read: Callable[[str], object]) -> Decoder:
    """A decoder of text, fed any bytes."""
    return lambda data: read(data.decode("latin-1"))


# Decoder, a sample, its declared errors, inputs in a normal run.
DECODERS: dict[str, tuple[Decoder, bytes, tuple[type[Exception], ...], int]] = {
    "headers": (read_headers, HEADERS, (Refused, MalformedJson), 6_000),
    "answer": (read_answer, BODY, (Refused,), 1_500),
    "notice": (
        read_notice,
        json.dumps({"id": "1", "event_type": "X", "resource": resource(BODY)}).encode(),
        (Refused,),
        1_500,
    ),
    "payload": (read_payload, BODY, (Refused,), 1_500),
    "resource": (
        lambda data: open_object(Resource.of(parse_object(data)), KEY),
        SEALED,
        (MalformedCiphertext, MalformedJson),
        6_000,
    ),
    "certificates": (
        lambda data: read_download(data, KEY),
        download(("platform", 7), ("new", 8)).content,
        (MalformedCertificate,),
        1_500,
    ),
    "certificate": (parse_certificate, platform_certificate("platform", 7).encode(), (MalformedCertificate,), 2_000),
    "sensitive text": (
        as_text(lambda text: reveal(text, key("merchant"))),
        hide("李雷", key("merchant").public).encode(),
        (MalformedCiphertext,),
        300,
    ),
    "time": (as_text(from_wire_time), b"2026-01-31T12:00:00.120+08:00", (ValueError, OverflowError), 3_000),
}
SPICE = [bytes([sign]) for sign in b'"\\{}[],:%&=+\0\xff\x81'] + [b"NaN", b"1e999", b"null", b"\\ud800"]


@pytest.mark.parametrize(("read", "sample", "declared", "inputs"), DECODERS.values(), ids=DECODERS.keys())
def test_a_decoder_answers_or_raises_its_declared_error(
    read: Decoder, sample: bytes, declared: tuple[type[Exception], ...], inputs: int
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
