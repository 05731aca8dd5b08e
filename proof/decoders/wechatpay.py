"""WeChat Pay's decoders."""

from __future__ import annotations

import json

from tests.support.rsa_keys import key
from tests.wire.wechatpay.stage import (
    API_V3_KEY,
    NOON,
    download,
    headers,
    platform_certificate,
    resource,
    transaction,
)

from payport.adapters.wechatpay.calls import from_wire_time
from payport.adapters.wechatpay.certificates import MalformedCertificate, parse_certificate, read_download
from payport.adapters.wechatpay.encryption import MalformedCiphertext, Resource, hide, open_object, reveal
from payport.adapters.wechatpay.signing import Flaw, Seal, is_authentic, plain_headers, read_seal
from payport.sdk.strict_json import MalformedJson, parse_object
from proof.decoders.decoder import Refused, as_text, decoder
from proof.mutating import Form

KEY = API_V3_KEY.encode()
BODY = json.dumps(transaction()).encode()
SEALED = json.dumps(resource(BODY)).encode()
HEADERS = json.dumps(headers(BODY)).encode()


def read_headers(data: bytes) -> object:
    """Verify, as a receiver does, with whatever headers stand there."""
    found = parse_object(data)
    plain = plain_headers((name, value) for name, value in found.items() if isinstance(value, str))
    seal = plain if isinstance(plain, Flaw) else read_seal(plain, NOON.timestamp())
    if isinstance(seal, Seal) and is_authentic(seal, BODY, key("wechat").public):
        return seal
    raise Refused


def read_resource(data: bytes) -> object:
    """Decrypt a notification's resource."""
    return open_object(Resource.of(parse_object(data)), KEY)


DOWNLOAD = download(("platform", 7), ("new", 8)).content
CERTIFICATE = platform_certificate("platform", 7).encode()
HIDDEN = hide("李雷", key("merchant").public).encode()
CIPHER = (MalformedCiphertext,)
DECODERS = (
    decoder("wechatpay: headers", read_headers, HEADERS, declared=(Refused, MalformedJson), form=Form.JSON),
    decoder("wechatpay: resource", read_resource, SEALED, declared=(*CIPHER, MalformedJson), form=Form.JSON),
    decoder(
        "wechatpay: certificates",
        lambda data: read_download(data, KEY),
        DOWNLOAD,
        declared=(MalformedCertificate,),
        form=Form.JSON,
    ),
    decoder("wechatpay: certificate", parse_certificate, CERTIFICATE, declared=(MalformedCertificate,)),
    decoder("wechatpay: sensitive text", as_text(lambda text: reveal(text, key("merchant"))), HIDDEN, declared=CIPHER),
    decoder(
        "wechatpay: time",
        as_text(from_wire_time),
        b"2026-01-31T12:00:00.120+08:00",
        declared=(ValueError, OverflowError),
    ),
)
