"""``payport doctor``: green where all is well, yellow where somebody should look, red where payments fail."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event, Thread
from typing import Literal

import pytest
from tests.cli.conftest import Command, EarlierClock, Shop

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.doctor import converse, examine
from payport.adapters.alipay.simulator import AlipaySimulator, Fault
from payport.adapters.alipay.simulator.calls import Answer, Refusal
from payport.adapters.alipay.simulator.keys import pair
from payport.adapters.alipay.simulator.service import Service
from payport.sdk import Trust
from payport.sdk.cli import hosts
from payport.sdk.cli.configured import write_settings
from payport.sdk.cli.findings import Finding, Light
from payport.sdk.cli.hosts import examine_host
from payport.sdk.exchange import drive
from payport.sdk.host_clock import SystemClock
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.journal.store import Journal
from payport.sdk.secrets import Secret
from payport.sdk.testing.certificates import loopback_certificates

CLOCK = SystemClock()
OURS = Trust(ca_data=loopback_certificates().authority)


@pytest.mark.parametrize("mode", ["key", "certificate", "pinned"])
def test_a_sound_account(mode: Literal["key", "certificate", "pinned"], tmp_path: Path, payport: Command) -> None:
    """Nothing is red: settings, keys, TLS, and both sides' keys proved by a question that Alipay answered."""
    with AlipaySimulator(mode).serve() as partner:
        config = write_settings(tmp_path / "shop", partner.settings_files())
        ran = payport("doctor", "--config", config)
    assert (ran.status, ran.err) == (0, "")
    assert "BAD" not in ran.out
    for said in (
        "no journal at",
        "its numbers belong together",
        "TLSv1.3",
        "chain and name verified, issued by Payport loopback authority",
        "the keys on both sides fit",
    ):
        assert said in ran.out
    assert ("alipay_cert descends from root_cert" in ran.out) == (mode == "certificate")
    assert ("pinned: a renewed Alipay certificate" in ran.out) == (mode == "pinned")


def test_offline(shop: Shop, payport: Command) -> None:
    """Without the network only what lies here is looked at, and that is said."""
    shop.partner.close()
    ran = payport("doctor", "--config", shop.config, "--offline")
    assert ran.status == 0
    assert "were not looked at" in ran.out
    assert "not reached" not in ran.out


def test_no_network_is_said_and_is_no_crash(shop: Shop, payport: Command) -> None:
    """A host that is not reached is yellow; the question to the partner is not even tried."""
    shop.partner.close()
    ran = payport("doctor", "--config", shop.config)
    assert ran.status == 0
    assert re.search(r"look 127\.0\.0\.1:\d+: not reached", ran.out)
    assert "both sides" not in ran.out


def edit(config: Path, old: str, new: str) -> None:
    """Change one place of the settings."""
    text = config.read_text("utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")


def test_the_applications_own_key_as_alipays(shop: Shop, payport: Command) -> None:
    """The commonest mistake of all: red, with where to find the right one, and the key is not shown."""
    account = shop.partner.account
    assert account.alipay_public_key is not None
    edit(shop.config, account.alipay_public_key, pair("application").public_base64())
    ran = payport("doctor", "--config", shop.config)
    assert ran.status == 1
    assert "BAD  alipay_public_key is the application's own key" in ran.out
    assert "to mend:" in ran.out
    assert "MII" not in ran.out


def test_another_public_key_of_alipays(shop: Shop, payport: Command) -> None:
    """It looks well, but the answer does not fit it: red."""
    account = shop.partner.account
    assert account.alipay_public_key is not None
    edit(shop.config, account.alipay_public_key, pair("foreign").public_base64())
    ran = payport("doctor", "--config", shop.config)
    assert ran.status == 1
    assert "BAD  Alipay's answer is not authentic (unverified: " in ran.out


def test_a_key_that_alipay_does_not_know(shop: Shop, payport: Command) -> None:
    """Alipay refuses our signature: red, upload the public key."""
    (shop.config.parent / "private_key.pem").write_text(pair("foreign").private_pem(), encoding="utf-8")
    ran = payport("doctor", "--config", shop.config)
    assert ran.status == 1
    assert "BAD  Alipay cannot verify what private_key signs (isv.invalid-signature)" in ran.out


def test_what_is_missing_is_pointed_at(shop: Shop, payport: Command) -> None:
    """A setting that is not there is red; no sealing key and weak durability are yellow."""
    edit(shop.config, 'sealing_key = "file:sealing_key.txt"', 'durability = "normal"')
    edit(shop.config, 'private_key = "file:private_key.pem"\n', "")
    ran = payport("doctor", "--config", shop.config)
    assert ran.status == 1
    assert "private_key: missing" in ran.out
    assert "look no sealing key" in ran.out
    assert "look durability is normal" in ran.out


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("BAD  the folder", "sqlite:////nowhere/at/all/payments.db"),
        ("BAD  the journal forgets everything", "sqlite:///:memory:?durable=no"),
        ("BAD  the journal cannot be used", "oracle://host/db"),
    ],
)
def test_the_journal(said: str, url: str, shop: Shop, payport: Command) -> None:
    """A journal that cannot keep anything is red."""
    journal = shop.config.parent / "payments.db"
    edit(shop.config, f"sqlite:///{journal}", url)
    ran = payport("doctor", "--config", shop.config, "--offline")
    assert ran.status == 1
    assert said in ran.out


def test_a_journal_that_is_there(shop: Shop, payport: Command) -> None:
    """It is opened, and what is open in it is counted."""
    with shop.gateway():
        pass
    assert (
        "ok   the journal opens; 0 operations are open" in payport("doctor", "--config", shop.config, "--offline").out
    )


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on loopback that takes one connection; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            link, _ = listener.accept()
            with link, suppress(OSError):  # a client that does not trust us hangs up
                answer(link)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(timeout=5)


def saying(head: bytes) -> Callable[[socket.socket], None]:
    """Answer over TLS with this head, whatever is asked."""

    def answer(link: socket.socket) -> None:
        with loopback_certificates().server_context().wrap_socket(link, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(head)

    return answer


def the_time(ahead_s: float) -> bytes:
    """An answer of a host whose clock is ahead."""
    date = format_datetime(CLOCK.moment().utc + timedelta(seconds=ahead_s), usegmt=True)
    return f"HTTP/1.1 400 Bad Request\r\nserver: x\r\ndate: {date}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("light", "said", "head"),
    [
        (Light.GREEN, "this machine's clock is", lambda: the_time(0)),
        (Light.YELLOW, "s behind 127.0.0.1", lambda: the_time(100)),
        (Light.YELLOW, "s ahead of 127.0.0.1", lambda: the_time(-100)),
        (Light.RED, "s behind 127.0.0.1", lambda: the_time(4000)),
        (Light.YELLOW, "does not say what time it is", lambda: b"HTTP/1.1 200 OK\r\ndate: soon\r\n\r\n"),
        (
            Light.YELLOW,
            "does not say what time it is",
            lambda: b"date: Mon, 01 Jan 99999999999999999999 00:00:00 GMT\r\n\r\n",
        ),
        (Light.YELLOW, "does not say what time it is", lambda: b"HTTP/1.1 200 OK\r\n\r\n"),
        (Light.YELLOW, "does not say what time it is", lambda: b"nothing at all"),
        (Light.GREEN, "this machine's clock is", lambda: the_time(0).replace(b"GMT", b"-0000")),
    ],
)
def test_clocks_are_compared(light: Light, said: str, head: Callable[[], bytes]) -> None:
    """By the date of any answer: 30 s off is yellow, five minutes red, no date is no verdict."""
    with answering(saying(head())) as host:
        tls, clock = examine_host(host, OURS, CLOCK)
    assert Light.GREEN is tls.light
    assert light is clock.light
    assert said in clock.what


def test_a_host_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its TLS was sound; its clock is not known, and the doctor does not wait for ever."""
    monkeypatch.setattr(hosts, "TIMEOUT_S", 0.3)
    over = Event()

    def answer(link: socket.socket) -> None:
        with loopback_certificates().server_context().wrap_socket(link, server_side=True):
            over.wait(5)

    with answering(answer) as host:
        tls, clock = examine_host(host, OURS, CLOCK)
        over.set()
    assert tls.light is Light.GREEN
    assert "does not say what time it is" in clock.what


def only(findings: object) -> Finding:
    """The one finding."""
    assert isinstance(findings, list)
    (found,) = findings
    assert isinstance(found, Finding)
    return found


def test_an_authority_that_is_not_trusted() -> None:
    """Somebody sits in between, or the wrong authority is configured: red."""
    with answering(saying(b"")) as host:
        found = only(examine_host(host, Trust(), CLOCK))
    assert Light.RED is found.light
    assert "its certificate does not hold: " in found.what


def test_a_host_without_tls() -> None:
    """Plain HTTP on the port: red."""
    with answering(lambda link: link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)) as host:
        found = only(examine_host(host, OURS, CLOCK))
    assert Light.RED is found.light
    assert "TLS 1.2 or newer could not be agreed" in found.what


def test_a_host_that_is_reset_in_the_handshake() -> None:
    """A firewall that cuts TLS: said, with what to look at."""

    def answer(link: socket.socket) -> None:
        link.recv(1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    with answering(answer) as host:
        found = only(examine_host(host, OURS, CLOCK))
    assert Light.GREEN is not found.light


def test_a_trust_that_cannot_be_loaded(tmp_path: Path) -> None:
    """The file is named: red."""
    with answering(lambda link: None) as host:
        found = only(examine_host(host, Trust(ca_file=str(tmp_path / "none.pem")), CLOCK))
    assert Light.RED is found.light
    assert "none.pem" in found.what


def test_a_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is yellow: nothing is proved."""

    def fail(*_: object, **__: object) -> socket.socket:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", fail)
    found = only(examine_host("openapi.example", OURS, CLOCK))
    assert Light.YELLOW is found.light
    assert "cannot be resolved" in found.what


def test_a_certificate_that_ends_soon() -> None:
    """The simulator's authority lasts a year; seen eleven and a half months on, it is yellow."""
    with answering(saying(the_time(0))) as host:
        found = examine_host(host, OURS, EarlierClock(-360 * 86_400))
    assert Light.YELLOW is found[1].light
    assert "its certificate ends on" in found[1].what


def offline(adapter: Alipay, *, in_days: float = 0) -> list[Finding]:
    """What Alipay's own doctor says, on some day."""
    return list(examine(adapter, CLOCK.moment().utc + timedelta(days=in_days)))


def test_certificates_end() -> None:
    """Thirty days before the end it is yellow, after it red."""
    with AlipaySimulator("certificate").serve() as partner:
        alipay = Alipay(partner.account)
    ends = alipay.config.certificates is not None
    assert ends
    days = (2045 - CLOCK.moment().utc.year) * 365.25 - CLOCK.moment().utc.timetuple().tm_yday
    before = [found.light for found in offline(alipay, in_days=days - 10) if "ends on" in found.what]
    after = [found.light for found in offline(alipay, in_days=days + 10) if "ends on" in found.what]
    assert (before, after) == ([Light.YELLOW] * 2, [Light.RED] * 2)


def test_a_root_that_does_not_fit() -> None:
    """As in the sandbox: red, with what to do there."""
    with AlipaySimulator("pinned").serve() as partner:
        account = partner.account
    assert account.certificates is not None
    alipay = Alipay(replace(account, certificates=replace(account.certificates, pinned=False)))
    assert "alipay_cert does not descend from root_cert" in " ".join(
        found.what for found in offline(alipay) if found.light is Light.RED
    )


def test_addresses_and_seller() -> None:
    """What is not set, or set without https, is yellow."""
    with AlipaySimulator().serve() as partner:
        account = partner.account
    for changed, said in (
        (replace(account, seller_id=None), "seller_id is not set"),
        (replace(account, notify_url="http://shop.example/n"), "is not https"),
    ):
        assert said in " ".join(found.what for found in offline(Alipay(changed)) if found.light is Light.YELLOW)
    sound = replace(account, notify_url="https://shop.example/n")
    assert "notify_url" not in " ".join(found.what for found in offline(Alipay(sound)))


def asked(partner: AlipaySimulator, alipay: Alipay) -> Finding:
    """What the doctor makes of the partner's answer, in process."""
    with Journal.open("sqlite:///:memory:?durable=no") as journal:
        host = SyncHost(around=Surroundings(journal=journal, clock=CLOCK), transport=partner.transport())
        (found,) = drive(converse(alipay, CLOCK.moment().monotonic_s + 5), host)
    return found


@pytest.mark.parametrize(
    ("light", "said", "fault"),
    [
        (Light.RED, "Alipay's answer is not authentic", Fault.BAD_SIGNATURE),
        (Light.YELLOW, "Alipay gave no answer that tells anything", Fault.BAD_GATEWAY),
        (Light.YELLOW, "Alipay gave no answer that tells anything", Fault.RESET_BEFORE_TLS),
        (Light.YELLOW, "Alipay's answer is authentic, and a refusal (ACQ.SYSTEM_ERROR", Fault.SYSTEM_ERROR),
    ],
)
def test_answers_that_say_something_else(light: Light, said: str, fault: Fault) -> None:
    """Only an authentic answer proves anything."""
    partner = AlipaySimulator()
    partner.faults.next(fault)
    found = asked(partner, Alipay(partner.account))
    assert light is found.light
    assert said in found.what


@pytest.mark.parametrize(
    ("light", "said", "code"),
    [
        (Light.RED, "Alipay does not accept the application", "isv.invalid-app-auth-token"),
        (Light.RED, "the application may not ask about trades", "ACQ.ACCESS_FORBIDDEN"),
        (Light.GREEN, "the keys on both sides fit", "ACQ.TRADE_NOT_EXIST"),
    ],
)
def test_refusals(light: Light, said: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An authentic refusal names what is not set up; that there is no such trade is the answer hoped for."""
    partner = AlipaySimulator()

    def refuse(*_: object, **__: object) -> Answer:
        raise Refusal(code, "no", code="40004")

    monkeypatch.setattr(Service, "perform", refuse)
    found = asked(partner, Alipay(partner.account))
    assert light is found.light
    assert said in found.what


def test_an_application_that_alipay_does_not_know() -> None:
    """Another app_id: the refusal is not signed, so nothing in it is believed, but it is shown."""
    partner = AlipaySimulator()
    found = asked(partner, Alipay(replace(partner.account, app_id="2021000000000009")))
    assert found.light is Light.RED
    assert "isv.invalid-app-id" in found.what


def test_keys_never_appear(shop: Shop, payport: Command) -> None:
    """Whatever is found, no line of a private key is printed."""
    key = Secret((shop.config.parent / "private_key.pem").read_text("utf-8"))
    printed = payport("doctor", "--config", shop.config).out
    assert not any(line in printed for line in key.reveal().splitlines() if len(line) > 20)
