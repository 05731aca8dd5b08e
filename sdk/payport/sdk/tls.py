"""TLS as partners need it: at least 1.2, always verified, with client certificates, pins and revocation lists.

There is no switch that turns verification off. Contexts are built once per setting and shared by the process: building
one costs 20 ms. What Python's ``ssl`` cannot do and this module therefore does not: OCSP.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from payport.sdk.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """Who we are in mutual TLS.

    ``chain_file``: PEM, our certificate first. ``key_file``: PEM, the private key; ``None`` when it stands in
    ``chain_file``. ``password``: of the key; a callable (``secret.reveal``) is asked when the context is built.
    """

    chain_file: str
    key_file: str | None = None
    password: str | Callable[[], str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom to believe, and how to prove who we are.

    ``ca_file``, ``ca_data``: PEM certificates of the authorities to trust instead of Mozilla's list (package certifi;
    not the system's store, which environment variables can redirect). ``pins``: base64 of the SHA-256 of the server
    certificate's SubjectPublicKeyInfo (RFC 7469 section 2.4); one match is enough, so list the current key and the
    next. ``crl_file``: PEM revocation lists of the issuers; then a certificate without a current list is refused.
    ``loopback_plaintext``: plain http to listed loopback addresses, for tests.

    Raises :class:`payport.sdk.errors.ConfigurationError` for a malformed pin or two sources of authorities.
    """

    ca_file: str | None = None
    ca_data: str | None = field(default=None, repr=False)
    client_certificate: ClientCertificate | None = None
    pins: frozenset[str] = frozenset()
    crl_file: str | None = None
    loopback_plaintext: bool = False

    def __post_init__(self) -> None:
        if self.ca_file is not None and self.ca_data is not None:
            raise ConfigurationError("ca_file and ca_data are both set; give one")
        for pin in self.pins:
            _check_pin(pin)


def context(trust: Trust, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """The context for ``trust``: built once, then shared. Safe to call from any thread.

    ``protocols``: what is offered by ALPN; nobody may set that later, since other threads open connections meanwhile.
    Files are read the first time only; a renewed file counts after a restart. Raises
    :class:`payport.sdk.errors.ConfigurationError` naming the file that is wrong and how to mend it.
    """
    return _contexts.get(trust, protocols)


class _Contexts:
    """Built contexts by their settings."""

    def __init__(self) -> None:
        self._built: dict[tuple[Trust, tuple[str, ...]], ssl.SSLContext] = {}
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        # Another thread may have held it at the fork; that thread does not exist in the child.
        self._lock = threading.Lock()

    def get(self, trust: Trust, protocols: tuple[str, ...]) -> ssl.SSLContext:
        built = self._built.get((trust, protocols))
        if built is not None:
            return built
        with self._lock:
            built = self._built.get((trust, protocols))
            if built is None:
                built = self._built[trust, protocols] = _build(trust, protocols)
            return built


_contexts = _Contexts()


class _PinningContext(ssl.SSLContext):
    """Checks the server's key inside the handshake: with a wrong key not one byte of a request leaves."""

    pins: frozenset[str] = frozenset()

    def check(self, certificate: bytes | None) -> None:
        if self.pins and spki_pin(certificate or b"") not in self.pins:
            raise ssl.SSLCertVerificationError("the server's key matches no pin")


class _PinningSocket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the standard library's signature
        super().do_handshake(block)
        if isinstance(self.context, _PinningContext):
            self.context.check(self.getpeercert(binary_form=True))


class _PinningObject(ssl.SSLObject):
    def do_handshake(self) -> None:
        super().do_handshake()
        if isinstance(self.context, _PinningContext):
            self.context.check(self.getpeercert(binary_form=True))


_PinningContext.sslsocket_class = _PinningSocket
_PinningContext.sslobject_class = _PinningObject


def spki_pin(certificate: bytes) -> str:
    """The pin of a DER certificate: base64 of the SHA-256 of its SubjectPublicKeyInfo (RFC 7469 section 2.4)."""
    from cryptography import x509  # noqa: PLC0415 - needed only where pins are set
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as above

    key = x509.load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode("ascii")


def usual_authorities() -> str:
    """PEM of the usual authorities (Mozilla's list, package certifi), for certificates that sign messages."""
    from certifi import contents  # noqa: PLC0415 - not needed with authorities of one's own

    return contents()


def _check_pin(pin: str) -> None:
    try:
        size = len(base64.b64decode(pin, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size != hashlib.sha256().digest_size:
        raise ConfigurationError(
            f"pin {pin!r} is not the base64 of a SHA-256 (44 characters); make one with: openssl x509 -in server.pem "
            "-pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64"
        )


def _build(trust: Trust, protocols: tuple[str, ...]) -> ssl.SSLContext:
    # create_default_context would honour SSLKEYLOGFILE, which writes every session key to a file.
    built = _PinningContext(ssl.PROTOCOL_TLS_CLIENT)
    built.pins = trust.pins
    built.minimum_version = ssl.TLSVersion.TLSv1_2
    built.verify_flags |= ssl.VERIFY_X509_STRICT
    if built.security_level < 2:  # pragma: no cover - some systems' OpenSSL: level 2 refuses SHA-1 and 1024-bit keys
        built.set_ciphers("DEFAULT:@SECLEVEL=2")
    if protocols:
        built.set_alpn_protocols(protocols)
    _load_authorities(built, trust)
    if trust.crl_file is not None:
        _load_crl(built, trust.crl_file)
    if trust.client_certificate is not None:
        _load_client(built, trust.client_certificate)
    return built


def _load_authorities(built: ssl.SSLContext, trust: Trust) -> None:
    source = "ca_data" if trust.ca_data is not None else f"ca_file {trust.ca_file}"
    try:
        if trust.ca_data is not None:
            built.load_verify_locations(cadata=trust.ca_data)
        elif trust.ca_file is not None:
            built.load_verify_locations(cafile=trust.ca_file)
        else:
            from certifi import where  # noqa: PLC0415 - not needed with authorities of one's own

            built.load_verify_locations(cafile=where())
    except OSError as error:
        raise ConfigurationError(f"{source} cannot be read as PEM certificates: {_words(error)}") from None


def _load_crl(built: ssl.SSLContext, crl_file: str) -> None:
    try:
        built.load_verify_locations(cafile=crl_file)
    except OSError as error:
        raise ConfigurationError(
            f"crl_file {crl_file} cannot be read as PEM revocation lists: {_words(error)}"
        ) from None
    built.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _load_client(built: ssl.SSLContext, client: ClientCertificate) -> None:
    _check_validity(client.chain_file)
    password = client.password() if callable(client.password) else client.password
    key_file = client.key_file or client.chain_file
    try:
        # An empty answer fails; without any, OpenSSL would ask on the terminal.
        built.load_cert_chain(client.chain_file, client.key_file, password=password or "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            wrong = f"key_file {key_file} does not belong to the certificate in {client.chain_file}; give its own"
        else:
            wrong = (
                f"key_file {key_file} cannot be read: it is not a PEM private key, or its password is missing or wrong"
            )
        raise ConfigurationError(wrong) from None
    except OSError as error:
        raise ConfigurationError(f"key_file {key_file} cannot be read: {_words(error)}") from None
    except ValueError:
        raise ConfigurationError(f"the password of {key_file} is longer than OpenSSL takes (1023 bytes)") from None


def _check_validity(chain_file: str) -> None:
    from cryptography import x509  # noqa: PLC0415 - needed only for mutual TLS

    from payport.sdk.keys import UNREADABLE_CERTIFICATE  # noqa: PLC0415 - as above

    try:
        certificate = x509.load_pem_x509_certificate(Path(chain_file).read_bytes())
    except OSError as error:
        raise ConfigurationError(f"chain_file {chain_file} cannot be read: {_words(error)}") from None
    except UNREADABLE_CERTIFICATE:
        raise ConfigurationError(f"chain_file {chain_file} holds no PEM certificate") from None
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        end = certificate.not_valid_after_utc
        raise ConfigurationError(f"the client certificate in {chain_file} expired on {end:%Y-%m-%d}; ask for a new one")
    if now < certificate.not_valid_before_utc:
        start = certificate.not_valid_before_utc
        raise ConfigurationError(
            f"the client certificate in {chain_file} is valid from {start:%Y-%m-%d %H:%M} UTC only; "
            "check this machine's clock, or use the old one until then"
        )


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "it holds none" if error.reason in (None, "NO_CERTIFICATE_OR_CRL_FOUND") else str(error.reason)
    return error.strerror or type(error).__name__
