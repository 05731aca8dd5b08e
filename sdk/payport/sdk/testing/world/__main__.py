"""Show the story of one seed, or run many: ``python -m payport.sdk.testing.world MODULE[:NAME] --seed 123``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from payport.sdk.testing.world.running import replay, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Answers 0 when nothing is wrong, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m payport.sdk.testing.world", description=__doc__)
    parser.add_argument("subject", metavar="MODULE[:NAME]", help="where the partner's conformance Subject stands")
    parser.add_argument("--seed", type=int, default=1, help="the (first) seed")
    parser.add_argument("--count", type=int, help="run so many schedules instead of showing one")
    asked = parser.parse_args(arguments)
    if asked.count is None:
        text, violations = replay(asked.subject, asked.seed)
        _say(text)
    else:
        report = run(asked.subject, asked.seed, asked.count)
        violations = report.violations
        _say(f"{report.partner}: {report.schedules} schedules, {report.per_second:.0f} a second")
        for name, count in sorted(report.coverage.items()):
            _say(f"{count:8} {name}")
    for violation in violations:
        _say(violation)
    return 1 if violations else 0


def _say(line: object) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
