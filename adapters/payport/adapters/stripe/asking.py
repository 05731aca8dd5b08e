"""Ask about an operation: by the number that Stripe gave it, or, when none came back, by looking for our reference.

A search and a list may lag, so what they show is believed and what they do not show proves nothing: the machinery then
sends the identical request with the identical key, inside half of the key's life, and Stripe plays its answer back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar, assert_never

from payport.adapters.stripe.calls import BURNT, CONFLICT, Answer, Call, ask_stripe
from payport.adapters.stripe.mapping import IntentStatus, Meaning
from payport.adapters.stripe.planning import (
    DIRECT,
    INTENT,
    KEY_LIFE,
    PAGE,
    PAYMENT_REF,
    PAYOUT,
    REFUND,
    SESSION,
    WAY,
    cancellation,
    search,
)
from payport.adapters.stripe.reading.fields import Unreadable, another_mode, parsed, said
from payport.adapters.stripe.reading.intents import read_capture, read_intent
from payport.adapters.stripe.reading.refunds import read_payout, read_refund
from payport.adapters.stripe.reading.refusals import other_parameters, verdict_of
from payport.adapters.stripe.reading.sessions import read_session
from payport.adapters.stripe.wire import Page, StripeIntent, StripePayout, StripeRefund, StripeSession, Wire
from payport.schemas.outcome import Reason, UnknownCause, UnknownKind
from payport.sdk import exchange
from payport.sdk.adapter import Found
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.lattice import bind
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.stripe.adapter import Stripe
    from payport.schemas.references import PartnerId

RecordT = TypeVar("RecordT", bound=Wire)
_LONGEST_LIST = 100
_NOT_NOW = (401, 409, 429)
"""A key that is being changed, a record that another request holds, too many calls: later it is answered."""
_CLOCKS_APART = timedelta(days=1)
"""By how much our clock may have been ahead of Stripe's: what was made since is asked for by Stripe's. Newest first."""


def ask(stripe: Stripe, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    """What Stripe says about an operation now."""
    match operation.verb:
        case Verb.PAY if SESSION in operation.ids:
            return (yield from _ask_session(stripe, operation.ids[SESSION], deadline_s))
        case Verb.PAY if INTENT in operation.ids:
            return (yield from _ask_intent(stripe, operation, operation.ids[INTENT], deadline_s))
        case Verb.PAY:
            return (yield from _look_for_intent(stripe, operation, deadline_s))
        case Verb.CAPTURE:
            return (yield from _ask_capture(stripe, operation, deadline_s))
        case Verb.REFUND:
            return (yield from _ask_refund(stripe, operation, deadline_s))
        case Verb.PAYOUT:
            return (yield from _ask_payout(stripe, operation, deadline_s))
        case Verb.CANCEL:
            return doubt(Source.QUERY, UnknownKind.UNKNOWN_STATUS, "a cancel is sent again, not asked about")
        case _:
            assert_never(operation.verb)


def question(stripe: Stripe, kind: type[RecordT], asked: Call, deadline_s: float) -> Exchange[RecordT | Observation]:
    """One record, or the doubt that its absence leaves: a question that was not answered teaches nothing.

    The doubt says whether it may be asked ``again``, or would be refused as before.
    """
    answer = yield from ask_stripe(stripe, asked, deadline_s)
    if isinstance(answer, Observation):
        cause = answer.unknown or answer.not_sent
        unknown = answer.unknown.kind if answer.unknown else UnknownKind.TIMED_OUT
        return doubt(Source.QUERY, unknown, f"{asked.name} was not answered: {cause}", again=True)
    if not answer.ok:
        return _no_answer(asked, answer)
    try:
        return parsed(kind, answer.node)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"{asked.name}: {error}")


def _no_answer(asked: Call, answer: Answer) -> Observation:
    if verdict_of(answer).meaning is Meaning.ABSENT and asked.numbers:
        # it gave this number itself: what is wrong is the account or the mode, and money may have moved in that one
        return doubt(
            Source.QUERY,
            UnknownKind.MISMATCH,
            "merchant: Stripe does not know a number that it gave: is the key of the same account and mode?",
        )
    again = answer.status in _NOT_NOW or answer.status >= 500
    detail = f"{asked.name} was answered with status {answer.status}"
    return doubt(Source.QUERY, UnknownKind.PARTNER_FAULT, detail, again=again)


def intent_question(number: str) -> Call:
    """Ask about an intent, with its charge: what was given back stands there only."""
    return Call(name="payment_intents.retrieve", params={"expand": ["latest_charge"]}, numbers={INTENT: number})


def session_question(number: str) -> Call:
    """Ask about a session, with its intent and that one's charge."""
    params = {"expand": ["payment_intent.latest_charge"]}
    return Call(name="checkout.sessions.retrieve", params=params, numbers={SESSION: number})


def _ask_session(stripe: Stripe, number: str, deadline_s: float) -> Exchange[Observation]:
    now = (yield from exchange.now()).utc
    session = yield from question(stripe, StripeSession, session_question(number), deadline_s)
    if isinstance(session, Observation):
        return session
    foreign = another_mode(stripe.config.live, session.livemode, Source.QUERY)
    return foreign or _readable(lambda read: read_session(read, Source.QUERY, seen_at=now), session)


def _readable(read: Callable[[RecordT], Observation], record: RecordT) -> Observation:
    try:
        return read(record)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, str(error))


def _ask_intent(stripe: Stripe, operation: Operation, number: str, deadline_s: float) -> Exchange[Observation]:
    now = (yield from exchange.now()).utc
    intent = yield from question(stripe, StripeIntent, intent_question(number), deadline_s)
    if isinstance(intent, Observation):
        return intent
    foreign = another_mode(stripe.config.live, intent.livemode, Source.QUERY)
    if foreign is not None:
        return foreign
    way, key = operation.identity.get(WAY) or intent.metadata.get(WAY, ""), stripe.config.publishable_key
    told = bind(
        operation,
        _readable(lambda read: read_intent(read, Source.QUERY, way=way, seen_at=now, publishable_key=key), intent),
    )
    if way != DIRECT or told.unknown is not None:
        return told
    if told.state is State.DOUBT:
        return (yield from _unconfirmed(stripe, operation, told, now, deadline_s))
    if intent.status == IntentStatus.REQUIRES_PAYMENT_METHOD.value:
        return (yield from _refused(stripe, operation, told, deadline_s))
    return told


def _unconfirmed(
    stripe: Stripe, operation: Operation, told: Observation, now: datetime, deadline_s: float
) -> Exchange[Observation]:
    """Made, and the confirmation has not arrived. Inside its time it may be sent again; after it, it is fenced.

    Where a key is spent it is never sent again: the intent is ended at once, so that another attempt can open.
    """
    if _is_spent(operation):
        waiting = UnknownCause(UnknownKind.PARTNER_FAULT, "Stripe answers 500 for good to what would confirm it")
        ended = replace(told, state=State.DECLINED, reason=Reason.PARTNER_UNAVAILABLE, partner_code="500")
        return (yield from _end(stripe, operation, ended, replace(told, unknown=waiting), deadline_s))
    if operation.payable_until is not None and now >= operation.payable_until:
        cause = UnknownCause(UnknownKind.INTERRUPTED, "made but not confirmed, and its time is over")
    else:
        cause = UnknownCause(UnknownKind.NOT_FOUND, "made, and Stripe has seen no confirmation yet")
    return replace(told, unknown=cause)


def _is_spent(operation: Operation) -> bool:
    return any(name.startswith(BURNT) for name in operation.ids)


def _refused(stripe: Stripe, operation: Operation, told: Observation, deadline_s: float) -> Exchange[Observation]:
    """The payment method was refused. Nobody but us can try another one, unless the client secret is outside.

    It is outside once an action was handed out: Stripe adds it to the address that the payer's browser returns to. The
    intent is then ended before the attempt is called over.
    """
    over = replace(told, state=State.DECLINED)
    if operation.action is None and operation.state not in (State.ACTION, State.PENDING):
        return over
    return (yield from _end(stripe, operation, over, told, deadline_s))


def _end(
    stripe: Stripe, operation: Operation, over: Observation, otherwise: Observation, deadline_s: float
) -> Exchange[Observation]:
    """Cancel the intent: ``over`` when Stripe says that it is canceled, ``otherwise`` for anything else."""
    number = over.partner_id or ""
    asked = cancellation(number, {PAYMENT_REF: operation.partner_ref})
    answer = yield from ask_stripe(stripe, asked, deadline_s)
    if isinstance(answer, Observation) or not answer.ok:
        return otherwise
    try:
        ended = parsed(StripeIntent, answer.node)
    except Unreadable:
        return otherwise
    return over if ended.id == number and ended.status == IntentStatus.CANCELED.value else otherwise


def _look_for_intent(stripe: Stripe, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    """No number came back from its creation. Nobody can pay what that may have made: nothing was handed out."""
    if operation.identity.get(WAY) != PAGE:
        page = yield from question(stripe, Page[StripeIntent], search(operation.partner_ref), deadline_s)
        if isinstance(page, Page):
            for intent in page.data:
                if said(intent.metadata, intent.id) == operation.partner_ref:
                    return (yield from _ask_intent(stripe, operation, intent.id, deadline_s))
    if CONFLICT in operation.ids:
        # what the other request made may be paid, so that nothing is shown of it proves nothing
        unknown = other_parameters("payment_intents.create")
        return Observation(state=State.DOUBT, source=Source.QUERY, unknown=unknown)
    if _is_spent(operation):
        return Observation(
            state=State.DECLINED,
            source=Source.LOCAL,
            reason=Reason.PARTNER_UNAVAILABLE,
            partner_code="500",
            message="Stripe answers 500 to its creation for good; what it may have made was never handed out",
        )
    return doubt(Source.QUERY, UnknownKind.NOT_FOUND, "no number came back, and a search shows nothing")


def _not_seen(operation: Operation, now: datetime, detail: str) -> Observation:
    """Not there, as far as can be seen. Where the key is spent it is not called absent while it could be repeated."""
    spent = _is_spent(operation) and now < operation.created_at + KEY_LIFE / 2
    kind = UnknownKind.PARTNER_FAULT if spent else UnknownKind.NOT_FOUND
    if _is_spent(operation):
        detail += "; Stripe answers 500 to its idempotency key for good, so the key is spent"
    return doubt(Source.QUERY, kind, detail)


def _ask_capture(stripe: Stripe, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    number = operation.identity.get(INTENT, "")
    now = (yield from exchange.now()).utc
    intent = yield from question(stripe, StripeIntent, intent_question(number), deadline_s)
    if isinstance(intent, Observation):
        return intent
    told = another_mode(stripe.config.live, intent.livemode, Source.QUERY) or _readable(
        lambda read: read_capture(operation, read, Source.QUERY), intent
    )
    return _not_seen(operation, now, "the hold is not captured by this") if told.absent else told


def _ask_refund(stripe: Stripe, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    intent, number = operation.identity.get(INTENT, ""), operation.ids.get(REFUND)
    if number is not None:
        asked = Call(name="refunds.retrieve", numbers={REFUND: number})
        refund = yield from question(stripe, StripeRefund, asked, deadline_s)
        if isinstance(refund, Observation):
            return refund
        return _readable(lambda read: read_refund(read, Source.QUERY, intent=intent), refund)
    params = {"payment_intent": intent, "limit": _LONGEST_LIST}
    now = (yield from exchange.now()).utc
    page = yield from question(stripe, Page[StripeRefund], Call(name="refunds.list", params=params), deadline_s)
    if isinstance(page, Observation):
        return page
    found = next((item for item in page.data if said(item.metadata, item.id) == operation.partner_ref), None)
    if found is not None:
        return _readable(lambda read: read_refund(read, Source.QUERY, intent=intent), found)
    return _not_seen(operation, now, "the payment's refunds do not show it")


def _ask_payout(stripe: Stripe, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    number = operation.ids.get(PAYOUT)
    if number is not None:
        asked = Call(name="payouts.retrieve", numbers={PAYOUT: number})
        payout = yield from question(stripe, StripePayout, asked, deadline_s)
        if isinstance(payout, Observation):
            return payout
        foreign = another_mode(stripe.config.live, payout.livemode, Source.QUERY)
        return foreign or _readable(lambda read: read_payout(read, Source.QUERY), payout)
    since = int((operation.created_at - _CLOCKS_APART).timestamp())
    params: Mapping[str, object] = {"created": {"gte": since}, "limit": _LONGEST_LIST}
    now = (yield from exchange.now()).utc
    page = yield from question(stripe, Page[StripePayout], Call(name="payouts.list", params=params), deadline_s)
    if isinstance(page, Observation):
        return page
    found = next((item for item in page.data if said(item.metadata, item.id) == operation.partner_ref), None)
    if found is not None:
        return _readable(lambda read: read_payout(read, Source.QUERY), found)
    return _not_seen(operation, now, "the account's payouts do not show it")


def find(stripe: Stripe, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
    """Ask about an intent or a session that this journal never saw."""
    number = partner_id.value
    now = (yield from exchange.now()).utc
    record: StripeIntent | StripeSession | Observation
    if number.startswith("cs_"):
        record = yield from question(stripe, StripeSession, session_question(number), deadline_s)
    elif number.startswith("pi_"):
        record = yield from question(stripe, StripeIntent, intent_question(number), deadline_s)
    else:
        record = doubt(Source.QUERY, UnknownKind.NOT_FOUND, "a payment is a pi_... or a cs_...")
    match record:
        case StripeIntent():
            way = record.metadata.get(WAY, "")
            told = _readable(lambda read: read_intent(read, Source.QUERY, way=way, seen_at=now), record)
            live = record.livemode
        case StripeSession():
            told = _readable(lambda read: read_session(read, Source.QUERY, seen_at=now), record)
            live = record.livemode
        case Observation():
            return Found(partner_ref=None, observation=record)
    if record.id != number:
        told = doubt(Source.QUERY, UnknownKind.MISMATCH, f"number: asked for {number}, the answer is about {record.id}")
    told = another_mode(stripe.config.live, live, Source.QUERY) or told
    return Found(partner_ref=told.partner_ref if told.unknown is None else None, observation=told)
