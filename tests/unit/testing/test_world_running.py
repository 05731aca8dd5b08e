"""Seeds are stories: the same one every time and everywhere, told to a person by one command, caught when it is bad."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast

import pytest
from proof.sabotages import SABOTAGES
from proof.sabotages.cut import without
from proof.subjects import subjects
from tests.conformance.subjects import alipay
from tests.conformance.subjects.kiosk import SUBJECT as KIOSK
from tests.support.elsewhere import said_elsewhere

from payport.sdk.testing.conformance.case import AnySubject
from payport.sdk.testing.stepping import MORNING
from payport.sdk.testing.world import Options, Schedule, missing, must_meet, quick_keys, replay, run
from payport.sdk.testing.world.__main__ import main

ALIPAY = cast("AnySubject", alipay.SUBJECT)
WHERE = "tests.conformance.subjects.kiosk"
NOTHING_LEFT = next(one for one in SABOTAGES if "never left" in one.what)
"""The bug that costs shops most: no answer, so nothing was done."""
SEEDS = range(1, 6)
SAMPLE, STEP = 800, 20
"""Within so many schedules the world has come to everything, with each partner; the seeds are always the same."""

TELL = """
from hashlib import sha256
from tests.conformance.subjects.alipay import SUBJECT
from payport.sdk.testing.world import Schedule, quick_keys
with quick_keys():
    texts = [Schedule(SUBJECT, seed).play().text() for seed in range(1, 6)]
print(sha256("".join(texts).encode()).hexdigest())
"""


def test_a_seed_is_the_same_story_in_every_process() -> None:
    """Byte for byte."""
    assert said_elsewhere(TELL, "1") == said_elsewhere(TELL, "4711")


def test_neither_keys_nor_the_disk_nor_listeners_change_the_story(tmp_path: Path) -> None:
    """So that a seed that fails in one manner can be looked at in another."""
    for seed in SEEDS:
        genuine = Schedule(ALIPAY, seed, Options(place=tmp_path, watched=True)).play().text()
        with quick_keys():
            assert Schedule(ALIPAY, seed).play().text() == genuine


def test_a_run_reports_what_it_did() -> None:
    """How many, how long, and how often each kind of thing was met; nothing is wrong with our adapters."""
    report = run(KIOSK, 1, 20)
    assert (report.partner, report.first_seed, report.schedules) == ("kiosk", 1, 20)
    assert report.violations == []
    assert report.seconds > 0
    assert report.per_second == pytest.approx(20 / report.seconds)
    assert report.coverage["verb pay"] >= 20
    split = run(KIOSK, 1, 12).coverage + run(KIOSK, 13, 8).coverage
    assert split == report.coverage, "a range can be split over processes"


@pytest.mark.timeout(120)
@pytest.mark.parametrize("subject", [KIOSK, *subjects()], ids=lambda subject: subject.name)
def test_the_world_comes_to_everything(subject: AnySubject) -> None:
    """A kind of mishap, verb, outcome or state that is never met would be proved by nobody."""
    met: Counter[str] = Counter()
    for first in range(1, SAMPLE, STEP):
        report = run(subject, first, STEP, genuine_every=0)
        assert report.violations == []
        met += report.coverage
        if not missing(met, subject):
            return
    assert missing(met, subject) == []


def test_what_is_never_met_is_named() -> None:
    """One schedule does not come to everything."""
    few = missing(run(KIOSK, 1, 1).coverage, KIOSK)
    assert few
    assert set(few) < must_meet(KIOSK)


def test_a_guard_that_is_switched_off_is_found_out() -> None:
    """At the first schedule that shows it; with the guard on, the same schedules show nothing."""
    assert run(WHERE, 1, 60).violations == []
    with without(NOTHING_LEFT.cuts):
        report = run(WHERE, 1, 60, stop_at_first=True)
    assert report.violations
    assert report.schedules == report.violations[0].seed
    assert f"python -m payport.sdk.testing.world {WHERE} --seed {report.schedules}" in str(report.violations[0])


def test_a_story_is_told_by_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line a time, who, and what; what is wrong stands at the end."""
    assert main([WHERE, "--seed", "3"]) == 0
    text = capsys.readouterr().out
    assert text == replay(WHERE, 3)[0] + "\n"
    lines = text.splitlines()
    assert lines[0] == "kiosk, seed 3"
    assert any(": call 1: " in line for line in lines)
    assert any(line.endswith("calm: from now on nothing goes wrong") for line in lines)
    assert "at the end:" in lines
    with without(NOTHING_LEFT.cuts):
        seed = run(KIOSK, 1, 60, stop_at_first=True).schedules
        assert main([WHERE, "--seed", str(seed)]) == 1
    assert f"kiosk seed {seed}: " in capsys.readouterr().out


def test_many_are_counted_by_the_same_command(capsys: pytest.CaptureFixture[str]) -> None:
    """And what they came to is listed."""
    assert main([WHERE, "--seed", "1", "--count", "5"]) == 0
    assert "kiosk: 5 schedules" in capsys.readouterr().out


def test_what_breaks_the_world_itself_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the story so far."""

    def broken(*_: object) -> None:
        raise RuntimeError("the partner's books burnt")

    monkeypatch.setattr(type(KIOSK.simulator(lambda: MORNING)), "charges", broken)
    report = run(KIOSK, 1, 5, stop_at_first=True)
    assert report.violations[0].invariant == "World"
    assert "the partner's books burnt" in report.violations[0].text
    text, violations = replay(KIOSK, report.violations[0].seed)
    assert "worker 1" in text
    assert violations[0].invariant == "World"


def test_secrets_are_looked_for_in_the_genuine_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """One seed in so many is listened to, and what an event shows of the account's token is found."""
    monkeypatch.setattr(type(KIOSK.simulator(lambda: MORNING).account), "partner", "kiosk-s3cret")
    report = run(KIOSK, 200, 1)
    assert "I10" in {violation.invariant for violation in report.violations}
    assert "I10" not in {violation.invariant for violation in run(KIOSK, 201, 1).violations}
