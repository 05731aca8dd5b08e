"""Incidents for tests: trouble of a known kind, a sink that remembers, a world whose time stands still."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from payport.sdk.incidents.alert import Alert
from payport.sdk.incidents.alerts import Alerts
from payport.sdk.incidents.detectors import Thresholds
from payport.sdk.incidents.kinds import BREAKER_OPEN, FaultClass, IncidentKind
from payport.sdk.incidents.lifecycle import Contact
from payport.sdk.incidents.outlets import Pace, Route
from payport.sdk.incidents.records import Stage, Trouble
from payport.sdk.incidents.store import IncidentStore, MemoryIncidents
from payport.sdk.testing.stepping import MORNING, Time, WorkerClock


def trouble(
    kind: IncidentKind = BREAKER_OPEN, about: str = "alipay:2021", *, after_s: float = 0.0, count: int = 1
) -> Trouble:
    """Trouble with one account."""
    return Trouble(
        kind=kind,
        about=about,
        summary=f"{about} is left alone",
        at=MORNING + timedelta(seconds=after_s),
        partner="alipay",
        account=about,
        count=count,
    )


def later(seconds: float) -> datetime:
    """So long after the morning."""
    return MORNING + timedelta(seconds=seconds)


@dataclass
class Listener:
    """A sink that remembers what it was told, and fails while it is told to."""

    fails: bool = False
    heard: list[Alert] = field(default_factory=list[Alert])

    def __call__(self, alert: Alert, /) -> None:
        if self.fails:
            raise OSError("https://hooks.example/token-of-somebody is down")
        self.heard.append(alert)

    @property
    def stages(self) -> list[Stage]:
        """What it was told, in order."""
        return [alert.stage for alert in self.heard]

    @property
    def kinds(self) -> list[str]:
        """Of which kinds of incident."""
        return [alert.incident.kind for alert in self.heard]


@dataclass
class Duty:
    """Alerts with one sink for each step of the escalation, worked by hand."""

    time: Time = field(default_factory=Time)
    store: IncidentStore = field(default_factory=MemoryIncidents)
    steps: int = 1
    least: FaultClass = FaultClass.MINOR
    pace: Pace = field(default_factory=Pace)
    thresholds: Thresholds = field(default_factory=Thresholds)
    name: str = "duty"
    sinks: list[Listener] = field(init=False)
    alerts: Alerts = field(init=False)

    def __post_init__(self) -> None:
        self.sinks = [Listener() for _ in range(self.steps)]
        routes = [
            Route(contact=Contact(name=f"step{step}", step=step, least=self.least), sink=sink, pace=self.pace)
            for step, sink in enumerate(self.sinks)
        ]
        self.alerts = Alerts(
            self.store, routes, clock=WorkerClock(self.time, self.name), thresholds=self.thresholds, background=False
        )

    @property
    def sink(self) -> Listener:
        """The one that is told at once."""
        return self.sinks[0]

    def settle(self) -> None:
        """Work until nothing is left to do at this moment."""
        for _ in range(100):
            self.alerts.work(look=True)
            if self.alerts.flush(0.0):
                return
            for outlet in self.alerts._outlets.values():
                for _ in range(1000):
                    if outlet.idle:
                        break
                    self._pause()
        raise AssertionError("it does not come to rest")

    @staticmethod
    def _pause() -> None:
        import time

        time.sleep(0.001)

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and see to what is due then."""
        self.time.pass_by(seconds)
        self.settle()
