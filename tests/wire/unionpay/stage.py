"""UnionPay's side by hand: an authority that signs with SHA-1, and messages signed with nothing of the library's."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID
from tests.support.rsa_keys import raw_key

from payport.adapters.unionpay import UnionPay, UnionPayAccount, UnionPayAuthority, UnionPayKey
from payport.sdk.events import SdkEvent
from payport.sdk.exchange import Admit, Effect, Emit, Exchange, Moment, Now, Send, Sign, drive
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.secrets import Secret

T = TypeVar("T")

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""Noon in Beijing."""
STAMP = "20261123120000"
MERCHANT = "777290058110001"
UNIONPAY = "041@8310000000083040@中国银联股份有限公司@00000001"
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
_SHA256, _SHA1 = (bytes.fromhex(f"06092a864886f70d0101{last}") for last in ("0b", "05"))


def certificate(
    subject: str,
    issuer: str,
    *,
    of: str,
    by: str,
    ca: bool | None = None,
    days: tuple[datetime, datetime] = (SINCE, UNTIL),
    serial: int = 69903319369,
    sha1: bool = True,
    path_length: int | None = None,
    usage: x509.KeyUsage | None = None,
) -> x509.Certificate:
    """A certificate for the key named ``of``, signed by the key named ``by``. ``ca``: None for no basicConstraints."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(raw_key(of).public_key())
        .serial_number(serial)
        .not_valid_before(days[0])
        .not_valid_after(days[1])
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    model = builder.sign(raw_key(by), hashes.SHA256())
    return with_sha1(model, raw_key(by)) if sha1 else model


def with_sha1(model: x509.Certificate, signer: rsa.RSAPrivateKey) -> x509.Certificate:
    """The same with the algorithm and the signature swapped, as no library signs with SHA-1 any more."""
    body = model.tbs_certificate_bytes.replace(_SHA256, _SHA1)
    signature = signer.sign(body, PKCS1v15(), hashes.SHA1())
    whole = model.public_bytes(Encoding.DER).replace(_SHA256, _SHA1)
    return x509.load_der_x509_certificate(whole[: -len(signature)] + signature)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def pem(found: x509.Certificate) -> str:
    """PEM with line feeds."""
    return found.public_bytes(Encoding.PEM).decode()


def on_the_wire(found: x509.Certificate) -> str:
    """PEM as it stands in messages: with carriage returns."""
    return pem(found).strip().replace("\n", "\r\n")


@cache
def root(name: str = "root") -> x509.Certificate:
    """The authority's root."""
    return certificate(name, name, of=name, by=name, ca=True)


@cache
def middle(name: str = "middle", above: str = "root") -> x509.Certificate:
    """What certifies everybody."""
    return certificate(name, above, of=name, by=above, ca=True)


@cache
def leaf(subject: str = UNIONPAY, of: str = "unionpay") -> x509.Certificate:
    """UnionPay's certificate, or another customer's of the same authority."""
    return certificate(subject, "middle", of=of, by="middle")


@cache
def merchant_leaf() -> x509.Certificate:
    """The merchant's own."""
    return leaf(f"041@Z2014-11-11@{MERCHANT}:SIGN@00000001", "merchant")


@cache
def pfx(password: str = "000000") -> bytes:
    """The merchant's key and certificate as CFCA's tool writes them, in today's ciphers."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

    return pkcs12.serialize_key_and_certificates(
        b"sign", raw_key("merchant"), merchant_leaf(), None, BestAvailableEncryption(password.encode())
    )


def private_pem(name: str = "merchant") -> str:
    """A key as PEM."""
    return raw_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def merchant_key() -> UnionPayKey:
    """The merchant's key with its certificate, PEM."""
    return UnionPayKey(private_key=Secret(private_pem()), certificate=pem(merchant_leaf()))


def account(**changes: object) -> UnionPayAccount:
    """A merchant in the test environment."""
    kept: dict[str, object] = {
        "mer_id": MERCHANT,
        "key": merchant_key(),
        "authorities": (UnionPayAuthority(middle=pem(middle()), root=pem(root())),),
        "notify_url": "https://shop.example/notify",
        "return_url": "https://shop.example/return",
        "gateway_url": "https://gateway.example/api/",
        **changes,
    }
    return UnionPayAccount(**kept)  # type: ignore[arg-type]  # a table of settings, each of its own type


@cache
def unionpay() -> UnionPay:
    """The adapter for it."""
    return UnionPay(account())


def canonical(fields: Mapping[str, str]) -> str:
    """The signed text, written down once more."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "signature")


def signed(fields: Mapping[str, str], *, by: str = "unionpay", codec: str = "utf-8", **more: str) -> dict[str, str]:
    """A message as UnionPay signs it: hashed, and the hexadecimal text signed."""
    found = merchant_leaf() if by == "merchant" else leaf()
    whole = {"version": "5.1.0", "signMethod": "01", "signPubKeyCert": on_the_wire(found), **fields, **more}
    digest = hashlib.sha256(canonical(whole).encode(codec)).hexdigest().encode()
    whole["signature"] = b64encode(raw_key(by).sign(digest, PKCS1v15(), hashes.SHA256())).decode()
    return whole


def reply(fields: Mapping[str, str], codec: str = "utf-8") -> bytes:
    """A reply's body: nothing percent-encoded."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode(codec)


def form(fields: Mapping[str, str], codec: str = "utf-8") -> bytes:
    """A notice's body: everything percent-encoded, blanks as plus."""
    return "&".join(
        f"{name}={quote(value.encode(codec), safe='').replace('%20', '+')}" for name, value in fields.items()
    ).encode()


def paid(**changes: str) -> dict[str, str]:
    """What UnionPay says of a paid page."""
    return {
        "merId": MERCHANT,
        "encoding": "UTF-8",
        "orderId": "SHOP10010001T001",
        "txnTime": STAMP,
        "txnType": "01",
        "txnSubType": "01",
        "bizType": "000201",
        "txnAmt": "1234",
        "currencyCode": "156",
        "queryId": "512611231200000000001",
        "traceTime": "1123120105",
        "respCode": "00",
        "respMsg": "成功[0000000]",
        **changes,
    }


@dataclass
class Host:
    """Performs effects: signs in earnest, answers requests from ``answers`` in turn, on a clock that stands still."""

    answers: list[bytes | WireReply | SendFailure] = field(default_factory=list)
    at: datetime = NOON
    sent: list[WireRequest] = field(default_factory=list)
    events: list[SdkEvent] = field(default_factory=list)

    def perform(self, effect: Effect) -> object:
        """The answer to one effect."""
        match effect:
            case Now():
                return Moment(self.at, 0.0)
            case Sign(key=key, message=message):
                return key.sign(message)
            case Send(request=request):
                self.sent.append(request)
                answer = self.answers.pop(0)
                return WireReply(200, (), answer) if isinstance(answer, bytes) else answer
            case Emit(event=event):
                self.events.append(event)
                return None
            case Admit():
                return None
            case _:
                raise AssertionError(effect)

    def run(self, exchange: Exchange[T]) -> T:
        """Run an exchange to its end."""
        return drive(exchange, self)
