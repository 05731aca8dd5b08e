"""A power cut: the log is cut off or damaged at any byte, and what was acknowledged before that byte is still there.

Some hundred cuts and flips here; ``python -m proof T4`` makes thousands.
"""

from __future__ import annotations

import random
from pathlib import Path

from proof.power import cut, damage, flip, written

TIMES = 100


def test_a_log_that_was_cut_off(tmp_path: Path) -> None:
    """At any length: every write acknowledged within it is there, and nothing else."""
    dice = random.Random(20260131)
    for _ in range(TIMES):
        cut(tmp_path, dice)


def test_a_log_with_a_flipped_bit(tmp_path: Path) -> None:
    """Every write before the damage is there, none after it, and none is changed."""
    dice = random.Random(20260201)
    for _ in range(TIMES):
        flip(tmp_path, dice)


def test_a_damaged_database_is_reported(tmp_path: Path) -> None:
    """A bit flipped in the file itself has no checksum: it is read right, or refused with our error, never raw."""
    dice = random.Random(20260202)
    assert {True, False} == {damage(tmp_path, dice) for _ in range(TIMES)}


def test_the_log_holds_every_write() -> None:
    """Else a cut in it would show nothing."""
    assert len(written().lengths) == 24
    assert sorted(set(written().lengths)) == list(written().lengths)
