"""Refunds and what a query tells about them."""

from __future__ import annotations

from payport.adapters.alipay.simulator.books import Books
from payport.adapters.alipay.simulator.calls import Answer, Call, Refusal, wire_time, yuan
from payport.adapters.alipay.simulator.rows import BUYER_ID, BUYER_LOGIN, RefundRow, RefundStatus, TradeRow, TradeStatus


def refund(books: Books, call: Call) -> Answer:
    """Give back part or all. ``refund_fee`` is cumulative; ``fund_change`` tells whether this very call moved money."""
    row = books.find_trade(call)
    amount_minor = call.money("refund_amount")
    number = call.text("out_request_no") or row.out_trade_no
    known = _repeated(row, number, amount_minor)
    moved = False
    if known is None:
        if call.text("out_request_no") is None and amount_minor != row.amount_minor:
            raise Refusal("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "a partial refund needs out_request_no")
        known = _enter(books, call, row, number, amount_minor)
        moved = not call.slow
        if moved:
            books.give_back(row, known, call.now)
    fields: dict[str, object] = {
        "trade_no": row.trade_no,
        "out_trade_no": row.out_trade_no,
        "buyer_user_id": BUYER_ID,
        "buyer_logon_id": BUYER_LOGIN,
        "fund_change": "Y" if moved else "N",
        "refund_fee": yuan(row.refunded_minor()),
    }
    if moved:
        fields["gmt_refund_pay"] = wire_time(known.at)
    return Answer(fields=fields)


def refund_apply(books: Books, call: Call) -> Answer:
    """Ask for a refund that is carried out later, or at once when nothing hinders it."""
    row = books.find_trade(call)
    amount_minor, number = call.money("refund_amount"), call.need("out_request_no")
    known = _repeated(row, number, amount_minor)
    if known is None:
        known = _enter(books, call, row, number, amount_minor)
        known.apart = True
        if not call.slow:
            books.give_back(row, known, call.now)
    return Answer(
        fields={
            "trade_no": row.trade_no,
            "out_trade_no": row.out_trade_no,
            "out_request_no": number,
            "refund_amount": yuan(known.amount_minor),
            "refund_status": known.status.value,
        }
    )


def refund_query(books: Books, call: Call) -> Answer:
    """What became of one refund. An unknown request number gives 10000 and nearly nothing."""
    number = call.need("out_request_no")
    row = books.find_trade(call)
    known = row.refunds.get(number)
    if known is None:
        return Answer(fields={})
    fields: dict[str, object] = {
        "trade_no": row.trade_no,
        "out_trade_no": row.out_trade_no,
        "out_request_no": number,
        "total_amount": yuan(row.amount_minor),
        "refund_amount": yuan(known.amount_minor),
    }
    if known.status is RefundStatus.SUCCESS or known.apart:
        fields["refund_status"] = known.status.value
    if known.status is RefundStatus.SUCCESS and "gmt_refund_pay" in call.options():
        fields["gmt_refund_pay"] = wire_time(known.at)
    if known.status is RefundStatus.FAILED and known.apart:
        fields["error_code"] = "SYSTEM_ERROR"
    return Answer(fields=fields)


def _repeated(row: TradeRow, number: str, amount_minor: int) -> RefundRow | None:
    known = row.refunds.get(number)
    if known is not None and known.amount_minor != amount_minor:
        raise Refusal("ACQ.DISCORDANT_REPEAT_REQUEST", "the same request number with another amount")
    # a failed refund may be tried again under its number
    return None if known is None or known.status is RefundStatus.FAILED else known


def _enter(books: Books, call: Call, row: TradeRow, number: str, amount_minor: int) -> RefundRow:
    if row.status is TradeStatus.FINISHED:
        raise Refusal("ACQ.TRADE_HAS_FINISHED", "the refund window is over")
    if row.status is TradeStatus.CLOSED:
        raise Refusal("ACQ.TRADE_HAS_CLOSE", "the trade is closed")
    if row.status is not TradeStatus.PAID:
        raise Refusal("ACQ.TRADE_STATUS_ERROR", "the trade was not paid")
    if amount_minor > row.amount_minor - row.refunded_minor(promised=True):
        raise Refusal("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "more than is left of the payment")
    if amount_minor > books.balance_minor:
        raise Refusal("ACQ.SELLER_BALANCE_NOT_ENOUGH", "the merchant's balance is too low")
    row.refunds[number] = RefundRow(
        out_request_no=number, amount_minor=amount_minor, at=call.now, status=RefundStatus.PROCESSING
    )
    return row.refunds[number]
