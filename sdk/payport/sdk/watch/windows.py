"""How often things happened lately, counted in memory: so much for each account and payer, and no more.

Windows of accounts are rings of slots, exact to a sixty-fourth of their length, whatever the traffic. Payers are many
and do little, so of each the last few things are kept one by one.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, log
from typing import TypeAlias

from payport.sdk.watch.moves import Account, Moved, Payer, Reading, View, What

SLOTS = 64
PAYER_AT_MOST = 250
"""So many things are remembered of one payer; a rule cannot ask for more than these."""
PAYERS = 100_000
"""So many payers are remembered; who did nothing for longest is forgotten first."""
USUAL_SHARE = 0.99

_STEP = log(1.05)


def bin_of(amount_minor: int) -> int:
    """The bin of an amount: each ends 5 % above the last."""
    return ceil(log(max(1, amount_minor)) / _STEP - 1e-9)


def bin_end_minor(number: int) -> int:
    """The largest amount of a bin."""
    return int(1.05**number + 1e-6)


_Name: TypeAlias = tuple[str, int]
"""What is counted: (currency, bin) for amounts, (currency, 0) for sums, ("", 0) for numbers."""
_NUMBER: _Name = ("", 0)


@dataclass(slots=True)
class _Ring:
    """Numbers by name over the last ``within_s`` seconds, in slots that are forgotten one by one."""

    within_s: float
    totals: Counter[_Name] = field(default_factory=Counter[_Name])
    slots: deque[tuple[int, Counter[_Name]]] = field(default_factory=deque[tuple[int, Counter[_Name]]])

    def add(self, at_s: float, numbers: Mapping[_Name, int]) -> None:
        slot = self._slot(at_s)
        self._forget(slot)
        if not self.slots or self.slots[-1][0] < slot:
            self.slots.append((slot, Counter()))
        newest, counts = self.slots[-1]
        if slot > newest - SLOTS:  # what comes a little late (clocks of two writers) is counted with the newest
            for name, number in numbers.items():
                counts[name] += number
                self.totals[name] += number

    def at(self, at_s: float) -> Counter[_Name]:
        """The numbers of the window that ends then."""
        self._forget(self._slot(at_s))
        return self.totals

    def _slot(self, at_s: float) -> int:
        return int(at_s // (self.within_s / SLOTS))

    def _forget(self, slot: int) -> None:
        while self.slots and self.slots[0][0] <= slot - SLOTS:
            _, old = self.slots.popleft()
            for name, number in old.items():
                left = self.totals[name] - number
                if left:
                    self.totals[name] = left
                else:
                    del self.totals[name]


class _AccountTally:
    """One account: a ring for each reading, and one of amounts for each window that asks for the usual one."""

    __slots__ = ("_amounts", "_readings")

    def __init__(self, readings: Iterable[Reading], usual_s: Iterable[float]) -> None:
        self._readings = {reading: _Ring(reading.within_s) for reading in readings}
        self._amounts = {within_s: _Ring(within_s) for within_s in usual_s}

    def add(self, moved: Moved, at_s: float) -> None:
        amount = moved.amount
        for reading, ring in self._readings.items():
            if reading.what is moved.what:
                ring.add(at_s, {_NUMBER: 1, (amount.currency, 0): amount.amount_minor})
        if moved.what is What.PAID:
            for ring in self._amounts.values():
                ring.add(at_s, {(amount.currency, bin_of(amount.amount_minor)): 1})

    def total(self, what: What, within_s: float, currency: str, at_s: float) -> int:
        return self._readings[Reading(what, within_s)].at(at_s)[currency, 0]

    def usual_minor(self, currency: str, within_s: float, at_s: float) -> int:
        found = [(name[1], number) for name, number in self._amounts[within_s].at(at_s).items() if name[0] == currency]
        wanted = ceil(USUAL_SHARE * sum(number for _, number in found))
        for last, number in sorted(found):
            wanted -= number
            if wanted <= 0:
                return bin_end_minor(last)
        return 0


@dataclass(slots=True)
class _PayerTally:
    entries: deque[tuple[float, What, str]] = field(
        default_factory=lambda: deque[tuple[float, What, str]](maxlen=PAYER_AT_MOST)
    )


@dataclass(frozen=True, slots=True)
class _AccountView:
    """Answers for one moment. ``more``: what is only wanted yet, and counts as if it were so."""

    tally: _AccountTally
    at_s: float
    more: Moved | None

    def count(self, what: What, within_s: float) -> int:
        return self.tally.total(what, within_s, "", self.at_s) + (self.more is not None and self.more.what is what)

    def total_minor(self, what: What, within_s: float, currency: str) -> int:
        more = self.more
        wanted = 0
        if more is not None and more.what is what and more.amount.currency == currency:
            wanted = more.amount.amount_minor
        return self.tally.total(what, within_s, currency, self.at_s) + wanted

    def usual_minor(self, currency: str, within_s: float) -> int:
        return self.tally.usual_minor(currency, within_s, self.at_s)


@dataclass(frozen=True, slots=True)
class _PayerView:
    tally: _PayerTally
    at_s: float
    more: Moved | None

    def count(self, what: What, within_s: float) -> int:
        return len(self._refs(what, within_s))

    def refs(self, what: What, within_s: float) -> int:
        return len(set(self._refs(what, within_s)))

    def _refs(self, what: What, within_s: float) -> list[str]:
        oldest = self.at_s - within_s
        found = [ref for at_s, kind, ref in self.tally.entries if kind is what and at_s > oldest]
        return [*found, self.more.ref] if self.more is not None and self.more.what is what else found


class Windows:
    """Everything that rules may ask for. ``readings``, ``usual_s``: what they declare. Not safe between threads."""

    def __init__(self, readings: Iterable[Reading], usual_s: Iterable[float]) -> None:
        self._readings, self._usual_s = frozenset(readings), frozenset(usual_s)
        self._accounts: dict[str, _AccountTally] = {}
        self._payers: OrderedDict[str, _PayerTally] = OrderedDict()

    def add(self, moved: Moved) -> View:
        """Count what happened, and see it."""
        at_s = _seconds(moved.at)
        self._account(moved.account).add(moved, at_s)
        if moved.payer:
            tally = self._payers.setdefault(moved.payer, _PayerTally())
            tally.entries.append((at_s, moved.what, moved.ref))
            self._payers.move_to_end(moved.payer)
            if len(self._payers) > PAYERS:
                self._payers.popitem(last=False)
        return self._view(moved, None)

    def suppose(self, moved: Moved) -> View:
        """See it as if it had happened, and count nothing."""
        return self._view(moved, moved)

    def seen(self, moved: Moved) -> View:
        """See what was counted before."""
        return self._view(moved, None)

    def _view(self, moved: Moved, more: Moved | None) -> View:
        at_s = _seconds(moved.at)
        payer: Payer | None = None
        if moved.payer:
            payer = _PayerView(self._payers.get(moved.payer) or _PayerTally(), at_s, more)
        account: Account = _AccountView(self._account(moved.account), at_s, more)
        return View(moved, account, payer)

    def _account(self, name: str) -> _AccountTally:
        found = self._accounts.get(name)
        if found is None:
            found = self._accounts[name] = _AccountTally(self._readings, self._usual_s)
        return found


def _seconds(at: datetime) -> float:
    return at.timestamp()
