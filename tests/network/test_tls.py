"""The TLS matrix, over real handshakes: whoever is not the partner sees not one application byte."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.support.certificates import Authority, Certified, server_context
from tests.support.drivers import DRIVERS, Driver, post
from tests.support.loopback import Partner, Visit, polite

from payport.sdk.errors import ConfigurationError
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.tls import ClientCertificate, Trust, context, spki_pin
from payport.sdk.transport.http import HTTP

TLS = FailureKind.TLS
LOST = FailureKind.CONNECTION_LOST
EVERY_DRIVER = pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), key=rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "Another Authority")


@pytest.fixture(scope="module")
def good(authority: Authority) -> Certified:
    return authority.issue("good")


def exchange(driver: Driver, partner: Partner, trust: Trust) -> WireReply | SendFailure:
    (got,) = driver.send([post(partner.url)], hosts=frozenset({partner.host}), trust=trust)
    return got


@dataclass(frozen=True)
class BadServer:
    """A server's certificate with one thing wrong."""

    name: str
    make: Callable[[Authority, Authority], Certified]


BAD_SERVERS = [
    BadServer("expired", lambda mine, _: mine.issue("expired", begins=-timedelta(days=9), ends=-timedelta(days=2))),
    BadServer("not yet valid", lambda mine, _: mine.issue("early", begins=timedelta(days=2))),
    BadServer("wrong host", lambda mine, _: mine.issue("wrong-host", host="gateway.example.com")),
    BadServer("other CA", lambda _, other: other.issue("other-ca")),
    BadServer("self-signed", lambda mine, _: mine.self_signed("self-signed")),
    BadServer("SHA-1", lambda mine, _: mine.issue_with_sha1("sha1")),
    BadServer("1024-bit key", lambda mine, _: mine.issue("short", key=rsa.generate_private_key(65537, 1024))),
]


@EVERY_DRIVER
@pytest.mark.parametrize("bad", BAD_SERVERS, ids=lambda bad: bad.name)
def test_a_server_that_cannot_prove_itself_sees_nothing(
    bad: BadServer, driver: Driver, authority: Authority, stranger: Authority
) -> None:
    """The handshake fails on our side, before the first application byte."""
    certified = bad.make(authority, stranger)
    with Partner(context=server_context(certified)) as partner:
        got = exchange(driver, partner, Trust(ca_file=authority.ca_file))
    assert isinstance(got, SendFailure), got
    assert (got.kind, got.may_have_left) == (TLS, False), got
    assert partner.received == b""


@EVERY_DRIVER
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_a_good_server_is_spoken_to(
    version: ssl.TLSVersion, driver: Driver, authority: Authority, good: Certified
) -> None:
    """TLS 1.2 and 1.3 both work, and the second request uses the same connection."""
    server = server_context(good)
    server.minimum_version = server.maximum_version = version
    with Partner(context=server) as partner:
        request = post(partner.url)
        got = driver.send([request] * 2, hosts=frozenset({partner.host}), trust=Trust(ca_file=authority.ca_file))
    assert [answer.content for answer in got if isinstance(answer, WireReply)] == [b"paid", b"paid"], got
    assert partner.raw == 1


@EVERY_DRIVER
def test_a_context_is_not_set_while_others_open_connections_with_it(
    driver: Driver, authority: Authority, good: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL reads its list of protocols at every hello, in any thread: what is offered was set when it was built."""
    trust, told = Trust(ca_file=authority.ca_file), list[str | None]()
    server = server_context(good)
    server.set_alpn_protocols(["h2", "http/1.1"])
    context(trust, HTTP)

    def answer(visit: Visit) -> None:
        assert isinstance(visit.sock, ssl.SSLSocket)
        told.append(visit.sock.selected_alpn_protocol())
        polite(visit)

    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", lambda *_: pytest.fail("set on a shared context"))
    with Partner(answer, context=server) as partner:
        got = exchange(driver, partner, trust)
    assert isinstance(got, WireReply), got
    assert told == ["http/1.1"]


@EVERY_DRIVER
@pytest.mark.filterwarnings("ignore:.*TLSv1.* is deprecated:DeprecationWarning")
def test_an_old_protocol_is_refused(driver: Driver, authority: Authority, good: Certified) -> None:
    """A server that only speaks TLS 1.1 gets no further than its hello."""
    server = server_context(good)
    server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_1
    with Partner(context=server) as partner:
        got = exchange(driver, partner, Trust(ca_file=authority.ca_file))
    assert isinstance(got, SendFailure), got
    assert (got.kind, got.may_have_left) == (TLS, False)
    assert partner.received == b""


def _reset_at_hello(visit: Visit) -> None:
    visit.some()
    visit.reset()


def _http_at_hello(visit: Visit) -> None:
    visit.some()
    visit.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def _silence(visit: Visit) -> None:
    while visit.some():
        pass


@EVERY_DRIVER
@pytest.mark.parametrize(
    ("script", "timeout_s"),
    [(_reset_at_hello, 5.0), (_http_at_hello, 5.0), (_silence, 0.4)],
    ids=["reset at hello", "plain http", "silence"],
)
def test_a_handshake_that_breaks_sends_nothing(
    script: Callable[[Visit], None], timeout_s: float, driver: Driver, authority: Authority
) -> None:
    """Whatever happens instead of a handshake: no request left, and it is over in time."""
    with Partner(script) as partner:
        (got,) = driver.send(
            [post(partner.url.replace("http:", "https:"))],
            hosts=frozenset({partner.host}),
            trust=Trust(ca_file=authority.ca_file),
            timeout_s=timeout_s,
        )
    assert isinstance(got, SendFailure), got
    # aiohttp does the handshake as a part of connecting, and does not always say which of the two failed
    assert got.kind in ({TLS, FailureKind.UNREACHABLE} if driver.name == "aiohttp" else {TLS})
    assert got.may_have_left is False
    assert b"out_trade_no" not in partner.received


@EVERY_DRIVER
def test_plain_http_is_refused_where_tls_is_expected(driver: Driver) -> None:
    """Without the setting for tests, nothing goes out in the clear, not even to loopback."""
    with Partner() as partner:
        got = exchange(driver, partner, Trust())
    assert isinstance(got, SendFailure)
    assert (got.kind, got.may_have_left, partner.raw) == (FailureKind.REFUSED, False, 0)


@dataclass(frozen=True)
class MutualCase:
    """``client``: the certificate we show, from which authority; ``works``: whether the partner takes it."""

    name: str
    client: str | None
    works: bool


@EVERY_DRIVER
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize(
    "case",
    [
        MutualCase("right", "mine", works=True),
        MutualCase("missing", None, works=False),
        MutualCase("wrong", "other", works=False),
    ],
    ids=lambda case: case.name,
)
def test_mutual_tls(
    case: MutualCase,
    version: ssl.TLSVersion,
    driver: Driver,
    authority: Authority,
    stranger: Authority,
    good: Certified,
) -> None:
    """A partner that refuses our certificate reads nothing, but under TLS 1.3 we cannot know that.

    There the client's handshake is over before the server has judged its certificate, so the request is on its way when
    the refusal arrives: honest is "a byte may have left". Under TLS 1.2 the refusal comes inside the handshake.
    """
    server = server_context(good, client_ca=authority.ca_file)
    server.minimum_version = server.maximum_version = version
    issuer = {"mine": authority, "other": stranger, None: None}[case.client]
    client = issuer.issue(f"client-{case.name}") if issuer else None
    shown = ClientCertificate(chain_file=client.chain_file, key_file=client.key_file) if client else None
    with Partner(context=server) as partner:
        got = exchange(driver, partner, Trust(ca_file=authority.ca_file, client_certificate=shown))
    if case.works:
        assert isinstance(got, WireReply), got
        return
    assert isinstance(got, SendFailure), got
    assert partner.received == b""
    assert (version is ssl.TLSVersion.TLSv1_3) == got.may_have_left
    assert got.kind in {TLS, LOST}  # the alert, or the reset that overtakes it


@EVERY_DRIVER
@pytest.mark.parametrize("state", ["current", "revoked", "no list of this issuer"])
def test_revocation_lists(
    state: str, driver: Driver, authority: Authority, stranger: Authority, good: Certified
) -> None:
    """A revoked certificate is refused, and so is one about which no list says anything."""
    lists = {
        "current": authority.revocation_list,
        "revoked": lambda: authority.revocation_list(good.certificate),
        "no list of this issuer": stranger.revocation_list,
    }
    with Partner(context=server_context(good)) as partner:
        got = exchange(driver, partner, Trust(ca_file=authority.ca_file, crl_file=lists[state]()))
    if state == "current":
        assert isinstance(got, WireReply), got
    else:
        assert isinstance(got, SendFailure), got
        assert (got.kind, got.may_have_left, partner.received) == (TLS, False, b"")


@EVERY_DRIVER
@pytest.mark.parametrize(
    ("pinned", "works"),
    [(("good",), True), (("other",), False), (("other", "good"), True)],
    ids=["right", "other", "current and next"],
)
def test_pins(pinned: tuple[str, ...], works: bool, driver: Driver, authority: Authority, good: Certified) -> None:
    """A valid certificate with another key is refused inside the handshake; one of several pins is enough."""
    ders = {"good": good.der, "other": authority.issue("other").der}
    pins = frozenset(spki_pin(ders[name]) for name in pinned)
    with Partner(context=server_context(good)) as partner:
        got = exchange(driver, partner, Trust(ca_file=authority.ca_file, pins=pins))
    if works:
        assert isinstance(got, WireReply), got
    else:
        assert isinstance(got, SendFailure), got
        assert (got.kind, got.may_have_left, partner.received) == (TLS, False, b"")


@EVERY_DRIVER
def test_no_session_key_is_ever_written(
    driver: Driver, authority: Authority, good: Certified, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSLKEYLOGFILE, which would let a bystander read the traffic, has no effect."""
    log = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    trust = Trust(ca_data=Path(authority.ca_file).read_text() + f"# {driver.name}\n")
    with Partner(context=server_context(good)) as partner:
        got = exchange(driver, partner, trust)
    assert isinstance(got, WireReply), got
    assert not log.exists()
    assert context(trust).keylog_filename is None


@EVERY_DRIVER
def test_proxies_of_the_environment_are_ignored(
    driver: Driver, authority: Authority, good: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable in the environment must not lead requests elsewhere."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Partner(context=server_context(good)) as partner:
        got = exchange(driver, partner, Trust(ca_file=authority.ca_file))
    assert isinstance(got, WireReply), got


def test_an_expired_client_certificate_is_found_before_the_first_request(authority: Authority) -> None:
    """Expired, it fails when the context is built, in words: not as a riddle at the partner's."""
    old = authority.issue("old", begins=-timedelta(days=9), ends=-timedelta(days=2))
    client = ClientCertificate(chain_file=old.chain_file, key_file=old.key_file)
    with pytest.raises(ConfigurationError, match="expired on"):
        context(Trust(client_certificate=client))
