"""What WeChat does by itself, when told to: finishing what was only accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.adapters.wechatpay.simulator import sharing
from payport.adapters.wechatpay.simulator.rows import RefundStatus, TradeState, TransferState

if TYPE_CHECKING:
    from datetime import datetime

    from payport.adapters.wechatpay.simulator.books import Books
    from payport.adapters.wechatpay.simulator.service import Service


def process(service: Service, *, succeed: bool) -> int:
    """Finish every payment, refund, split and transfer that was accepted and not final; how many there were."""
    service.settle()
    books, now = service.books, service.now()
    with books.lock:
        return (
            _payments(books, now, succeed=succeed)
            + _refunds(books, now, succeed=succeed)
            + _splits(books, now, succeed=succeed)
            + _transfers(books, now, succeed=succeed)
        )


def move_refund(service: Service, out_refund_no: str, status: RefundStatus) -> None:
    """A refund reaches another state. Raises ``KeyError`` for an unknown one, ``ValueError`` once the money is back."""
    with service.books.lock:
        row = service.books.refunds[out_refund_no]
        service.books.finish_refund(row, row.refunds[out_refund_no], status, service.now())


def move_transfer(service: Service, out_bill_no: str, state: TransferState, reason: str | None) -> None:
    """A transfer reaches another state. Raises ``KeyError`` for an unknown one, ``ValueError`` at its end."""
    with service.books.lock:
        row = service.books.transfers[out_bill_no]
        service.books.move_transfer(row, state, service.now(), reason)


def _payments(books: Books, now: datetime, *, succeed: bool) -> int:
    slow = [row for row in books.orders.values() if row.slow and row.state is TradeState.USERPAYING]
    for row in slow:
        row.slow = False
        if succeed:
            books.charge(row, now)
        else:
            row.state = TradeState.PAYERROR
    return len(slow)


def _refunds(books: Books, now: datetime, *, succeed: bool) -> int:
    rows = {id(row): row for row in books.refunds.values()}.values()
    open_ones = [
        (row, refund) for row in rows for refund in row.refunds.values() if refund.status is RefundStatus.PROCESSING
    ]
    for row, refund in open_ones:
        books.finish_refund(row, refund, RefundStatus.SUCCESS if succeed else RefundStatus.CLOSED, now)
    return len(open_ones)


def _splits(books: Books, now: datetime, *, succeed: bool) -> int:
    splits = [split for split in books.splits.values() if split.finished_at is None]
    for split in splits:
        if not succeed:
            for share in split.shares:
                share.result, share.amount_minor = "CLOSED", 0
        books.finish_split(split, now)
    returns = [row for row in books.share_returns.values() if row.result == "PROCESSING"]
    for row in returns:
        sharing.finish_return(books, row, succeed=succeed)
    return len(splits) + len(returns)


def _transfers(books: Books, now: datetime, *, succeed: bool) -> int:
    onwards = {
        TransferState.ACCEPTED: TransferState.WAIT_USER_CONFIRM,
        TransferState.PROCESSING: TransferState.WAIT_USER_CONFIRM,
        TransferState.TRANSFERING: TransferState.SUCCESS,
        TransferState.CANCELING: TransferState.CANCELLED,
    }
    moving = [row for row in books.transfers.values() if row.state in onwards]
    for row in moving:
        books.move_transfer(row, onwards[row.state] if succeed else TransferState.FAIL, now)
    return len(moving)
