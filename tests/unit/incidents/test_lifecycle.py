"""The life of an incident: opened once, counted, taken on, escalated when nobody does, resolved, and told in order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.incidents import later, trouble

from payport.sdk.incidents import lifecycle
from payport.sdk.incidents.kinds import KINDS, MISMATCH, TARGETS, UNKNOWN_AGEING, FaultClass
from payport.sdk.incidents.lifecycle import Contact, IncidentError, Message
from payport.sdk.incidents.records import Incident, Stage, Status, from_trouble, one_line

DUTY, LEAD, BOSS = Contact(name="duty"), Contact(name="lead", step=1), Contact(name="boss", step=2)
ALL = (DUTY, LEAD, BOSS)
RESPONSE_S = 7200
RECOVERY_S = 14_400


def opened() -> Incident:
    return from_trouble(trouble())


def stages(incident: Incident, after_s: float) -> list[tuple[str, Stage]]:
    return [(message.sink, message.stage) for message in lifecycle.due(incident, ALL, later(after_s))]


def test_every_fault_is_answered_within_two_hours_and_over_within_four() -> None:
    """What the guide asks; what has not failed yet has longer, and becomes another kind when it does."""
    for fault_class in (FaultClass.CRITICAL, FaultClass.MAJOR):
        assert TARGETS[fault_class].response_s <= 2 * 3600
        assert TARGETS[fault_class].recovery_s <= 4 * 3600
    assert {kind.name for kind in KINDS if kind.fault_class is FaultClass.MINOR} == {
        "certificate_expiring", "record_expiring", "limits_degraded", "events_dropped",
    }  # fmt: skip


def test_kinds_have_names_of_their_own() -> None:
    """A receiver's rule goes by the name."""
    assert len(KINDS) == len({kind.name for kind in KINDS})


@pytest.mark.parametrize(
    ("who", "hears"),
    [("critical", ["critical"]), ("major", ["critical", "major"]), ("minor", ["critical", "major", "minor"])],
)
def test_who_hears_of_a_class_hears_of_worse(who: str, hears: list[str]) -> None:
    """A contact names the mildest class that it wants."""
    assert hears == [each.value for each in FaultClass if FaultClass(who).covers(each)]


def test_the_same_trouble_is_one_incident() -> None:
    """It is counted, with the newest words and time; the day it began stays."""
    again = lifecycle.found_again(opened(), replace(trouble(after_s=60, count=7), summary="still"))
    assert (again.count, again.summary, again.opened_at, again.last_at) == (8, "still", later(0), later(60))


@pytest.mark.parametrize(
    ("after_s", "told"),
    [
        (0, [("duty", Stage.OPENED)]),
        (RESPONSE_S - 1, [("duty", Stage.OPENED)]),
        (RESPONSE_S, [("duty", Stage.OPENED), ("lead", Stage.ESCALATED)]),
        (2 * RESPONSE_S, [("duty", Stage.OPENED), ("lead", Stage.ESCALATED), ("boss", Stage.ESCALATED)]),
    ],
)
def test_it_escalates_while_nobody_takes_it_on(after_s: float, told: list[tuple[str, Stage]]) -> None:
    """The next contact is called when the response time of the class is over, and the one after that likewise."""
    assert told == stages(opened(), after_s)


def test_whoever_takes_it_on_stops_the_calls() -> None:
    """Nobody else is called; it is still due to be over in time."""
    taken = lifecycle.acknowledged(lifecycle.told(opened(), "duty", Stage.OPENED), "Wen", later(600))
    assert (Status.ACKNOWLEDGED, "Wen", later(600)) == (taken.status, taken.acknowledged_by, taken.acknowledged_at)
    assert stages(taken, 2 * RESPONSE_S - 1) == []
    assert stages(taken, RECOVERY_S) == [("duty", Stage.OVERDUE)]
    assert taken == lifecycle.acknowledged(taken, "Li", later(700))


def test_an_end_is_told_to_whoever_knew_of_it() -> None:
    """And to nobody else; then it is settled."""
    known = lifecycle.told(opened(), "duty", Stage.OPENED)
    over = lifecycle.resolved(known, "Wen", later(900), "restarted the proxy")
    assert not over.settled
    assert stages(over, 900) == [("duty", Stage.RESOLVED)]
    assert lifecycle.told(over, "duty", Stage.RESOLVED).settled


def test_what_nobody_heard_of_is_settled_at_once() -> None:
    """An end without a beginning is only noise."""
    over = lifecycle.resolved(opened(), "Wen", later(1))
    assert over.settled
    assert stages(over, 1) == []


def test_a_flapping_breaker_is_one_incident() -> None:
    """What ends by itself and comes back within a minute goes on, and its end was told to nobody."""
    known = lifecycle.told(opened(), "duty", Stage.OPENED)
    over = lifecycle.resolved(known, lifecycle.ITSELF, later(100), "closed again")
    assert stages(over, 100 + lifecycle.QUIET_S - 1) == []
    back = trouble(after_s=100 + lifecycle.QUIET_S - 1)
    assert lifecycle.goes_on(over, back.at)
    again = lifecycle.found_again(over, back)
    assert (again.status, again.count, again.resolved_at, again.settled) == (Status.OPEN, 2, None, False)
    assert stages(over, 100 + lifecycle.QUIET_S) == [("duty", Stage.RESOLVED)]
    assert not lifecycle.goes_on(over, later(100 + lifecycle.QUIET_S))


def test_what_a_person_resolved_does_not_go_on() -> None:
    """Trouble after that is a new incident, so that somebody is called."""
    over = lifecycle.resolved(opened(), "Wen", later(100))
    assert not lifecycle.goes_on(over, later(101))


def test_one_taken_on_stays_so_when_it_flaps() -> None:
    """Whoever works on it still does."""
    taken = lifecycle.acknowledged(opened(), "Wen", later(1))
    over = lifecycle.resolved(taken, lifecycle.ITSELF, later(2))
    assert lifecycle.found_again(over, trouble(after_s=3)).status is Status.ACKNOWLEDGED


def test_a_process_that_is_telling_has_it_alone() -> None:
    """Until its claim runs out; one that failed gives it back."""
    taken = lifecycle.claimed(opened(), "duty", later(120))
    assert stages(taken, 119) == []
    assert stages(taken, 120) == [("duty", Stage.OPENED)]
    assert stages(lifecycle.not_told(taken, "duty"), 1) == [("duty", Stage.OPENED)]


def test_a_slow_process_does_not_turn_the_clock_back() -> None:
    """An older stage that arrives late changes nothing."""
    late = lifecycle.told(lifecycle.told(opened(), "duty", Stage.OVERDUE), "duty", Stage.OPENED)
    assert late.told == {"duty": Stage.OVERDUE}


def test_a_contact_hears_of_its_classes_only() -> None:
    """The director is woken for money, not for a date."""
    director = Contact(name="director", least=FaultClass.CRITICAL)
    assert lifecycle.due(opened(), (director,), later(0)) == ()
    critical = from_trouble(trouble(MISMATCH))
    assert (Message("director", Stage.OPENED, later(0)),) == lifecycle.due(critical, (director,), later(0))


@pytest.mark.parametrize("by", ["", "  ", "\n"])
def test_whoever_does_it_has_a_name(by: str) -> None:
    """For the record."""
    with pytest.raises(IncidentError, match="a name that colleagues know"):
        lifecycle.acknowledged(opened(), by, later(1))


def test_what_is_over_is_over() -> None:
    """It cannot be taken on, nor resolved twice."""
    over = lifecycle.resolved(opened(), "Wen", later(1))
    with pytest.raises(IncidentError, match="resolved by Wen; there is nothing to take on"):
        lifecycle.acknowledged(over, "Li", later(2))
    with pytest.raises(IncidentError, match="resolved by Wen already"):
        lifecycle.resolved(over, "Li", later(2))


def test_an_end_is_not_tried_to_be_told_for_ever() -> None:
    """A sink that was taken out of the configuration never hears of it."""
    over = lifecycle.resolved(lifecycle.told(opened(), "gone", Stage.OPENED), "Wen", later(1))
    assert not lifecycle.given_up(over, later(1 + lifecycle.TELL_FOR_S))
    assert lifecycle.given_up(over, later(2 + lifecycle.TELL_FOR_S))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: x", "a Bcc: x"),
        ("a\x00b\x1b[0m", "a b [0m"),
        ("  much   air ", "much air"),
        ("长" * 600, "长" * 497 + "..."),
    ],
)
def test_a_summary_is_one_printable_line(text: str, line: str) -> None:
    """It goes into subjects, terminals and logs."""
    assert line == one_line(text)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["wait", "tell", "claim", "lose", "find", "ack", "Wen", lifecycle.ITSELF]),
        st.integers(min_value=0, max_value=20_000),
    ),
    max_size=25,
)


def act(incident: Incident, action: str, now_s: int, heard: dict[str, list[Stage]]) -> Incident:
    """What becomes of an incident by one action, as far as it is possible."""
    now = later(now_s)
    due = lifecycle.due(incident, ALL, now)
    if action in ("tell", "claim") and due:
        sink, stage = due[0].sink, due[0].stage
        if action == "claim":
            return lifecycle.claimed(incident, sink, later(now_s + 120))
        heard.setdefault(sink, []).append(stage)
        return lifecycle.told(incident, sink, stage)
    if action == "lose":
        return lifecycle.not_told(incident, "duty")
    if action == "find" and lifecycle.goes_on(incident, now):
        return lifecycle.found_again(incident, trouble(UNKNOWN_AGEING, after_s=now_s))
    if action == "ack" and incident.live:
        return lifecycle.acknowledged(incident, "Wen", now)
    if action in ("Wen", lifecycle.ITSELF) and incident.live:
        return lifecycle.resolved(incident, action, now)
    return incident


@given(ACTIONS)
def test_no_sink_hears_a_stage_twice_or_backwards(actions: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order: each sink hears a beginning first and an end last, each stage once."""
    incident, now_s = from_trouble(trouble(UNKNOWN_AGEING)), 0
    heard: dict[str, list[Stage]] = {}
    for action, seconds in actions:
        now_s += seconds
        incident = act(incident, action, now_s, heard)
    order = [Stage.OPENED, Stage.ESCALATED, Stage.OVERDUE, Stage.RESOLVED]
    for told in heard.values():
        assert [order.index(stage) for stage in told] == sorted({order.index(stage) for stage in told})
        assert told[0] in (Stage.OPENED, Stage.ESCALATED)
    if incident.settled:
        assert {told[-1] for told in heard.values()} <= {Stage.RESOLVED}
