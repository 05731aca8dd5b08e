"""What is remembered of a row is exactly what reading its bytes gives; a row that changed has other bytes."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.journal_records import NOW, debt, operation, sealing_key

from payport.sdk.journal import Journal
from payport.sdk.journal.recent import KEPT, Recent
from payport.sdk.journal.records import Operation, State, Step
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
def test_what_is_remembered_is_what_is_read(
    tmp_path: Path, key: Secret | None, later: bytes | None, state: State
) -> None:
    """After it was added, and after each save, by this journal and by one that has to read."""
    url = f"sqlite:///{tmp_path}/journal.db"
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


def test_requests_sealed_before_are_not_forgotten(tmp_path: Path) -> None:
    """A save that does not carry a step's request leaves the sealed one: reading, remembered or not, gives it back."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with Journal.open(url, sealing_key=KEY) as journal:
        journal.write(lambda session: session.add_debt(debt()))
        journal.write(lambda session: session.add(operation(), source="intent", detail={}, now=NOW))
        bare = replace(operation(), steps=(replace(operation().steps[0], request=None),), asked=1)
        journal.write(lambda session: session.save(bare, source="reply", detail={}, now=NOW))
        saved = journal.read(lambda session: session.operation(bare.id))
        assert saved is not None
        assert operation().steps[0].request == saved.steps[0].request
        assert read(url, KEY) == saved


def test_another_process_is_believed(tmp_path: Path) -> None:
    """What another journal wrote meanwhile is read, not remembered."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with Journal.open(url, sealing_key=KEY) as mine, Journal.open(url, sealing_key=KEY) as other:
        mine.write(lambda session: session.add_debt(debt()))
        mine.write(lambda session: session.add(operation(), source="intent", detail={}, now=NOW))
        paid = replace(operation(), state=State.SUCCEEDED, settled=operation().amount, settled_at=NOW)
        other.write(lambda session: session.save(paid, source="notice", detail={}, now=NOW))
        found = mine.read(lambda session: session.operation(paid.id))
        assert found is not None
        assert (found.state, found.version) == (State.SUCCEEDED, 1)


def test_only_the_newest_are_kept() -> None:
    """However many operations a process carries out, it remembers a bounded number."""
    recent = Recent()
    for number in range(KEPT + 3):
        recent.keep(f"body {number}", None, operation(f"SHOP{number:04d}"))
    assert [recent.find(f"body {number}", None) for number in range(3)] == [None, None, None]
    newest = recent.find(f"body {KEPT + 2}", None)
    assert newest is not None
    assert f"SHOP{KEPT + 2:04d}" == newest.ref


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_other_bytes_are_other_operations(one: bytes, other: bytes) -> None:
    """Body and sealed part both count."""
    recent = Recent()
    recent.keep(base64.b64encode(one).decode(), other, operation())
    assert (operation() if one == other else None) == recent.find(base64.b64encode(other).decode(), one)
