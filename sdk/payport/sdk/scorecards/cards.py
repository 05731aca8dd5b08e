"""Scorecards out of counts: success, accuracy and response time against their thresholds, each with how sure it is.

A call is one HTTP request to the partner, repetitions included. What was held back here is none.

* **Success**: a whole reply came, with a status below 500, and it was no fault of the partner, nor unreadable, nor
  unverified. A refusal is an answer: it counts as a success.
* **Accuracy**: of the replies that were held against every oracle (signature, form, check digits, and that they are
  about what was asked), those that passed. ``uncovered``: replies that no oracle saw: tokens, faults, and exchanges
  where another reply was the answer. ``drift``: authentic values that this version does not know; they are no mistake.
* **Response**: of the calls that were answered or timed out, those answered within the limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from payport.schemas.outcome import UnknownKind
from payport.sdk.errors import ConfigurationError
from payport.sdk.scorecards.bounds import CONFIDENCE, enough, lower_bound, upper_bound
from payport.sdk.scorecards.histogram import quantile_s, within
from payport.sdk.scorecards.measures import MeasureRow

HTTP_5XX = "http_5xx"
"""The error class of a reply with a status of 500 or more."""

_FAULTS = frozenset(kind.value for kind in (UnknownKind.PARTNER_FAULT, UnknownKind.UNREADABLE, UnknownKind.UNVERIFIED))
_WRONG = frozenset(kind.value for kind in (UnknownKind.UNREADABLE, UnknownKind.UNVERIFIED, UnknownKind.MISMATCH))
_RIGHT = frozenset(kind.value for kind in (UnknownKind.UNKNOWN_STATUS, UnknownKind.NOT_FOUND))
_DRIFT = UnknownKind.UNKNOWN_STATUS.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What a partner is held against. Shares between 0 and 1.

    ``response_share`` of the calls must be answered within ``response_s`` seconds. ``confidence``: how sure a verdict
    is, on its own side. Raises :class:`payport.sdk.ConfigurationError` for a share that no number of calls can show.
    """

    success: float = 0.999
    accuracy: float = 0.9999
    response_s: float = 2.0
    response_share: float = 0.95
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        for name in ("success", "accuracy", "response_share"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ConfigurationError(f"the threshold {name} must be above 0 and below 1, got {getattr(self, name)}")
        if not 0.5 <= self.confidence < 1.0:
            raise ConfigurationError(f"confidence must be at least 0.5 and below 1, got {self.confidence}")
        if not self.response_s > 0.0:
            raise ConfigurationError(f"response_s must be above 0 seconds, got {self.response_s}")


class Verdict(Enum):
    """What the numbers show."""

    MEETS = "meets"
    """The lower bound reaches the threshold."""
    MISSES = "misses"
    """The upper bound is below the threshold."""
    NOT_ENOUGH = "not enough data"
    """Neither: so many calls show nothing yet."""


@dataclass(frozen=True, slots=True)
class Share:
    """``good`` of ``total``, held against ``threshold`` with one-sided bounds."""

    good: int
    total: int
    threshold: float
    confidence: float
    lower: float = field(init=False)
    """The true share is at least this, with ``confidence``."""
    upper: float = field(init=False)
    """The true share is at most this, with ``confidence``."""
    verdict: Verdict = field(init=False)
    enough: int = field(init=False)
    """So many calls show that the threshold is met, if no more of them go wrong than already did."""

    def __post_init__(self) -> None:
        lower = lower_bound(self.good, self.total, self.confidence)
        upper = upper_bound(self.good, self.total, self.confidence)
        if lower >= self.threshold:
            verdict = Verdict.MEETS
        else:
            verdict = Verdict.MISSES if upper < self.threshold else Verdict.NOT_ENOUGH
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        object.__setattr__(self, "verdict", verdict)
        object.__setattr__(self, "enough", enough(self.total - self.good, self.threshold, self.confidence))

    @property
    def share(self) -> float | None:
        """The share that was seen; ``None`` when nothing was counted."""
        return self.good / self.total if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """The numbers of a partner, or of one of its accounts or endpoints (empty: all of them together).

    ``times``: calls that were answered or timed out, by bin of their time. ``failures``: calls by error class;
    ``held``: requests that were not sent, by reason; ``refusals``: the partner's refusals by reason, which are answers.
    ``p50_s`` and the others: half of these calls took at most so long, and so on; good to 3 %.
    """

    partner: str
    account: str = ""
    endpoint: str = ""
    calls: int
    replies: int
    success: Share
    accuracy: Share
    uncovered: int
    drift: int
    response: Share
    times: Mapping[int, int]
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    failures: Mapping[str, int]
    held: Mapping[str, int]
    refusals: Mapping[str, int]

    @property
    def shares(self) -> Mapping[str, Share]:
        """What is held against a threshold, by name."""
        return {"success": self.success, "accuracy": self.accuracy, "response": self.response}

    @property
    def verdict(self) -> Verdict:
        """``MISSES`` when one of the three misses, ``MEETS`` when all three meet."""
        verdicts = {share.verdict for share in self.shares.values()}
        for verdict in (Verdict.MISSES, Verdict.NOT_ENOUGH):
            if verdict in verdicts:
                return verdict
        return Verdict.MEETS


def scorecard(
    rows: Iterable[MeasureRow], thresholds: Thresholds, *, partner: str, account: str = "", endpoint: str = ""
) -> Scorecard:
    """One scorecard over all of ``rows``, whatever they are of."""
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        kind, _, what = row.measure.partition(".")
        kinds.setdefault(kind, Counter())[what] += row.number
    replied, failed, doubts = _bins(kinds, "time"), _of(kinds, "failed"), _of(kinds, "doubt")
    times = replied + _bins(kinds, "late")
    replies, faulty = replied.total(), _of(kinds, "status")["5xx"]
    calls = replies + failed.total()
    bad = failed.total() + faulty + _sum(doubts, _FAULTS)
    wrong = _sum(doubts, _WRONG)
    compared = kinds.get("judged", Counter()).total() + wrong + _sum(doubts, _RIGHT)
    sure = thresholds.confidence
    told = Counter({kind: doubts[kind] for kind in _FAULTS | _WRONG | {_DRIFT}})
    return Scorecard(
        partner=partner,
        account=account,
        endpoint=endpoint,
        calls=calls,
        replies=replies,
        success=Share(max(0, calls - bad), calls, thresholds.success, sure),
        accuracy=Share(compared - wrong, compared, thresholds.accuracy, sure),
        uncovered=max(0, replies - compared),
        drift=doubts[_DRIFT],
        response=Share(within(replied, thresholds.response_s), times.total(), thresholds.response_share, sure),
        times=dict(sorted(times.items())),
        p50_s=quantile_s(times, 0.50),
        p95_s=quantile_s(times, 0.95),
        p99_s=quantile_s(times, 0.99),
        failures=_most_first(failed + told + Counter({HTTP_5XX: faulty})),
        held=_most_first(_of(kinds, "held")),
        refusals=_most_first(_of(kinds, "refusal")),
    )


def grouped(rows: Iterable[MeasureRow], *fields: str) -> Mapping[tuple[str | date | int, ...], Sequence[MeasureRow]]:
    """Rows that agree in these fields of :class:`payport.sdk.scorecards.MeasureRow`, in the order of their values."""
    found: dict[tuple[str | date | int, ...], list[MeasureRow]] = {}
    for row in rows:
        found.setdefault(tuple(getattr(row, name) for name in fields), []).append(row)
    return dict(sorted(found.items()))


def _of(kinds: Mapping[str, Counter[str]], kind: str) -> Counter[str]:
    return kinds.get(kind, Counter())


def _bins(kinds: Mapping[str, Counter[str]], kind: str) -> Counter[int]:
    return Counter({int(number): count for number, count in _of(kinds, kind).items()})


def _sum(counts: Counter[str], names: Iterable[str]) -> int:
    return sum(counts[name] for name in names)


def _most_first(counts: Counter[str]) -> Mapping[str, int]:
    return {name: count for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])) if count}
