"""An attempt, a refund and a transfer as the journal holds them, and what becomes of their steps and questions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.wire.wechatpay.stage import (
    AMOUNT,
    BILL,
    OPENID,
    REQUEST,
    SLOT,
    Host,
    merchant,
    operation,
    refused,
)

from payport.adapters.wechatpay import WeChatPay, WeChatPayMethod, WeChatPayPayee
from payport.schemas.methods import QrScanned, QrShown
from payport.schemas.order import Order, Payer, PayoutOrder
from payport.schemas.outcome import UnknownKind
from payport.sdk.adapter import Plan
from payport.sdk.exchange import drive
from payport.sdk.journal.records import Operation, Verb
from payport.sdk.observation import Observation

TRADES = "/v3/pay/transactions"
CODEPAY = f"{TRADES}/codepay"
REFUNDS = "/v3/refund/domestic/refunds"
REFUND_QUERY = f"{REFUNDS}/{{out_refund_no}}"
BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
BILL_QUERY = f"{BILLS}/out-bill-no/{{out_bill_no}}"
ORDER = Order(
    ref="SHOP10010001",
    amount=AMOUNT,
    subject="Tea",
    payer=Payer(id=OPENID, ip="203.0.113.7"),
    return_url="https://shop.example/back?a=1&b=茶",
)
SCANNED = QrScanned(auth_code="134567890123456789")
PAYEE = WeChatPayPayee(openid=OPENID, scene_id="1000")
ABSENT = refused(404, "ORDER_NOT_EXIST")


def paying(method: WeChatPayMethod = QrShown(), wechat: WeChatPay | None = None) -> Operation:  # noqa: B008 - frozen
    """An attempt as the journal holds it."""
    plan = (wechat or merchant()).plan_pay(ORDER, method, SLOT)
    return operation(steps=plan.steps, ladder=plan.ladder)


def refunding() -> Operation:
    """A refund of the whole."""
    slot = replace(SLOT, partner_ref=REQUEST)
    return _of(Verb.REFUND, REQUEST, merchant().plan_refund(operation(), AMOUNT, slot, reason=""))


def sending() -> Operation:
    """A transfer."""
    order = PayoutOrder(ref="PAYOUT0001", amount=AMOUNT, subject="Wages")
    return _of(Verb.PAYOUT, BILL, merchant().plan_payout(order, PAYEE, replace(SLOT, partner_ref=BILL)))


def _of(verb: Verb, partner_ref: str, plan: Plan) -> Operation:
    return operation(verb, partner_ref=partner_ref, steps=plan.steps, ladder=plan.ladder, identity=plan.identity)


def performed(made: Operation, replies: dict[str, Any], wechat: WeChatPay | None = None) -> Observation:
    """What becomes of its step."""
    return drive((wechat or merchant()).perform(made, made.steps[0], 100.0), Host(replies))


def asked(made: Operation, replies: dict[str, Any]) -> Observation:
    """What a question teaches."""
    return drive(merchant().ask(made, 100.0), Host(replies))


def why(found: Observation) -> UnknownKind | None:
    """What left it open."""
    return found.unknown.kind if found.unknown else None
