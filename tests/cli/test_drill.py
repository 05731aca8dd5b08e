"""``payport drill``: faults are injected, noticed, told, answered and got over, and the record says how long."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console
from tests.cli.conftest import Command, Shop
from tests.support.mail_server import MailServer

from payport.adapters.alipay import Alipay
from payport.schemas.events import RawNotification, Rejected
from payport.sdk.adapter import Opened
from payport.sdk.breaker import Breaker
from payport.sdk.cli.drill import ground as grounds
from payport.sdk.cli.drill import guarding
from payport.sdk.cli.drill.ground import Ground
from payport.sdk.cli.drill.record import Drilled, DrillRecord, Times, span
from payport.sdk.cli.drill.running import Plan, hold
from payport.sdk.cli.drill.scenarios import NAMES, SCENARIOS, Scenario
from payport.sdk.cli.partners import partners, plays_of
from payport.sdk.exchange import Exchange
from payport.sdk.incidents.kinds import KINDS, STORAGE_FAILED
from payport.sdk.incidents.records import Incident
from payport.sdk.incidents.settings import AlertSettings
from payport.sdk.limits import Limiter, SharedStore
from payport.sdk.limits.rules import Rule
from payport.sdk.testing.certificates import loopback_certificates

QUICK = [scenario for scenario in SCENARIOS if not scenario.early]
BEGAN = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def held(
    folder: Path, scenarios: Sequence[Scenario], partner: str = "alipay", alerting: AlertSettings | None = None
) -> DrillRecord:
    """A drill of these."""
    plan = Plan(
        by="Wen", scenarios=scenarios, places=[(play, ()) for play in plays_of(partner)],
        alerting=alerting or AlertSettings(),
    )  # fmt: skip

    def answer(incident: Incident) -> str:
        return "Li"

    def listen(text: str) -> None:
        assert text

    return hold(plan, folder, answer, listen)


def scenario(name: str) -> Scenario:
    """One of them."""
    return next(each for each in SCENARIOS if each.name == name)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Drilled]:
    """Every fault class that needs no real waiting, at one partner."""
    record = held(tmp_path_factory.mktemp("drill"), QUICK)
    return {each.fault: each for each in record.drilled}


@pytest.mark.parametrize(
    ("name", "incident", "answers"),
    [
        ("partner_slow", "budget_burnt", {"Unknown(timed_out)": 4}),
        ("partner_failing", "breaker_open", {"Unknown(partner_fault)": 9, "NotSent(breaker_open)": 2}),
        ("wrong_signatures", "signature_failures", {"Unknown(unverified)": 4, "ActionRequired": 1}),
        ("unknown_outcomes", "unknown_ageing", {"Unknown(connection_lost)": 4}),
        ("rate_limited", "", {"Declined(rate_limited)": 4}),
        ("redis_lost", "limits_degraded", {"Succeeded": 8}),
        ("duplicate_notifications", "", {"ActionRequired": 2, "Succeeded": 1}),
        ("storage_lost", "storage_failed", {"Unknown(storage)": 4}),
    ],
)
def test_each_fault_is_noticed_told_and_got_over(
    quick: dict[str, Drilled], name: str, incident: str, answers: dict[str, int]
) -> None:
    """What the caller was told while it lasted, which incident it was, and that every target was met."""
    found = quick[name]
    assert (found.incident, found.answers, list(found.missed)) == (incident, answers, [])
    assert in_order(found.times) == bool(incident)


def in_order(times: Times) -> bool:
    """Whether it was noticed, told, answered and over, one after the other; it is over in any case."""
    assert times.recovered_s is not None
    found = (times.detected_s, times.alerted_s, times.responded_s)
    if None in found:
        return False
    noticed = [0.0, *(each for each in found if each is not None), times.recovered_s]
    assert noticed == sorted(noticed)
    return True


@pytest.mark.parametrize("name", ["partner_down", "expired_certificate"])
def test_a_partner_without_a_connection_is_noticed_one_way_or_the_other(quick: dict[str, Drilled], name: str) -> None:
    """How often a call is tried is drawn by lot: ten failures open the breaker, fewer burn the budget."""
    found = quick[name]
    assert found.incident in ("breaker_open", "budget_burnt")
    assert (sum(found.answers.values()), found.answers["NotSent(tls)"] >= 3) == (4, True)
    assert set(found.answers) <= {"NotSent(tls)", "NotSent(breaker_open)"}
    assert list(found.missed) == []
    assert in_order(found.times)


def test_doubt_is_noticed_when_it_ages(quick: dict[str, Drilled]) -> None:
    """Ten minutes by our clock and the partner's, which nobody waits for, and which the record says were skipped."""
    times = quick["unknown_outcomes"].times
    assert 600 <= (times.detected_s or 0) <= 800
    assert 600 <= times.skipped_s <= 800


def test_every_order_is_charged_once_or_not_at_all(quick: dict[str, Drilled]) -> None:
    """What was sent and lost is charged once, what was not sent not at all; both books agree."""
    assert (quick["unknown_outcomes"].orders, quick["unknown_outcomes"].charges) == (6, 6)
    assert quick["partner_down"].orders - quick["partner_down"].charges == 4
    assert [each.problems for each in quick.values()] == [[]] * len(quick)


def test_every_fault_class_is_played(quick: dict[str, Drilled]) -> None:
    """And each expects kinds that there are."""
    assert {*quick, "process_killed"} == set(NAMES)
    assert {kind for each in SCENARIOS for kind in each.expects} <= set(KINDS)


@pytest.mark.parametrize("partner", [name for name in partners() if name != "alipay"])
def test_every_partner_can_be_drilled(tmp_path: Path, partner: str) -> None:
    """One that cannot be reached, one whose answers are lost, one whose messages are forged."""
    chosen = [scenario(name) for name in ("partner_down", "unknown_outcomes", "wrong_signatures")]
    record = held(tmp_path, chosen, partner)
    assert [(each.fault, list(each.missed)) for each in record.drilled] == [(each.name, []) for each in chosen]
    assert record.passed


def test_a_killed_process_is_found_by_the_next(tmp_path: Path) -> None:
    """It strikes first and is finished last, as its right to send ends in real time."""
    record = held(tmp_path, [scenario("process_killed"), scenario("duplicate_notifications")])
    killed, doubled = record.drilled
    assert (killed.fault, killed.incident, list(killed.missed)) == ("process_killed", "unknown_ageing", [])
    assert (killed.orders, killed.charges) == (3, 3)
    assert re.match(r"process \d+ was killed between the partner's charge and its answer", killed.findings[0])
    assert doubled.fault == "duplicate_notifications"


# limits and the breaker are the real ones


def test_a_breaker_opens_and_closes_again(quick: dict[str, Drilled]) -> None:
    """Ten failures; then nothing new goes, what is in doubt is settled; after its rest payments try, and succeed."""
    found = quick["partner_failing"]
    assert list(found.findings[:2]) == [
        "payment 10 was not sent any more", "9 of 9 payments in doubt were settled while nothing new went",
    ]  # fmt: skip
    assert 15 <= (found.times.recovered_s or 0) <= 90, "its rest, at most twice, was skipped"
    assert found.times.skipped_s >= 15
    assert found.orders - found.charges == found.answers["NotSent(breaker_open)"] + 2, "and who came while it rested"


def test_redis_lost_is_a_stricter_limit_and_over_when_it_is_back(quick: dict[str, Drilled]) -> None:
    """A fourth of it for each process, in real time."""
    found = quick["redis_lost"]
    assert found.findings[0] == "this process kept to 5 requests a second, in place of 20 over all processes"
    sent, took_s = re.fullmatch(r"(\d+) requests went in ([\d.]+) s", found.findings[1]).groups()  # type: ignore[union-attr]  # it fits
    assert int(sent) <= 2.5 + 5 * float(took_s) + 1
    assert (found.times.detected_s or 99) < 5
    assert found.times.skipped_s == 0.0
    assert "its incident ended by itself after 1 min of quiet" in found.findings


def test_a_complaint_slows_the_account_down(quick: dict[str, Drilled]) -> None:
    """Half of what was called, two a second at least."""
    assert re.match(r"the limit 'account' lets 2(\.\d+)? requests a second go", quick["rate_limited"].findings[0])


@pytest.mark.parametrize("partner", [name for name in partners() if name != "alipay"])
def test_every_partner_is_slowed_down_for_and_left_alone(tmp_path: Path, partner: str) -> None:
    """Each says "too many requests" and "something is wrong with us" in its own words."""
    chosen = [scenario(name) for name in ("rate_limited", "partner_failing")]
    record = held(tmp_path, chosen, partner)
    assert [(each.fault, list(each.missed)) for each in record.drilled] == [(each.name, []) for each in chosen]


# a drill can fail


def test_a_breaker_that_never_opens_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Payments go on failing, and nobody is told."""
    monkeypatch.setattr(Breaker, "admit", lambda *_: None)
    monkeypatch.setattr(guarding, "MOST_CALLS", 3)
    missed = held(tmp_path, [scenario("partner_failing")]).drilled[0].missed
    assert "promise: after 3 payments that failed the partner is not left alone" in missed


def test_a_complaint_that_nobody_heeds_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The partner is called as often as before."""
    monkeypatch.setattr(Limiter, "_heed", lambda *_: None)
    missed = held(tmp_path, [scenario("rate_limited")]).drilled[0].missed
    assert list(missed) == ["promise: a partner that refuses calls is called as often as before"]


def test_no_limit_without_redis_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both by what the limiter says of itself and by the requests that went."""
    monkeypatch.setattr(SharedStore, "_take_alone", lambda *_: 0.0)
    monkeypatch.setattr(Rule, "shared_by", lambda self, hosts: self)
    missed = held(tmp_path, [scenario("redis_lost")]).drilled[0].missed
    assert "promise: without Redis the limit 'account' is no stricter" in missed


def test_requests_beyond_the_stricter_limit_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limiter may say what it likes: the requests are counted."""
    monkeypatch.setattr(SharedStore, "_take_alone", lambda *_: 0.0)
    missed = held(tmp_path, [scenario("redis_lost")]).drilled[0].missed
    assert any(
        re.match(r"promise: without Redis \d+ requests went in [\d.]+ s, and \d is the most", each) for each in missed
    )


def test_limits_that_were_never_shared_are_missed(tmp_path: Path) -> None:
    """Redis was lost before it was taken away: nothing would be shown."""

    def strike(ground: Ground) -> list[str]:
        assert ground.redis is not None
        ground.redis.stop()
        ground.sell()
        return guarding.redis_lost(ground)

    missed = held(tmp_path, [replace(scenario("redis_lost"), strike=strike)]).drilled[0].missed
    assert "promise: call limits were not shared before Redis was lost" in missed


def test_without_the_client_of_redis_its_loss_is_not_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in the record; a stand-in counts, so no server is needed, but the extra is."""
    monkeypatch.setattr(guarding, "find_spec", lambda name: None)
    record = held(tmp_path, [scenario("redis_lost")])
    assert record.drilled[0].skipped.startswith('the extra "redis" is not installed')
    assert 'Not played: the extra "redis" is not installed (pip install "payport[redis]").' in record.as_markdown()
    assert record.passed


def test_a_fault_that_nobody_notices_is_missed(tmp_path: Path) -> None:
    """With budgets switched off nothing tells of a partner that is down."""
    record = held(tmp_path, [scenario("partner_down")], alerting=AlertSettings(budgets=False))
    assert list(record.drilled[0].missed) == ["detection: no incident of breaker_open or budget_burnt was opened"]
    assert not record.passed


def test_what_is_never_mended_is_missed(tmp_path: Path) -> None:
    """No payment goes through afterwards."""
    broken = replace(scenario("expired_certificate"), mend=lambda ground: None)
    record = held(tmp_path, [broken])
    assert list(record.drilled[0].missed) == ["recovery: not within 4 h"]
    assert "a payment after the repair did not go through" in record.drilled[0].findings


def test_a_doubled_charge_is_missed(tmp_path: Path) -> None:
    """Whoever charges an order again is found by the books."""

    def strike(ground: Ground) -> list[str]:
        ground.sell()
        ground.refs.append(ground.refs.pop()[:-1])  # two orders that the books take for one
        ground.sell()
        return []

    record = held(tmp_path, [replace(scenario("duplicate_notifications"), strike=strike)])
    assert any(missed.startswith("books: ") and "charged" in missed for missed in record.drilled[0].missed)


def test_forged_notices_that_are_believed_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter that believes everything would be found out."""
    genuine = Alipay.open_notice

    def gullible(self: Alipay, raw: RawNotification) -> Exchange[Opened | Rejected]:
        opened = yield from genuine(self, raw)
        if isinstance(opened, Opened):
            believed[:] = [opened]
        elif believed:
            return replace(believed[0], event=replace(believed[0].event, id="forged", status="FORGED"))
        return opened

    believed: list[Opened] = []
    monkeypatch.setattr(Alipay, "open_notice", gullible)
    strike = scenario("wrong_signatures").strike

    def after_a_genuine_one(ground: Ground) -> list[str]:
        ground.hand_out()
        ground.notices()
        return strike(ground)

    record = held(tmp_path, [replace(scenario("wrong_signatures"), strike=after_a_genuine_one)])
    assert any(missed.endswith("forged notifications were believed") for missed in record.drilled[0].missed)


# the record


def drilled(**changes: object) -> Drilled:
    """A fault that was got over."""
    times = Times(detected_s=10, alerted_s=11, responded_s=600, recovered_s=1800, skipped_s=1700)
    good = Drilled(
        fault="storage_lost", title="The journal's storage is full or lost", partner="Alipay", began_at=BEGAN,
        expected=(STORAGE_FAILED.name,), incident=STORAGE_FAILED.name, times=times, orders=6, charges=2,
    )  # fmt: skip
    return replace(good, **changes)  # type: ignore[arg-type]  # a table of tests


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"incident": ""}, ["detection: no incident of storage_failed was opened"]),
        ({"times": Times(detected_s=1, responded_s=1, recovered_s=1)}, ["alert: nobody was told"]),
        ({"times": Times(detected_s=1, alerted_s=1, recovered_s=1)}, ["response: not within 2 h"]),
        (
            {"times": Times(detected_s=1, alerted_s=1, responded_s=7201, recovered_s=1)},
            ["response: not within 2 h"],
        ),
        ({"times": Times(detected_s=1, alerted_s=1, responded_s=1)}, ["recovery: not within 4 h"]),
        (
            {"times": Times(detected_s=1, alerted_s=1, responded_s=1, recovered_s=14_401)},
            ["recovery: not within 4 h", "availability: 99.444% of a month, less than 99.9%"],
        ),
        (
            {"times": Times(detected_s=1, alerted_s=1, responded_s=1, recovered_s=2593)},
            ["availability: 99.900% of a month, less than 99.9%"],
        ),
        ({"problems": ["DRILL000001 was charged 2 times"]}, ["books: DRILL000001 was charged 2 times"]),
        ({"broken": ["a forged notification was believed"]}, ["promise: a forged notification was believed"]),
        ({"skipped": "no Redis"}, []),
    ],
)
def test_each_target_can_be_missed(changes: dict[str, object], missed: list[str]) -> None:
    """In words, with the target."""
    assert missed == list(drilled(**changes).missed)


def test_the_record_is_for_people_and_machines() -> None:
    """Who, when, what, how long, and whether it was enough."""
    record = DrillRecord(
        by="Wen", responder="Li", began_at=BEGAN, ended_at=BEGAN + timedelta(minutes=5), library="1.0",
        drilled=[drilled(findings=["mind the gap"], answers={"NotSent(storage)": 4}), drilled(skipped="no Redis")],
    )  # fmt: skip
    page = record.as_markdown()
    for expected in (
        "# Drill of 2026-11-23 01:00 UTC",
        "* Held by: Wen; alerts answered by: Li",
        "Result: **passed**: 1 faults played, 0 of them missed a target",
        "| storage_lost | Alipay | storage_failed | 10.0 s | 11.0 s | 10.0 min | 30.0 min | 28.3 min | 99.931% |",
        "While it lasted callers were told: NotSent(storage) 4 times.",
        "* mind the gap",
        "Not played: no Redis.",
    ):
        assert expected in page
    data = json.loads(record.as_json())
    assert (data["passed"], data["drilled"][0]["times"]["recovered_s"], data["drilled"][0]["missed"]) == (
        True,
        1800,
        [],
    )


@pytest.mark.parametrize(("seconds", "text"), [(None, "-"), (0.04, "0.0 s"), (90, "1.5 min"), (7200, "2.0 h")])
def test_times_read_well(seconds: float | None, text: str) -> None:
    """In the unit that fits."""
    assert text == span(seconds)


# the command


def test_without_a_fault_they_are_listed(payport: Command) -> None:
    """With what must be noticed."""
    told = payport("drill").out
    assert [name for name in NAMES if name not in told] == []


def test_the_command_writes_the_record(payport: Command, tmp_path: Path) -> None:
    """Both files; its status says whether every target was met."""
    ran = payport("drill", "--fault", "duplicate_notifications", "--by", "Wen", "--out", tmp_path / "drills")
    assert ran.status == 0
    page, data = sorted((tmp_path / "drills").iterdir(), key=lambda path: path.suffix, reverse=True)
    assert page.read_text() in ran.out
    assert json.loads(data.read_text())["by"] == "Wen"
    assert json.loads(data.read_text())["responder"] == "nobody was called"


def test_a_record_that_cannot_be_written_is_shown(payport: Command, tmp_path: Path) -> None:
    """The disk is full, say: what was found is not lost, and the drill does not count."""
    (tmp_path / "file").write_text("x")
    ran = payport("drill", "--fault", "duplicate_notifications", "--out", tmp_path / "file" / "x")
    assert (ran.status, "could not be written" in ran.out, "# Drill of" in ran.out) == (1, True, True)


def test_an_unknown_fault_is_refused(payport: Command) -> None:
    """By name, with those that there are."""
    ran = payport("drill", "--fault", "flood")
    assert (ran.status, "there is no fault class 'flood'; there are process_killed, partner_down" in ran.err) == (
        2,
        True,
    )


def test_a_shadow_of_a_configuration(shop: Shop, payport: Command, tmp_path: Path) -> None:
    """Its partners and accounts, thresholds and sinks: the sinks hear that it is a drill, the journal hears nothing."""
    (shop.config.parent / "ca.pem").write_text(loopback_certificates().authority)
    with MailServer() as server:
        text = (
            '\n[alerts]\nunknown_s = 60\n[alerts.sink.duty]\ntype = "mail"\nhost = "127.0.0.1"\n'
            f'port = {server.port}\nca = "file:ca.pem"\nsender = "payport@shop.example"\nto = "duty@shop.example"\n'
        )
        shop.config.write_text(shop.config.read_text() + text)
        ran = payport(
            "drill", "--fault", "unknown_outcomes", "--config", shop.config, "--tell", "--out", tmp_path / "drills"
        )
    assert ran.status == 0
    assert "In the place of: simulator." in ran.out
    (data,) = (tmp_path / "drills").glob("*.json")
    assert json.loads(data.read_text())["drilled"][0]["times"]["detected_s"] < 300
    subjects = [message["Subject"] for message in server.messages]
    assert any(subject.startswith("[payport] major: DRILL: Payments have been in doubt") for subject in subjects)
    assert not (shop.config.parent / "payments.db").exists()


def test_a_partner_without_an_account_has_no_shadow(shop: Shop, payport: Command) -> None:
    """Said, with the partner's name."""
    ran = payport("drill", "--all", "--config", shop.config, "--partner", "stripe")
    assert (ran.status, "no account of stripe is configured" in ran.err) == (2, True)


def test_a_person_may_answer(payport: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the terminal, with a name; how long that took is the response."""
    asked: list[str] = []

    def answer(self: Console, prompt: str) -> str:
        asked.append(prompt)
        return "Li"

    monkeypatch.setattr(Console, "input", answer)
    ran = payport("drill", "--fault", "storage_lost", "--respond", "--by", "Wen", "--out", tmp_path / "drills")
    assert (ran.status, len(asked)) == (0, 1)
    assert "alerts answered by: Li" in ran.out


def test_a_play_that_does_not_say_how_it_sells_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter of your own, before it has a sale."""
    (play,) = plays_of("alipay")
    plan = Plan(by="Wen", scenarios=QUICK[:1], places=[(replace(play, sale=None), ())])
    record = hold(plan, tmp_path, lambda incident: "Li", lambda text: None)
    assert record.drilled[0].skipped == "the play of this partner does not say how it sells"
    assert grounds.DEADLINE_S < 5
