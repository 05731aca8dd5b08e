"""What answers and notifications about transfers teach."""

from __future__ import annotations

from payport.adapters.wechatpay.account import WeChatPayAccount
from payport.adapters.wechatpay.adapter import payee_digest
from payport.adapters.wechatpay.calls import to_text
from payport.adapters.wechatpay.mapping import Stage, TransferState, fail_reason, transfer_stage
from payport.adapters.wechatpay.reading.fields import instant, known, mismatch, money
from payport.adapters.wechatpay.wire import WeChatPayTransfer
from payport.schemas.actions import AppParameters
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

_STATES = {
    Stage.OPEN: State.ACTION,
    Stage.WORKING: State.PENDING,
    Stage.PAID: State.SUCCEEDED,
    Stage.OVER: State.DECLINED,
    Stage.FAILED: State.PENDING,
}


def transfer_of(
    account: WeChatPayAccount, operation: Operation, transfer: WeChatPayTransfer, source: Source
) -> Observation:
    """What a transfer's record teaches about the operation that asked for it: payee compared as well."""
    payee = operation.identity.get("payee")
    if transfer.openid and payee is not None and payee_digest(transfer.openid) != payee:
        return mismatch(source, "payee: the answer is about a transfer to somebody else")
    return transfer_observation(account, transfer, source)


def transfer_observation(account: WeChatPayAccount, transfer: WeChatPayTransfer, source: Source) -> Observation:
    """What a transfer's state teaches, and what the payee is handed while a confirmation is wanted."""
    if transfer.mch_id not in (None, account.mchid) or transfer.appid not in (None, *account.appids):
        return mismatch(source, "merchant: it is about another merchant or application")
    status = known(TransferState, transfer.state)
    if status is None:
        return doubt(source, UnknownKind.UNKNOWN_STATUS, f"transfer state {transfer.state}")
    stage = transfer_stage(status)
    return Observation(
        state=_STATES[stage],
        source=source,
        partner_ref=transfer.out_bill_no,
        partner_id=transfer.transfer_bill_no,
        amount=money(transfer.transfer_amount, None) if transfer.transfer_amount is not None else None,
        at=instant(transfer.update_time or transfer.create_time),
        action=_confirmation(account, transfer) if stage is Stage.OPEN else None,
        reason=_why(status, transfer.fail_reason) if stage is Stage.OVER else None,
        partner_code=(transfer.fail_reason or transfer.state) if stage is Stage.OVER else None,
        native=transfer,
    )


def _why(status: TransferState, reason: str | None) -> Reason:
    return Reason.CLOSED if status is TransferState.CANCELLED else fail_reason(reason)


def _confirmation(account: WeChatPayAccount, transfer: WeChatPayTransfer) -> AppParameters | None:
    """What ``wx.requestMerchantTransfer`` takes. Only the answer to the request carries it."""
    if not transfer.package_info:
        return None
    fields = {
        "mchId": account.mchid,
        "appId": transfer.appid or account.appid,
        "package": transfer.package_info,
    }
    return AppParameters(payload=to_text(fields), fields=fields)
