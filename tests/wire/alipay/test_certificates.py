"""Certificate mode: numbers, mixed root files, and chains that descend from a known root."""

from __future__ import annotations

import base64
import hashlib
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.support.rsa_keys import NOON, certificate, key, raw_key

from payport.adapters.alipay.certificates import (
    MalformedCertificate,
    cert_sn,
    chain_is_valid,
    parse_certificates,
    parse_download,
    root_cert_sn,
)

MAY_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
MAY_NOT_SIGN = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
CA = x509.BasicConstraints(ca=True, path_length=None)

ALIPAY_NAME = "支付宝(中国)网络技术有限公司-2088000000000001"
ROOT = certificate("Root R1", "Root R1", signed_by="root", of="root", extensions=(CA, MAY_SIGN))
MIDDLE = certificate("Class 2 R1", "Root R1", signed_by="root", of="middle", extensions=(MAY_SIGN,))
LEAF = certificate(ALIPAY_NAME, "Class 2 R1", signed_by="middle", of="alipay", extensions=(MAY_NOT_SIGN,))


def ec_certificate() -> str:
    """A certificate that an elliptic curve signed, as a root file holds beside the RSA ones."""
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root E1")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(made.public_key())
    builder = builder.serial_number(5).not_valid_before(NOON).not_valid_after(NOON + timedelta(days=1))
    return builder.sign(made, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def ec_key_signed_by_rsa() -> str:
    """An RSA signature over a certificate of another kind of key."""
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Odd")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(made.public_key())
    builder = builder.serial_number(5).not_valid_before(NOON).not_valid_after(NOON + timedelta(days=1))
    return builder.sign(raw_key("root"), hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def armoured(der: bytes) -> str:
    """Any bytes in the armour of a certificate."""
    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(der).decode()}-----END CERTIFICATE-----\n"


# The shape of an SM2 root: its signature algorithm is 1.2.156.10197.1.501, and a library may refuse all the rest.
SM2_LIKE = armoured(bytes.fromhex("3017 3003 020101 300c 06082a811ccf55018375 0500 0302 0000".replace(" ", "")))


def test_a_number_is_the_md5_of_issuer_and_decimal_serial() -> None:
    """Most specific name first, comma without blank, serial in decimal, always 32 digits."""
    text = "CN=Class 2 R1,O=Test Authority,C=CN7"
    assert hashlib.md5(text.encode()).hexdigest() == cert_sn(LEAF)
    assert cert_sn(LEAF) == cert_sn(LEAF + MIDDLE) == cert_sn(LEAF.replace("\n", "\\n"))
    assert cert_sn(LEAF) == parse_certificates(LEAF)[0].sn


def test_the_roots_number_counts_rsa_certificates_only() -> None:
    """SM2 and elliptic curve roots are passed over without a look inside; no warning escapes."""
    second = certificate("Root G3", "Root G3", signed_by="other", of="other", serial=2**100)
    assert f"{cert_sn(ROOT)}_{cert_sn(second)}" == root_cert_sn(SM2_LIKE + ROOT + ec_certificate() + second)


@pytest.mark.parametrize("text", ["", "no PEM", SM2_LIKE, ec_certificate()], ids=["empty", "text", "SM2", "EC"])
def test_a_file_without_an_rsa_certificate_is_refused(text: str) -> None:
    """The message asks for the whole file."""
    for read in (cert_sn, root_cert_sn, parse_certificates):
        with pytest.raises(MalformedCertificate, match="as it was downloaded"):
            read(text)


def with_serial(number: int) -> str:
    """The leaf with another serial number, one byte long; its signature does not fit any more."""
    der = parse_certificates(LEAF)[0].parsed.public_bytes(serialization.Encoding.DER)
    return armoured(der.replace(b"\x02\x01\x07", bytes([2, 1, number]), 1))


DAMAGED = {
    "not base64": "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
    "nothing": armoured(b""),
    "one byte": armoured(b"\x30"),
    "lengths beyond the end": armoured(b"\x30\x84\xff\xff\xff\xff\x30\x00"),
    "cut": LEAF[:300] + "\n-----END CERTIFICATE-----",
    "a signature algorithm and no more": armoured(bytes.fromhex("30113000300d06092a864886f70d01010b0500")),
    "a serial number of zero": with_serial(0x00),
    "a negative serial number": with_serial(0xFF),
    "a negative serial number in version 1": armoured(
        bytes.fromhex("3017 3003 0201ff 300d06092a864886f70d01010b0500 030100".replace(" ", ""))
    ),
    "too many": LEAF * 17,
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_refused(text: str) -> None:
    """With the one declared error."""
    for read in (root_cert_sn, parse_certificates):
        with pytest.raises(MalformedCertificate):
            read(text)


def test_certificates_of_other_keys_are_passed_over() -> None:
    """Only RSA keys of 2048 bits or more verify anything here."""
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([])).serial_number(3)
    builder = builder.public_key(raw_key("short", 1024).public_key()).not_valid_before(NOON)
    short = builder.not_valid_after(NOON + timedelta(days=1)).sign(raw_key("root"), hashes.SHA256())
    file = ec_key_signed_by_rsa() + short.public_bytes(serialization.Encoding.PEM).decode()
    assert 1 == len(parse_certificates(file + LEAF))  # noqa: SIM300 - expected on the left
    with pytest.raises(MalformedCertificate):
        parse_certificates(file)


def test_a_certificate_without_a_name_is_nobodys() -> None:
    """No common name is an empty one."""
    builder = x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(x509.Name([])).serial_number(3)
    builder = builder.public_key(raw_key("ours").public_key()).not_valid_before(NOON)
    nameless = builder.not_valid_after(NOON + timedelta(days=1)).sign(raw_key("root"), hashes.SHA256())
    parsed = parse_certificates(nameless.public_bytes(serialization.Encoding.PEM).decode())[0]
    assert (parsed.common_name, parsed.is_alipay) == ("", False)


def test_a_download_is_base64_of_pem_with_the_leaf_first() -> None:
    """What ``alipay.open.app.alipaycert.download`` answers."""
    leaf, middle = parse_download(base64.b64encode((LEAF + MIDDLE).encode()).decode())
    assert (leaf.common_name, middle.common_name) == (ALIPAY_NAME, "Class 2 R1")
    assert key("alipay").public == leaf.public_key
    for bad in ("", "!", base64.b64encode(b"\xff").decode(), base64.b64encode(b"hello").decode()):
        with pytest.raises(MalformedCertificate):
            parse_download(bad)


def test_a_merchants_certificate_is_not_alipays() -> None:
    """Every application certificate descends from the same root: the subject tells them apart."""
    merchant = certificate("2088000000000001-2021000000000001", "Class 2 R1", signed_by="middle", of="ours")
    assert [parse_certificates(pem)[0].is_alipay for pem in (LEAF, merchant)] == [True, False]


def test_the_time_that_is_left_is_told() -> None:
    """For warnings ahead; negative when it has run out."""
    leaf = parse_certificates(LEAF)[0]
    assert timedelta(days=1) == leaf.time_left(datetime(2029, 12, 31, tzinfo=UTC))
    assert leaf.time_left(datetime(2030, 1, 2, tzinfo=UTC)) < timedelta(0)


def chain(leaf: str, middle: str, root: str, at: datetime = NOON) -> bool:
    """Whether the chain of these files holds."""
    intermediates = parse_certificates(middle) if middle else ()
    return chain_is_valid(parse_certificates(leaf)[0], intermediates, parse_certificates(root), at)


def test_a_chain_to_a_configured_root_holds() -> None:
    """Leaf, an intermediate with keyCertSign but without basicConstraints, root; or a leaf straight under the root."""
    assert chain(LEAF, MIDDLE, ROOT)
    assert chain(LEAF, MIDDLE, certificate("Else", "Else", signed_by="other", of="other") + ROOT)
    assert chain(certificate("x", "Root R1", signed_by="root", of="alipay"), "", ROOT)
    assert chain(LEAF, "", LEAF)


def test_a_renewed_intermediate_serves_beside_the_expired_one() -> None:
    """Same name and key, other dates: each is tried."""
    past = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
    old = certificate("Class 2 R1", "Root R1", signed_by="root", of="middle", extensions=(MAY_SIGN,), days=past)
    assert chain(LEAF, old + MIDDLE, ROOT)
    assert not chain(LEAF, old, ROOT)


ALWAYS = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


def middle(
    signed_by: str = "root",
    extensions: tuple[x509.ExtensionType, ...] = (MAY_SIGN,),
    days: tuple[datetime, datetime] = ALWAYS,
) -> str:
    """The intermediate, with changes."""
    return certificate("Class 2 R1", "Root R1", signed_by=signed_by, of="middle", extensions=extensions, days=days)


EARLY = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
NO_PATH = x509.BasicConstraints(ca=True, path_length=0)

BROKEN: dict[str, tuple[str, str, str]] = {
    "no intermediate": (LEAF, "", ROOT),
    "another root": (LEAF, MIDDLE, certificate("Root R1", "Root R1", signed_by="other", of="other")),
    "an intermediate that another key signed": (LEAF, middle(signed_by="other"), ROOT),
    "a leaf that another key signed": (certificate("x", "Class 2 R1", signed_by="other", of="alipay"), MIDDLE, ROOT),
    "an issuer of another name": (certificate("x", "Class 3", signed_by="middle", of="alipay"), MIDDLE, ROOT),
    "an intermediate that is no authority": (LEAF, middle(extensions=(MAY_NOT_SIGN,)), ROOT),
    "an intermediate that says nothing": (LEAF, middle(extensions=()), ROOT),
    "CA:false": (LEAF, middle(extensions=(x509.BasicConstraints(ca=False, path_length=None),)), ROOT),
    "CA:true, but may not sign": (LEAF, middle(extensions=(CA, MAY_NOT_SIGN)), ROOT),
    "an intermediate of the future": (LEAF, middle(days=EARLY), ROOT),
    "a leaf of the future": (
        certificate("x", "Class 2 R1", signed_by="middle", of="alipay", days=EARLY),
        MIDDLE,
        ROOT,
    ),
    "a root that allows no intermediate": (
        LEAF,
        MIDDLE,
        certificate("Root R1", "Root R1", signed_by="root", of="root", extensions=(NO_PATH,), serial=8),
    ),
    "a short digest": (
        certificate("x", "Class 2 R1", signed_by="middle", of="alipay", digest=hashes.SHA224()),
        MIDDLE,
        ROOT,
    ),
    "a leaf that claims to be its own root": (
        certificate("x", "x", signed_by="alipay", of="alipay", extensions=(CA,)),
        "",
        ROOT,
    ),
}


@pytest.mark.parametrize(("leaf", "intermediates", "root"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_chain_is_refused(leaf: str, intermediates: str, root: str) -> None:
    """At whichever link it breaks."""
    assert not chain(leaf, intermediates, root)


def test_an_expired_chain_is_refused() -> None:
    """At the time that counts, not at the time of the check."""
    assert not chain(LEAF, MIDDLE, ROOT, datetime(2030, 1, 2, tzinfo=UTC))
    assert not chain(LEAF, MIDDLE, ROOT, datetime(2024, 12, 31, tzinfo=UTC))


def test_a_merchant_cannot_issue_certificates() -> None:
    """A leaf under the genuine root, posing as the issuer of another: its keyUsage says no."""
    merchant = certificate("Shop", "Class 2 R1", signed_by="middle", of="ours", extensions=(MAY_NOT_SIGN,))
    forged = certificate(ALIPAY_NAME, "Shop", signed_by="ours", of="other")
    assert chain(merchant, MIDDLE, ROOT)
    assert not chain(forged, merchant + MIDDLE, ROOT)


def test_certificates_that_sign_each_other_come_to_an_end() -> None:
    """A circle and a long chain are given up after four issuers."""
    circle = certificate("B", "A", signed_by="root", of="middle", extensions=(CA,))
    circle += certificate("A", "B", signed_by="middle", of="root", extensions=(CA,))
    assert not chain(
        certificate("x", "A", signed_by="root", of="alipay"),
        circle,
        certificate("C", "C", signed_by="other", of="other"),
    )
    names = ["Root R1", *"ABCDE"]
    links = [
        certificate(below, above, signed_by="root", of="root", extensions=(CA,))
        for above, below in itertools.pairwise(names)
    ]
    ends = [certificate("x", name, signed_by="root", of="alipay") for name in names]
    assert [chain(end, "".join(links), ROOT) for end in ends] == [True, True, True, True, False, False]


def test_an_extension_that_cannot_be_read_makes_no_authority() -> None:
    """A damaged basicConstraints counts as a refusal, not as an absence."""
    odd = x509.UnrecognizedExtension(x509.oid.ExtensionOID.BASIC_CONSTRAINTS, b"\x04\x01\xff")
    assert not chain(LEAF, middle(extensions=(odd, MAY_SIGN)), ROOT)
