"""Card numbers in any text: found by their shape and check digit, and cut to what may be shown of them."""

from __future__ import annotations

import re

_CANDIDATE = re.compile(r"(?<![0-9])(?:[3-9][0-9]|2[2-7])(?:[ -]?[0-9]){10,}")
_GROUP = re.compile(r"[0-9]+")
_ISSUER = re.compile(r"[3-9]|2[2-7]")
_LONGEST_CARD_NUMBER = 19
SMALLEST_CARD_NUMBER = 10**11
"""A smaller integer is no card number."""


def mask_card_numbers(text: str) -> str:
    """``text`` with every payment card number cut to its first six and last four digits.

    A card number is 12 to 19 digits, perhaps in groups with single spaces or hyphens, that begin like an issuer's
    (3 to 9, or 22 to 27: times, dates and most partner numbers begin otherwise) and pass the Luhn check. PCI DSS 3.4.1
    allows this much to be shown. One in ten other numbers of that shape is masked as well, which is the safe side.
    """
    return _CANDIDATE.sub(_mask_run, text)


def may_hold_card_number(text: str) -> bool:
    """Whether something in ``text`` has a card number's shape: false for nearly every text, by one search."""
    return _CANDIDATE.search(text) is not None


def _mask_run(run: re.Match[str]) -> str:
    # a neighbour may hide the number ("order 12 4111 1111 1111 1111"), so every run of whole groups is a candidate
    text, shown, done = run.group(), "", 0
    groups = [group.span() for group in _GROUP.finditer(text)]
    first = 0
    while first < len(groups):
        last, number = _card_number(text, groups, first)
        if number:
            shown += text[done : groups[first][0]] + number[:6] + "*" * (len(number) - 10) + number[-4:]
            done = groups[last][1]
        first = last + 1
    return shown + text[done:]


def _card_number(text: str, groups: list[tuple[int, int]], first: int) -> tuple[int, str]:
    """The longest card number that begins with group ``first``: its last group and its digits, empty when none does."""
    digits, last, number = "", first, ""
    for at in range(first, len(groups)):
        start, end = groups[at]
        digits += text[start:end]
        if len(digits) > _LONGEST_CARD_NUMBER:
            break
        if _is_card_number(digits):
            last, number = at, digits
    return last, number


def _is_card_number(digits: str) -> bool:
    return 12 <= len(digits) <= _LONGEST_CARD_NUMBER and _ISSUER.match(digits) is not None and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    plain, doubled = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, plain)) + sum(sum(divmod(2 * int(digit), 10)) for digit in doubled)) % 10 == 0
