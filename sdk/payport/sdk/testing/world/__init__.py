"""A seeded world: partner, network, clock, disk and death, played against the real gateway, journal and adapters.

One seed is one schedule: one to three orders, paid, asked about, cancelled, refunded by several processes at once,
while requests are lost, delayed and repeated, the partner misbehaves, the disk fails, processes are killed at any
effect, clocks jump, payers pay late and twice, notices come early, late, twice and forged. Then nothing goes wrong any
more, and everything must come to an end. What happened is written down, and checked afterwards, never meanwhile::

    from payport.sdk.testing.world import run

    report = run("my_package.conformance", first_seed=1, count=1000)
    assert not report.violations, "\\n".join(map(str, report.violations))

It takes the :class:`payport.sdk.testing.conformance.Subject` of a partner, as the conformance suite does. A violation
prints the command that shows its story: ``python -m payport.sdk.testing.world my_package.conformance --seed 123``.

What is assumed, because no library could do without: a request arrives, and a question finds it, within the profile's
``in_flight_s``; a clock is off by no more than half of ``settle_margin_s``; the partner does what it says and keeps its
word; the journal keeps what it has confirmed.
"""

from __future__ import annotations

from payport.sdk.testing.world.coverage import missing, must_meet
from payport.sdk.testing.world.history import History
from payport.sdk.testing.world.invariants import INVARIANTS, check
from payport.sdk.testing.world.quick_keys import quick_keys
from payport.sdk.testing.world.running import GENUINE_EVERY, Report, Violation, replay, run
from payport.sdk.testing.world.schedule import Options, Schedule

__all__ = [
    "GENUINE_EVERY",
    "INVARIANTS",
    "History",
    "Options",
    "Report",
    "Schedule",
    "Violation",
    "check",
    "missing",
    "must_meet",
    "quick_keys",
    "replay",
    "run",
]
