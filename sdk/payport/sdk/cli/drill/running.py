"""A drill from the strike to the books: every phase timed on the drill's clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from payport.schemas.outcome import Succeeded
from payport.sdk.cli.demo.stage import AnyPlay
from payport.sdk.cli.drill.ground import Ground
from payport.sdk.cli.drill.record import Drilled, DrillRecord, Times
from payport.sdk.cli.drill.scenarios import Scenario
from payport.sdk.host_clock import SystemClock
from payport.sdk.incidents import keeping
from payport.sdk.incidents.outlets import Route
from payport.sdk.incidents.records import Incident, Stage
from payport.sdk.incidents.settings import AlertSettings
from payport.sdk.incidents.store import JournalIncidents
from payport.sdk.version import __version__

LOOKS = 60
"""How often it is looked before a fault counts as not noticed."""
QUIET_LOOKS, QUIET_S = 45, 60.0
"""How often, and how far apart, it is looked whether an incident has ended."""

Responder = Callable[[Incident], str]
"""Answers an incident, in its own time: the name of whoever takes it on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be drilled. ``places``: plays with the accounts that each stands for; ``others``: further sinks."""

    by: str
    scenarios: Sequence[Scenario]
    places: Sequence[tuple[AnyPlay, Sequence[str]]]
    alerting: AlertSettings = field(default_factory=AlertSettings)
    others: Sequence[Route] = ()


@dataclass(kw_only=True)
class _Bout:
    """One fault at one partner, under way."""

    scenario: Scenario
    ground: Ground
    accounts: Sequence[str]
    began_at: datetime
    struck_s: float = 0.0
    findings: list[str] = field(default_factory=list[str])
    skipped: str = ""

    def since(self, at_s: float) -> float:
        """Seconds since the strike."""
        return max(0.0, at_s - self.struck_s)


def hold(plan: Plan, folder: Path, respond: Responder, tell: Callable[[str], None]) -> DrillRecord:
    """Play everything in ``folder``; ``tell``: hears what happens, in words."""
    began_at = SystemClock().moment().utc
    done: dict[int, Drilled] = {}
    responders: list[str] = []

    def answering(incident: Incident) -> str:
        responders.append(respond(incident))
        return responders[-1]

    wanted = [(scenario, *place) for scenario in plan.scenarios for place in plan.places]
    with ExitStack() as stack:
        early: list[tuple[int, _Bout]] = []
        for number, (scenario, play, accounts) in enumerate(wanted):
            bout = _begin(stack, plan, folder / str(number), scenario, play, accounts)
            tell(f"{scenario.title}, at {play.name}")
            if scenario.early and not bout.skipped:
                _strike(bout)
                early.append((number, bout))
            else:
                done[number] = _play(bout, answering)
        for number, bout in early:
            tell(f"{bout.scenario.title}, at {bout.ground.play.name}: it is found and settled")
            done[number] = _finish(bout, answering)
    return DrillRecord(
        by=plan.by,
        responder=", ".join(sorted(set(responders))) or "nobody was called",
        began_at=began_at,
        ended_at=SystemClock().moment().utc,
        library=__version__,
        drilled=[done[number] for number in sorted(done)],
    )


def _begin(
    stack: ExitStack, plan: Plan, folder: Path, scenario: Scenario, play: AnyPlay, accounts: Sequence[str]
) -> _Bout:
    cannot = "the play of this partner does not say how it sells" if play.sale is None else scenario.cannot()
    ground = stack.enter_context(
        Ground.build(folder, play, plan.alerting, plan.others, shares=scenario.shares and not cannot)
    )
    return _Bout(
        scenario=scenario, ground=ground, accounts=accounts, began_at=SystemClock().moment().utc, skipped=cannot
    )


def _play(bout: _Bout, respond: Responder) -> Drilled:
    if bout.skipped:
        return _drilled(bout, Times())
    _strike(bout)
    return _finish(bout, respond)


def _strike(bout: _Bout) -> None:
    """All is well, and then it is not."""
    if not isinstance(bout.ground.sell(), Succeeded):
        bout.findings.append("the payment before the fault did not go through")
    bout.ground.answers.clear()
    bout.struck_s = bout.ground.now_s
    bout.findings += bout.scenario.strike(bout.ground)


def _finish(bout: _Bout, respond: Responder) -> Drilled:
    """Noticed, told, answered, mended, settled, and over."""
    ground, scenario = bout.ground, bout.scenario
    incident = _noticed(bout)
    detected_s = alerted_s = responded_s = None
    if incident is not None:
        detected_s = bout.since(_on_clock(ground, incident.opened_at))
        alerted_s = next(
            (bout.since(at) for alert, at in ground.heard.alerts if alert.incident.key == incident.key), None
        )
        by = respond(incident)
        responded_s = bout.since(ground.now_s)
        if not ground.journal.lost:  # an alert that is told from memory is in no table yet
            keeping.acknowledge(JournalIncidents(ground.journal), incident.id, by, ground.clock.moment().utc)
    answers = dict(ground.answers)
    scenario.mend(ground)
    recovered_s, skipped_s = _recovered(bout), ground.clock.skipped_s
    _over(bout)
    times = Times(
        detected_s=detected_s, alerted_s=alerted_s, responded_s=responded_s, recovered_s=recovered_s,
        skipped_s=skipped_s,
    )  # fmt: skip
    return _drilled(bout, times, incident, answers)


def _noticed(bout: _Bout) -> Incident | None:
    """Look until an incident of an expected kind is there, as the worker does; once where none is to be."""
    ground, expected = bout.ground, {kind.name for kind in bout.scenario.expects}
    for _ in range(LOOKS if expected else 1):
        ground.look()
        for alert, _ in ground.heard.alerts:
            if alert.stage is Stage.OPENED and (alert.incident.kind in expected or not expected):
                return alert.incident
        ground.skip(bout.scenario.pace_s if expected else 0.0)
    return None


def _recovered(bout: _Bout) -> float | None:
    """When everything was settled and a new payment went through; ``None``: never."""
    ground = bout.ground
    still = ground.settle(waits_s=bout.scenario.waits_s)
    if still:
        bout.findings.append(f"still open: {', '.join(still)}")
        return None
    if not ground.works_again():
        bout.findings.append("a payment after the repair did not go through")
        return None
    return bout.since(ground.now_s)


def _over(bout: _Bout) -> None:
    """The incidents end by themselves once their trouble stays away; what does not is for a person to resolve."""
    ground, skipped_s = bout.ground, bout.ground.clock.skipped_s
    left: list[Incident] = []
    for _ in range(QUIET_LOOKS):
        ground.skip(QUIET_S)
        ground.look()
        left = [each for each in keeping.unsettled(JournalIncidents(ground.journal)) if each.live]
        if not left:
            break
    waited_s = ground.clock.skipped_s - skipped_s
    if left:
        bout.findings.append(f"after {waited_s / 60:.0f} min of quiet a person still has to resolve its incident")
    elif ground.heard.alerts:
        bout.findings.append(f"its incident ended by itself after {waited_s / 60:.0f} min of quiet")


def _on_clock(ground: Ground, at: datetime) -> float:
    now = ground.clock.moment()
    return now.monotonic_s - (now.utc - at).total_seconds()


def _drilled(
    bout: _Bout, times: Times, incident: Incident | None = None, answers: dict[str, int] | None = None
) -> Drilled:
    ground = bout.ground
    charges, problems = (0, ()) if bout.skipped else ground.books()
    return Drilled(
        fault=bout.scenario.name,
        title=bout.scenario.title,
        partner=ground.play.name,
        accounts=tuple(bout.accounts),
        began_at=bout.began_at,
        expected=tuple(kind.name for kind in bout.scenario.expects),
        incident="" if incident is None else incident.kind,
        times=times,
        answers=answers or {},
        orders=len(ground.refs),
        charges=charges,
        problems=problems,
        broken=tuple(ground.broken),
        findings=bout.findings,
        skipped=bout.skipped,
    )
