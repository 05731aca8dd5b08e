"""Notices: a payment's is signed with the shared key; a refund's is only encrypted with it, so WeChat is asked.

Source: pay.weixin.qq.com, API v2, "payment result notification" and "refund result notification".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from payport.adapters.wechatpay_v2 import encryption
from payport.adapters.wechatpay_v2.calls import REFUND_QUERY, Call, instant
from payport.adapters.wechatpay_v2.envelope import (
    Answer,
    Distrust,
    ask_wechat,
    distrust,
    foreign_problem,
    shown,
)
from payport.adapters.wechatpay_v2.reading import (
    Unreadable,
    money,
    one_refund,
    paid_observation,
    parsed,
    refund_observation,
    says_paid,
)
from payport.adapters.wechatpay_v2.wire import WeChatPayV2Refund, WeChatPayV2Trade
from payport.schemas.events import Acknowledgement, Event, EventKind, RawNotification, Rejected, RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownKind
from payport.schemas.payment import Fact, FactKind
from payport.schemas.references import PartnerId
from payport.sdk import exchange, strict_xml
from payport.sdk.adapter import Opened
from payport.sdk.events import SignatureFailed
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.wechatpay_v2.adapter import WeChatPayV2

ASK_S = 4.0
"""How long a refund notice may take to be confirmed: WeChat gives up on a receiver after five seconds."""


def _acknowledgement(status: int, code: str, words: str) -> Acknowledgement:
    body = strict_xml.write_flat({"return_code": code, "return_msg": words}, root="xml")
    return Acknowledgement(status=status, content_type="text/xml; charset=utf-8", body=body)


ACCEPTED = _acknowledgement(200, "SUCCESS", "OK")
REFUSED = _acknowledgement(400, "FAIL", "refused")
LATER = _acknowledgement(503, "FAIL", "try again")


def open_notice(wechat: WeChatPayV2, raw: RawNotification) -> Exchange[Opened | Rejected]:
    """A notice that WeChat signed, or confirms when asked; or why it is refused.

    WeChat signs no time that could be checked: a notice is good for ever, so the inbox and the forward-only states are
    what keeps an old one from doing harm.
    """
    try:
        fields = strict_xml.parse_flat(raw.body, root="xml")
    except strict_xml.MalformedXml as error:
        return _rejected(
            RejectedKind.MALFORMED,
            f"{error}; hand over the raw request body, before any framework has parsed or decoded it",
        )
    if "req_info" in fields:
        return (yield from _refund(wechat, fields))
    problem = distrust(wechat.config, fields)
    if problem is None:
        return _payment(fields)
    if problem.kind is Distrust.FORGED:
        yield from _tell_forged(wechat)
    return _rejected(_REJECTED[problem.kind], problem.detail)


_REJECTED = {
    Distrust.UNSIGNED: RejectedKind.UNSIGNED,
    Distrust.FORGED: RejectedKind.BAD_SIGNATURE,
    Distrust.FOREIGN: RejectedKind.WRONG_ACCOUNT,
}


def _tell_forged(wechat: WeChatPayV2) -> Exchange[None]:
    yield from exchange.emit(SignatureFailed(partner=wechat.partner, account=wechat.account, endpoint="notice"))


def _rejected(kind: RejectedKind, detail: str, acknowledgement: Acknowledgement = REFUSED) -> Rejected:
    return Rejected(kind=kind, detail=detail, acknowledgement=acknowledgement)


def _payment(fields: Mapping[str, str]) -> Opened:
    """A signed notice about an order. One that does not say "paid" leaves the order in doubt: it is asked about."""
    reference = fields.get("out_trade_no") or None
    amount: Money | None = None
    try:
        trade = parsed(WeChatPayV2Trade, fields)
        if fields["result_code"] == "SUCCESS" and says_paid(trade):
            lesson = paid_observation(trade, Source.NOTICE)
            amount = lesson.amount
        else:
            names = ("result_code", "trade_state", "err_code", "err_code_des")
            told = shown(" ".join(fields.get(name, "") for name in names))
            lesson = doubt(Source.NOTICE, UnknownKind.UNKNOWN_STATUS, f"notice: {told}")
    except Unreadable as error:
        lesson = doubt(Source.NOTICE, UnknownKind.UNREADABLE, f"notice: {error}")
    number = fields.get("transaction_id", "")
    return _opened(
        EventKind.PAYMENT,
        # WeChat numbers no notice: what it says is its identity, so another amount is another event
        event_id="/".join((number or "-", reference or "-", fields["result_code"], fields.get("total_fee", "-"))),
        partner_ref=reference,
        partner_id=number,
        status=fields["result_code"],
        amount=amount,
        at=instant(fields.get("time_end")),
        lessons=((reference, lesson),) if reference else (),
    )


def _opened(
    kind: EventKind,
    *,
    event_id: str,
    partner_ref: str | None,
    partner_id: str,
    status: str,
    amount: Money | None,
    at: datetime | None,
    lessons: tuple[tuple[str, Observation], ...],
) -> Opened:
    event = Event(
        kind=kind,
        id=event_id,
        partner_ref=partner_ref,
        partner_id=PartnerId(partner_id) if partner_id else None,
        status=status,
        amount=amount,
        occurred_at=at,
    )
    return Opened(event=event, lessons=lessons, acknowledgement=ACCEPTED)


def _refund(wechat: WeChatPayV2, fields: Mapping[str, str]) -> Exchange[Opened | Rejected]:
    """A refund notice is a hint where to look: only the refund's number is taken from it, all else from the query."""
    account = wechat.config
    foreign = foreign_problem(account, fields)
    if foreign is not None:
        return _rejected(RejectedKind.WRONG_ACCOUNT, foreign)
    try:
        plain = encryption.decrypt(account.api_key.reveal(), fields["req_info"])
        number = strict_xml.parse_flat(plain, root="root").get("out_refund_no", "")
    except (encryption.MalformedCiphertext, strict_xml.MalformedXml) as error:
        yield from _tell_forged(wechat)
        return _rejected(RejectedKind.BAD_SIGNATURE, f"req_info: {error}")
    now = yield from exchange.now()
    question = Call(path=REFUND_QUERY, fields={"out_refund_no": number})
    answer = yield from ask_wechat(wechat, question, now.monotonic_s + ASK_S)
    refund = _confirmed(answer, number)
    if isinstance(refund, str):
        return _rejected(RejectedKind.UNSIGNED, f"a refund notice proves nothing by itself, and {refund}", LATER)
    return _told(refund)


def _confirmed(answer: Answer | Observation, number: str) -> WeChatPayV2Refund | str:
    """The refund as WeChat's signed answer has it, or why it is not confirmed."""
    if isinstance(answer, Observation):
        return f"WeChat could not be asked about it: {answer.unknown or answer.not_sent}"
    if not answer.ok:
        return f"WeChat does not confirm it: {shown(answer.code)}"
    try:
        refund = one_refund(answer.fields, number)
        if refund is not None:
            money(refund.refund_fee)
            money(refund.total_fee)
    except Unreadable as error:
        return f"WeChat's answer about it cannot be read: {error}"
    return refund or "WeChat's answer is about other refunds"


def _told(refund: WeChatPayV2Refund) -> Opened:
    """What a confirmed refund teaches: about itself, and as a fact about the payment, whoever asked for it."""
    lesson = refund_observation(refund, Source.NOTICE)
    lessons = [(refund.out_refund_no, lesson)]
    at = lesson.at
    if lesson.state is State.SUCCEEDED and at is not None and refund.transaction_id is not None:
        fact = Fact(kind=FactKind.REFUNDED, at=at, amount=lesson.amount, partner_id=PartnerId(refund.refund_id))
        paid = Observation(
            state=State.SUCCEEDED,
            source=Source.NOTICE,
            partner_ref=refund.out_trade_no,
            partner_id=refund.transaction_id,
            amount=money(refund.total_fee),
            facts=(fact,),
        )
        lessons.append((refund.out_trade_no, paid))
    return _opened(
        EventKind.REFUND,
        event_id=f"{refund.refund_id}/{refund.refund_status}",
        partner_ref=refund.out_refund_no,
        partner_id=refund.refund_id,
        status=refund.refund_status or "",
        amount=lesson.amount,
        at=at,
        lessons=tuple(lessons),
    )
