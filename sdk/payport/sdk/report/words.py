"""Numbers as people read them. Roundings never claim more than was measured."""

from __future__ import annotations

from datetime import date
from math import ceil, floor, log10
from typing import Literal

_MOST_DIGITS = 7


def percent(share: float | None, towards: Literal["near", "down", "up"] = "near") -> str:
    """A share in percent, precise enough to tell its nines apart: ``99.988 %``.

    ``towards``: ``down`` for what is at least so much, ``up`` for what is at most. ``None``: a dash.
    """
    if share is None:
        return "–"
    missing = 1.0 - share
    if missing <= 0.0:
        return "100 %"
    digits = min(max(1, ceil(-log10(missing)) - 1), _MOST_DIGITS)
    scaled = share * 100 * 10**digits
    # 0.999 is stored as a little less or more: that is no reason to round it away
    match towards:
        case "near":
            whole = round(scaled)
        case "down":
            whole = floor(scaled + 1e-6)
        case "up":
            whole = ceil(scaled - 1e-6)
    return f"{whole / 10**digits:.{digits}f} %"


def threshold(share: float) -> str:
    """A threshold as its setter wrote it: ``99.9 %``, ``95 %``."""
    return f"{share * 100:.7f}".rstrip("0").rstrip(".") + " %"


def number(count: int) -> str:
    """With commas: ``12,345``."""
    return f"{count:,}"


def counted(count: int, what: str) -> str:
    """``1 call``, ``12,345 calls``."""
    return f"{number(count)} {what if count == 1 else f'{what}s'}"


def seconds(elapsed_s: float | None) -> str:
    """``123 ms`` below a second, ``2.41 s`` above; two digits and more."""
    if elapsed_s is None:
        return "–"
    if elapsed_s < 0.001:
        return f"{elapsed_s * 1000:.2g} ms"
    if elapsed_s < 0.9995:
        return f"{elapsed_s * 1000:.0f} ms"
    return f"{elapsed_s:.2f} s" if elapsed_s < 9.995 else f"{elapsed_s:.1f} s"


def limit(limit_s: float) -> str:
    """A round time, as its setter wrote it: ``2 s``, ``300 ms``."""
    return f"{limit_s:g} s" if limit_s >= 1.0 else f"{limit_s * 1000:g} ms"


def day(value: date) -> str:
    """``23 Nov 2026``."""
    return f"{value.day} {value:%b %Y}"


def days(first: date, last: date) -> str:
    """``1 to 30 Nov 2026``, as short as it can be said."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%b} to {day(last)}"
    return f"{day(first)} to {day(last)}"


def plain(name: str) -> str:
    """The name of a kind in words: ``timed out`` for ``timed_out``, ``HTTP 5xx`` for ``http_5xx``."""
    return name.replace("_", " ").replace("http", "HTTP")
