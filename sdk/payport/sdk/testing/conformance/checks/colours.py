"""Sync and async tell and do the same; and the doors beside ``pay``: prepare, adopt, close."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from payport.schemas.outcome import NotSent, NotSentKind, Succeeded
from payport.schemas.payment import CancelledBy
from payport.schemas.references import PartnerId
from payport.sdk.errors import GatewayClosed
from payport.sdk.journal.records import State
from payport.sdk.testing.conformance.case import AnySubject, AnyWorld, always, check, when
from payport.sdk.testing.conformance.checks.notifying import other_journal
from payport.sdk.testing.conformance.checks.raising import raises
from payport.sdk.testing.conformance.checks.telling import told_by, words
from payport.sdk.testing.conformance.secrecy import secrets_in
from payport.sdk.testing.conformance.verbs import prepare
from payport.sdk.testing.conformance.world import World
from payport.sdk.testing.faults import Fault


@check(always)
def both_colours_tell_and_do_the_same(world: AnyWorld, _: str) -> None:
    """Every verb, lost answers included: outcomes, history and requests are equal, line by line."""
    sync, coloured = (_trace(world.subject, world.folder, colour) for colour in (0, 1))
    for one, other in zip(sync, coloured, strict=True):
        assert one == other
    assert len(sync) > 3


def _trace(subject: AnySubject, folder: Path, colour: int) -> Sequence[str]:
    place = folder / str(colour)
    place.mkdir()
    lines: list[str] = []
    with World(subject, place) as world:
        for turn, (verb, way, door) in enumerate(subject.doors()):
            ref = world.new_ref()
            prepare(world, verb, ref)
            if turn % 2 and Fault.COMMIT_THEN_RESET in subject.plays - door.cannot:
                world.partner.faults.next(Fault.COMMIT_THEN_RESET, door.endpoint)
            lines.append(f"{verb} {door.endpoint}: {words(told_by(world, verb, way, ref, colour))}")
            world.partner.faults.clear()
            lines += [f"{line.operation} {line.state} {line.source} {line.at}" for line in world.history(ref)]
        lines += [request.endpoint for request in world.watch.requests]
    return lines


@check(always)
def secrets_are_known_to_the_suite(world: AnyWorld, _: str) -> None:
    """Every case looks for them in events, outcomes, adapters, rows and files: there must be something to look for."""
    assert list(secrets_in(world.partner.account)), "the account holds no payport.sdk.Secret"


class _ChangedItsMind(Exception):
    """The application rolls its transaction back."""


def _prepare(world: AnyWorld, ref: str, *, commit: bool) -> None:
    """The application writes the intent to charge an order in a transaction of its own."""
    method = world.method(world.subject.selling)
    with suppress(_ChangedItsMind), world.application() as connection:
        world.tell(world.worker.prepare(world.order(ref), method, connection))
        if not commit:
            raise _ChangedItsMind


@check(always)
def what_was_prepared_is_sent_once_by_resume(world: AnyWorld, _: str) -> None:
    """Rolled back, it never was; committed, it leaves once; cancelled before, or its time over, it never leaves."""
    rolled_back, committed, cancelled, late = (world.new_ref() for _ in range(4))
    _prepare(world, rolled_back, commit=False)
    _prepare(world, cancelled, commit=True)
    if hasattr(world.bare, "plan_cancel"):
        told = world.tell(world.worker.cancel(cancelled))
        assert isinstance(told, Succeeded), told
        assert told.value.by is CancelledBy.NOTHING_SENT
        assert not world.watch.requests
        world.worker.resume()
        assert not world.watch.requests
    _prepare(world, committed, commit=True)
    for _again in range(3):
        world.gateway().resume()
    assert world.operations(rolled_back) == []
    assert len([sent for sent in world.watch.steps if sent.step[0].startswith(committed)]) <= len(
        world.last(committed).steps
    )
    _prepare(world, late, commit=True)
    world.time.pass_by(world.bare.profile.max_life_s)
    world.worker.resume()
    assert world.last(late).state is State.NOT_SENT
    world.must_agree()


@check(when(lambda subject: subject.adopts))
def a_payment_from_elsewhere_is_adopted(world: AnyWorld, _: str) -> None:
    """Found by the partner's own number; from then on it is like any other. An unknown number is nothing."""
    ref = world.new_ref()
    world.sell(ref)
    number = world.last(ref).partner_id
    assert number is not None, "the partner's own number is not in the journal"
    with other_journal(world, world.folder / "new.db") as other:
        adopted = world.tell(other.adopt("ADOPTED00001", PartnerId(number)))
        assert isinstance(adopted, Succeeded), adopted
        assert adopted.value.amount == world.subject.order.amount
        if world.subject.refund is not None:
            world.tell(other.refund("ADOPTED00001", "ADOPTEDBACK1", world.subject.part).unwrap)
        missing = world.tell(other.adopt("ADOPTED00002", PartnerId(f"{number[:-4]}0000")))
        assert isinstance(missing, NotSent), missing
        assert missing.cause.kind is NotSentKind.INVALID


@check(always)
def a_closed_gateway_sends_nothing(world: AnyWorld, _: str) -> None:
    """A programming error, so it raises."""
    gateway = world.gateway()
    gateway.close()
    ref = world.new_ref()
    raises(GatewayClosed, lambda: gateway.pay(world.order(ref), world.method(world.subject.selling)))
    assert not world.watch.requests
