"""The sections of a report that scorecards make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from payport.sdk.report import words
from payport.sdk.report.method import method
from payport.sdk.report.parts import (
    Card,
    Cards,
    Cell,
    Column,
    Columns,
    Distribution,
    Gauge,
    Interval,
    Scalar,
    Section,
    Series,
    Table,
    Text,
    Tone,
)
from payport.sdk.scorecards.cards import Scorecard, Share, Thresholds, Verdict, grouped, scorecard
from payport.sdk.scorecards.histogram import ends_s
from payport.sdk.scorecards.measures import MeasureRow

WORST = 20
"""So many endpoints are shown to people; programs get all of them."""

ACCOUNTS = 50
"""So many accounts likewise."""

_TONES = {Verdict.MEETS: Tone.GOOD, Verdict.MISSES: Tone.BAD, Verdict.NOT_ENOUGH: Tone.UNSURE}
_NAMES = {"success": "Success", "accuracy": "Data accuracy", "response": "Response time"}


def scorecard_sections(
    rows: Sequence[MeasureRow], daily: Sequence[MeasureRow], thresholds: Thresholds, first: date, last: date
) -> Sequence[Section]:
    """Scorecards, response times, errors, endpoints, and how they are to be read.

    ``rows``: of all days, whichever they name; ``daily``: by day, whichever account and endpoint they name.
    """
    partners = _cards(rows, thresholds, "partner")
    accounts = _cards(rows, thresholds, "partner", "account")
    endpoints = _cards(rows, thresholds, "partner", "account", "endpoint")
    return (
        _scorecards(partners, accounts, thresholds),
        _times(partners, thresholds),
        _errors(daily, partners, first, last),
        _endpoints(endpoints, thresholds),
        method(thresholds),
    )


def _cards(rows: Sequence[MeasureRow], thresholds: Thresholds, *fields: str) -> list[Scorecard]:
    """By these fields, the worst first."""
    found = [
        scorecard(own, thresholds, **dict(zip(fields, map(str, key), strict=True)))
        for key, own in grouped(rows, *fields).items()
    ]
    return sorted(found, key=_badness)


def _scorecards(partners: Sequence[Scorecard], accounts: Sequence[Scorecard], thresholds: Thresholds) -> Section:
    several = {card.partner: sum(each.partner == card.partner for each in accounts) for card in partners}
    cards = [_card(card, several[card.partner], thresholds) for card in partners]
    parts: list[Cards | Table] = [Cards(cards, _READING)]
    if len(accounts) > len(partners):
        parts.append(_accounts(accounts, thresholds))
    return Section(
        name="scorecards",
        title="Scorecards",
        summary=_glance(partners),
        parts=parts if partners else [Text("No call was counted in these days.")],
        records=[record(card) for card in [*partners, *accounts]],
        misses=any(card.verdict is Verdict.MISSES for card in [*partners, *accounts]),
    )


_READING = (
    "On each line the nines are equally far apart. The stroke is what was seen, the bar is where the true share lies "
    "as far as so many calls show it, the dots are the threshold."
)


def _glance(partners: Sequence[Scorecard]) -> str:
    """How many of the partners are how."""
    verdicts = Counter(card.verdict for card in partners)
    said = ", ".join(f"{verdicts[verdict]} {verdict.value}" for verdict in Verdict if verdicts[verdict])
    return f"{words.counted(len(partners), 'partner')}: {said}." if said else ""


def _card(card: Scorecard, accounts: int, thresholds: Thresholds) -> Card:
    facts = [
        ("Half within", words.seconds(card.p50_s)),
        ("95 % within", words.seconds(card.p95_s)),
        ("99 % within", words.seconds(card.p99_s)),
        ("Failures", _listed(card.failures)),
        ("Replies not checked", words.number(card.uncovered)),
        ("Unknown values", words.number(card.drift)),
    ]
    if card.held:
        facts.append(("Held back here", _listed(card.held)))
    of = f", {accounts} accounts" if accounts > 1 else ""
    return Card(
        title=card.partner,
        subtitle=f"{words.counted(card.calls, 'call')}{of}",
        verdict=verdict_cell(card.verdict),
        gauges=[_gauge(name, share, thresholds) for name, share in card.shares.items()],
        facts=facts,
    )


def verdict_cell(verdict: Verdict) -> Cell:
    """A verdict in its own word."""
    return Cell(verdict.value, _TONES[verdict])


def _gauge(name: str, share: Share, thresholds: Thresholds) -> Gauge:
    what = {"success": "call", "accuracy": "checked reply", "response": "timed call"}[name]
    goal = words.threshold(share.threshold)
    if name == "response":
        goal = f"{goal} within {words.limit(thresholds.response_s)}"
    many = f"{words.number(share.total)} {'checked replies' if name == 'accuracy' else f'{what}s'}"
    sure = f"at least {words.percent(share.lower, 'down')}, at most {words.percent(share.upper, 'up')}"
    note = f"Threshold {goal}. Of {many}; {sure}." if share.total else f"Threshold {goal}. Nothing was counted."
    if share.verdict is Verdict.NOT_ENOUGH:
        note += f" Enough from {words.number(share.enough)} on, if no more go wrong."
    return Gauge(
        name=_NAMES[name],
        value=words.percent(share.share),
        verdict=verdict_cell(share.verdict),
        note=note,
        interval=Interval(lower=share.lower, upper=share.upper, seen=share.share, threshold=share.threshold),
    )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{words.plain(name)} {words.number(count)}" for name, count in counts.items()) or "none"


def _share_cell(share: Share) -> Cell:
    note = f"≥ {words.percent(share.lower, 'down')}" if share.total else ""
    return Cell(words.percent(share.share), _TONES[share.verdict], note)


def _columns(*first: str, thresholds: Thresholds) -> list[Column]:
    within = f"Within {words.limit(thresholds.response_s)}"
    numbers = ("Calls", "Success", "Accuracy", within, "p50", "p95", "p99")
    return [*map(Column, first), *(Column(name, number=True) for name in numbers), Column("Verdict")]


def _cells(card: Scorecard) -> list[Cell]:
    shares = [_share_cell(share) for share in card.shares.values()]
    times = [Cell(words.seconds(each)) for each in (card.p50_s, card.p95_s, card.p99_s)]
    return [Cell(words.number(card.calls)), *shares, *times, verdict_cell(card.verdict)]


def _accounts(accounts: Sequence[Scorecard], thresholds: Thresholds) -> Table:
    return Table(
        title="By account" if len(accounts) <= ACCOUNTS else f"By account, the worst {ACCOUNTS} of {len(accounts)}",
        columns=_columns("Partner", "Account", thresholds=thresholds),
        rows=[[Cell(card.partner), Cell(card.account), *_cells(card)] for card in accounts[:ACCOUNTS]],
    )


def _times(partners: Sequence[Scorecard], thresholds: Thresholds) -> Section:
    timed = [card for card in partners if card.times]
    return Section(
        name="times",
        title="Response times",
        summary="Of calls that were answered or timed out, by how long they took. The scale is logarithmic.",
        parts=[_distribution(card, thresholds) for card in timed] or [Text("No call was timed in these days.")],
        records=[
            {"partner": card.partner, "up_to_s": round(ends_s(number), 6), "calls": count}
            for card in timed
            for number, count in card.times.items()
        ],
    )


def _distribution(card: Scorecard, thresholds: Thresholds) -> Distribution:
    first, last = min(card.times), max(card.times)
    marks = (("p50", card.p50_s), ("p95", card.p95_s), ("p99", card.p99_s))
    return Distribution(
        title=card.partner,
        bins=[(ends_s(number), card.times.get(number, 0)) for number in range(first, last + 1)],
        marks=[(name, value) for name, value in marks if value is not None],
        limit_s=thresholds.response_s,
    )


def _errors(daily: Sequence[MeasureRow], partners: Sequence[Scorecard], first: date, last: date) -> Section:
    found = sorted({row.day for row in daily} | {first, last})
    every = [found[0] + timedelta(days=number) for number in range((found[-1] - found[0]).days + 1)]
    plain = Thresholds()  # what is counted does not depend on them
    by_day = {key: scorecard(own, plain, partner=str(key[1])) for key, own in grouped(daily, "day", "partner").items()}
    classes = [name for name, _ in sum((Counter(card.failures) for card in partners), Counter[str]()).most_common()]
    of_day = {
        day: sum((Counter(card.failures) for key, card in by_day.items() if key[0] == day), Counter[str]())
        for day in every
    }
    return Section(
        name="errors",
        title="Failures by day",
        summary="Calls that failed and replies that were wrong, by class. A refusal is an answer, and no failure.",
        parts=[
            Columns(
                title="Failures by day",
                labels=[f"{day.day} {day:%b}" for day in every],
                series=[Series(words.plain(name), [of_day[day][name] for day in every]) for name in classes],
                empty="Nothing failed in these days.",
            ),
            _classes(partners, classes),
        ],
        records=[
            {"day": str(key[0]), "partner": card.partner, "class": name, "number": count, "calls": card.calls}
            for key, card in by_day.items()
            for name, count in card.failures.items()
        ],
    )


def _classes(partners: Sequence[Scorecard], classes: Sequence[str]) -> Table:
    return Table(
        title="By partner",
        columns=[Column("Class"), *(Column(card.partner, number=True) for card in partners)],
        rows=[
            [Cell(words.plain(name)), *(Cell(words.number(card.failures.get(name, 0))) for card in partners)]
            for name in classes
        ],
        empty="Nothing failed in these days.",
    )


def _endpoints(endpoints: Sequence[Scorecard], thresholds: Thresholds) -> Section:
    return Section(
        name="endpoints",
        title="Endpoints, the worst first",
        summary=f"{WORST} of {len(endpoints)}." if len(endpoints) > WORST else "",
        parts=[
            Table(
                title="Endpoints",
                columns=_columns("Endpoint", thresholds=thresholds),
                rows=[[Cell(card.endpoint, note=card.account), *_cells(card)] for card in endpoints[:WORST]],
                empty="No call was counted in these days.",
            )
        ],
        records=[record(card) for card in endpoints],
    )


def _badness(card: Scorecard) -> tuple[object, ...]:
    """What misses comes first; then what lacks most of its threshold, for sure and as seen; then what is used most."""
    order = (Verdict.MISSES, Verdict.NOT_ENOUGH, Verdict.MEETS)
    surely = max(share.threshold - share.upper for share in card.shares.values())
    seen = max(share.threshold - (1.0 if share.share is None else share.share) for share in card.shares.values())
    return order.index(card.verdict), -surely, -seen, -card.calls, card.partner, card.account, card.endpoint


def record(card: Scorecard) -> dict[str, Scalar]:
    """A scorecard for programs: shares between 0 and 1, times in seconds, ``None`` where nothing was counted."""
    found: dict[str, Scalar] = {
        "partner": card.partner,
        "account": card.account,
        "endpoint": card.endpoint,
        "verdict": card.verdict.value,
        "calls": card.calls,
        "replies": card.replies,
    }
    for name, share in card.shares.items():
        found |= {
            f"{name}_good": share.good,
            f"{name}_total": share.total,
            f"{name}_share": share.share,
            f"{name}_lower": share.lower,
            f"{name}_upper": share.upper,
            f"{name}_threshold": share.threshold,
            f"{name}_verdict": share.verdict.value,
            f"{name}_enough": share.enough,
        }
    return found | {
        "uncovered": card.uncovered,
        "drift": card.drift,
        "p50_s": card.p50_s,
        "p95_s": card.p95_s,
        "p99_s": card.p99_s,
        "failures": sum(card.failures.values()),
        "held": sum(card.held.values()),
        "refusals": sum(card.refusals.values()),
        "confidence": card.success.confidence,
    }
