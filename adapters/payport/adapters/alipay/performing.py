"""Carry out one step, ask about one operation: which call, and what its answer teaches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from payport.adapters.alipay.calls import Call, signed_parameters
from payport.adapters.alipay.envelope import ask_gateway
from payport.adapters.alipay.forms import encode_form
from payport.adapters.alipay.mapping import Meaning, verdict
from payport.adapters.alipay.planning import (
    APP,
    APP_FREEZE,
    CLOSE,
    HOLD,
    HOLD_QUERY,
    HOLD_REPEAT_S,
    LOCAL,
    REFUND,
    REFUND_QUERY,
    TRADE_QUERY,
    TRANSFER_QUERY,
    UNFREEZE,
    VOUCHER,
)
from payport.adapters.alipay.reading import read, read_question
from payport.adapters.alipay.reading.fields import Unreadable, parsed
from payport.adapters.alipay.wire import AlipayHold, AlipayTrade
from payport.schemas.actions import Action, AppParameters, PostForm, Redirect
from payport.schemas.outcome import Reason, UnknownCause, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.schemas.references import PartnerId
from payport.sdk.adapter import Found
from payport.sdk.calling import kept
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.alipay.adapter import Alipay

LONGEST_LINK = 2_000
"""Characters that every browser and proxy takes in a URL; longer requests are posted."""
_OVER_ALREADY = (Reason.INVALID_STATE, Reason.CLOSED)


def perform(alipay: Alipay, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
    """Send one step, or sign an action that needs no call."""
    sends = kept(step)
    if isinstance(sends, Observation):
        return sends
    request = Call.decode(sends)
    if request.method in LOCAL:
        action = yield from signed_action(alipay, request)
        return Observation(state=State.ACTION, source=Source.LOCAL, action=action)
    answer = yield from ask_gateway(alipay, request, deadline_s, not_after=_last_moment(operation, request))
    if isinstance(answer, Observation):
        return answer
    meaning = None if answer.ok else verdict(answer.code, answer.sub_code).meaning
    if meaning is Meaning.DONE:
        return (yield from ask(alipay, operation, deadline_s))  # it was done before: the question tells how
    observation = read(operation, request.method, answer)
    if request.method == UNFREEZE and meaning is Meaning.CONFLICT:
        # its number stands for another amount: for what was left of the hold, released by this very cancel before
        return (yield from _how_released(alipay, operation, observation, deadline_s))
    return (yield from _ask_on(alipay, operation, request, observation, deadline_s))


def _last_moment(operation: Operation, request: Call) -> datetime | None:
    """From when on a hold's code may not be asked for: its life counts from then, and may not outlive the order's."""
    return operation.created_at + timedelta(seconds=HOLD_REPEAT_S / 2) if request.method == VOUCHER else None


def _ask_on(
    alipay: Alipay, operation: Operation, request: Call, observation: Observation, deadline_s: float
) -> Exchange[Observation]:
    """Three answers leave open what happened and name the question that tells."""
    if request.method == CLOSE and observation.reason in _OVER_ALREADY:
        return (yield from _how_closed(alipay, operation, observation, deadline_s))
    if request.method == REFUND and observation.state is State.PENDING:
        told = yield from ask(alipay, operation, deadline_s)
        return told if told.state is State.SUCCEEDED else observation
    if request.method == UNFREEZE and observation.reason in _OVER_ALREADY:
        return (yield from _how_released(alipay, operation, observation, deadline_s))
    return observation


def _how_closed(alipay: Alipay, cancel: Operation, refused: Observation, deadline_s: float) -> Exchange[Observation]:
    """A trade cannot be closed when it is paid, and not again when it is closed: the refusal is the same."""
    biz = {"out_trade_no": cancel.identity.get("out_trade_no", "")}
    told = yield from _question(alipay, cancel, TRADE_QUERY, biz, deadline_s)
    if told.state is State.DECLINED and told.partner_ref == biz["out_trade_no"]:
        return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED)
    return _not_told(refused, told.unknown) if told.state is State.DOUBT else refused


def _not_told(refused: Observation, unknown: UnknownCause | None) -> Observation:
    """A refusal that may mean that it was done before, with nobody to say so: it is looked at again later."""
    kind = unknown.kind if unknown else UnknownKind.PARTNER_FAULT
    return doubt(Source.REPLY, kind, f"refused ({refused.partner_code}), and how it stands was not told: {unknown}")


def _how_released(alipay: Alipay, cancel: Operation, refused: Observation, deadline_s: float) -> Exchange[Observation]:
    """A hold of which parts were captured, or that was released before: look what is left of it."""
    order_no = cancel.identity.get("out_order_no", "")
    biz = {"out_order_no": order_no, "out_request_no": order_no, "operation_type": "FREEZE"}
    answer = yield from ask_gateway(alipay, Call(method=HOLD_QUERY, biz=biz, moves_money=False), deadline_s)
    if isinstance(answer, Observation):
        return _not_told(refused, answer.unknown)
    try:
        hold = parsed(AlipayHold, answer) if answer.ok else None
    except Unreadable:
        hold = None
    if hold is None or hold.rest_amount is None or hold.out_order_no != order_no:
        return _not_told(refused, None)
    if hold.order_status in ("FINISH", "CLOSED") or not hold.rest_amount.strip("0."):
        if hold.total_pay_amount is not None and hold.total_pay_amount == hold.total_freeze_amount:
            return refused  # all of it was captured: nothing was given back
        return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.VOIDED, native=hold)
    rest = {
        "auth_no": hold.auth_no or "",
        "out_request_no": cancel.partner_ref,
        "amount": hold.rest_amount,
        "remark": "released",
    }
    answer = yield from ask_gateway(alipay, Call(method=UNFREEZE, biz=rest), deadline_s)
    return answer if isinstance(answer, Observation) else read(cancel, UNFREEZE, answer)


def signed_action(alipay: Alipay, request: Call) -> Exchange[Action]:
    """The page, form or app string of a call that the payer makes: a link where it fits, else a form to post."""
    charset = alipay.config.charset
    # the payer's browser posts a form in the charset of the page it stands on, which is UTF-8
    params = yield from signed_parameters(alipay, request, escaped=charset != "utf-8")
    if request.method in (APP, APP_FREEZE):
        return AppParameters(payload=encode_form(params, charset).decode("ascii"), fields=params)
    link = f"{alipay.config.gateway_url}?{encode_form(params, charset).decode('ascii')}"
    if len(link) <= LONGEST_LINK:
        return Redirect(url=link)
    content = params.pop("biz_content")
    url = f"{alipay.config.gateway_url}?{encode_form(params, charset).decode('ascii')}"
    return PostForm(url=url, fields={"biz_content": content})


def ask(alipay: Alipay, operation: Operation, deadline_s: float) -> Exchange[Observation]:
    """Query an operation by our own reference."""
    method, biz = _question_about(operation)
    return (yield from _question(alipay, operation, method, biz, deadline_s))


def _question_about(operation: Operation) -> tuple[str, dict[str, str]]:
    reference = operation.partner_ref
    match operation.verb:
        case Verb.REFUND:
            return REFUND_QUERY, {
                "out_trade_no": operation.identity.get("out_trade_no", ""),
                "out_request_no": reference,
            }
        case Verb.PAYOUT:
            return TRANSFER_QUERY, {
                "out_biz_no": reference,
                "product_code": "TRANS_ACCOUNT_NO_PWD",
                "biz_scene": "DIRECT_TRANSFER",
            }
        case Verb.PAY if HOLD in operation.identity:
            return HOLD_QUERY, {"out_order_no": reference, "out_request_no": reference, "operation_type": "FREEZE"}
        case Verb.PAY | Verb.CAPTURE | Verb.CANCEL:
            return TRADE_QUERY, {"out_trade_no": reference}
        case _:
            assert_never(operation.verb)


def _question(
    alipay: Alipay, operation: Operation, method: str, biz: dict[str, str], deadline_s: float
) -> Exchange[Observation]:
    answer = yield from ask_gateway(alipay, Call(method=method, biz=biz, moves_money=False), deadline_s)
    if isinstance(answer, Observation):
        cause = answer.unknown or answer.not_sent
        kind = answer.unknown.kind if answer.unknown else UnknownKind.TIMED_OUT
        # a question that was not answered teaches nothing, whether it left or not
        return doubt(Source.QUERY, kind, f"{method} was not answered: {cause}")
    return read_question(operation, method, answer)


def find(alipay: Alipay, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
    """Query a trade by Alipay's own number."""
    request = Call(method=TRADE_QUERY, biz={"trade_no": partner_id.value}, moves_money=False)
    answer = yield from ask_gateway(alipay, request, deadline_s)
    if isinstance(answer, Observation):
        return Found(partner_ref=None, observation=answer)
    observation = read_question(None, TRADE_QUERY, answer)
    trade = observation.native
    if not isinstance(trade, AlipayTrade) or trade.trade_no != partner_id.value:
        return Found(partner_ref=None, observation=observation)
    return Found(partner_ref=trade.out_trade_no, observation=observation)
