"""Refunds and what a query tells about them."""

from __future__ import annotations

from datetime import timedelta

from payport.adapters.wechatpay_v2.simulator.books import (
    Books,
    OrderRow,
    OrderStatus,
    RefundRow,
    RefundStatus,
    Refusal,
    Request,
    spoken_time,
)

WINDOW = timedelta(days=365)
MOST_REFUNDS = 50


def refund(books: Books, request: Request) -> dict[str, str]:
    """Accept a refund, once under its number. That it was done is told by the query and the notice only."""
    number, amount_minor = request.need("out_refund_no"), request.fee("refund_fee")
    row = books.find(request)
    if request.fee("total_fee") != row.amount_minor:
        raise Refusal("PARAM_ERROR", "订单金额不一致")
    known = row.refunds.get(number)
    if known is not None and known.amount_minor != amount_minor:
        raise Refusal("REFUND_FEE_MISMATCH", "订单金额或退款金额与之前请求不一致，请核实后再试")
    if known is None or known.status is RefundStatus.CLOSED:
        known = _enter(books, request, row, number, amount_minor)
        row.refunds[number], row.status = known, OrderStatus.RETURNING
        if not request.slow:
            books.give_back(row, known, request.now)
    return {
        "transaction_id": row.transaction_id,
        "out_trade_no": row.out_trade_no,
        "out_refund_no": number,
        "refund_id": known.refund_id,
        "refund_fee": str(known.amount_minor),
        "total_fee": str(row.amount_minor),
        "cash_fee": str(row.amount_minor),
        "cash_refund_fee": str(known.amount_minor),
        "coupon_refund_fee": "0",
        "coupon_refund_count": "0",
    }


def refund_query(books: Books, request: Request) -> dict[str, str]:
    """One refund by its number, or all of an order's; the names of their fields end in ``_0``, ``_1`` and so on."""
    number = request.fields.get("out_refund_no")
    if number:
        row = next((row for row in books.orders.values() if number in row.refunds), None)
        found = [] if row is None else [row.refunds[number]]
    else:
        row = books.find(request)
        found = list(row.refunds.values())
    if row is None or not found:
        raise Refusal("REFUNDNOTEXIST", "not exist")
    fields = {
        "transaction_id": row.transaction_id,
        "out_trade_no": row.out_trade_no,
        "total_fee": str(row.amount_minor),
        "cash_fee": str(row.amount_minor),
        "refund_fee": str(sum(each.amount_minor for each in found)),
        "refund_count": str(len(found)),
        "total_refund_count": str(len(found) if number else len(row.refunds)),
    }
    for index, each in enumerate(found):
        fields |= {f"{name}_{index}": value for name, value in _told(each).items()}
    return fields


def _told(refund_row: RefundRow) -> dict[str, str]:
    fields = {
        "out_refund_no": refund_row.out_refund_no,
        "refund_id": refund_row.refund_id,
        "refund_channel": "ORIGINAL",
        "refund_fee": str(refund_row.amount_minor),
        "refund_status": refund_row.status.value,
        "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS",
        "refund_recv_accout": "支付用户零钱",
    }
    if refund_row.status is RefundStatus.SUCCESS:
        fields["refund_success_time"] = spoken_time(refund_row.at)
    return fields


def _enter(books: Books, request: Request, row: OrderRow, number: str, amount_minor: int) -> RefundRow:
    if row.paid_at is None or row.status is OrderStatus.REVOKED:
        raise Refusal("TRADE_STATE_ERROR", "订单状态错误")
    if request.now > row.paid_at + WINDOW:
        raise Refusal("TRADE_OVERDUE", "订单已经超过退款期限")
    if amount_minor > row.amount_minor - row.refunded_minor() or len(row.refunds) >= MOST_REFUNDS:
        raise Refusal("INVALID_REQUEST", "退款金额大于支付金额")
    if amount_minor > books.balance_minor:
        raise Refusal("NOTENOUGH", "基本账户余额不足，请充值后重新发起")
    return RefundRow(
        out_refund_no=number,
        refund_id=books.number("5000000000", request.now),
        amount_minor=amount_minor,
        status=RefundStatus.PROCESSING,
        notify_url=request.fields.get("notify_url"),
        at=request.now,
    )
