"""Make sure that an attempt will not be paid: cancel the intent, expire the page, or give the money back.

A refusal because the record moved on is no answer yet: how it stands then is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from payport.adapters.stripe import asking
from payport.adapters.stripe.calls import CONFLICT, Answer, Call, ask_stripe
from payport.adapters.stripe.mapping import IntentStatus, Meaning, RefundStatus, SessionStatus
from payport.adapters.stripe.planning import (
    INTENT,
    PAYMENT_AMOUNT,
    PAYMENT_REF,
    REFUND,
    SESSION,
    cancellation,
    reversal,
)
from payport.adapters.stripe.reading.fields import Unreadable, known, number_of, parsed, said
from payport.adapters.stripe.reading.refusals import intent_of, other_parameters, refusal, verdict_of
from payport.adapters.stripe.wire import Page, StripeCharge, StripeIntent, StripeRefund, StripeSession
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.stripe.adapter import Stripe


def carry_out_cancel(stripe: Stripe, cancel: Operation, asked: Call, deadline_s: float) -> Exchange[Observation]:
    """Send the one step of a cancel, and read or ask what became of the attempt."""
    match asked.name:
        case "refunds.create":
            return (yield from _reverse(stripe, cancel, asked, deadline_s))
        case "checkout.sessions.expire":
            return (yield from _expire(stripe, cancel, asked, deadline_s))
        case "payment_intents.search":
            return (yield from _look(stripe, cancel, asked, deadline_s))
        case _:
            return (yield from _cancel(stripe, cancel, asked, deadline_s))


def _cancel(stripe: Stripe, cancel: Operation, asked: Call, deadline_s: float) -> Exchange[Observation]:
    answer = yield from ask_stripe(stripe, asked, deadline_s)
    if isinstance(answer, Observation):
        return answer
    intent = _intent_in(answer)
    if intent is None and not answer.ok and verdict_of(answer).meaning is not Meaning.MOVED_ON:
        return _refused(asked, answer)
    if intent is None or _may_have_been_held(asked, intent):
        number = asked.numbers[INTENT]
        found = yield from asking.question(stripe, StripeIntent, asking.intent_question(number), deadline_s)
        if isinstance(found, Observation):
            return found
        intent = found
    return (yield from _how_it_stands(stripe, cancel, asked, intent, deadline_s))


def _intent_in(answer: Answer) -> StripeIntent | None:
    if not answer.ok:
        return intent_of(answer)
    try:
        return parsed(StripeIntent, answer.node)
    except Unreadable:
        return None


def _refused(asked: Call, answer: Answer) -> Observation:
    """Stripe gave these numbers itself: not knowing one is no proof that there is nothing to pay."""
    if verdict_of(answer).meaning is Meaning.ABSENT:
        detail = "merchant: Stripe does not know a number that it gave: is the key of the same account and mode?"
        return doubt(Source.REPLY, UnknownKind.MISMATCH, detail)
    return refusal(asked, answer)


def _how_it_stands(
    stripe: Stripe, cancel: Operation, asked: Call, intent: StripeIntent, deadline_s: float
) -> Exchange[Observation]:
    """What a cancel amounts to, by the intent as it stands after it."""
    if said(intent.metadata, intent.id) != asked.notes.get(PAYMENT_REF):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another payment")
    if asked.numbers.get(INTENT, intent.id) != intent.id:
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another intent")
    if str(intent.amount) != asked.notes.get(PAYMENT_AMOUNT):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, f"amount: Stripe says {intent.amount}, not what was asked for")
    status = known(IntentStatus, intent.status)
    match status:
        case None:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"status {intent.status}")
        case IntentStatus.CANCELED:
            charge = intent.latest_charge
            held = "held" in asked.notes or (isinstance(charge, StripeCharge) and charge.paid)
            return _ended(CancelledBy.VOIDED if held else CancelledBy.CLOSED, intent.id, intent)
        case IntentStatus.SUCCEEDED if "reverse" in asked.notes:
            refund = reversal(cancel.partner_ref, intent.id, asked.notes)
            return (yield from _reverse(stripe, cancel, refund, deadline_s))
        case IntentStatus.SUCCEEDED | IntentStatus.PROCESSING:
            return Observation(
                state=State.DECLINED,
                source=Source.REPLY,
                reason=Reason.INVALID_STATE,
                partner_code=intent.status,
                message="it is paid" if status is IntentStatus.SUCCEEDED else "the money is on its way",
            )
        case (
            IntentStatus.REQUIRES_PAYMENT_METHOD
            | IntentStatus.REQUIRES_CONFIRMATION
            | IntentStatus.REQUIRES_ACTION
            | IntentStatus.REQUIRES_CAPTURE
        ):
            return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"still {intent.status} after the cancel")
        case _:
            assert_never(status)


def _may_have_been_held(asked: Call, intent: StripeIntent) -> bool:
    """Whether a hold that came through meanwhile may have been let go by the cancel: a refusal shows no charge."""
    over = intent.status == IntentStatus.CANCELED.value
    return over and isinstance(intent.latest_charge, str) and "held" not in asked.notes


def _ended(by: CancelledBy, number: str, native: object) -> Observation:
    return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=by, partner_id=number, native=native)


def _expire(stripe: Stripe, cancel: Operation, asked: Call, deadline_s: float) -> Exchange[Observation]:
    """End a page. One that was used is looked at: a hold is released, a payment given back if that was asked for."""
    answer = yield from ask_stripe(stripe, asked, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if not answer.ok and verdict_of(answer).meaning not in (Meaning.MOVED_ON, Meaning.REFUSED):
        return _refused(asked, answer)
    number = asked.numbers[SESSION]
    session = yield from asking.question(stripe, StripeSession, asking.session_question(number), deadline_s)
    if isinstance(session, Observation):
        return session
    if session.id != number or (session.client_reference_id or session.id) != asked.notes.get(PAYMENT_REF):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another page")
    intent = session.payment_intent
    if session.status == SessionStatus.EXPIRED.value:
        return _ended(CancelledBy.CLOSED, number, session)
    if session.status != SessionStatus.COMPLETE.value or not isinstance(intent, StripeIntent):
        return _refused(asked, answer) if not answer.ok else _still_open(session)
    if intent.status == IntentStatus.REQUIRES_CAPTURE.value:
        release = cancellation(intent.id, {**asked.notes, "held": "1"})
        return (yield from _cancel(stripe, cancel, release, deadline_s))
    release = cancellation(intent.id, asked.notes)
    return (yield from _how_it_stands(stripe, cancel, release, intent, deadline_s))


def _still_open(session: StripeSession) -> Observation:
    return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"the page is still {session.status} after being expired")


def _look(stripe: Stripe, cancel: Operation, asked: Call, deadline_s: float) -> Exchange[Observation]:
    """No number came back when it was made: look for it. What is not found may be there, and nobody can pay it."""
    page = yield from asking.question(stripe, Page[StripeIntent], asked, deadline_s)
    if isinstance(page, Page):
        for intent in page.data:
            if said(intent.metadata, intent.id) == asked.notes.get(PAYMENT_REF):
                found = cancellation(intent.id, asked.notes)
                return (yield from _cancel(stripe, cancel, found, deadline_s))
    if CONFLICT in asked.notes:
        return Observation(state=State.DOUBT, source=Source.REPLY, unknown=other_parameters(asked.name))
    return doubt(Source.REPLY, UnknownKind.NOT_FOUND, "Stripe shows no such intent")


def _reverse(stripe: Stripe, cancel: Operation, asked: Call, deadline_s: float) -> Exchange[Observation]:
    """Give a paid attempt's money back. Its first answer is kept by Stripe, so later ones are asked for by number."""
    number = cancel.ids.get(REFUND)
    if number is None:
        answer = yield from ask_stripe(stripe, asked, deadline_s)
        if isinstance(answer, Observation):
            return answer
        if not answer.ok:
            return (yield from _given_back(stripe, asked, answer, deadline_s))
        try:
            refund = parsed(StripeRefund, answer.node)
        except Unreadable as error:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: {error}")
        told = _reversed(cancel, asked, refund)
        if told.state is not State.PENDING:
            return told
        number = refund.id
    question = Call(name="refunds.retrieve", numbers={REFUND: number})
    found = yield from asking.question(stripe, StripeRefund, question, deadline_s)
    return found if isinstance(found, Observation) else _reversed(cancel, asked, found)


def _reversed(cancel: Operation, asked: Call, refund: StripeRefund) -> Observation:
    if number_of(refund.payment_intent) not in (None, asked.params["payment_intent"]):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another payment's refund")
    if said(refund.metadata, refund.id) != cancel.partner_ref:
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another refund")
    if refund.amount > int(asked.notes.get(PAYMENT_AMOUNT, "0")):
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "amount: more than what was paid")
    ids = {REFUND: refund.id}
    match known(RefundStatus, refund.status):
        case RefundStatus.SUCCEEDED:
            return replace(_ended(CancelledBy.REVERSED, refund.id, refund), ids=ids)
        case RefundStatus.PENDING | RefundStatus.REQUIRES_ACTION:
            return Observation(state=State.PENDING, source=Source.REPLY, ids=ids, message="the refund is on its way")
        case RefundStatus.FAILED | RefundStatus.CANCELED:
            return Observation(
                state=State.DECLINED, source=Source.REPLY, reason=Reason.DECLINED, partner_code=refund.failure_reason
            )
        case None:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"refund status {refund.status}")


def _given_back(stripe: Stripe, asked: Call, answer: Answer, deadline_s: float) -> Exchange[Observation]:
    """A refund is refused when there is nothing left to give back: then the charge says so."""
    if verdict_of(answer).meaning is not Meaning.MOVED_ON:
        return _refused(asked, answer)
    intent = str(asked.params["payment_intent"])
    told = yield from asking.question(stripe, StripeIntent, asking.intent_question(intent), deadline_s)
    if isinstance(told, Observation):
        return told
    charge = told.latest_charge
    if charge is None or isinstance(charge, str) or not charge.refunded:
        return refusal(asked, answer)
    return _ended(CancelledBy.REVERSED, intent, told)
