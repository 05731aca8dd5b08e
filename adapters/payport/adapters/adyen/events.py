"""What each event of a standard webhook teaches. An event names a reference; whom it concerns the journal tells.

Sources: Adyen's documentation, "webhook types" and the page of each event; its OpenAPI document of webhooks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from payport.adapters.adyen.cancelling import ABSENT, DONE, HEARD, IF_PAID, REFUSE, REFUSED, REVERSE
from payport.adapters.adyen.planning import (
    AUTOMATIC,
    DIRECT,
    LINK_WAY,
    MANUAL,
    PSP,
    SESSION_WAY,
    TAKE,
    WAY,
)
from payport.adapters.adyen.reading import Unreadable, instant, money
from payport.adapters.adyen.wire import NotificationItem
from payport.schemas.events import EventKind
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownCause, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk.journal.records import State
from payport.sdk.observation import LET_GO, Observation, Source, doubt

Lesson = tuple[str, Observation]

_KINDS: dict[EventKind, str] = {
    EventKind.PAYMENT: (
        "AUTHORISATION CANCELLATION TECHNICAL_CANCEL CANCEL_OR_REFUND CAPTURE CAPTURE_FAILED OFFER_CLOSED PENDING "
        "ORDER_OPENED ORDER_CLOSED HANDLED_EXTERNALLY MANUAL_REVIEW_ACCEPT MANUAL_REVIEW_REJECT AUTORESCUE "
        "CANCEL_AUTORESCUE"
    ),
    EventKind.AUTHORIZATION: "AUTHORISATION_ADJUSTMENT EXPIRE",
    EventKind.REFUND: "REFUND REFUND_FAILED REFUND_WITH_DATA REFUNDED_REVERSED POSTPONED_REFUND VOID_PENDING_REFUND",
    EventKind.PAYOUT: "PAYOUT_THIRDPARTY PAYOUT_DECLINE PAYOUT_EXPIRE PAIDOUT_REVERSED",
    EventKind.DISPUTE: (
        "CHARGEBACK CHARGEBACK_REVERSED NOTIFICATION_OF_CHARGEBACK NOTIFICATION_OF_FRAUD SECOND_CHARGEBACK "
        "REQUEST_FOR_INFORMATION INFORMATION_SUPPLIED PREARBITRATION_WON PREARBITRATION_LOST DISPUTE_OPENED "
        "DISPUTE_DEFENSE_PERIOD_ENDED ISSUER_COMMENTS ISSUER_RESPONSE_TIMEFRAME_EXPIRED"
    ),
    EventKind.OTHER: "REPORT_AVAILABLE RECURRING_CONTRACT",
}
EVENTS = {code: kind for kind, codes in _KINDS.items() for code in codes.split()}
"""Every event code that is known, with its kind. Others are kept, acknowledged, and teach nothing."""

DISPUTED = frozenset({"CHARGEBACK", "NOTIFICATION_OF_CHARGEBACK", "SECOND_CHARGEBACK", "REQUEST_FOR_INFORMATION"})
NO_SUCH_PAYMENT = ("not found", "no payment", "unknown payment")
"""What a cancel by our own reference says when Adyen has no payment under it; other words are a refusal."""
ANY_TAKE = (AUTOMATIC, MANUAL)


def event_id(item: NotificationItem) -> str:
    """Stable over resends; a refusal and a success of one number are two events, another amount is a third."""
    amount = f"{item.amount.value}{item.amount.currency}" if item.amount is not None else ""
    return f"{item.psp_reference}:{item.event_code}:{item.success}:{amount}"


def amount_of(item: NotificationItem) -> Money | None:
    """The amount; ``None`` when there is none, or one in money that nobody knows."""
    try:
        return money(item.amount)
    except Unreadable:
        return None


def lessons_of(item: NotificationItem, now: datetime) -> tuple[Lesson, ...]:
    """What an item teaches: nothing but a doubt when its amount is none."""
    reference = item.merchant_reference
    if not reference:
        return ()
    if item.amount is not None and amount_of(item) is None:
        return ((reference, doubt(Source.NOTICE, UnknownKind.UNREADABLE, f"{item.event_code}: an amount is none")),)
    return tuple((reference, lesson) for lesson in _lessons(item, reference, now))


def _lessons(item: NotificationItem, reference: str, now: datetime) -> Iterator[Observation]:
    amount, done, at = money(item.amount), item.success == "true", instant(item.event_date)
    match item.event_code:
        case "AUTHORISATION":
            yield from _authorisation(item, reference, amount, at)
        case "CAPTURE" | "REFUND" | "REFUND_WITH_DATA":
            yield _modified(item, reference, amount, State.SUCCEEDED if done else State.DECLINED, at)
            if done and item.event_code != "CAPTURE":
                yield from _elsewhere(FactKind.REFUNDED, item, amount, at or now)
        case "CANCELLATION":
            yield from _cancelled(item, reference, amount, CancelledBy.VOIDED, done=done)
            if done:
                yield from _elsewhere(FactKind.RELEASED, item, None, at or now)
        case "CANCEL_OR_REFUND":
            yield from _cancelled(item, reference, amount, CancelledBy.REVERSED, done=done)
            if done:
                refunded = (item.additional_data or {}).get("modification.action") == "refund"
                kind = FactKind.REFUNDED if refunded else FactKind.RELEASED
                yield from _elsewhere(kind, item, amount if refunded else None, at or now)
        case "TECHNICAL_CANCEL":
            yield from _cancelled_by_reference(item, reference, at, now, done=done)
        case _ if done:
            yield from _later(item, reference, amount, at or now)
        case _:
            return


def _later(item: NotificationItem, reference: str, amount: Money | None, at: datetime) -> Iterator[Observation]:
    """What happens by itself, after what was asked for is done."""
    match item.event_code:
        case "REFUND_FAILED" | "REFUNDED_REVERSED":
            yield _modified(item, reference, amount, State.DECLINED, at)
            # a reversal's own refund: how much it was is Adyen's to say
            yield replace(_modified(item, reference, None, State.DECLINED, at), concerns={IF_PAID: REVERSE})
            yield from _elsewhere(FactKind.REFUND_BOUNCED, item, amount, at)
        case "CAPTURE_FAILED":
            yield _fact(FactKind.CAPTURE_REVERSED, item, amount, at)
        case "EXPIRE":
            fact = Fact(kind=FactKind.RELEASED, at=at, detail="the rest of the authorisation expired")
            yield Observation(state=State.PENDING, source=Source.NOTICE, facts=(fact,), concerns={TAKE: MANUAL})
        case "OFFER_CLOSED":
            yield _declined(item, reference, amount, Reason.CLOSED, {WAY: DIRECT})
        case code if code in DISPUTED:
            yield _fact(FactKind.DISPUTED, item, amount, at)
        case _:
            return


def _authorisation(
    item: NotificationItem, reference: str, amount: Money | None, at: datetime | None
) -> Iterator[Observation]:
    """Of a page, a refusal is one try: the payer may choose another way."""
    if amount is None:
        cause = UnknownCause(UnknownKind.MISMATCH, "amount: the webhook says none")
        for take in ANY_TAKE:
            yield Observation(state=State.DOUBT, source=Source.NOTICE, unknown=cause, concerns={TAKE: take})
        return
    if item.success != "true":
        yield _declined(item, reference, amount, Reason.DECLINED, {WAY: DIRECT})
        for way in (LINK_WAY, SESSION_WAY):
            yield Observation(
                state=State.ACTION,
                source=Source.NOTICE,
                partner_ref=reference,
                amount=amount,
                reason=Reason.DECLINED,
                message=_words(item),
                concerns={WAY: way},
            )
        return
    for take, state in ((AUTOMATIC, State.SUCCEEDED), (MANUAL, State.AUTHORIZED)):
        yield Observation(
            state=state,
            source=Source.NOTICE,
            partner_ref=reference,
            amount=amount,
            partner_id=item.psp_reference,
            counted_by=PSP,
            ids={PSP: item.psp_reference},
            at=at,
            concerns={TAKE: take},
        )


def _declined(
    item: NotificationItem, reference: str, amount: Money | None, reason: Reason, concerns: dict[str, str]
) -> Observation:
    return Observation(
        state=State.DECLINED,
        source=Source.NOTICE,
        partner_ref=reference,
        amount=amount,
        reason=reason,
        partner_code=item.event_code,
        message=_words(item),
        concerns=concerns,
    )


def _modified(
    item: NotificationItem, reference: str, amount: Money | None, state: State, at: datetime | None
) -> Observation:
    """Concerns the modification whose own reference it says, of the payment whose number it says."""
    refused = state is State.DECLINED
    return Observation(
        state=state,
        source=Source.NOTICE,
        partner_ref=reference,
        amount=amount,
        partner_id=item.psp_reference,
        at=at,
        reason=Reason.DECLINED if refused else None,
        partner_code=item.event_code if refused else None,
        message=_words(item) if refused else "",
        concerns={PSP: item.original_reference or ""},
    )


def _cancelled(
    item: NotificationItem, reference: str, amount: Money | None, by: CancelledBy, *, done: bool
) -> Iterator[Observation]:
    for if_paid in (REFUSE, REVERSE):
        yield Observation(
            state=State.SUCCEEDED if done else State.DECLINED,
            source=Source.NOTICE,
            partner_ref=reference,
            amount=amount if done else None,
            cancelled_by=by if done else None,
            reason=None if done else Reason.INVALID_STATE,
            partner_code=None if done else item.event_code,
            message="" if done else _words(item),
            concerns={IF_PAID: if_paid},
        )


def _cancelled_by_reference(
    item: NotificationItem, reference: str, at: datetime | None, now: datetime, *, done: bool
) -> Iterator[Observation]:
    """A cancel by our own reference. The webhook says the payment's reference, or the cancel's own: both are taught."""
    words = (item.reason or "").lower()
    absent = not done and any(phrase in words for phrase in NO_SUCH_PAYMENT)
    if absent:
        cause = UnknownCause(UnknownKind.NOT_FOUND, "Adyen knows no payment under this reference yet")
        # a webhook may come days late: without its date it does not tell when there was none
        mark = {f"{ABSENT}{item.psp_reference}": min(at, now).isoformat()} if at is not None else {}
        for concerns in ({IF_PAID: REFUSE}, {IF_PAID: REVERSE}, {TAKE: AUTOMATIC}, {TAKE: MANUAL}):
            yield Observation(state=State.DOUBT, source=Source.NOTICE, unknown=cause, ids=mark, concerns=concerns)
        return
    yield from _cancelled(item, reference, None, CancelledBy.CLOSED, done=done)
    heard = {f"{HEARD}{item.psp_reference}": f"{now.isoformat()} {DONE if done else REFUSED}"}
    if done and item.original_reference:
        heard[f"{LET_GO}{item.original_reference}"] = item.psp_reference  # its own webhook may come later
    for take in ANY_TAKE:
        yield Observation(state=State.DOUBT, source=Source.NOTICE, ids=heard, concerns={TAKE: take})
    if done:
        for take in ANY_TAKE:
            yield Observation(
                state=State.DECLINED,
                source=Source.NOTICE,
                partner_ref=reference,
                cancelled_by=CancelledBy.CLOSED,
                reason=Reason.CLOSED,
                message="cancelled: closed",
                concerns={TAKE: take},
            )


def _elsewhere(kind: FactKind, item: NotificationItem, amount: Money | None, at: datetime) -> Iterator[Observation]:
    """What was done in the Customer Area, or without a reference of its own, names the payment: a fact beside it."""
    for take in ANY_TAKE:
        yield replace(_fact(kind, item, amount, at), state=State.DOUBT, concerns={TAKE: take})


def _fact(kind: FactKind, item: NotificationItem, amount: Money | None, at: datetime) -> Observation:
    """Beside the answer of whatever has this reference: a payment, or a capture."""
    number = PartnerId(item.psp_reference)
    fact = Fact(kind=kind, at=at, amount=amount, partner_id=number, detail=f"{item.event_code} {_words(item)}".strip())
    return Observation(state=State.PENDING, source=Source.NOTICE, facts=(fact,))


def _words(item: NotificationItem) -> str:
    return "" if item.reason in (None, "null") else item.reason[:200]
