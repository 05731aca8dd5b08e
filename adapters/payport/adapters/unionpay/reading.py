"""From an authentic answer or notice to what it teaches about an operation.

Source: UnionPay's ACP 5.1.0 interface papers, "status mapping".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar, assert_never

from pydantic import ValidationError

from payport.adapters.unionpay.beijing import near
from payport.adapters.unionpay.calls import APP, Call
from payport.adapters.unionpay.envelope import Answer
from payport.adapters.unionpay.mapping import OK, RECONCILE, Meaning, refusal, too_often, verdict
from payport.adapters.unionpay.planning import BY_CANCEL, COMPLETION_UNDO, ORIGINAL, PRE_AUTH, SCANNED
from payport.adapters.unionpay.wire import Received, UnionPayTransaction
from payport.schemas.actions import Action, AppParameters, QrCode
from payport.schemas.money import Money
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.observation import Observation, Source, doubt

ReceivedT = TypeVar("ReceivedT", bound=Received)

_QR = frozenset({("01", "07"), ("02", "05")})


class Unreadable(Exception):
    """An authentic message without a field that it must have, or with one that cannot be read."""


def parsed(fields: object) -> UnionPayTransaction:
    """A transaction as the message tells it. Raises :class:`Unreadable`."""
    return parsed_as(UnionPayTransaction, fields)


def parsed_as(kind: type[ReceivedT], fields: object) -> ReceivedT:
    """The message's fields, checked. Raises :class:`Unreadable`, which names fields and never their contents."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        names = ", ".join(".".join(str(part) for part in item["loc"]) for item in error.errors(include_input=False))
        raise Unreadable(f"fields missing or of another type: {names}") from None


def money(record: UnionPayTransaction) -> Money | None:
    """The amount in fen that the message states; ``None`` for none or one in another currency.

    Raises :class:`Unreadable`.
    """
    if record.txn_amt is None or _other_currency(record):
        return None
    if not (record.txn_amt.isascii() and record.txn_amt.isdigit() and len(record.txn_amt) <= 12):
        raise Unreadable("txnAmt is no whole number of fen")
    return Money(int(record.txn_amt), "CNY")


def _other_currency(record: UnionPayTransaction) -> bool:
    return record.currency_code not in (None, "156")


def _mismatch(record: UnionPayTransaction, source: Source) -> Observation:
    detail = f"currency: asked for 156, UnionPay's authentic message says {record.currency_code}"
    return doubt(source, UnknownKind.MISMATCH, detail)


def at_of(record: UnionPayTransaction) -> datetime | None:
    """When UnionPay carried it out; ``None`` when it does not say."""
    return near(record.trace_time or "", record.txn_time or "")


def read_reply(call: Call, answer: Answer) -> Observation:
    """What the reply to a payment, refund or completion teaches. A success is a receipt: asking tells how it ended."""
    if answer.meaning not in (Meaning.DONE, Meaning.FLAGGED):
        told = refusal(answer.code, answer.message)
        handed_out = call.path == APP or _kind(call) in _QR
        if told.state is State.PENDING and handed_out:
            return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"{answer.code}: nothing to hand out yet")
        return told
    try:
        record = parsed(answer.fields)
        if _other_currency(record):
            return _mismatch(record, Source.REPLY)
        action = _action(call, record)
        return Observation(
            state=State.PENDING if action is None else State.ACTION,
            source=Source.REPLY,
            partner_ref=record.order_id,
            amount=money(record),
            partner_id=record.query_id,
            action=action,
            message="" if action is not None else "received; UnionPay has not said yet how it ended",
            native=record,
        )
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{call.name}: {error}")


def _kind(call: Call) -> tuple[str, str]:
    return call.fields["txnType"], call.fields["txnSubType"]


def _action(call: Call, record: UnionPayTransaction) -> Action | None:
    if call.path == APP:
        if not record.tn:
            raise Unreadable("no tn")
        return AppParameters(payload=record.tn, fields={"tn": record.tn})
    if _kind(call) in _QR:
        if not record.qr_code:
            raise Unreadable("no qrCode")
        return QrCode(text=record.qr_code)
    return None


def read_question(operation: Operation, answer: Answer, now: datetime, margin_s: float) -> Observation:
    """What the answer to a query teaches about a payment, refund or capture."""
    return unanswered(answer) or _asked(operation, answer, now, margin_s)


def unanswered(answer: Answer) -> Observation | None:
    """What a refused question amounts to: it says nothing of the operation, but for "not found"."""
    text = f"the query was refused: {answer.code} {answer.message}".strip()
    match answer.meaning:
        case Meaning.DONE:
            return None
        case Meaning.ABSENT:
            return doubt(Source.QUERY, UnknownKind.NOT_FOUND, f"UnionPay knows no such transaction ({answer.code})")
        case Meaning.TOO_OFTEN:
            return too_often(Source.QUERY, text)
        case None:
            return doubt(Source.QUERY, UnknownKind.UNKNOWN_STATUS, text)
        case _:
            return doubt(Source.QUERY, UnknownKind.PARTNER_FAULT, text)


def _asked(operation: Operation, answer: Answer, now: datetime, margin_s: float) -> Observation:
    try:
        record = parsed(answer.fields)
        until = operation.payable_until
        over = until is None or now >= until + timedelta(seconds=margin_s)
        front = operation.verb is Verb.PAY and operation.identity.get("txnSubType") not in SCANNED
        return outcome(
            record,
            record.orig_resp_code or "",
            record.orig_resp_msg or "",
            Source.QUERY,
            now,
            may_still_be_paid=front and not over,
            expired=front and over,
        )
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"query: {error}")


def outcome(
    record: UnionPayTransaction,
    code: str,
    message: str,
    source: Source,
    now: datetime,
    *,
    may_still_be_paid: bool = False,
    expired: bool = False,
    cancels: CancelledBy | None = None,
) -> Observation:
    """What the end of a transaction, as a query or notice tells it, teaches about its operation.

    ``may_still_be_paid``: a refusal of what a payer holds is not the end, another card may be tried. ``expired``: its
    time is over, so the refusal is. ``cancels``: it is a cancel's, and what its success means for the payment.
    Raises :class:`Unreadable`.
    """
    found = verdict(code)
    if not code:
        raise Unreadable("no origRespCode")
    if _other_currency(record):
        return _mismatch(record, source)
    if found is None or found.reason is Reason.DUPLICATE:  # 12: it was received before, which says not how it ended
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"response code {code} {message}".strip())
    said = Observation(
        state=State.PENDING,
        source=source,
        partner_ref=record.order_id,
        amount=money(record),
        identity={BY_CANCEL: "1"} if cancels else _identity(record),
        partner_id=record.query_id,
        at=at_of(record),
        partner_code=None if code == OK else code,
        message="" if code == OK else message,
        facts=_flag(record, code, message, now),
        native=record,
    )
    match found.meaning:
        case Meaning.DONE | Meaning.FLAGGED:
            return replace(said, state=_done(record), cancelled_by=cancels)
        case Meaning.PENDING | Meaning.UNKNOWN | Meaning.TOO_OFTEN:
            return said
        case Meaning.ABSENT:
            return doubt(source, UnknownKind.NOT_FOUND, f"UnionPay knows no such transaction ({code})")
        case Meaning.REFUSED | Meaning.REPEATED if may_still_be_paid:
            return replace(said, state=State.ACTION, reason=found.reason)
        case Meaning.REFUSED | Meaning.REPEATED:
            return replace(said, state=State.DECLINED, reason=Reason.EXPIRED if expired else found.reason)
        case Meaning.RETURNED:
            return replace(said, state=State.DECLINED, reason=Reason.EXPIRED)
        case _:
            assert_never(found.meaning)


def _done(record: UnionPayTransaction) -> State:
    """Held or paid. What names neither amount nor type cannot be compared with what was asked."""
    if record.txn_amt is None or record.txn_type is None:
        raise Unreadable("a success without txnAmt or txnType")
    return State.AUTHORIZED if record.txn_type == PRE_AUTH else State.SUCCEEDED


def _identity(record: UnionPayTransaction) -> dict[str, str]:
    told = {"txnTime": record.txn_time, "txnType": record.txn_type}
    if record.txn_type == COMPLETION_UNDO:  # which names its original in no other way
        told[ORIGINAL] = record.orig_qry_id
    return {name: value for name, value in told.items() if value}


def _flag(record: UnionPayTransaction, code: str, message: str, now: datetime) -> tuple[Fact, ...]:
    if code not in RECONCILE:
        return ()
    number = PartnerId(record.query_id) if record.query_id else None
    return (
        Fact(kind=FactKind.FLAGGED, at=at_of(record) or now, partner_id=number, detail=f"{code} {message}".strip()),
    )
