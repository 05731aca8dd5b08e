"""The record of a drill: who, when, what was injected, what it took, what was found; as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from payport.schemas.encoding import instant_text
from payport.sdk.incidents.kinds import HOUR_S

RESPONSE_S = 2 * HOUR_S
RECOVERY_S = 4 * HOUR_S
AVAILABILITY = 0.999
MONTH_S = 30 * 24 * HOUR_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds since the fault struck, on the drill's clock; ``None``: it did not happen, or nothing was to happen.

    ``skipped_s``: how much of the whole was not waited for but skipped.
    """

    detected_s: float | None = None
    alerted_s: float | None = None
    responded_s: float | None = None
    recovered_s: float | None = None
    skipped_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """What one fault class came to at one partner.

    ``incident``: the kind that was opened, empty when none was. ``expected``: the kinds of which one must be.
    ``answers``: what callers were told while it lasted, and how often. ``orders``, ``charges``: how many in all;
    ``problems``: where the books differ, or an order was charged twice. ``broken``: other promises that were not kept.
    ``findings``: what somebody should know.
    ``skipped``: why it was not played.
    """

    fault: str
    title: str
    partner: str
    accounts: Sequence[str] = ()
    began_at: datetime
    expected: Sequence[str] = ()
    incident: str = ""
    times: Times = Times()
    answers: Mapping[str, int] = field(default_factory=dict[str, int])
    orders: int = 0
    charges: int = 0
    problems: Sequence[str] = ()
    broken: Sequence[str] = ()
    findings: Sequence[str] = ()
    skipped: str = ""

    @property
    def availability(self) -> float:
        """Of a month in which this happens once: without the time from the first failure to the recovery."""
        return 1.0 - (self.times.recovered_s or 0.0) / MONTH_S

    @property
    def missed(self) -> Sequence[str]:
        """The targets that were missed, in words."""
        if self.skipped:
            return ()
        times = self.times
        missed = [f"books: {problem}" for problem in self.problems]
        missed += [f"promise: {each}" for each in self.broken]
        if self.expected and not self.incident:
            missed.append(f"detection: no incident of {' or '.join(self.expected)} was opened")
        if self.incident and times.alerted_s is None:
            missed.append("alert: nobody was told")
        if self.incident and (times.responded_s is None or times.responded_s > RESPONSE_S):
            missed.append(f"response: not within {RESPONSE_S / HOUR_S:g} h")
        if times.recovered_s is None or times.recovered_s > RECOVERY_S:
            missed.append(f"recovery: not within {RECOVERY_S / HOUR_S:g} h")
        if self.availability < AVAILABILITY:
            missed.append(f"availability: {self.availability:.3%} of a month, less than {AVAILABILITY:.1%}")
        return missed


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """One drill. ``by``: who held it; ``responder``: who answered the alerts."""

    by: str
    responder: str
    began_at: datetime
    ended_at: datetime
    library: str
    drilled: Sequence[Drilled]

    @property
    def passed(self) -> bool:
        """Whether every target was met."""
        return not any(each.missed for each in self.drilled)

    def as_json(self) -> str:
        """For machines: times in seconds, instants in UTC."""
        content = asdict(self)
        for one, each in zip(content["drilled"], self.drilled, strict=True):
            one |= {
                "began_at": instant_text(each.began_at), "availability": each.availability,
                "missed": list(each.missed),
            }  # fmt: skip
        content |= {
            "began_at": instant_text(self.began_at), "ended_at": instant_text(self.ended_at), "passed": self.passed,
            "targets": {"response_s": RESPONSE_S, "recovery_s": RECOVERY_S, "availability": AVAILABILITY},
        }  # fmt: skip
        return json.dumps(content, indent=2) + "\n"

    def as_markdown(self) -> str:
        """For people and their auditors."""
        lines = [f"# Drill of {self.began_at:%Y-%m-%d %H:%M} UTC", "", *self._head(), "", *self._table(), "", _SAID]
        for each in self.drilled:
            lines += ["", *_section(each)]
        return "\n".join(lines) + "\n"

    def _head(self) -> list[str]:
        played = [each for each in self.drilled if not each.skipped]
        missed = sum(1 for each in played if each.missed)
        result = "passed" if self.passed else "NOT PASSED"
        targets = (
            f"response within {RESPONSE_S / HOUR_S:g} h, recovery within {RECOVERY_S / HOUR_S:g} h, "
            f"availability {AVAILABILITY:.1%} of a month with one such fault, at most one charge an order, "
            "books that agree"
        )
        when = f"{self.began_at:%H:%M:%S} to {self.ended_at:%H:%M:%S} UTC"
        return [
            f"* Held by: {self.by}; alerts answered by: {self.responder}",
            f"* {when}, with payport {self.library}, against simulators over loopback TLS",
            f"* Result: **{result}**: {len(played)} faults played, {missed} of them missed a target",
            f"* Targets: {targets}",
        ]

    def _table(self) -> list[str]:
        heads = (
            "fault", "partner", "incident", "detected", "alert", "response", "recovery", "of it skipped",
            "availability", "orders / charges", "result",
        )  # fmt: skip
        rows = [_row(each) for each in self.drilled if not each.skipped]
        return [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |", *rows]


_SAID = (
    "Times count from the first failing call. What is skipped was not waited for: our clock and the partner's were "
    "moved on together."
)


def _row(each: Drilled) -> str:
    times = each.times
    cells = (
        each.fault, each.partner, each.incident or "none, as it should be", span(times.detected_s),
        span(times.alerted_s), span(times.responded_s), span(times.recovered_s), span(times.skipped_s),
        f"{each.availability:.3%}", f"{each.orders} / {each.charges}", "missed" if each.missed else "met",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _section(each: Drilled) -> list[str]:
    lines = [f"## {each.title}, {each.partner}", ""]
    if each.skipped:
        return [*lines, f"Not played: {each.skipped}."]
    if each.accounts:
        lines += [f"In the place of: {', '.join(each.accounts)}.", ""]
    told = ", ".join(f"{name} {count} times" for name, count in sorted(each.answers.items())) or "nothing"
    lines.append(f"While it lasted callers were told: {told}.")
    lines += [f"* {finding}" for finding in each.findings]
    lines += [f"* **Missed**: {missed}" for missed in each.missed]
    return lines


def span(seconds: float | None) -> str:
    """A time for a table."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < HOUR_S else f"{seconds / HOUR_S:.1f} h"
