"""Carry out one step: which call, and what its answer teaches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from payport.adapters.stripe import asking
from payport.adapters.stripe.calls import ROUTES, Answer, Call, ask_stripe
from payport.adapters.stripe.cancelling import carry_out_cancel
from payport.adapters.stripe.mapping import Meaning
from payport.adapters.stripe.planning import INTENT, WAY
from payport.adapters.stripe.reading.fields import Unreadable, another_mode, parsed
from payport.adapters.stripe.reading.intents import read_capture, read_intent
from payport.adapters.stripe.reading.refunds import read_payout, read_refund
from payport.adapters.stripe.reading.refusals import refusal, verdict_of
from payport.adapters.stripe.reading.sessions import read_session
from payport.adapters.stripe.wire import StripeIntent, StripePayout, StripeRefund, StripeSession
from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownKind
from payport.sdk.calling import kept
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.lattice import bind
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.stripe.adapter import Stripe


def perform(stripe: Stripe, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
    """Send one step."""
    sends = kept(step)
    if isinstance(sends, Observation):
        return sends
    asked = with_numbers(Call.decode(sends), operation)
    if asked is None:
        return _not_sent("Stripe's number of it is not known, so there is nothing to send this to")
    if operation.verb is Verb.CANCEL:
        return (yield from carry_out_cancel(stripe, operation, asked, deadline_s))
    answer = yield from ask_stripe(stripe, asked, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if answer.ok:
        return read(stripe, operation, asked, answer)
    refused = refusal(asked, answer)
    if verdict_of(answer).meaning is Meaning.MOVED_ON:
        told = yield from asking.ask(stripe, operation, deadline_s)
        return refused if told.state is State.DOUBT and refused.state is not State.DOUBT and told.absent else told
    return refused


def with_numbers(asked: Call, operation: Operation) -> Call | None:
    """The call with the numbers of its path, those that an earlier step brought included; ``None`` when one lacks."""
    numbers = {**operation.ids, **asked.numbers}
    try:
        ROUTES[asked.name].path.format_map(numbers)
    except KeyError:
        return None
    return replace(asked, numbers=numbers)


def _not_sent(why: str) -> Observation:
    return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=NotSentCause(NotSentKind.INVALID, why))


def read(stripe: Stripe, operation: Operation, asked: Call, answer: Answer) -> Observation:
    """What a successful answer teaches. A step with another one after it is bound here: a wrong one stops there."""
    try:
        return bind(operation, _read(stripe, operation, asked, answer))
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: {error}")


def _read(stripe: Stripe, operation: Operation, asked: Call, answer: Answer) -> Observation:
    live, source = stripe.config.live, Source.REPLY
    match asked.name:
        case "refunds.create":
            refund = parsed(StripeRefund, answer.node)
            return read_refund(refund, source, intent=operation.identity.get(INTENT))
        case "payouts.create":
            payout = parsed(StripePayout, answer.node)
            return another_mode(live, payout.livemode, source) or read_payout(payout, source)
        case "checkout.sessions.create":
            session = parsed(StripeSession, answer.node)
            return another_mode(live, session.livemode, source) or read_session(session, source)
        case "payment_intents.capture":
            intent = parsed(StripeIntent, answer.node)
            return another_mode(live, intent.livemode, source) or read_capture(operation, intent, source)
        case _:
            intent = parsed(StripeIntent, answer.node)
            way = operation.identity.get(WAY, "")
            told = read_intent(intent, source, way=way, publishable_key=stripe.config.publishable_key)
            return another_mode(live, intent.livemode, source) or _after_reply(told, asked)


def _after_reply(told: Observation, asked: Call) -> Observation:
    """A confirmation that left the intent waiting for another payment method was refused: nothing is outside yet."""
    if asked.name == "payment_intents.confirm" and told.state is State.PENDING and told.reason is not None:
        return replace(told, state=State.DECLINED)
    return told
