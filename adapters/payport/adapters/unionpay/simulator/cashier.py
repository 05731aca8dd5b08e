"""The cashier: opens what a page, code or ``tn`` asks for, takes the money, and sends the payer back afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from payport.adapters.unionpay.calls import FRONT
from payport.adapters.unionpay.simulator import asking, consuming
from payport.adapters.unionpay.simulator.books import code_of
from payport.adapters.unionpay.simulator.rows import Card, Refusal, Status, Transaction
from payport.adapters.unionpay.simulator.service import PAGES
from payport.schemas.actions import Action, AppParameters, PostForm, QrCode

if TYPE_CHECKING:
    from payport.adapters.unionpay.simulator.service import Service


class CannotPay(Exception):
    """The cashier turns the payer away; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A payer at the cashier. ``number``: the merchant's ``orderId``.

    ``return_url``, ``return_fields``: where the browser posts what, after paying. It is signed like a notice and for
    display only: the browser may never come.
    """

    number: str
    paid: bool
    return_url: str | None = None
    return_fields: Mapping[str, str] | None = None


class Cashier:
    """Opens, pays and leaves what one simulated UnionPay was asked for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def open(self, action: Action | str) -> Transaction:
        """What stands behind an action or a code's text. Raises :class:`CannotPay` when it is over or unknown."""
        self._service.settle()
        if isinstance(action, PostForm):
            try:
                found = self.open_page(action.fields)
            except Refusal as refusal:
                raise CannotPay(str(refusal)) from refusal
            if isinstance(found, Card):
                raise CannotPay("this page opens a card, there is nothing to pay")
            return self._payable(found)
        text = action.text if isinstance(action, QrCode) else action
        books = self._service.books
        with books.lock:
            for row in books.rows.values():
                is_tn = isinstance(action, AppParameters) and row.tn is not None and row.tn == action.payload
                if is_tn or (isinstance(text, str) and row.qr_code == text):
                    return self._payable(row)
        raise CannotPay("no such code or tn")

    def open_page(self, fields: Mapping[str, str]) -> Transaction | Card:
        """What a browser posts to ``frontTransReq.do``. Raises :class:`Refusal`."""
        service, books = self._service, self._service.books
        # what was signed once may be opened until the order ends: its time is not held to the clock
        request = service.gate.admit(FRONT, fields, now=service.now(), clock=None)
        if request.kind not in PAGES:
            raise Refusal("10", "this transaction has no page")
        with books.lock:
            if request.kind == "79/00":
                return asking.open_card(books, request)
            row = books.known(fields) or consuming.offer(books, request)
            if row.asked.get("txnAmt") != fields.get("txnAmt"):
                raise Refusal("12", "repeated transaction")
            return row

    def open_code(self, path: str) -> Transaction:
        """What stands behind the path of a code's address."""
        return self.open(QrCode(text=self._service.books.code_url + path.rpartition("/")[2]))

    def waiting(self) -> list[Transaction]:
        """What waits for the payer now."""
        self._service.settle()
        with self._service.books.lock:
            return list(self._service.books.waiting(self._service.now()))

    def pay(self, number: str) -> Visit:
        """Pay, or agree to a hold, what was opened. Raises :class:`CannotPay`."""
        self._service.settle()
        books, now = self._service.books, self._service.now()
        with books.lock:
            row = self._opened(number)
            books.finish(row, now)
            return self._goodbye(row)

    def refuse(self, number: str, code: str) -> None:
        """The payer tries a card that the issuer refuses. What was opened may still be paid with another one."""
        with self._service.books.lock:
            row = self._opened(number)
            if row.status is Status.PENDING:  # of a scanned code there is only this one
                self._service.books.fail(row, code, self._service.now())
                return
            row.status, row.code = Status.TRIED, code

    def pay_late(self, number: str) -> None:
        """Money comes after ``payTimeout``: UnionPay takes it and gives it back by itself (code 42)."""
        books = self._service.books
        with books.lock:
            found = [row for row in books.rows.values() if row.order_id == number]
            if not found or found[-1].status not in (Status.OFFERED, Status.TRIED):
                raise CannotPay(f"{number} cannot be paid late")
            books.pay_late(found[-1], self._service.now())

    def _payable(self, row: Transaction) -> Transaction:
        if row.status not in (Status.OFFERED, Status.TRIED):
            raise CannotPay(f"{row.order_id} is {row.status.name}")
        if row.pay_until is not None and self._service.now() >= row.pay_until:
            raise CannotPay(f"the time of {row.order_id} is over")
        row.opened = True
        return row

    def _opened(self, number: str) -> Transaction:
        found = [row for row in self._service.books.rows.values() if row.order_id == number and row.opened]
        if not found:
            raise CannotPay(f"{number} was not opened")
        row = found[-1]
        if row.status is Status.PENDING:
            return row  # a scanned code that the payer confirms
        return self._payable(row)

    def _goodbye(self, row: Transaction) -> Visit:
        url = row.asked.get("frontUrl")
        fields = self._service.seal.signed(
            {
                **asking.facts(row),
                "version": "5.1.0",
                "encoding": row.asked.get("encoding", "UTF-8"),
                "merId": self._service.books.mer_id,
                "respCode": code_of(row),
                "respMsg": "success",
            },
            "utf-8",
        )
        return Visit(number=row.order_id, paid=True, return_url=url, return_fields=fields if url else None)
