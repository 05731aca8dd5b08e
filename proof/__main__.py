"""``python -m proof``: run the gate, the long run, or one family; write the table; fail when anything failed."""

from __future__ import annotations

import argparse
import math
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from proof import table
from proof.canary import FAMILY as CANARY
from proof.families import families
from proof.family import Family, Tally
from proof.fixed_keys import fixed_keys
from proof.runner import Shard, run, shards
from proof.state import State, commit


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    add = parser.add_argument
    add("families", nargs="*", metavar="FAMILY", help="only these, by number: T2 T9")
    add("--long", action="store_true", help="the figures of the long run instead of the gate's")
    add("--first", type=int, default=0, metavar="N", help="begin with this unit")
    add("--count", type=int, metavar="N", help="so many units of each family instead of the run's figure")
    add("--state", type=Path, metavar="PATH", help="keep what is done here, and go on from there next time")
    add("--table", type=Path, metavar="PATH", help="write the table here as Markdown")
    add("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at once (one per processor)")
    add("--within", type=float, default=math.inf, metavar="MINUTES", help="leave out what can wait and has no time")
    add("--canary", action="store_true", help="plant a failure: the proof must fail")
    add("--list", action="store_true", help="say what there is, and run nothing")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Answers the exit status: 0 when no case failed, 1 otherwise."""
    with fixed_keys():  # before anything is imported that makes one
        return _main(_arguments(given))


def _main(options: argparse.Namespace) -> int:
    known = {family.id: family for family in (*families(), CANARY)}
    missing = [name for name in options.families if name not in known]
    if missing:
        _tell(f"no such family: {', '.join(missing)}; there are {', '.join(known)}")
        return 2
    chosen = [known[name] for name in options.families] or list(families())
    if options.canary and CANARY not in chosen:
        chosen.append(CANARY)
    if options.list:
        for family in chosen:
            least = "" if family.least is None else f" ({family.least:,} where time is short)"
            figures = f"{family.gate:,} units at the gate{least}, {family.long:,} in the long run"
            _tell(f"{family.id:4} {family.title}: {figures}")
        return 0
    todo = [shard for family in chosen for shard in shards(family, options.first, _units(family, options))]
    return _prove(chosen, todo, options)


def _units(family: Family, options: argparse.Namespace) -> int:
    figure = family.long if options.long else family.gate
    count: int = figure - options.first if options.count is None else options.count
    return max(0, count)


def _prove(chosen: Sequence[Family], todo: Sequence[Shard], options: argparse.Namespace) -> int:
    state, begun = State(options.state), time.monotonic()
    left = [shard for shard in todo if not state.has(shard.family.id, shard.first, shard.count)]
    if len(left) < len(todo):
        _tell(f"{len(todo) - len(left)} of {len(todo)} shards were done before")
    try:
        run(left, state, workers=options.workers, commit=commit(), tell=_tell, within_s=options.within * 60)
    except KeyboardInterrupt:
        _tell("interrupted; with --state the same command goes on from here")
        return 130
    lines = [_line(family, state, todo) for family in chosen]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    _tell(f"\n{table.plain(lines)}\n\n{table.notes(lines)}\n")
    _tell(f"{time.monotonic() - begun:.0f} s on the clock, {used.ru_utime + used.ru_stime:.0f} s of processors")
    if options.table is not None:
        told = {family.id: family.appendix for family in chosen}
        appendices = [appendix(line.tally) for line in lines if (appendix := told[line.id]) is not None]
        options.table.write_text("\n\n".join([table.markdown(lines), *appendices, ""]), "utf-8")
    for line in lines:
        for failure in line.tally.failures[:20]:
            _tell(f"\n{line.id} failed: {failure.what}")
            _tell(f"  play it again: python -m proof {line.id} --first {failure.number} --count 1")
    return 1 if any(line.tally.failures for line in lines) else 0


def _line(family: Family, state: State, todo: Sequence[Shard]) -> table.Line:
    wanted = {(shard.family.id, shard.first, shard.count) for shard in todo}
    tally, seconds = Tally(), 0.0
    for done in state.of(family.id):
        if (done.family, done.first, done.count) in wanted:
            tally.add(done.tally)
            seconds += done.seconds
    return table.Line(family.id, family.title, tally, seconds)


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
