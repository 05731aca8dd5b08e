"""Carry out an operation: try each step until it is answered, time is up, or repeating would not be safe."""

from __future__ import annotations

from dataclasses import dataclass

from payport.schemas.outcome import NotSentCause, NotSentKind
from payport.sdk import exchange
from payport.sdk.events import Retried
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.lattice import bind
from payport.sdk.message import Purpose
from payport.sdk.observation import Observation, Source
from payport.sdk.operations.judging import judged
from payport.sdk.operations.learning import learn, unwritten
from payport.sdk.operations.setup import Setup
from payport.sdk.retry import jitter_of


@dataclass(frozen=True, slots=True)
class Carried:
    """An operation and, when the last answer came from the wire, the partner's own record."""

    operation: Operation
    native: object = None


def carry_out(setup: Setup, operation: Operation, deadline_s: float, *, release: bool = True) -> Exchange[Carried]:
    """Send the steps that are not done, in order, and write down each answer before the next one leaves.

    The caller holds the operation's lease; it is given back with the last write when ``release``.
    """
    native: object = None
    waiting = [step for step in operation.steps if not step.done]
    for number, step in enumerate(waiting, start=1):
        observation = yield from attempt(setup, operation, step, deadline_s, Purpose.MOVE)
        bound = bind(operation, observation)
        native = bound.native
        last = number == len(waiting) or bound.state is not State.DOUBT or bound.unknown is not None
        done = step.name if answered(bound) else None
        operation = (
            yield from learn(
                setup,
                operation,
                observation,
                step_done=done,
                release=release and last,
                deadline_s=deadline_s,
                sent=operation.version,
            )
        ).after
        if last or unwritten(operation) or operation.state.final:  # it may have been cancelled meanwhile
            break
    return Carried(operation, native)


def answered(observation: Observation) -> bool:
    """Whether a step is over: the partner answered it, whatever it said. About something else is no answer."""
    return observation.state is not State.NOT_SENT and observation.unknown is None


def attempt(
    setup: Setup, operation: Operation, step: Step, deadline_s: float, purpose: Purpose
) -> Exchange[Observation]:
    """One step, repeated while that is safe and useful: nothing had left, or the partner recognises a repetition.

    Answers the best that was learnt; ``NOT_SENT`` only when no try can have left, and a refusal only when no try is in
    doubt: a repetition can be refused (too many calls, too little money) while the first request is still under way.
    """
    doubted: Observation | None = None
    silent: Observation | None = None
    refused: Observation | None = None
    for tries in range(1, setup.policy.max_attempts + 1):
        observation = yield from _try_once(setup, operation, step, deadline_s, purpose)
        if observation.state is State.DOUBT:
            doubted = observation
            silent = silent if observation.absent else observation
        if observation.state is State.DECLINED:
            refused = observation
        if not observation.again or (observation.state is State.DOUBT and not step.replayable):
            break
        wait_s = yield from _wait_before_retry(setup, observation, tries, deadline_s)
        if wait_s is None:
            break
        yield from exchange.emit(Retried(**setup.about(operation), step=step.name, attempt=tries, wait_s=wait_s))
        yield from exchange.sleep(wait_s)
    else:  # pragma: no cover - a policy has at least one attempt
        raise AssertionError("no attempt was made")
    if observation.state.over and doubted is not None:
        return doubted
    if observation.absent and silent is not None:
        return silent  # not found just now: what left before may still arrive
    if observation.state is State.NOT_SENT and refused is not None:
        return refused  # something left, and this is what was said of it
    if observation.state is not State.DOUBT:
        setup.budget.succeeded()
    return observation


def _try_once(
    setup: Setup, operation: Operation, step: Step, deadline_s: float, purpose: Purpose
) -> Exchange[Observation]:
    now = yield from exchange.now()
    if now.monotonic_s >= deadline_s:
        late = NotSentCause(NotSentKind.DEADLINE, "time was up before anything was sent")
        return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=late)
    # whoever ends a payment by time counts on it that nothing of it leaves from then on, whatever it waited for
    until = operation.payable_until if operation.verb is Verb.PAY and operation.expires else None
    sending = setup.adapter.perform(operation, step, deadline_s)
    return (yield from judged(setup, operation, sending, purpose, not_after=until))


def _wait_before_retry(setup: Setup, observation: Observation, tries: int, deadline_s: float) -> Exchange[float | None]:
    """Seconds to wait before the next try, ``None`` when there should be none."""
    now = yield from exchange.now()
    wait_s = setup.policy.next_wait_s(
        tries,
        now_monotonic_s=now.monotonic_s,
        deadline_s=deadline_s,
        jitter=jitter_of((yield from exchange.nonce())),
        retry_after_s=observation.retry_after_s,
    )
    if wait_s is None or not setup.budget.spend(timed_out=observation.state is State.DOUBT):
        return None
    return wait_s
