"""RSA keys as partners hand them out: read once, checked, then only used to sign and to verify.

A key comes as PEM (PKCS#1 or PKCS#8, encrypted or not), or as the bare base64 of the same bytes, which is how most
consoles show it. The DER inside tells the containers apart, so the words in the armour are not believed.

Checking that the numbers of a private key belong together takes some 40 ms; reading it without, 3 to 14 us. A process
that serves a thousand merchants checks each key when it is registered and then loads it with ``trusted=True``.

Python cannot wipe memory: a key lives as long as the object that holds it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import NoReturn, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from payport.sdk.errors import ConfigurationError

MIN_KEY_BITS = 2048
"""Shorter RSA keys are refused: NIST SP 800-131A and every partner ask for 2048 or more."""

UNREADABLE_CERTIFICATE = (ValueError, LookupError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
"""What the library raises for a certificate that it cannot read. Which of them depends on where it is damaged."""

_PADDING = padding.PKCS1v15()
_SHA256 = hashes.SHA256()
_SHA1 = hashes.SHA1()  # noqa: S303 - for OAEP, and to check what a partner's old systems signed; nothing signs with it

_OAEP = padding.OAEP(mgf=padding.MGF1(_SHA1), algorithm=_SHA1, label=None)
"""RFC 8017's default: its safety does not rest on collisions, so that SHA-1 does no harm here."""

_ARMOUR = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)
_MEND = "give PEM or the bare base64 of the same bytes, as the console or openssl wrote it"


class PublicKey:
    """The half of an RSA key that verifies. Two are equal when they are the same key, whatever they were read from."""

    __slots__ = ("_fingerprint", "_key")

    def __init__(self, key: rsa.RSAPublicKey, *, name: str = "public key") -> None:
        """Wrap a parsed key. Raises :class:`ConfigurationError` when it is shorter than 2048 bits."""
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self._key = key
        self._fingerprint = hashlib.sha256(spki).hexdigest()
        _long_enough(key.key_size, name)

    @classmethod
    def load(cls, text: str, *, name: str = "public key") -> Self:
        """Read a public key or the key of a certificate.

        ``text``: PEM (SubjectPublicKeyInfo, PKCS#1, or an X.509 certificate: the first one counts), or bare base64 of
        either kind of key. ``name``: what messages call it. Raises :class:`ConfigurationError`.
        """
        found = _read_public(text)
        del text  # it may be a private key by mistake, and a traceback shows what a frame holds
        if isinstance(found, str):
            raise ConfigurationError(f"{name}: {found}")
        return cls(found, name=name)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER SubjectPublicKeyInfo (RFC 5280), 64 hexadecimal digits: names the key, tells nothing."""
        return self._fingerprint

    @property
    def bits(self) -> int:
        """The length of the modulus."""
        return self._key.key_size

    def verify(self, message: bytes, signature: bytes, *, legacy_sha1: bool = False) -> bool:
        """Whether ``signature`` is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017) over ``message``. Never raises.

        ``legacy_sha1``: SHA-1 instead, for old records only; the caller decides, never the message.
        """
        try:
            self._key.verify(signature, message, _PADDING, _SHA1 if legacy_sha1 else _SHA256)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            return False
        return True

    def encrypt(self, message: bytes) -> bytes:
        """RSAES-OAEP with SHA-1 (RFC 8017's default): another ciphertext each time, for the key's owner alone.

        Raises ``ValueError`` for more than the key can carry: 214 bytes for 2048 bits.
        """
        if len(message) > self.bits // 8 - 42:
            raise ValueError(f"a key of {self.bits} bits carries at most {self.bits // 8 - 42} bytes")
        return self._key.encrypt(message, _OAEP)

    def pem(self) -> str:
        """The key as PEM SubjectPublicKeyInfo."""
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode("ascii")

    def __eq__(self, other: object) -> bool:
        """Same key."""
        return self._fingerprint == other.fingerprint if isinstance(other, PublicKey) else NotImplemented

    def __hash__(self) -> int:
        """By fingerprint."""
        return hash(self._fingerprint)

    def __repr__(self) -> str:
        """The fingerprint's beginning, enough to tell keys apart in a log."""
        return f"PublicKey({self._fingerprint[:16]}, {self.bits} bits)"


class PrivateKey:
    """The half of an RSA key that signs. Shows nothing of itself, and refuses to be copied or pickled."""

    __slots__ = ("_key", "_public")

    def __init__(self, key: rsa.RSAPrivateKey, *, name: str = "private key") -> None:
        """Wrap a parsed key. Raises :class:`ConfigurationError` when it is shorter than 2048 bits."""
        self._key = key
        self._public: PublicKey | None = None
        _long_enough(key.key_size, name)

    @classmethod
    def load(cls, text: str, *, password: str | None = None, trusted: bool = False, name: str = "private key") -> Self:
        """Read a private key.

        ``text``: PEM PKCS#1 or PKCS#8, or bare base64 of either. ``password``: of an encrypted PEM. ``trusted``: skip
        the 40 ms check that the key's numbers belong together, because this very text passed it before, when it was
        registered; never for text of unknown origin. ``name``: what messages call it.

        Raises :class:`ConfigurationError`, which says what is wrong and shows nothing of the key.
        """
        found = _read_private(text, password, trusted=trusted)
        del text, password  # a traceback shows what a frame holds
        if isinstance(found, str):
            raise ConfigurationError(f"{name}: {found}")
        return cls(found, name=name)

    @property
    def public(self) -> PublicKey:
        """The other half."""
        if self._public is None:
            self._public = PublicKey(self._key.public_key())
        return self._public

    def sign(self, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017) over ``message``. 0.7 ms for 2048 bits, without the GIL."""
        return self._key.sign(message, _PADDING, _SHA256)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """What :meth:`PublicKey.encrypt` hid. Raises ``ValueError`` for anything else, and does not say why."""
        try:
            return self._key.decrypt(ciphertext, _OAEP)
        except ValueError:
            raise ValueError("cannot be decrypted with this key") from None

    def __repr__(self) -> str:
        """Nothing of the key."""
        return f"PrivateKey(***, {self._key.key_size} bits)"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("a private key is neither pickled nor copied; load it where it is needed")


def _long_enough(bits: int, name: str) -> None:
    if bits < MIN_KEY_BITS:
        raise ConfigurationError(f"{name}: {bits} bits, at least {MIN_KEY_BITS} are needed; make or ask for a new one")


# The readers below answer a key or, as text, what is wrong. They do not raise: an error's traceback would keep their
# frames, and with them the key text.


def _read_public(text: str) -> rsa.RSAPublicKey | str:
    label, der = _unarmour(text)
    if "PRIVATE" in label:
        return "this is a private key; give the partner's public key or certificate"
    if not der:
        return f"empty, or neither PEM nor base64; {_MEND}"
    try:
        key = _certified(der) if label == "CERTIFICATE" else serialization.load_der_public_key(der)
    except UNREADABLE_CERTIFICATE:
        return f"not a public key or certificate; {_MEND}"
    return key if isinstance(key, rsa.RSAPublicKey) else "not an RSA key; give the RSA key (RSA2)"


def _certified(der: bytes) -> object:
    return x509.load_der_x509_certificate(der).public_key()


def _read_private(text: str, password: str | None, *, trusted: bool) -> rsa.RSAPrivateKey | str:
    label, der = _unarmour(text)
    if label == "CERTIFICATE" or "PUBLIC" in label:
        return "this is public, it cannot sign; give the private key that belongs to it"
    encrypted = "ENCRYPTED" in label or "Proc-Type:" in text
    if encrypted and not password:
        return "encrypted; give its password"
    if not encrypted and password:
        return "a password was given, but the key is not encrypted; leave the password out"
    if not encrypted and not der:
        return f"empty, or neither PEM nor base64; {_MEND}"
    try:
        key = (
            serialization.load_pem_private_key(
                _lines(text).encode(), (password or "").encode(), unsafe_skip_rsa_key_validation=trusted
            )
            if encrypted
            else serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=trusted)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        wrong = "wrong password, or damaged" if encrypted else "not a private key, or its numbers do not fit together"
        return f"cannot be read: {wrong}; {_MEND}"
    return key if isinstance(key, rsa.RSAPrivateKey) else "not an RSA key; make an RSA key of 2048 bits or more"


def _lines(text: str) -> str:
    r"""Settings often carry line ends as ``\n`` in two characters, which are in no base64 alphabet."""
    return text.replace("\\n", "\n").strip()


def _unarmour(text: str) -> tuple[str, bytes]:
    """The armour's label (none for bare base64) and the bytes inside, none when they are not base64."""
    text = _lines(text)
    armour = _ARMOUR.search(text)
    label, body = (armour[1], armour[2]) if armour else ("", text)
    try:
        return label, base64.b64decode("".join(body.split()), validate=True)
    except ValueError:
        return label, b""
