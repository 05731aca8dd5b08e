"""Carry out one step: which call, and what its answer teaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.adapters.adyen.calls import Answer, Call, ask_adyen
from payport.adapters.adyen.cancelling import carry_out_cancel
from payport.adapters.adyen.reading import (
    Unreadable,
    parsed,
    read_link,
    read_modification,
    read_payment,
    read_result,
    read_session,
    refusal,
)
from payport.adapters.adyen.wire import AdyenLink, AdyenPayment, AdyenSessionRecord, Modification, SessionResult
from payport.schemas.outcome import UnknownKind
from payport.sdk.calling import kept
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.adyen.adapter import Adyen


def perform(adyen: Adyen, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
    """Send one step."""
    sends = kept(step)
    if isinstance(sends, Observation):
        return sends
    asked = Call.decode(sends)
    if operation.verb is Verb.CANCEL:
        return (yield from carry_out_cancel(adyen, operation, asked, deadline_s))
    answer = yield from ask_adyen(adyen, asked, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if answer.ok:
        return read(adyen, operation, asked, answer)
    told = refusal(asked, answer)
    if asked.name in ("payments.details", "sessions.get") and told.state is State.DECLINED:
        return _not_good(asked, answer, told)
    return told


def _not_good(asked: Call, answer: Answer, told: Observation) -> Observation:
    """A refusal of what the browser brought back says nothing of the payment: the payer may still come with better."""
    if answer.status in (400, 422):
        return Observation(state=State.ACTION, source=Source.REPLY, message=told.message)
    detail = f"{asked.name} was refused ({told.partner_code}): the webhook tells how it ended"
    return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, detail)


def _read_details(operation: Operation, payment: AdyenPayment) -> Observation:
    """What the browser brought back may be another payment's: an end counts only with the reference that it is of."""
    told = read_payment(operation, payment)
    if told.state.final and told.partner_ref is None:
        detail = "reference: the answer does not say which payment it is about; the webhook tells how it ended"
        return doubt(Source.REPLY, UnknownKind.MISMATCH, detail)
    return told


def read(adyen: Adyen, operation: Operation, asked: Call, answer: Answer) -> Observation:
    """What a successful answer teaches."""
    account = adyen.config
    try:
        match asked.name:
            case "payments":
                return read_payment(operation, parsed(AdyenPayment, answer.node))
            case "payments.details":
                return _read_details(operation, parsed(AdyenPayment, answer.node))
            case "paymentLinks":
                return read_link(account, asked, parsed(AdyenLink, answer.node))
            case "sessions":
                return read_session(account, asked, parsed(AdyenSessionRecord, answer.node))
            case "sessions.get":
                return read_result(operation, parsed(SessionResult, answer.node))
            case "payments.captures" | "payments.refunds":
                return read_modification(account, asked, parsed(Modification, answer.node))
            case _:
                return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name} is no step that this version knows")
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: {error}")
