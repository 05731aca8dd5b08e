"""Settings of TLS: contexts are shared, and what cannot work is said at once."""

from __future__ import annotations

import base64
import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.certificates import Authority

from payport.sdk.errors import ConfigurationError
from payport.sdk.tls import ClientCertificate, Trust, context, spki_pin

OF_NO_VERSION = Path(__file__).parents[2] / "corpus/public-key/version-66.pem"
"""A certificate that says it is of version 66."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_context_is_built_once_for_equal_settings(authority: Authority) -> None:
    """Sixteen threads that ask at once get the same one."""
    with ThreadPoolExecutor(16) as threads:
        built = list(threads.map(context, [Trust(ca_file=authority.ca_file) for _ in range(64)]))
    assert len({id(one) for one in built}) == 1
    assert context(Trust(ca_data=Path(authority.ca_file).read_text())) is not built[0]


@pytest.mark.parametrize("protocols", [("http/1.1",), ()])
def test_each_protocol_has_a_context_of_its_own(protocols: tuple[str, ...], authority: Authority) -> None:
    """What HTTP offers is not offered to a mail server or a database that trusts the same authority."""
    trust, to_server = Trust(ca_file=authority.ca_file), ssl.MemoryBIO()
    client = context(trust, protocols).wrap_bio(ssl.MemoryBIO(), to_server, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    assert (b"\x08http/1.1" in to_server.read()) is bool(protocols)


def test_a_context_verifies_strictly(authority: Authority) -> None:
    """At least TLS 1.2, names checked, RFC 5280 to the letter, no short keys."""
    built = context(Trust(ca_file=authority.ca_file))
    assert ssl.TLSVersion.TLSv1_2 == built.minimum_version
    assert built.verify_mode == ssl.CERT_REQUIRED
    assert built.check_hostname is True
    assert built.verify_flags & ssl.VERIFY_X509_STRICT
    assert built.security_level >= 2


def test_mozillas_authorities_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come with a package: SSL_CERT_FILE cannot lead to others."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    assert len(context(Trust()).get_ca_certs()) > 100


@pytest.mark.parametrize("pin", ["", "x", "sha256/AAAA", base64.b64encode(b"short").decode(), "茶"])
def test_a_malformed_pin_is_found_at_construction(pin: str) -> None:
    """The message says how to make a right one."""
    with pytest.raises(ConfigurationError, match="openssl"):
        Trust(pins=frozenset({pin}))


def test_two_sources_of_authorities_are_a_mistake() -> None:
    """Which one counts would be a guess."""
    with pytest.raises(ConfigurationError, match="give one"):
        Trust(ca_file="a.pem", ca_data="b")


def test_a_pin_depends_on_the_key_only(authority: Authority) -> None:
    """A certificate renewed with the same key keeps its pin (RFC 7469)."""
    first = authority.issue("first")
    assert spki_pin(first.der) == spki_pin(authority.issue("renewed", key=first.key).der)
    assert spki_pin(first.der) != spki_pin(authority.issue("rekeyed").der)


def test_pins_are_checked_in_memory_handshakes_too(authority: Authority) -> None:
    """asyncio's TLS works on memory, not on sockets: the check is in both."""
    server = authority.issue("server")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server.chain_file, server.key_file)
    for pin, works in ((spki_pin(server.der), True), (spki_pin(authority.issue("other").der), False)):
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        trust = Trust(ca_file=authority.ca_file, pins=frozenset({pin}))
        client = context(trust).wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
        partner = serving.wrap_bio(to_server, to_client, server_side=True)
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        with pytest.raises(ssl.SSLWantReadError):
            partner.do_handshake()
        if works:
            client.do_handshake()
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="no pin"):
                client.do_handshake()


def wrong(tmp_path: Path, authority: Authority) -> dict[str, Trust]:
    """Settings that cannot work, by what the message must say."""
    mine, other = authority.issue("mine"), authority.issue("other")
    locked = authority.issue("locked", password=b"hunter2-hunter2")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    return {
        "ca_file .*missing.pem cannot be read": Trust(ca_file=str(tmp_path / "missing.pem")),
        "ca_file .*text.pem cannot be read": Trust(ca_file=str(text)),
        "ca_data cannot be read": Trust(ca_data="no certificate"),
        "crl_file .*missing.pem": Trust(ca_file=authority.ca_file, crl_file=str(tmp_path / "missing.pem")),
        "crl_file .*text.pem": Trust(ca_file=authority.ca_file, crl_file=str(text)),
        "chain_file .*missing.pem": _client(authority, str(tmp_path / "missing.pem"), mine.key_file),
        "text.pem holds no PEM certificate": _client(authority, str(text), mine.key_file),
        "version-66.pem holds no PEM certificate": _client(authority, str(OF_NO_VERSION), mine.key_file),
        "key_file .*missing.pem": _client(authority, mine.chain_file, str(tmp_path / "missing.pem")),
        "key_file .*text.pem cannot be read": _client(authority, mine.chain_file, str(text)),
        "crt.pem cannot be read: it is not": _client(authority, mine.chain_file, None),
        "does not belong": _client(authority, mine.chain_file, other.key_file),
        "password is missing or wrong": _client(authority, locked.chain_file, locked.key_file),
        "longer than OpenSSL": _client(authority, locked.chain_file, locked.key_file, password="x" * 5000),
    }


def _client(authority: Authority, chain: str, key: str | None, password: str | None = None) -> Trust:
    client = ClientCertificate(chain_file=chain, key_file=key, password=password)
    return Trust(ca_file=authority.ca_file, client_certificate=client)


def test_what_cannot_work_is_said_with_the_file(tmp_path: Path, authority: Authority) -> None:
    """Each message names the setting and the file, and never a password."""
    for words, trust in wrong(tmp_path, authority).items():
        with pytest.raises(ConfigurationError, match=words) as caught:
            context(trust)
        assert "hunter2" not in str(caught.value)
        assert "xxxxx" not in str(caught.value)


def test_a_client_certificate_that_is_not_valid_yet(authority: Authority) -> None:
    """Points at this machine's clock, too."""
    early = authority.issue("early", begins=timedelta(days=2))
    with pytest.raises(ConfigurationError, match="clock"):
        context(_client(authority, early.chain_file, early.key_file))


@pytest.mark.parametrize("ask", [True, False], ids=["callable", "text"])
def test_a_locked_key_opens_with_its_password(authority: Authority, ask: bool) -> None:
    """As text, or asked for when it is needed; neither shows in the repr."""
    locked = authority.issue("locked", password=b"hunter2-hunter2")
    password = (lambda: "hunter2-hunter2") if ask else "hunter2-hunter2"
    client = ClientCertificate(chain_file=locked.chain_file, key_file=locked.key_file, password=password)
    assert "hunter2" not in repr(client)
    assert context(Trust(ca_file=authority.ca_file, client_certificate=client)) is not None


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_lock_held_at_the_fork_does_not_hold_the_child(authority: Authority) -> None:
    """Another thread may have been building a context when this process forked."""
    from payport.sdk.tls import _contexts  # pyright: ignore[reportPrivateUsage] - holds the lock as a thread would

    with _contexts._lock:  # pyright: ignore[reportPrivateUsage] - as above
        pid = os.fork()
        if pid == 0:
            try:
                context(Trust(ca_data=Path(authority.ca_file).read_text()))
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
