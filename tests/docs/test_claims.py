"""What the pages say in tables is complete, and what they promise in words holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import cast, get_args

import pytest
from tests.docs.pages import blocks, prose
from tests.docs.prelude import prelude
from tests.docs.test_snippets import runs
from tests.support.source import ROOT

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator, Fault
from payport.schemas import (
    ActionRequired,
    FactKind,
    Money,
    NotSentKind,
    Order,
    PayOutcome,
    QrShown,
    Reason,
    UnknownKind,
)
from payport.sdk import (
    ConfigurationError,
    Gateway,
    GatewayClosed,
    JournalError,
    NotPermitted,
    PayportError,
    ReferenceConflict,
    SdkEvent,
    UnknownReference,
    __version__,
    events,
)
from payport.sdk.audit.chain import FlawKind
from payport.sdk.audit.record import What
from payport.sdk.journal.records import Verb
from payport.sdk.settings import AccountTable
from payport.sdk.verbs import VERBS

OUTCOMES = ROOT / "docs" / "reference" / "outcomes.md"


def rows(page: Path, heading: str = "") -> list[list[str]]:
    """The cells of the tables of a page, or of the part under one heading."""
    text = page.read_text("utf-8")
    part = text.partition(f"## {heading}")[2].partition("\n## ")[0] if heading else text
    return [
        [cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in part.splitlines() if "|" in line
    ]


def first_cells(page: Path, heading: str = "") -> set[str]:
    """The names in backticks in the first column."""
    return {name for row in rows(page, heading) for name in re.findall(r"`([\w.]+)", row[0])}


def values(members: Iterable[Enum]) -> set[str]:
    """The values of an enum."""
    return {str(member.value) for member in members}


@pytest.mark.parametrize(
    ("heading", "members"),
    [
        ("Why nothing was sent", NotSentKind),
        ("What left it open", UnknownKind),
        ("Why the partner said no", Reason),
        ("What happened later", FactKind),
    ],
)
def test_every_cause_is_explained(heading: str, members: type[Enum]) -> None:
    """A reader who meets a cause finds it in the page, and none that does not exist."""
    assert values(members) == first_cells(OUTCOMES, heading)


WITHOUT_AN_OUTCOME = {"resume", "resolve", "changes", "acknowledge", "open_operations", "history"}


def test_every_verb_says_what_it_returns() -> None:
    """A reader sees what to match on, and each mistake of the program that raises."""
    text = OUTCOMES.read_text("utf-8").partition("\n## ")[0]
    named = {
        name
        for line in text.splitlines()
        if line.startswith("|")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert named == set(VERBS) - WITHOUT_AN_OUTCOME
    assert "ActionRequired" in next(line for line in text.splitlines() if line.startswith("| `payout`"))
    raised = (ConfigurationError, ReferenceConflict, UnknownReference, GatewayClosed, NotPermitted, JournalError)
    assert [error for error in raised if f"`{error.__name__}`" not in text or not issubclass(error, PayportError)] == []


def test_every_outcome_is_explained() -> None:
    """The table of the README has the members of the union, no more and no less."""
    members = {getattr(member, "__origin__", member).__name__ for member in get_args(PayOutcome)}
    assert members == first_cells(ROOT / "README.md", "What the outcomes mean")


def test_every_event_is_explained() -> None:
    """With its level."""
    expected = {kind.name: kind.level.name.lower() for kind in kinds_of_event()}
    told = {row[0].strip("`"): row[1] for row in rows(ROOT / "docs" / "operate.md", "Events and logs") if "`" in row[0]}
    assert expected == told


def kinds_of_event() -> list[type[SdkEvent]]:
    """Every class of event that has a name."""
    classes = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, SdkEvent)]
    return [kind for kind in classes if "name" in vars(kind) and kind is not SdkEvent]


def test_everything_that_is_recorded_is_explained() -> None:
    """Whoever reads the audit trail, or what verifying says of it, finds each word in the page."""
    page = ROOT / "docs" / "audit.md"
    words = {*values(What), *values(Verb)}
    named = {word for row in rows(page, "What is recorded") for word in re.findall(r"`([a-z._]+)`", row[0])}
    assert words | {"what"} == named
    told = {word for row in rows(page, "Verify") for word in re.findall(r"`([a-z_]+)`", row[0])}
    assert values(FlawKind) == told


def test_every_fault_is_listed() -> None:
    """A user finds every way to misbehave."""
    page = (ROOT / "docs" / "test-without-a-network.md").read_text("utf-8")
    assert [fault.name for fault in Fault if f"`{fault.name}`" not in page] == []


@pytest.mark.parametrize("partner", ["alipay", "unionpay", "wechatpay"])
def test_every_setting_of_a_partner_is_explained(partner: str) -> None:
    """The page lists the keys that a table may have: those that the message for an unknown one names."""
    settings = import_module(f"payport.adapters.{partner}.settings")
    with pytest.raises(ConfigurationError) as caught:
        settings.account_from(AccountTable({"nonsense": "1"}))
    known = set(re.findall(r"\w+", str(caught.value).partition("takes")[2]))
    assert known == first_cells(ROOT / "docs" / "partners" / f"{partner}.md", "Settings") - {"payport.toml"}


def test_the_front_door_shows_a_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first snippet of the README ends in the branch that a new order takes."""
    readme = ROOT / "README.md"
    door = next(block for block in blocks(readme) if block.language == "python")
    with prelude("README.md", tmp_path, monkeypatch) as names:
        exec(compile(door.text, "README.md", "exec", dont_inherit=True), names)
        calls = cast("list[tuple[str, object]]", names["calls"])
    assert [name for name, _ in calls] == ["show"]


def test_the_changelog_speaks_of_this_version() -> None:
    """A release without its own heading tells its users nothing."""
    assert any(line == f"## {__version__}" for _, line in prose(ROOT / "CHANGELOG.md"))


@pytest.mark.parametrize(
    "line",
    [
        "payport nonsense",
        "payport resume --nonsense",
        "payport incidents",
        "payport incidents nonsense",
        "payport incidents ack 1 --nonsense",
        "payport",
        "make nonsense",
        "pip install payport[nonsense]",
        "rm x",
    ],
)
def test_a_wrong_command_is_found(line: str) -> None:
    """The check of the shell blocks can fail."""
    assert not runs(line.split())


def test_a_reversed_payment_raises_no_alarm_when_it_is_asked_about(tmp_path: Path) -> None:
    """Its money is back already: telling somebody to give it back would give it back twice."""
    partner, told = AlipaySimulator(), list[SdkEvent]()
    order = Order(ref="SHOP40010004", amount=Money.of("5.00", "CNY"), subject="Tea")
    with Gateway(
        Alipay(partner.account),
        journal=f"sqlite:///{tmp_path / 'x.db'}",
        transport=partner.transport(),
        sinks=[told.append],
    ) as gateway:
        shown = gateway.pay(order, QrShown())
        assert isinstance(shown, ActionRequired)
        partner.payer.open(shown.action)
        gateway.cancel(order.ref, reverse_paid=True)
        gateway.query(order.ref)
        gateway.receive(partner.notices[0])
        facts = gateway.journal.read(lambda session: session.operations(order.ref))[0].facts
    assert [event for event in told if event.level >= events.Level.ERROR] == []
    assert FactKind.SURPLUS_PAID not in {fact.kind for fact in facts}
    assert Money.of("5.00", "CNY") == partner.ledger.refunded_total()
