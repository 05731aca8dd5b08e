"""RSA keys: every container that consoles hand out, refusals that say how to mend it, and nothing shown."""

from __future__ import annotations

import base64
import copy
import pickle
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from tests.support.canaries import Watch
from tests.support.rsa_keys import bare, certificate, key, private_pem, raw_key

from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import SigningKey
from payport.sdk.keys import PrivateKey, PublicKey

PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
PKCS8 = serialization.PrivateFormat.PKCS8


def encrypted_pem(form: serialization.PrivateFormat) -> str:
    """Our key under the password ``swordfish``."""
    cipher = serialization.BestAvailableEncryption(b"swordfish")
    return raw_key("ours").private_bytes(serialization.Encoding.PEM, form, cipher).decode()


def public_pem(form: serialization.PublicFormat) -> str:
    """The public half of our key."""
    return raw_key("ours").public_key().public_bytes(serialization.Encoding.PEM, form).decode()


PRIVATE_TEXTS: dict[str, Callable[[], str]] = {
    "PEM PKCS#1": lambda: private_pem("ours", PKCS1),
    "PEM PKCS#8": lambda: private_pem("ours", PKCS8),
    "bare PKCS#1": lambda: bare(private_pem("ours", PKCS1)),
    "bare PKCS#8": lambda: bare(private_pem("ours", PKCS8)),
    "bare, on many lines": lambda: "\n ".join(private_pem("ours").splitlines()[1:-1]),
    "PEM on one line": lambda: private_pem("ours").replace("\n", " "),
    "PEM with backslash-n from an environment variable": lambda: private_pem("ours").replace("\n", "\\n"),
    "PKCS#8 in the armour of PKCS#1": lambda: private_pem("ours").replace("PRIVATE", "RSA PRIVATE"),
    "PEM after a comment": lambda: "Bag Attributes: none\r\n" + private_pem("ours"),
}

PUBLIC_TEXTS: dict[str, Callable[[], str]] = {
    "PEM SubjectPublicKeyInfo": lambda: public_pem(serialization.PublicFormat.SubjectPublicKeyInfo),
    "PEM PKCS#1": lambda: public_pem(serialization.PublicFormat.PKCS1),
    "bare SubjectPublicKeyInfo": lambda: bare(public_pem(serialization.PublicFormat.SubjectPublicKeyInfo)),
    "bare PKCS#1": lambda: bare(public_pem(serialization.PublicFormat.PKCS1)),
    "PEM certificate": lambda: certificate("Shop", "Root", signed_by="root", of="ours"),
    "what PublicKey.pem wrote": key("ours").public.pem,
}


@pytest.mark.parametrize("text", PRIVATE_TEXTS.values(), ids=PRIVATE_TEXTS.keys())
def test_a_private_key_is_read_from_any_container(text: Callable[[], str]) -> None:
    """Whatever the console or openssl wrote, it is the same key."""
    assert key("ours").public == PrivateKey.load(text()).public


@pytest.mark.parametrize("form", [PKCS1, PKCS8])
def test_an_encrypted_key_is_read_with_its_password(form: serialization.PrivateFormat) -> None:
    """Both ways in which openssl encrypts."""
    assert key("ours").public == PrivateKey.load(encrypted_pem(form), password="swordfish").public


@pytest.mark.parametrize("text", PUBLIC_TEXTS.values(), ids=PUBLIC_TEXTS.keys())
def test_a_public_key_is_read_from_any_container(text: Callable[[], str]) -> None:
    """Equality is by key, not by spelling; so is the hash."""
    assert key("ours").public == PublicKey.load(text())
    assert hash(key("ours").public) == hash(PublicKey.load(text()))


def ec_pem() -> str:
    """A private key of another kind."""
    made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(serialization.Encoding.PEM, PKCS8, serialization.NoEncryption()).decode()


def ec_public_pem() -> str:
    """A public key of another kind."""
    made = ec.generate_private_key(ec.SECP256R1()).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return made.public_bytes(serialization.Encoding.PEM, form).decode()


def short_pem() -> str:
    """1024 bits."""
    short = raw_key("short", 1024)
    return short.private_bytes(serialization.Encoding.PEM, PKCS8, serialization.NoEncryption()).decode()


def short_public_pem() -> str:
    """1024 bits."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return raw_key("short", 1024).public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def canary_text(watch: Watch) -> str:
    """A text that is no key, with a secret in it."""
    return watch["private_key"] + "!"


BAD_PRIVATE: dict[str, tuple[Callable[[Watch], str], str | None, str]] = {
    "empty": (lambda _: "", None, "empty"),
    "blank": (lambda _: " \n", None, "empty"),
    "not base64": (canary_text, None, "neither PEM nor base64"),
    "base64 of nothing": (lambda w: base64.b64encode(w["private_key"].encode()).decode(), None, "not a private key"),
    "a public key": (lambda _: key("ours").public.pem(), None, "it cannot sign"),
    "a certificate": (lambda _: certificate("a", "b", signed_by="root", of="ours"), None, "it cannot sign"),
    "another kind": (lambda _: ec_pem(), None, "not an RSA key"),
    "too short": (lambda _: short_pem(), None, "1024 bits"),
    "encrypted, no password": (lambda _: encrypted_pem(PKCS8), None, "give its password"),
    "encrypted in PKCS#1, no password": (lambda _: encrypted_pem(PKCS1), None, "give its password"),
    "encrypted, wrong password": (lambda _: encrypted_pem(PKCS8), "marlin", "wrong password"),
    "plain, needless password": (lambda _: private_pem("ours"), "marlin", "leave the password out"),
    "cut short": (lambda _: bare(private_pem("ours"))[:-400], None, "not a private key"),
}


@pytest.mark.parametrize(("text", "password", "says"), BAD_PRIVATE.values(), ids=BAD_PRIVATE.keys())
def test_a_bad_private_key_is_refused_with_what_to_do(
    text: Callable[[Watch], str], password: str | None, says: str, canaries: Watch
) -> None:
    """The message names the setting and the trouble; neither it nor the traceback's frames show key text."""
    canaries.values["key text"] = bare(text(canaries))[40:90] or "never"
    with pytest.raises(ConfigurationError, match=says) as caught:
        PrivateKey.load(text(canaries), password=password, name="application key")
    assert "key" in str(caught.value)
    canaries.look_at(caught.value)


BAD_PUBLIC: dict[str, tuple[Callable[[Watch], str], str]] = {
    "empty": (lambda _: "", "empty"),
    "not base64": (canary_text, "neither PEM nor base64"),
    "base64 of nothing": (lambda _: "aGVsbG8=", "not a public key"),
    "damaged certificate": (
        lambda _: "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----",
        "not a public key",
    ),
    "a private key": (lambda _: private_pem("ours"), "this is a private key"),
    "another kind": (lambda _: ec_public_pem(), "not an RSA key"),
    "too short": (lambda _: short_public_pem(), "1024 bits"),
}


@pytest.mark.parametrize(("text", "says"), BAD_PUBLIC.values(), ids=BAD_PUBLIC.keys())
def test_a_bad_public_key_is_refused_with_what_to_do(text: Callable[[Watch], str], says: str, canaries: Watch) -> None:
    """A private key pasted in its place is not shown either."""
    canaries.values["key text"] = bare(text(canaries))[40:90] or "never"
    with pytest.raises(ConfigurationError, match=says) as caught:
        PublicKey.load(text(canaries), name="Alipay public key")
    canaries.look_at(caught.value)


def broken_numbers() -> str:
    """A private key whose numbers do not belong together: the private exponent of another key."""
    ours, other = raw_key("ours").private_numbers(), raw_key("other").private_numbers()
    mixed = rsa.RSAPrivateNumbers(
        ours.p, ours.q, other.d, ours.dmp1, ours.dmq1, ours.iqmp, ours.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    return mixed.private_bytes(serialization.Encoding.PEM, PKCS8, serialization.NoEncryption()).decode()


def test_numbers_that_do_not_belong_together_are_found() -> None:
    """The check that costs 40 ms; ``trusted`` skips exactly this and nothing else."""
    with pytest.raises(ConfigurationError, match="do not fit together"):
        PrivateKey.load(broken_numbers())
    assert key("ours").public == PrivateKey.load(broken_numbers(), trusted=True).public
    with pytest.raises(ConfigurationError, match="1024 bits"):
        PrivateKey.load(short_pem(), trusted=True)


def test_a_trusted_key_loads_some_thousand_times_faster() -> None:
    """A thousand merchants' keys, checked when registered, cost less to load than ten checks."""
    text = bare(private_pem("ours"))
    started_s = time.process_time()
    for _ in range(10):
        PrivateKey.load(text)
    checked_s = time.process_time() - started_s
    for _ in range(1000):
        PrivateKey.load(text, trusted=True)
    assert time.process_time() - started_s - checked_s < checked_s


def test_a_signature_is_pkcs1_v15_with_sha256() -> None:
    """RFC 8017, section 8.2, as the ``cryptography`` library checks it. The key fits the port's effect."""
    signer: SigningKey = key("ours")
    raw_key("ours").public_key().verify(signer.sign(b"tea"), b"tea", padding.PKCS1v15(), hashes.SHA256())


def test_verify_tells_and_never_raises() -> None:
    """Wrong key, wrong message, junk of any length: just ``False``."""
    signature = key("ours").sign(b"tea")
    assert key("ours").public.verify(b"tea", signature)
    assert not key("ours").public.verify(b"Tea", signature)
    assert not key("other").public.verify(b"tea", signature)
    for junk in (b"", b"\0", signature[:-1], signature + b"\0", b"\xff" * 256, b"\xff" * 100_000):
        assert not key("ours").public.verify(b"tea", junk)


def test_sha1_is_accepted_only_when_the_caller_says_so() -> None:
    """Old records can be checked; nothing in a message can ask for it."""
    signature = raw_key("ours").sign(b"tea", padding.PKCS1v15(), hashes.SHA1())
    assert not key("ours").public.verify(b"tea", signature)
    assert key("ours").public.verify(b"tea", signature, legacy_sha1=True)


def test_your_own_key_configured_as_the_partners_can_be_told() -> None:
    """The commonest mistake at the console: requests work, every verification fails. Comparing keys finds it."""
    configured = PublicKey.load(bare(key("ours").public.pem()))
    assert configured == key("ours").public
    assert key("other").public != key("ours").public
    assert key("ours").public != "a text"


def test_a_private_key_shows_nothing() -> None:
    """Not in repr, str or format."""
    assert "PrivateKey(***, 2048 bits)" == repr(key("ours")) == str(key("ours")) == f"{key('ours')}"
    assert f"PublicKey({key('ours').public.fingerprint[:16]}, 2048 bits)" == repr(key("ours").public)


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_private_key_is_neither_pickled_nor_copied(leak: Callable[[object], object]) -> None:
    """It cannot slip into a cache, a queue or another process."""
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        leak(key("ours"))
    assert not hasattr(key("ours"), "__dict__")


def test_what_is_encrypted_for_a_key_is_read_with_its_other_half() -> None:
    """RSAES-OAEP: up to 214 bytes, another ciphertext each time; what does not fit is refused, not cut."""
    ours, theirs = key("ours"), key("theirs")
    for message in (b"", "李雷".encode(), b"x" * 214):
        first, second = ours.public.encrypt(message), ours.public.encrypt(message)
        assert first != second
        assert message == ours.decrypt(first) == ours.decrypt(second)
    with pytest.raises(ValueError, match="at most 214 bytes"):
        ours.public.encrypt(b"x" * 215)
    for broken in (b"", b"1234", first[:-1], first[:-1] + bytes([first[-1] ^ 1])):
        with pytest.raises(ValueError, match="cannot be decrypted"):
            ours.decrypt(broken)
    with pytest.raises(ValueError, match="cannot be decrypted"):
        theirs.decrypt(first)
