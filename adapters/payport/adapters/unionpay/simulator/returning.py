"""What is done with a payment or hold afterwards: undo, refund, completion, release, reversal."""

from __future__ import annotations

from payport.adapters.unionpay.beijing import same_clearing_day
from payport.adapters.unionpay.simulator.books import Books
from payport.adapters.unionpay.simulator.rows import Refusal, Request, Status, Transaction

MOST_COMPLETED_PERCENT = 115


def undo(books: Books, request: Request) -> dict[str, str]:
    """31 and 33: take a payment or completion back as a whole, on its own clearing day.

    What a completion was taken from is held again: it can be completed once more, or released.
    """
    original = _paid(books, request, "03" if request.kind == "33/00" else "01")
    if original.given_back_minor(promised=True):
        raise Refusal("45", "refunded already")
    if not same_clearing_day(original.at or original.created_at, request.now):
        raise Refusal("35", "its clearing day is over")
    if request.amount() != original.amount_minor:
        raise Refusal("36", "the amount is not the original's")
    return _carry_out(books, request, original)


def refund(books: Books, request: Request) -> dict[str, str]:
    """04: give part or all of a payment or completion back."""
    original = _paid(books, request, "01", "03")
    left = original.amount_minor - original.given_back_minor(promised=True)
    if left == 0:
        raise Refusal("45", "refunded already")
    if request.amount() > left:
        raise Refusal("36", "more than is left of the original")
    return _carry_out(books, request, original)


def complete(books: Books, request: Request) -> dict[str, str]:
    """03: take the money of a hold, once; the rest goes back."""
    original = _held(books, request)
    if request.amount() * 100 > original.amount_minor * MOST_COMPLETED_PERCENT:
        raise Refusal("36", "more than 115 % of the hold")
    row = books.open(request, Status.PENDING, original=original)
    original.captured = row
    if not request.slow:
        books.finish(row, request.now)
    return _numbers(row, original)


def release(books: Books, request: Request) -> dict[str, str]:
    """32: give a whole hold back."""
    original = _held(books, request)
    if request.amount() != original.amount_minor:
        raise Refusal("36", "the amount is not the original's")
    return _carry_out(books, request, original)


def reverse(books: Books, request: Request) -> dict[str, str]:
    """99: undo a back-end payment whose result the merchant does not know, by the payment's own number and time."""
    row = books.known(request.fields)
    if row is None or row.kind != "01/06":
        raise Refusal("35", "the original is missing")
    if row.reversed:
        raise Refusal("46", "reversed already")
    if row.status is Status.FAILED or row.undone or row.given_back_minor(promised=True):
        raise Refusal("35", "the original is in another state")
    if not same_clearing_day(row.created_at, request.now):
        raise Refusal("35", "its clearing day is over")
    books.reverse(row, request.now)
    return {"queryId": row.query_id}


def _paid(books: Books, request: Request, *types: str) -> Transaction:
    original = _new_of(books, request)
    if original.txn_type not in types or original.status is not Status.DONE:
        raise Refusal("35", "the original is in another state")
    if original.reversed:
        raise Refusal("46", "reversed already")
    if original.undone:
        raise Refusal("45", "undone already")
    return original


def _held(books: Books, request: Request) -> Transaction:
    original = _new_of(books, request)
    if original.txn_type != "02" or original.status is not Status.DONE or original.captured is not None:
        raise Refusal("35", "the original is in another state")
    if original.undone or any(each.status is Status.PENDING for each in original.refunds):
        raise Refusal("45", "released already")
    return original


def _new_of(books: Books, request: Request) -> Transaction:
    """The original; a repetition of this very request is refused first, whatever became of it."""
    if books.known(request.fields) is not None:
        raise Refusal("12", "repeated transaction")
    return books.original(request)


def _carry_out(books: Books, request: Request, original: Transaction) -> dict[str, str]:
    row = books.open(request, Status.PENDING, original=original)
    original.refunds.append(row)
    if not request.slow:
        books.finish(row, request.now)
    return _numbers(row, original)


def _numbers(row: Transaction, original: Transaction) -> dict[str, str]:
    return {"queryId": row.query_id, "origQryId": original.query_id}
