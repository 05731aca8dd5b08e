"""Charts of a page: shapes in inline SVG that stretch with it, words beside them in HTML, so that they stay legible.

Positions are shares of the chart's width or height, in percent. Numbers are shown when one points at a shape, and stand
in the tables of the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor, log10

from payport.sdk.report import words
from payport.sdk.report.parts import Columns, Distribution, Interval

_FIRST_NINE, _LAST_NINE = 1.0, 6.0
_TICKS = ((1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %"), (5.0, "99.999 %"))
_LABELS = 5
COLOURS = 8
"""So many series of one chart have a colour of their own."""


def interval(found: Interval) -> str:
    """A line of nines: where the share was seen, between its bounds, and the threshold."""
    low, high, goal = _nines(found.lower), _nines(found.upper), _nines(found.threshold)
    ticks = "".join(f'<span class="tick" style="left:{_at(nine):.2f}%">{name}</span>' for nine, name in _TICKS)
    seen = "" if found.seen is None else _line(_nines(found.seen), "seen")
    shapes = (
        f'<rect class="scale" x="0" y="11" width="100" height="2"/>'
        f'<rect class="bounds" x="{low:.2f}" y="7" width="{max(high - low, 0.4):.2f}" height="10" rx="0.6"/>'
        f"{_line(goal, 'goal')}{seen}"
    )
    told = (
        f"at least {words.percent(found.lower, 'down')}, at most {words.percent(found.upper, 'up')}, "
        f"threshold {words.threshold(found.threshold)}"
    )
    return f'<div class="interval">{_svg(shapes, 24, told)}<div class="ticks">{ticks}</div></div>'


def _nines(share: float) -> float:
    """Where a share stands on a line on which 90 %, 99 % and 99.9 % are equally far apart."""
    missing = max(1.0 - share, 10**-_LAST_NINE)
    return _at(-log10(missing))


def _at(nines: float) -> float:
    # a little before 90 % there is room for everything that is worse
    return min(max((nines - _FIRST_NINE + 0.6) / (_LAST_NINE - _FIRST_NINE + 0.6) * 100, 0.0), 100.0)


def _line(x: float, name: str) -> str:
    return f'<line class="{name}" x1="{x:.2f}" x2="{x:.2f}" y1="1" y2="23"/>'


def columns(chart: Columns) -> str:
    """Columns, the series piled up, with a legend. Series beyond :data:`COLOURS` share one colour."""
    piles = [sum(series.values[each] for series in chart.series) for each in range(len(chart.labels))]
    highest = max(piles, default=0)
    if highest == 0:
        return f'<p class="empty">{escape(chart.empty)}</p>'
    top = _round_up(highest)
    shapes = "".join(_piles(chart, top))
    step = max(1, ceil(len(chart.labels) / _LABELS))
    wide = 100 / len(chart.labels)
    below = "".join(
        f'<span style="left:{(each + 0.5) * wide:.2f}%">{escape(chart.labels[each])}</span>'
        for each in range(0, len(chart.labels), step)
    )
    legend = "".join(
        f'<li><i class="s{min(number, COLOURS - 1)}"></i>{escape(series.name)} {words.number(sum(series.values))}</li>'
        for number, series in enumerate(chart.series)
    )
    return (
        f'<figure class="columns"><ul class="legend">{legend}</ul>'
        f"{_framed(_svg(shapes, 100, chart.title), words.number(top), words.number(top // 2) if top > 1 else '')}"
        f'<div class="below">{below}</div></figure>'
    )


def _piles(chart: Columns, top: int) -> Iterator[str]:
    wide = 100 / len(chart.labels)
    for each, label in enumerate(chart.labels):
        height = 0.0
        for number, series in enumerate(chart.series):
            part = series.values[each] / top * 100
            if part:
                height += part
                told = f"{label}: {series.name} {words.number(series.values[each])}"
                yield (
                    f'<rect class="s{min(number, COLOURS - 1)}" x="{(each + 0.12) * wide:.3f}" y="{100 - height:.3f}" '
                    f'width="{0.76 * wide:.3f}" height="{part:.3f}"><title>{escape(told)}</title></rect>'
                )


def distribution(chart: Distribution) -> str:
    """How many calls took how long; what took too long stands out."""
    total = sum(count for _, count in chart.bins)
    highest = max((count for _, count in chart.bins), default=0)
    low, high = log10(chart.bins[0][0]) - _step(chart), log10(chart.bins[-1][0])
    low, high = min(low, log10(chart.limit_s) - 0.3), max(high, log10(chart.limit_s) + 0.15)

    def at(value_s: float) -> float:
        return (log10(value_s) - low) / (high - low) * 100

    wide = _step(chart) / (high - low) * 100
    shapes = "".join(
        f'<rect class="{"slow" if ends > chart.limit_s * 1.0001 else "quick"}" x="{at(ends) - wide * 0.94:.3f}" '
        f'y="{100 - count / highest * 100:.3f}" width="{wide * 0.88:.3f}" height="{count / highest * 100:.3f}">'
        f"<title>up to {words.seconds(ends)}: {words.counted(count, 'call')}</title></rect>"
        for ends, count in chart.bins
        if count
    )
    limit = at(chart.limit_s)
    shapes += f'<line class="goal" x1="{limit:.2f}" x2="{limit:.2f}" y1="0" y2="100"/>'
    shapes += "".join(
        f'<line class="mark" x1="{at(value):.2f}" x2="{at(value):.2f}" y1="0" y2="100"/>' for _, value in chart.marks
    )
    below = "".join(
        f'<span style="left:{at(value):.2f}%">{words.limit(value)}</span>' for value in _times_between(low, high)
    )
    marks = "".join(f"<li><b>{escape(name)}</b> {words.seconds(value)}</li>" for name, value in chart.marks)
    marks += f'<li><i class="dots"></i>limit {words.limit(chart.limit_s)}</li>'
    told = f"{chart.title}: {words.counted(total, 'call')} by response time"
    return (
        f'<figure class="distribution"><figcaption>{escape(chart.title)} <small>{words.counted(total, "call")}</small>'
        f'</figcaption><ul class="legend">{marks}</ul>'
        f"{_framed(_svg(shapes, 100, told), words.percent(highest / total) if total else '', '')}"
        f'<div class="below">{below}</div></figure>'
    )


def _step(chart: Distribution) -> float:
    """How wide a bin is, in powers of ten."""
    ends = [end for end, _ in chart.bins]
    return log10(ends[1] / ends[0]) if len(ends) > 1 else 0.025


def _times_between(low: float, high: float) -> Sequence[float]:
    """1, 10, 100 ms and so on, and the halves between where there is room."""
    powers = range(floor(low) - 1, ceil(high) + 1)
    room = high - low
    steps: Sequence[int] = (1, 2, 5) if room < 1.2 else (1, 3) if room < 3 else (1,)
    values = [float(f"{step}e{power}") for power in powers for step in steps]
    edge, apart = 0.06 * room, 0.17 * room
    found: list[float] = []
    for value in values:
        fits = low + edge <= log10(value) <= high - edge
        if fits and (not found or log10(value / found[-1]) >= apart):
            found.append(value)
    return found


def _framed(svg: str, top: str, middle: str) -> str:
    return f'<div class="framed"><span class="top">{top}</span><span class="middle">{middle}</span>{svg}</div>'


def _svg(shapes: str, height: int, told: str) -> str:
    box = f'viewBox="0 0 100 {height}" preserveAspectRatio="none"'
    return f'<svg {box} role="img" aria-label="{escape(told)}">{shapes}</svg>'


def _round_up(number: int) -> int:
    """The next 1, 2 or 5 with as many noughts."""
    power = int("1".ljust(len(str(number)), "0"))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= number)
