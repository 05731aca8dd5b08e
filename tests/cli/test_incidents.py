"""``payport incidents`` and ``payport watch``: people see what is wrong, take it on, and say that it is over."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Command, Ran, Shop
from tests.support.audit_journals import records
from tests.support.incidents import trouble
from tests.support.mail_server import MailServer

from payport.schemas import Money, NotSent, Order, QrScanned, QrShown
from payport.sdk import Settings
from payport.sdk.cli import checking
from payport.sdk.cli.checking import expiries
from payport.sdk.incidents import keeping
from payport.sdk.incidents.kinds import BREAKER_OPEN, CERTIFICATE_EXPIRING, MISMATCH
from payport.sdk.incidents.store import JournalIncidents
from payport.sdk.journal.store import Journal
from payport.sdk.opening import open_alerts, open_gateway, open_watch
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.faults import Fault


@contextmanager
def journal_of(shop: Shop) -> Iterator[Journal]:
    """The shop's journal."""
    settings = Settings.load(shop.config, {}).journal
    with Journal.open(settings.url, sealing_key=settings.sealing_key) as journal:
        yield journal


def opened(shop: Shop, *kinds: object) -> None:
    """Incidents of an hour ago."""
    with journal_of(shop) as journal:
        for kind in kinds:
            keeping.report(JournalIncidents(journal), trouble(kind))  # type: ignore[arg-type]  # kinds


def add_settings(shop: Shop, text: str) -> None:
    """More of payport.toml."""
    shop.config.write_text(shop.config.read_text() + text)


def test_there_is_nothing(shop: Shop, payport: Command) -> None:
    """Good news first."""
    opened(shop)
    assert "No incident is open." in payport("incidents", "list", "--config", shop.config).out
    assert "There was no incident." in payport("incidents", "list", "--all", "--config", shop.config).out


def test_incidents_are_listed_the_newest_first(shop: Shop, payport: Command) -> None:
    """With class, words, and until when they must be over."""
    opened(shop, BREAKER_OPEN, MISMATCH)
    told = payport("incidents", "list", "--config", shop.config).out
    assert told.index("A partner answered about something else") < told.index("A partner is left alone")
    assert "2026-11-23 05:00" in told
    found = json.loads(payport("incidents", "list", "--json", "--config", shop.config).out)
    assert [(each["kind"], each["fault_class"], each["count"]) for each in found] == [
        ("mismatch", "critical", 1), ("breaker_open", "major", 1),
    ]  # fmt: skip


def test_one_is_shown_with_what_to_do(shop: Shop, payport: Command) -> None:
    """And who was told."""
    opened(shop, MISMATCH)
    add_settings(shop, '\n[alerts]\nrunbooks = "https://docs.shop.example/"\n')
    told = payport("incidents", "show", "1", "--config", shop.config).out
    assert "What to do: https://docs.shop.example/docs/alerts.md#mismatch" in told
    assert "Told:      nobody" in told
    assert json.loads(payport("incidents", "show", "1", "--json", "--config", shop.config).out)["told"] == {}


def test_a_person_takes_it_on_and_resolves_it(shop: Shop, payport: Command) -> None:
    """By name; it leaves the list, and stays in the whole one."""
    opened(shop, MISMATCH)
    config = ("--config", shop.config)
    assert "taken on by Wen" in payport("incidents", "ack", "1", "--by", "Wen", *config).out
    assert "taken on by Wen" in payport("incidents", "list", *config).out
    assert (
        "is resolved" in payport("incidents", "resolve", "1", "--by", "Wen", "--note", "a typo of theirs", *config).out
    )
    assert "No incident is open" in payport("incidents", "list", *config).out
    assert "resolved by Wen" in payport("incidents", "list", "--all", *config).out
    assert "by Wen: a typo of theirs" in payport("incidents", "show", "1", *config).out


def decisions(shop: Shop) -> list[tuple[str, str, str, object]]:
    """What the audit trail has of people's decisions: what, with what result, who, and by which name."""
    with journal_of(shop) as journal:
        found = records(journal)
    assert {each.origin.host for each in found} == {socket.gethostname()}
    return [
        (each.what, each.result, each.who, each.detail["by"])
        for each in found
        if each.what.startswith(("incident.", "order.released"))
    ]


def test_the_audit_trail_knows_who_was_logged_in(shop: Shop, payport: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where; a script says on whose behalf it acts."""
    monkeypatch.setattr(getpass, "getuser", lambda: "wen")
    opened(shop, MISMATCH)
    config = ("--config", shop.config)
    payport("incidents", "ack", "1", "--by", "Wen", *config)
    payport("incidents", "resolve", "1", "--by", "Wen", "--actor", "ticket-system", *config)
    assert decisions(shop) == [
        ("incident.acknowledged", "acknowledged", f"wen@{socket.gethostname()}", "Wen"),
        ("incident.resolved", "resolved", "ticket-system", "Wen"),
    ]


def test_who_has_no_login_name_is_known_by_his_number(
    shop: Shop, payport: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container runs under a number that the system has no name for."""

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nameless)
    opened(shop, MISMATCH)
    payport("incidents", "ack", "1", "--by", "Wen", "--config", shop.config)
    assert decisions(shop)[0][2] == f"uid {os.getuid()}@{socket.gethostname()}"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("show", "7"), "there is no incident 7"),
        (("ack", "7", "--by", "Wen"), "there is no incident 7"),
        (("resolve", "1", "--by", " "), "a name that colleagues know"),
    ],
)
def test_what_cannot_be_is_said(shop: Shop, payport: Command, command: tuple[str, ...], words: str) -> None:
    """Without a traceback."""
    opened(shop, MISMATCH)
    ran = payport("incidents", *command, "--config", shop.config)
    assert (ran.status, words in ran.err) == (2, True)


def doubtful(shop: Shop, *, by_s: float) -> None:
    """A payment in doubt, so many seconds ago."""
    with shop.gateway(by_s=by_s) as gateway:
        shop.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "alipay.trade.pay", times=3)
        order = Order(ref="SHOP10010001", amount=Money.of("1.00", "CNY"), subject="Tea")
        gateway.pay(order, QrScanned(auth_code=shop.partner.payer.code()), deadline_s=1)
        shop.partner.faults.clear()


def test_a_check_finds_doubt_that_ages(shop: Shop, payport: Command) -> None:
    """Once, however often it looks; settled, it is over by itself."""
    doubtful(shop, by_s=1200)
    for _ in range(2):
        ran = payport("incidents", "check", "--config", shop.config)
        assert ran.status == 1
        assert "1 faults are open." in ran.out
        assert "one operation of alipay:" in ran.out
    found = json.loads(payport("incidents", "list", "--json", "--config", shop.config).out)
    assert [(each["kind"], each["count"]) for each in found] == [("unknown_ageing", 1)]
    with shop.gateway() as gateway:
        gateway.resolve("SHOP10010001")
    assert payport("incidents", "check", "--config", shop.config).status == 0
    (over,) = json.loads(payport("incidents", "list", "--all", "--json", "--config", shop.config).out)
    assert (over["status"], over["note"]) == ("resolved", "it is not found any more")


def test_a_check_tells_by_mail(shop: Shop, payport: Command) -> None:
    """As configured, certificate and all."""
    doubtful(shop, by_s=1200)
    (shop.config.parent / "ca.pem").write_text(loopback_certificates().authority)
    with MailServer() as server:
        add_settings(
            shop,
            f'\n[alerts.sink.duty]\ntype = "mail"\nhost = "127.0.0.1"\nport = {server.port}\nca = "file:ca.pem"\n'
            'sender = "payport@shop.example"\nto = "duty@shop.example, lead@shop.example"\n',
        )
        payport("incidents", "check", "--config", shop.config)
        payport("incidents", "check", "--config", shop.config)
    assert [message["Subject"] for message in server.messages] == [
        f"[payport] major: Payments have been in doubt for too long (alipay:{shop.partner.account.app_id})"
    ]


def test_the_worker_looks_too(shop: Shop, payport: Command) -> None:
    """``payport resume`` opens and resolves by itself; what it settles first is no incident any more."""
    doubtful(shop, by_s=1200)
    shop.partner.faults.next(Fault.SYSTEM_ERROR, times=50)
    payport("resume", "--config", shop.config)
    with journal_of(shop) as journal:
        (found,) = keeping.unsettled(JournalIncidents(journal))
    assert found.kind == "unknown_ageing"
    assert list(found.told) == ["log"]


def test_the_worker_goes_on_when_looking_fails(shop: Shop, payport: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settling payments is what it is for."""
    from payport.sdk.errors import JournalError

    def broken(self: object, now: object) -> None:
        raise JournalError("no such table")

    opened(shop)
    monkeypatch.setattr(checking.Checks, "_stand", broken)
    ran = payport("resume", "--config", shop.config)
    assert (ran.status, "incidents could not be looked at: no such table" in ran.out) == (0, True)


def test_alerts_can_be_switched_off(shop: Shop, payport: Command) -> None:
    """Then nobody looks and nothing is written."""
    doubtful(shop, by_s=1200)
    add_settings(shop, "\n[alerts]\nenabled = false\n")
    shop.partner.faults.next(Fault.SYSTEM_ERROR, times=50)
    payport("resume", "--config", shop.config)
    with journal_of(shop) as journal:
        assert keeping.unsettled(JournalIncidents(journal)) == []


# what ends one day


def test_certificates_are_told_before_they_end(shop: Shop, payport: Command) -> None:
    """Those of ours that no partner renews; in the simulator they last for years."""
    settings = Settings.load(shop.config, {})
    now = datetime.now(UTC)
    found = expiries(settings, now)
    assert all(each.ends > now for each in found)
    add_settings(shop, f"\n[alerts]\nexpiry_days = {365 * 40}\n")
    opened(shop)
    payport("incidents", "check", "--config", shop.config)
    listed = json.loads(payport("incidents", "list", "--json", "--config", shop.config).out)
    assert {each["kind"] for each in listed} <= {CERTIFICATE_EXPIRING.name}
    assert len(listed) == len(found)


def test_an_account_that_cannot_be_opened_is_left_to_the_doctor(shop: Shop) -> None:
    """The others are looked at all the same."""
    now = datetime.now(UTC)
    alone = expiries(Settings.load(shop.config, {}), now)
    add_settings(shop, '\n[account.broken]\npartner = "alipay"\n')
    assert expiries(Settings.load(shop.config, {}), now) == alone


# the watch


def watched(shop: Shop) -> None:
    """A rule that holds the second order in a minute."""
    add_settings(shop, "\n[watch.account_velocity]\nat_most = 1\nhold = true\n")


def pay(shop: Shop, number: int) -> object:
    """One order through a gateway as it is configured."""
    settings = Settings.load(shop.config, {})
    with journal_of(shop) as journal:
        alerts = open_alerts(settings, journal)
        watch = open_watch(settings, alerts)
        assert watch is not None
        watch.follow(journal)
        name = next(iter(settings.accounts))
        with open_gateway(settings, name, journal, alerts=alerts, watch=watch) as gateway:
            order = Order(ref=f"SHOP1001000{number}", amount=Money.of("1.00", "CNY"), subject="Tea")
            outcome = gateway.pay(order, QrShown())
        alerts.close()
    return outcome


def test_what_is_held_is_let_go_by_a_person(shop: Shop, payport: Command) -> None:
    """From the rule in the file to the payment that is sent after all."""
    watched(shop)
    assert not isinstance(pay(shop, 1), NotSent)
    assert isinstance(pay(shop, 2), NotSent)
    listed = payport("watch", "held", "--config", shop.config).out
    assert re.search(r"SHOP10010002.*account_velocity.*2 payments were asked for in 1 min", listed)
    assert "abnormal" in payport("incidents", "list", "--config", shop.config).out
    release = ("watch", "release", "SHOP10010002", "--by", "Wen", "--note", "a busy day", "--actor", "desk")
    ran = payport(*release, "--config", shop.config)
    assert decisions(shop) == [("order.released", "released", "desk", "Wen")]
    assert ran.out == "SHOP10010002 may go: call pay again for it. Let go by Wen.\n"
    assert "No order is held." in payport("watch", "held", "--config", shop.config).out
    assert not isinstance(pay(shop, 2), NotSent)
    (over,) = json.loads(payport("incidents", "list", "--all", "--json", "--config", shop.config).out)
    assert (over["status"], over["note"]) == ("resolved", "let go by Wen")


@pytest.mark.parametrize(("ref", "by", "status"), [("SHOP10010009", "Wen", 1), ("SHOP10010002", " ", 2)])
def test_only_what_is_held_is_let_go_and_by_name(shop: Shop, payport: Command, ref: str, by: str, status: int) -> None:
    """Said in words."""
    watched(shop)
    pay(shop, 1)
    pay(shop, 2)
    ran: Ran = payport("watch", "release", ref, "--by", by, "--config", shop.config)
    assert ran.status == status
    assert "held" in ran.err or "name" in ran.err


def test_the_worker_follows_the_stream(shop: Shop, payport: Command, tmp_path: Path) -> None:
    """A rule that only reports finds what the application did."""
    add_settings(shop, "\n[watch.account_velocity]\nat_most = 1\n")
    opened(shop)
    payport("resume", "--config", shop.config)
    with shop.gateway() as gateway:
        for number in range(3):
            order = Order(ref=f"SHOP1001000{number}", amount=Money.of("1.00", "CNY"), subject="Tea")
            gateway.pay(order, QrShown())
    payport("resume", "--config", shop.config)
    found = json.loads(payport("incidents", "list", "--json", "--config", shop.config).out)
    assert [(each["kind"], each["count"]) for each in found] == [("abnormal_transaction", 2)]
