"""``payport demo``: it plays every scene and its closing check is a real one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.cli.conftest import Command

from payport.adapters.alipay import Alipay, demo
from payport.adapters.alipay.demo import scenes
from payport.adapters.alipay.simulator import AlipaySimulator, EntryKind
from payport.schemas import (
    ActionRequired,
    Authorization,
    Authorized,
    Money,
    Pending,
    QrCode,
    QrShown,
)
from payport.sdk.cli.demo import death, till
from payport.sdk.cli.demo.books import Books, Line, compare
from payport.sdk.cli.demo.stage import HastyClock, Stage, Told, told
from payport.sdk.cli.partners import plays_of
from payport.sdk.host_clock import SystemClock

AlipayStage = Stage[AlipaySimulator, Alipay]


@pytest.mark.timeout(120)
def test_the_demo() -> None:
    """Every scene of every partner, as users run it: status 0, one table at the end, and it agrees."""
    command = [sys.executable, "-m", "payport.sdk.cli", "demo"]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=100)
    assert (ran.returncode, ran.stderr) == (0, "")
    for said in (
        "█▀▀▀▀▀▀▀█",
        "new: applied",
        "seen before",
        "Unknown(timed_out)",
        "DEMO000003/pay//1 is settled: succeeded",
        "TRADE_CLOSED",
        "sixteen callers",
        "Every order was charged at most once, and both totals agree.",
    ):
        assert said in ran.stdout
    assert "WRONG" not in ran.stdout
    for play in plays_of(None):
        assert re.search(rf"│ {play.name} +│.*│ {play.currency} +│", ran.stdout)


def second_charge(stage: AlipayStage) -> None:
    """What must never happen: the partner charges an order twice."""
    scenes.shown_and_paid(stage)
    books = stage.partner._books
    charge = next(entry for entry in books.entries if entry.kind is EntryKind.CHARGE)
    books.entries.append(charge)


def lost_payment(stage: AlipayStage) -> None:
    """A charge that the journal knows nothing of."""
    scenes.shown_and_paid(stage)
    stage.refs.clear()


def lost_refund(stage: AlipayStage) -> None:
    """Money that went back, and the journal says otherwise."""
    scenes.shown_and_paid(stage)
    books = stage.partner._books
    charge = next(entry for entry in books.entries if entry.kind is EntryKind.CHARGE)
    books.entries.append(replace(charge, kind=EntryKind.REFUND, amount_minor=-1))


@pytest.mark.parametrize(
    ("said", "crime"),
    [
        ("WRONG: DEMO000001 was charged 2 times", second_charge),
        ("WRONG: in all Alipay charged 12.34 CNY, the journal says 0.00 CNY", lost_payment),
        ("WRONG: DEMO000001: Alipay gave back 0.01 CNY, the journal says 0.00 CNY", lost_refund),
    ],
)
def test_books_that_do_not_agree_are_found(
    said: str, crime: Callable[[AlipayStage], None], payport: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The partner's books are tampered with: status 1, and the reason."""
    monkeypatch.setattr(demo, "PLAY", replace(demo.PLAY, scenes=(("A crime", crime),), finale=()))
    ran = payport("demo", "alipay")
    assert ran.status == 1
    assert said in ran.out


SOUND = Line(
    partner="Alipay",
    ref="A",
    state="succeeded",
    charges=1,
    charged=Money.of("10.00", "CNY"),
    returned=Money.of("0.00", "CNY"),
    paid=Money.of("10.00", "CNY"),
    refunded=Money.of("0.00", "CNY"),
)


@pytest.mark.parametrize(
    ("problem", "each"),
    [
        ("", SOUND),
        ("A was charged 2 times", replace(SOUND, charges=2)),
        ("A: Alipay charged 9.00 CNY, the journal says 10.00 CNY", replace(SOUND, charged=Money.of("9.00", "CNY"))),
        ("A: Alipay gave back 1.00 CNY, the journal says 0.00 CNY", replace(SOUND, returned=Money.of("1.00", "CNY"))),
    ],
)
def test_what_is_wrong_with_an_order(problem: str, each: Line) -> None:
    """At most one charge, the same money on both sides."""
    assert problem == each.problem


def test_totals_are_compared_too() -> None:
    """What belongs to no order of ours is found by the totals."""
    total, nothing = Money.of("11.00", "CNY"), Money.of("0.00", "CNY")
    books = Books(partner="Alipay", lines=[SOUND], charged=total, returned=nothing)
    assert books.problems == ["in all Alipay charged 11.00 CNY, the journal says 10.00 CNY"]
    books = Books(partner="Alipay", lines=[SOUND], charged=Money.of("10.00", "CNY"), returned=total)
    assert books.problems == ["in all Alipay gave back 11.00 CNY, the journal says 0.00 CNY"]


@pytest.fixture
def stage(tmp_path: Path) -> AlipayStage:
    """A stage whose voice is kept in a text."""
    return Stage.build(Console(file=StringIO(), width=200), tmp_path, demo.PLAY)


def spoken(stage: AlipayStage) -> str:
    """What was said so far."""
    assert isinstance(stage.console.file, StringIO)
    return stage.console.file.getvalue()


@pytest.mark.timeout(60)
def test_the_scenes_one_by_one(stage: AlipayStage) -> None:
    """In this process, without the death: nothing goes wrong, and the books agree."""
    with stage:
        scenes.shown_and_paid(stage)
        scenes.timed_out_after_commit(stage)
        scenes.refunded_in_two_parts(stage)
        scenes.never_confirmed(stage)
        scenes.many_at_once(stage)
        assert (stage.wrong, compare(stage).problems) == ([], [])


def test_death_between_commit_and_answer(stage: AlipayStage) -> None:
    """The till is killed with the order charged and open; while its lease lasts, resume may not send and says so."""
    with stage:
        death.killed_between_commit_and_answer(stage)
        assert stage.wrong == []
        assert len(stage.partner.ledger.charges()) == 1
        assert [operation.ref for operation in stage.gateway.open_operations()] == stage.refs
        assert stage.lease_until_s > SystemClock().moment().monotonic_s + 5
        stage.lease_until_s = SystemClock().moment().monotonic_s + 0.6
        death.settled_after_restart(stage)
    assert "0 settled, 1 open" in spoken(stage)
    assert stage.wrong == ["payport resume left something open"]


def test_a_till_that_dies_by_itself_is_noticed(stage: AlipayStage) -> None:
    """The scene is then not what it says: the demo fails and shows the reason."""
    with stage:
        stage.config.write_text("", encoding="utf-8")
        death.killed_between_commit_and_answer(stage)
    assert len(stage.wrong) == 1
    assert "no account is configured" in stage.wrong[0]


def test_the_till_pays(stage: AlipayStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left alone, it would charge its order once."""
    with stage:
        order = stage.order("30.00", "Rice")
        monkeypatch.setattr(sys, "argv", ["till", str(stage.config), "alipay", order.ref])
        till.main()
        assert len(stage.partner.ledger.charges(starting_with=order.ref)) == 1


def test_a_scene_that_goes_wrong_fails_the_demo(payport: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Agreeing books alone are not enough."""
    scene = ("Nothing", lambda stage: stage.expect(False, "the sky is green"))
    monkeypatch.setattr(demo, "PLAY", replace(demo.PLAY, scenes=(scene,), finale=()))
    ran = payport("demo", "alipay")
    assert ran.status == 1
    assert "Not as it should be: the sky is green" in ran.out


def test_an_outcome_of_another_kind_is_noticed(stage: AlipayStage) -> None:
    """A scene that expects success is not content with less."""
    with stage:
        order = stage.order("1.00", "Tea")
        outcome = stage.gateway.pay(order, QrShown())
        stage.tell("gateway.pay(...)", outcome, Pending)
        stage.charges(order.ref, 1)
    assert len(stage.wrong) == 2


def test_a_first_scene_without_a_code_stops(stage: AlipayStage) -> None:
    """There is nothing to draw when Alipay is out."""
    stage.partner.close()
    with stage:
        scenes.shown_and_paid(stage)
    assert stage.wrong == ["gateway.pay(DEMO000001, 12.34 CNY, QrShown()) should have been ActionRequired"]


def test_the_hasty_clock_skips() -> None:
    """Both clocks move on by as much as was slept, and nobody waits."""
    moved: list[float] = []
    clock, real = HastyClock(moved.append), SystemClock()
    clock.sleep(3600)
    clock.sleep(-1)
    assert (moved, clock.ahead_s) == ([3600, 0], 3600)
    assert 3599 < clock.moment().monotonic_s - real.moment().monotonic_s < 3601
    assert 3599 < (clock.moment().utc - real.moment().utc).total_seconds() < 3601


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("Pending: accepted, not final", Pending(operation="x", ask_again_s=1)),
        (
            "Authorized: 1.00 CNY held",
            Authorized(
                Authorization(
                    ref="A",
                    amount=Money.of("1.00", "CNY"),
                    partner="alipay",
                    account="alipay:1",
                    partner_ref="AT001",
                    partner_id=None,
                    authorized_at=None,
                )
            ),
        ),
        (
            "ActionRequired: the payer must act, until ",
            ActionRequired(action=QrCode(text="x"), payable_until=SystemClock().moment().utc),
        ),
    ],
)
def test_outcomes_in_words(words: str, outcome: Told) -> None:
    """Each in a few words, none with a code in it."""
    assert told(outcome).plain.startswith(words)
