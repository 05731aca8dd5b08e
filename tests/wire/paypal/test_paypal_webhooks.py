"""Webhooks verified on our side: the address, the chain, the name, the bytes, the time. Then against genuine ones."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.vectors import vectors

from payport.adapters.paypal import PayPal, PayPalAccount
from payport.adapters.paypal.account import LIVE_CERTIFICATE_HOSTS, LIVE_URL, SANDBOX_CERTIFICATE_HOSTS, SANDBOX_URL
from payport.adapters.paypal.certificates import MalformedCertificate, Signers, allowed_address, parse_chain
from payport.adapters.paypal.signing import MalformedTransmission, read_transmission
from payport.adapters.paypal.simulator import PayPalSimulator
from payport.adapters.paypal.simulator.keys import Chain, chain
from payport.schemas import EventKind, RawNotification, Rejected, RejectedKind
from payport.sdk import ConfigurationError, Secret
from payport.sdk.adapter import Opened
from payport.sdk.exchange import drive
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing import Fault
from payport.sdk.testing.stepping import MORNING, Time, WorkerClock

BODY = b'{"id":"WH-1","event_type":"SOMETHING.NEW","create_time":"2026-11-23T01:00:00Z","resource":{"a":1}}'
HOSTS = LIVE_CERTIFICATE_HOSTS | SANDBOX_CERTIFICATE_HOSTS
ACCOUNT = PayPalAccount(
    client_id="AYclientclientclient", client_secret=Secret("EGsecretsecret"), merchant_id="2SMWANTEDPAYP"
)


class Listener:
    """Who receives a simulated PayPal's events. ``fetched``: the certificate addresses that were called."""

    def __init__(self) -> None:
        self.time = Time()
        self.partner = PayPalSimulator(clock=self.time)
        self.adapter = PayPal(self.partner.account)
        self.fetched: list[str] = []

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """To the simulator, and noted."""
        if request.endpoint == "notifications.certs":
            self.fetched.append(request.url)
        return self.partner.transport().send(request, timeout_s)

    def close(self) -> None:
        """Nothing is open."""

    def open(self, raw: RawNotification, adapter: PayPal | None = None) -> Opened | Rejected:
        """Open an event."""
        clock = WorkerClock(self.time, "listener")
        around = Surroundings(journal=None, clock=clock)  # type: ignore[arg-type]  # opening reads no journal
        return drive((adapter or self.adapter).open_notice(raw), SyncHost(around=around, transport=self))


@pytest.fixture
def listener() -> Listener:
    """With a PayPal of its own."""
    return Listener()


def test_an_event_of_an_unknown_kind_is_verified_and_kept(listener: Listener) -> None:
    """The certificate is fetched once for all of them; any 2xx acknowledges."""
    for _ in range(3):
        opened = listener.open(listener.partner.notices.sign(BODY))
        assert isinstance(opened, Opened)
        assert (opened.event.kind, opened.event.id, opened.event.status) == (EventKind.OTHER, "WH-1", "SOMETHING.NEW")
        assert opened.acknowledgement.status == 200
        assert opened.lessons == ()
    assert len(listener.fetched) == 1


Change = Callable[[PayPalSimulator, RawNotification], RawNotification]


def headers(**changes: str | None) -> Change:
    """The same event with other headers; ``None`` leaves one out."""

    def change(_: PayPalSimulator, raw: RawNotification) -> RawNotification:
        named = {name.replace("_", "-").upper(): value for name, value in changes.items()}
        kept = {name: value for name, value in raw.headers.items() if name not in named}
        return replace(raw, headers={**kept, **{name: value for name, value in named.items() if value is not None}})

    return change


def body(changed: bytes) -> Change:
    """The same signature over other bytes."""
    return lambda _, raw: replace(raw, body=changed)


REFUSED: Mapping[str, tuple[RejectedKind, Change]] = {
    "no signature": (RejectedKind.UNSIGNED, headers(paypal_transmission_sig=None)),
    "no headers at all": (RejectedKind.UNSIGNED, lambda _, raw: replace(raw, headers={})),
    "no certificate": (RejectedKind.MALFORMED, headers(paypal_cert_url=None)),
    "no time": (RejectedKind.MALFORMED, headers(paypal_transmission_time=None)),
    "a time that is none": (RejectedKind.MALFORMED, headers(paypal_transmission_time="yesterday")),
    "a time without a zone": (RejectedKind.MALFORMED, headers(paypal_transmission_time="2026-11-23T01:00:00")),
    "an id that joins two parts": (RejectedKind.MALFORMED, headers(paypal_transmission_id="a|b")),
    "a signature that is not base64": (RejectedKind.MALFORMED, headers(paypal_transmission_sig="not base64!")),
    "another signature": (RejectedKind.BAD_SIGNATURE, headers(paypal_transmission_sig="QUJD")),
    "another id": (RejectedKind.BAD_SIGNATURE, headers(paypal_transmission_id="11111111-1111")),
    "another time": (RejectedKind.BAD_SIGNATURE, headers(paypal_transmission_time="2026-11-23T01:00:01Z")),
    "one blank more": (RejectedKind.BAD_SIGNATURE, body(BODY + b" ")),
    "parsed and written again": (RejectedKind.BAD_SIGNATURE, body(json.dumps(json.loads(BODY)).encode())),
    "another webhook's": (
        RejectedKind.BAD_SIGNATURE,
        lambda partner, raw: partner.notices.sign(raw.body, webhook_id="9XX99999XX999999X"),
    ),
    "a weaker algorithm": (
        RejectedKind.BAD_SIGNATURE,
        lambda partner, raw: partner.notices.sign(raw.body, algorithm="SHA1withRSA"),
    ),
    "no algorithm": (
        RejectedKind.BAD_SIGNATURE,
        lambda partner, raw: partner.notices.sign(raw.body, algorithm="none"),
    ),
    "four days old": (
        RejectedKind.STALE,
        lambda partner, raw: partner.notices.sign(raw.body, at=MORNING - timedelta(days=4)),
    ),
    "of tomorrow": (
        RejectedKind.STALE,
        lambda partner, raw: partner.notices.sign(raw.body, at=MORNING + timedelta(days=1)),
    ),
    "longer than any event": (RejectedKind.MALFORMED, body(b" " * (1024 * 1024 + 1))),
    "not JSON": (RejectedKind.MALFORMED, lambda partner, _: partner.notices.sign(b"<xml/>")),
    "a name twice": (RejectedKind.MALFORMED, lambda partner, _: partner.notices.sign(b'{"id":"1","id":"2"}')),
    "no event": (RejectedKind.MALFORMED, lambda partner, _: partner.notices.sign(b'{"id":"1"}')),
}


@pytest.mark.parametrize(("kind", "change"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_paypals_word_for_us_is_refused(listener: Listener, kind: RejectedKind, change: Change) -> None:
    """Over the raw bytes, before anything is parsed (paypal/PayPal-Python-SDK#166, #175, #179, #196).

    And with an answer that has PayPal send it again.
    """
    refused = listener.open(change(listener.partner, listener.partner.notices.sign(BODY)))
    assert isinstance(refused, Rejected)
    assert kind is refused.kind
    assert refused.acknowledgement.status >= 400


def test_header_names_are_read_by_any_spelling(listener: Listener) -> None:
    """Frameworks write them as they like; the same name twice is refused."""
    raw = listener.partner.notices.sign(BODY)
    lower = replace(raw, headers={name.lower(): value for name, value in raw.headers.items()})
    assert isinstance(listener.open(lower), Opened)
    twice = replace(raw, headers={**raw.headers, "paypal-auth-algo": "SHA256withRSA"})
    assert isinstance(listener.open(twice), Rejected)


def test_without_a_webhook_id_nothing_is_verified(listener: Listener) -> None:
    """The signature covers it: without it every event would have to be believed, or none."""
    adapter = PayPal(replace(listener.partner.account, webhook_id=None))
    refused = listener.open(listener.partner.notices.sign(BODY), adapter)
    assert isinstance(refused, Rejected)
    assert listener.fetched == []


ADDRESSES: Mapping[str, bool] = {
    "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-df8cd2d5": True,
    "https://api-m.paypal.com/v1/notifications/certs/CERT-1": True,
    "HTTPS://API.PAYPAL.COM/v1/notifications/certs/CERT-1": True,
    "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1": False,
    "http://api.paypal.com/v1/notifications/certs/CERT-1": False,
    "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1": False,
    "https://evil.example/v1/notifications/certs/CERT-1": False,
    "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1": False,
    "https://evil.example#@api.paypal.com/v1/notifications/certs/CERT-1": False,
    "https://evil.example\\@api.paypal.com/v1/notifications/certs/CERT-1": False,
    "https://api.paypal.com:8443/v1/notifications/certs/CERT-1": False,
    "https://api.paypal.com./v1/notifications/certs/CERT-1": False,
    "https://www.paypal.com/v1/notifications/certs/CERT-1": False,
    "https://api.paypal.com/v1/notifications/certs/../../oauth2/token": False,
    "https://api.paypal.com/v1/notifications/certs/CERT-1/../../../x": False,
    "https://api.paypal.com/v1/notifications/certs/CERT-1?next=https://evil.example": False,
    "https://api.paypal.com/v1/notifications/certs/CERT-1#x": False,
    "https://api.paypal.com/v1/notifications/certs/CERT-%2e%2e": False,
    "https://api.paypal.com/v1/notifications/certs/CERT-1\n": False,
    "https://api.paypal.com//v1/notifications/certs/CERT-1": False,
    "https://169.254.169.254/latest": False,
    "https://127.0.0.1/v1/notifications/certs/CERT-1": False,
    "file:///etc/passwd": False,
    "": False,
}


@pytest.mark.parametrize(("address", "allowed"), ADDRESSES.items())
def test_the_address_of_a_certificate_is_held_against_an_exact_list(address: str, allowed: bool) -> None:
    """Before a byte is sent: an event may not choose whom we call (server-side request forgery)."""
    assert allowed is (allowed_address(address, LIVE_CERTIFICATE_HOSTS) is not None)


@pytest.mark.parametrize(
    ("url", "hosts", "signer"),
    [
        (LIVE_URL, LIVE_CERTIFICATE_HOSTS, "messageverificationcerts.paypal.com"),
        (SANDBOX_URL, SANDBOX_CERTIFICATE_HOSTS, "messageverificationcerts.sandbox.paypal.com"),
        ("https://127.0.0.1:8443", frozenset({"127.0.0.1:8443"}), "messageverificationcerts.sandbox.paypal.com"),
    ],
)
def test_live_and_sandbox_do_not_sign_for_each_other(url: str, hosts: frozenset[str], signer: str) -> None:
    """Each has its hosts and its name; the transport's own list has no others either."""
    account = replace(ACCOUNT, api_url=url)
    assert (hosts, signer) == (account.certificate_hosts, account.signer)
    assert PayPal(account).profile.hosts == {account.host, *hosts}


def test_a_refused_address_is_never_called(listener: Listener) -> None:
    """Whatever it says, no request leaves."""
    for address in ADDRESSES:
        raw = listener.partner.notices.sign(BODY, address=address or "x")
        assert isinstance(listener.open(raw), Rejected)
    assert listener.fetched == []


CHAINS: Mapping[str, tuple[bool, Callable[[], Chain]]] = {
    "PayPal's own, renewed": (True, lambda: chain(owner="renewed")),
    "of another authority of the same name": (False, lambda: chain(authority="other")),
    "made out to somebody else": (False, lambda: chain("messageverificationcerts.sandbox.paypal.com.evil.example")),
    "made out to the live name": (False, lambda: chain("messageverificationcerts.paypal.com")),
    "expired": (False, lambda: chain(not_after=datetime(2026, 1, 1, tzinfo=UTC))),
    "not valid yet": (False, lambda: chain(not_before=datetime(2027, 1, 1, tzinfo=UTC))),
    "without its issuer": (False, lambda: _without_issuer(chain(owner="lonely"))),
    "its root alone": (False, lambda: replace(chain(), leaf=chain().root)),
    "garbage": (False, lambda: replace(chain(), leaf="-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n")),
    "nothing": (False, lambda: replace(chain(), leaf="")),
}


def _without_issuer(whole: Chain) -> Chain:
    first, end, _ = whole.leaf.partition("-----END CERTIFICATE-----")
    return replace(whole, leaf=f"{first}{end}\n")


@pytest.mark.parametrize(("trusted", "make"), CHAINS.values(), ids=CHAINS)
def test_a_certificate_is_paypals_by_name_and_by_chain(
    listener: Listener, trusted: bool, make: Callable[[], Chain]
) -> None:
    """Being served from PayPal's host is not enough."""
    listener.partner.rotate_certificate(make())
    opened = listener.open(listener.partner.notices.sign(BODY))
    assert trusted is isinstance(opened, Opened)
    if isinstance(opened, Rejected):
        assert opened.acknowledgement.status == 503


def test_a_certificate_that_cannot_be_fetched_is_not_hammered(listener: Listener) -> None:
    """Refused with "try again"; for a minute nobody fetches it again, then it is verified."""
    listener.partner.faults.next(Fault.SILENCE, method="notifications.certs")
    for _ in range(4):
        refused = listener.open(listener.partner.notices.sign(BODY))
        assert isinstance(refused, Rejected)
        assert refused.acknowledgement.status == 503
    assert len(listener.fetched) == 1
    listener.time.pass_by(61)
    assert isinstance(listener.open(listener.partner.notices.sign(BODY)), Opened)


def test_a_flood_of_made_up_certificates_is_capped(listener: Listener) -> None:
    """Ten fetches a minute, and what is known already goes on serving."""
    assert isinstance(listener.open(listener.partner.notices.sign(BODY)), Opened)
    for number in range(50):
        address = f"{listener.partner.url}/v1/notifications/certs/CERT-{number:08d}"
        assert isinstance(listener.open(listener.partner.notices.sign(BODY, address=address)), Rejected)
    assert len(listener.fetched) == 11
    assert isinstance(listener.open(listener.partner.notices.sign(BODY)), Opened)


def test_a_certificate_is_forgotten_when_it_ends(listener: Listener) -> None:
    """Then it is fetched again, and refused when it is still the old one."""
    listener.partner.rotate_certificate(chain(owner="short", not_after=MORNING + timedelta(hours=1)))
    assert isinstance(listener.open(listener.partner.notices.sign(BODY)), Opened)
    listener.time.pass_by(7200)
    assert isinstance(listener.open(listener.partner.notices.sign(BODY)), Rejected)
    assert len(listener.fetched) == 2


def test_roots_that_are_none_are_refused_when_the_adapter_is_built() -> None:
    """With the name of the setting."""
    with pytest.raises(ConfigurationError, match="webhook_roots"):
        replace(ACCOUNT, webhook_roots="roots.pem")
    broken = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
    with pytest.raises(ConfigurationError, match="webhook_roots"):
        PayPal(replace(ACCOUNT, webhook_roots=broken))


def test_the_usual_authorities_do_not_know_the_simulators() -> None:
    """Without ``webhook_roots`` a chain has to end at one of the authorities that browsers trust."""
    own = parse_chain(chain().leaf)
    name = "messageverificationcerts.sandbox.paypal.com"
    assert Signers(chain().root).trusted(own, name, MORNING) is not None
    assert Signers(None).trusted(own, name, MORNING) is None


def test_a_chain_of_many_certificates_is_not_read() -> None:
    """Eight are plenty."""
    with pytest.raises(MalformedCertificate):
        parse_chain(chain().root * 9)


# Genuine ones: paypal/PayPal-Java-SDK ships a sandbox certificate of 2017 with an event that it signed.


def published() -> dict[str, list[dict[str, object]]]:
    """The published samples."""
    found: dict[str, list[dict[str, object]]] = json.loads(vectors("paypal", "webhook_signature.json").read_text())
    return found


def sample(entry: Mapping[str, object]) -> tuple[Mapping[str, str], str, bytes]:
    """Headers, webhook id and body."""
    found, webhook_id, text = entry["headers"], entry["webhook_id"], entry["body"]
    assert isinstance(found, dict)
    assert isinstance(webhook_id, str)
    assert isinstance(text, str)
    return found, webhook_id, text.encode()


def genuine_key() -> object:
    """The sandbox's certificate of 2017, by its chain, as of a day on which it was valid."""
    leaf = vectors("paypal", "paypal_sandbox_leaf_2017.pem").read_text()
    issuer = vectors("paypal", "DigiCertSHA2ExtendedValidationServerCA.pem").read_text()
    root = vectors("paypal", "DigiCertHighAssuranceEVRootCA.pem").read_text()
    name = "messageverificationcerts.sandbox.paypal.com"
    at = datetime(2018, 1, 1, tzinfo=UTC)
    assert Signers(root).trusted(parse_chain(leaf), name, at) is None
    assert Signers(root).trusted(parse_chain(leaf + issuer), name, datetime(2020, 1, 1, tzinfo=UTC)) is None
    assert Signers(root).trusted(parse_chain(leaf + issuer), "messageverificationcerts.paypal.com", at) is None
    signer = Signers(root).trusted(parse_chain(leaf + issuer), name, at)
    assert signer is not None
    return signer.key


def test_published_events_have_the_published_message() -> None:
    """Three genuine events: the CRC-32 of the raw body, and the text that is signed."""
    for entry in published()["official"]:
        found, webhook_id, text = sample(entry)
        assert int(str(entry["crc32"])) == zlib.crc32(text)
        assert entry["signed_message"] == read_transmission(found).message(webhook_id, text).decode()


def test_published_signatures_are_judged_as_published() -> None:
    """The genuine one fits; every changed byte, id, time and signature does not."""
    from payport.sdk.keys import PublicKey

    key = genuine_key()
    assert isinstance(key, PublicKey)
    for entry in published()["derived"]:
        found, webhook_id, text = sample(entry)
        try:
            transmission = read_transmission(found)
            fits = key.verify(transmission.message(webhook_id, text), transmission.signature)
        except MalformedTransmission:
            fits = False
        assert (entry["expect"] == "signature-ok") is fits, entry["name"]


def test_published_addresses_are_judged_as_published() -> None:
    """By the union of the live and the sandbox list."""
    for entry in published()["cert_url_policy"]:
        assert entry["allow"] is (allowed_address(str(entry["url"]), HOSTS) is not None), entry["url"]
