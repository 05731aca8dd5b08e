"""How often each kind of thing was met: a world that never comes to a branch proves nothing about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from payport.sdk.testing.world.history import Asked, Booked, Died, Happened, Left, Moved, Told

if TYPE_CHECKING:
    from payport.sdk.testing.world.schedule import Schedule


def coverage_of(schedule: Schedule) -> Counter[str]:
    """The kinds of things in one schedule: each name with how often it was met."""
    met: Counter[str] = Counter({f"fate {name}": count for name, count in schedule.network.met.items()})
    met.update(f"storage {name}" for name in schedule.workers.met)
    for entry in schedule.history.entries:
        match entry:
            case Asked(verb=verb, detail=detail):
                met[f"verb {verb}"] += 1
                if ", forged" in detail or ", misleading" in detail:
                    met["notice forged" if ", forged" in detail else "notice misleading"] += 1
            case Told(verb=verb, text=text):
                met[f"outcome {verb} {text.partition(' ')[0] if verb in _COUNTED else text}"] += 1
            case Moved(operation=operation, state=state, source=source):
                met[f"state {operation.split('/')[1]} {state.value}"] += 1
                met[f"source {source}"] += 1
            case Booked(kind=kind):
                met[f"books {kind}"] += 1
            case Happened(kind=kind, detail=detail):
                met[f"{kind}{', turned away' if detail.endswith('turned away') else ''}"] += 1
            case Died(calls=calls):
                met["death during a call" if calls else "death between calls"] += 1
            case Left(written=True, step=step):
                met["request of a step" if step else "request that asks"] += 1
            case _:
                pass
    for operation in schedule.history.operations:
        if operation.for_person:
            met[f"left to a person: {operation.verb.value}"] += 1
        met.update(f"fact {fact.kind.value}" for fact in operation.facts)
    return met


_COUNTED = ("changes", "resume", "resolve", "receive")
