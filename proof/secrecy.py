"""T13: no secret anywhere. Every fault of the network again, with every logger at DEBUG and canaries in every field.

Looked through afterwards: log records, what structlog writes, events, outcomes and their exceptions with the locals of
the library's frames, pickles, the journal's rows and the bytes of its files. What tells of a person may stand in the
journal and in what the partner answered, but in no log line, event, message or repr.
"""

from __future__ import annotations

import io
import logging
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import structlog
from tests.support.canaries import error_texts

from payport.schemas import Payer
from payport.sdk.events import Level, StructlogSink
from payport.sdk.redaction import Redaction
from payport.sdk.testing.conformance.secrecy import secrets_in
from payport.sdk.testing.conformance.world import World
from proof.family import Family, Tally, told
from proof.network import COLOURS, KINDS, Kind, outcome_of
from proof.subjects import AnySubject, AnyWorld, subjects

PERSONAL = {
    "e-mail": "canary.q8w7@mail.example",
    "name": "Canary Xj93",
    "address": "203.0.113.77",
}
"""Of the payer. Who they are at the partner comes with each subject's own order."""
CARD_NUMBER = "4929173820465511"
"""Written by a careless shop into the subject and the metadata of its order."""


class Watch(logging.Handler):
    """Keeps every log record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.records.append(record)


@contextmanager
def listening() -> Iterator[Watch]:
    """Every logger at DEBUG, down to what the libraries below say."""
    watch, root = Watch(), logging.getLogger()
    level = root.level
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)
    try:
        yield watch
    finally:
        root.setLevel(level)
        root.removeHandler(watch)


def careless(subject: AnySubject) -> AnySubject:
    """The same partner with an order full of canaries."""
    order = subject.order
    payer = Payer(id=order.payer.id, ip=PERSONAL["address"], email=PERSONAL["e-mail"], name=PERSONAL["name"])
    subject_line, metadata = f"{order.subject} {CARD_NUMBER}", {**order.metadata, "note": f"card {CARD_NUMBER}"}
    return replace(subject, order=replace(order, payer=payer, subject=subject_line, metadata=metadata))


def personal(subject: AnySubject) -> dict[str, str]:
    """What tells of the payer, by name."""
    known = subject.order.payer.id
    return {**PERSONAL, **({"payer id": known} if known else {})}


def secret(world: AnyWorld) -> dict[str, str]:
    """What lets its holder act: keys, passwords, tokens of the account; scanned codes; and the card number."""
    found = {f"account secret {turn}": text for turn, text in enumerate(sorted(secrets_in(world.partner.account)))}
    codes = sorted({text for method in world.methods for text in secrets_in(method)})
    return {**found, **{f"scanned code {turn}": text for turn, text in enumerate(codes)}, "card number": CARD_NUMBER}


def spoken(watch: Watch, lines: str, world: AnyWorld, outcome: object) -> Iterator[tuple[str, str]]:
    """What anybody may read: where it stands, and the text."""
    for record in watch.records:
        yield f"log of {record.name}", f"{record.getMessage()} {record.__dict__!r}"
        if record.exc_info:
            yield from ((f"error logged by {record.name}", text) for text in error_texts(record.exc_info[1]))
    yield "lines of structlog", lines
    yield from ((f"event {event.name}", f"{event!r} {event.plain()!r}") for event in world.events)
    yield "outcome", f"{outcome!r} {outcome}"
    yield "adapter", f"{world.bare!r} {world.bare}"
    yield from (("exception of the outcome", text) for text in error_texts(_raised(outcome)))


def kept(world: AnyWorld, outcome: object, ref: str) -> Iterator[tuple[str, str]]:
    """What is written down of an order, or could be."""
    yield f"rows of {ref}", repr([*world.operations(ref), *world.history(ref)])
    with suppress(TypeError, AttributeError, pickle.PicklingError):
        yield "pickle of the outcome", pickle.dumps(outcome).decode("latin-1")


def files(world: AnyWorld) -> Iterator[tuple[str, str]]:
    """What lies on the disk, every byte of it."""
    for place in world.folder.glob("payments.db*"):
        yield f"file {place.name}", place.read_bytes().decode("latin-1")


def _raised(outcome: object) -> BaseException | None:
    """What a script is told that does not look at outcomes."""
    try:
        outcome.unwrap()  # type: ignore[attr-defined] # a question has none: then that is what is raised
    except Exception as error:  # noqa: BLE001 - looked through, whatever it is
        return error
    return None


def found(canaries: Mapping[str, str], texts: Sequence[tuple[str, str]]) -> list[str]:
    """Which canary can be read where."""
    return [f"{name} in {where}" for where, text in texts for name, value in canaries.items() if value in text]


@cache
def cases() -> tuple[tuple[AnySubject, str, str, Kind], ...]:
    """Partner, verb, colour, kind: each kind for each verb that a partner has, in one colour; then in the other one."""
    return tuple(
        (subject, verb, COLOURS[(turn + place + half) % len(COLOURS)], kind)
        for half in range(len(COLOURS))
        for subject in subjects()
        for (turn, verb), (place, kind) in product(enumerate(verbs_of(subject)), enumerate(KINDS))
    )


def verbs_of(subject: AnySubject) -> tuple[str, ...]:
    """Every verb that a partner has."""
    asks = ["query"] if subject.query else []
    return tuple(dict.fromkeys(["pay", *(verb for verb, _, _ in subject.doors()), *asks]))


def run(first: int, count: int) -> Tally:
    """One verb of one partner under one fault a unit."""
    tally = Tally()
    for subject in subjects():
        numbers = [one for one in range(first, first + count) if cases()[one % len(cases())][0] is subject]
        if numbers:
            with tempfile.TemporaryDirectory() as folder, World(careless(subject), Path(folder)) as world:
                for number in numbers:
                    _watch(world, number, tally)
                for line in found(secret(world), list(files(world))):
                    tally.fail(numbers[0], f"{subject.name}, units {numbers[0]} to {numbers[-1]}: {line}")
    return tally


def _watch(world: AnyWorld, number: int, tally: Tally) -> None:
    _, verb, colour, kind = cases()[number % len(cases())]
    stream, name, ref = io.StringIO(), f"{world.subject.name} {verb} {colour}, {kind.name}", world.new_ref()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream), processors=[Redaction(), structlog.processors.JSONRenderer()]
    )
    world.events.clear()
    with listening() as watch:
        try:
            outcome = outcome_of(world, verb, colour, kind, ref)
        except Exception as error:  # noqa: BLE001 - it is another family's failure; what it says is looked through
            tally.note(f"raised: {told(error)[:60]}")
            outcome = error
        sink = StructlogSink(logger, least=Level.DEBUG)
        for event in world.events:
            sink(event)
        said = list(spoken(watch, stream.getvalue(), world, outcome))
        lies = list(kept(world, outcome, ref))
    wrong = [*found({**secret(world), **personal(world.subject)}, said), *found(secret(world), lies)]
    tally.cases += 1
    tally.note("texts scanned", len(said) + len(lies))
    tally.note("log records scanned", len(watch.records))
    if wrong:
        tally.fail(number, f"{name}: {wrong[:6]}")


FAMILY = Family(
    id="T13",
    title="no secret in any log, event, error, pickle or file, whatever the network does, at DEBUG",
    run=run,
    gate=len(cases()),
    long=10 * len(cases()),
    shard=150,
    busy_percent=35,
)
