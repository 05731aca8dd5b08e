"""Profit sharing: receivers, splits and what a query tells about them."""

from __future__ import annotations

from collections.abc import Mapping

from payport.adapters.alipay.simulator.books import Books
from payport.adapters.alipay.simulator.calls import Answer, Call, Refusal, wire_time
from payport.adapters.alipay.simulator.ledger import EntryKind
from payport.adapters.alipay.simulator.rows import SplitRow, TradeRow, TradeStatus

SHARE_LIMIT_PERCENT = 30
"""Alipay lets a merchant share 30 % of a payment unless agreed otherwise."""


def bind(books: Books, call: Call) -> Answer:
    """Name who may receive a share."""
    for receiver in _receivers(call):
        books.receivers[str(receiver["account"])] = receiver
    return Answer(fields={"result_code": "SUCCESS"})


def unbind(books: Books, call: Call) -> Answer:
    """Strike receivers off."""
    for receiver in _receivers(call):
        books.receivers.pop(str(receiver["account"]), None)
    return Answer(fields={"result_code": "SUCCESS"})


def batchquery(books: Books, call: Call) -> Answer:
    """The receivers, page by page."""
    call.need("out_request_no")
    page, size = _page(call)
    everyone = list(books.receivers.values())
    return Answer(
        fields={
            "result_code": "SUCCESS",
            "receiver_list": everyone[(page - 1) * size : page * size],
            "current_page_num": page,
            "current_page_size": size,
            "total_page_num": -(-len(everyone) // size),
            "total_record_num": len(everyone),
        }
    )


def settle(books: Books, call: Call) -> Answer:
    """Give shares of a payment to receivers."""
    number = call.need("out_request_no")
    row = books.find_trade(call)
    lines = tuple(call.records("royalty_parameters"))
    total_minor = _total(call, lines)
    known = row.splits.get(number)
    if known is not None:
        if known.lines != lines:
            raise Refusal("ACQ.DISCORDANT_REPEAT_REQUEST", "the same request number with other data")
        return Answer(fields={"trade_no": row.trade_no, "settle_no": known.settle_no})
    _check(books, row, lines, total_minor)
    row.splits[number] = SplitRow(
        out_request_no=number,
        settle_no=books.number(call.now, "00160"),
        lines=lines,
        total_minor=total_minor,
        at=call.now,
    )
    books.enter(EntryKind.SPLIT, -total_minor, row.out_trade_no, row.trade_no, call.now, request_no=number)
    return Answer(fields={"trade_no": row.trade_no, "settle_no": row.splits[number].settle_no})


def settle_query(books: Books, call: Call) -> Answer:
    """What became of one split."""
    split = _find(books, call)
    return Answer(
        fields={
            "out_request_no": split.out_request_no,
            "operation_dt": wire_time(split.at),
            "royalty_detail_list": [
                {
                    "operation_type": line.get("royalty_type", "transfer"),
                    "execute_dt": wire_time(split.at),
                    "trans_out": line.get("trans_out", books.seller_id),
                    "trans_in": line["trans_in"],
                    "amount": line["amount"],
                    "state": "SUCCESS",
                }
                for line in split.lines
            ],
        }
    )


def _receivers(call: Call) -> list[Mapping[str, object]]:
    call.need("out_request_no")
    receivers = call.records("receiver_list")
    if not receivers:
        raise Refusal("RECEIVER_LIST_EMPTY", "receiver_list is empty")
    if len(receivers) > 20:
        raise Refusal("RECEIVER_LIST_OVERLOAD", "more than 20 receivers")
    if any(one.get("type") not in ("userId", "loginName", "openId") or not one.get("account") for one in receivers):
        raise Refusal("INVALID_RECEIVER_TYPE", "a receiver needs type and account")
    return receivers


def _page(call: Call) -> tuple[int, int]:
    page, size = call.text("page_num") or "1", call.text("page_size") or "20"
    if not (page.isdigit() and size.isdigit() and int(page) and int(size)):
        raise call.invalid("page_num and page_size must be numbers from 1")
    return int(page), int(size)


def _total(call: Call, lines: tuple[Mapping[str, object], ...]) -> int:
    if not lines:
        raise call.invalid("royalty_parameters is missing")
    total_minor = 0
    for line in lines:
        one = Call(method=call.method, params=call.params, biz=line, now=call.now)
        one.need("trans_in")
        total_minor += one.money("amount")
    return total_minor


def _check(books: Books, row: TradeRow, lines: tuple[Mapping[str, object], ...], total_minor: int) -> None:
    if row.status is not TradeStatus.PAID:
        raise Refusal("ACQ.TRADE_STATUS_ERROR", f"the trade is {row.status.value}")
    if row.refunds:
        raise Refusal("ACQ.ALLOC_REFUSE_AFTER_REFUND", "the trade was refunded")
    if not row.splittable:
        raise Refusal("ACQ.NOT_SUPPORT_ROYALTY", "the trade was not created with royalty_freeze")
    if any(str(line["trans_in"]) not in books.receivers for line in lines):
        raise Refusal("ACQ.ROYALTY_RECEIVER_INVALID", "a receiver is not bound")
    shared = total_minor + sum(split.total_minor for split in row.splits.values())
    if shared * 100 > row.amount_minor * SHARE_LIMIT_PERCENT:
        raise Refusal("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", f"more than {SHARE_LIMIT_PERCENT} % of it")
    if total_minor > books.balance_minor:
        raise Refusal("ACQ.TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH", "the merchant's balance is too low")


def _find(books: Books, call: Call) -> SplitRow:
    settle_no, number, trade_no = call.text("settle_no"), call.text("out_request_no"), call.text("trade_no")
    if settle_no is None and (number is None or trade_no is None):
        raise call.invalid("settle_no, or trade_no with out_request_no, is missing")
    for row in books.trades.values():
        for split in row.splits.values():
            if split.settle_no == settle_no or (row.trade_no == trade_no and split.out_request_no == number):
                return split
    raise Refusal("MERCHANT_TRADE_NOT_MATCH", "no such settlement")
