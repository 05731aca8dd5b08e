"""Refunds: many of a payment, accepted first and carried out later."""

from __future__ import annotations

import re
from datetime import timedelta

from payport.adapters.wechatpay.simulator.books import Books
from payport.adapters.wechatpay.simulator.calls import REFUND_NUMBER, Answer, Call, Refusal, wire_time, wrong
from payport.adapters.wechatpay.simulator.rows import PAID_STATES, OrderRow, RefundRow, RefundStatus, TradeState

REFUND_WITHIN = timedelta(days=365)
REFUND_TAKES = timedelta(minutes=5)
"""Into the wallet 5 to 20 minutes, to cards longer."""
MOST_REFUNDS = 50
_TRANSACTION = re.compile(r"[0-9]{28,32}", re.ASCII)


def refund(books: Books, call: Call) -> Answer:
    """Accept a refund. The same number with the same content is refunded once; one that was closed is tried again."""
    _check_sub_merchant(books, call.text("/sub_mchid"), "/sub_mchid")
    call.yuan_only(needed=True)
    row, number = _paid_order(books, call), call.number("/out_refund_no", REFUND_NUMBER)
    holder = books.refunds.get(number)
    known = None if holder is None else holder.refunds[number]
    if known is not None and (holder is not row or known.content != call.content):
        raise Refusal("INVALID_REQUEST", "商户退款单号已存在,且与之前的退款参数不一致")
    if known is None or known.status is RefundStatus.CLOSED:
        known = _enter(books, call, row, number)
        if books.quirks.instant_refunds and not call.slow:
            books.finish_refund(row, known, RefundStatus.SUCCESS, call.now)
    return Answer(fields=shown(row, known))


def query(books: Books, call: Call) -> Answer:
    """How a refund stands."""
    _check_sub_merchant(books, call.query.get("sub_mchid"), "sub_mchid")
    row = books.refunds.get(call.path["out_refund_no"])
    if row is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "退款单不存在", status=404)
    return Answer(fields=shown(row, row.refunds[call.path["out_refund_no"]]))


def apply_abnormal(books: Books, call: Call) -> Answer:
    """A stuck refund goes on to another account of the payer, or back to the merchant's."""
    number, kind = call.number("/out_refund_no", REFUND_NUMBER), call.need("/type")
    if kind not in ("USER_BANK_CARD", "MERCHANT_BANK_CARD"):
        raise wrong("/type", kind, "USER_BANK_CARD or MERCHANT_BANK_CARD")
    if kind == "USER_BANK_CARD" and None in (call.sensitive("/bank_account"), call.sensitive("/real_name")):
        raise wrong("/bank_account", None, "bank_account and real_name are missing")
    row = books.refunds.get(number)
    if row is None or row.refunds[number].refund_id != call.path["refund_id"]:
        raise Refusal("RESOURCE_NOT_EXISTS", "退款单不存在", status=404)
    stuck = row.refunds[number]
    if stuck.status is not RefundStatus.ABNORMAL:
        raise Refusal("INVALID_REQUEST", "退款单状态不是退款异常")
    stuck.status, stuck.due_at = RefundStatus.PROCESSING, call.now + REFUND_TAKES
    return Answer(fields=shown(row, stuck))


def shown(row: OrderRow, refund: RefundRow) -> dict[str, object]:
    """One refund as answers show it."""
    fields: dict[str, object] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": row.transaction_id,
        "out_trade_no": row.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": wire_time(refund.created_at),
        "status": refund.status.value,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": row.amount_minor,
            "refund": refund.amount_minor,
            "from": [],
            "payer_total": row.amount_minor,
            "payer_refund": refund.amount_minor,
            "settlement_refund": refund.amount_minor,
            "settlement_total": row.amount_minor,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    if refund.status is RefundStatus.SUCCESS and refund.finished_at is not None:
        fields["success_time"] = wire_time(refund.finished_at)
    return fields


def _paid_order(books: Books, call: Call) -> OrderRow:
    transaction_id, out_trade_no = call.text("/transaction_id"), call.text("/out_trade_no")
    if (transaction_id is None) == (out_trade_no is None):
        raise wrong("/transaction_id", transaction_id, "exactly one of transaction_id and out_trade_no")
    if transaction_id is not None and _TRANSACTION.fullmatch(transaction_id) is None:
        raise Refusal("INVALID_TRANSACTIONID", "微信支付订单号非法", status=500)
    number = out_trade_no if transaction_id is None else books.transactions.get(transaction_id, "")
    row = books.orders.get(number or "")
    if row is None:
        raise Refusal("RESOURCE_NOT_EXISTS", "订单不存在", status=404)
    return row


def _enter(books: Books, call: Call, row: OrderRow, number: str) -> RefundRow:
    amount_minor = call.fen("/amount/refund")
    if row.state not in PAID_STATES or row.paid_at is None:
        raise Refusal("INVALID_REQUEST", "订单未支付或已撤销")
    if call.fen("/amount/total") != row.amount_minor:
        raise Refusal("INVALID_REQUEST", "订单金额与之前请求不一致")
    if call.now - row.paid_at > REFUND_WITHIN:
        raise Refusal("INVALID_REQUEST", "订单已超过可退款期限")
    if number not in row.refunds and len(row.refunds) >= MOST_REFUNDS:
        raise Refusal("INVALID_REQUEST", "部分退款次数超过限制")
    if amount_minor > row.amount_minor - row.returned_minor(promised=True):
        raise Refusal("INVALID_REQUEST", "退款金额大于可退金额")
    if amount_minor > row.amount_minor - row.returned_minor(promised=True) - books.shared_minor(row):
        raise Refusal("NOT_ENOUGH", "该订单已分账,请先回退", status=403)
    if amount_minor > books.balance_minor:
        raise Refusal("NOT_ENOUGH", "商户可用余额不足", status=403)
    again = row.refunds.get(number)
    row.refunds[number] = RefundRow(
        out_refund_no=number,
        refund_id=books.number(call.now, "5030000001") if again is None else again.refund_id,
        amount_minor=amount_minor,
        content=call.content,
        notify_url=call.notify_url(),
        created_at=call.now,
        due_at=call.now + REFUND_TAKES,
        slow=call.slow,
    )
    row.state = TradeState.REFUND
    books.refunds[number] = row
    return row.refunds[number]


def _check_sub_merchant(books: Books, named: str | None, pointer: str) -> None:
    if named != books.parties.sub_mchid:
        raise wrong(pointer, named, "the sub-merchant, for service providers only")
