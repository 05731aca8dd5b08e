"""Webhooks: authentic over the raw bytes, fresh, addressed to this account, then read. Any 2xx is the answer.

Sources: Stripe's documentation, "webhooks" and "types of events".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from payport.adapters.stripe import asking
from payport.adapters.stripe.planning import REF, REVERSES, WAY
from payport.adapters.stripe.reading.fields import Unreadable, instant, money, number_of, parsed, said
from payport.adapters.stripe.reading.intents import read_intent
from payport.adapters.stripe.reading.refunds import read_payout, read_refund
from payport.adapters.stripe.reading.sessions import read_session
from payport.adapters.stripe.signing import MalformedHeader, is_authentic, is_fresh, parse_header
from payport.adapters.stripe.wire import (
    StripeCharge,
    StripeDispute,
    StripeEvent,
    StripeIntent,
    StripePayout,
    StripeRefund,
    StripeSession,
)
from payport.schemas.events import Acknowledgement, Event, EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk import exchange
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.strict_json import MalformedJson, parse_object

if TYPE_CHECKING:
    from payport.adapters.stripe.adapter import Stripe

ACCEPTED = Acknowledgement(status=200, content_type="text/plain", body=b"received")
REFUSED = Acknowledgement(status=400, content_type="text/plain", body=b"refused")
AGAIN = Acknowledgement(status=503, content_type="text/plain", body=b"try again")
HEADER = "stripe-signature"
LOOK_UP_S = 5.0
"""How long a dispute's payment is looked for: Stripe waits for an acknowledgement some ten seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What an event says, before it is an :class:`Opened`."""

    kind: EventKind
    status: str
    number: str | None = None
    reference: str | None = None
    amount: Money | None = None
    lessons: tuple[tuple[str, Observation], ...] = ()


def open_notice(stripe: Stripe, raw: RawNotification) -> Exchange[Opened | Rejected]:
    """An event that Stripe signed for this account, or why it is refused.

    The time stamp may be five minutes off in either direction: one from the future is as false as an old one.
    """
    header = next((value for name, value in raw.headers.items() if name.lower() == HEADER), "")
    if not header:
        return _rejected(RejectedKind.UNSIGNED, "the notification carries no Stripe-Signature")
    if not stripe.config.webhook_secrets:
        return _rejected(RejectedKind.BAD_SIGNATURE, "no webhook secret is configured, so nothing can be believed")
    try:
        signature = parse_header(header)
    except MalformedHeader as error:
        return _rejected(RejectedKind.MALFORMED, str(error))
    now = yield from exchange.now()
    if not is_authentic(signature, raw.body, [secret.reveal() for secret in stripe.config.webhook_secrets]):
        yield from exchange.emit(SignatureFailed(partner=stripe.partner, account=stripe.account, endpoint="notice"))
        detail = (
            "no signature fits: the secret is another endpoint's, or the body is not the raw one; hand it over before "
            "any framework has parsed or decoded it"
        )
        return _rejected(RejectedKind.BAD_SIGNATURE, detail)
    if not is_fresh(signature, now.utc.timestamp()):
        return _rejected(
            RejectedKind.STALE, "it was signed more than five minutes from now: a replay, or a wrong clock"
        )
    try:
        node = parse_object(raw.body)
        if node.get("object") == "v2.core.event":
            return _rejected(RejectedKind.MALFORMED, "a thin event (v2): subscribe the endpoint to snapshot events")
        event = parsed(StripeEvent, node)
    except (MalformedJson, Unreadable) as error:
        return _rejected(RejectedKind.MALFORMED, f"authentic, but no event: {error}")
    foreign = _foreign(stripe, event)
    if foreign is not None:
        return _rejected(RejectedKind.WRONG_ACCOUNT, foreign)
    if event.type.startswith("charge.dispute."):
        return (yield from _dispute(stripe, event))
    return _opened(event, _read(stripe, event))


def _rejected(kind: RejectedKind, detail: str, acknowledgement: Acknowledgement = REFUSED) -> Rejected:
    return Rejected(kind=kind, detail=detail, acknowledgement=acknowledgement)


def _foreign(stripe: Stripe, event: StripeEvent) -> str | None:
    """Why an authentic event is not for this account."""
    config = stripe.config
    if event.livemode is not config.live:
        return f"it is of {'live' if event.livemode else 'test'} mode"
    if config.connected and event.account != config.account_id:
        return f"it is about account {event.account or 'of the platform itself'}"
    if not config.connected and event.account not in (None, config.account_id):
        return f"it is about the connected account {event.account}"
    return None


def _opened(event: StripeEvent, told: _Told) -> Opened:
    return Opened(
        event=Event(
            kind=told.kind,
            id=event.id,
            partner_ref=told.reference,
            partner_id=PartnerId(told.number) if told.number else None,
            status=told.status,
            amount=told.amount,
            occurred_at=instant(event.created),
        ),
        lessons=told.lessons,
        acknowledgement=ACCEPTED,
    )


def _read(stripe: Stripe, event: StripeEvent) -> _Told:
    """What the event's record says. Authentic but not understood: kept, its order left in doubt so that it is asked."""
    for prefix, reader in _READERS.items():
        if event.type.startswith(prefix):
            try:
                return reader(stripe, event)
            except Unreadable as error:
                return _unread(event, str(error))
    number = number_of(event.data.record)
    return _Told(kind=EventKind.OTHER, status=event.type, number=number)


def _unread(event: StripeEvent, problem: str) -> _Told:
    node = event.data.record
    metadata = node.get("metadata")
    found = metadata.get(REF) if isinstance(metadata, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - any JSON
    reference = found if isinstance(found, str) and found else None
    unreadable = doubt(Source.NOTICE, UnknownKind.UNREADABLE, f"notice {event.type}: {problem}")
    return _Told(
        kind=EventKind.OTHER,
        status=event.type,
        number=number_of(node),
        reference=reference,
        lessons=((reference, unreadable),) if reference else (),
    )


def _taught(kind: EventKind, status: str | None, lesson: Observation, *, about: str | None = None) -> _Told:
    """An event with one lesson, about the operation whose reference it says."""
    reference = about or lesson.partner_ref
    return _Told(
        kind=kind,
        status=status or "",
        number=lesson.partner_id,
        reference=reference,
        amount=lesson.amount,
        lessons=((reference, lesson),) if reference else (),
    )


def _intent(stripe: Stripe, event: StripeEvent) -> _Told:
    intent = parsed(StripeIntent, event.data.record)
    way = intent.metadata.get(WAY, "")
    lesson = read_intent(intent, Source.NOTICE, way=way, publishable_key=stripe.config.publishable_key)
    kind = EventKind.AUTHORIZATION if intent.status == "requires_capture" else EventKind.PAYMENT
    # an intent that is only made teaches its number, which may be all that a lost answer left to learn
    return _taught(kind, intent.status, lesson, about=said(intent.metadata, intent.id))


def _session(_: Stripe, event: StripeEvent) -> _Told:
    session = parsed(StripeSession, event.data.record)
    lesson = read_session(session, Source.NOTICE)
    if event.type == "checkout.session.async_payment_failed" and lesson.state is State.PENDING:
        lesson = doubt(Source.NOTICE, UnknownKind.INTERRUPTED, "the payment failed after the page was used")
    about = session.client_reference_id or session.id
    return _taught(EventKind.PAYMENT, session.payment_status, lesson, about=about)


def _refund(_: Stripe, event: StripeEvent) -> _Told:
    refund = parsed(StripeRefund, event.data.record)
    lesson = read_refund(refund, Source.NOTICE, intent=None)
    if REVERSES in (refund.metadata or {}):
        # it ends a cancel; how much was left to give back is Stripe's to say
        by = CancelledBy.REVERSED if lesson.state is State.SUCCEEDED else None
        lesson = replace(lesson, amount=None, cancelled_by=by)
    return _taught(EventKind.REFUND, refund.status, lesson, about=said(refund.metadata, refund.id))


def _payout(_: Stripe, event: StripeEvent) -> _Told:
    payout = parsed(StripePayout, event.data.record)
    lesson = read_payout(payout, Source.NOTICE)
    return _taught(EventKind.PAYOUT, payout.status, lesson, about=said(payout.metadata, payout.id))


def _charge(_: Stripe, event: StripeEvent) -> _Told:
    """A charge carries the metadata of its intent: what was given back so far is a fact beside the payment."""
    charge = parsed(StripeCharge, event.data.record)
    number, at = number_of(charge.payment_intent), instant(event.created)
    total = money(charge.amount_refunded, charge.currency)
    told = _Told(
        kind=EventKind.REFUND if event.type == "charge.refunded" else EventKind.PAYMENT,
        status=event.type,
        number=number or charge.id,
        reference=said(charge.metadata, number or charge.id),
        amount=total if event.type == "charge.refunded" else money(charge.amount, charge.currency),
    )
    if event.type != "charge.refunded" or charge.amount_captured < charge.amount or at is None:
        return told  # what was held and not captured is "refunded" too when it is let go
    fact = Fact(kind=FactKind.REFUNDED, at=at, amount=total, detail="refunded so far, in all")
    lesson = Observation(state=State.PENDING, source=Source.NOTICE, facts=(fact,))
    return _Told(
        kind=told.kind,
        status=told.status,
        number=told.number,
        reference=told.reference,
        amount=told.amount,
        lessons=((told.reference or "", lesson),),
    )


_READERS: Mapping[str, Callable[[Stripe, StripeEvent], _Told]] = {
    "payment_intent.": _intent,
    "checkout.session.": _session,
    "refund.": _refund,
    "charge.refund.updated": _refund,
    "charge.": _charge,
    "payout.": _payout,
}
"""By the beginning of an event's type; the first that fits."""


def _dispute(stripe: Stripe, event: StripeEvent) -> Exchange[Opened | Rejected]:
    """A dispute names the payment by Stripe's number alone: the intent tells which of ours it is."""
    try:
        dispute = parsed(StripeDispute, event.data.record)
        amount = money(dispute.amount, dispute.currency)
    except Unreadable as error:
        return _opened(event, _unread(event, str(error)))
    number = number_of(dispute.payment_intent)
    told = _Told(kind=EventKind.DISPUTE, status=dispute.status, number=number or dispute.id, amount=amount)
    if number is None:
        return _opened(event, told)
    now = yield from exchange.now()
    intent = yield from asking.question(
        stripe, StripeIntent, asking.intent_question(number), now.monotonic_s + LOOK_UP_S
    )
    if isinstance(intent, Observation):
        kind = None if intent.unknown is None else intent.unknown.kind
        if kind is UnknownKind.MISMATCH or (kind is UnknownKind.PARTNER_FAULT and not intent.again):
            return _opened(event, told)  # asking again would be refused again
        return _rejected(RejectedKind.NOT_STORED, "authentic; its payment could not be looked up now", AGAIN)
    reference, at = said(intent.metadata, intent.id), instant(event.created)
    lessons: tuple[tuple[str, Observation], ...] = ()
    if event.type == "charge.dispute.created" and at is not None:
        detail = f"{dispute.reason or 'no reason given'}: {dispute.status}"
        fact = Fact(kind=FactKind.DISPUTED, at=at, amount=amount, partner_id=PartnerId(dispute.id), detail=detail)
        lessons = ((reference, Observation(state=State.PENDING, source=Source.NOTICE, facts=(fact,))),)
    return _opened(
        event,
        _Told(
            kind=EventKind.DISPUTE,
            status=dispute.status,
            number=number,
            reference=reference,
            amount=amount,
            lessons=lessons,
        ),
    )
