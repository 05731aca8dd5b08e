"""Notifications: authentic over their bytes, applied once, in any order, and never more than they prove."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice, permutations
from pathlib import Path
from typing import cast

from payport.schemas.events import Event, RawNotification, Rejected, Verified
from payport.schemas.outcome import Succeeded
from payport.sdk.events import Mismatch
from payport.sdk.gateway import Gateway
from payport.sdk.journal.records import Operation, State
from payport.sdk.journal.store import Journal
from payport.sdk.testing.conformance.case import AnySubject, AnyWay, AnyWorld, check, when
from payport.sdk.testing.conformance.verbs import back_ref
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.testing.stepping import WorkerClock
from payport.sdk.testing.watching import EveryVerb


def _notified(subject: AnySubject) -> list[AnyWay]:
    return [way for way in subject.handed_out if way.notifies][:1] if subject.notifies else []


def _name(way: AnyWay) -> str:
    return way.name


def _paid_and_not_told(world: AnyWorld, way: AnyWay) -> tuple[str, RawNotification]:
    """An order that is paid, of which the journal knows only that it was handed out; and the notice that tells."""
    ref = world.new_ref()
    action = world.hand_out(ref, way)
    world.partner.payer.open(action)
    assert len(world.partner.notices), f"{way.name} was paid, and the simulator told nothing"
    return ref, world.partner.notices[-1]


@check(_notified, name=_name)
def a_notice_counts_once(world: AnyWorld, way: AnyWay) -> None:
    """However often it comes, a year later too: acknowledged each time, applied once, and nothing final changes."""
    ref = world.new_ref()
    world.payer_pays(ref, way, world.hand_out(ref, way))
    told = [world.tell(world.worker.receive(raw)) for raw in world.partner.notices]
    for each in told:
        assert isinstance(each, Verified), each
        assert each.first_seen
        assert each.acknowledgement.status < 300
    assert any(isinstance(each, Verified) and each.event.ref == ref for each in told)
    assert world.last(ref).state is State.SUCCEEDED
    before = world.history(ref)
    for pause_s in (0.0, 3600.0, 365 * 86_400.0):
        world.time.pass_by(pause_s)
        for raw in world.partner.notices:
            again = world.tell(world.worker.receive(raw))
            # a notice whose signature carries a time may be refused when it is old; it is never new again
            assert isinstance(again, Rejected) if isinstance(again, Rejected) else not again.first_seen
    assert world.history(ref) == before
    world.must_agree()


@check(_notified, name=_name)
def a_tampered_notice_never_says_anything_else(world: AnyWorld, way: AnyWay) -> None:
    """One bit of the body or of a header changed: refused, or it still says exactly what the genuine one says."""
    ref, raw = _paid_and_not_told(world, way)
    genuine: set[str] = set()
    others: list[str] = []
    for tampered in _tampered(raw):
        answer = world.tell(world.worker.receive(tampered))
        if isinstance(answer, Verified):
            others.append(f"{tampered.body!r} {tampered.headers}: {_said(answer)}")
            genuine.add(_said(answer))
    told = world.worker.receive(raw)
    assert isinstance(told, Verified), told
    assert genuine <= {_said(told)}, others
    assert world.last(ref).state is not State.DECLINED
    world.must_agree()


def _said(answer: Verified[Event]) -> str:
    event = answer.event
    return f"{event.kind} {event.partner_ref} {event.status} {event.amount}"


def _tampered(raw: RawNotification) -> Iterator[RawNotification]:
    size = len(raw.body)
    for at in range(0, size, max(1, size // 40)):
        body = bytearray(raw.body)
        body[at] ^= 1
        yield replace(raw, body=bytes(body))
    yield replace(raw, body=raw.body[:-1])
    yield replace(raw, body=b"")
    for name, value in raw.headers.items():
        for at in range(0, len(value), max(1, len(value) // 8)):
            changed = f"{value[:at]}{chr(ord(value[at]) ^ 1)}{value[at + 1 :]}"
            yield replace(raw, headers={**raw.headers, name: changed})
        yield replace(raw, headers={other: text for other, text in raw.headers.items() if other != name})


@check(lambda subject: sorted(subject.forged) if subject.handed_out else [])
def a_forged_notice_is_refused(world: AnyWorld, forgery: str) -> None:
    """Unsigned, of another account: refused, nothing is learnt, and the sender is not told that all is well."""
    ref, raw = _paid_and_not_told(world, world.subject.handing_out())
    before = world.history(ref)
    answer = world.tell(world.worker.receive(world.subject.forged[forgery](world.partner, raw)))
    assert isinstance(answer, Rejected), answer
    assert world.history(ref) == before
    world.must_agree()


@check(lambda subject: sorted(subject.misleading) if subject.handed_out else [])
def an_authentic_notice_about_something_else_teaches_nothing(world: AnyWorld, kind: str) -> None:
    """Another amount: the order is not paid by it, and somebody is told."""
    ref, raw = _paid_and_not_told(world, world.subject.handing_out())
    answer = world.tell(world.worker.receive(world.subject.misleading[kind](world.partner, raw)))
    assert isinstance(answer, Verified | Rejected)
    assert world.last(ref).state in (State.ACTION, State.PENDING, State.DOUBT)
    assert isinstance(answer, Rejected) or any(isinstance(event, Mismatch) for event in world.events)
    world.must_agree()


@check(_notified, name=_name)
def a_notice_of_an_order_that_nobody_knows_is_kept(world: AnyWorld, way: AnyWay) -> None:
    """Acknowledged, so that the partner does not give up; it says that the order is not ours."""
    _, raw = _paid_and_not_told(world, way)
    with other_journal(world, world.folder / "stranger.db") as other:
        answer = world.tell(other.receive(raw))
    assert isinstance(answer, Verified), answer
    assert answer.event.ref is None
    assert answer.acknowledgement.status < 300


def _at_once(subject: AnySubject) -> list[AnyWay]:
    way = subject.way(Succeeded)
    return [way] if way is not None and way.notifies and subject.notifies else []


@check(_at_once, name=_name)
def a_notice_before_the_reply_is_not_lost(world: AnyWorld, way: AnyWay) -> None:
    """It finds the order, because the intent was written first; the reply then changes nothing."""
    ref = world.new_ref()
    run = world.start_pay(ref, way)
    while not run.over and world.charged(ref) == 0:
        run.step()
    world.deliver()
    assert world.last(ref).state is State.SUCCEEDED
    assert isinstance(world.tell(run.finish()), Succeeded)
    world.must_agree()


@check(when(lambda subject: subject.notifies and subject.handed_out), in_file=True)
def notices_in_any_order_and_number_end_the_same(world: AnyWorld, _: str) -> None:
    """Of a payment and of its refunds, each twice: the same end whatever the order, and the partner agrees with it."""
    ref = world.new_ref()
    way = world.subject.handing_out()
    action = world.hand_out(ref, way)
    early = world.folder / "early.db"
    _copy(world.place, early)
    world.payer_pays(ref, way, action)
    world.learn(ref)
    if world.subject.refund is not None:
        for number in range(2):
            world.worker.refund(ref, f"{number}{back_ref(ref)}", world.subject.part)
        world.partner.process()
    told = world.partner.notices[:]
    ends: set[tuple[object, ...]] = set()
    for number, turns in enumerate(islice(permutations(range(len(told))), 12)):
        place = world.folder / f"turn{number}.db"
        _copy(early, place)
        with other_journal(world, place) as other:
            for turn in (*turns, *reversed(turns)):
                assert isinstance(other.receive(told[turn]), Verified)
            last = other.journal.read(lambda session: session.operations(ref))[-1]
            ends.add(_end(last))
    assert len(ends) == 1, ends
    world.must_agree()


def _end(last: Operation) -> tuple[object, ...]:
    facts = frozenset((fact.kind, fact.amount) for fact in last.facts)
    return last.state, last.settled, last.partner_id, facts


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@contextmanager
def other_journal(world: AnyWorld, place: Path) -> Generator[Gateway[EveryVerb]]:
    """A gateway of the same account on another journal."""
    with Journal.open(f"sqlite:///{place}", sealing_key=SEALING_KEY, durability="normal") as journal:
        clock = WorkerClock(world.time, place.name)
        adapter = cast("EveryVerb", world.bare)  # the watch knows the other journal only
        yield Gateway(adapter, journal=journal, transport=world.transport, sinks=(), clock=clock)
