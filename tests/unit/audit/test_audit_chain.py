"""Whoever changes, takes away, puts in or moves a record of the audit trail is found, and told which and how."""

from __future__ import annotations

import random
import resource
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.audit_chains import BEGIN, chain_of, end_of, entry, row_after

from payport.sdk.audit.chain import Flaw, FlawKind, Place, Row, link
from payport.sdk.audit.walking import KEPT, WINDOW, Walk, check_chain

MANY = 100_000
FEW = 60
SMALL = tuple(chain_of(FEW))
HEAD = end_of(SMALL)


@pytest.fixture(scope="module")
def many() -> Sequence[Row]:
    """A hundred thousand records."""
    return tuple(chain_of(MANY))


def flaws(rows: Iterable[Row], head: Place | None = HEAD) -> list[Flaw]:
    """What is found."""
    return list(check_chain(BEGIN, rows, head))


def told(rows: Iterable[Row], head: Place | None = HEAD) -> list[tuple[str, int | None]]:
    """What is found, as kind and place."""
    return [(flaw.kind.value, flaw.seq) for flaw in flaws(rows, head)]


def changed(row: Row) -> Row:
    """A record that says something else."""
    return row._replace(body=row.body.replace('"doubt"', '"succeeded"'))


def renumbered(rows: Iterable[Row]) -> list[Row]:
    """The places closed up, as somebody would who hides what he did."""
    return [row._replace(seq=place) for place, row in enumerate(rows, 1)]


def with_row(number: int, row: Row, rows: Sequence[Row] = SMALL) -> list[Row]:
    """Another row in the place of one."""
    return [*rows[: number - 1], row, *rows[number:]]


def stranger(number: int, before: Place) -> Row:
    """A record of somebody who can compute hashes."""
    return row_after(before, entry(1000 + number))


def test_a_whole_chain(many: Sequence[Row]) -> None:
    """Nothing is found, and the end is the head."""
    assert flaws(many, end_of(many)) == []


@pytest.mark.parametrize("number", [1, 2, 17, FEW - 1, FEW])
def test_a_changed_record(number: int) -> None:
    """At either end, too."""
    (flaw,) = flaws(with_row(number, changed(SMALL[number - 1])))
    assert (FlawKind.CHANGED, number) == (flaw.kind, flaw.seq)
    assert f"record {number} was changed" in flaw.what


@pytest.mark.parametrize("number", [1, 17, FEW])
def test_a_changed_hash(number: int) -> None:
    """The record is the original, and that is said."""
    (flaw,) = flaws(with_row(number, SMALL[number - 1]._replace(hash=bytes(32))))
    assert (FlawKind.CHANGED, number) == (flaw.kind, flaw.seq)
    assert f"the hash of record {number} was changed; the record itself is the original" == flaw.what


def test_a_record_that_was_changed_together_with_its_hash() -> None:
    """The one after it shows that: who changes one record must change all that follow."""
    body = changed(SMALL[16]).body
    (flaw,) = flaws(with_row(17, SMALL[16]._replace(body=body, hash=link(SMALL[15].hash, body))))
    assert (flaw.kind, flaw.seq) == (FlawKind.CHANGED, 18)
    assert "or record 17, together with its hash" in flaw.what


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '{"seq":17}', '{"chain":1,"seq":17}', '{"chain":0,"seq":"17"}']
)
def test_a_record_that_is_none(body: str) -> None:
    """What stands there is not of this chain."""
    assert told(with_row(17, SMALL[16]._replace(body=body))) == [("changed", 17)]


@pytest.mark.parametrize("column", [{"at_us": 1}, {"about": "X"}, {"about": None}, {"version": 7}, {"chain": 3}])
def test_a_changed_column(column: dict[str, object]) -> None:
    """The columns that are searched by are held against the body, which the hash covers."""
    assert told(with_row(17, SMALL[16]._replace(**column))) == [("contradicts", 17)]  # type: ignore[arg-type] # one of several


@pytest.mark.parametrize(("first", "last"), [(1, 1), (17, 17), (17, 30), (1, FEW - 1)])
@pytest.mark.parametrize("hidden", [False, True], ids=["left open", "closed up"])
def test_records_that_were_taken_out(first: int, last: int, hidden: bool) -> None:
    """Which, and that the next one cannot be proven without them."""
    rows = [*SMALL[: first - 1], *SMALL[last:]]
    assert [("missing", first), ("unproven", last + 1)] == told(renumbered(rows) if hidden else rows)


def test_an_end_that_was_cut_off() -> None:
    """The head of the chain tells; without one nothing does."""
    assert told(SMALL[:50]) == [("cut_off", 51)]
    assert told(SMALL[:50], None) == []
    assert told([]) == [("cut_off", 1)]


@pytest.mark.parametrize(("one", "other"), [(17, 18), (17, 19), (17, 25), (1, FEW), (1, 2), (FEW - 1, FEW)])
def test_records_that_changed_places(one: int, other: int) -> None:
    """Both are named, each with its number and the place where it stands; of two neighbours one is enough."""
    rows = list(SMALL)
    rows[one - 1], rows[other - 1] = SMALL[other - 1]._replace(seq=one), SMALL[one - 1]._replace(seq=other)
    found = sorted(flaws(rows), key=lambda flaw: flaw.seq or 0)
    assert {FlawKind.MOVED} == {flaw.kind for flaw in found}
    expected = [other] if other == one + 1 else [one, other]
    assert expected == [flaw.seq for flaw in found]
    assert f"record {other} stands at place {one}" == found[-1].what


def test_a_block_that_was_moved() -> None:
    """Record by record."""
    rows = renumbered([*SMALL[:16], *SMALL[20:50], *SMALL[16:20], *SMALL[50:]])
    assert [("moved", number) for number in (17, 18, 19, 20)] == told(rows)


def inserted(place: int, row: Row) -> list[Row]:
    """One more row at a place, those behind it moved on."""
    return renumbered([*SMALL[: place - 1], row, *SMALL[place - 1 :]])


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (stranger(17, end_of(SMALL[:16])), 17),
        (stranger(17, end_of(SMALL[:16])), 18),
        (stranger(17, end_of(SMALL[:16]))._replace(hash=bytes(32)), 17),
        (stranger(17, end_of(SMALL[:16]))._replace(body="{}"), 17),
        (SMALL[4], 17),
        (SMALL[15], 17),
        (SMALL[16], 18),
        (stranger(FEW, end_of(SMALL[: FEW - 1])), FEW),
        (stranger(FEW, end_of(SMALL[: FEW - 1])), FEW + 1),
        (stranger(1, BEGIN), 1),
    ],
    ids=["before", "after", "with a wrong hash", "no record", "a copy from afar", "a copy of the one before",
         "a copy of its own", "beside the last, before", "beside the last, after", "first"],
)  # fmt: skip
def test_a_record_that_was_put_in(row: Row, place: int) -> None:
    """Whoever computes its hash makes a branch: the one that goes on to the head is the original."""
    assert [("inserted", place)] == told(inserted(place, row))


def test_several_records_that_were_put_in() -> None:
    """A branch of up to as many as the window knows."""
    branch: list[Row] = []
    place = end_of(SMALL[:16])
    for number in range(WINDOW // 2):
        branch.append(stranger(number, place))
        place = Place(branch[-1].seq, branch[-1].hash)
    rows = renumbered([*SMALL[:16], *branch, *SMALL[16:]])
    assert [("inserted", 17 + number) for number in range(len(branch))] == sorted(told(rows))


def test_records_behind_the_head() -> None:
    """The head of the chain does not know them."""
    more = stranger(1, HEAD)
    assert told([*SMALL, more]) == [("inserted", FEW + 1)]
    assert told([*SMALL, more], None) == []


def test_a_head_that_is_not_the_newest_record() -> None:
    """Somebody changed the head alone."""
    assert told(SMALL, Place(FEW, bytes(32))) == [("changed", FEW)]


def test_places_that_are_off() -> None:
    """With all records there, somebody changed their places: told once."""
    rows = [row._replace(seq=row.seq + 1000) if row.seq > 50 else row for row in SMALL]
    assert told(rows) == [("moved", 51)]


def planted(many: Sequence[Row], seed: int) -> tuple[list[Row], list[tuple[str, int]]]:
    """Two hundred pieces of tampering spread over the chain, and what must be told of each."""
    chance = random.Random(seed)
    rows: list[list[Row]] = [[row] for row in many]
    expected: list[tuple[str, int]] = []
    for block in range(200):
        number = block * 500 + chance.randrange(10, 480)
        at, kind = number - 1, chance.choice(("flip", "hash", "out", "in", "swap"))
        if kind == "flip":
            rows[at] = [changed(many[at])]
            expected.append(("changed", number))
        elif kind == "hash":
            rows[at] = [many[at]._replace(hash=chance.randbytes(32))]
            expected.append(("changed", number))
        elif kind == "out":
            rows[at] = []
            expected += [("missing", number), ("unproven", number + 1)]
        elif kind == "in":
            rows[at] = [stranger(number, Place(at, many[at - 1].hash)), many[at]]
            expected.append(("inserted", number))
        else:
            rows[at], rows[at + 4] = [many[at + 4]], [many[at]]
            expected += [("moved", number), ("moved", number + 4)]
    return [row for each in rows for row in each], sorted(expected)


def test_two_hundred_among_a_hundred_thousand(many: Sequence[Row]) -> None:
    """Each is named, nothing else is."""
    rows, expected = planted(many, 20260131)
    found = told(rows, end_of(many))
    assert expected == sorted(found, key=lambda each: (each[0], each[1] or 0))


@given(st.data())
def test_no_tampering_goes_unseen(data: st.DataObject) -> None:
    """Whatever is done to the rows, and however often: they are the original ones, or something is told."""
    rows = list(SMALL)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(rows) - 1))
        match data.draw(st.sampled_from(["flip", "hash", "out", "copy", "move", "own"])):
            case "flip":
                place = data.draw(st.integers(0, len(rows[at].body) - 1))
                letter = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
                body = rows[at].body[:place] + letter + rows[at].body[place + 1 :]
                rows[at] = rows[at]._replace(body=body)
            case "hash":
                rows[at] = rows[at]._replace(hash=data.draw(st.binary(min_size=32, max_size=32)))
            case "out":
                del rows[at]
            case "copy":
                rows.insert(data.draw(st.integers(0, len(rows))), rows[at])
            case "move":
                rows.insert(data.draw(st.integers(0, len(rows) - 1)), rows.pop(at))
            case _:
                rows.insert(at, stranger(at, end_of(rows[:at])))
        if not rows:
            break
    if data.draw(st.booleans()):
        rows = renumbered(rows)
    stored = sorted({row.seq: row for row in rows}.values(), key=lambda row: row.seq)  # a place holds one row
    assert (stored == list(SMALL)) is (flaws(stored) == [])


def test_a_flood_of_damage_takes_no_more_memory() -> None:
    """What is kept aside has a bound; what is too much is told early, and nothing is lost."""
    rows = [row._replace(seq=place) for place, row in enumerate([*reversed(tuple(chain_of(3 * KEPT)))], 1)]
    walk = Walk(BEGIN)
    count = 0
    for row in rows:
        count += sum(1 for _ in walk.step(row))
        assert len(walk._strays) <= KEPT
        assert len(walk._gaps) <= KEPT
    assert count + sum(1 for _ in walk.end(Place(3 * KEPT, rows[0].hash))) >= KEPT


def test_memory_does_not_grow_with_the_chain() -> None:
    """A chain that is made as it is read: the walk over it holds a window and no more."""

    def growth_kib(rows: Iterator[Row]) -> int:
        walk = Walk(BEGIN)
        assert [flaw for _, row in zip(range(2000), rows, strict=False) for flaw in walk.step(row)] == []
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert [flaw for row in rows for flaw in walk.step(row)] == []
        assert len(walk._seen) <= WINDOW
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert growth_kib(chain_of(30_000)) < 1024
