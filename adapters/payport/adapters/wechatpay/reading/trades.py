"""What answers about payments teach: created, paid, waiting, closed, reversed."""

from __future__ import annotations

from dataclasses import replace

from payport.adapters.wechatpay.account import WeChatPayAccount
from payport.adapters.wechatpay.mapping import Stage, TradeState, trade_stage
from payport.adapters.wechatpay.planning import SCANNED
from payport.adapters.wechatpay.reading.fields import instant, known, mismatch, money, whose
from payport.adapters.wechatpay.wire import WeChatPayTransaction
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt


def transaction_observation(
    account: WeChatPayAccount, transaction: WeChatPayTransaction, source: Source, *, waits: bool
) -> Observation:
    """What a transaction teaches. ``waits``: the payer holds nothing of ours, so open means pending.

    Raises :class:`.fields.Unreadable` for a paid one without an amount. ``payer_total`` may be less than ``total``
    where a coupon was used; the order is compared with ``total``.
    """
    foreign = whose(account, transaction) or _application(account, transaction)
    if foreign is not None:
        return mismatch(source, foreign)
    status = known(TradeState, transaction.trade_state)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"trade_state {transaction.trade_state}")
    stage = trade_stage(status)
    amount = transaction.amount
    stated = None
    if stage is Stage.PAID or (amount is not None and amount.total is not None):
        stated = money(amount.total if amount else None, amount.currency if amount else None)
    return Observation(
        state=_state(stage, waits=waits),
        source=source,
        partner_ref=transaction.out_trade_no,
        partner_id=transaction.transaction_id or None,
        ids={"trade_type": transaction.trade_type} if transaction.trade_type else {},
        amount=stated,
        at=instant(transaction.success_time),
        reason={Stage.OVER: Reason.CLOSED, Stage.FAILED: Reason.DECLINED}.get(stage),
        partner_code=transaction.trade_state if stage in (Stage.OVER, Stage.FAILED) else None,
        message=(transaction.trade_state_desc or "") if stage is not Stage.PAID else "",
        cancelled_by=_ended_by(transaction) if stage is Stage.OVER else None,
        native=transaction,
    )


def transaction_of(
    account: WeChatPayAccount, operation: Operation, transaction: WeChatPayTransaction, source: Source
) -> Observation:
    """What a transaction teaches about an attempt: one that was told as paid keeps its answer when it is reversed.

    Raises :class:`.fields.Unreadable`.
    """
    told = transaction_observation(account, transaction, source, waits=operation.ladder == SCANNED)
    reversed_since = told.state is State.DECLINED and transaction.trade_state == TradeState.REVOKED.value
    if operation.state is not State.SUCCEEDED or not reversed_since:
        return told
    at = operation.settled_at or operation.created_at
    returned = Fact(kind=FactKind.REFUNDED, at=at, amount=operation.amount, detail="reversed")
    return replace(told, state=State.SUCCEEDED, reason=None, cancelled_by=None, facts=(returned,))


def _state(stage: Stage, *, waits: bool) -> State:
    match stage:
        case Stage.OPEN | Stage.FAILED:
            # a failed try closes nothing: a scanned code is reversed when its ladder ends, others may be paid yet
            return State.PENDING if waits else State.ACTION
        case Stage.WORKING:
            return State.PENDING
        case Stage.PAID:
            return State.SUCCEEDED
        case Stage.OVER:
            return State.DECLINED


def _ended_by(transaction: WeChatPayTransaction) -> CancelledBy:
    """A reversed order that had been paid keeps the time at which it was."""
    return CancelledBy.REVERSED if instant(transaction.success_time) else CancelledBy.CLOSED


def _application(account: WeChatPayAccount, transaction: WeChatPayTransaction) -> str | None:
    told = (transaction.sp_appid or transaction.appid, transaction.sub_appid)
    if any(appid and appid not in account.appids for appid in told):
        return "application: it is about another application"
    return None
