"""RSA keys and certificates for tests: made here, once a process each, and published nowhere."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from payport.sdk.keys import PrivateKey

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@cache
def raw_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of the ``cryptography`` library, the same one for the same ``name``."""
    return rsa.generate_private_key(65537, bits)


@cache
def key(name: str) -> PrivateKey:
    """A key of 2048 bits, the same one for the same ``name``."""
    return PrivateKey(raw_key(name))


def private_pem(name: str, form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> str:
    """A private key as unencrypted PEM."""
    plain = serialization.NoEncryption()
    return raw_key(name).private_bytes(serialization.Encoding.PEM, form, plain).decode()


def bare(pem: str) -> str:
    """The base64 of a PEM without armour and line ends, as consoles show it."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def certificate(
    subject: str,
    issuer: str,
    *,
    signed_by: str,
    of: str,
    days: tuple[datetime, datetime] = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)),
    extensions: tuple[x509.ExtensionType, ...] = (),
    digest: hashes.SHA256 | hashes.SHA512 | hashes.SHA224 = hashes.SHA256(),  # noqa: B008 - holds no state
    serial: int = 7,
) -> str:
    """The PEM certificate of the key named ``of``, signed by the key named ``signed_by``."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(raw_key(of).public_key())
        .serial_number(serial)
        .not_valid_before(days[0])
        .not_valid_after(days[1])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    made = builder.sign(raw_key(signed_by), digest)
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
