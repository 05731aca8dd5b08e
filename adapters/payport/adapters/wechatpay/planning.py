"""From an intent to the call that carries it out, frozen. Pure: the same intent always gives the same call.

Sources: pay.weixin.qq.com, request parameters of each endpoint named here, for merchants and for service providers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from payport.adapters.wechatpay.account import WeChatPayAccount, notify_url_problem
from payport.adapters.wechatpay.adapter import payee_digest
from payport.adapters.wechatpay.calls import Call, china_time
from payport.adapters.wechatpay.encryption import LONGEST_SECRET_BYTES
from payport.adapters.wechatpay.methods import JsApi, WeChatPayMethod, WeChatPayPayee
from payport.schemas.methods import InApp, MiniProgram, MobileWeb, QrScanned, QrShown
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order, PayoutOrder
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import Operation, State, Step

NATIVE = "POST /v3/pay/transactions/native"
JSAPI = "POST /v3/pay/transactions/jsapi"
APP = "POST /v3/pay/transactions/app"
H5 = "POST /v3/pay/transactions/h5"
CODEPAY = "POST /v3/pay/transactions/codepay"
TRADE_QUERY = "GET /v3/pay/transactions/out-trade-no/{out_trade_no}"
TRADE_FIND = "GET /v3/pay/transactions/id/{transaction_id}"
CLOSE = "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close"
REVERSE = "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/reverse"
REFUND = "POST /v3/refund/domestic/refunds"
REFUND_QUERY = "GET /v3/refund/domestic/refunds/{out_refund_no}"
TRANSFER = "POST /v3/fund-app/mch-transfer/transfer-bills"
TRANSFER_QUERY = "GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}"

_OWN, _PARTNERS = "/v3/pay/transactions/", "/v3/pay/partner/transactions/"

SCANNED = "scanned"
"""The ladder of scanned codes: such an order is reversed, never closed, and has no notification."""
MICROPAY = "MICROPAY"
"""``trade_type`` of an order that was paid by a scanned code."""

PREPAID_LIFE_S = 7200.0
"""How long a ``code_url`` or ``prepay_id`` can be opened."""
H5_LIFE_S = 300.0
"""How long an ``h5_url`` can be opened."""
CODE_LIFE_S = 180.0
"""How long a scanned code may be charged: longer than the counter's ladder, short enough to be sure soon."""
SHORTEST_LIFE_S = 60.0
"""WeChat wants the end a minute or more after the order."""
REVERSE_AFTER_S = 15
"""A reverse is taken no sooner than this after the charge."""
CONFIRM_LIFE_S = 86_400.0
"""How long a payee may confirm a transfer."""
TRANSFER_QUERY_DAYS = 30
"""How long WeChat answers questions about a transfer."""

LONGEST_DESCRIPTION = 127
LONGEST_ATTACH = 128
LONGEST_REASON_BYTES = 80
LONGEST_REMARK = 32
NAME_FROM_MINOR = 200_000
NO_NAME_BELOW_MINOR = 30

_UNKEPT = re.compile(r"[^\x00-\uffff]")

NOT_BEFORE, PAID, KEEP_PAID = "not_before", "paid", "keep_paid"
APPID, RETURN_URL = "appid", "return_url"
"""Notes of calls: see :class:`.calls.Call`."""

_ENDPOINTS: Mapping[type[WeChatPayMethod], tuple[str, float]] = {
    QrShown: (NATIVE, PREPAID_LIFE_S),
    JsApi: (JSAPI, PREPAID_LIFE_S),
    MiniProgram: (JSAPI, PREPAID_LIFE_S),
    InApp: (APP, PREPAID_LIFE_S),
    MobileWeb: (H5, H5_LIFE_S),
    QrScanned: (CODEPAY, CODE_LIFE_S),
}
"""Which endpoint each method is, and how long what it hands out can be used."""


def named(account: WeChatPayAccount, name: str) -> str:
    """The endpoint as this account calls it: a service provider has paths of its own for payments."""
    return name.replace(_OWN, _PARTNERS) if account.sub_mchid is not None else name


def plain_name(name: str) -> str:
    """The endpoint as a merchant calls it."""
    return name.replace(_PARTNERS, _OWN)


def plan_pay(account: WeChatPayAccount, order: Order, method: WeChatPayMethod, slot: Slot) -> Plan:
    """The one call that charges, or makes what the payer opens. Raises :class:`InvalidIntent`."""
    if type(method) not in _ENDPOINTS:
        raise InvalidIntent(
            f"WeChat Pay does not take {type(method).__name__}; in a desktop browser show a code with QrShown"
        )
    if order.capture is CaptureMode.MANUAL:
        raise InvalidIntent("WeChat Pay holds no money for these methods: use capture=AUTOMATIC")
    name, life_s = _ENDPOINTS[type(method)]
    until = min(slot.payable_until, (slot.now + timedelta(seconds=life_s)).replace(microsecond=0))
    appid = appid_of(account, method)
    body: dict[str, object] = {
        **_merchant(account, appid),
        "description": _text("subject", order.subject)[:LONGEST_DESCRIPTION],
        "out_trade_no": slot.partner_ref,
        "amount": {"total": order.amount.amount_minor, "currency": order.amount.currency},
        **_attach(order.metadata),
        **_payer(account, order, method),
        **_scene(account, order, method),
    }
    scanned = isinstance(method, QrScanned)
    if not scanned:
        body |= {"time_expire": _end(slot, until), "notify_url": _notify_url(account, order)}
    notes = {APPID: account.sub_appid or appid}
    if isinstance(method, MobileWeb) and order.return_url is not None:
        notes[RETURN_URL] = order.return_url
    # a scanned code is taken once: whether it was is asked first, never tried
    step = _step(Call(name=named(account, name), body=body, notes=notes), replayable=not scanned)
    ladder = SCANNED if scanned else "shown"
    return Plan(steps=(step,), method=type(method).__name__, ladder=ladder, payable_until=until)


def _text(name: str, text: str) -> str:
    """A text of characters that WeChat promises to take: one to three bytes long in UTF-8."""
    if re.search(_UNKEPT, text):
        raise InvalidIntent(f"{name} holds a character that WeChat Pay does not promise to take (emoji, rare ones)")
    return text


def appid_of(account: WeChatPayAccount, method: WeChatPayMethod) -> str:
    """The application that the payment belongs to."""
    match method:
        case InApp():
            return account.app_appid or account.appid
        case MiniProgram():
            return account.mini_program_appid or account.appid
        case _:
            return account.appid


def _merchant(account: WeChatPayAccount, appid: str) -> dict[str, str]:
    if account.sub_mchid is None:
        return {"appid": appid, "mchid": account.mchid}
    sub = {"sub_appid": account.sub_appid} if account.sub_appid is not None else {}
    return {"sp_appid": appid, "sp_mchid": account.mchid, "sub_mchid": account.sub_mchid, **sub}


def _attach(metadata: Mapping[str, str]) -> dict[str, str]:
    if not metadata:
        return {}
    try:
        text = urlencode(metadata)
    except UnicodeEncodeError:
        raise InvalidIntent("metadata holds half a surrogate pair, which no charset can carry") from None
    if len(text) > LONGEST_ATTACH:
        raise InvalidIntent(f"WeChat Pay takes at most {LONGEST_ATTACH} characters of metadata, percent-encoded")
    return {"attach": text}


def _payer(account: WeChatPayAccount, order: Order, method: WeChatPayMethod) -> dict[str, object]:
    match method:
        case QrScanned(auth_code=code):
            return {"payer": {"auth_code": code}}
        case JsApi() | MiniProgram():
            openid = order.payer.id
            if openid is None:
                raise InvalidIntent(f"{type(method).__name__} needs order.payer.id: the user's open id")
            if account.sub_mchid is None:
                return {"payer": {"openid": openid}}
            return {"payer": {"sub_openid" if account.sub_appid is not None else "sp_openid": openid}}
        case _:
            return {}


def _scene(account: WeChatPayAccount, order: Order, method: WeChatPayMethod) -> dict[str, object]:
    ip = order.payer.ip
    match method:
        case QrScanned():
            store = {"out_id": account.store_no or account.mchid}
            return {"scene_info": {"store_info": store}}
        case MobileWeb():
            if ip is None:
                raise InvalidIntent("MobileWeb needs order.payer.ip: WeChat Pay compares it with the phone's")
            return {"scene_info": {"payer_client_ip": ip, "h5_info": {"type": "Wap"}}}
        case _:
            return {"scene_info": {"payer_client_ip": ip}} if ip is not None else {}


def _end(slot: Slot, until: datetime) -> str:
    if (until - slot.now).total_seconds() < SHORTEST_LIFE_S:
        raise InvalidIntent("WeChat Pay wants payable_until a minute away or more")
    return china_time(until)


def _notify_url(account: WeChatPayAccount, order: Order) -> str:
    url = order.notify_url or account.notify_url
    if url is None:
        raise InvalidIntent("WeChat Pay takes no order without a notify_url: set it on the account or the order")
    problem = notify_url_problem(url)
    if problem is not None:
        raise InvalidIntent(f"notify_url {problem}")
    return url


def _step(request: Call, *, replayable: bool = True) -> Step:
    """The journal's form of a call."""
    try:
        content = request.encode()
    except UnicodeEncodeError:
        raise InvalidIntent("a text holds half a surrogate pair, which no charset can carry") from None
    return Step.of(
        request.name,
        content,
        moves_money=request.moves_money,
        replayable=replayable,
    )


def plan_cancel(account: WeChatPayAccount, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:  # noqa: ARG001 - the slot names nothing here
    """Close an order; one that was paid by a scanned code can only be reversed."""
    reference = {"out_trade_no": payment.partner_ref}
    appid = {"appid": account.appid} if account.sub_mchid is None else {}
    if payment.ladder == SCANNED or payment.ids.get("trade_type") == MICROPAY:
        notes = {NOT_BEFORE: str(int(payment.created_at.timestamp()) + REVERSE_AFTER_S)}
        if payment.state is State.SUCCEEDED:
            notes[PAID] = "1"
        if not reverse_paid:
            notes[KEEP_PAID] = "1"
        body = _merchant(account, account.appid)
        call = Call(name=named(account, REVERSE), path=reference, body=body, notes=notes)
    else:
        body = {name: value for name, value in _merchant(account, account.appid).items() if name.endswith("mchid")}
        call = Call(name=named(account, CLOSE), path=reference, body=body)
    return Plan(steps=(_step(call),), identity={**reference, **appid})


def plan_refund(account: WeChatPayAccount, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
    """Give money back under its own ``out_refund_no``."""
    body: dict[str, object] = {
        "out_trade_no": payment.partner_ref,
        "out_refund_no": slot.partner_ref,
        "amount": {
            "refund": amount.amount_minor,
            "total": payment.amount.amount_minor,
            "currency": amount.currency,
        },
    }
    if reason:
        kept = re.sub(_UNKEPT, "?", reason)
        body["reason"] = kept.encode(errors="replace")[:LONGEST_REASON_BYTES].decode(errors="ignore")
    if account.notify_url is not None:
        body["notify_url"] = account.notify_url
    if account.sub_mchid is not None:
        body["sub_mchid"] = account.sub_mchid
    return Plan(
        steps=(_step(Call(name=REFUND, body=body)),),
        ladder="refund",
        identity={"out_trade_no": payment.partner_ref},
    )


def plan_payout(account: WeChatPayAccount, order: PayoutOrder, payee: WeChatPayPayee, slot: Slot) -> Plan:
    """Send money to a user, who must confirm it within a day. The name leaves encrypted."""
    if account.sub_mchid is not None:
        raise InvalidIntent("a service provider does not send a sub-merchant's money: use the merchant's own account")
    if not slot.partner_ref.isalnum():
        raise InvalidIntent("WeChat Pay takes letters and digits only in a transfer's reference")
    body: dict[str, object] = {
        "appid": account.appid,
        "out_bill_no": slot.partner_ref,
        "transfer_scene_id": payee.scene_id,
        "openid": payee.openid,
        "transfer_amount": order.amount.amount_minor,
        "transfer_remark": _text("remark", order.remark or order.subject)[:LONGEST_REMARK],
        "transfer_scene_report_infos": [
            {"info_type": kind, "info_content": _text(kind, content)} for kind, content in payee.report.items()
        ],
        **_name(order.amount, payee.name),
    }
    if payee.perception is not None:
        body["user_recv_perception"] = _text("perception", payee.perception)
    if account.notify_url is not None:
        body["notify_url"] = account.notify_url
    call = Call(name=TRANSFER, body=body, hidden=("user_name",), notes={APPID: account.appid})
    asked_until = slot.now + timedelta(days=TRANSFER_QUERY_DAYS)  # "not there" says nothing after that
    return Plan(
        steps=(replace(_step(call), replay_until=asked_until),),
        method="transfer",
        ladder="transfer",
        identity={"payee": payee_digest(payee.openid)},
        payable_until=(slot.now + timedelta(seconds=CONFIRM_LIFE_S)).replace(microsecond=0),
    )


def _name(amount: Money, name: str | None) -> dict[str, str]:
    if name is None:
        if amount.amount_minor >= NAME_FROM_MINOR:
            raise InvalidIntent("WeChat Pay wants the payee's real name from 2,000 yuan up")
        return {}
    if amount.amount_minor < NO_NAME_BELOW_MINOR:
        raise InvalidIntent("WeChat Pay takes no name below 0.30 yuan: leave it out")
    if len(name.encode(errors="replace")) > LONGEST_SECRET_BYTES:
        raise InvalidIntent(f"a name of more than {LONGEST_SECRET_BYTES} bytes cannot be encrypted")
    return {"user_name": name}
