"""``payport audit``: what an auditor, an officer and a cron job do with the trail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from rich.status import Status
from tests.cli.conftest import Command, Shop
from tests.support.databases import by_hand

from payport.adapters.alipay import Alipay
from payport.schemas import ActionRequired, Money, Order, Payer, QrShown, RawNotification
from payport.sdk import Gateway, Settings
from payport.sdk.audit.signing import AuditKey
from payport.sdk.cli.configured import new_audit_key
from payport.sdk.opening import open_journal
from payport.sdk.secrets import Secret

PAYER = Payer(id="2088000000000009", ip="203.0.113.7", email="li@example.com")
TODAY = datetime.now(UTC)


@pytest.fixture
def audited(shop: Shop) -> Shop:
    """The shop, with a key that signs, a file for the heads, and payers recorded."""
    key, _ = new_audit_key()
    shop.config.with_name("audit_key.txt").write_text(key)
    with shop.config.open("a") as config:
        config.write('\n[audit]\nkey = "file:audit_key.txt"\nheads = "heads.jsonl"\npayers = true\n')
    return shop


def settings(shop: Shop) -> Settings:
    """The shop's."""
    return Settings.load(shop.config, {})


def public_key(shop: Shop) -> str:
    """Of the key that signs."""
    return AuditKey(Secret(shop.config.with_name("audit_key.txt").read_text())).public


@contextmanager
def opened(shop: Shop) -> Iterator[Gateway[Alipay]]:
    """The shop's gateway, as its application opens it."""
    with (
        open_journal(settings(shop)) as journal,
        Gateway(Alipay(shop.partner.account), journal=journal, sinks=()) as gateway,
    ):
        yield gateway


def sell(shop: Shop, *refs: str) -> None:
    """An order that is paid, noticed and acknowledged."""
    with opened(shop) as gateway:
        for ref in refs:
            order = Order(ref=ref, amount=Money.of("5.00", "CNY"), subject="Tea", payer=PAYER)
            shown = gateway.pay(order, QrShown())
            assert isinstance(shown, ActionRequired)
            shop.partner.payer.open(shown.action)
        for notice in shop.partner.notices:
            gateway.receive(notice)
        gateway.receive(RawNotification(body=b"rubbish", headers={}))
        gateway.acknowledge(*gateway.changes())


def database(shop: Shop) -> str:
    """Where the shop's journal is."""
    return settings(shop).journal.url


def test_a_whole_trail_verifies(audited: Shop, payport: Command) -> None:
    """With the heads of the configured file; the exit status is for cron."""
    sell(audited, "SHOP10010001")
    ran = payport("audit", "verify", "--config", audited.config)
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "The audit trail is whole.")
    assert "9 records in 1 chain were looked at." in ran.out
    assert "1 signed heads" in ran.out


def test_without_heads_it_says_what_it_cannot_tell(shop: Shop, payport: Command) -> None:
    """That is no flaw, but somebody should know."""
    sell(shop, "SHOP10010001")
    ran = payport("audit", "verify", "--config", shop.config)
    assert ran.status == 0
    assert "only they can tell whether the newest records were cut off" in ran.out


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE payport_audit SET body = replace(body, '5.00 CNY', '9.00 CNY') WHERE id = 3",
         "changed: chain 0: record 3 was changed"),
        ("DELETE FROM payport_audit WHERE id = 4", "missing: chain 0: record 4 is missing"),
        ("UPDATE payport_audit SET about = 'X' WHERE id = 3", "contradicts: chain 0: the columns of record 3"),
        ("UPDATE payport_audit SET id = 1000 WHERE id = 3", "moved: chain 0: record 3 stands at place 1000"),
        ("DELETE FROM payport_audit WHERE id > 6", "cut_off: chain 0"),
        ("DELETE FROM payport_transition WHERE id = 2", "unfounded: version 1 of SHOP10010001/pay//1"),
    ],
)  # fmt: skip
def test_tampering_is_told_and_ends_with_1(audited: Shop, payport: Command, damage: str, told: str) -> None:
    """Which record, and what is wrong with it."""
    sell(audited, "SHOP10010001")
    with by_hand("sqlite", database(audited)) as cursor:
        cursor.execute(damage)
    ran = payport("audit", "verify", "--config", audited.config)
    assert ran.status == 1
    assert told in ran.out
    assert ran.out.splitlines()[-1] == "The audit trail is NOT whole."


def test_a_flood_of_flaws_is_counted(audited: Shop, payport: Command) -> None:
    """Nobody reads ten thousand lines."""
    sell(audited, *(f"SHOP1001{number:04d}" for number in range(20)))
    with by_hand("sqlite", database(audited)) as cursor:
        cursor.execute("UPDATE payport_audit SET about = 'X' WHERE about IS NOT NULL")
    ran = payport("audit", "verify", "--config", audited.config)
    assert ran.out.count("contradicts:") == 50
    assert "more" in ran.out


def test_an_auditor_brings_the_public_key(audited: Shop, payport: Command, tmp_path: Path) -> None:
    """As text or as a file; the private one stays with the shop."""
    sell(audited, "SHOP10010001")
    bare = audited.config.with_name("bare.toml")
    bare.write_text(audited.config.read_text().partition("[audit]")[0])
    heads = audited.config.with_name("heads.jsonl")
    ran = payport("audit", "verify", "--config", bare, "--heads", heads)
    assert (2, "name the public key" in ran.err) == (ran.status, True)
    key_file = tmp_path / "audit.pub"
    key_file.write_text(public_key(audited) + "\n")
    for key in (public_key(audited), key_file):
        ran = payport("audit", "verify", "--config", bare, "--heads", heads, "--public-key", key)
        assert (ran.status, ran.out.splitlines()[-1]) == (0, "The audit trail is whole.")
    other = new_audit_key()[1]
    ran = payport("audit", "verify", "--config", bare, "--heads", heads, "--public-key", other)
    assert (1, "is not trusted" in ran.out) == (ran.status, True)
    picture = tmp_path / "picture.pem"
    picture.write_bytes(b"\x89PNG\xff")
    ran = payport("audit", "verify", "--config", bare, "--heads", heads, "--public-key", picture)
    assert ran.status == 2
    assert "--public-key cannot be read as text" in ran.err


def test_what_happened_to_an_order(audited: Shop, payport: Command) -> None:
    """A table for people; the payer stays sealed; that it was shown is recorded."""
    sell(audited, "SHOP10010001", "SHOP10010002")
    ran = payport("audit", "export", "--order", "SHOP10010001", "--config", audited.config)
    assert ran.status == 0
    lines = [line.split()[3:5] for line in ran.out.splitlines()[1:]]
    assert lines == [["pay", "doubt"], ["pay", "action"], ["notice.kept", "applied"], ["pay", "succeeded"]]
    assert "SHOP10010002" not in ran.out
    assert "2088000000000009" not in ran.out
    again = payport("audit", "export", "--order", "SHOP10010001", "--config", audited.config)
    assert "audit.exported shown" in " ".join(again.out.split())


def test_json_lines_of_an_order(audited: Shop, payport: Command) -> None:
    """Each record as it was hashed, the hash beside it, and what is sealed only where that is asked for."""
    sell(audited, "SHOP10010001")
    command = ("audit", "export", "--order", "SHOP10010001", "--json", "--config", audited.config)
    first = [json.loads(line) for line in payport(*command).out.splitlines()]
    assert [line["record"]["what"] for line in first] == ["pay", "pay", "notice.kept", "pay"]
    assert all(len(line["hash"]) == 64 and "personal" not in line for line in first)
    opened_ = [json.loads(line) for line in payport(*command, "--personal").out.splitlines()]
    assert {"id": PAYER.id, "ip": PAYER.ip, "email": PAYER.email} == opened_[0]["personal"]


def test_an_order_that_nobody_knows(audited: Shop, payport: Command) -> None:
    """Ends with 1."""
    sell(audited, "SHOP10010001")
    assert payport("audit", "export", "--order", "SHOP99990001", "--config", audited.config).status == 1


def test_what_was_sealed_can_be_erased(audited: Shop, payport: Command) -> None:
    """Nobody reads it again; the trail verifies; a second time there is nothing to erase."""
    sell(audited, "SHOP10010001")
    command = ("audit", "erase", "--order", "SHOP10010001", "--reason", "asked by letter", "--config", audited.config)
    assert payport(*command).out == "erased\n"
    assert payport(*command).out.startswith("nothing was sealed")
    shown = payport(
        "audit", "export", "--order", "SHOP10010001", "--json", "--personal", "--config", audited.config
    ).out.splitlines()
    assert all("personal" not in json.loads(line) for line in shown)
    assert "asked by letter" in shown[-1]
    assert payport("audit", "verify", "--config", audited.config).status == 0


def test_a_report_of_a_time(audited: Shop, payport: Command) -> None:
    """Counts and refusals, for people and as JSON."""
    sell(audited, "SHOP10010001", "SHOP10010002")
    days = ("--from", f"{TODAY - timedelta(days=1):%Y-%m-%d}", "--to", f"{TODAY + timedelta(days=1):%Y-%m-%d}")
    ran = payport("audit", "report", *days, "--config", audited.config)
    assert ran.status == 0
    for heading in ("by actor", "by kind", "by result", "by day", "by partner", "written by", "1 refusals"):
        assert heading in ran.out
    found = json.loads(payport("audit", "report", *days, "--json", "--config", audited.config).out)
    assert {"notice.rejected": 1, "notice.kept": 2, "pay": 6}.items() <= found["by_kind"].items()
    assert found["by_partner"] == {"alipay": 10}
    assert 1 == found["refused"] == len(found["refusals"])
    assert found["transitions_without_record"] == 0
    before = ("--from", "2020-01-01", "--to", "2020-12-31")
    assert json.loads(payport("audit", "report", *before, "--json", "--config", audited.config).out)["records"] == 0


def test_a_report_tells_what_was_not_recorded(audited: Shop, payport: Command) -> None:
    """Who wrote with the trail switched off, and how many transitions have no record."""
    off = audited.config.with_name("off.toml")
    off.write_text(audited.config.read_text() + "enabled = false\n")
    sell(Shop(audited.partner, off), "SHOP10010001")
    day = f"{TODAY:%Y-%m-%d}"
    ran = payport("audit", "report", "--from", "2020-01-01", "--to", "2099-01-01", "--config", audited.config)
    assert "wrote with the audit trail switched off" in ran.out
    assert "3 transitions of the journal have no record" in ran.out
    assert day in ran.out
    assert payport("audit", "verify", "--config", audited.config).status == 1


def test_a_report_of_no_time(audited: Shop, payport: Command) -> None:
    """The last day before the first: said, as ``payport report`` says it."""
    for command in (["audit", "report"], ["report"]):
        ran = payport(*command, "--from", "2026-02-01", "--to", "2026-01-31", "--config", audited.config)
        assert (ran.status, ran.out) == (2, "")
        assert "--from 2026-02-01 is after --to 2026-01-31; change one of them" in ran.err


def test_a_head_on_demand(audited: Shop, payport: Command) -> None:
    """For cron, beside the worker: the line goes to the file, and is printed."""
    with audited.gateway() as gateway:  # closes without signing, as a process that is killed does
        gateway.pay(Order(ref="SHOP10010001", amount=Money.of("5.00", "CNY"), subject="Tea"), QrShown())
    ran = payport("audit", "head", "--config", audited.config)
    assert (0, audited.config.with_name("heads.jsonl").read_text()) == (ran.status, ran.out)
    ran = payport("audit", "head", "--config", audited.config)
    assert (ran.status, ran.out, ran.err) == (0, "", "nothing was recorded since the last head\n")


def test_a_head_needs_a_key(shop: Shop, payport: Command) -> None:
    """Said as it is."""
    sell(shop, "SHOP10010001")
    ran = payport("audit", "head", "--config", shop.config)
    assert (2, "payport keygen --kind audit" in ran.err) == (ran.status, True)


class Earlier(datetime):
    """Four years ago."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override] # a fixed zone
        return TODAY - timedelta(days=4 * 366)


@pytest.fixture
def old(audited: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose first records are four years old."""
    with monkeypatch.context() as patch:
        patch.setattr("payport.sdk.journal.auditing.datetime", Earlier)
        with audited.gateway(by_s=4 * 366 * 86400.0) as gateway:
            order = Order(ref="SHOP10010001", amount=Money.of("5.00", "CNY"), subject="Tea")
            gateway.pay(order, QrShown())
    sell(audited, "SHOP10010002")
    return audited


def day(years: float) -> str:
    """So many years ago."""
    return f"{TODAY - timedelta(days=366 * years):%Y-%m-%d}"


def test_old_records_are_archived_and_leave(old: Shop, payport: Command, tmp_path: Path) -> None:
    """Files that verify by themselves, a journal that goes on from them, and both together."""
    folder = tmp_path / "archive"
    ran = payport("audit", "archive", "--before", day(1), "--to", folder, "--config", old.config)
    assert (0, ".jsonl.gz: 4 records" in ran.out) == (ran.status, True)
    ran = payport("audit", "archive", "--before", day(1), "--to", folder, "--config", old.config)
    assert (ran.status, ran.err) == (0, "nothing from before that is not archived yet\n")
    ran = payport("audit", "archive", "--before", day(1), "--to", folder, "--move", "--config", old.config)
    assert (ran.status, ran.out) == (0, "4 records left the journal\n")
    ran = payport("audit", "verify", "--archive", folder, "--config", old.config)
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "The audit trail is whole.")
    nowhere = old.config.with_name("archive_machine.toml")
    nowhere.write_text('[journal]\nurl = "sqlite:///nothing.db"\n')
    ran = payport("audit", "verify", "--archive", folder, "--public-key", public_key(old), "--config", nowhere)
    assert (0, "only the archives are verified" in ran.out, "They verify.") == (
        ran.status, True, ran.out.splitlines()[-1],
    )  # fmt: skip
    next(folder.glob("*.json")).unlink()
    ran = payport("audit", "verify", "--archive", folder, "--config", old.config)
    assert (1, "records 1 to 4 are neither in the journal nor in the archives" in ran.out) == (ran.status, True)


def test_what_is_too_young_stays(old: Shop, payport: Command, tmp_path: Path) -> None:
    """Refused before anything is touched, with the day that would be right."""
    folder = tmp_path / "archive"
    ran = payport("audit", "archive", "--before", day(0.1), "--to", folder, "--move", "--config", old.config)
    assert (1, "92 days stay at hand" in ran.err, False) == (ran.status, True, folder.exists())
    ran = payport("audit", "drop", "--before", day(2), "--config", old.config)
    assert (1, "kept for 1096 days" in ran.err) == (ran.status, True)
    with old.config.open("a") as config:
        config.write("retention_days = 3000\n")
    ran = payport("audit", "drop", "--before", day(3.5), "--config", old.config)
    assert (1, "kept for 3000 days" in ran.err) == (ran.status, True)
    assert payport("audit", "verify", "--config", old.config).status == 0


def test_what_is_old_enough_can_be_deleted(old: Shop, payport: Command, tmp_path: Path) -> None:
    """From the journal and from the archives; that it was done is recorded, and what is left verifies."""
    folder = tmp_path / "archive"
    payport("audit", "archive", "--before", day(1), "--to", folder, "--config", old.config)
    ran = payport("audit", "drop", "--before", day(3.5), "--archive", folder, "--config", old.config)
    assert ran.out == "4 records of the journal were deleted\n1 archives with 4 records were deleted\n"
    assert list(folder.iterdir()) == []
    assert payport("audit", "verify", "--config", old.config).status == 0
    days = ("--from", "2020-01-01", "--to", "2099-01-01")
    found = json.loads(payport("audit", "report", *days, "--json", "--config", old.config).out)
    assert found["by_result"]["audit.dropped deleted"] == 2


def test_what_takes_its_time_says_what_it_does(
    old: Shop, payport: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Years of records take minutes, and nobody should have to guess whether it still works."""
    said: list[str] = []
    genuine = Console.status

    def status(console: Console, text: str) -> Status:
        said.append(text)
        return genuine(console, text)

    monkeypatch.setattr(Console, "status", status)
    for words, expected in [
        (["audit", "export", "--order", "SHOP10010001"], ["reading"]),
        (["audit", "report", "--from", "2020-01-01", "--to", "2099-01-01"], ["counting"]),
        (["report"], ["counting"]),
        (
            ["audit", "archive", "--before", day(1), "--to", str(tmp_path / "archive"), "--move"],
            ["archiving", "verifying the archives, and taking out what they hold"],
        ),
        (
            ["audit", "drop", "--before", day(3.5), "--archive", str(tmp_path / "archive")],
            ["deleting", "verifying the archives, and deleting the old ones"],
        ),
    ]:
        said.clear()
        assert payport(*words, "--config", old.config).status == 0
        assert said == expected


def test_an_archive_needs_a_key(shop: Shop, payport: Command, tmp_path: Path) -> None:
    """It is signed or not made."""
    sell(shop, "SHOP10010001")
    ran = payport("audit", "archive", "--before", day(1), "--to", tmp_path / "x", "--config", shop.config)
    assert (2, "archives are signed" in ran.err) == (ran.status, True)


def test_a_key_for_the_trail(payport: Command) -> None:
    """The private one alone on the standard output, so that it can go into a file."""
    ran = payport("keygen", "--kind", "audit")
    key = AuditKey(Secret(ran.out.strip()))
    assert f"public key, for whoever verifies: {key.public}\n" == ran.err


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("retention_days = 30", "retention_days"),
        ('key = "file:audit_key.txt"', "key and heads go together"),
        ('heads = "x"', "key and heads go together"),
        ('key = "c2VjcmV0"', "must not stand in the file"),
        ("nonsense = 1", "known here: enabled, key, former_keys, heads, payers, exchange_key, retention_days"),
    ],
)
def test_a_wrong_setting_is_named(shop: Shop, payport: Command, line: str, why: str) -> None:
    """In the file, with what to do."""
    shop.config.with_name("audit_key.txt").write_text(new_audit_key()[0])
    with shop.config.open("a") as config:
        config.write(f"\n[audit]\n{line}\n")
    ran = payport("audit", "verify", "--config", shop.config)
    assert (2, why in ran.err) == (ran.status, True), ran.err


def test_former_keys_still_count(audited: Shop, payport: Command) -> None:
    """After the key was replaced, heads of both verify."""
    sell(audited, "SHOP10010001")
    former = public_key(audited)
    audited.config.with_name("audit_key.txt").write_text(new_audit_key()[0])
    sell(audited, "SHOP10010002")
    ran = payport("audit", "verify", "--config", audited.config)
    assert (1, "is not trusted" in ran.out) == (ran.status, True)
    with audited.config.open("a") as config:
        config.write(f'former_keys = ["{former}"]\n')
    assert payport("audit", "verify", "--config", audited.config).status == 0
    keys = Settings.load(audited.config, {"PAYPORT_AUDIT__FORMER_KEYS": f"{former}, {former}"}).audit.former_keys
    assert (former, former) == keys


def test_heads_that_are_gone_are_missed(audited: Shop, payport: Command) -> None:
    """The whole file, or the newest of it: the journal knows that it signed them."""
    sell(audited, "SHOP10010001")
    heads = audited.config.with_name("heads.jsonl")
    first = heads.read_text()
    sell(audited, "SHOP10010002")
    heads.write_text(first)
    ran = payport("audit", "verify", "--config", audited.config)
    assert (1, "the newest heads of chain" in ran.out) == (ran.status, True)
    heads.unlink()
    ran = payport("audit", "verify", "--config", audited.config)
    assert (1, f"the heads in {heads} cannot be read" in ran.err) == (ran.status, True)


def test_a_trail_that_was_never_signed_needs_no_file(audited: Shop, payport: Command) -> None:
    """Before the first head there is none."""
    with audited.gateway() as gateway:
        gateway.pay(Order(ref="SHOP10010001", amount=Money.of("5.00", "CNY"), subject="Tea"), QrShown())
    ran = payport("audit", "verify", "--config", audited.config)
    assert (0, "No signed heads were given" in ran.out) == (ran.status, True)
