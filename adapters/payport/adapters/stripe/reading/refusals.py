"""What a refusal teaches: final, to be asked about, or of another request."""

from __future__ import annotations

from typing import assert_never

from payport.adapters.stripe.calls import CONFLICT, Answer, Call
from payport.adapters.stripe.mapping import IntentStatus, Meaning, Verdict, verdict
from payport.adapters.stripe.planning import INTENT
from payport.adapters.stripe.reading.fields import Unreadable, money, parsed, said
from payport.adapters.stripe.wire import StripeFailure, StripeIntent
from payport.schemas.outcome import UnknownCause, UnknownKind
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt


def failure_of(answer: Answer) -> StripeFailure | None:
    """The ``error`` of a refusal; ``None`` when there is none that can be read."""
    try:
        return parsed(StripeFailure, answer.node.get("error"))
    except Unreadable:
        return None


def verdict_of(answer: Answer) -> Verdict:
    """What the refusal means."""
    failure = failure_of(answer)
    if failure is None:
        return verdict(answer.status, None, None, None, answer.advice)
    return verdict(answer.status, failure.type, failure.code, failure.decline_code, answer.advice)


def intent_of(answer: Answer) -> StripeIntent | None:
    """The intent that a refusal shows: a decline still made one."""
    failure = failure_of(answer)
    if failure is None or failure.payment_intent is None:
        return None
    try:
        return parsed(StripeIntent, failure.payment_intent)
    except Unreadable:
        return None


def refusal(asked: Call, answer: Answer) -> Observation:
    """What the refusal of a call teaches about its operation."""
    failure, found = failure_of(answer), verdict_of(answer)
    code = (failure.decline_code or failure.code or failure.type) if failure is not None else str(answer.status)
    detail = f"{asked.name}: status {answer.status} {code}"
    if failure is None and found.meaning is Meaning.REFUSED and answer.status not in (401, 403, 429):
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: status {answer.status} without an error")
    match found.meaning:
        case Meaning.UNKNOWN:
            return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, detail, again=found.again)
        case Meaning.CONFLICT:
            return Observation(
                state=State.DOUBT, source=Source.REPLY, unknown=other_parameters(asked.name), ids={CONFLICT: "1"}
            )
        case Meaning.REFUSED | Meaning.ABSENT | Meaning.MOVED_ON:
            return _declined(answer, found, code, failure)
        case _:
            assert_never(found.meaning)


def other_parameters(name: str) -> UnknownCause:
    """What a key that stands for something else leaves in doubt: the other request may have been paid."""
    detail = f"key: Stripe keeps the key of {name} with other parameters: another journal used this reference"
    return UnknownCause(UnknownKind.MISMATCH, detail)


def _declined(answer: Answer, found: Verdict, code: str, failure: StripeFailure | None) -> Observation:
    refused = Observation(
        state=State.DECLINED,
        source=Source.REPLY,
        reason=found.reason,
        partner_code=code,
        message=((failure.message if failure is not None else None) or "")[:200],
        again=found.again,
    )
    intent = intent_of(answer)
    if intent is None:
        return refused
    if intent.status not in (IntentStatus.REQUIRES_PAYMENT_METHOD.value, IntentStatus.CANCELED.value):
        return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"refused ({code}), and the intent is {intent.status}")
    try:
        amount = money(intent.amount, intent.currency)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, str(error))
    return Observation(
        state=refused.state,
        source=refused.source,
        reason=refused.reason,
        partner_code=refused.partner_code,
        message=refused.message,
        again=refused.again,
        partner_ref=said(intent.metadata, intent.id),
        partner_id=intent.id,
        amount=amount,
        ids={INTENT: intent.id},
        native=intent,
    )
