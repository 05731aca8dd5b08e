"""The canary: a family whose one case always fails. A proof that passes with it in cannot fail, and proves nothing."""

from __future__ import annotations

from proof.family import Family, Tally, each


def _broken(number: int, tally: Tally) -> None:
    tally.cases += 1
    raise AssertionError(f"case {number} is broken on purpose")


def run(first: int, count: int) -> Tally:
    """Fail."""
    return each(range(first, first + count), _broken)


FAMILY = Family(id="T0", title="the canary fails", run=run, gate=1, long=1, shard=1)
