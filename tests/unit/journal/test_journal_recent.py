"""What is remembered of a row is exactly what reading its bytes gives; a row that changed has other bytes."""

from __future__ import annotations

import base64
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.journal_records import NOW, debt, operation, sealing_key

from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.recent import KEPT, Image, Recent
from payport.sdk.journal.records import Moved, Operation, State, Step, evolve
from payport.sdk.journal.rows import encode
from payport.sdk.journal.rules import FROZEN
from payport.sdk.journal.session import Session
from payport.sdk.secrets import Secret

KEY = sealing_key()


def step(name: str, request: bytes | None) -> Step:
    """One of two steps."""
    return Step(name=name, moves_money=True, digest="d1", request=request, replayable=True)


def read(url: str, key: Secret | None, *, operation_id: str = "SHOP0001/pay//1") -> Operation | None:
    """By a journal that remembers nothing."""
    with Journal.open(url, sealing_key=key) as fresh:
        return fresh.read(lambda session: session.operation(operation_id))


@pytest.mark.parametrize("key", [KEY, None], ids=["sealing", "without a key"])
@pytest.mark.parametrize("later", [b"second", None], ids=["both steps kept", "one step kept"])
@pytest.mark.parametrize("state", [State.DOUBT, State.PENDING, State.SUCCEEDED])
def test_what_is_remembered_is_what_is_read(url: str, key: Secret | None, later: bytes | None, state: State) -> None:
    """After it was added, and after each save, by this journal and by one that has to read."""
    wanted = replace(operation(), steps=(step("create", b"first"), step("confirm", later)))
    with Journal.open(url, sealing_key=key) as journal:
        journal.write(lambda session: session.add_debt(debt()))
        journal.write(lambda session: session.add(wanted, source="intent", detail={}, now=NOW))
        added = journal.read(lambda session: session.operation(wanted.id))
        assert added is not None
        assert read(url, key) == added

        moved = replace(added, state=state, partner_id="2026", asked=1)
        journal.write(lambda session: session.save(moved, source="reply", detail={}, now=NOW))
        saved = journal.read(lambda session: session.operation(wanted.id))
        assert read(url, key) == saved


def test_requests_sealed_before_are_not_forgotten(url: str) -> None:
    """A save that does not carry a step's request leaves the sealed one: reading, remembered or not, gives it back."""
    with Journal.open(url, sealing_key=KEY) as journal:
        journal.write(lambda session: session.add_debt(debt()))
        journal.write(lambda session: session.add(operation(), source="intent", detail={}, now=NOW))
        bare = replace(operation(), steps=(replace(operation().steps[0], request=None),), asked=1)
        journal.write(lambda session: session.save(bare, source="reply", detail={}, now=NOW))
        saved = journal.read(lambda session: session.operation(bare.id))
        assert saved is not None
        assert operation().steps[0].request == saved.steps[0].request
        assert read(url, KEY) == saved


def test_another_process_is_believed(url: str) -> None:
    """What another journal wrote meanwhile is read, not remembered."""
    with Journal.open(url, sealing_key=KEY) as mine, Journal.open(url, sealing_key=KEY) as other:
        mine.write(lambda session: session.add_debt(debt()))
        mine.write(lambda session: session.add(operation(), source="intent", detail={}, now=NOW))
        paid = replace(operation(), state=State.SUCCEEDED, settled=operation().amount, settled_at=NOW)
        other.write(lambda session: session.save(paid, source="notice", detail={}, now=NOW))
        found = mine.read(lambda session: session.operation(paid.id))
        assert found is not None
        assert (found.state, found.version) == (State.SUCCEEDED, 1)


def test_what_this_process_wrote_last_is_not_read_again(url: str) -> None:
    """Deciding on it is safe, because saving compares the versions: a conflict tells that another was here."""
    with Journal.open(url, sealing_key=KEY) as mine, Journal.open(url, sealing_key=KEY) as other:
        mine.write(lambda session: session.add_debt(debt()))
        first = operation()
        mine.write(lambda session: session.add(first, source="intent", detail={}, now=NOW))
        assert mine.write(lambda session: session.latest(first)) is first

        asked = mine.write(
            lambda session: session.save(evolve(session.latest(first), asked=1), source="query", detail={}, now=NOW)
        )
        paid = evolve(asked, state=State.SUCCEEDED, settled=asked.amount, settled_at=NOW)
        other.write(lambda session: session.save(paid, source="notice", detail={}, now=NOW))

        def on_the_old_row(session: Session) -> None:
            assert session.latest(asked) is asked
            session.save(evolve(asked, state=State.DECLINED), source="reply", detail={}, now=NOW)

        with pytest.raises(JournalConflict, match="changed by another writer"):
            mine.write(on_the_old_row)
        found = mine.read(lambda session: session.operation(first.id))
        assert found is not None
        assert (found.state, found.version) == (State.SUCCEEDED, 2)


def test_another_object_is_read(url: str) -> None:
    """An operation that this process did not see last, or that is a copy, is looked up."""
    with Journal.open(url, sealing_key=KEY) as journal:
        journal.write(lambda session: session.add_debt(debt()))
        journal.write(lambda session: session.add(operation(), source="intent", detail={}, now=NOW))
        asked = evolve(operation(), asked=7)
        assert journal.read(lambda session: session.latest(asked)).asked == 0
        with pytest.raises(JournalError, match="SHOP0009/pay//1 is not in the journal"):
            journal.read(lambda session: session.latest(operation("SHOP0009")))


def image(ref: str, body: object = "body", sealed: bytes | None = None) -> Image:
    """A row that was seen."""
    return Image(operation(ref), operation(ref), body, sealed)


def test_only_the_newest_are_kept() -> None:
    """However many operations a process carries out, it remembers a bounded number."""
    recent = Recent()
    for number in range(KEPT + 3):
        recent.keep(image(f"SHOP{number:04d}"))
    assert [recent.find(f"SHOP{number:04d}/pay//1", "body", None) for number in range(3)] == [None, None, None]
    newest = recent.find(f"SHOP{KEPT + 2:04d}/pay//1", "body", None)
    assert newest is not None
    assert f"SHOP{KEPT + 2:04d}" == newest.ref


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_other_bytes_are_other_operations(one: bytes, other: bytes) -> None:
    """Body and sealed part both count."""
    recent = Recent()
    recent.keep(image("SHOP0001", base64.b64encode(one).decode(), other))
    found = recent.find("SHOP0001/pay//1", base64.b64encode(other).decode(), one)
    assert (operation() if one == other else None) == found


def test_what_may_change_is_what_is_not_frozen() -> None:
    """``evolve`` takes the fields that the rules let a successor change, and no other."""
    names = {item.name for item in fields(Operation)}
    assert Moved.__optional_keys__ == names - set(FROZEN)
    assert evolve(operation(), asked=3) == replace(operation(), asked=3)
    with pytest.raises(TypeError, match="partner_ref cannot change"):
        evolve(operation(), partner_ref="other")  # type: ignore[call-arg]


def test_the_text_of_what_is_frozen_goes_along_only_while_it_is_true() -> None:
    """A copy with another frozen field is written anew."""
    first = operation()
    assert '"ref":"SHOP0001"' in encode(first)
    assert encode(evolve(first, asked=1)) == encode(replace(operation(), asked=1))
    assert '"ref":"SHOP0002"' in encode(replace(first, ref="SHOP0002"))
