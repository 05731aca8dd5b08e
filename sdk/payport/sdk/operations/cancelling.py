"""Make sure that an order will not be paid: closed, voided, reversed, or over by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from payport.schemas.money import Money
from payport.schemas.outcome import CancelOutcome, NotSent, NotSentKind, Reason, Succeeded, Unknown, UnknownKind
from payport.schemas.payment import Cancellation, CancelledBy, Fact, FactKind
from payport.sdk import exchange
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Transition, Verb
from payport.sdk.journal.session import Session
from payport.sdk.lattice import absorb
from payport.sdk.message import Purpose
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.operations.carrying import Carried, attempt
from payport.sdk.operations.given_back import came_in_after_all, is_kept, refunded
from payport.sdk.operations.intending import Existing, Fresh, Intent, Invalid, intend
from payport.sdk.operations.judging import judged
from payport.sdk.operations.learning import Learnt, add_facts, learn, lost, storage_failed, unreadable
from payport.sdk.operations.leasing import take
from payport.sdk.operations.repeating import OF_THE_CALL, mark_repetition, refused_again
from payport.sdk.operations.setup import Setup
from payport.sdk.operations.undoing import FENCE, REVERSE, repeated_unanswered, unanswered_at
from payport.sdk.outcomes import cancel_outcome, not_sent

_FIRST_LOOK_S = 0.05
_LONGEST_LOOK_S = 1.0


@runtime_checkable
class _Cancels(Protocol):
    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan: ...


def cancel(setup: Setup, ref: str, deadline_s: float, *, reverse_paid: bool) -> Exchange[CancelOutcome[object]]:
    """Make sure that an order will not be paid; the result says how."""
    try:
        operations = yield from exchange.load("cancel", lambda session: session.operations(ref))
    except JournalError as error:
        return (yield from unreadable(setup, "cancel", f"{ref}/{Verb.CANCEL.value}//1", error))
    payment = next((operation for operation in reversed(operations) if operation.verb is Verb.PAY), None)
    if payment is None:
        return not_sent(NotSentKind.INVALID, f"{ref} is not in this journal: is it misspelt, or to be adopted?")
    if payment.account != setup.adapter.account:
        return not_sent(NotSentKind.INVALID, f"it is to be paid through {payment.account}; cancel it there")
    attempts = [each for each in operations if each.verb is Verb.PAY] if payment.state.over else [payment]
    if any(is_kept(operations, each) for each in attempts):
        return not_sent(NotSentKind.INVALID, "money came in under it after it was closed: refund it")
    if payment.state.over:
        now = yield from exchange.now()
        by = payment.cancelled_by or (
            CancelledBy.NOTHING_SENT if payment.state is State.NOT_SENT else CancelledBy.CLOSED
        )
        cancellation: Cancellation[object] = Cancellation(ref=ref, by=by, cancelled_at=now.utc)
        return Succeeded(cancellation)
    begun = yield from intend_cancel(setup, payment, deadline_s, reverse_paid=reverse_paid)
    if isinstance(begun, NotSent | Unknown):
        return begun
    carried = yield from _carried_or_lost(setup, begun, deadline_s)
    marks = begun.operation.identity.keys()
    weaker = isinstance(begun, Existing) and reverse_paid and (REVERSE not in marks or FENCE in marks)
    if weaker and carried.operation.state is State.DECLINED:
        # the cancel that was under way may not reverse what was told: now that it is over, the one that may
        begun = yield from intend_cancel(setup, payment, deadline_s, reverse_paid=True)
        if isinstance(begun, NotSent | Unknown):
            return begun
        carried = yield from _carried_or_lost(setup, begun, deadline_s)
    return cancel_outcome(carried.operation, setup.profile, carried.native)


def _carried_or_lost(setup: Setup, begun: Fresh | Existing, deadline_s: float) -> Exchange[Carried]:
    try:
        if isinstance(begun, Existing):
            return (yield from _join(setup, begun.operation, deadline_s))
        return (yield from carry_out_cancel(setup, begun.operation, deadline_s))
    except JournalError as error:
        yield from storage_failed(setup, "cancel", error)
        return Carried(lost(begun.operation, f"the journal could not be read or written: {error}"))


def _join(setup: Setup, cancel: Operation, deadline_s: float) -> Exchange[Carried]:
    """A cancel that is there already: as another worker brings it to its end, or carried on once that one let go.

    Never beside that one: what one of them could not send says nothing of what the other did.
    """
    look_s = _FIRST_LOOK_S
    while not cancel.state.final:
        taken = yield from take(setup, cancel, deadline_s)
        if taken is not None:
            return (yield from carry_out_cancel(setup, taken, deadline_s))
        now = yield from exchange.now()
        if now.monotonic_s + look_s >= deadline_s:
            return Carried(replace(cancel, state=State.PENDING))
        yield from exchange.sleep(look_s)
        look_s = min(look_s * 2, _LONGEST_LOOK_S)
        cancel = yield from _current(cancel)
    return Carried(cancel)


def intend_cancel(
    setup: Setup, payment: Operation, deadline_s: float, *, reverse_paid: bool, fences: bool = False
) -> Exchange[Fresh | Existing | NotSent | Unknown]:
    """Write down that this attempt is to be cancelled. ``fences``: nobody asked for it, the attempt just must end."""
    adapter = setup.adapter
    if not isinstance(adapter, _Cancels):
        return not_sent(NotSentKind.UNSUPPORTED, f"{adapter.partner} cannot cancel")

    def plan(session: Session, slot: Slot) -> Plan:
        current = session.operation(payment.id) or payment
        if current.state.over:
            raise Invalid(f"{payment.ref} is closed already")
        operations = session.operations(payment.ref)
        if setup.profile.captures_once and any(one.state is State.SUCCEEDED for one in captures_of(operations)):
            raise Invalid("the hold was captured, so none is left to release: refund what was captured")
        if reverse_paid and _refunding(session, current):
            raise Invalid("a refund of it is not settled yet: reverse it, or refund the rest, when it is")
        planned = adapter.plan_cancel(current, slot, reverse_paid=reverse_paid)
        marks = {REVERSE: "1"} if reverse_paid else {}
        return replace(planned, identity={**planned.identity, **marks, **({FENCE: "1"} if fences else {})})

    intent = Intent(
        ref=payment.ref,
        verb=Verb.CANCEL,
        amount=payment.amount,
        plan=plan,
        of=payment.id,
        payable_until=payment.payable_until if payment.expires else None,
    )
    return (yield from intend(setup, intent, deadline_s))


def can_cancel(setup: Setup) -> bool:
    """Whether this partner has a way to cancel at all."""
    return isinstance(setup.adapter, _Cancels)


def _current(cancel: Operation) -> Exchange[Operation]:
    found = yield from exchange.load("current cancel", lambda session: session.operation(cancel.id))
    return found or cancel


def captures_of(operations: Sequence[Operation]) -> Sequence[Operation]:
    """The captures that have taken money or may have; what was undone is held again."""
    undone = {item.of for item in operations if item.restores_hold and item.state is State.SUCCEEDED}
    captures = [item for item in operations if item.verb is Verb.CAPTURE and item.id not in undone]
    return [item for item in captures if not item.state.over or came_in_after_all(operations, item)]


def _refunding(session: Session, payment: Operation) -> bool:
    """Whether money of it may be on its way back: then nobody can tell how much a reversal would give back."""
    return any(
        operation.verb is Verb.REFUND and operation.of == payment.id and not operation.state.final
        for operation in session.operations(payment.ref)
    )


def fence(setup: Setup, payment: Operation, deadline_s: float) -> Exchange[Operation]:
    """Cancel an attempt that cannot be left open; answers the attempt as it stands then. Its lease is ours.

    Where the payer stands at the counter (the ladder fences by age) a payment that came through meanwhile is given
    back, unless the journal, and so perhaps the caller, was told of it first; elsewhere it is kept, and the next
    question finds it.
    """
    counter = setup.ladder(payment).fence_after_s is not None
    begun = yield from intend_cancel(setup, payment, deadline_s, reverse_paid=counter, fences=True)
    if isinstance(begun, Fresh):
        yield from carry_out_cancel(setup, begun.operation, deadline_s)
    elif isinstance(begun, Existing):
        taken = yield from take(setup, begun.operation, deadline_s)
        if taken is not None:  # else another worker is at it
            yield from carry_out_cancel(setup, taken, deadline_s)
    current = yield from exchange.load("fenced", lambda session: session.operation(payment.id))
    return current or payment


def fenced_lately(payment: Operation, now: datetime) -> Exchange[bool]:
    """Whether a fence came to nothing so lately that another one would only use up attempts to cancel. Asking goes on.

    A partner that says of an accepted attempt that it is beyond cancelling is taken at its word for a day: money is on
    its way by a slow road. After anything else (nothing left, another refusal) the waits double from seconds on.
    """
    operations = yield from exchange.load("last fence", lambda session: session.operations(payment.ref))
    cancels = [each for each in operations if each.verb is Verb.CANCEL and each.of == payment.id]
    if not cancels or not cancels[-1].state.over:
        return False
    beyond = cancels[-1].reason is Reason.INVALID_STATE and payment.state is State.PENDING
    waits = _LONGEST_REST if beyond else min(_SHORTEST_REST * 2 ** min(len(cancels) - 1, 10), _FENCE_REST)
    return now < cancels[-1].created_at + waits


_FORGOTTEN = timedelta(days=1)
"""After so long it is over, where no question tells whether the partner still denies what it accepted."""
_LONGEST_REST = timedelta(days=1)
_FENCE_REST = timedelta(minutes=10)
_SHORTEST_REST = timedelta(seconds=2)


def carry_out_cancel(setup: Setup, cancel: Operation, deadline_s: float) -> Exchange[Carried]:
    """Send a cancel, again if need be: closing twice closes once. Ends the attempt and the cancel in one commit."""
    if cancel.state.final:
        return Carried(cancel)
    payment = yield from exchange.load("cancelled payment", lambda session: session.operation(cancel.of))
    adapter = setup.adapter
    if payment is None or not isinstance(adapter, _Cancels):
        return Carried(cancel)
    if payment.state.over:
        by = payment.cancelled_by or (CancelledBy.CLOSED if payment.may_have_left else CancelledBy.NOTHING_SENT)
        return Carried((yield from _conclude(setup, cancel, payment, by, Source.LOCAL)))
    if not payment.started:
        return Carried((yield from _conclude(setup, cancel, payment, CancelledBy.NOTHING_SENT, Source.LOCAL)))
    if payment.state.final and FENCE in cancel.identity and (yield from _spares(setup, cancel, payment)):
        return Carried((yield from _refused_here(setup, cancel, "it was paid before")))
    now = (yield from exchange.now()).utc
    slot = Slot(partner_ref=cancel.partner_ref, now=cancel.created_at, payable_until=cancel.payable_until or now)
    try:
        plan = adapter.plan_cancel(payment, slot, reverse_paid=REVERSE in cancel.identity)
    except InvalidIntent as error:
        return Carried((yield from _refused_here(setup, cancel, str(error))))
    if not plan.steps:
        return (yield from _wait_it_out(setup, cancel, payment, deadline_s))
    observation, cancel = yield from _send(setup, cancel, payment, plan.steps[0], deadline_s)
    same = observation.amount in (None, cancel.amount)  # of another amount: learnt below as the doubt that it is
    if observation.state is State.SUCCEEDED and observation.cancelled_by is not None and same:
        by, source = observation.cancelled_by, observation.source
        return Carried((yield from _conclude(setup, cancel, payment, by, source)), observation.native)
    if observation.absent:
        return (yield from _nothing_to_close(setup, cancel, payment, observation.as_of or now))
    return Carried((yield from learn(setup, cancel, observation, asked=True, release=True, sent=cancel.version)).after)


def _send(
    setup: Setup, cancel: Operation, payment: Operation, step: Step, deadline_s: float
) -> Exchange[tuple[Observation, Operation]]:
    """The step of a cancel, and the cancel as it left.

    That it leaves again is durable before the first byte; so is that it leaves, where it was to wait: whoever reads
    only the intent would believe that nothing of it can be outside.

    What left before may still close the order, whatever refusal says nothing of the order; and where it may give back
    what was paid meanwhile, "it is paid" says nothing of one that is on its way.
    """
    foreseen, left = any(planned.moves_money for planned in cancel.steps), cancel
    if cancel.may_have_left or not foreseen:
        now = (yield from exchange.now()).utc

        def mark(session: Session) -> Operation | None:
            current = session.operation(payment.id) or payment
            if FENCE in cancel.identity and current.state.final and not payment.state.final:
                return None  # told meanwhile
            marked = mark_repetition(session, cancel, step, now)
            return None if marked.state.final else marked

        marked = yield from exchange.record("repeat cancel", mark)
        if marked is None:
            return _MOVED_ON, left
        left = marked
    observation = yield from attempt(setup, cancel, step, deadline_s, Purpose.RESOLVE)
    if observation.state is not State.DECLINED or not cancel.may_have_left:
        return observation, left
    if observation.reason in OF_THE_CALL:
        return refused_again(observation), left
    on_its_way = yield from _may_arrive(setup, cancel, payment, observation)
    return (_ON_ITS_WAY if on_its_way else observation), left


_ON_ITS_WAY = doubt(Source.LOCAL, UnknownKind.INTERRUPTED, "it is paid, and a cancel that left may still give it back")


def _may_arrive(setup: Setup, cancel: Operation, payment: Operation, told: Observation) -> Exchange[bool]:
    """Whether a request of a cancel that was not answered may still be on its way, and give back what is paid."""
    if not setup.profile.close_may_reverse or setup.ladder(payment).fence_after_s is None:
        return False
    left_at = unanswered_at((yield from _lines_of(cancel)))
    as_of = told.as_of or (yield from exchange.now()).utc
    return left_at is not None and as_of < left_at + timedelta(seconds=setup.profile.in_flight_s)


def _spares(setup: Setup, fence: Operation, payment: Operation) -> Exchange[bool]:
    """Whether a fence leaves a payment alone that was told: not a hold that it may have let go, where nobody tells."""
    if payment.state is not State.AUTHORIZED or setup.profile.answers_queries:
        return True
    return not (yield from _may_be_outside(fence))


def _may_be_outside(cancel: Operation) -> Exchange[bool]:
    """Whether a request of this cancel ever went without an answer: then it may have been carried out, or still be."""
    lines = yield from _lines_of(cancel)
    return repeated_unanswered(lines) or unanswered_at(lines) is not None


def _lines_of(operation: Operation) -> Exchange[Sequence[Transition]]:
    history = yield from exchange.load("history of a cancel", lambda session: session.history(operation.ref))
    return [line for line in history if line.operation == operation.id]


def _refused_here(setup: Setup, cancel: Operation, message: str) -> Exchange[Operation]:
    refused = Observation(state=State.DECLINED, source=Source.LOCAL, reason=Reason.INVALID_STATE, message=message)
    return (yield from learn(setup, cancel, refused, release=True)).after


def _wait_it_out(setup: Setup, cancel: Operation, payment: Operation, deadline_s: float) -> Exchange[Carried]:
    """The partner has no way to close it: only its word about the attempt, or the end of its time, ends the wait."""
    now = (yield from exchange.now()).utc
    if setup.profile.answers_queries:
        observation = yield from judged(setup, payment, setup.adapter.ask(payment, deadline_s), Purpose.ASK)
        learnt = yield from learn(setup, payment, observation, asked=not observation.held_back)
        changed, payment = learnt.changed_since(payment), learnt.after
        if payment.state.over:
            by = payment.cancelled_by or CancelledBy.CLOSED
            return Carried((yield from _conclude(setup, cancel, payment, by, Source.QUERY)))
        if payment.state.final and REVERSE not in cancel.identity:
            if (yield from _may_be_outside(cancel)):
                return Carried((yield from learn(setup, cancel, _PAID_OR_GIVEN_BACK, asked=True, release=True)).after)
            return Carried((yield from _refused_here(setup, cancel, "it was paid before it was cancelled")))
        if changed or not observation.absent:
            return Carried((yield from _still_payable(setup, cancel, payment)))
        now = observation.as_of or now
    return (yield from _nothing_to_close(setup, cancel, payment, now))


_PAID_OR_GIVEN_BACK = doubt(
    Source.LOCAL,
    UnknownKind.INTERRUPTED,
    "it is paid, and a cancel of it went without an answer, which may have given it back: compare with the partner's "
    "records; a refund is refused there when it was",
)


def _nothing_to_close(setup: Setup, cancel: Operation, payment: Operation, now: datetime) -> Exchange[Carried]:
    """The partner knows no such trade. No fence: what was handed out can be paid until its time is over.

    ``now``: the time of which it said so. What the partner had accepted is over only when it has been denied for as
    long as a question may lag behind.
    """
    if payment.state.final:
        return Carried((yield from _contradicted(setup, cancel)))
    until = payment.payable_until or now
    if payment.state is State.PENDING:
        since = _denied_since((yield from _lines_of(payment))) or until + _FORGOTTEN
        until = max(until, since + timedelta(seconds=setup.profile.in_flight_s))
    over = now >= until + timedelta(seconds=setup.profile.settle_margin_s) and now >= arrived_by(setup, payment)
    if payment.expires and over:
        return Carried((yield from _conclude(setup, cancel, payment, CancelledBy.EXPIRED, Source.LOCAL)))
    return Carried((yield from _still_payable(setup, cancel, payment)))


def arrived_by(setup: Setup, payment: Operation) -> datetime:
    """By when what left for a payment in doubt has arrived, by the partner's clock and our own once it is right.

    What it began by may have been as far behind as the partner takes: then its end by time came that much too early.
    """
    if payment.verb is not Verb.PAY or payment.state is not State.DOUBT:
        return payment.created_at
    return payment.created_at + timedelta(seconds=setup.profile.clock_off_s + setup.profile.in_flight_s)


def _denied_since(lines: Sequence[Transition]) -> datetime | None:
    """Since when every answer about a payment was that the partner knows no such trade; ``None`` when it was not."""
    since: datetime | None = None
    for line in reversed(lines):
        doubted = line.detail.get("unknown", "")
        if not doubted and line.source != Source.LOCAL.value:
            break
        if doubted.partition(":")[0] == UnknownKind.NOT_FOUND.value:
            since = line.at
    return since


def _still_payable(setup: Setup, cancel: Operation, payment: Operation) -> Exchange[Operation]:
    until = payment.payable_until or payment.created_at
    waiting = Observation(
        state=State.PENDING,
        source=Source.REPLY,
        cancelled_by=CancelledBy.EXPIRED,
        message=f"not payable after {until.isoformat()}" if payment.expires else "may be paid at any time",
    )
    return (yield from learn(setup, cancel, waiting, asked=True, release=True)).after


def _contradicted(setup: Setup, cancel: Operation) -> Exchange[Operation]:
    """The partner knows of nothing to cancel, and the journal knows that it was paid: ask again later."""
    detail = "the order is paid, and the partner said that it knows no such trade"
    return (yield from learn(setup, cancel, doubt(Source.LOCAL, UnknownKind.NOT_FOUND, detail), release=True)).after


class _Contradicted(Exception):
    """The attempt was paid, and the partner says that there was nothing to pay."""


_MOVED_ON = doubt(Source.LOCAL, UnknownKind.INTERRUPTED, "the attempt moved on meanwhile: it is looked at again")


class _Moved(Exception):
    """The attempt moved on while its cancel was under way."""


def is_being_cancelled(session: Session, payment: Operation) -> bool:
    """Whether a cancel of this attempt is not over yet."""
    return any(
        operation.verb is Verb.CANCEL and operation.of == payment.id and not operation.state.final
        for operation in session.operations(payment.ref)
    )


def _conclude(
    setup: Setup, cancel: Operation, payment: Operation, by: CancelledBy, source: Source
) -> Exchange[Operation]:
    """The cancel succeeded: end the attempt in the same commit, or note on a paid one what was given back.

    What no partner said but was decided here (``LOCAL``: nothing was sent, nobody can pay it any more, only we could
    have captured it) holds for ``payment`` as it was looked at: once it has another version, it is looked at again.
    """
    done = Observation(state=State.SUCCEEDED, source=source, cancelled_by=by)

    def end_payment(session: Session, _: Operation, now: datetime) -> None:
        current = session.operation(payment.id)
        moved_on = current is not None and current.version != payment.version
        if source is Source.LOCAL and moved_on and not payment.state.over:
            raise _Moved
        _end_payment(session, payment.id, by, source, now)

    try:
        return (yield from learn(setup, cancel, done, release=True, also=end_payment)).after
    except _Contradicted:
        return (yield from _contradicted(setup, cancel))
    except _Moved:
        return (yield from learn(setup, cancel, _MOVED_ON, release=True)).after


def end_with_cancel(session: Session, learnt: Learnt, now: datetime) -> None:
    """When what was learnt is that a cancel succeeded, end the attempt that it is about in the same transaction."""
    cancel, by = learnt.after, learnt.after.cancelled_by
    told = learnt.before.state is not State.SUCCEEDED and cancel.state is State.SUCCEEDED
    if cancel.verb is Verb.CANCEL and told and by is not None:
        _end_payment(session, cancel.of, by, learnt.observation.source, now)


def _end_payment(session: Session, payment_id: str, by: CancelledBy, source: Source, now: datetime) -> None:
    current = session.operation(payment_id)
    if current is None or current.state.over:
        return
    if current.state.final:
        _note_on_paid(session, session.operations(current.ref), current, by, now)
        return
    ended = Observation(
        state=State.DECLINED,
        source=source,
        reason=Reason.EXPIRED if by is CancelledBy.EXPIRED else Reason.CLOSED,
        cancelled_by=by,
        message=f"cancelled: {by.value}",
    )
    session.save(absorb(current, ended, now), source=source.value, detail={"cancelled_by": by.value}, now=now)


def _note_on_paid(
    session: Session, operations: Sequence[Operation], payment: Operation, by: CancelledBy, now: datetime
) -> None:
    """What a cancel means for an attempt whose own answer stays: what was given back is a fact beside it."""
    match by:
        case CancelledBy.REVERSED:
            taken, left = _taken_and_left(operations, payment)
            if any(known.kind is FactKind.REFUNDED and known.amount in (None, taken) for known in payment.facts):
                return  # the partner has said so
            fact = Fact(kind=FactKind.REFUNDED, at=now, amount=left, detail="cancelled: reversed")
            add_facts(session, payment, (fact,), now)
            return
        case CancelledBy.VOIDED:
            fact = Fact(kind=FactKind.RELEASED, at=now, detail="cancelled: voided")
        case CancelledBy.CLOSED if payment.state is State.AUTHORIZED:
            # it came through while the close was on its way
            fact = Fact(kind=FactKind.RELEASED, at=now, detail="cancelled: closed")
        case CancelledBy.CLOSED:
            return  # paid and closed: it was given back before, which is told elsewhere
        case CancelledBy.EXPIRED | CancelledBy.NOTHING_SENT:
            raise _Contradicted
    if all(known.kind is not fact.kind for known in payment.facts):
        add_facts(session, payment, (fact,), now)


def _taken_and_left(operations: Sequence[Operation], payment: Operation) -> tuple[Money, Money]:
    """What was taken of the payer's money, and what of it refunds had not given back before."""
    captures = captures_of(operations)
    from_ = captures if payment.state is State.AUTHORIZED and captures else [payment]
    taken = sum((each.amount for each in from_), Money(0, payment.amount.currency))
    back = sum((refunded(operations, each) for each in from_), Money(0, payment.amount.currency))
    return taken, taken - back
