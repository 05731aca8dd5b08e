"""I11, of the invariants: a call keeps its deadline, a step is not sent too often, and nothing runs in circles."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from payport.sdk.testing.world.history import Asked, Away, History, Left, Moved, Told

SLACK_S = 0.5
"""How much longer than its deadline a call may take: the journal's own accesses, which nothing cuts short."""
PAUSE_S = 8.0
"""The longest pause between two tries."""
MOST_REQUESTS = 2_000
"""More requests than this in one schedule are a loop."""


def everything_has_bounds(history: History) -> Iterator[str]:
    """I11: a call keeps its deadline, a step is not sent more often than the policy says, nothing runs in circles."""
    yield from _deadlines_are_kept(history)
    yield from _tries_are_counted(history)
    requests = sum(isinstance(entry, Left) for entry in history.entries)
    if requests > MOST_REQUESTS:
        yield f"{requests} requests"


def _deadlines_are_kept(history: History) -> Iterator[str]:
    asked = {entry.call: entry for entry in history.entries if isinstance(entry, Asked)}
    away: dict[str, list[Away]] = defaultdict(list)
    for entry in history.entries:
        if isinstance(entry, Away):
            away[entry.process].append(entry)
    for told in (entry for entry in history.entries if isinstance(entry, Told)):
        began = asked[told.call]
        if began.deadline_s is None:
            continue
        # a call of who stood still begins when he is back; who was away until its time was over is to see that then, or
        # after the one pause that he was about to make
        start, absences = began.at, away[began.process]
        for absence in absences:
            start = absence.until if absence.at <= start < absence.until else start
        pause_s = min(PAUSE_S, began.deadline_s)
        end = max([start + began.deadline_s, *(each.until + pause_s for each in absences if each.until <= told.at)])
        if told.at > end + SLACK_S:
            took_s = told.at - began.at
            yield f"call {told.call} {told.verb} {told.ref}: {took_s:.1f} s, {began.deadline_s:g} were given"


def _tries_are_counted(history: History) -> Iterator[str]:
    """Of what left: a request that found no road may be brought to another host."""
    most = 2 * history.max_attempts  # a try may take two: one to act, one to hear what came of it
    tries: dict[int, Counter[tuple[str, str, str]]] = defaultdict(Counter)
    for entry in history.entries:
        match entry:
            case Moved():
                tries[entry.call].clear()
            case Left(moves_money=True, may_have_left=True) if entry.step:
                key = (entry.operation, entry.step, entry.endpoint)
                tries[entry.call][key] += 1
                if tries[entry.call][key] == most + 1:
                    yield f"{entry.operation} {entry.step}: sent more than {most} times in a row"
            case _:
                pass
