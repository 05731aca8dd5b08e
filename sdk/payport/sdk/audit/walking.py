"""Walk along a chain and name what is wrong: which record, and how.

Each record says which number it has, and its hash covers the one before it. Together they tell a record that was
changed from one that was moved, put in, or taken out. A row that does not follow is held back until the next one shows
which it is. What stands out of place is kept aside until its turn comes, and a number that did not come is kept open.
All that is kept has a bound, so memory does not grow with the chain.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, cast

from payport.sdk.audit.chain import Flaw, FlawKind, Place, Row, link
from payport.sdk.audit.record import about

WINDOW: Final = 64
"""The hashes of so many of the last records are known: as many may have been put in, in a row."""
KEPT: Final = 1000
"""So many rows out of place, and so many gaps, are kept at once; the oldest are told when there are more."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Seen(NamedTuple):
    """A row that may be the record of its number."""

    hash: bytes
    place: int


class _Read(NamedTuple):
    """A row, its number by its own word (``None``: it is no record of this chain), and its content."""

    row: Row
    number: int | None
    content: Mapping[str, object]


@dataclass(slots=True)
class _Gap:
    """Numbers that did not come. ``before``: the hash that they follow on; ``after``: the row behind them."""

    first: int
    last: int
    before: bytes | None
    after: Row | None


def check_chain(after: Place, rows: Iterable[Row], head: Place | None = None, *, chain: int = 0) -> Iterator[Flaw]:
    """What is wrong with the records of one chain that follow on ``after``, each told as soon as it is certain.

    ``rows``: in the order of their places. ``head``: the newest record by the chain's own word, when that is known.
    """
    walk = Walk(after, chain)
    for row in rows:
        yield from walk.step(row)
    yield from walk.end(head)


class Walk:
    """One walk. ``last``: the number of the newest record that was reached."""

    def __init__(self, after: Place, chain: int = 0) -> None:
        self.last = after.seq
        self._chain = chain
        self._seen: OrderedDict[int, list[_Seen]] = OrderedDict({after.seq: [_Seen(after.hash, after.seq)]})
        self._held: _Read | None = None
        self._strays: OrderedDict[int, _Read] = OrderedDict()
        self._gaps: list[_Gap] = []
        # by how much places and numbers differ; whether something was told that explains a change of this; and where
        # it changed with no explanation yet
        self._offset = 0
        self._explained = False
        self._odd: tuple[int, int] | None = None

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The hash of the newest record; several where somebody put one in beside it, none where it is unknown."""
        return tuple(each.hash for each in self._seen.get(self.last, ()))

    def step(self, row: Row) -> Iterator[Flaw]:
        """The next row."""
        read = self._read(row)
        held, self._held = self._held, None
        if held is not None:
            yield from self._settle(held, read)
        if self._gaps and self._fits_gap(read):
            yield from self._fill_gap(read)
        elif read.number is not None and self._follows(read.number, row):
            yield from self._accept(read.number, read)
        else:
            self._held = read

    def end(self, head: Place | None = None) -> Iterator[Flaw]:
        """After the last row: what is still open, and whether the end is the ``head``."""
        held, self._held = self._held, None
        changed_last = held is not None
        if held is not None:
            yield from self._settle(held, None, head)
        if head is not None:
            yield from self._compare(head, changed_last=changed_last)
        yield from self._tell_odd()
        for stray in self._strays.values():
            yield self._put_in(stray)
        for gap in self._gaps:
            yield from self._missing(gap)

    def _read(self, row: Row) -> _Read:
        try:
            content: object = json.loads(row.body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            return _Read(row, None, {})
        fields = cast("Mapping[str, object]", content)
        number = fields.get("seq")
        if type(number) is not int or fields.get("chain") != self._chain:
            return _Read(row, None, fields)
        return _Read(row, number, fields)

    def _follows(self, number: int, row: Row) -> bool:
        before = self._seen.get(number - 1)
        return before is not None and any(link(each.hash, row.body) == row.hash for each in before)

    def _accept(self, number: int, read: _Read) -> Iterator[Flaw]:
        """A row that follows on one that was seen."""
        row = read.row
        known = self._seen.get(number)
        if known is None:
            self._remember(number, [_Seen(row.hash, row.seq)])
        elif any(each.hash == row.hash for each in known):
            self._explained = True
            yield self._flaw(FlawKind.INSERTED, f"a copy of record {number} was put in at place {row.seq}", row.seq)
            return
        else:
            known.append(_Seen(row.hash, row.seq))
        if len(self._seen[number - 1]) > 1:
            yield from self._choose(number - 1, row)
        self.last = number
        if self._odd is not None or self._explained or self._offset != row.seq - number:
            yield from self._check_place(number, row)
        if not _agrees(read):
            yield self._flaw(FlawKind.CONTRADICTS, f"the columns of record {number} differ from its body", number)
        if self._strays:
            yield from self._recall(number + 1)

    def _choose(self, number: int, row: Row) -> Iterator[Flaw]:
        """Of two that say they have one number, the one that the next follows on is the original."""
        seen = self._seen[number]
        self._seen[number] = [each for each in seen if link(each.hash, row.body) == row.hash]
        for each in seen:
            if each not in self._seen[number]:
                self._explained = True
                what = f"a record that says it is record {number} was put in at place {each.place}"
                yield self._flaw(FlawKind.INSERTED, what, each.place)

    def _check_place(self, number: int, row: Row) -> Iterator[Flaw]:
        """Places may only leave the numbers where something was put in or is missing, which may be told one later."""
        if not self._explained:
            yield from self._tell_odd()
        self._odd = None
        if self._offset != row.seq - number:
            self._offset = row.seq - number
            self._odd = None if self._explained else (number, row.seq)
        self._explained = False

    def _tell_odd(self) -> Iterator[Flaw]:
        if self._odd is not None:
            number, place = self._odd
            what = f"record {number} stands at place {place}, and those after it are as far off"
            yield self._flaw(FlawKind.MOVED, what, number)

    def _recall(self, number: int) -> Iterator[Flaw]:
        """A row that stood elsewhere, now that its turn has come."""
        stray = self._strays.get(number)
        if stray is not None and self._follows(number, stray.row):
            del self._strays[number]
            self._explained = True
            yield self._flaw(FlawKind.MOVED, f"record {number} stands at place {stray.row.seq}", number)
            self._remember(number, [_Seen(stray.row.hash, stray.row.seq)])
            self.last = number
            yield from self._recall(number + 1)

    def _settle(self, held: _Read, following: _Read | None, head: Place | None = None) -> Iterator[Flaw]:
        """Decide what a row is that follows on nothing, by the one after it."""
        row, number, expected = held.row, held.number, self.last + 1
        after = following.row if following is not None else None
        if following is not None and self._needs_nothing(following):
            yield from self._set_aside(held)
            return
        followed = after is not None and link(row.hash, after.body) == after.hash
        goes_on = number is not None and following is not None and following.number == number + 1
        if number is None or number == expected:
            yield from self._changed(held, after, head, followed=followed)
        elif number > expected and (followed or goes_on or following is None):
            yield from self._open_gap(_Gap(expected, number - 1, self._hash_of(self.last), row))
            self._go_on(number, row.hash if followed else None, row.seq)
        else:
            yield from self._set_aside(held)
            if number > expected and following is not None and following.number != expected:
                yield from self._open_gap(_Gap(expected, expected, self._hash_of(self.last), None))
                self._go_on(expected, None, row.seq)

    def _needs_nothing(self, following: _Read) -> bool:
        """Whether a row follows on what was seen, with no row in between."""
        number = following.number
        return number is not None and self._follows(number, following.row) and self._seen.get(number) != []

    def _changed(self, held: _Read, after: Row | None, head: Place | None, *, followed: bool) -> Iterator[Flaw]:
        """A row in its own place that does not follow on the one before it."""
        number, row = self.last + 1, held.row
        mended = self._mended(row, after, head if head is not None and head.seq == number else None)
        if not self._seen[self.last]:
            gap = self._gaps[-1] if self._gaps else None
            if gap is not None and gap.last == self.last and gap.after is None:
                gap.after = row  # told with the gap, unless that is filled
            else:
                yield self._unproven(number)
        elif mended is not None:
            what = f"the hash of record {number} was changed; the record itself is the original"
            yield self._flaw(FlawKind.CHANGED, what, number)
        elif held.number is None:
            what = f"record {number} was changed: what stands there is no record of this chain"
            yield self._flaw(FlawKind.CHANGED, what, number)
        else:
            what = f"record {number} was changed (or record {number - 1}, together with its hash)"
            yield self._flaw(FlawKind.CHANGED, what, number)
        self._go_on(number, mended or (row.hash if followed else None), row.seq)
        yield from self._recall(number + 1)

    def _mended(self, row: Row, after: Row | None, head: Place | None) -> bytes | None:
        """The hash that a row must have had, when what comes after it shows that only its hash was changed."""
        for each in self._seen[self.last]:
            computed = link(each.hash, row.body)
            if (after is not None and link(computed, after.body) == after.hash) or (
                head is not None and computed == head.hash
            ):
                return computed
        return None

    def _go_on(self, number: int, known: bytes | None, place: int) -> None:
        """Go on from a row that is not proven; without its hash, nothing after it can be."""
        self._explained = True
        self.last = number
        self._remember(number, [] if known is None else [_Seen(known, place)])

    def _remember(self, number: int, seen: list[_Seen]) -> None:
        self._seen[number] = seen
        if len(self._seen) > WINDOW:
            self._seen.popitem(last=False)

    def _hash_of(self, number: int) -> bytes | None:
        seen = self._seen[number]
        return seen[0].hash if seen else None

    def _set_aside(self, held: _Read) -> Iterator[Flaw]:
        self._explained = True
        if held.number is None or held.number <= self.last or held.number in self._strays:
            yield self._put_in(held)
            return
        self._strays[held.number] = held
        if len(self._strays) > KEPT:
            yield self._put_in(self._strays.popitem(last=False)[1])

    def _open_gap(self, gap: _Gap) -> Iterator[Flaw]:
        self._gaps.append(gap)
        if len(self._gaps) > KEPT:
            yield from self._missing(self._gaps.pop(0))

    def _fits_gap(self, read: _Read) -> _Gap | None:
        for gap in self._gaps:
            if gap.first == read.number and gap.before is not None:
                return gap if link(gap.before, read.row.body) == read.row.hash else None
        return None

    def _fill_gap(self, read: _Read) -> Iterator[Flaw]:
        gap, row = self._fits_gap(read), read.row
        if gap is None:
            return
        self._explained = True
        yield self._flaw(FlawKind.MOVED, f"record {read.number} stands at place {row.seq}", read.number)
        gap.first, gap.before = gap.first + 1, row.hash
        if gap.first > gap.last:
            self._gaps.remove(gap)
            if gap.after is not None:
                yield from self._prove(gap.last + 1, row.hash, gap.after)

    def _prove(self, number: int, before: bytes, row: Row) -> Iterator[Flaw]:
        """The record behind a gap, now that the one before it is known."""
        if link(before, row.body) != row.hash:
            yield self._unproven(number)
        elif self._seen.get(number) == []:
            self._seen[number] = [_Seen(row.hash, row.seq)]
            yield from self._recall(number + 1)

    def _compare(self, head: Place, *, changed_last: bool) -> Iterator[Flaw]:
        if self.last < head.seq:
            gone = f"{self.last + 1} to {head.seq}"
            yield self._flaw(FlawKind.CUT_OFF, f"records {gone} are missing: the end was cut off", self.last + 1)
        elif self.last > head.seq:
            what = f"records {head.seq + 1} to {self.last} were put in behind the head of the chain"
            yield self._flaw(FlawKind.INSERTED, what, head.seq + 1)
        elif head.hash not in self.hashes and not changed_last:
            yield self._flaw(FlawKind.CHANGED, f"the head of the chain is not its record {head.seq}", head.seq)
        elif len(self.hashes) > 1:
            for each in self._seen[self.last]:
                if each.hash != head.hash:
                    self._odd = None
                    what = f"a record that says it is record {self.last} was put in at place {each.place}"
                    yield self._flaw(FlawKind.INSERTED, what, each.place)

    def _put_in(self, stray: _Read) -> Flaw:
        says = "no record of this chain" if stray.number is None else f"a record that says it is record {stray.number}"
        return self._flaw(FlawKind.INSERTED, f"{says} was put in at place {stray.row.seq}", stray.row.seq)

    def _missing(self, gap: _Gap) -> Iterator[Flaw]:
        first, last = gap.first, gap.last
        what = f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
        yield self._flaw(FlawKind.MISSING, what, first)
        if gap.after is not None:
            yield self._unproven(last + 1)

    def _unproven(self, number: int) -> Flaw:
        return self._flaw(FlawKind.UNPROVEN, f"record {number} cannot be proven without the one before it", number)

    def _flaw(self, kind: FlawKind, what: str, seq: int | None) -> Flaw:
        return Flaw(kind, what, self._chain, seq)


def _agrees(read: _Read) -> bool:
    """Whether the columns of a row say what its body says."""
    row = read.row
    return row.chain == read.content.get("chain") and (row.at_us, row.about, row.version) == _columns(read.content)


def _columns(content: Mapping[str, object]) -> tuple[int, str | None, int | None] | None:
    try:
        thing = cast("Mapping[str, str]", content["object"])
        at = datetime.fromisoformat(cast("str", content["when"]))
        version = cast("int | None", thing.get("version"))
        return (at - _EPOCH) // _MICROSECOND, about(thing.get("operation", ""), thing.get("ref", "")), version
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def row_of(body: str, found: bytes, *, chain: int, place: int) -> Row:
    """The row of a record that was kept without columns."""
    try:
        content: object = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    columns = _columns(cast("Mapping[str, object]", content)) if isinstance(content, dict) else None
    at_us, what, version = columns or (0, None, None)
    return Row(chain, place, at_us, what, version, body, found)
