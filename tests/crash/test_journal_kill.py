"""kill -9 at every statement of the journal: what was acknowledged is there, and nothing is half there.

Some hundred forks here; ``python -m proof T3`` makes thousands, and kills whole interpreters.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from proof.killing import at_a_statement, at_any_moment, statements
from tests.support.databases import SERVERS
from tests.support.journal_records import sealing_key

from payport.sdk.journal import Journal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_killed_at_every_statement(kind: str, tmp_path: Path) -> None:
    """Each number of a statement in turn, all in one journal: the next process goes on where the last one died."""
    url = f"sqlite:///{tmp_path / 'payments.db'}" if kind == "sqlite" else SERVERS[kind].url()
    with Journal.open(url, sealing_key=sealing_key()) as journal:
        count = statements(journal)
        ends = [at_a_statement(journal, f"K{number}", number) for number in range(count + 1)]
    assert {version for _, version in ends} == {-1, 0, 1, 2}, "it was killed in every phase"
    assert {status for status, _ in ends[:-1]} == {-signal.SIGKILL}
    assert ends[-1] == (0, 2), "the last number is beyond the last statement"
    if kind == "sqlite":
        with closing(sqlite3.connect(tmp_path / "payments.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """While it pays one order after another: each of them is whole, and the last one is the only one not over."""
    dice = random.Random(20260131)
    with Journal.open(f"sqlite:///{tmp_path / 'payments.db'}", sealing_key=sealing_key()) as journal:
        for turn in range(20):
            versions = at_any_moment(journal, f"M{turn}", dice)
            assert set(versions[:-2]) <= {2}
