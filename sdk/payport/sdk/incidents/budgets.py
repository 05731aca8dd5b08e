"""Error budgets: how fast a partner uses up what its targets leave, on a long and a short window.

A target of 99.9 % leaves one call in a thousand to fail. A partner of whose calls 1.44 % fail uses that up 14.4 times
as fast as it may. The long window tells that it matters, the short one that it still goes on; both must burn. A handful
of calls proves nothing: at least :data:`LEAST_BAD` must have gone wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import ClassVar, assert_never

from payport.schemas.outcome import UnknownKind
from payport.sdk.events import ReplyJudged, RequestFailed, RequestSent, SdkEvent
from payport.sdk.incidents.detecting import Found
from payport.sdk.incidents.kinds import BUDGET_BURNT
from payport.sdk.incidents.records import Cleared, Trouble
from payport.sdk.message import FailureKind

LEAST_BAD = 3
"""So many calls must have gone wrong in the long window before anybody is called."""

_BUCKET_S = 60.0
_BUCKET = timedelta(seconds=_BUCKET_S)


class Measure(Enum):
    """What is measured of a partner."""

    SUCCESS = "success"
    """Calls that were answered, and not with a fault of the partner's own."""
    ACCURACY = "accuracy"
    """Replies that are authentic, readable, about what was asked, and of a known status."""
    SPEED = "speed"
    """Calls that were answered within the limit."""

    __hash__ = object.__hash__  # each is there once; Enum's own is a function of Python, called for every count


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """``success``, ``accuracy``: shares of calls. ``speed``: the share of calls answered within ``limit_s`` seconds."""

    success: float = 0.999
    accuracy: float = 0.9999
    speed: float = 0.95
    limit_s: float = 2.0

    def of(self, measure: Measure) -> float:
        """The share that is to be reached."""
        match measure:
            case Measure.SUCCESS:
                return self.success
            case Measure.ACCURACY:
                return self.accuracy
            case Measure.SPEED:
                return self.speed
        assert_never(measure)


@dataclass(frozen=True, slots=True)
class Burn:
    """Trouble when the budget burns ``factor`` times as fast as it may, on both windows (seconds)."""

    long_s: float
    short_s: float
    factor: float


BURNS = (Burn(3600.0, 300.0, 14.4), Burn(21_600.0, 1800.0, 6.0))
"""An hour at the first uses up two per cent of what is left for thirty days, six hours at the second five."""

_OURS = frozenset(
    {
        FailureKind.REFUSED, FailureKind.RATE_LIMITED, FailureKind.BREAKER_OPEN, FailureKind.SUSPENDED,
        FailureKind.DEADLINE,
    }
)  # fmt: skip
"""Held back here: that says nothing of the partner."""

_WRONG = frozenset({UnknownKind.UNREADABLE, UnknownKind.UNVERIFIED, UnknownKind.MISMATCH, UnknownKind.UNKNOWN_STATUS})
"""A reply that says something wrong, or nothing that can be read."""


@dataclass(slots=True)
class _Counts:
    """Calls by minute, the oldest first: when it began, how many, how many of them bad."""

    minutes: list[tuple[datetime, int, int]] = field(default_factory=list[tuple[datetime, int, int]])
    begun: datetime | None = None
    calls: int = 0
    bad: int = 0

    def add(self, calls: int, bad: int, at: datetime) -> None:
        if self.begun is None or at - self.begun >= _BUCKET:
            self.close()
            self.begun = at
        self.calls += calls
        self.bad += bad

    def close(self) -> None:
        if self.begun is not None and (self.calls or self.bad):
            self.minutes.append((self.begun, self.calls, self.bad))
        self.begun, self.calls, self.bad = None, 0, 0

    def forget(self, before: datetime) -> None:
        first = next((at for at, minute in enumerate(self.minutes) if minute[0] >= before), len(self.minutes))
        del self.minutes[:first]

    def since(self, start: datetime) -> tuple[int, int]:
        """Calls and bad calls since then, by whole minutes."""
        calls, bad = self.calls, self.bad
        for begun, more, worse in reversed(self.minutes):
            if begun < start:
                break
            calls, bad = calls + more, bad + worse
        return calls, bad


_Series = tuple[str, str, Measure]


@dataclass(slots=True, kw_only=True)
class Budgets:
    """Watches every partner's account of this process against ``targets``."""

    targets: Targets = Targets()
    burns: tuple[Burn, ...] = BURNS
    _counts: dict[_Series, _Counts] = field(default_factory=dict[_Series, _Counts])
    _burning: set[_Series] = field(default_factory=set[_Series])
    _looked_at: datetime | None = None
    patient: ClassVar[bool] = True
    """What it hears is counted and looked at a few times a minute: nobody need hurry."""

    @property
    def hears(self) -> tuple[type[SdkEvent], ...]:
        """Every reply, and every reply that did not come."""
        return RequestSent, RequestFailed, ReplyJudged

    def hear(self, event: SdkEvent, at: datetime) -> Iterable[Found]:
        """Count."""
        match event:
            case RequestSent():
                self._add(event, Measure.SUCCESS, 1, int(event.status >= 500), at)
                self._add(event, Measure.SPEED, 1, int(event.elapsed_s > self.targets.limit_s), at)
            case RequestFailed() if event.failure_kind not in _OURS:
                self._add(event, Measure.SUCCESS, 1, 1, at)
            case ReplyJudged() if event.status < 500:
                # a fault that the partner reports in a reply which looked well was counted as a success
                self._add(event, Measure.SUCCESS, 0, int(event.doubt is UnknownKind.PARTNER_FAULT), at)
                self._add(event, Measure.ACCURACY, 1, int(event.doubt in _WRONG), at)
            case _:
                pass
        return ()

    def _add(
        self, event: RequestSent | RequestFailed | ReplyJudged, measure: Measure, calls: int, bad: int, at: datetime
    ) -> None:
        if calls or bad:
            series = (event.partner, event.account, measure)
            counts = self._counts.get(series)
            if counts is None:
                counts = self._counts[series] = _Counts()
            counts.add(calls, bad, at)

    def tick(self, at: datetime) -> Iterable[Found]:
        """Look at every account, a few times a minute."""
        if self._looked_at is not None and at - self._looked_at < timedelta(seconds=_BUCKET_S / 4):
            return ()
        self._looked_at = at
        oldest = at - timedelta(seconds=max(burn.long_s for burn in self.burns))
        found: list[Found] = []
        for series, counts in self._counts.items():
            counts.forget(oldest)
            burning = self._burns(counts, 1.0 - self.targets.of(series[2]), at)
            if burning is not None:
                found += [self._trouble(series, burning, at)] if series not in self._burning else []
                self._burning.add(series)
            elif series in self._burning:
                self._burning.discard(series)
                why = "both windows are within what the target leaves"
                found.append(Cleared(kind=BUDGET_BURNT, about=_about(series), why=why, at=at))
        return found

    def _burns(self, counts: _Counts, budget: float, at: datetime) -> tuple[Burn, int, int] | None:
        for burn in self.burns:
            calls, bad = counts.since(at - timedelta(seconds=burn.long_s))
            lately, bad_lately = counts.since(at - timedelta(seconds=burn.short_s))
            least = burn.factor * budget
            if bad >= LEAST_BAD and bad >= least * calls and bad_lately and bad_lately >= least * lately:
                return burn, calls, bad
        return None

    def _trouble(self, series: _Series, burning: tuple[Burn, int, int], at: datetime) -> Trouble:
        partner, account, measure = series
        burn, calls, bad = burning
        what = _WORDS[measure].format(limit_s=self.targets.limit_s)
        return Trouble(
            kind=BUDGET_BURNT,
            about=_about(series),
            summary=(
                f"{bad} of {calls} calls to {account} in {burn.long_s / 3600:g} h {what}; the target of "
                f"{self.targets.of(measure):.2%} is being missed at {burn.factor:g} times the rate that it allows"
            ),
            at=at,
            partner=partner,
            account=account,
        )


def _about(series: _Series) -> str:
    return f"{series[1]}/{series[2].value}"


_WORDS: Mapping[Measure, str] = MappingProxyType(
    {
        Measure.SUCCESS: "failed",
        Measure.ACCURACY: "got a reply that is not right",
        Measure.SPEED: "took longer than {limit_s:g} s",
    }
)
