"""Go on where an answer is missing: ask first; repeat only the identical step; else fence; else wait or call a person.

Never from doubt to failure without the partner's word, a fence, or the end of the time in which it could be paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from payport.schemas.outcome import NotSentCause, NotSentKind, Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk import exchange
from payport.sdk.errors import JournalConflict
from payport.sdk.events import ForPerson
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Transition, Verb
from payport.sdk.journal.session import Session
from payport.sdk.lattice import bind
from payport.sdk.message import Purpose
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.operations.cancelling import (
    arrived_by,
    can_cancel,
    carry_out_cancel,
    fence,
    fenced_lately,
    is_being_cancelled,
)
from payport.sdk.operations.carrying import Carried, answered, attempt, carry_out
from payport.sdk.operations.extending import AUTOMATIC, add_steps
from payport.sdk.operations.given_back import why_no_more
from payport.sdk.operations.judging import judged
from payport.sdk.operations.learning import learn, release, unwritten
from payport.sdk.operations.repeating import OF_THE_CALL, REPEATED, mark_repetition, may_repeat, refused_again
from payport.sdk.operations.setup import Setup
from payport.sdk.operations.undoing import TAKEN

_LEARNT = (Source.QUERY.value, Source.NOTICE.value)
"""Sources of transitions that tell of no request of ours that might be under way."""


def resolve(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Carried]:
    """One round on an operation whose lease is ours: it ends final, or with the time of the next round written down."""
    if operation.state.final:
        yield from release(setup, operation)
        return Carried(operation)
    if not operation.started:
        return (yield from _start(setup, operation, deadline_s))
    if operation.verb is Verb.CANCEL:
        carried = yield from carry_out_cancel(setup, operation, deadline_s)
        return replace(carried, operation=(yield from _give_up(setup, carried.operation)))
    if operation.state is State.DOUBT and not operation.may_have_left and _calls_nobody(operation):
        return (yield from _nothing_left(setup, operation))
    observation = yield from _ask(setup, operation, deadline_s)
    asked = not observation.held_back
    learnt = yield from learn(setup, operation, observation, asked=asked, deadline_s=deadline_s)
    changed, operation = learnt.changed_since(operation), learnt.after
    if operation.state.final:
        return Carried(operation, bind(operation, observation).native)
    if changed:  # the next round asks about what is there now
        yield from release(setup, operation)
        return Carried(operation)
    carried = yield from _without_answer(setup, operation, observation, deadline_s)
    yield from release(setup, carried.operation)
    return carried


def _give_up(setup: Setup, cancel: Operation) -> Exchange[Operation]:
    """A cancel that came to nothing a day after the order could last be paid, or is not told of: a person must look."""
    now = (yield from exchange.now()).utc
    until = cancel.payable_until or cancel.created_at
    if cancel.state.final or now < max(until, cancel.created_at) + timedelta(seconds=_ACCEPTED_S):
        return (yield from _untold(setup, cancel))
    return (yield from _call_person(setup, cancel, now, _NOT_CANCELLED))


def _ask(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    if setup.profile.answers_queries:
        return (yield from judged(setup, operation, setup.adapter.ask(operation, deadline_s), Purpose.ASK))
    detail = f"{setup.adapter.partner} cannot be asked: its notification, the same request again or a fence tells"
    return doubt(Source.LOCAL, UnknownKind.NO_QUERY, detail)


def _cannot_be_asked(observation: Observation) -> bool:
    return observation.unknown is not None and observation.unknown.kind is UnknownKind.NO_QUERY


def _calls_nobody(operation: Operation) -> bool:
    return not any(step.moves_money for step in operation.steps)


def _start(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Carried]:
    """Send an intent that was only prepared. That it starts is durable before the first byte.

    One that another worker has started, while we stood still, is its own: whatever we do not send, it may have sent.
    """
    now = yield from exchange.now()

    def write(session: Session) -> tuple[Operation, str | None] | None:
        current = session.operation(operation.id) or operation
        if current.started or current.state.final or is_being_cancelled(session, current):
            return None
        why = _why_no_more(session, current)
        now_started = replace(current, started=True)
        return session.save(now_started, source="local", detail={"started": "1"}, now=now.utc), why

    begun = yield from exchange.record("start", write)
    if begun is None:
        yield from release(setup, operation)
        return Carried(operation)
    started, why = begun
    if started.payable_until is not None and now.utc >= started.payable_until:
        late = NotSentCause(NotSentKind.DEADLINE, "its time to be paid was over before it was sent")
        return Carried((yield from learn(setup, started, _unsent(late), release=True)).after)
    if why is not None:
        kept = NotSentCause(NotSentKind.INVALID, why)
        return Carried((yield from learn(setup, started, _unsent(kept), release=True)).after)
    return (yield from carry_out(setup, started, deadline_s))


def _why_no_more(session: Session, operation: Operation) -> str | None:
    """Why it is not sent (again): another attempt, told as over, has moved the money after all."""
    operations = session.operations(operation.ref)
    attempts = [each for each in operations if (each.verb, each.part) == (operation.verb, operation.part)]
    return why_no_more(operations, attempts)


def _unsent(cause: NotSentCause) -> Observation:
    return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause)


def _nothing_left(setup: Setup, operation: Operation) -> Exchange[Carried]:
    """The process stopped before an action could be handed out, and no step of the operation calls the partner."""
    cause = NotSentCause(
        NotSentKind.DEADLINE, "the process stopped before the action was recorded, so none was handed out"
    )
    return Carried((yield from learn(setup, operation, _unsent(cause), release=True)).after)


def _without_answer(
    setup: Setup, operation: Operation, observation: Observation, deadline_s: float
) -> Exchange[Carried]:
    """The partner's word was not final: repeat, fence, close by time, wait, or call a person."""
    now = (yield from exchange.now()).utc
    as_of = observation.as_of or now  # what is not known has been unknown then
    cannot_ask = _cannot_be_asked(observation)
    unanswerable = observation.absent or cannot_ask
    if unanswerable and may_repeat(operation, now):
        return (yield from _repeat(setup, operation, deadline_s))
    if operation.state is State.ACTION and AUTOMATIC in operation.identity and operation.open_step is None:
        further = yield from add_steps(setup, operation, {})
        if further is not None:
            return (yield from carry_out(setup, further, deadline_s, release=False))
    accepted = operation.state is State.PENDING and can_cancel(setup)  # it cannot have vanished: closing it tells
    over = _ends(operation) and _over(setup, operation, as_of) and as_of >= arrived_by(setup, operation)
    if observation.absent and over and not accepted:
        if not operation.expires:
            return Carried((yield from _call_person(setup, operation, now, _NO_END)))
        return Carried((yield from learn(setup, operation, _expired(operation))).after)
    if operation.verb is Verb.PAY and _must_fence(setup, operation, now):
        return (yield from _fence(setup, operation, observation, deadline_s))
    denied = operation.for_person and observation.absent
    if denied and (yield from _never_arrived(setup, operation, observation, as_of)):
        return Carried((yield from learn(setup, operation, _expired(operation))).after)
    if observation.absent and _ends(operation) and _long_over(setup, operation, as_of, now):
        return Carried((yield from _call_person(setup, operation, now, _NO_CLOCK)))
    unanswerable = cannot_ask or (observation.absent and not _ends(operation))
    at_least = now - timedelta(seconds=_CLOCKS_APART_S)  # as of then, whatever the partner's clock says
    seen = _seen_by_now(setup, operation, max(as_of, at_least))
    if unanswerable and operation.verb is not Verb.PAY and seen:
        why = _NO_WORD if cannot_ask else (yield from _why_not_again(operation))
        return Carried((yield from _call_person(setup, operation, now, why)))
    return Carried((yield from _untold(setup, operation)))


def _fence(setup: Setup, payment: Operation, observation: Observation, deadline_s: float) -> Exchange[Carried]:
    """Cancel an attempt that was asked about just now; what was told of it counts when the cancel comes to nothing."""
    now = (yield from exchange.now()).utc
    if (yield from fenced_lately(payment, now)):
        return Carried(payment)
    fenced = yield from fence(setup, payment, deadline_s)
    if observation.state in TAKEN and not fenced.state.final:
        fenced = (yield from learn(setup, fenced, observation)).after
    yield from _give_up_fence(setup, fenced)
    unheard = _cannot_be_asked(observation) and not (fenced.state.final or fenced.expires)
    if unheard and _over(setup, fenced, now, more_s=_ACCEPTED_S):
        return Carried((yield from _call_person(setup, fenced, now, _NO_WORD)))
    denied = observation.absent and fenced.expires and not fenced.state.final
    if denied and _long_over(setup, fenced, observation.as_of or now, now):
        return Carried((yield from _call_person(setup, fenced, now, _NO_CLOCK)))
    return Carried(fenced)


def _never_arrived(setup: Setup, operation: Operation, observation: Observation, now: datetime) -> Exchange[bool]:
    """Whether what was left to a person, who had it asked about again, was never carried out, nor will be.

    The partner was asked and does not know it, long after the last request of it left. Not a payout: another one would
    have another number, by which no partner could tell the two apart.
    """
    if operation.verb not in (Verb.REFUND, Verb.CAPTURE) or observation.source is not Source.QUERY:
        return False
    history = yield from exchange.load("last request", lambda session: session.history(operation.ref))
    # our clock may have been behind, as far as the partner takes, when that was written down
    arrives_s = setup.profile.in_flight_s + setup.profile.clock_off_s
    return now >= _last_left(history, operation) + timedelta(seconds=arrives_s)


def _last_left(history: Sequence[Transition], operation: Operation) -> datetime:
    """When it was written down last that a request of it leaves, or was not answered."""
    ours = [line for line in history if line.operation == operation.id and line.source not in _LEARNT]
    return max(line.at for line in ours if "person" not in line.detail)


def _why_not_again(operation: Operation) -> Exchange[str]:
    """Why the partner knows nothing of it, and the identical request is not sent (any more)."""
    step = operation.open_step
    if step is not None and step.request is None:
        return _NOT_KEPT
    history = yield from exchange.load("repetitions", lambda session: session.history(operation.ref))
    repeated = any(REPEATED in line.detail for line in history if line.operation == operation.id)
    return _NOT_TAKEN if repeated else _NOT_AGAIN


def _untold(setup: Setup, operation: Operation) -> Exchange[Operation]:
    """Call a person when the partner has long been answering without telling how it stands.

    Not for a payment: its end by time and its fence go on, and the cancel that makes the fence comes here.
    """
    if operation.verb is Verb.PAY or operation.state.final or operation.for_person or operation.unknown is None:
        return operation
    now = (yield from exchange.now()).utc
    patience = timedelta(seconds=setup.ladder(operation).person_after_s)
    if now < operation.created_at + patience:
        return operation
    history = yield from exchange.load("untold", lambda session: session.history(operation.ref))
    since = untold_since([line for line in history if line.operation == operation.id])
    if since is None or now < since + patience:
        return operation
    return (yield from _call_person(setup, operation, now, _UNTOLD))


def _give_up_fence(setup: Setup, payment: Operation) -> Exchange[None]:
    """The cancel of a payment in doubt goes on with the payment's rounds, and may have none of its own."""
    if payment.state.final:
        return
    operations = yield from exchange.load("fences", lambda session: session.operations(payment.ref))
    for each in operations:
        if each.verb is Verb.CANCEL and each.of == payment.id:
            yield from _give_up(setup, each)


def untold_since(history: Sequence[Transition]) -> datetime | None:
    """Since when the partner has answered and taught nothing of an operation; ``None`` when it has not lately.

    Silence in between neither counts nor ends it: who cannot be reached may answer well once the line is mended.
    """
    since: datetime | None = None
    for line in reversed(history):
        doubted = line.detail.get("unknown")
        answered = doubted is not None and doubted.partition(":")[0] not in _SILENT
        if doubted is None and line.source != Source.LOCAL.value:
            break
        if since is None and doubted is not None and not answered:
            break
        since = line.at if answered else since
    return since


_SILENT = frozenset(
    kind.value
    for kind in (
        UnknownKind.TIMED_OUT,
        UnknownKind.CONNECTION_LOST,
        UnknownKind.STORAGE,
        UnknownKind.NOT_FOUND,  # what is not found has rules of its own
        UnknownKind.NO_QUERY,
    )
)


def _repeat(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Carried]:
    """Send the identical step again. That it leaves once more is durable before the first byte.

    A refusal of a repetition ends the operation only when it is about the operation, and nothing that was sent before
    can still arrive: a refund that is refused now may succeed a moment later by the request that is under way, and "too
    many calls" says nothing of what was carried out before.
    """
    step = operation.open_step
    assert step is not None
    marked = yield from _mark_repetition(setup, operation, step)
    if marked is None:
        return Carried(operation)
    current, alone = marked
    if current.state.final:
        return Carried(current)  # told meanwhile
    observation = yield from attempt(setup, operation, step, deadline_s, Purpose.RESOLVE)
    if observation.state is State.DECLINED and (not alone or observation.reason in OF_THE_CALL):
        observation = refused_again(observation)
    done = step.name if answered(bind(operation, observation)) else None
    operation = (
        yield from learn(setup, current, observation, step_done=done, deadline_s=deadline_s, sent=current.version)
    ).after
    goes_on = done is not None and observation.state is State.DOUBT and not unwritten(operation)
    if goes_on and operation.open_step is not None and not operation.state.final:
        return (yield from carry_out(setup, operation, deadline_s, release=False))  # the steps after it never left
    return Carried(operation, bind(operation, observation).native)


def _mark_repetition(setup: Setup, operation: Operation, step: Step) -> Exchange[tuple[Operation, bool] | None]:
    """Write down that a step leaves again; with whether everything that left before has arrived or never will.

    What has ended meanwhile is not marked. ``None`` for a payment that is being cancelled, and for what came through
    under another attempt: sending it again would charge the payer after all, or move the money twice.
    """
    now = (yield from exchange.now()).utc

    def write(session: Session) -> tuple[Operation, bool] | None:
        current = session.operation(operation.id) or operation
        if current.state.final:
            return current, True
        if _why_no_more(session, current) is not None or is_being_cancelled(session, operation):
            return None
        last = _last_left(session.history(operation.ref), operation)
        marked = mark_repetition(session, operation, step, now)
        return marked, now >= last + timedelta(seconds=setup.profile.in_flight_s)

    return (yield from exchange.record("repeat", write))


def _ends(operation: Operation) -> bool:
    """Whether time alone ends it once the partner knows nothing of it.

    A refund that the partner accepted is not ended by that, and a payout never: the payee's time to confirm does not
    bound when it may be carried out.
    """
    bounded = operation.payable_until is not None and operation.state is State.DOUBT
    return operation.verb is Verb.PAY or (operation.verb is Verb.REFUND and bounded)


def _expired(operation: Operation) -> Observation:
    if operation.verb is not Verb.PAY:
        message = (
            "the partner knows nothing of it and would not carry it out any more: ask again, which makes a new one"
        )
        return Observation(state=State.DECLINED, source=Source.LOCAL, reason=Reason.EXPIRED, message=message)
    return Observation(
        state=State.DECLINED,
        source=Source.LOCAL,
        reason=Reason.EXPIRED,
        cancelled_by=CancelledBy.EXPIRED,
        message="its time to be paid is over and the partner knows of no payment",
    )


def _over(setup: Setup, operation: Operation, now: datetime, *, more_s: float = 0.0) -> bool:
    """Whether nobody can pay this any more and a late payment would have shown by now."""
    assert operation.payable_until is not None
    return now >= operation.payable_until + timedelta(seconds=setup.profile.settle_margin_s + more_s)


def _long_over(setup: Setup, operation: Operation, as_of: datetime, now: datetime) -> bool:
    """Whether it has been over for two days by our clock, and is not by the partner's: one of them must be set."""
    if operation.payable_until is None or _over(setup, operation, as_of):
        return False
    return _over(setup, operation, now, more_s=_CLOCKS_APART_S)


def _must_fence(setup: Setup, operation: Operation, now: datetime) -> bool:
    fence_after_s = setup.ladder(operation).fence_after_s
    old = fence_after_s is not None and now >= operation.created_at + timedelta(seconds=fence_after_s)
    return old or _over(setup, operation, now)


def _seen_by_now(setup: Setup, operation: Operation, now: datetime) -> bool:
    """Whether a question would find it by now; what the partner accepted once is given a day."""
    patience_s = setup.profile.in_flight_s if operation.state is State.DOUBT else _ACCEPTED_S
    return now >= operation.created_at + timedelta(seconds=patience_s)


_ACCEPTED_S = 86_400.0
_CLOCKS_APART_S = 2 * 86_400.0
"""By how much our clock and the partner's may differ before a person is asked to have one of them set."""
_NOT_KEPT = (
    "{partner} does not know this {verb}, and without its sealed request it may not be sent again: compare with the "
    "partner's records, then resolve it, which ends a refund or capture that the partner still does not know"
)
_NOT_TAKEN = (
    "{partner} still does not know this {verb}, however often it was sent again: compare with the partner's records, "
    "then resolve it, which ends a refund or capture that the partner still does not know"
)
_NOT_AGAIN = (
    "{partner} does not know this {verb}{last}, and the same request may not be sent again: compare with the partner's "
    "records, then resolve it, which ends a refund or capture that the partner still does not know"
)
_NO_WORD = (
    "{partner} cannot be asked about this {verb} and has not said how it ended: look it up in its own pages. It may be "
    "carried out yet, so ask for nothing under a new reference before {partner} shows that it was not"
)
_UNTOLD = (
    "{partner} has long been answering without telling how this {verb} stands{last}: it may have happened. Look "
    "it up in its own pages, and mend what keeps it from telling; then resolve it. Before that ask for nothing under a "
    "new reference"
)
_NOT_CANCELLED = (
    "{partner} has not said how this {verb} ended{last}: look the order up in its own pages. It may be paid yet, or "
    "its money may have been given back"
)
_NO_END = (
    "what was handed out for this {verb} carries no time limit that {partner} would keep, so the payer may still use "
    "it: make sure in the app that it is gone; nothing else is opened for this order until {partner} knows of it"
)
_NO_CLOCK = (
    "{partner} does not know this {verb}, whose time has been over for two days by our clock and is not by the Date of "
    "its replies: find out which of the two is wrong, have it set, compare with the partner's records, then resolve it"
)


def _call_person(setup: Setup, operation: Operation, now: datetime, why: str) -> Exchange[Operation]:
    last = f" ({operation.unknown})" if operation.unknown else ""
    reason = why.format(partner=setup.adapter.partner, verb=operation.verb.value, last=last)

    def write(session: Session) -> Operation:
        current = session.operation(operation.id) or operation
        if current.for_person or current.state.final:
            return current
        return session.save(replace(current, for_person=reason), source="local", detail={"person": reason}, now=now)

    try:
        saved = yield from exchange.record("call a person", write)
    except JournalConflict:
        return operation  # somebody has just learnt something of it
    if saved.for_person and not operation.for_person:
        yield from exchange.emit(ForPerson(**setup.about(saved), reason=saved.for_person))
    return saved
