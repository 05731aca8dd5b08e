"""Notifications: authentic over the raw bytes, decrypted, addressed to us, then read.

WeChat wants 200 or 204 within five seconds, and repeats for a day until it gets one; each repetition carries a fresh
time and signature. A scanned-code payment, a close and a cancelled transfer are never notified.

Sources: pay.weixin.qq.com, "callbacks", and the notification of each product named here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast

from payport.adapters.wechatpay.calls import to_text
from payport.adapters.wechatpay.encryption import ALGORITHM, MalformedCiphertext, Resource, open_object
from payport.adapters.wechatpay.reading.fields import Unreadable, instant, money, parsed
from payport.adapters.wechatpay.reading.refunds import refund_observation
from payport.adapters.wechatpay.reading.trades import transaction_observation
from payport.adapters.wechatpay.reading.transfers import transfer_observation
from payport.adapters.wechatpay.signing import Flaw, plain_headers
from payport.adapters.wechatpay.verifying import authenticate
from payport.adapters.wechatpay.wire import (
    BatchNotice,
    CombinedTransaction,
    ComplaintNotice,
    ProfitNotice,
    RefundNotice,
    WeChatPayTransaction,
    WeChatPayTransfer,
)
from payport.schemas.events import Acknowledgement, Event, EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk import exchange
from payport.sdk.adapter import Opened
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.strict_json import MalformedJson, parse_object

if TYPE_CHECKING:
    from payport.adapters.wechatpay.account import WeChatPayAccount
    from payport.adapters.wechatpay.adapter import WeChatPay

ACCEPTED = Acknowledgement(status=204, content_type="application/json", body=b"")
ANSWER_S = 4.0
"""WeChat waits five seconds: a certificate that is not there by then is fetched for the repetition."""
_JSON = "application/json"

_REJECTED: Mapping[Flaw, tuple[RejectedKind, int]] = {
    Flaw.UNSIGNED: (RejectedKind.UNSIGNED, 401),
    Flaw.MALFORMED: (RejectedKind.MALFORMED, 400),
    Flaw.STALE: (RejectedKind.STALE, 401),
    Flaw.UNSUPPORTED: (RejectedKind.BAD_SIGNATURE, 500),
    Flaw.UNKNOWN_KEY: (RejectedKind.BAD_SIGNATURE, 401),
    Flaw.BAD_SIGNATURE: (RejectedKind.BAD_SIGNATURE, 401),
}

Lessons: TypeAlias = tuple[tuple[str, Observation], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """An authentic notification, opened: its envelope's words and the payload that was encrypted in it."""

    id: str
    event_type: str
    original_type: str
    create_time: str | None
    payload: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the payload amounts to."""

    kind: EventKind
    status: str
    partner_ref: str | None = None
    partner_id: str | None = None
    amount: Money | None = None
    at: str | None = None
    lessons: Lessons = ()


def open_notice(adapter: WeChatPay, raw: RawNotification) -> Exchange[Opened | Rejected]:
    """A notification that WeChat signed for this merchant, or why it is refused."""
    now = yield from exchange.now()
    headers = plain_headers(raw.headers.items())
    distrust = yield from authenticate(adapter, headers, raw.body, now.monotonic_s + ANSWER_S, "notice")
    if distrust is not None:
        kind, status = _REJECTED[distrust.flaw]
        return _rejected(kind, f"the notification is not believed: {distrust.detail}", status)
    notified = _opened(adapter.config, raw.body)
    if isinstance(notified, Rejected):
        return notified
    foreign = _foreign(adapter.config, notified.payload)
    if foreign is not None:
        return _rejected(RejectedKind.WRONG_ACCOUNT, foreign, 400)
    try:
        told = _read(adapter.config, notified)
    except Unreadable as error:
        told = _unread(notified, str(error))
    event = Event(
        kind=told.kind,
        id=notified.id,
        partner_ref=told.partner_ref,
        partner_id=PartnerId(told.partner_id) if told.partner_id else None,
        status=told.status,
        amount=told.amount,
        occurred_at=instant(told.at or notified.create_time),
    )
    return Opened(event=event, lessons=told.lessons, acknowledgement=ACCEPTED)


def _rejected(kind: RejectedKind, detail: str, status: int) -> Rejected:
    body = to_text({"code": "FAIL", "message": kind.value}).encode()
    return Rejected(
        kind=kind, detail=detail, acknowledgement=Acknowledgement(status=status, content_type=_JSON, body=body)
    )


def _opened(account: WeChatPayAccount, body: bytes) -> Notified | Rejected:
    """The envelope read and its payload decrypted; the signature was checked before."""
    try:
        envelope = parse_object(body)
        node = envelope.get("resource")
        resource = Resource.of(node)
    except (MalformedJson, MalformedCiphertext) as error:
        return _rejected(RejectedKind.MALFORMED, f"authentic, but {error}", 400)
    if resource.algorithm != ALGORITHM:
        return _rejected(RejectedKind.MALFORMED, f"authentic, but encrypted otherwise than with {ALGORITHM}", 500)
    try:
        payload = open_object(resource, account.api_v3_key.reveal().encode())
    except MalformedCiphertext as error:
        detail = f"authentic, but its content cannot be decrypted ({error}): compare api_v3_key with the console"
        return _rejected(RejectedKind.MALFORMED, detail, 500)
    return Notified(
        id=_text(envelope, "id") or hashlib.sha256(body).hexdigest(),
        event_type=_text(envelope, "event_type") or "",
        original_type=_text(cast("Mapping[str, object]", node), "original_type") or "",
        create_time=_text(envelope, "create_time"),
        payload=payload,
    )


def _text(node: Mapping[str, object], name: str) -> str | None:
    value = node.get(name)
    return value if isinstance(value, str) and value else None


_MERCHANTS = ("mchid", "sp_mchid", "mch_id", "combine_mchid")
_OF_SUB = ("trade_state", "out_refund_no")
"""Of payments and refunds: what is a sub-merchant's names it, and numbers are unique within it only."""


def _foreign(account: WeChatPayAccount, payload: Mapping[str, object]) -> str | None:
    """Why an authentic notification is not for this account."""
    told = [payload[name] for name in _MERCHANTS if payload.get(name)]
    if told and account.mchid not in told:
        return "it is addressed to another merchant"
    sub = payload.get("sub_mchid") or None
    if sub != account.sub_mchid and (sub is not None or any(name in payload for name in _OF_SUB)):
        return "it is about another sub-merchant"
    return None


def _read(account: WeChatPayAccount, notified: Notified) -> _Told:
    """Read by what the payload holds: one event type stands for several records. Raises :class:`Unreadable`."""
    payload = notified.payload
    for name, reader in _READERS:
        if name in payload:
            return reader(account, notified)
    return _Told(kind=EventKind.OTHER, status=notified.event_type)


def _unread(notified: Notified, problem: str) -> _Told:
    """Authentic but not understood: kept, and the order it names is left in doubt, so that it is asked about."""
    named = (_text(notified.payload, name) for name in ("out_refund_no", "out_bill_no", "out_trade_no"))
    reference = next((one for one in named if one is not None), None)
    unreadable = doubt(Source.NOTICE, UnknownKind.UNREADABLE, f"notice: {problem}")
    lessons = ((reference, unreadable),) if reference else ()
    return _Told(kind=EventKind.OTHER, status=notified.event_type, partner_ref=reference, lessons=lessons)


def _combined(_: WeChatPayAccount, notified: Notified) -> _Told:
    """The whole has no state of its own: it counts as paid when every sub order is."""
    order = parsed(CombinedTransaction, notified.payload)
    states = {sub.trade_state for sub in order.sub_orders}
    paid = [sub.amount for sub in order.sub_orders if sub.amount is not None]
    amounts = [money(amount.total_amount, amount.currency) for amount in paid]
    alike = all(amount.currency == "CNY" for amount in amounts)
    total = sum(amounts, Money.zero("CNY")) if alike else None
    return _Told(
        kind=EventKind.PAYMENT,
        status=states.pop() if len(states) == 1 else "MIXED",
        partner_ref=order.combine_out_trade_no,
        amount=total,
        at=max((sub.success_time or "" for sub in order.sub_orders), default="") or None,
    )


def _transaction(account: WeChatPayAccount, notified: Notified) -> _Told:
    transaction = parsed(WeChatPayTransaction, notified.payload)
    lesson = transaction_observation(account, transaction, Source.NOTICE, waits=True)
    return _Told(
        kind=EventKind.PAYMENT,
        status=transaction.trade_state,
        partner_ref=transaction.out_trade_no,
        partner_id=transaction.transaction_id,
        amount=lesson.amount,
        at=transaction.success_time,
        lessons=((transaction.out_trade_no, lesson),),
    )


def _refund(_: WeChatPayAccount, notified: Notified) -> _Told:
    """About the refund, and about its payment: a refund made in the console is a fact on it as well."""
    refund = parsed(RefundNotice, notified.payload)
    lesson = refund_observation(refund, refund.refund_status, Source.NOTICE)
    lessons: Lessons = ((refund.out_refund_no, lesson),)
    at = instant(refund.success_time or notified.create_time)
    if lesson.state is State.SUCCEEDED and at is not None:
        fact = Fact(kind=FactKind.REFUNDED, at=at, amount=lesson.amount, partner_id=PartnerId(refund.refund_id))
        payment = Observation(
            state=State.SUCCEEDED,
            source=Source.NOTICE,
            partner_ref=refund.out_trade_no,
            partner_id=refund.transaction_id,
            amount=money(refund.amount.total, refund.amount.currency),
            facts=(fact,),
        )
        lessons = (*lessons, (refund.out_trade_no, payment))
    return _Told(
        kind=EventKind.REFUND,
        status=refund.refund_status,
        partner_ref=refund.out_refund_no,
        partner_id=refund.refund_id,
        amount=lesson.amount,
        at=refund.success_time,
        lessons=lessons,
    )


def _transfer(account: WeChatPayAccount, notified: Notified) -> _Told:
    transfer = parsed(WeChatPayTransfer, notified.payload)
    lesson = transfer_observation(account, transfer, Source.NOTICE)
    return _Told(
        kind=EventKind.PAYOUT,
        status=transfer.state or "",
        partner_ref=transfer.out_bill_no,
        partner_id=transfer.transfer_bill_no,
        amount=lesson.amount,
        at=transfer.update_time,
        lessons=((transfer.out_bill_no, lesson),),
    )


def _batch(_: WeChatPayAccount, notified: Notified) -> _Told:
    """Each transfer of a batch is asked about by the endpoints of batches: the journal knows none."""
    batch = parsed(BatchNotice, notified.payload)
    return _Told(
        kind=EventKind.PAYOUT,
        status=batch.batch_status,
        partner_ref=batch.out_batch_no,
        partner_id=batch.batch_id,
        amount=money(batch.total_amount, None) if batch.total_amount is not None else None,
        at=batch.update_time,
    )


def _profit(_: WeChatPayAccount, notified: Notified) -> _Told:
    """Told under the event type of payments, too: only the fields tell them apart."""
    share = parsed(ProfitNotice, notified.payload)
    return _Told(
        kind=EventKind.OTHER,
        status=notified.event_type,
        partner_ref=share.out_order_no,
        partner_id=share.order_id,
        at=share.success_time,
    )


def _complaint(_: WeChatPayAccount, notified: Notified) -> _Told:
    """Which order it is about tells the endpoint of complaints."""
    complaint = parsed(ComplaintNotice, notified.payload)
    return _Told(
        kind=EventKind.DISPUTE,
        status=complaint.action_type or notified.event_type,
        partner_id=complaint.complaint_id,
    )


Reader: TypeAlias = Callable[["WeChatPayAccount", Notified], _Told]
_READERS: tuple[tuple[str, Reader], ...] = (
    ("combine_out_trade_no", _combined),
    ("out_refund_no", _refund),
    ("out_bill_no", _transfer),
    ("out_batch_no", _batch),
    ("complaint_id", _complaint),
    ("out_order_no", _profit),
    ("trade_state", _transaction),
)
"""The first field that a payload has says what it is about, whatever its event type."""
