"""How often each kind of thing was met: a world that never comes to a branch proves nothing about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from payport.sdk.testing.world.history import Asked, Booked, Died, Happened, Left, Moved, Told
from payport.sdk.testing.world.weather import BY_THE_WAY, Mishap

if TYPE_CHECKING:
    from payport.sdk.testing.conformance.case import AnySubject
    from payport.sdk.testing.world.schedule import Schedule

ALWAYS = (
    "source intent", "source reply", "source notice", "source local", "books charge",
    "disk failed to read", "disk failed to write", "disk failed to commit", "death during a call",
    "death between calls", "clock set", "payer, turned away", "partner", "verb pay", "verb resume", "verb resolve",
    "verb query", "verb wait", "verb changes", "verb acknowledge", "request of a step",
    "outcome pay Succeeded", "outcome pay ActionRequired", "outcome pay ReferenceConflict raised",
    "outcome pay NotSent storage", "outcome pay NotSent breaker_open", "outcome pay NotSent partner_suspended", "outcome pay Unknown timed_out",
    "outcome pay Unknown connection_lost", "outcome pay Unknown storage",
    "storage intend pay", "storage learn pay", "storage take", "storage release", "storage due", "storage current",
    "state pay doubt", "state pay action", "state pay succeeded", "state pay declined", "state pay not_sent",
)  # fmt: skip
"""What the world of any partner must come to."""


def must_meet(subject: AnySubject) -> frozenset[str]:
    """Everything that the world of this partner must come to, by the names of a report's coverage."""
    verbs = {
        "refund": ("verb refund", "outcome refund NotSent invalid", "state refund succeeded", "books refund"),
        "capture": ("verb capture", "state capture succeeded", "books hold"),
        "payout": ("verb payout", "state payout succeeded", "books transfer"),
        "complete": ("verb complete", "storage complete"),
        "cancels": ("verb cancel", "state cancel succeeded", "outcome cancel Succeeded", "storage cancelled payment"),
        "notifies": ("verb receive", "storage keep notice"),
        "adopts": ("verb adopt",),
        "forged": ("notice forged",),
        "misleading": ("notice misleading",),
    }
    wanted = {name for verb, names in verbs.items() if getattr(subject, verb) for name in names}
    fates = {f"fate {kind.name}" for kind in (*Mishap, *(subject.plays - BY_THE_WAY))}
    return frozenset({*ALWAYS, *wanted, *fates, "fate DELIVERED"})


def missing(coverage: Counter[str], subject: AnySubject) -> list[str]:
    """What the world of this partner should have come to and did not: then its figures say little."""
    return sorted(must_meet(subject) - coverage.keys())


def coverage_of(schedule: Schedule) -> Counter[str]:
    """The kinds of things in one schedule: each name with how often it was met."""
    met: Counter[str] = Counter({f"fate {name}": count for name, count in schedule.network.met.items()})
    met.update({f"storage {name}": count for name, count in schedule.workers.met.items()})
    for entry in schedule.history.entries:
        match entry:
            case Asked(verb=verb, detail=detail):
                met[f"verb {verb}"] += 1
                if ", forged" in detail or ", misleading" in detail:
                    met["notice forged" if ", forged" in detail else "notice misleading"] += 1
            case Told(verb=verb, text=text):
                met[f"outcome {verb} {text if verb not in _COUNTED else text.partition(' ')[0]}"] += 1
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
