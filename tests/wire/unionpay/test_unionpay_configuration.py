"""What can never work fails when it is built: the message says what is wrong, how to mend it, and shows no secret."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.rsa_keys import raw_key
from tests.wire.unionpay.stage import (
    MERCHANT,
    SINCE,
    UNTIL,
    account,
    certificate,
    leaf,
    merchant_key,
    merchant_leaf,
    middle,
    pem,
    pfx,
    private_pem,
    root,
)

from payport.adapters.unionpay import (
    PRODUCTION_URL,
    TEST_URL,
    Acquirer,
    SubMerchant,
    UnionPay,
    UnionPayAccount,
    UnionPayAuthority,
    UnionPayKey,
)
from payport.sdk import ConfigurationError
from payport.sdk.secrets import Secret
from payport.sdk.settings import AccountTable

EXPIRED = certificate(
    f"041@x@{MERCHANT}:SIGN@1", "middle", of="merchant", by="middle", days=(SINCE, datetime(2024, 1, 1, tzinfo=UTC))
)
KEYED = account(key=None, authorities=(), secret_key=Secret("88888888"), sign_method="11")


def built(key: UnionPayKey) -> UnionPay:
    """The adapter with this key."""
    return UnionPay(account(key=key))


def key_of(private: str, found: str) -> UnionPayKey:
    """Two PEM texts."""
    return UnionPayKey(private_key=Secret(private), certificate=found)


def elliptic(*, certified: bool) -> str:
    """A key, or certificate, of a kind that UnionPay does not use."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    if not certified:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    name = merchant_leaf().subject
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(5).not_valid_before(SINCE).not_valid_after(UNTIL).sign(key, hashes.SHA256())
    return pem(made)


def empty_pfx() -> bytes:
    """A PKCS#12 file with a certificate and no key."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    return pkcs12.serialize_key_and_certificates(None, None, None, [merchant_leaf()], BestAvailableEncryption(b"1"))


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "a short merchant number": (
        lambda: account(mer_id="7772"),
        "mer_id must be .* 15 characters, got 4 characters that begin with '7772'",
    ),
    "no key": (lambda: account(key=None), "sign_method 01 signs with a certificate: give key"),
    "a key and a shared key": (lambda: account(secret_key=Secret("k")), "give key, and no secret_key"),
    "no authorities": (lambda: account(authorities=()), "authorities: give UnionPay's middle and root"),
    "a method nobody knows": (lambda: account(sign_method="02"), r"sign_method must be 01 \(RSA\), 11"),
    "a shared key method with a certificate": (lambda: account(sign_method="11"), "sign_method 11 signs with secret"),
    "another encoding": (lambda: account(encoding="latin-1"), "encoding must be UTF-8 or GBK"),
    "plain http": (lambda: account(gateway_url="http://gateway.95516.com/gateway/api/"), "plain http would show"),
    "no slash at the end": (lambda: account(gateway_url="https://gateway.95516.com/api"), "ends with a slash"),
    "a wrong file host": (lambda: account(files_url="ftp://files/"), "files_url must be an https URL"),
    "a relative notify address": (lambda: account(notify_url="/notify"), "notify_url must be an absolute"),
    "a long return address": (lambda: account(return_url="https://a/" + "b" * 250), "at most 256 characters"),
    "half a key": (lambda: UnionPayKey(private_key=Secret("k")), "either as pfx .* or as private_key and certificate"),
    "both kinds of key": (lambda: replace(merchant_key(), pfx=Secret("x")), "either as pfx"),
    "a pfx without its password": (lambda: UnionPayKey(pfx=Secret("x")), "pfx: give the password"),
    "a pfx that is no base64": (
        lambda: built(UnionPayKey(pfx=Secret("é"), password=Secret("1"))),
        "base64 of the file",
    ),
    "a pfx that is none": (lambda: built(UnionPayKey.from_pfx(b"no", Secret("1"))), "wrong password, or not a PKCS#12"),
    "a wrong password": (lambda: built(UnionPayKey.from_pfx(pfx(), Secret("999999"))), "key.pfx cannot be opened"),
    "no private key": (lambda: built(key_of("nonsense", pem(merchant_leaf()))), "key.private_key cannot be read"),
    "a pfx without a key": (lambda: built(UnionPayKey.from_pfx(empty_pfx(), Secret("1"))), "holds no RSA key with"),
    "an elliptic key": (
        lambda: built(key_of(elliptic(certified=False), pem(merchant_leaf()))),
        "key.private_key is not an RSA key",
    ),
    "an elliptic certificate": (
        lambda: built(key_of(private_pem(), elliptic(certified=True))),
        "key: its key is not an RSA key",
    ),
    "no certificate": (lambda: built(key_of(private_pem(), "nonsense")), "key.certificate: not an X.509 .* .cer file"),
    "a certificate of another key": (
        lambda: built(key_of(private_pem("other"), pem(merchant_leaf()))),
        "the certificate does not belong to the private key; export both",
    ),
    "UnionPay's certificate as the merchant's": (
        lambda: built(key_of(private_pem("unionpay"), pem(leaf()))),
        "this certificate is UnionPay's own",
    ),
    "an expired certificate": (lambda: built(key_of(private_pem(), pem(EXPIRED))), r"expired on 2024-01-01: renew it"),
    "no authority's certificate": (
        lambda: UnionPay(account(authorities=(UnionPayAuthority(middle="x", root=pem(root())),))),
        r"authorities\[0\].middle: not an X.509",
    ),
    "no encryption certificate": (
        lambda: UnionPay(account(encryption_certificate="x")),
        "encryption_certificate: not an X.509",
    ),
    "a former key that is none": (
        lambda: UnionPay(account(former_keys=(key_of("x", pem(merchant_leaf())),))),
        r"former_keys\[0\].private_key cannot be read",
    ),
}


@pytest.mark.parametrize(("build", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_work_is_refused_at_once(build: Callable[[], object], message: str) -> None:
    """With what is wrong and how to mend it."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        build()
    for secret in ("BEGIN PRIVATE", "999999", base64.b64encode(pfx()).decode()[:40]):
        assert secret not in str(caught.value)


def test_a_pfx_is_as_good_as_pem() -> None:
    """The same key, the same certificate, the same certId: in decimal."""
    by_pfx = UnionPay(account(key=UnionPayKey.from_pfx(pfx(), Secret("000000")))).keys.signing
    by_pem = UnionPay(account()).keys.signing
    assert by_pfx is not None
    assert by_pem is not None
    assert by_pfx.cert_id == by_pem.cert_id == "69903319369"
    assert by_pfx.private.public == by_pem.private.public


def test_an_encrypted_pem_opens_with_its_password() -> None:
    """And not without."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    text = raw_key("merchant").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw")).decode()
    locked = key_of(text, pem(merchant_leaf()))
    assert built(replace(locked, password=Secret("pw"))).keys.signing is not None
    with pytest.raises(ConfigurationError, match="wrong password"):
        built(locked)


def test_nothing_is_shown() -> None:
    """Neither keys nor passwords stand in a repr."""
    shown = repr([account(), KEYED, UnionPay(account()), UnionPay(account()).keys, merchant_key()])
    for secret in ("PRIVATE", "88888888", "000000", private_pem()[100:140]):
        assert secret not in shown


def test_the_environment_follows_from_the_address() -> None:
    """Whatever is not production is play money, and the file host belongs to the gateway."""
    live, test = account(gateway_url=PRODUCTION_URL), account(gateway_url=TEST_URL)
    assert (live.sandbox, test.sandbox, account().sandbox) == (False, True, True)
    assert live.hosts == {"gateway.95516.com", "filedownload.95516.com"}
    assert test.hosts == {"gateway.test.95516.com", "filedownload.test.95516.com"}
    assert account(files_url="https://files.example/").hosts == {"gateway.example", "files.example"}
    assert UnionPay(live).profile.hosts == live.hosts


def test_the_account_is_named_by_its_merchant_number() -> None:
    """For years, in every journal."""
    assert UnionPay(account()).account == f"unionpay:{MERCHANT}"
    assert repr(UnionPay(account())) == f"UnionPay(unionpay:{MERCHANT})"


TABLE: dict[str, str | Secret] = {
    "mer_id": MERCHANT,
    "private_key": Secret(private_pem()),
    "certificate": pem(merchant_leaf()),
    "middle_cert": pem(middle()),
    "root_cert": pem(root()),
    "notify_url": "https://shop.example/notify",
    "gateway_url": TEST_URL,
}


def test_settings_build_the_account() -> None:
    """From ``payport.toml``, with one key for each thing."""
    found = UnionPay.from_settings("shop", AccountTable(TABLE)).config
    assert (found.mer_id, found.sign_method, found.encoding, len(found.authorities)) == (MERCHANT, "01", "UTF-8", 1)
    more = AccountTable(
        {
            **{name: value for name, value in TABLE.items() if name not in ("private_key", "certificate")},
            "pfx": Secret(base64.b64encode(pfx()).decode()),
            "password": Secret("000000"),
            "former_private_key": Secret(private_pem()),
            "former_certificate": pem(EXPIRED),
            "next_middle_cert": pem(middle("middle 2", "root 2")),
            "next_root_cert": pem(root("root 2")),
            "encryption_cert": pem(leaf("041@Z12@00040000:SIGN@5", "unionpay encryption")),
            "encoding": "GBK",
            "term_id": "01080209",
            "return_url": "https://shop.example/back",
            "files_url": "https://files.example/",
        }
    )
    adapter = UnionPay.from_settings("shop", more)
    assert (len(adapter.config.authorities), len(adapter.config.former_keys)) == (2, 1)
    assert len(adapter.keys.decrypting) == 2
    assert adapter.keys.encryption is not None
    keyed = AccountTable({"mer_id": MERCHANT, "secret_key": Secret("88888888"), "sign_method": "12"})
    assert UnionPay.from_settings("shop", keyed).config.sign_method == "12"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mer_ID": "x"}, "mer_ID: unknown key; this partner takes"),
        ({"private_key": "written out"}, "private_key: is plain text; give a reference"),
        ({"next_middle_cert": "x"}, "next_root_cert: missing"),
    ],
)
def test_settings_say_what_is_wrong_with_them(change: dict[str, str], message: str) -> None:
    """By the key's name."""
    with pytest.raises(ConfigurationError, match=message):
        UnionPay.from_settings("shop", AccountTable({**TABLE, **change}))


def test_acquirers_and_platforms_say_for_whom_they_call() -> None:
    """``accessType`` 1 and 2 carry further fields."""
    from payport.adapters.unionpay.calls import institution

    assert institution(account()) == {"merId": MERCHANT, "accessType": "0"}
    acquirer = Acquirer(acq_ins_code="12345678", mer_cat_code="5411", mer_name="Tea House", mer_abbr="Tea")
    assert institution(account(acting_as=acquirer)) == {
        "merId": MERCHANT,
        "accessType": "1",
        "acqInsCode": "12345678",
        "merCatCode": "5411",
        "merName": "Tea House",
        "merAbbr": "Tea",
    }
    merchant = SubMerchant(sub_mer_id="1", sub_mer_name="Tea House", sub_mer_abbr="Tea")
    assert institution(account(acting_as=merchant))["accessType"] == "2"
    assert institution(account(acting_as=merchant))["subMerId"] == "1"


def test_importing_the_adapter_is_light() -> None:
    """No cryptography and no pydantic before the first account is built."""
    check = (
        "import sys, payport.adapters.unionpay; "
        "heavy = {'cryptography', 'pydantic', 'httpx', 'sqlalchemy', 'structlog', 'tenacity', 'asyncio'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_account_is_a_value() -> None:
    """Equal settings are equal accounts."""
    one: UnionPayAccount = account()
    assert one == account()
    assert hash(one.mer_id) == hash(account().mer_id)
