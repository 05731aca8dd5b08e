"""From an intent to the call that carries it out, frozen. Pure: the same intent always gives the same call.

Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from payport.adapters.unionpay.account import LONGEST_ADDRESS, UnionPayAccount, is_address
from payport.adapters.unionpay.beijing import end_of_both_days, end_of_clearing_day, same_clearing_day, stamp
from payport.adapters.unionpay.calls import APP, BACK, FRONT, Call, encoding_of
from payport.adapters.unionpay.forms import plain_text, write_group
from payport.adapters.unionpay.methods import ApplePay, BusinessPage, UnionPayMethod
from payport.schemas.methods import HostedPage, InApp, MobileWeb, QrScanned, QrShown
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import Operation, State, Step, Verb

CONSUME = "01"
PRE_AUTH = "02"
COMPLETION = "03"
REFUND = "04"
UNDO = "31"
PRE_AUTH_UNDO = "32"
COMPLETION_UNDO = "33"
REVERSAL = "99"

CODE_LIFE_S = 180.0
"""How long a scanned code is given: longer than the counter's ladder; UnionPay's codes live about a minute."""
REPEAT_S = 600.0
"""How old ``txnTime`` may be for UnionPay: an older request is not sent. The resolver repeats inside half of it."""
QUIET_S = 120.0
"""So shortly before the end of a day nothing is repeated: the repetition might count for the next day."""
ORIGINAL = "origQryId"
"""UnionPay's number of the completion that is undone, kept in the undo's identity: answers are compared with it."""
TOLD_AT = "backUrl"
"""Mark in an identity: the order's own notify address, for what is done about it later."""
BY_CANCEL = "cancel"
"""``reqReserved`` of a refund that a cancel makes: its notice then ends the cancel, and no refund of the caller's.

Also the mark of every cancel in its identity: what is told of one is about no payment that bears the same number.
"""
KEEP_PAID = "keep_paid"
"""Mark in a cancel's identity: what is paid is not to be given back, so it is looked at before it is reversed."""
SCANNED = frozenset({"04", "06"})
"""``txnSubType`` of what a scanned code pays: a back-end transaction, whose refusal is final."""

_QR_NO = re.compile(r"\d{1,20}", re.ASCII)
_MAX_RESERVED = 1024


def plan_pay(account: UnionPayAccount, order: Order, method: UnionPayMethod, slot: Slot) -> Plan:
    """The one call that charges or holds. Raises :class:`InvalidIntent`."""
    hold = order.capture is CaptureMode.MANUAL
    until = life_of(method, slot)
    path, product = _product(method, hold=hold)
    front = path == FRONT
    fields = {
        **product,
        "orderId": slot.partner_ref,
        "txnTime": stamp(slot.now),
        "txnAmt": str(order.amount.amount_minor),
        "currencyCode": "156",
        "backUrl": _address(order.notify_url or account.notify_url),
        "reqReserved": _reserved(order.metadata),
    }
    if isinstance(method, QrScanned):
        fields |= {"qrNo": _qr_no(method), "termId": account.term_id or ""}
    else:
        fields["payTimeout"] = stamp(until)
    if front:
        fields |= {
            "frontUrl": _optional_address(order.return_url or account.return_url),
            "riskRateInfo": write_group({"commodityName": plain_text(order.subject)}),
            "customerIp": order.payer.ip or "",
        }
    call = Call(path=path, fields={name: value for name, value in fields.items() if value})
    check_encoding(account, call)
    ladder = ("held" if hold else "scanned") if isinstance(method, QrScanned) else "shown"
    return Plan(
        steps=(step(call, slot.now),),
        method=type(method).__name__,
        ladder=ladder,
        identity=_kept(fields, "txnSubType") | ({TOLD_AT: order.notify_url} if order.notify_url else {}),
        payable_until=until,
    )


def life_of(method: UnionPayMethod, slot: Slot) -> datetime:
    """Until when the attempt may be paid: a scanned code's life is short."""
    if isinstance(method, QrScanned):
        return min(slot.payable_until, (slot.now + timedelta(seconds=CODE_LIFE_S)).replace(microsecond=0))
    return slot.payable_until


def _product(method: UnionPayMethod, *, hold: bool) -> tuple[str, dict[str, str]]:
    """Where the method goes, and which of UnionPay's products it is."""
    kind = PRE_AUTH if hold else CONSUME

    def product(sub_type: str, biz_type: str, channel: str) -> dict[str, str]:
        return {"txnType": kind, "txnSubType": sub_type, "bizType": biz_type, "channelType": channel}

    match method:
        case HostedPage():
            return FRONT, product("01", "000201", "07")
        case MobileWeb():
            return FRONT, product("01", "000201", "08")
        case QrShown():
            return BACK, product("05" if hold else "07", "000000", "08")
        case QrScanned():
            return BACK, product("04" if hold else "06", "000000", "08")
        case InApp() | BusinessPage() | ApplePay() if hold:
            raise InvalidIntent(f"UnionPay holds money by pages and codes only, not by {type(method).__name__}")
        case InApp():
            return APP, product("01", "000201", "08")
        case BusinessPage():
            return FRONT, product("01", "000202", "07")
        case ApplePay():
            return APP, product("01", "000802", "08")
        case _:
            # a method of another partner, from a caller whose types were not checked
            raise InvalidIntent(f"UnionPay does not take {type(method).__name__}")


def _qr_no(method: QrScanned) -> str:
    if not _QR_NO.fullmatch(method.auth_code):
        raise InvalidIntent("a QuickPass payment code has at most 20 digits and nothing else")
    return method.auth_code


def _address(url: str | None) -> str:
    if url is None:
        raise InvalidIntent("UnionPay must be told where to post its notices: set notify_url of the account or order")
    return _optional_address(url)


def _optional_address(url: str | None) -> str:
    if url is not None and not is_address(url):
        raise InvalidIntent(
            f"UnionPay takes addresses in ASCII of at most {LONGEST_ADDRESS} characters; this one has {len(url)}: "
            "shorten it, and percent-encode the rest"
        )
    return url or ""


def _reserved(metadata: Mapping[str, str]) -> str:
    """``reqReserved``: base64, since its text may hold none of the characters that structure a message."""
    if not metadata:
        return ""
    try:
        text = base64.b64encode(urlencode(metadata).encode()).decode()
    except UnicodeEncodeError:
        raise InvalidIntent("metadata holds half a surrogate pair, which no encoding can carry") from None
    if len(text) > _MAX_RESERVED:
        raise InvalidIntent(f"UnionPay takes {_MAX_RESERVED} characters of metadata, written as a form and in base64")
    return text


def step(call: Call, now: datetime) -> Step:
    """The journal's form of a call. ``now``: the instant that its ``txnTime`` was made of.

    UnionPay knows a request by number and ``txnTime`` and answers a repetition with code 12, but takes the same number
    again on another day: nothing is repeated across the end of a clearing or calendar day.
    """
    request = call.encode()
    ends = end_of_both_days(now)
    sent = call.path != FRONT
    return Step.of(
        call.name,
        request,
        moves_money=sent,
        replayable=sent and ends - now > timedelta(seconds=QUIET_S),
        replay_until=min(now + timedelta(seconds=REPEAT_S), ends) if sent else None,
    )


def check_encoding(account: UnionPayAccount, call: Call) -> None:
    """Raise :class:`InvalidIntent` for content with a character that the call's encoding cannot carry."""
    encoding = encoding_of(account, call)
    for value in call.fields.values():
        try:
            value.encode(encoding)
        except UnicodeEncodeError as error:
            raise InvalidIntent(
                f"the call goes out in {encoding}, which has no {value[error.start]!r}; use encoding UTF-8"
            ) from None


def plan_cancel(account: UnionPayAccount, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
    """Undo, refund, release or reverse, by what the attempt is, how it stands, and which clearing day it is.

    There is no close: what is not paid yet is waited out (a plan without steps).
    """
    identity = {"txnTime": stamp(slot.now), BY_CANCEL: "1"} | ({} if reverse_paid else {KEEP_PAID: "1"})
    if payment.state is State.AUTHORIZED:
        asked = _asked_at(payment, slot)
        return Plan(steps=(step(_back(account, payment, PRE_AUTH_UNDO, slot, asked), asked),), identity=identity)
    if payment.state is State.SUCCEEDED and reverse_paid:
        asked = _asked_at(payment, slot)
        undo = payment.partner_id is not None and same_clearing_day(_paid_at(payment), asked)
        call = _back(account, payment, UNDO if undo else REFUND, slot, asked)
        return Plan(steps=(step(call, asked),), identity=identity)
    if _can_be_reversed(payment, slot):
        return Plan(steps=(step(_reversal(account, payment), slot.now),), identity=identity)
    return Plan(steps=(), identity=identity)


def _asked_at(payment: Operation, slot: Slot) -> datetime:
    """When giving back became possible: asked for, and paid. Both stay the same however often it is planned."""
    return max(slot.now, payment.settled_at or slot.now)


def _paid_at(payment: Operation) -> datetime:
    return payment.settled_at or payment.created_at


def _can_be_reversed(payment: Operation, slot: Slot) -> bool:
    """Only a back-end consumption whose result is not known, and only on its own clearing day."""
    back_end = payment.identity.get("txnType") == CONSUME and payment.identity.get("txnSubType") in SCANNED
    return back_end and not payment.state.final and same_clearing_day(payment.created_at, slot.now)


def _reversal(account: UnionPayAccount, payment: Operation) -> Call:
    return Call(
        path=BACK,
        fields={
            "txnType": REVERSAL,
            "txnSubType": "01",
            "bizType": payment.identity.get("bizType", "000000"),
            "channelType": "07",
            "orderId": payment.partner_ref,
            "txnTime": payment.identity.get("txnTime", ""),
            "txnAmt": str(payment.amount.amount_minor),
            "backUrl": _told_at(account, payment),
        },
    )


def _back(
    account: UnionPayAccount,
    original: Operation,
    txn_type: str,
    slot: Slot,
    at: datetime,
    amount: Money | None = None,
) -> Call:
    """A call about a transaction that was made before, under a number and time of its own."""
    fields = {
        "txnType": txn_type,
        "txnSubType": "00",
        "bizType": original.identity.get("bizType", "000000"),
        "channelType": "07",
        "orderId": slot.partner_ref,
        "txnTime": stamp(at),
        "txnAmt": str((amount or original.amount).amount_minor),
        "backUrl": _told_at(account, original),
        "reqReserved": BY_CANCEL if txn_type == REFUND and amount is None else "",
        **_original(original, txn_type),
    }
    return Call(path=BACK, fields={name: value for name, value in fields.items() if value})


def _told_at(account: UnionPayAccount, original: Operation) -> str:
    return original.identity.get(TOLD_AT) or _address(account.notify_url)


def _original(original: Operation, txn_type: str) -> dict[str, str]:
    if original.partner_id is not None:
        return {ORIGINAL: original.partner_id}
    if txn_type != REFUND:
        raise InvalidIntent("UnionPay's number (queryId) of the original is not known yet: query it first")
    return {"origOrderId": original.partner_ref, "origTxnTime": original.identity.get("txnTime", "")}


def plan_capture(account: UnionPayAccount, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
    """Complete a hold (03): once, for at most what is held; the rest goes back to the payer."""
    if not final and amount != hold.amount:
        raise InvalidIntent("UnionPay completes a hold once and releases the rest: capture it with final=True")
    call = _back(account, hold, COMPLETION, slot, slot.now, amount)
    told_at = {name: hold.identity[name] for name in (TOLD_AT,) if name in hold.identity}
    return Plan(steps=(step(call, slot.now),), of=hold.id, identity=_kept(call.fields) | told_at)


def plan_refund(account: UnionPayAccount, payment: Operation, amount: Money, slot: Slot) -> Plan:
    """Give money back under a number and time of its own: a refund (04), or the undo of a whole completion (33).

    After its clearing day UnionPay carries an undo out no more. There is no field for a reason.
    """
    assert payment.verb in (Verb.PAY, Verb.CAPTURE)
    undo = _can_be_undone(payment, amount, slot)
    call = _back(account, payment, COMPLETION_UNDO if undo else REFUND, slot, slot.now, amount)
    return Plan(
        steps=(step(call, slot.now),),
        identity=_kept(call.fields, *((ORIGINAL,) if undo else ())),
        payable_until=end_of_clearing_day(slot.now) if undo else None,
        restores_hold=undo,
    )


def _can_be_undone(payment: Operation, amount: Money, slot: Slot) -> bool:
    """Only a completion, as a whole, on its own clearing day, and not once more what UnionPay refused to undo."""
    whole = payment.verb is Verb.CAPTURE and amount == payment.amount and payment.partner_id is not None
    refused = any(each.identity.get("txnType") == COMPLETION_UNDO for each in slot.refused)
    return whole and not refused and same_clearing_day(_paid_at(payment), slot.now)


def _kept(fields: Mapping[str, str], *more: str) -> dict[str, str]:
    """What is frozen with the operation: it is asked about, compared and given back by it."""
    return {name: fields[name] for name in ("txnTime", "txnType", "bizType", *more)}
