"""What a question to the partner may teach, and what not."""

from __future__ import annotations

from payport.schemas.outcome import ActionRequired
from payport.sdk.testing.conformance.case import AnySubject, AnyWorld, check
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
