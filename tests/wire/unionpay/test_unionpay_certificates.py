"""The certificate in a message: whose it is, who vouches for it, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from tests.support.rsa_keys import key
from tests.wire.unionpay.stage import (
    NOON,
    SINCE,
    UNIONPAY,
    UNTIL,
    certificate,
    leaf,
    merchant_leaf,
    middle,
    on_the_wire,
    pem,
    root,
)

from payport.adapters.unionpay.certificates import (
    Chain,
    MalformedCertificate,
    Signers,
    cert_id,
    owner,
    parse_certificate,
    rsa_key,
)
from payport.sdk.keys import PublicKey

CHAIN = Chain(middle(), root())
PAST = (SINCE, datetime(2021, 1, 1, tzinfo=UTC))


def signers(*chains: Chain, test: bool = False) -> Signers:
    """Whom these authorities certify."""
    return Signers(chains or (CHAIN,), test=test)


def test_unionpays_certificate_is_believed() -> None:
    """Chain, dates and name: then its key verifies."""
    found = signers().find(on_the_wire(leaf()), NOON)
    assert found == key("unionpay").public


def test_the_library_refuses_this_chain() -> None:
    """Why every link is checked by hand: the authority signs with SHA-1."""
    with pytest.raises((UnsupportedAlgorithm, ValueError)):
        leaf().verify_directly_issued_by(middle())


NOT_UNIONPAY = {
    "the merchant's own, of the same authority": merchant_leaf(),
    "a name in another place": leaf("中国银联股份有限公司@a@b@c", "unionpay"),
    "no third part": leaf("041@831", "unionpay"),
    "the name with something more": leaf("041@831@中国银联股份有限公司x@1", "unionpay"),
    "the test environment's name": leaf("041@Z12@00040000:SIGN@00000062", "unionpay"),
}


@pytest.mark.parametrize("found", NOT_UNIONPAY.values(), ids=NOT_UNIONPAY)
def test_a_sound_chain_is_not_enough(found: x509.Certificate) -> None:
    """The same authority certifies every merchant: without the rule any of them could sign a notice about money."""
    assert CHAIN.certifies(found, NOON)
    refusal = signers().find(on_the_wire(found), NOON)
    assert isinstance(refusal, str)
    assert "not UnionPay's" in refusal


def test_the_older_test_name_counts_in_the_test_environment() -> None:
    """And only there."""
    text = on_the_wire(leaf("041@Z12@00040000:SIGN@00000062", "unionpay"))
    assert isinstance(signers(test=True).find(text, NOON), PublicKey)
    assert isinstance(signers(test=True).find(on_the_wire(merchant_leaf()), NOON), str)


def issued(**changes: object) -> x509.Certificate:
    """UnionPay's certificate with something changed."""
    kept: dict[str, object] = {"of": "unionpay", "by": "middle", **changes}
    return certificate(UNIONPAY, str(kept.pop("issuer", "middle")), **kept)  # type: ignore[arg-type]  # one of each type


NO_SIGNING = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
BROKEN_CHAINS = {
    "expired": (issued(days=PAST), CHAIN),
    "not valid yet": (issued(days=(NOON + timedelta(days=1), UNTIL)), CHAIN),
    "signed by another key": (issued(by="stranger"), CHAIN),
    "another issuer's name": (issued(issuer="other"), CHAIN),
    "self-signed": (certificate(UNIONPAY, UNIONPAY, of="unionpay", by="unionpay"), CHAIN),
    "middle expired": (
        leaf(),
        Chain(certificate("middle", "root", of="middle", by="root", ca=True, days=PAST), root()),
    ),
    "root expired": (leaf(), Chain(middle(), certificate("root", "root", of="root", by="root", ca=True, days=PAST))),
    "middle is no authority": (leaf(), Chain(certificate("middle", "root", of="middle", by="root", ca=False), root())),
    "middle says nothing": (leaf(), Chain(certificate("middle", "root", of="middle", by="root"), root())),
    "middle may not sign": (
        leaf(),
        Chain(certificate("middle", "root", of="middle", by="root", ca=True, usage=NO_SIGNING), root()),
    ),
    "root may not certify authorities": (
        leaf(),
        Chain(middle(), certificate("root", "root", of="root", by="root", ca=True, path_length=0)),
    ),
    "another root": (leaf(), Chain(middle(), root("stranger"))),
    "a merchant as the middle": (
        certificate(
            UNIONPAY, merchant_leaf().subject.rfc4514_string().removeprefix("CN="), of="unionpay", by="merchant"
        ),
        Chain(merchant_leaf(), root()),
    ),
}


@pytest.mark.parametrize(("found", "chain"), BROKEN_CHAINS.values(), ids=BROKEN_CHAINS)
def test_a_broken_chain_is_not_believed(found: x509.Certificate, chain: Chain) -> None:
    """Names, dates, who may issue, and signatures, at each link."""
    assert not chain.certifies(found, NOON)
    assert isinstance(signers(chain).find(on_the_wire(found), NOON), str)


def test_sha256_is_as_good() -> None:
    """When the authority changes, nothing here has to."""
    assert isinstance(signers().find(on_the_wire(issued(sha1=False)), NOON), PublicKey)


def test_several_authorities_are_valid_at_once() -> None:
    """While UnionPay changes from one chain to the next, both are configured."""
    new = Chain(middle("middle 2", "root 2"), root("root 2"))
    renewed = certificate(UNIONPAY, "middle 2", of="unionpay 2", by="middle 2")
    both = signers(CHAIN, new)
    assert both.find(on_the_wire(leaf()), NOON) == key("unionpay").public
    assert both.find(on_the_wire(renewed), NOON) == key("unionpay 2").public
    assert isinstance(signers().find(on_the_wire(renewed), NOON), str)


def test_what_was_believed_is_kept_by_its_text_and_still_expires() -> None:
    """A cache hit is as strict about dates as a miss: leaf, middle and root."""
    known, text = signers(), on_the_wire(leaf())
    assert isinstance(known.find(text, NOON), PublicKey)
    assert len(known) == 1
    assert isinstance(known.find(text, NOON), PublicKey)
    assert len(known) == 1
    for moment in (UNTIL + timedelta(seconds=1), SINCE - timedelta(seconds=1)):
        late = known.find(text, moment)
        assert isinstance(late, str)
        assert "not valid now" in late


def test_the_memory_is_bounded_and_holds_believed_ones_only() -> None:
    """A flood of certificates costs time, never memory."""
    known = signers()
    for number in range(Signers.KEPT + 5):
        text = on_the_wire(leaf()) + " " * number
        assert isinstance(known.find(text, NOON), PublicKey)
        assert isinstance(known.find(on_the_wire(merchant_leaf()) + " " * number, NOON), str)
    assert len(known) == Signers.KEPT


@pytest.mark.parametrize("serial", [1, 69903319369, 117191299423423768281798])
def test_numbers_are_decimal(serial: int) -> None:
    """In hexadecimal, or with the leading zeros that some tools print, UnionPay knows no such certificate."""
    found = issued(serial=serial)
    assert cert_id(found) == str(serial)
    assert cert_id(found).isdigit()
    assert not cert_id(found).startswith("0")


@pytest.mark.parametrize(
    "text",
    ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "A" * 20_000, "é"],
)
def test_what_is_no_certificate_is_refused(text: str) -> None:
    """One declared error; in a message, a refusal."""
    with pytest.raises(MalformedCertificate):
        parse_certificate(text)
    assert isinstance(signers().find(text, NOON), str)


def test_a_serial_number_that_is_forbidden_is_refused_before_the_library_warns() -> None:
    """RFC 5280 wants a positive one."""
    import base64

    from cryptography.hazmat.primitives.serialization import Encoding

    der = leaf().public_bytes(Encoding.DER)
    number = (69903319369).to_bytes(5, "big")
    assert der.count(number) == 1
    for forbidden in (b"\x00" * 5, b"\xff" + number[1:]):
        with pytest.raises(MalformedCertificate, match="5280"):
            parse_certificate(base64.b64encode(der.replace(number, forbidden)).decode())


def test_bare_base64_and_pem_are_the_same() -> None:
    """As consoles and messages show it."""
    bare = "".join(line for line in pem(leaf()).splitlines() if "-----" not in line)
    assert parse_certificate(bare) == parse_certificate(on_the_wire(leaf())) == leaf()


def test_keys_of_another_kind_are_refused() -> None:
    """UnionPay signs with RSA; an EC certificate of a right name and chain is not its own."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from tests.support.rsa_keys import raw_key

    model = (
        x509.CertificateBuilder()
        .subject_name(leaf().subject)
        .issuer_name(middle().subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(5)
        .not_valid_before(SINCE)
        .not_valid_after(UNTIL)
        .sign(raw_key("middle"), hashes.SHA256())
    )
    with pytest.raises(MalformedCertificate):
        rsa_key(model)
    assert isinstance(signers().find(on_the_wire(model), NOON), str)


def test_no_common_name_is_nobody() -> None:
    """A certificate without one, or with fewer parts, belongs to nobody that is believed."""
    assert owner(leaf()) == "中国银联股份有限公司"
    assert owner(middle()) == ""
    assert replace(CHAIN) == CHAIN
