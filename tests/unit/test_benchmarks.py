"""Every benchmark runs. What it measures is not looked at here: a test must not depend on how busy a machine is."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from benchmarks import alerts, audit, calls, guards, journal, lines, notices, observers, starting, transport
from benchmarks.figures import Row, interleaved, ratio


@pytest.fixture(autouse=True)
def only_their_own_garbage() -> Iterator[None]:
    """Each measurement collects garbage first, which takes seconds once thousands of tests have left theirs."""
    gc.freeze()
    yield
    gc.unfreeze()


def test_the_transport_runs() -> None:
    """A request at a time, a burst and a steady stream, in all three ways."""
    assert len(transport.rows(1, at_once=3, each=1, count=2)) == 5


def test_calls_run() -> None:
    """Against the real signatures of a child process, beside python-alipay-sdk where it is installed."""
    peers = 4 if find_spec("alipay") else 0
    assert 4 + peers + 5 == len(calls.rows(1, 2))


def test_the_audit_trail_runs() -> None:
    """Written and verified."""
    assert len(audit.rows(1, 3, 20)) == 3


def test_guards_run() -> None:
    """With and without them; through Redis where there is one."""
    assert len(guards.rows(1, 16)) in (2, 3)


def test_notices_run() -> None:
    """Verified, read and kept."""
    assert len(notices.rows(1, 2)) == 4


def test_the_journal_runs() -> None:
    """Both durabilities."""
    assert 2 * len(journal.CASES) == len(journal.rows(1, 2))


def test_starting_and_lines_run() -> None:
    """Imports in new interpreters, gateways, keys, log lines."""
    assert len(starting.rows(1, 4)) == 4
    assert len(lines.rows(1, 4)) == 2


def test_alerts_run() -> None:
    """The sink, its thread's work, and the look at a new payment."""
    assert len(alerts.rows(1, 50)) == 3


def test_observers_run() -> None:
    """Scorecards, traces, both."""
    assert len(observers.rows(1, 4)) == 5


def test_rounds_are_interleaved_and_turn() -> None:
    """Each round takes every case once and begins with another one; the first, which warms up, does not count."""
    order: list[str] = []

    def case(name: str) -> float:
        order.append(name)
        return float(len(order))

    figures = interleaved({"a": lambda: case("a"), "b": lambda: case("b")}, 2)
    assert [*"ba", *"ab", *"ba"] == order
    assert figures == {"a": [3.0, 6.0], "b": [4.0, 5.0]}
    assert pytest.approx(ratio(figures["a"], figures["b"])) == 0.975


@pytest.mark.parametrize(
    ("figure", "higher", "must", "ambitious", "reached"),
    [
        (1.0, False, 1.25, 1.15, "ambitious"),
        (1.2, False, 1.25, 1.15, "must"),
        (1.3, False, 1.25, 1.15, "NO"),
        (5.0, True, 3.5, None, "must"),
        (3.0, True, 3.5, None, "NO"),
        (3.0, True, None, None, ""),
    ],
)
def test_a_row_says_what_it_reached(
    figure: float, higher: bool, must: float | None, ambitious: float | None, reached: str
) -> None:
    """The better goal that holds, or that none does."""
    row = Row(name="a", figure=figure, higher=higher, must=must, ambitious=ambitious, ours="1 us", beside="2 us")
    assert reached == row.reached()
    assert row.line()[-11:] == "1 us / 2 us"
