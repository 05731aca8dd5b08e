"""Notifications: decoded once, authentic, addressed to us, then read. Any answer with status 200 is an acknowledgement.

A notice posted by UnionPay (``backUrl``) and one carried by the browser (``frontUrl``) are signed alike and read alike.
Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from payport.adapters.unionpay import signing
from payport.adapters.unionpay.cancelling import cancelled_by
from payport.adapters.unionpay.envelope import Answer, is_for_another, why_not_authentic
from payport.adapters.unionpay.forms import MalformedMessage, codec_of, parse_notice
from payport.adapters.unionpay.mapping import DEFECTIVE, Meaning, verdict
from payport.adapters.unionpay.planning import (
    BY_CANCEL,
    COMPLETION,
    COMPLETION_UNDO,
    CONSUME,
    PRE_AUTH,
    PRE_AUTH_UNDO,
    REFUND,
    REVERSAL,
    SCANNED,
    UNDO,
)
from payport.adapters.unionpay.questions import question
from payport.adapters.unionpay.reading import Unreadable, at_of, money, outcome, parsed
from payport.adapters.unionpay.wire import UnionPayTransaction
from payport.schemas.events import Acknowledgement, Event, EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.references import PartnerId
from payport.sdk import exchange
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.unionpay.adapter import UnionPay

ACCEPTED = Acknowledgement(status=200, content_type="text/plain", body=b"ok")
REFUSED = Acknowledgement(status=400, content_type="text/plain", body=b"refused")
ASK_S = 5.0
"""How long a defective success may take to be confirmed: UnionPay gives up on a receiver after about ten seconds."""

_KINDS = {
    CONSUME: EventKind.PAYMENT,
    PRE_AUTH: EventKind.AUTHORIZATION,
    COMPLETION: EventKind.PAYMENT,
    REFUND: EventKind.REFUND,
    UNDO: EventKind.REFUND,
    PRE_AUTH_UNDO: EventKind.AUTHORIZATION,
    COMPLETION_UNDO: EventKind.REFUND,
    REVERSAL: EventKind.REFUND,
}
"""What ``txnType`` says a notice is about."""


def open_notice(unionpay: UnionPay, raw: RawNotification) -> Exchange[Opened | Rejected]:
    """A notification that UnionPay signed for this merchant, or why it is refused.

    UnionPay signs no time that could be checked: a notice is good as long as the certificate in it is, so the inbox,
    the comparison of number, time and amount, and the forward-only states keep an old one from doing harm.
    """
    try:
        readings = _readings(raw)
    except MalformedMessage as error:
        return _rejected(
            RejectedKind.MALFORMED,
            f"{error}; hand over the raw request body, before any framework has parsed or decoded it",
        )
    fields = readings[0]
    if signing.SIGNATURE not in fields:
        return _rejected(RejectedKind.UNSIGNED, "the notification carries no signature")
    now = (yield from exchange.now()).utc
    problem: str | None = None
    for fields in readings:
        problem = why_not_authentic(unionpay, fields, codec_of(fields.get("encoding", "UTF-8")) or "", now)
        if problem is None:
            break
    if problem is not None:
        yield from exchange.emit(SignatureFailed(partner=unionpay.partner, account=unionpay.account, endpoint="notice"))
        return _rejected(RejectedKind.BAD_SIGNATURE, problem)
    if fields.get("merId") != unionpay.config.mer_id:
        return _rejected(RejectedKind.WRONG_ACCOUNT, f"it is addressed to merchant {fields.get('merId')}")
    if is_for_another(unionpay.config, fields):
        return _rejected(RejectedKind.WRONG_ACCOUNT, f"it is addressed to sub-merchant {fields.get('subMerId')}")
    try:
        record = parsed(fields)
        lessons, amount = _lessons(record, now), money(record)
    except Unreadable as error:
        return _unread(fields, str(error))
    settles = any(told.state in (State.SUCCEEDED, State.AUTHORIZED) for _, told in lessons)
    if settles and record.resp_code == DEFECTIVE and not (yield from _is_confirmed(unionpay, fields)):
        # pending, so that it is asked about
        lessons = tuple(
            (reference, replace(told, state=State.PENDING, cancelled_by=None)) for reference, told in lessons
        )
    return _opened(record, lessons, amount)


def _readings(raw: RawNotification) -> list[dict[str, str]]:
    """What was posted; and, where that may be what a framework has merged, without what the address itself carries.

    An address may carry what UnionPay signs as well: ``?merId=...``, to tell merchants apart.
    """
    whole, own = parse_notice(raw.body), parse_notice(raw.body, raw.query)
    return [whole] if own == whole else [whole, own]


def _is_confirmed(unionpay: UnionPay, fields: Mapping[str, str]) -> Exchange[bool]:
    """Whether UnionPay says when asked, too, that this very transaction happened."""
    now = yield from exchange.now()
    answer = yield from question(unionpay, fields["orderId"], fields.get("txnTime", ""), now.monotonic_s + ASK_S)
    if not isinstance(answer, Answer) or answer.meaning is not Meaning.DONE:
        return False
    found = verdict(answer.fields.get("origRespCode", ""))
    same = all(answer.fields.get(name) == fields.get(name) for name in ("txnType", "txnAmt", "queryId"))
    return same and found is not None and found.meaning in (Meaning.DONE, Meaning.FLAGGED)


def _rejected(kind: RejectedKind, detail: str) -> Rejected:
    return Rejected(kind=kind, detail=detail, acknowledgement=REFUSED)


def _lessons(record: UnionPayTransaction, now: datetime) -> tuple[tuple[str, Observation], ...]:
    kind = record.txn_type
    if kind not in _KINDS or record.order_id is None:
        return ()
    if kind == REVERSAL:
        # it bears the payment's own number: what it means for the payment is asked, not guessed
        told = doubt(Source.NOTICE, UnknownKind.UNKNOWN_STATUS, f"a reversal ended with {record.resp_code}")
        return ((record.order_id, told),)
    front = kind in (CONSUME, PRE_AUTH) and record.txn_sub_type not in SCANNED
    cancels = kind in (UNDO, PRE_AUTH_UNDO) or (kind == REFUND and record.req_reserved == BY_CANCEL)
    told = outcome(
        record,
        record.resp_code,
        record.resp_msg,
        Source.NOTICE,
        now,
        may_still_be_paid=front,
        cancels=cancelled_by(kind) if cancels else None,
    )
    return ((record.order_id, told),)


def _opened(record: UnionPayTransaction, lessons: tuple[tuple[str, Observation], ...], amount: Money | None) -> Opened:
    event = Event(
        kind=_KINDS.get(record.txn_type or "", EventKind.OTHER),
        id=_event_id(
            record.order_id, record.txn_time, record.txn_type, record.txn_sub_type, record.query_id, record.resp_code
        ),
        partner_ref=record.order_id,
        partner_id=PartnerId(record.query_id) if record.query_id else None,
        status=record.resp_code,
        amount=amount,
        occurred_at=at_of(record),
    )
    return Opened(event=event, lessons=lessons, acknowledgement=ACCEPTED)


def _unread(fields: dict[str, str], problem: str) -> Opened:
    """Authentic but not understood: kept, and the order it names is left in doubt, so that it is asked about."""
    reference = fields.get("orderId")
    unreadable = doubt(Source.NOTICE, UnknownKind.UNREADABLE, f"notice: {problem}")
    event = Event(
        kind=EventKind.OTHER,
        id=_event_id(reference, fields.get("txnTime"), fields.get("txnType"), fields.get(signing.SIGNATURE)),
        partner_ref=reference,
        partner_id=None,
        status=fields.get("respCode", ""),
        amount=None,
        occurred_at=None,
    )
    return Opened(event=event, lessons=((reference, unreadable),) if reference else (), acknowledgement=ACCEPTED)


def _event_id(*parts: str | None) -> str:
    return "/".join(part or "" for part in parts)
