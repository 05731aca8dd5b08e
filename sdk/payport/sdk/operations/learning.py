"""Bind, join and settle: write down what was learnt, in one commit with its transition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from payport.schemas.outcome import NotSent, NotSentKind, Unknown, UnknownCause, UnknownKind
from payport.schemas.payment import Fact, FactKind
from payport.sdk import exchange
from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.events import Mismatch, OperationChanged, StorageFailed, Surplus
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Verb, evolve
from payport.sdk.journal.session import Session
from payport.sdk.lattice import absorb, bind
from payport.sdk.message import Purpose
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.operations.judging import judged
from payport.sdk.operations.repeating import look_in_time, sent_again
from payport.sdk.operations.setup import Setup
from payport.sdk.operations.undoing import TAKEN, unless_undone
from payport.sdk.outcomes import not_sent

ASK_S = 5.0
"""How long a question may take that an answer or a notice raised: the notice waits to be acknowledged meanwhile."""
MAX_CONFLICTS = 50
"""How often a write is decided again because another writer was first. Each conflict means somebody made progress."""


_SENT_AGAIN = "another worker has sent it again meanwhile: what comes of that decides"


@dataclass(frozen=True, slots=True)
class Learnt:
    """An operation before and after an observation that was bound to it."""

    before: Operation
    after: Operation
    observation: Observation

    def changed_since(self, asked: Operation) -> bool:
        """Whether another worker wrote it while this was asked: what was not known then may be known by now."""
        return self.before.version != asked.version


Also = Callable[[Session, Operation, datetime], None]
"""Further writes of the same commit, given the saved operation."""


def learn(
    setup: Setup,
    operation: Operation,
    observation: Observation,
    *,
    asked: bool = False,
    step_done: str | None = None,
    release: bool = False,
    also: Also | None = None,
    deadline_s: float | None = None,
    sent: int | None = None,
) -> Exchange[Learnt]:
    """Add one observation to an operation and write the result. ``before`` may be another version than ``operation``.

    ``asked`` counts a question to the partner; ``step_done`` names the step that is over; ``release`` gives the lease
    back in the same commit. ``deadline_s``: until when the partner may be asked about money that came in for an attempt
    which ended while the answer was on its way: the answer may be older than that end. ``sent``: the version as of
    which the request left that this is the reply to: a refusal ends nothing that another worker has sent again since.

    What no partner said but was decided here, that it has ended with nothing sent or paid, holds for the operation as
    it was looked at: once it has another version, somebody else may have sent it, or been told that it is accepted.

    A storage failure comes back as a doubt with cause ``storage``: what was learnt may be lost, so it is not claimed.
    """
    now = (yield from exchange.now()).utc
    known: Operation | None = operation
    pays = operation.verb is Verb.PAY and not operation.state.over and observation.state in TAKEN
    asks = pays and deadline_s is not None
    ends_here = observation.source is Source.LOCAL and observation.state.over

    def write(session: Session) -> Learnt:
        before = _read(session, operation.id) if known is None else session.latest(known)
        if asks and before.state.over:
            raise _EndedMeanwhile
        if ends_here and before.version != operation.version:
            return _left_alone(setup, session, before, observation, release=release)
        told = _unless_sent_again(session, before, observation, sent)
        done = step_done if told is observation else None
        learnt = _add(setup, session, before, told, now, asked=asked, step_done=done, release=release)
        if learnt.after is before and known is not None:
            # nothing was saved, so nothing has compared the versions: what is told is read
            before = _read(session, operation.id)
            learnt = _add(setup, session, before, told, now, asked=asked, step_done=done, release=release)
        if also is not None:
            also(session, learnt.after, now)
        return learnt

    for _ in range(MAX_CONFLICTS):
        try:
            learnt = yield from exchange.record(f"learn {operation.verb.value}", write)
        except JournalConflict:
            known = None  # what we know is old
            continue
        except _EndedMeanwhile:
            asks, known = False, None
            # who has no time left stood still: then a moment more
            soon = (yield from exchange.now()).monotonic_s
            until = deadline_s if deadline_s is not None and soon < deadline_s else soon + ASK_S
            observation = (yield from ask_again(setup, operation, until)) or observation
            continue
        except JournalError as error:
            yield from storage_failed(setup, f"learn {operation.verb.value}", error)
            left = operation.may_have_left or observation.source is Source.REPLY
            told = lost(evolve(operation, may_have_left=left), f"the answer could not be written down: {error}")
            return Learnt(operation, told, observation)
        yield from tell(setup, learnt, now)
        return learnt
    told = lost(operation, "other workers kept changing the operation; resume settles it")
    return Learnt(operation, told, observation)


def _unless_sent_again(session: Session, before: Operation, told: Observation, sent: int | None) -> Observation:
    """What a reply told, or a doubt where it refuses what another worker has sent again since it left."""
    if sent is None or told.state is not State.DECLINED or not sent_again(session, before, sent):
        return told
    return doubt(told.source, UnknownKind.INTERRUPTED, _SENT_AGAIN)


def _left_alone(
    setup: Setup, session: Session, before: Operation, observation: Observation, *, release: bool
) -> Learnt:
    """Nothing is learnt from it."""
    if release:
        session.release(before.id, setup.owner)
    return Learnt(before, before, observation)


class _EndedMeanwhile(Exception):
    """Money is said to have come in for an attempt that was open when the partner was called, and is over now."""


def ask_again(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Observation | None]:
    """What the partner says now of an attempt that is over, or may be, and is said to be paid.

    That may be older than its end. ``None`` when the partner does not answer, or not finally (what it is asked of may
    lag behind what it tells): then what was said is believed. Too little known is better than money that nobody sees.
    """
    if not setup.profile.answers_queries:
        return None
    answer = yield from judged(setup, operation, setup.adapter.ask(operation, deadline_s), Purpose.ASK)
    return answer if bind(operation, answer).state.final else None


def add(setup: Setup, session: Session, operation_id: str, observation: Observation, now: datetime) -> Learnt:
    """Add one observation inside a running transaction; the lease stays with whom it is."""
    return _add(setup, session, _read(session, operation_id), observation, now)


def _read(session: Session, operation_id: str) -> Operation:
    found = session.operation(operation_id)
    if found is None:
        raise JournalError(f"operation {operation_id} is not in the journal any more")
    return found


def _add(
    setup: Setup,
    session: Session,
    before: Operation,
    observation: Observation,
    now: datetime,
    *,
    asked: bool = False,
    step_done: str | None = None,
    release: bool | None = None,
) -> Learnt:
    """The part of :func:`learn` inside a transaction. Nothing is decided on an old row: saving compares the versions.

    ``release``: give our lease back, which is done in any case once the operation is final; ``None``: none is ours.
    """
    bound = unless_undone(setup, session, before, bind(before, observation), observation.as_of or now)
    after = absorb(before, bound, now)
    first_word = before.state is State.DOUBT and after.state in (State.ACTION, State.PENDING)
    after = _schedule(setup, after, now, asked=asked, step_done=step_done, first_word=first_word)
    gives_back = setup.owner if release or (release is not None and after.state.final) else None
    if bound.source is Source.QUERY and after == evolve(before, asked=after.asked, next_at=after.next_at) != before:
        session.postpone(after, release=gives_back)  # the partner's answer taught nothing new
        return Learnt(before, after, bound)
    if after != before:
        detail = _detail(bound, after.facts[len(before.facts) :])
        after = session.save(after, source=bound.source.value, detail=detail, now=now, release=gives_back)
        return Learnt(before, after, bound)
    if gives_back is not None:
        session.release(before.id, gives_back)
    return Learnt(before, before, bound)


def release(setup: Setup, operation: Operation) -> Exchange[None]:
    """Give the lease back. If that fails it runs out by itself."""
    try:
        yield from exchange.record("release", lambda session: session.release(operation.id, setup.owner))
    except JournalError as error:
        yield from storage_failed(setup, "release", error)


def lost(operation: Operation, detail: str) -> Operation:
    """What a caller is told of an operation when the journal could not be read or written: nothing is claimed."""
    return evolve(operation, state=State.DOUBT, action=None, unknown=UnknownCause(UnknownKind.STORAGE, detail))


def unwritten(operation: Operation) -> bool:
    """Whether this came from :func:`lost`: what was learnt last is not in the journal, so nothing may build on it."""
    return operation.unknown is not None and operation.unknown.kind is UnknownKind.STORAGE


def refused_by_storage(setup: Setup, work: str, error: JournalError) -> Exchange[NotSent]:
    """What a caller is told when the journal could not be written, and shows that nothing was sent before."""
    yield from storage_failed(setup, work, error)
    return not_sent(NotSentKind.STORAGE, f"the journal could not be written, so nothing was sent: {error}")


def unreadable(setup: Setup, work: str, operation: str, error: JournalError) -> Exchange[Unknown]:
    """What a caller is told when the journal cannot even say whether anything was sent before."""
    yield from storage_failed(setup, work, error)
    return Unknown(operation=operation, cause=unread(error))


def unread(error: JournalError) -> UnknownCause:
    """The journal cannot be read: this call has sent nothing, and nobody knows what was sent before it."""
    detail = (
        "this call sent nothing, and what was sent before could not be looked up: ask again with the same reference "
        f"once the journal can be read ({error})"
    )
    return UnknownCause(UnknownKind.STORAGE, detail)


def storage_failed(setup: Setup, work: str, error: JournalError) -> Exchange[None]:
    """Tell that the journal could not be read or written."""
    yield from exchange.emit(
        StorageFailed(
            partner=setup.adapter.partner, account=setup.adapter.account, work=work, error=type(error).__name__
        )
    )


def add_facts(session: Session, operation: Operation, facts: tuple[Fact, ...], now: datetime) -> Operation:
    """Write later facts on an operation inside a running transaction."""
    return session.save(
        evolve(operation, facts=operation.facts + facts),
        source="local",
        detail={"facts": ",".join(fact.kind.value for fact in facts)},
        now=now,
    )


def _schedule(
    setup: Setup, operation: Operation, now: datetime, *, asked: bool, step_done: str | None, first_word: bool
) -> Operation:
    """When to look again, how often the partner was asked, and which step is over."""
    steps = operation.steps
    if first_word:
        # the partner's word about the operation stands for the answer of whatever was sent for it until then
        steps = tuple([step.answered() for step in steps])
    elif step_done is not None:
        steps = tuple([step.answered() if step.name == step_done else step for step in steps])
    if operation.state.final:
        return evolve(operation, steps=steps) if steps is not operation.steps else operation
    count = operation.asked + asked
    next_at = look_in_time(operation, now + setup.wait(operation, count), now)
    if operation.payable_until is not None:
        over = operation.payable_until + timedelta(seconds=setup.profile.settle_margin_s)
        next_at = min(next_at, over) if over > now else next_at  # the moment that decides is not slept through
    return evolve(operation, steps=steps, asked=count, next_at=next_at)


def _detail(observation: Observation, facts: tuple[Fact, ...]) -> dict[str, str]:
    """``facts``: those that are new, also those that only the comparison with what was known shows."""
    detail = {
        "partner_id": observation.partner_id,
        "code": observation.partner_code,
        "reason": observation.reason.value if observation.reason else None,
        "unknown": str(observation.unknown) if observation.unknown else None,
        "not_sent": str(observation.not_sent) if observation.not_sent else None,
        "facts": ",".join(fact.kind.value for fact in facts),
    }
    return {name: value for name, value in detail.items() if value}


def tell(setup: Setup, learnt: Learnt, now: datetime) -> Exchange[None]:
    """Tell what changed, at ``now``."""
    before, after, observation = learnt.before, learnt.after, learnt.observation
    if observation.unknown is not None and observation.unknown.kind is UnknownKind.MISMATCH:
        field = observation.unknown.detail.partition(":")[0]
        yield from exchange.emit(Mismatch(**setup.about(after), field=field))
    for fact in after.facts[len(before.facts) :]:
        if fact.kind is FactKind.SURPLUS_PAID:
            yield from exchange.emit(Surplus(**setup.about(after), amount=fact.amount))
    if after.state is not before.state and setup.hears(OperationChanged):
        yield from exchange.emit(
            OperationChanged(
                **setup.about(after),
                verb=after.verb,
                state=after.state,
                source=observation.source.value,
                elapsed_s=(now - after.created_at).total_seconds(),
            )
        )
