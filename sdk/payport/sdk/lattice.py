"""How observations add up: compared with what was asked, then joined. Any order, any number, same end.

Pure. States only move up. A paid answer beats a closed one, whichever came first, because money decides; an operation
whose own answer is final keeps it, and what was learnt later is added as a fact.
"""

from __future__ import annotations

from datetime import datetime

from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk.journal.records import Operation, State, Verb, evolve
from payport.sdk.observation import Observation, Source, doubt

RANK = {
    State.DOUBT: 0,
    State.ACTION: 1,
    State.PENDING: 2,
    State.NOT_SENT: 3,
    State.DECLINED: 4,
    State.AUTHORIZED: 5,
    State.SUCCEEDED: 6,
}
"""Height of each state: of two things learnt about one operation, the higher one holds."""


def join(one: State, other: State) -> State:
    """What two observations of one operation amount to. Commutative, associative, idempotent."""
    return max(one, other, key=RANK.__getitem__)


def bind(operation: Operation, observation: Observation) -> Observation:
    """The observation when it is about what was asked, else a doubt that names what differs."""
    if observation.partner_ref is not None and observation.partner_ref != operation.partner_ref:
        return _mismatch(observation, "reference", operation.partner_ref, observation.partner_ref)
    if observation.amount is not None and observation.amount != operation.amount:
        return _mismatch(observation, "amount", operation.amount, observation.amount)
    for name, answered in observation.identity.items():
        asked = operation.identity.get(name)
        if answered != asked:
            return _mismatch(observation, name, asked or "none", answered)
    return observation


def _mismatch(observation: Observation, name: str, asked: str | Money, answered: str | Money) -> Observation:
    detail = f"{name}: asked for {asked}, the partner's authentic answer says {answered}"
    return doubt(observation.source, UnknownKind.MISMATCH, detail)


def absorb(operation: Operation, observation: Observation, now: datetime) -> Operation:
    """The operation as it stands once this bound observation is known. The same object when nothing is new."""
    if operation.state.final:
        return _add_facts(_add_ids(operation, observation), _later_facts(operation, observation, now))
    learnt = _add_ids(operation, observation)
    if observation.state is State.NOT_SENT and operation.may_have_left:
        return learnt  # an earlier try may be outside: not having sent this one proves nothing
    if observation.state is State.DOUBT:
        return _add_facts(_doubted(learnt, observation), observation.facts)
    if RANK[observation.state] < RANK[operation.state]:
        return _add_facts(learnt, observation.facts)
    return _moved(learnt, observation, now)


def _doubted(operation: Operation, observation: Observation) -> Operation:
    left = operation.may_have_left or observation.source is Source.REPLY
    if observation.unknown is None and observation.source is not Source.REPLY:
        return operation  # facts and numbers: they say nothing of what is in doubt
    if operation.unknown == observation.unknown and operation.may_have_left == left:
        return operation
    return evolve(operation, unknown=observation.unknown, may_have_left=left)


def _moved(operation: Operation, observation: Observation, now: datetime) -> Operation:
    state = observation.state
    settled = state in (State.SUCCEEDED, State.AUTHORIZED)
    moved = evolve(
        operation,
        state=state,
        may_have_left=operation.may_have_left or state is not State.NOT_SENT,
        action=observation.action or operation.action,
        settled=operation.amount if settled else None,
        settled_at=(observation.at or now) if settled else None,
        cancelled_by=observation.cancelled_by,
        reason=observation.reason,
        partner_code=observation.partner_code,
        message=observation.message,
        not_sent=observation.not_sent,
        unknown=observation.unknown,
    )
    return _add_facts(moved, observation.facts)


def _add_ids(operation: Operation, observation: Observation) -> Operation:
    if not observation.ids and observation.partner_id is None:
        return operation
    partner_id = operation.partner_id or observation.partner_id
    ids = {**observation.ids, **operation.ids}
    if partner_id == operation.partner_id and ids == dict(operation.ids):
        return operation
    return evolve(operation, partner_id=partner_id, ids=ids)


def _add_facts(operation: Operation, facts: tuple[Fact, ...]) -> Operation:
    if not facts:
        return operation
    known = {_same(fact) for fact in operation.facts}
    new = tuple(fact for fact in facts if _same(fact) not in known)
    return evolve(operation, facts=operation.facts + new) if new else operation


def _same(fact: Fact) -> tuple[FactKind, PartnerId | None, Money | None]:
    return fact.kind, fact.partner_id, fact.amount


def _is_another(operation: Operation, observation: Observation) -> bool:
    """Whether what was paid or held already was so once more, by the partner's own count."""
    taken = (State.AUTHORIZED, State.SUCCEEDED)
    number = observation.ids.get(observation.counted_by or "")
    if number is None or operation.state not in taken or observation.state not in taken:
        return False
    return operation.ids.get(observation.counted_by or "", number) != number


def _later_facts(operation: Operation, observation: Observation, now: datetime) -> tuple[Fact, ...]:
    """What an observation says that the operation's final answer does not."""
    if _is_another(operation, observation):
        number = PartnerId(observation.ids[observation.counted_by or ""])
        detail = "paid again under another number of the partner's"
        fact = Fact(kind=FactKind.SURPLUS_PAID, at=now, amount=operation.amount, partner_id=number, detail=detail)
        return (*observation.facts, fact)
    if observation.state in (State.DOUBT, State.ACTION, State.PENDING, State.NOT_SENT, operation.state):
        return observation.facts
    if observation.state is State.DECLINED and observation.source in (Source.REPLY, Source.LOCAL):
        # a repetition was refused: that says nothing of the request that succeeded; or it was ended here, by time, on
        # what the partner did not know before
        return observation.facts
    partner_id = PartnerId(observation.partner_id) if observation.partner_id else None
    paid = observation.state in (State.SUCCEEDED, State.AUTHORIZED)
    reversal = operation.verb is Verb.CANCEL and operation.cancelled_by is CancelledBy.REVERSED
    if operation.cancelled_by in (CancelledBy.REVERSED, CancelledBy.VOIDED) and not reversal:
        return observation.facts  # it had been paid or held, and that money was given back by the cancel
    if operation.state.over and paid:
        # only of what brings money in there is a surplus, to be given back
        kind = FactKind.SURPLUS_PAID if operation.verb in (Verb.PAY, Verb.CAPTURE) else FactKind.CONTRADICTED
        detail = f"was {operation.state.value}, then the partner said {observation.state.value}"
        amount = operation.amount
    elif operation.state is State.SUCCEEDED and operation.verb is Verb.PAYOUT:
        kind, detail, amount = FactKind.TRANSFER_RETURNED, observation.message, operation.amount
    elif operation.state is State.SUCCEEDED and (operation.verb is Verb.REFUND or reversal):
        kind, detail, amount = FactKind.REFUND_BOUNCED, observation.message, operation.amount
    elif operation.state is State.AUTHORIZED and observation.state is State.DECLINED:
        kind, detail, amount = FactKind.RELEASED, observation.message, None
    elif operation.state is State.AUTHORIZED:
        return observation.facts  # captured: told by the capture's own operation
    else:
        kind, amount = FactKind.CONTRADICTED, None
        detail = f"was {operation.state.value}, then the partner said {observation.state.value}"
    return (*observation.facts, Fact(kind=kind, at=now, amount=amount, partner_id=partner_id, detail=detail))
