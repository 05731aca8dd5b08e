"""What a question to the partner may teach, and what not."""

from __future__ import annotations

from payport.schemas.outcome import ActionRequired
from payport.sdk.events import ForPerson
from payport.sdk.testing.conformance.case import AnySubject, AnyWay, AnyWorld, check
from payport.sdk.testing.conformance.subject import Door
from payport.sdk.testing.conformance.verbs import call, prepare, verb_of
from payport.sdk.testing.faults import Fault

_LIES = (
    Fault.WRONG_AMOUNT,
    Fault.OTHER_ORDER,
    Fault.UNKNOWN_STATUS,
    Fault.BAD_SIGNATURE,
    Fault.NO_SIGNATURE,
    Fault.UNSIGNED_ERROR,
    Fault.SYSTEM_ERROR,
    Fault.BAD_GATEWAY,
    Fault.GARBAGE,
    Fault.SILENCE,
    Fault.NOT_FOUND,
)
"""Faults of an answer to a question."""


def _lies(subject: AnySubject) -> list[Fault]:
    shown = subject.plays - subject.query_cannot if subject.query else frozenset[Fault]()
    return [fault for fault in _LIES if fault in shown]


@check(_lies, name=lambda fault: fault.value)
def a_false_answer_to_a_question_teaches_nothing(world: AnyWorld, fault: Fault) -> None:
    """Of a payment that was made, and of which nobody told us: neither paid nor failed, until a sound answer comes."""
    ref, way = world.new_ref(), world.subject.selling
    if way.gives is ActionRequired:
        world.partner.payer.open(world.hand_out(ref, way))
    elif way.door is not None:
        world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, way.door.endpoint, times=3)
        world.pay(ref, way)
        world.partner.faults.clear()
    before = world.last(ref).state
    assert not before.final
    world.partner.faults.next(fault, world.subject.query)
    world.tell(world.worker.query(ref).outcome)
    assert world.last(ref).state is before, f"{before.value} became {world.last(ref).state.value}"
    world.must_agree()


def _lost(subject: AnySubject) -> list[tuple[str, AnyWay | None, Door]]:
    """Verbs of which an answer can be lost, and the partner then refuse every question. Payments are fenced by time."""
    return [
        each
        for each in subject.doors()
        if each[0] not in ("pay", "complete")
        and {Fault.COMMIT_THEN_SILENCE, Fault.SYSTEM_ERROR} <= subject.plays - each[2].cannot
    ]


_DAYS = 20
"""Longer than half of the longest time in which a partner recognises a repetition."""


@check(_lost, name=lambda each: each[0])
def what_the_partner_never_tells_is_left_to_a_person(world: AnyWorld, each: tuple[str, AnyWay | None, Door]) -> None:
    """Done in silence, and everything is refused since: in the end somebody is told, once; when it is mended, it ends.

    The end is a day, or later where the identical request may still be sent again.
    """
    verb = each[0]
    _in_silence(world, each)
    world.settle()
    asked = {request.endpoint for request in world.watch.requests} - world.subject.aside
    ref = _in_silence(world, each)
    for endpoint in asked:
        world.partner.faults.next(Fault.SYSTEM_ERROR, endpoint, times=10_000)
    for _ in range(_DAYS):
        world.time.pass_by(86_400)
        world.forget_leases()
        world.worker.resume()
    operation = world.last(ref, verb_of(verb))
    told = [event for event in world.events if isinstance(event, ForPerson) and event.operation == operation.id]
    assert operation.state.final or (operation.for_person and len(told) == 1), operation
    world.partner.faults.clear()
    for _ in range(3):
        world.forget_leases()
        world.worker.resolve(ref)
        world.partner.process()
        world.deliver()
        world.time.pass_by(60)
    assert world.last(ref, verb_of(verb)).state.final, world.last(ref, verb_of(verb))
    world.must_agree()


def _in_silence(world: AnyWorld, each: tuple[str, AnyWay | None, Door]) -> str:
    """A verb that was carried out, and whose answer never came; the order's reference."""
    verb, way, door = each
    ref = world.new_ref()
    prepare(world, verb, ref)
    world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, door.endpoint, times=3)
    world.tell(call(world.worker, world, verb, way, ref))
    world.partner.faults.clear()
    return ref
