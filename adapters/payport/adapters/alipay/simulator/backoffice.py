"""What Alipay does by itself, when told to: finishing what was only accepted, and sending transfers back."""

from __future__ import annotations

from payport.adapters.alipay.simulator import transfers
from payport.adapters.alipay.simulator.books import Books
from payport.adapters.alipay.simulator.calls import Call
from payport.adapters.alipay.simulator.preauth import agree
from payport.adapters.alipay.simulator.rows import HoldStatus, RefundStatus, TradeStatus, TransferStatus
from payport.adapters.alipay.simulator.service import Service

_OPEN_TRANSFERS = (TransferStatus.DEALING, TransferStatus.WAITING)


def process(service: Service, *, succeed: bool) -> int:
    """Finish every payment, refund, freeze and transfer that was accepted and not final; how many there were."""
    service.settle()
    call = Call(method="", params={}, biz={}, now=service.now())
    books = service.books
    with books.lock:
        return (
            _payments(books, call, succeed=succeed)
            + _refunds(books, call, succeed=succeed)
            + _freezes(books, call, succeed=succeed)
            + _transfers(books, call, succeed=succeed)
        )


def move_transfer(service: Service, out_biz_no: str, status: TransferStatus) -> None:
    """A transfer reaches another state. Raises ``KeyError`` for an unknown one, ``ValueError`` once money is back."""
    with service.books.lock:
        row = service.books.transfers[out_biz_no]
        call = Call(method="", params={}, biz={}, now=service.now())
        transfers.move_on(service.books, row, status, call)


def _payments(books: Books, call: Call, *, succeed: bool) -> int:
    slow = [row for row in books.trades.values() if row.slow and row.status is TradeStatus.WAITING]
    for row in slow:
        row.slow = False
        if succeed:
            books.charge(row, call.now)
        else:
            books.close(row, call.now)
    return len(slow)


def _refunds(books: Books, call: Call, *, succeed: bool) -> int:
    slow = [
        (trade, refund)
        for trade in books.trades.values()
        for refund in trade.refunds.values()
        if refund.status is RefundStatus.PROCESSING
    ]
    for trade, refund in slow:
        if succeed:
            books.give_back(trade, refund, call.now)
        else:
            refund.status = RefundStatus.FAILED
    return len(slow)


def _freezes(books: Books, call: Call, *, succeed: bool) -> int:
    slow = [row for row in books.holds.values() if row.slow and row.status is HoldStatus.INIT]
    for row in slow:
        if succeed:
            agree(books, row, call)
        else:
            row.close()
    return len(slow)


def _transfers(books: Books, call: Call, *, succeed: bool) -> int:
    slow = [row for row in books.transfers.values() if row.status in _OPEN_TRANSFERS]
    for row in slow:
        transfers.move_on(books, row, TransferStatus.SUCCESS if succeed else TransferStatus.FAILED, call)
    return len(slow)
