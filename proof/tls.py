"""T6: whoever is not the partner sees not one application byte: the matrix of TLS, with every way to send."""

from __future__ import annotations

from proof.family import Family, Tally
from proof.suites import passed

TESTS = ("tests/network/test_tls.py",)


def run(first: int, count: int) -> Tally:
    """The whole matrix in each unit: its handshakes are made anew."""
    tally = Tally()
    for number in range(first, first + count):
        tally.add(passed(number, TESTS))
    return tally


FAMILY = Family(
    id="T6",
    title="a server that cannot prove itself, or whose pin or revocation says no, sees no application byte",
    run=run,
    gate=1,
    long=20,
    shard=1,
)
