"""From an intent to the call that carries it out, frozen. Pure: the same intent always gives the same call.

Sources: open.alipay.com, request parameters of each operation named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never
from urllib.parse import urlencode

from payport.adapters.alipay.account import AlipayAccount
from payport.adapters.alipay.calls import Call, china_time, to_text
from payport.adapters.alipay.methods import AlipayMethod, AlipayPayee, FaceScanned, PayeeKind
from payport.schemas.methods import HostedPage, InApp, MiniProgram, MobileWeb, QrScanned, QrShown
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order, PayoutOrder
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import Operation, State, Step

PRECREATE = "alipay.trade.precreate"
CREATE = "alipay.trade.create"
PAY = "alipay.trade.pay"
PAGE = "alipay.trade.page.pay"
WAP = "alipay.trade.wap.pay"
APP = "alipay.trade.app.pay"
CLOSE = "alipay.trade.close"
CANCEL = "alipay.trade.cancel"
REFUND = "alipay.trade.refund"
FREEZE = "alipay.fund.auth.order.freeze"
VOUCHER = "alipay.fund.auth.order.voucher.create"
APP_FREEZE = "alipay.fund.auth.order.app.freeze"
UNFREEZE = "alipay.fund.auth.order.unfreeze"
CANCEL_HOLD = "alipay.fund.auth.operation.cancel"
TRANSFER = "alipay.fund.trans.uni.transfer"

TRADE_QUERY = "alipay.trade.query"
REFUND_QUERY = "alipay.trade.fastpay.refund.query"
HOLD_QUERY = "alipay.fund.auth.operation.detail.query"
TRANSFER_QUERY = "alipay.fund.trans.common.query"

LOCAL = frozenset({PAGE, WAP, APP, APP_FREEZE})
"""Signed here and handed to the payer: no call of ours; the trade exists only once the payer opens it."""
REPEATABLE = frozenset({PRECREATE, CREATE, CLOSE, CANCEL, REFUND, VOUCHER, UNFREEZE, CANCEL_HOLD, TRANSFER})
"""What Alipay recognises when it is sent again. Not ``trade.pay`` and ``freeze``: they take the code once more."""

LONGEST_ADDRESS = 256
LONGEST_QUIT_ADDRESS = 400

HOLD = "hold"
"""Mark in an operation's identity: this attempt holds money, it does not take it."""


CODE_LIFE_S = 180.0
"""How long a scanned code may be charged: longer than the counter's ladder, short enough to be sure soon."""

HOLD_REPEAT_S = 120.0
"""The window of a voucher's request; the resolver repeats inside half of it, well within the settling margin."""

_PRODUCTS: Mapping[type[AlipayMethod], tuple[str, str]] = {
    QrScanned: (PAY, "FACE_TO_FACE_PAYMENT"),
    FaceScanned: (PAY, "FACE_TO_FACE_PAYMENT"),
    QrShown: (PRECREATE, "FACE_TO_FACE_PAYMENT"),
    HostedPage: (PAGE, "FAST_INSTANT_TRADE_PAY"),
    MobileWeb: (WAP, "QUICK_WAP_WAY"),
    InApp: (APP, "QUICK_MSECURITY_PAY"),
    MiniProgram: (CREATE, "JSAPI_PAY"),
}
"""Which call and which product of Alipay each method is."""


def plan_pay(account: AlipayAccount, order: Order, method: AlipayMethod, slot: Slot) -> Plan:
    """The one call that charges or holds. Raises :class:`InvalidIntent`."""
    if type(method) not in _PRODUCTS:
        raise InvalidIntent(f"Alipay does not take {type(method).__name__}")
    until = life_of(method, slot)
    if order.capture is CaptureMode.MANUAL:
        return _plan_hold(account, order, method, slot, until)
    name, product = _PRODUCTS[type(method)]
    biz: dict[str, object] = {
        "out_trade_no": slot.partner_ref,
        "total_amount": order.amount.text(),
        "subject": order.subject,
        "product_code": product,
        "time_expire": china_time(until),
        **_of_method(account, order, method),
    }
    if account.seller_id is not None and name != PAGE:  # trade.page.pay alone has no such field
        biz["seller_id"] = account.seller_id
    if order.payer.ip is not None:
        biz["business_params"] = {"mc_create_trade_ip": order.payer.ip}
    if order.metadata:
        biz["passback_params"] = _passback(order.metadata)
    return _plan(account, order, name, biz, method=method, until=until)


def life_of(method: AlipayMethod, slot: Slot) -> datetime:
    """Until when the attempt may be paid: a scanned code's life is short."""
    if isinstance(method, QrScanned):
        return min(slot.payable_until, (slot.now + timedelta(seconds=CODE_LIFE_S)).replace(microsecond=0))
    return slot.payable_until


def _of_method(account: AlipayAccount, order: Order, method: AlipayMethod) -> dict[str, str]:
    match method:
        case QrScanned(auth_code=code):
            return {"scene": "security_code" if isinstance(method, FaceScanned) else "bar_code", "auth_code": code}
        case MobileWeb(quit_url=str(quit_url)):
            if len(quit_url) > LONGEST_QUIT_ADDRESS:
                raise InvalidIntent(f"Alipay takes a quit_url of at most {LONGEST_QUIT_ADDRESS} characters")
            return {"quit_url": quit_url}
        case MiniProgram():
            return {"op_app_id": account.app_id, **_buyer(order)}
        case _:
            return {}


def _plan_hold(account: AlipayAccount, order: Order, method: AlipayMethod, slot: Slot, until: datetime) -> Plan:
    if account.seller_id is None:
        raise InvalidIntent("a hold names who will get the money: set seller_id of the Alipay account")
    minutes = int((until - slot.now).total_seconds() // 60)
    if minutes < 1:
        raise InvalidIntent("Alipay counts the life of a hold in minutes: payable_until must be a minute away or more")
    biz: dict[str, object] = {
        "out_order_no": slot.partner_ref,
        "out_request_no": slot.partner_ref,
        "order_title": order.subject[:100],
        "amount": order.amount.text(),
        "payee_user_id": account.seller_id,
        "pay_timeout": f"{minutes}m",
    }
    match method:
        case QrScanned(auth_code=code):
            kind = "security_code" if isinstance(method, FaceScanned) else "bar_code"
            biz |= {"product_code": "PRE_AUTH", "auth_code": code, "auth_code_type": kind}
            return _plan(account, order, FREEZE, biz, method=method, until=until, hold=True)
        case QrShown():
            biz |= {"product_code": "PRE_AUTH"}
            plan = _plan(account, order, VOUCHER, biz, method=method, until=until, hold=True)
            # its life is counted from when Alipay gets it: a late repetition would outlive payable_until
            soon = slot.now + timedelta(seconds=HOLD_REPEAT_S)
            return replace(plan, steps=tuple(replace(step, replay_until=soon) for step in plan.steps))
        case InApp():
            biz |= {"product_code": "PREAUTH_PAY"}
            # its life begins when the payer opens it, whenever that is: it is never over by time alone
            return replace(_plan(account, order, APP_FREEZE, biz, method=method, until=until, hold=True), expires=False)
        case HostedPage() | MobileWeb() | MiniProgram():
            raise InvalidIntent(
                f"Alipay holds money by QrShown, QrScanned and InApp only, not by {type(method).__name__}"
            )
        case _:
            assert_never(method)


def _plan(
    account: AlipayAccount,
    order: Order,
    name: str,
    biz: Mapping[str, object],
    *,
    method: AlipayMethod,
    until: datetime,
    hold: bool = False,
) -> Plan:
    notify_url = order.notify_url or account.notify_url
    return_url = (order.return_url or account.return_url) if name in (PAGE, WAP) else None
    check_charset(account, [biz, notify_url, return_url])
    for address in (notify_url, return_url):
        if address is not None and len(address) > LONGEST_ADDRESS:
            raise InvalidIntent(f"Alipay takes addresses of at most {LONGEST_ADDRESS} characters, got {len(address)}")
    call = Call(method=name, biz=biz, notify_url=notify_url, return_url=return_url)
    identity = {HOLD: "1"} if hold else {}
    return Plan(
        steps=(step(call),),
        method=type(method).__name__,
        ladder="scanned" if isinstance(method, QrScanned) else "shown",
        identity=identity,
        payable_until=until,
    )


def step(call: Call) -> Step:
    """The journal's form of a call."""
    request = call.encode()
    return Step.of(
        call.method,
        request,
        moves_money=call.method not in LOCAL,
        replayable=call.method in REPEATABLE,
    )


def check_charset(account: AlipayAccount, content: object) -> None:
    """Raise :class:`InvalidIntent` for content with a character that the account's charset cannot carry."""
    text = to_text(content)
    try:
        text.encode(account.charset)
    except UnicodeEncodeError as error:
        raise InvalidIntent(
            f"the account uses {account.charset}, which has no {text[error.start]!r}; use charset utf-8"
        ) from None


def _passback(metadata: Mapping[str, str]) -> str:
    try:
        text = urlencode(metadata)
    except UnicodeEncodeError:
        raise InvalidIntent("metadata holds half a surrogate pair, which no charset can carry") from None
    if len(text) > 512:
        raise InvalidIntent("Alipay takes at most 512 characters of metadata, percent-encoded")
    return text


def _buyer(order: Order) -> dict[str, str]:
    payer = order.payer.id
    if payer is None:
        raise InvalidIntent("a mini-program payment needs order.payer.id: the user's 2088 number or open id")
    return {"buyer_id": payer} if payer.isdigit() and len(payer) == 16 else {"buyer_open_id": payer}


def plan_cancel(payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
    """Close, reverse or release, by what the attempt is and how it stands."""
    reference = payment.partner_ref
    if HOLD in payment.identity:
        if payment.state is State.AUTHORIZED:
            biz = {
                "auth_no": payment.ids.get("auth_no", ""),
                "out_request_no": slot.partner_ref,
                "amount": payment.amount.text(),
                "remark": "released",
            }
            return Plan(steps=(step(Call(method=UNFREEZE, biz=biz)),), identity={"out_order_no": reference})
        biz = {"out_order_no": reference, "out_request_no": reference, "remark": "cancelled"}
        return Plan(steps=(step(Call(method=CANCEL_HOLD, biz=biz)),), identity={"out_order_no": reference})
    name = CANCEL if reverse_paid else CLOSE
    biz = {"out_trade_no": reference}
    return Plan(steps=(step(Call(method=name, biz=biz)),), identity=biz)


def plan_capture(hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
    """Take money from a hold: ``trade.pay`` with its number."""
    biz = {
        "out_trade_no": slot.partner_ref,
        "auth_no": hold.ids.get("auth_no", ""),
        "total_amount": amount.text(),
        "product_code": "PREAUTH_PAY" if hold.method == "InApp" else "PRE_AUTH",
        "subject": f"Capture {hold.ref}",
        "auth_confirm_mode": "COMPLETE" if final else "NOT_COMPLETE",
    }
    # unlike a scanned code, a capture of the same number is recognised when it is sent again
    return Plan(steps=(replace(step(Call(method=PAY, biz=biz)), replayable=True),), of=hold.id)


def plan_refund(account: AlipayAccount, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
    """Give money back under its own ``out_request_no``."""
    biz = {
        "out_trade_no": payment.partner_ref,
        "out_request_no": slot.partner_ref,
        "refund_amount": amount.text(),
        **({"refund_reason": reason[:256]} if reason else {}),
    }
    check_charset(account, biz)
    return Plan(
        steps=(step(Call(method=REFUND, biz=biz)),), ladder="refund", identity={"out_trade_no": payment.partner_ref}
    )


def plan_payout(account: AlipayAccount, order: PayoutOrder, payee: AlipayPayee, slot: Slot) -> Plan:
    """Send money to an Alipay account."""
    if account.certificates is None:
        raise InvalidIntent("Alipay takes transfers in certificate mode only: configure certificates")
    if order.amount.amount_minor < 10:
        raise InvalidIntent("Alipay transfers 0.10 CNY or more")
    if payee.kind is PayeeKind.LOGON_ID and not payee.name:
        raise InvalidIntent("a payee named by logon id needs the real name as well")
    biz = {
        "out_biz_no": slot.partner_ref,
        "trans_amount": order.amount.text(),
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "order_title": order.subject,
        "payee_info": {
            "identity_type": payee.kind.value,
            "identity": payee.identity,
            **({"name": payee.name} if payee.name else {}),
        },
        **({"remark": order.remark[:200]} if order.remark else {}),
    }
    check_charset(account, biz)
    return Plan(steps=(step(Call(method=TRANSFER, biz=biz, notify_url=account.notify_url)),), method="transfer")
