"""Carry out one step, ask about one operation: which call, and what its answer teaches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from payport.adapters.wechatpay.calls import Call
from payport.adapters.wechatpay.envelope import Answer, ask_wechat, refusal
from payport.adapters.wechatpay.handing_out import handed_out
from payport.adapters.wechatpay.mapping import CODES, Meaning, plain_code
from payport.adapters.wechatpay.planning import (
    CLOSE,
    CODEPAY,
    REFUND,
    REFUND_QUERY,
    REVERSE,
    TRADE_FIND,
    TRADE_QUERY,
    TRANSFER,
    TRANSFER_QUERY,
    named,
    plain_name,
)
from payport.adapters.wechatpay.reading.fields import Unreadable, parsed
from payport.adapters.wechatpay.reading.refunds import refund_of
from payport.adapters.wechatpay.reading.trades import transaction_observation, transaction_of
from payport.adapters.wechatpay.reading.transfers import transfer_of
from payport.adapters.wechatpay.wire import Prepared, WeChatPayRefund, WeChatPayTransaction, WeChatPayTransfer
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk import exchange
from payport.sdk.adapter import Found
from payport.sdk.calling import kept
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.wechatpay.account import WeChatPayAccount
    from payport.adapters.wechatpay.adapter import WeChatPay
    from payport.schemas.references import PartnerId


def perform(adapter: WeChatPay, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
    """Send one step, and ask where its answer leaves open what happened."""
    sends = kept(step)
    if isinstance(sends, Observation):
        return sends
    request = Call.decode(sends)
    if plain_name(request.name) in (CLOSE, REVERSE):
        from payport.adapters.wechatpay import cancelling  # noqa: PLC0415 - with the first cancel

        return (yield from cancelling.perform(adapter, operation, request, deadline_s))
    told = yield from _sent(adapter, operation, request, deadline_s)
    if told.again and told.state is State.DOUBT and plain_name(request.name) == TRANSFER:
        return (yield from _asked_before_again(adapter, operation, told, deadline_s))
    return told


def _asked_before_again(
    adapter: WeChatPay, operation: Operation, told: Observation, deadline_s: float
) -> Exchange[Observation]:
    """A transfer is sent again only once WeChat says that there is none: it wants to be asked whatever went wrong."""
    found = yield from ask(adapter, operation, deadline_s)
    if found.absent:
        return told
    return replace(told, again=False) if found.state is State.DOUBT else found


def _sent(adapter: WeChatPay, operation: Operation, request: Call, deadline_s: float) -> Exchange[Observation]:
    answer = yield from ask_wechat(adapter, request, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if not answer.ok:
        return (yield from _refused(adapter, operation, request, answer, deadline_s))
    try:
        return (yield from _carried_out(adapter, operation, request, answer))
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{request.name}: {error}")


def _carried_out(adapter: WeChatPay, operation: Operation, request: Call, answer: Answer) -> Exchange[Observation]:
    """Raises :class:`.reading.fields.Unreadable`."""
    config = adapter.config
    match plain_name(request.name):
        case name if name == CODEPAY:
            paid = parsed(WeChatPayTransaction, answer.node)
            return transaction_observation(config, paid, Source.REPLY, waits=True)
        case name if name == REFUND:
            return refund_of(operation, parsed(WeChatPayRefund, answer.node), Source.REPLY)
        case name if name == TRANSFER:
            return transfer_of(config, operation, parsed(WeChatPayTransfer, answer.node), Source.REPLY)
        case _:
            prepared = parsed(Prepared, answer.node)
            action = yield from handed_out(adapter, request, prepared)
            return Observation(state=State.ACTION, source=Source.REPLY, action=action, native=prepared)


def _refused(
    adapter: WeChatPay, operation: Operation, request: Call, answer: Answer, deadline_s: float
) -> Exchange[Observation]:
    """A refusal of money going out is believed only when WeChat then knows of no such refund or transfer.

    WeChat asks for that after every answer but 200, known code or not: another number taken too soon pays twice. A
    payment is asked about likewise when the code is new.
    """
    told = refusal(answer)
    meaning, reason = answer.verdict.meaning, answer.verdict.reason
    if meaning is Meaning.DONE:
        return _outside((yield from ask(adapter, operation, deadline_s)))
    name = plain_name(request.name)
    if meaning is Meaning.PENDING and name != CODEPAY:
        return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"HTTP {answer.status}: not processed yet", again=True)
    new = meaning is Meaning.REFUSED and plain_code(answer.code) not in CODES
    if name not in (REFUND, TRANSFER) and not new:
        return told
    if meaning is Meaning.UNKNOWN or reason is Reason.BAD_SIGNATURE:
        return told
    found = yield from ask(adapter, operation, deadline_s)
    if not found.absent:
        return _outside(found)
    if reason is Reason.INSUFFICIENT_FUNDS:
        return replace(told, reason=Reason.MERCHANT_FUNDS)
    return _not_taken(told, answer) if meaning is Meaning.ABSENT else told


def _outside(found: Observation) -> Observation:
    """What a question taught right after a request; where it taught nothing, the doubt is the request's: it left."""
    return replace(found, source=Source.REPLY) if found.state is State.DOUBT else found


def _not_taken(told: Observation, answer: Answer) -> Observation:
    """What the call is about is not there, and of the call itself WeChat knows nothing either."""
    return Observation(
        state=State.DECLINED,
        source=told.source,
        reason=Reason.NOT_FOUND,
        partner_code=answer.code,
        message=answer.message,
    )


def ask(adapter: WeChatPay, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    """Query an operation by our own number."""
    answer = yield from ask_wechat(adapter, question(adapter.config, operation), deadline_s)
    try:
        told = _told(adapter.config, operation, answer)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, str(error))
    if told.state is State.ACTION and told.action is None and operation.action is None:
        return (yield from _handed_out_again(adapter, operation, told, deadline_s))
    return told


def question(account: WeChatPayAccount, operation: Operation) -> Call:
    """The query that tells how an operation stands."""
    reference = operation.partner_ref
    match operation.verb:
        case Verb.REFUND:
            query = {"sub_mchid": account.sub_mchid} if account.sub_mchid is not None else {}
            return Call(name=REFUND_QUERY, path={"out_refund_no": reference}, query=query, moves_money=False)
        case Verb.PAYOUT:
            return Call(name=TRANSFER_QUERY, path={"out_bill_no": reference}, moves_money=False)
        case Verb.CANCEL:
            return trade_question(account, operation.identity.get("out_trade_no", reference))
        case Verb.PAY | Verb.CAPTURE:
            return trade_question(account, reference)
        case _:
            assert_never(operation.verb)


def trade_question(account: WeChatPayAccount, out_trade_no: str) -> Call:
    """The query of a payment by our number: the only one that finds an unpaid order."""
    path = {"out_trade_no": out_trade_no}
    return Call(name=named(account, TRADE_QUERY), path=path, query=_merchant_query(account), moves_money=False)


def _merchant_query(account: WeChatPayAccount) -> dict[str, str]:
    if account.sub_mchid is None:
        return {"mchid": account.mchid}
    return {"sp_mchid": account.mchid, "sub_mchid": account.sub_mchid}


def _told(account: WeChatPayAccount, operation: Operation, answer: Answer | Observation) -> Observation:
    """What the answer to a query teaches. Raises :class:`.reading.fields.Unreadable`."""
    answer = answered(answer)
    if isinstance(answer, Observation):
        return answer
    match operation.verb:
        case Verb.REFUND:
            return refund_of(operation, parsed(WeChatPayRefund, answer.node), Source.QUERY)
        case Verb.PAYOUT:
            return transfer_of(account, operation, parsed(WeChatPayTransfer, answer.node), Source.QUERY)
        case Verb.PAY | Verb.CAPTURE | Verb.CANCEL:
            return transaction_of(account, operation, parsed(WeChatPayTransaction, answer.node), Source.QUERY)
        case _:
            assert_never(operation.verb)


def answered(answer: Answer | Observation) -> Answer | Observation:
    """The answer to a question; where it was refused or did not come, the doubt that this leaves."""
    if isinstance(answer, Observation):
        cause = answer.unknown or answer.not_sent
        kind = answer.unknown.kind if answer.unknown else UnknownKind.TIMED_OUT
        # a question that was not answered teaches nothing, whether it left or not
        return doubt(Source.QUERY, kind, f"the question was not answered: {cause}")
    if answer.ok:
        return answer
    said = f"HTTP {answer.status} {answer.code} {answer.message}".strip()
    if answer.verdict.meaning is Meaning.ABSENT:
        return doubt(Source.QUERY, UnknownKind.NOT_FOUND, said)
    return doubt(Source.QUERY, UnknownKind.PARTNER_FAULT, f"the question was refused: {said}")


def _handed_out_again(
    adapter: WeChatPay, operation: Operation, told: Observation, deadline_s: float
) -> Exchange[Observation]:
    """The order or transfer is there and waits, but the answer that held its code was lost.

    The identical request brings it again: WeChat recognises the number, so nothing new is made. Where it cannot be
    repeated, the operation is pending until its time is over; where it was and brought nothing, it stays in doubt, as
    what is pending hands nothing out any more.
    """
    waiting = replace(told, state=State.PENDING)
    step = next((one for one in operation.steps if one.replayable and one.request is not None), None)
    now = yield from exchange.now()
    over = operation.payable_until is not None and now.utc >= operation.payable_until
    if step is None or step.request is None or over:
        return waiting
    request = Call.decode(step.request)
    answer = yield from ask_wechat(adapter, request, deadline_s)
    if isinstance(answer, Observation) or answer.verdict.again:
        cause = answer.unknown if isinstance(answer, Observation) else None
        kind = cause.kind if cause else UnknownKind.PARTNER_FAULT
        return doubt(Source.QUERY, kind, "it is there and waits, but what opens it could not be fetched again")
    if not answer.ok:
        return waiting
    try:
        again = yield from _carried_out(adapter, operation, request, answer)
    except Unreadable:
        return waiting
    return again if again.action is not None else waiting


def find(adapter: WeChatPay, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
    """Query a payment by WeChat's own number."""
    request = Call(
        name=named(adapter.config, TRADE_FIND),
        path={"transaction_id": partner_id.value},
        query=_merchant_query(adapter.config),
        moves_money=False,
    )
    answer = answered((yield from ask_wechat(adapter, request, deadline_s)))
    if isinstance(answer, Observation):
        return Found(partner_ref=None, observation=answer)
    try:
        transaction = parsed(WeChatPayTransaction, answer.node)
        observation = transaction_observation(adapter.config, transaction, Source.QUERY, waits=True)
    except Unreadable as error:
        return Found(partner_ref=None, observation=doubt(Source.QUERY, UnknownKind.UNREADABLE, str(error)))
    if observation.native is None or transaction.transaction_id != partner_id.value:
        return Found(partner_ref=None, observation=observation)
    return Found(partner_ref=transaction.out_trade_no, observation=observation)
