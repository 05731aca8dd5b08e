"""How often each kind of thing was met: a world that never comes to a branch proves nothing about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from payport.sdk.testing.world.history import Asked, Away, Booked, Died, Entry, Happened, Left, Moved, Told
from payport.sdk.testing.world.weather import BY_THE_WAY, Mishap

if TYPE_CHECKING:
    from payport.sdk.testing.conformance.subject import PartnerT, Subject
    from payport.sdk.testing.world.schedule import Schedule

ALWAYS = (
    "source intent", "source reply", "source notice", "source local", "books charge",
    "disk failed to read", "disk failed to write", "disk failed to commit", "death during a call",
    "death between calls", "clock set", "process away", "payer, turned away", "partner", "verb pay", "verb resume",
    "verb resolve", "verb prepare", "verb query", "verb wait", "verb changes", "verb acknowledge", "request of a step",
    "outcome pay Succeeded", "outcome pay ActionRequired", "outcome pay ReferenceConflict raised",
    "outcome pay NotSent storage", "outcome pay NotSent breaker_open", "outcome pay NotSent partner_suspended",
    "outcome pay Unknown timed_out", "outcome pay Unknown connection_lost", "outcome pay Unknown storage",
    "storage intend pay", "storage learn pay", "storage take", "storage release", "storage claim", "storage current",
    "storage prepare", "storage start",
    "state pay doubt", "state pay action", "state pay succeeded", "state pay declined", "state pay not_sent",
)  # fmt: skip
"""What the world of any partner must come to."""


def must_meet(subject: Subject[PartnerT]) -> frozenset[str]:
    """Everything that the world of this partner must come to, by the names of a report's coverage."""
    verbs = {
        "refund": ("verb refund", "outcome refund NotSent invalid", "state refund succeeded", "books refund"),
        "capture": ("verb capture", "state capture succeeded", "books hold"),
        "payout": ("verb payout", "state payout succeeded", "books transfer"),
        "complete": ("verb complete", "storage complete"),
        "cancels": ("verb cancel", "state cancel succeeded", "outcome cancel Succeeded", "storage cancelled payment"),
        "notifies": ("verb receive", "storage keep notice"),
        "adopts": ("outcome adopt NotSent invalid",),
        "forged": ("notice forged",),
        "misleading": ("notice misleading",),
    }
    wanted = {name for verb, names in verbs.items() if getattr(subject, verb) for name in names}
    fates = {f"fate {kind.name}" for kind in (*Mishap, *(subject.plays - BY_THE_WAY))}
    return frozenset({*ALWAYS, *wanted, *fates, "fate DELIVERED"})


def missing(coverage: Counter[str], subject: Subject[PartnerT]) -> list[str]:
    """What the world of this partner should have come to and did not: then its figures say little."""
    return sorted(must_meet(subject) - coverage.keys())


def coverage_of(schedule: Schedule) -> Counter[str]:
    """The kinds of things in one schedule: each name with how often it was met."""
    met: Counter[str] = Counter({f"fate {name}": count for name, count in schedule.network.met.items()})
    met.update({f"storage {name}": count for name, count in schedule.workers.met.items()})
    met.update(name for entry in schedule.history.entries for name in _names(entry))
    for operation in schedule.history.operations:
        if operation.for_person:
            met[f"left to a person: {operation.verb.value}"] += 1
        met.update(f"fact {fact.kind.value}" for fact in operation.facts)
    return met


def _names(entry: Entry) -> tuple[str, ...]:
    """The kinds of things that an entry is."""
    match entry:
        case Asked(verb=verb, detail=detail):
            posted = [f"notice {kind}" for kind in ("forged", "misleading") if f", {kind}: " in detail]
            return (f"verb {verb}", *posted)
        case Told(verb=verb, text=text):
            return (f"outcome {verb} {text if verb not in _COUNTED else text.partition(' ')[0]}",)
        case Moved(operation=operation, state=state, source=source):
            return (f"state {operation.split('/')[1]} {state.value}", f"source {source}")
        case Booked(kind=kind):
            return (f"books {kind}",)
        case Happened(kind=kind, detail=detail):
            return (f"{kind}{', turned away' if detail.endswith('turned away') else ''}",)
        case Died(calls=calls):
            return ("death during a call" if calls else "death between calls",)
        case Away():
            return ("process away",)
        case Left(step=step):
            return ("request of a step" if step else "request that asks",)
        case _:
            return ()


_COUNTED = ("changes", "resume", "resolve", "receive")
