"""The journal does not say whether it committed an intent: then nobody may be told that nothing was sent.

``NotSent`` allows another partner to be asked. But an intent that is in the journal after all is sent by ``resume``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from tests.support.corner import ABSENT, GO_ON, PAID, SILENCE, Corner, Wink, gateway, leases_run_out, order
from tests.support.journal_writers import Failing, fail_commits, sqlite_error

from payport.schemas import Money, NotSent, NotSentKind, Pending, Succeeded, Unknown, UnknownKind
from payport.sdk.errors import JournalConflict, JournalError, JournalUnsure, ReferenceConflict
from payport.sdk.journal.session import Session
from payport.sdk.journal.store import Journal
from payport.sdk.testing.stepping import Time

T = TypeVar("T")


class LosingAnswers:
    """A journal's ``write`` whose first commit goes unanswered, and whose next ``down`` writes fail."""

    def __init__(self, journal: Journal, *, committed: bool, down: int = 0) -> None:
        self._write = journal.write
        self._committed = committed
        self._left = down
        self._lost = False

    def __call__(self, work: Callable[[Session], T], *, actor: str = "") -> T:
        if not self._lost:
            self._lost = True
            if self._committed:
                self._write(work)
            else:
                with pytest.raises(ZeroDivisionError):
                    self._write(lambda session: (work(session), 1 / 0))
            raise JournalUnsure("no answer")
        if self._left > 0:
            self._left -= 1
            raise JournalError("the server is gone")
        return self._write(work)


@pytest.mark.parametrize("committed", [True, False])
def test_an_intent_that_may_be_there_is_looked_for(
    journal: Journal, time: Time, committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the journal answers again the call goes on, from where it really stands, and charges once."""
    corner = Corner(says=[ABSENT, GO_ON, PAID] if committed else [GO_ON, PAID])
    till = gateway(corner, journal, time)
    monkeypatch.setattr(journal, "write", LosingAnswers(journal, committed=committed))
    assert isinstance(till.pay(order(), Wink()), Succeeded)
    assert corner.did == (["ask"] if committed else []) + ["create", "confirm"]
    assert len(journal.read(lambda session: session.operations("CORNER000001"))) == 1


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("down", [1, 99])
def test_an_intent_that_may_be_there_is_in_doubt(
    journal: Journal, time: Time, committed: bool, down: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the journal does not answer: what it may know, another process may send."""
    corner = Corner(says=[ABSENT, GO_ON, PAID])
    till = gateway(corner, journal, time)
    monkeypatch.setattr(journal, "write", LosingAnswers(journal, committed=committed, down=down))
    outcome = till.pay(order(), Wink())
    if committed and down == 1:
        assert isinstance(outcome, Succeeded), "it was found, and its lease is ours"
        return
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.STORAGE
    assert corner.did == []

    monkeypatch.undo()
    leases_run_out(journal)
    corner.says = [ABSENT, GO_ON, PAID] if committed else [GO_ON, PAID]
    assert isinstance(till.pay(order(), Wink()), Succeeded)
    assert corner.did.count("confirm") == 1


def _down(*_: object, **__: object) -> None:
    raise JournalError("the disk is full")


def test_what_left_before_is_not_called_unsent_when_the_journal_is_down(
    journal: Journal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pain: charged, in doubt, and told as "nothing was sent" while the file was locked: paid once more in cash."""
    corner = Corner(says=[replace(SILENCE, again=False)])
    till = gateway(corner, journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    monkeypatch.setattr(journal, "write", _down)
    told = till.pay(order(), Wink())  # the journal shows it, and can write nothing
    assert isinstance(told, Unknown)
    with pytest.raises(ReferenceConflict):
        till.pay(order(amount=Money.of("2.00", "EUR")), Wink())
    monkeypatch.setattr(journal, "read", _down)
    told = till.pay(order(), Wink())
    assert isinstance(told, Unknown)
    assert told.cause.kind is UnknownKind.STORAGE
    assert "ask again with the same reference" in told.cause.detail


def test_only_a_journal_that_can_be_read_shows_that_nothing_left(
    journal: Journal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an order that it does not know."""
    till = gateway(Corner(), journal, time)
    monkeypatch.setattr(journal, "write", _down)
    told = till.pay(order(), Wink())
    assert isinstance(told, NotSent)
    assert told.cause.kind is NotSentKind.STORAGE
    monkeypatch.setattr(journal, "read", _down)
    unread = till.pay(order(), Wink())
    assert isinstance(unread, Unknown)
    assert unread.cause.kind is UnknownKind.STORAGE


@pytest.mark.parametrize("instead", ["COMMIT", "ROLLBACK"])
def test_a_disk_that_fails_during_the_commit_of_an_intent(
    journal: Journal, time: Time, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And has no room afterwards: this process may see it or not, the next one that opens the file may see it."""
    corner = Corner(says=[ABSENT, GO_ON, PAID])
    till = gateway(corner, journal, time)
    fail_commits(journal, monkeypatch, sqlite_error("SQLITE_IOERR_FSYNC"), *[sqlite_error("SQLITE_FULL")] * 20)
    monkeypatch.setattr(Failing, "instead", instead)
    outcome = till.pay(order(), Wink())
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.STORAGE
    assert corner.did == []


def test_who_is_always_second_is_told_what_the_journal_shows(
    journal: Journal, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that nothing was sent: those who were first may have sent it."""

    def second(*_: object, **__: object) -> None:
        raise JournalConflict("another was first")

    till = gateway(Corner(says=[replace(SILENCE, again=False)]), journal, time)
    assert isinstance(till.pay(order(), Wink()), Unknown)
    monkeypatch.setattr(journal, "write", second)
    assert isinstance(till.pay(order(), Wink()), Pending)
    assert isinstance(till.pay(order("CORNER000002"), Wink()), NotSent)
