"""From an intent to the call that carries it out, frozen. Pure: the same intent always gives the same call.

Source: pay.weixin.qq.com, API v2, request parameters of each endpoint named here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from payport.adapters.wechatpay_v2.account import WeChatPayV2Account, address_problem
from payport.adapters.wechatpay_v2.calls import CLOSE, MICROPAY, REFUND, REVERSE, UNIFIED_ORDER, Call, china_time
from payport.adapters.wechatpay_v2.methods import OfficialAccount, WeChatPayV2Method
from payport.schemas.methods import InApp, MiniProgram, MobileWeb, QrScanned, QrShown
from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, Order
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.strict_xml import is_unsayable

REPEATABLE = frozenset({UNIFIED_ORDER, CLOSE, REVERSE, REFUND})
"""What WeChat recognises by its number when it is sent again. Not ``micropay``: it would take the code once more."""

MICROPAY_TYPE = "MICROPAY"
TRADE_TYPES: Mapping[type[WeChatPayV2Method], str] = {
    QrShown: "NATIVE",
    QrScanned: MICROPAY_TYPE,
    MiniProgram: "JSAPI",
    OfficialAccount: "JSAPI",
    InApp: "APP",
    MobileWeb: "MWEB",
}
"""WeChat's name of each way to pay."""

CODE_LIFE_S = 180.0
"""How long a scanned code may be charged: longer than the counter's ladder, short enough to be sure soon."""
PREPAY_LIFE_S = 7200.0
"""How long a ``prepay_id`` or ``code_url`` can be used."""
SHORTEST_LIFE_S = 70.0
"""WeChat wants ``time_expire`` more than a minute away when the request arrives."""
REVERSE_AFTER_S = 15.0
"""A charge is not to be reversed sooner than this."""

LONGEST_BODY_BYTES = 128
LONGEST_ATTACH_BYTES = 127
LONGEST_REASON_BYTES = 80

# notes of a call: what stays here and is needed to carry it out
RETURN_URL = "return_url"
MAY_REVERSE = "may_reverse"
WAS_PAID = "was_paid"
NOT_BEFORE = "not_before"


def plan_pay(account: WeChatPayV2Account, order: Order, method: WeChatPayV2Method, slot: Slot) -> Plan:
    """The one call that charges or opens the order. Raises :class:`InvalidIntent`."""
    if type(method) not in TRADE_TYPES:
        raise InvalidIntent(f"WeChat Pay does not take {type(method).__name__}")
    if order.capture is CaptureMode.MANUAL:
        raise InvalidIntent("WeChat Pay cannot hold money by API v2: capture must be automatic")
    scanned = isinstance(method, QrScanned)
    until = _life_of(slot, CODE_LIFE_S if scanned else PREPAY_LIFE_S)
    fields = {
        "body": _line("subject", order.subject, LONGEST_BODY_BYTES),
        "out_trade_no": slot.partner_ref,
        "total_fee": str(order.amount.amount_minor),
        "fee_type": "CNY",
        "spbill_create_ip": order.payer.ip or account.terminal_ip,
        "time_start": china_time(slot.now),
        "time_expire": china_time(until),
    }
    if account.device_info is not None:
        fields["device_info"] = account.device_info
    if order.metadata:
        fields["attach"] = _attach(order.metadata)
    notes: dict[str, str] = {}
    if isinstance(method, QrScanned):
        _need_certificate(account, "QrScanned: a code whose outcome stays open must be reversed")
        call = Call(path=MICROPAY, fields={**fields, "auth_code": _code(method.auth_code)})
    else:
        fields |= {"trade_type": TRADE_TYPES[type(method)], "notify_url": _notify_url(account, order)}
        if isinstance(method, MobileWeb) and order.return_url is not None:
            notes[RETURN_URL] = order.return_url
        call = Call(path=UNIFIED_ORDER, fields={**fields, **_of_method(account, order, method, slot)}, notes=notes)
    return Plan(
        steps=(step(call),),
        method=type(method).__name__,
        ladder="scanned" if scanned else "shown",
        payable_until=until,
    )


def step(call: Call) -> Step:
    """The journal's form of a call. Raises :class:`InvalidIntent` for a text that could not be sent."""
    for name, value in {**call.fields, **call.notes}.items():
        if is_unsayable(value):
            raise InvalidIntent(f"{name} holds a character that no XML message can carry")
    request = call.encode()
    return Step.of(
        call.path,
        request,
        moves_money=True,
        replayable=call.path in REPEATABLE,
    )


def plan_cancel(payment: Operation, *, reverse_paid: bool) -> Plan:
    """Reverse what was scanned, close everything else."""
    number = {"out_trade_no": payment.partner_ref}
    if not was_scanned(payment):
        return Plan(steps=(step(Call(path=CLOSE, fields=number)),), identity=number)
    not_before = payment.created_at + timedelta(seconds=REVERSE_AFTER_S)
    notes = {NOT_BEFORE: not_before.isoformat()}
    if reverse_paid:
        notes[MAY_REVERSE] = "1"
    if payment.state is State.SUCCEEDED:
        notes[WAS_PAID] = "1"
    return Plan(steps=(step(Call(path=REVERSE, fields=number, notes=notes)),), identity=number)


def was_scanned(payment: Operation) -> bool:
    """Whether an attempt is a scanned code's; of adopted ones WeChat told."""
    return payment.method == QrScanned.__name__ or payment.ids.get("trade_type") == MICROPAY_TYPE


def plan_refund(account: WeChatPayV2Account, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
    """Give money back under its own ``out_refund_no``. Raises :class:`InvalidIntent` without a client certificate."""
    _need_certificate(account, "a refund")
    fields = {
        "out_trade_no": payment.partner_ref,
        "out_refund_no": slot.partner_ref,
        "total_fee": str(payment.amount.amount_minor),
        "refund_fee": str(amount.amount_minor),
        "refund_fee_type": "CNY",
    }
    if reason:
        fields["refund_desc"] = _line("reason", reason, LONGEST_REASON_BYTES)
    if account.notify_url is not None:
        fields["notify_url"] = account.notify_url
    return Plan(
        steps=(step(Call(path=REFUND, fields=fields)),),
        ladder="refund",
        identity={"out_trade_no": payment.partner_ref, "total_fee": fields["total_fee"]},
    )


def _life_of(slot: Slot, longest_s: float) -> datetime:
    until = min(slot.payable_until, (slot.now + timedelta(seconds=longest_s)).replace(microsecond=0))
    if until < slot.now + timedelta(seconds=SHORTEST_LIFE_S):
        raise InvalidIntent(f"WeChat Pay wants at least {SHORTEST_LIFE_S:.0f} seconds until payable_until")
    return until


def _need_certificate(account: WeChatPayV2Account, what: str) -> None:
    if not account.has_certificate:
        raise InvalidIntent(
            f"{what} needs the merchant's client certificate (apiclient_cert.pem): "
            "set trust with a client_certificate, or client_cert_path in payport.toml"
        )


def _line(name: str, text: str, most_bytes: int) -> str:
    """A text that WeChat takes: short enough, and of characters that it promises to keep."""
    if is_unsayable(text) or any(character > "\uffff" for character in text):
        raise InvalidIntent(f"{name} holds a character that WeChat Pay does not keep (emoji, control characters)")
    if len(text.encode()) > most_bytes:
        raise InvalidIntent(f"WeChat Pay takes at most {most_bytes} bytes of {name}, got {len(text.encode())}")
    return text


def _attach(metadata: Mapping[str, str]) -> str:
    try:
        text = urlencode(metadata)
    except UnicodeEncodeError:
        raise InvalidIntent("metadata holds half a surrogate pair, which no message can carry") from None
    return _line("metadata, percent-encoded", text, LONGEST_ATTACH_BYTES)


def _code(auth_code: str) -> str:
    if not (auth_code.isascii() and auth_code.isdigit()):
        raise InvalidIntent("a scanned code consists of digits")
    return auth_code


def _notify_url(account: WeChatPayV2Account, order: Order) -> str:
    url = order.notify_url or account.notify_url
    if url is None:
        raise InvalidIntent("WeChat Pay demands a notify_url: set one for the order or the account")
    problem = address_problem(url)
    if problem is not None:
        raise InvalidIntent(f"notify_url {problem}")
    return url


def _of_method(account: WeChatPayV2Account, order: Order, method: WeChatPayV2Method, slot: Slot) -> dict[str, str]:
    match method:
        case QrShown():
            return {"product_id": slot.partner_ref}
        case MiniProgram():
            if order.payer.id is None:
                raise InvalidIntent("a payment inside WeChat needs order.payer.id: the payer's open id")
            return {"sub_openid" if account.sub_appid else "openid": order.payer.id}
        case MobileWeb():
            if order.payer.ip is None:
                raise InvalidIntent("MobileWeb needs order.payer.ip: WeChat compares it with the browser's address")
            if account.site_url is None:
                raise InvalidIntent("MobileWeb needs the account's site_url: the site as registered with WeChat Pay")
            scene = {"h5_info": {"type": "Wap", "wap_url": account.site_url, "wap_name": account.site_name}}
            return {"scene_info": json.dumps(scene, ensure_ascii=False, separators=(",", ":"))}
        case _:
            return {}
