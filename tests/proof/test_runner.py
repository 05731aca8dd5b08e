"""The proof itself: it fails when anything fails, says how to play a failure again, and goes on where it stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from proof import __main__ as program
from proof import schedules, table
from proof.canary import FAMILY as CANARY
from proof.families import MODULES, families
from proof.family import Failure, Family, Tally, each
from proof.runner import Shard, run, shards
from proof.state import Done, State
from proof.subjects import subjects

ROOT = Path(__file__).parents[2]


def fine(first: int, count: int) -> Tally:
    """Every case is good."""
    return Tally(count)


def broken(first: int, count: int) -> Tally:
    """Unit 7 fails."""
    return each(range(first, first + count), seventh)


def seventh(number: int, tally: Tally) -> None:
    tally.cases += 1
    if number == 7:
        raise ValueError("it is the seventh")


def dead(first: int, count: int) -> Tally:
    """The process is gone."""
    os._exit(3)


def endless(first: int, count: int) -> Tally:
    """It does not end."""
    while True:
        time.sleep(1)


def family(run: object, **more: object) -> Family:
    details: dict[str, object] = {"id": "TX", "title": "a family", "gate": 10, "long": 100, "shard": 4, **more}
    return Family(run=run, **details)  # type: ignore[arg-type] # a table of settings, each of its own type


def outcome(one: Family, state: State | None = None) -> tuple[State, list[str]]:
    said: list[str] = []
    kept = state or State(None)
    todo = [shard for shard in shards(one, 0, one.gate) if not kept.has(shard.family.id, shard.first, shard.count)]
    run(todo, kept, workers=2, commit="", tell=said.append)
    return kept, said


def failures(state: State) -> list[Failure]:
    return [failure for done in state.of("TX") for failure in done.tally.failures]


def test_units_are_cut_into_shards_at_fixed_places() -> None:
    """A run that begins in the middle uses the same shards as one that begins at the start, but for the first."""
    one = family(fine)
    assert [(shard.first, shard.count) for shard in shards(one, 0, 10)] == [(0, 4), (4, 4), (8, 2)]
    assert [(shard.first, shard.count) for shard in shards(one, 5, 7)] == [(5, 3), (8, 4)]


def test_what_a_case_raises_is_a_failure_with_its_number() -> None:
    """And the cases after it are tried all the same."""
    state, said = outcome(family(broken))
    assert [failure.number for failure in failures(state)] == [7]
    assert "ValueError: it is the seventh" in failures(state)[0].what
    assert sum(done.tally.cases for done in state.of("TX")) == 10
    assert len(said) == 3


def test_a_shard_that_dies_is_a_failure() -> None:
    """It may have died of what it was to prove."""
    state, _ = outcome(family(dead, gate=1))
    assert "died with 3" in failures(state)[0].what


def test_a_shard_that_does_not_end_is_a_failure() -> None:
    """It is killed."""
    state, _ = outcome(family(endless, gate=1, limit_s=0.2))
    assert "was not over" in failures(state)[0].what


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A shard that was done is not run again; one that failed is; half a line, from a power cut, is none."""
    place = tmp_path / "state.jsonl"
    kept = State(place)
    kept.add(Done("TX", 0, 4, Tally(4, [], {"note": 2}), 1.5, "abc"))
    kept.add(Done("TX", 4, 4, Tally(4, [Failure(5, "it failed")]), 1.5, "abc"))
    with place.open("a") as file:
        file.write('{"family": "TX", "first": 8, "cou')
    again = State(place)
    assert [again.has("TX", *range_) for range_ in ((0, 4), (4, 4), (8, 2))] == [True, False, False]
    assert again.done["TX", 0, 4].tally.notes == {"note": 2}


def test_what_can_wait_comes_last_and_is_left_out_when_time_is_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A family's least is tried in any case; the table counts what was tried, no more."""
    patient = family(fine, least=4)
    monkeypatch.setattr(program, "families", lambda: (patient, family(fine, id="TY", gate=4)))
    place = tmp_path / "table.md"
    assert program.main(["--within", "0", "--workers", "1", "--table", str(place)]) == 0
    said = capsys.readouterr().out
    assert "time is up: 2 shards, from TX 4 to 7 on, were not begun" in said
    lines = [line.split(" | ") for line in place.read_text().splitlines()[2:4]]
    assert [(line[0], line[2], line[3]) for line in lines] == [("| TX", "4", "0"), ("| TY", "4", "0")]
    assert program.main(["--within", "1", "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert said.index("TY 0 to 3") < said.index("TX 4 to 7"), "what must be tried comes first"
    assert "time is up" not in said


@pytest.mark.parametrize(("busy_percent", "together"), [(100, 1), (51, 1), (50, 2), (35, 2), (33, 3)])
def test_what_waits_most_of_the_time_shares_a_processor(tmp_path: Path, busy_percent: int, together: int) -> None:
    """Each case looks who else is at work; several are seen beside one processor only where they wait."""

    def seen(first: int, count: int) -> Tally:
        tally = Tally(count)
        (tmp_path / f"at-work-{first}").touch()
        time.sleep(0.3)
        tally.note(f"together {len(list(tmp_path.glob('at-work-*')))}")
        (tmp_path / f"at-work-{first}").unlink()
        return tally

    one = family(seen, gate=3, shard=1, busy_percent=busy_percent)
    state = State(None)
    run(list(shards(one, 0, 3)), state, workers=1, commit="", tell=lambda _: None)
    most = max(int(note.removeprefix("together ")) for done in state.of("TX") for note in done.tally.notes)
    assert most == together


def test_every_partner_has_its_share_of_schedules_and_no_seed_twice() -> None:
    """WeChat Pay's two interfaces take turns."""
    places = [schedules.place(number) for number in range(0, schedules.FAMILY.gate, schedules.BLOCK)]
    assert len({(subject.name, seed) for subject, seed in places}) == len(places) == 120
    assert Counter(subject.name.partition("_")[0] for subject, _ in places) == dict.fromkeys(
        ("adyen", "alipay", "paypal", "stripe", "unionpay", "wechatpay"), 20
    )
    assert {subject.name for subject, _ in places} == {subject.name for subject in subjects()}


def test_the_bound_is_three_over_n() -> None:
    """The rule of three, at 95 %; nothing is claimed where something failed or nothing was tried."""
    assert table.bound(300_000, 0) == "1.0e-05"
    assert table.bound(300_000, 1) == "failed"
    assert table.bound(0, 0) == "none"


def test_the_table_is_written_for_a_page() -> None:
    """One line per family."""
    lines = [table.Line("T9", "holds", Tally(1_000_000), 61.2)]
    assert table.markdown(lines).splitlines()[-1] == "| T9 | holds | 1,000,000 | 0 | 61 | 3.0e-06 |"
    assert table.plain(lines).splitlines()[-1].split() == ["T9", "holds", "1,000,000", "0", "61", "3.0e-06"]


def test_the_canary_fails_the_proof(tmp_path: Path) -> None:
    """A proof that cannot fail proves nothing; the failure says how to play it again, and that works."""
    place = tmp_path / "table.md"
    done = subprocess.run(
        [sys.executable, "-m", "proof", "T0", "--canary", "--table", str(place)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "python -m proof T0 --first 0 --count 1" in done.stdout
    assert "| T0 | the canary fails | 1 | 1 |" in place.read_text()


def test_the_canary_rides_along(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With it every run fails, whatever else is in it."""
    monkeypatch.setattr(program, "families", lambda: (family(fine),))
    assert program.main(["--workers", "1"]) == 0
    assert program.main(["--workers", "1", "--canary"]) == 1
    assert program.main(["TX", "--workers", "1", "--canary"]) == 1
    assert "T0 failed" in capsys.readouterr().out


def test_state_and_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--long`` takes the other figure; with ``--state`` the second run has nothing left to do, and the same table."""
    monkeypatch.setattr(program, "families", lambda: (family(fine),))
    place = tmp_path / "state.jsonl"
    for _ in range(2):
        assert program.main(["--long", "--state", str(place)]) == 0
        assert "100" in capsys.readouterr().out
    assert len(place.read_text().splitlines()) == 25
    assert json.loads(place.read_text().splitlines()[0])["cases"] == 4


def test_an_unknown_family_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Not taken for nothing to do."""
    assert program.main(["T99"]) == 2
    assert "no such family: T99" in capsys.readouterr().out


def test_every_module_of_a_family_is_in_the_list() -> None:
    """A family that is left out would never be run."""
    found = {
        path.stem
        for path in (ROOT / "proof").glob("*.py")
        if "\nFAMILY = " in path.read_text() and path.stem != "canary"
    }
    assert found == set(MODULES)
    assert len({one.id for one in families()}) == len(MODULES)


@pytest.mark.parametrize("one", [*families(), CANARY], ids=lambda one: one.id)
def test_the_long_run_is_longer(one: Family) -> None:
    """And every figure is one that can be cut into shards."""
    assert 0 < one.gate <= one.long
    assert one.shard > 0
    assert isinstance(next(shards(one, 0, one.gate)), Shard)
