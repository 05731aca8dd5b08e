"""What others published about UnionPay's wire: every signature, reply and ciphertext comes out as they say.

The samples of the aggregator at qra.95516.com (``qra_md5.json``) belong to another product with another protocol, which
this adapter does not speak, so nothing here reads them.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from tests.support.vectors import vectors

from payport.adapters.unionpay.account import UnionPayAuthority, UnionPayKey
from payport.adapters.unionpay.certificates import (
    UNIONPAY,
    Chain,
    Signers,
    cert_id,
    owner,
    parse_certificate,
)
from payport.adapters.unionpay.forms import encode_form, parse_notice, parse_reply
from payport.adapters.unionpay.partner_keys import SigningKey, load_key
from payport.adapters.unionpay.sensitive import decrypt, pack_file, read_customer_info, unpack_file
from payport.adapters.unionpay.signing import (
    canonical,
    content_digest,
    keyed_digest,
    keyed_is_authentic,
    reads_one_way,
    rsa_is_authentic,
)
from payport.sdk.secrets import Secret

SIGNED = (
    "front-consume-2022",
    "web-consume",
    "query",
    "cancel-undo-31",
    "refund-04",
    "py-5.0.0-method01-sha1",
    "py-5.1.0-method01",
    "py-5.1.0-method11",
    "py-5.1.0-method12-sm3",
)
VERIFIED = {
    "notify-consume-2022-09-08": True,
    "notify-tampered-amount": False,
    "notify-cert-crlf-normalised": False,
    "notify-extra-merchant-query-param": False,
    "query-response-2022-09-11": True,
    "sync-query-2024-01-05": True,
    "sync-undo-31-2024-01-05": True,
    "sync-refund-04-2024-01-05": True,
    "front-open-card-2017": True,
}
CHAINS = {"test": ("acpsample_acp_test_middle.cer", "acpsample_acp_test_root.cer")}


def sample(file: str, name: str) -> dict[str, Any]:
    """One published sample."""
    found = json.loads(vectors("unionpay", f"{file}.json").read_text("utf-8"))["vectors"]
    return next(each for each in found if each["id"] == name)


def text_of(file: str) -> str:
    """A published certificate."""
    return vectors("unionpay", "certs", file).read_text("ascii")


def pfx(file: str) -> SigningKey:
    """A published test key; all of them have the same password."""
    content = vectors("unionpay", "certs", Path(file).name).read_bytes()
    return load_key(UnionPayKey.from_pfx(content, Secret("000000")), "key")


def signers(*, test: bool = True) -> Signers:
    """Whom the test environment's authorities certify."""
    each = UnionPayAuthority(middle=text_of(CHAINS["test"][0]), root=text_of(CHAINS["test"][1]))
    return Signers([Chain(parse_certificate(each.middle), parse_certificate(each.root))], test=test)


def sent_at(fields: dict[str, str]) -> datetime:
    """When a message was sent: the certificates in it have expired since."""
    return datetime.strptime(fields["txnTime"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def is_believed(fields: dict[str, str]) -> bool:
    """Whether chain, name and signature are UnionPay's, at the time of the message."""
    key = signers().find(fields["signPubKeyCert"], sent_at(fields))
    assert not isinstance(key, str), key
    return reads_one_way(fields) and rsa_is_authentic(fields, "utf-8", key)


@pytest.mark.parametrize("name", SIGNED)
def test_requests_are_signed_byte_for_byte(name: str) -> None:
    """All three methods and both generations give the published signature, and the published form if there is one."""
    vector = sample("request_sign", name)
    fields = vector["params"]
    assert vector["canonical"] == canonical(fields)
    method = fields["signMethod"]
    if method != "01":
        assert vector["expected_signature"] == keyed_digest(fields, "utf-8", method, vector["secure_key"])
        signed = {**fields, "signature": vector["expected_signature"]}
        assert keyed_is_authentic(signed, "utf-8", method, vector["secure_key"])
        return
    key = pfx(vector["pfx"])
    assert fields["certId"] == key.cert_id
    legacy = fields["version"] == "5.0.0"
    digest = content_digest(fields, "utf-8", legacy_sha1=legacy)
    made = key.raw.sign(digest, padding.PKCS1v15(), hashes.SHA1()) if legacy else key.private.sign(digest)
    assert vector["expected_signature"] == base64.b64encode(made).decode()
    signed = {**fields, "signature": vector["expected_signature"]}
    assert rsa_is_authentic(signed, "utf-8", key.private.public, legacy_sha1=legacy)
    assert not rsa_is_authentic(signed, "utf-8", key.private.public, legacy_sha1=not legacy)
    if "form_body" in vector:
        assert vector["form_body"] == encode_form(fields, "UTF-8").decode()


@pytest.mark.parametrize(("name", "genuine"), VERIFIED.items())
def test_messages_are_believed_or_not_as_published(name: str, *, genuine: bool) -> None:
    """Six that UnionPay signed; an amount, a line end in the certificate and an own parameter spoil three."""
    vector = sample("response_verify", name)
    fields = vector["params"]
    assert vector["canonical"] == canonical(fields)
    assert genuine == is_believed(fields)
    assert vector["sha256_hex"] == content_digest(fields, "utf-8").decode()


def test_a_signature_over_the_content_itself_is_no_signature() -> None:
    """UnionPay hashes twice: who hashes once refuses every genuine message, and would sign none."""
    fields = sample("response_verify", "query-response-2022-09-11")["params"]
    key = signers().find(fields["signPubKeyCert"], sent_at(fields))
    assert not isinstance(key, str)
    signature = base64.b64decode(fields["signature"])
    assert not key.verify(canonical(fields).encode(), signature)
    assert key.verify(content_digest(fields, "utf-8"), signature)


@pytest.mark.parametrize("name", ["sync-query-2024-01-05", "sync-undo-31-2024-01-05", "sync-refund-04-2024-01-05"])
def test_raw_replies_of_the_test_environment(name: str) -> None:
    """Not percent-encoded: ``+``, ``/``, ``=`` and the line ends of the certificate stand there as they are."""
    vector = sample("response_verify", name)
    fields = parse_reply(vector["raw_body"].encode(), "UTF-8")
    assert vector["params"] == fields
    assert is_believed(fields)


@pytest.mark.parametrize(
    ("name", "body"), [("notify-consume-2022-09-08", "form_body"), ("front-open-card-2017", "raw_body")]
)
def test_notices_are_decoded_exactly_once(name: str, body: str) -> None:
    """The form gives the fields that were signed, line ends included."""
    vector = sample("response_verify", name)
    fields = parse_notice(vector[body].encode())
    assert vector["params"] == fields
    assert "\r\n" in fields["signPubKeyCert"]
    assert is_believed(fields)


def test_an_own_parameter_of_the_address_is_taken_out_again() -> None:
    """What a framework merged into the form was never signed; with the address it is known and left out."""
    vector = sample("response_verify", "notify-extra-merchant-query-param")
    form = encode_form(vector["params"], "UTF-8")
    assert not is_believed(parse_notice(form))
    assert is_believed(parse_notice(form, "foo=bar"))


@pytest.mark.parametrize("name", ["py-parse", "braces", "outer-braces"])
def test_replies_are_parsed(name: str) -> None:
    """Brackets and braces hold their ``&``."""
    vector = sample("response_parse", name)
    assert vector["parsed"] == parse_reply(vector["raw_body"].encode(), "UTF-8")


@pytest.mark.parametrize(
    ("name", "field", "expected", "key"),
    [
        ("py-decrypt-phone", "ciphertext_b64", "phoneNo=18100000000", "playniuniu_acp_test_sign.pfx"),
        ("front-open-card", "value", "0048", "omnipay_acp_test_sign.pfx"),
        ("notify-accNo-2022", "ciphertext_b64", "6216***********0018", "yansongda_unipayAppCert.pfx"),
    ],
)
def test_sensitive_fields_are_decrypted(name: str, field: str, expected: str, key: str) -> None:
    """With the merchant's signing key; a former one is found among several."""
    vector = sample("decrypt", "front-open-accNo" if name == "front-open-card" else name)
    other = pfx("acpsample_acp_test_sign.pfx").raw
    assert expected == decrypt([other, pfx(key).raw], vector[field])


def test_customer_information_is_decrypted() -> None:
    """Its group is base64, and the phone number inside is encrypted once more."""
    vector = sample("decrypt", "front-open-customerInfo")
    keys = [pfx("omnipay_acp_test_sign.pfx").raw]
    assert read_customer_info(keys, vector["value"]) == {"phoneNo": "18100000000"}


def test_files_are_unpacked() -> None:
    """base64 of zlib, both ways."""
    vector = sample("decrypt", "py-fileContent")
    assert vector["plain"].encode() == unpack_file(vector["file_content"])
    assert vector["plain"].encode() == unpack_file(pack_file(vector["plain"].encode()))


def test_every_certificate_is_numbered_in_decimal() -> None:
    """A ``certId`` in hexadecimal is one of the commonest mistakes."""
    index = json.loads(vectors("unionpay", "certs_index.json").read_text("utf-8"))["certs"]
    assert len(index) == 23
    for entry in index:
        name = Path(entry["file"]).name
        certificate = pfx(name).certificate if name.endswith(".pfx") else parse_certificate(text_of(name))
        assert entry["cert_id_decimal"] == cert_id(certificate)


def test_a_merchants_certificate_of_the_same_authority_is_not_unionpays() -> None:
    """The published merchant certificates descend from the same middle and root: only the name tells them apart."""
    merchant, unionpay = (
        pfx("acpsample_acp_test_sign.pfx").certificate,
        parse_certificate(text_of("yansongda_unipayCertPublicKey.cer")),
    )
    then = datetime(2021, 1, 1, tzinfo=UTC)
    chain = signers().chains[0]
    assert chain.certifies(merchant, then)
    assert chain.certifies(unionpay, then)
    assert (owner(merchant), owner(unionpay)) == ("700000000000001:SIGN", UNIONPAY)
    from cryptography.hazmat.primitives.serialization import Encoding

    found = signers().find(merchant.public_bytes(Encoding.PEM).decode(), then)
    assert isinstance(found, str)
    assert "not UnionPay's" in found


def test_the_test_environments_name_counts_there_only() -> None:
    """``00040000:SIGN`` is how older test certificates name UnionPay; in production nobody is believed by it."""
    text = sample("response_verify", "front-open-card-2017")["params"]["signPubKeyCert"]
    then = datetime(2017, 10, 30, tzinfo=UTC)
    assert not isinstance(signers(test=True).find(text, then), str)
    assert isinstance(signers(test=False).find(text, then), str)


def test_production_authorities_certify_what_they_published() -> None:
    """The production chain, SHA-1 as well; the encryption certificate stands for UnionPay's leaf, not public."""
    chain = Chain(
        parse_certificate(text_of("acpsample_acp_prod_middle.cer")),
        parse_certificate(text_of("acpsample_acp_prod_root.cer")),
    )
    leaf = parse_certificate(text_of("acpsample_acp_prod_enc.cer"))
    assert chain.certifies(leaf, datetime(2022, 1, 1, tzinfo=UTC))
    assert not chain.certifies(leaf, datetime(2025, 1, 1, tzinfo=UTC))
    assert not signers().chains[0].certifies(leaf, datetime(2022, 1, 1, tzinfo=UTC))
