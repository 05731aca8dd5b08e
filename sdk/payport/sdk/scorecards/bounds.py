"""How sure a measured share is: one-sided bounds of Clopper and Pearson, exact for independent calls.

Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
binomial", Biometrika 26 (1934). Everything is reckoned in the share of what went wrong, because that is the small
number, and in logarithms, because the terms of a binomial with millions of calls fit into no float.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf, lgamma, log, log1p, sqrt

CONFIDENCE = 0.95
"""How sure a bound is, unless it is said otherwise."""

_HALVINGS = 60
_NEGLIGIBLE = 1e-17


def lower_bound(good: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The true share is at least this: ``total`` calls of which ``good`` went well show it with ``confidence``.

    0.0 when nothing went well, or nothing was counted.
    """
    bad = _checked(good, total, confidence)
    if good == 0:
        return 0.0
    return 1.0 - _root(lambda share: _at_most(bad, total, share), bad / total, 1.0, 1.0 - confidence, bad, total)


def upper_bound(good: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The true share is at most this. 1.0 when nothing went wrong, or nothing was counted."""
    bad = _checked(good, total, confidence)
    if bad == 0:
        return 1.0
    return 1.0 - _root(lambda share: _at_least(bad, total, share), bad / total, 0.0, 1.0 - confidence, bad, total)


def enough(bad: int, threshold: float, confidence: float = CONFIDENCE) -> int:
    """The smallest number of calls that shows a share of ``threshold`` when ``bad`` of them go wrong.

    ``threshold``: above 0 and below 1; no number of calls shows that nothing ever fails.
    """
    if not 0.0 < threshold < 1.0:
        raise ValueError(f"a threshold is above 0 and below 1, got {threshold}")
    _checked(0, bad, confidence)
    share, doubt = 1.0 - threshold, 1.0 - confidence
    low = max(bad, int(bad / share))  # half of the way or less: not enough yet
    high = low + 1
    while _at_most(bad, high, share) > doubt:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _at_most(bad, middle, share) > doubt else (low, middle)
    return high


def _checked(good: int, total: int, confidence: float) -> int:
    if not 0 <= good <= total:
        raise ValueError(f"{good} of {total} is no share")
    if not 0.5 <= confidence < 1.0:
        raise ValueError(f"a confidence is at least 0.5 and below 1, got {confidence}")
    return total - good


def _root(tail: Callable[[float], float], known: float, end: float, doubt: float, bad: int, total: int) -> float:
    """The share between ``known``, where the tail is heavy, and ``end`` at which the tail is as light as ``doubt``."""
    near, width = known, (sqrt(bad) + 3.0) / total
    far = _towards(known, end, width)
    while far != end and tail(far) > doubt:
        near, width = far, width * 2.0
        far = _towards(known, end, width)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2.0
        if middle in (near, far):
            break
        near, far = (middle, far) if tail(middle) > doubt else (near, middle)
    return far


def _towards(known: float, end: float, width: float) -> float:
    return min(known + width, end) if end > known else max(known - width, end)


def _at_most(bad: int, total: int, share: float) -> float:
    """The chance of ``bad`` or fewer, where ``bad`` is not more than is to be expected: the terms fall from there."""
    if share >= 1.0:
        return 1.0 if bad >= total else 0.0
    odds = inf if share <= 0.0 else (1.0 - share) / share
    term = whole = exp(_log_term(bad, total, share))
    for number in range(bad, 0, -1):
        term *= number * odds / (total - number + 1)
        whole += term
        if term < whole * _NEGLIGIBLE:
            break
    return whole


def _at_least(bad: int, total: int, share: float) -> float:
    """The chance of ``bad`` or more, where ``bad`` is not less than is to be expected."""
    if share <= 0.0:
        return 1.0 if bad == 0 else 0.0
    odds = share / (1.0 - share)
    term = whole = exp(_log_term(bad, total, share))
    for number in range(bad, total):
        term *= (total - number) * odds / (number + 1)
        whole += term
        if term < whole * _NEGLIGIBLE:
            break
    return whole


def _log_term(bad: int, total: int, share: float) -> float:
    """The logarithm of the chance of exactly ``bad``."""
    ways = lgamma(total + 1) - lgamma(bad + 1) - lgamma(total - bad + 1)
    return ways + (bad * log(share) if bad else 0.0) + ((total - bad) * log1p(-share) if total > bad else 0.0)
