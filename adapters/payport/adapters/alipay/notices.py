"""Notifications: authentic over the raw bytes, addressed to us, then read. The answer is exactly ``success``.

Sources: open.alipay.com, "asynchronous notification" of trades, pre-authorizations and transfers.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from payport.adapters.alipay import forms
from payport.adapters.alipay.forms import Form, MalformedForm, parse_form
from payport.adapters.alipay.mapping import TradeStatus, trade_stage
from payport.adapters.alipay.reading.fields import Unreadable, instant, known, money
from payport.adapters.alipay.reading.holds import hold_observation
from payport.adapters.alipay.reading.trades import trade_observation
from payport.adapters.alipay.reading.transfers import transfer_observation
from payport.adapters.alipay.signing import MalformedReply, strict_json
from payport.adapters.alipay.wire import AlipayHold
from payport.schemas.events import Acknowledgement, Event, EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk import exchange
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.alipay.adapter import Alipay

ACCEPTED = Acknowledgement(status=200, content_type="text/plain", body=b"success")
REFUSED = Acknowledgement(status=400, content_type="text/plain", body=b"failure")
_TRANSFER_CHANGED = "alipay.fund.trans.order.changed"


def open_notice(alipay: Alipay, raw: RawNotification) -> Exchange[Opened | Rejected]:
    """A notification that Alipay signed for this application, or why it is refused.

    Alipay signs no time that could be checked: a notice is good for ever, so the inbox and the forward-only states
    are what keeps an old one from doing harm.
    """
    try:
        form = parse_form(raw.body)
    except MalformedForm as error:
        return _rejected(
            RejectedKind.MALFORMED,
            f"{error}; hand over the raw request body, before any framework has parsed or decoded it",
        )
    if form.get("sign") is None:
        return _rejected(RejectedKind.UNSIGNED, "the notification carries no signature")
    now = yield from exchange.now()
    if not forms.notice_is_authentic(form, alipay.keys.current(now.utc.timestamp())):
        yield from exchange.emit(SignatureFailed(partner=alipay.partner, account=alipay.account, endpoint="notice"))
        return _rejected(RejectedKind.BAD_SIGNATURE, "the notification's signature is not Alipay's")
    foreign = _foreign(alipay, form)
    if foreign is not None:
        return _rejected(RejectedKind.WRONG_ACCOUNT, foreign)
    return _read(form, raw.body)


def _rejected(kind: RejectedKind, detail: str) -> Rejected:
    return Rejected(kind=kind, detail=detail, acknowledgement=REFUSED)


def _foreign(alipay: Alipay, form: Form) -> str | None:
    """Why an authentic notification is not for this account."""
    app_id = form.get("app_id") or form.get("auth_app_id")
    if app_id is not None and app_id != alipay.config.app_id and form.get("auth_app_id") != alipay.config.app_id:
        return f"it is addressed to application {app_id}"
    seller_id = form.get("seller_id") or form.get("payee_user_id")
    if alipay.config.seller_id is not None and seller_id not in (None, alipay.config.seller_id):
        return f"it is about seller {seller_id}"
    return None


def _read(form: Form, body: bytes) -> Opened:
    try:
        if form.get("trade_status") is not None:
            return _trade(form, body)
        if form.get("notify_type") in ("fund_auth_freeze", "fund_auth_unfreeze"):
            return _hold(form, body)
        if form.get("msg_method") == _TRANSFER_CHANGED:
            return _transfer(form, body)
    except Unreadable as error:
        return _unread(form, body, str(error))
    return _opened(form, body, EventKind.OTHER, status=form.get("notify_type") or form.get("msg_method") or "")


def _opened(
    form: Form,
    body: bytes,
    kind: EventKind,
    *,
    status: str,
    partner_ref: str | None = None,
    partner_id: str | None = None,
    amount: Money | None = None,
    at: str | None = None,
    lessons: tuple[tuple[str, Observation], ...] = (),
) -> Opened:
    event = Event(
        kind=kind,
        id=form.get("notify_id") or hashlib.sha256(body).hexdigest(),
        partner_ref=partner_ref,
        partner_id=PartnerId(partner_id) if partner_id else None,
        status=status,
        amount=amount,
        occurred_at=instant(at),
    )
    return Opened(event=event, lessons=lessons, acknowledgement=ACCEPTED)


def _unread(form: Form, body: bytes, problem: str) -> Opened:
    """Authentic but not understood: kept, and the order it names is left in doubt, so that it is asked about."""
    reference = form.get("out_trade_no") or form.get("out_order_no")
    unreadable = doubt(Source.NOTICE, UnknownKind.UNREADABLE, f"notice: {problem}")
    return _opened(
        form,
        body,
        EventKind.OTHER,
        status=form.get("trade_status") or "",
        partner_ref=reference,
        lessons=((reference, unreadable),) if reference else (),
    )


def _need(form: Form, name: str) -> str:
    value = form.get(name)
    if value is None:
        raise Unreadable(f"field missing: {name}")
    return value


def _trade(form: Form, body: bytes) -> Opened:
    reference, trade_no = _need(form, "out_trade_no"), _need(form, "trade_no")
    amount = money(_need(form, "total_amount"))
    status = known(TradeStatus, form.get("trade_status"))
    paid_at = form.get("gmt_payment")
    refunded = form.get("refund_fee")
    if status is None:
        lesson = doubt(Source.NOTICE, UnknownKind.UNKNOWN_STATUS, f"trade_status {form.get('trade_status')}")
    else:
        lesson = trade_observation(
            trade_stage(status, was_paid=paid_at is not None or refunded is not None),
            Source.NOTICE,
            trade_no=trade_no,
            out_trade_no=reference,
            amount=amount,
            at=instant(paid_at),
            scanned=False,
        )
    lessons = [(reference, lesson)]
    at = instant(form.get("gmt_refund") or form.get("notify_time"))
    if refunded is not None and lesson.state is State.SUCCEEDED and at is not None:
        total = Fact(kind=FactKind.REFUNDED, at=at, amount=money(refunded), detail="refunded so far, in all")
        lessons = [(reference, _with_fact(lesson, total))]
    request = form.get("out_biz_no")
    if refunded is not None and request is not None and request != reference:
        done = Observation(state=State.SUCCEEDED, source=Source.NOTICE, partner_ref=request, partner_id=request, at=at)
        lessons.append((request, done))
    return _opened(
        form,
        body,
        EventKind.REFUND if refunded is not None else EventKind.PAYMENT,
        status=form.get("trade_status") or "",
        partner_ref=reference,
        partner_id=trade_no,
        amount=amount,
        at=form.get("gmt_refund") or paid_at or form.get("gmt_close") or form.get("notify_time"),
        lessons=tuple(lessons),
    )


def _with_fact(observation: Observation, fact: Fact) -> Observation:
    others = tuple(item for item in observation.facts if item.kind is not fact.kind)
    return replace(observation, facts=(*others, fact))


def _hold(form: Form, body: bytes) -> Opened:
    freezing = form.get("notify_type") == "fund_auth_freeze"
    hold = AlipayHold(
        auth_no=form.get("auth_no"),
        out_order_no=_need(form, "out_order_no"),
        operation_id=form.get("operation_id"),
        amount=form.get("amount"),
        status=form.get("status"),
        gmt_trans=form.get("gmt_trans"),
    )
    reference = hold.out_order_no or ""
    lessons: tuple[tuple[str, Observation], ...] = ()
    if freezing:
        lessons = ((reference, hold_observation(hold, Source.NOTICE, action=True)),)
    return _opened(
        form,
        body,
        EventKind.AUTHORIZATION,
        status=hold.status or "",
        partner_ref=reference if freezing else form.get("out_request_no"),
        partner_id=hold.auth_no,
        amount=money(hold.amount) if hold.amount else None,
        at=hold.gmt_trans,
        lessons=lessons,
    )


def _transfer(form: Form, body: bytes) -> Opened:
    try:
        content = strict_json(_need(form, "biz_content").encode())
    except MalformedReply:
        raise Unreadable("biz_content is not JSON") from None
    fields = {name: value for name, value in content.items() if isinstance(value, str)}
    if "out_biz_no" not in fields:
        raise Unreadable("biz_content names no out_biz_no")
    reference = fields["out_biz_no"]
    amount = money(fields["trans_amount"]) if "trans_amount" in fields else None
    lesson = transfer_observation(
        fields.get("status", ""),
        Source.NOTICE,
        out_biz_no=reference,
        order_id=fields.get("order_id"),
        amount=amount,
        at=instant(fields.get("pay_date")),
        failed_because=fields.get("error_code"),
    )
    return _opened(
        form,
        body,
        EventKind.PAYOUT,
        status=fields.get("status", ""),
        partner_ref=reference,
        partner_id=fields.get("order_id"),
        amount=amount,
        at=fields.get("pay_date"),
        lessons=((reference, lesson),),
    )
