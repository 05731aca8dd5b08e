"""The person at the browser: opens, authenticates, pays, gives up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from payport.adapters.stripe.simulator.calls import Call, Refusal
from payport.adapters.stripe.simulator.cards import CARDS, DEFAULT
from payport.adapters.stripe.simulator.intents import ask_for_authentication
from payport.adapters.stripe.simulator.rows import IntentRow, SessionRow
from payport.schemas.actions import Action, AppParameters, PostForm, QrCode, Redirect

if TYPE_CHECKING:
    from payport.adapters.stripe.simulator.service import Service

_BROWSER = ("requires_payment_method", "requires_confirmation", "requires_action")


class CannotPay(Exception):
    """Stripe turns the payer away; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A payer at Stripe's page. ``number``: the merchant's reference.

    ``return_url``: where the browser goes afterwards, with what Stripe adds. It proves nothing.
    """

    number: str
    paid: bool
    return_url: str | None = None


class Payer:
    """What a payer can do. Everything raises :class:`CannotPay` where Stripe would show an error."""

    def __init__(self, service: Service, settled: Callable[[], None]) -> None:
        self._service = service
        self._settled = settled

    def code(self, card: str = DEFAULT) -> str:
        """The number of a test payment method, as Stripe's elements would hand it to the merchant."""
        if card not in CARDS:
            raise CannotPay(f"no such test payment method; known are {', '.join(CARDS)}")
        return card

    def open(self, action: Action | str, card: str = DEFAULT) -> Visit:
        """Open a page or a form of elements, and pay."""
        return self.pay(self.leave(action).number, card)

    def leave(self, action: Action | str) -> Visit:
        """Open a page or a form of elements, and go away without paying."""
        self._service.settle()
        with self._service.books.lock:
            row = self._opened(action)
        return Visit(number=row.reference, paid=False)

    def pay(self, number: str, card: str = DEFAULT) -> Visit:
        """Pay what waits, by the merchant's reference: authenticate, pay at the page, or confirm in the browser."""
        self._service.settle()
        with self._service.books.lock:
            row = self._waiting(number)
            visit = self._pay_page(row, card) if isinstance(row, SessionRow) else self._pay_intent(row, card)
        self._settled()
        return visit

    def confirm(self, number: str) -> Visit:
        """Prove to the bank who one is."""
        return self.pay(number)

    def cancel(self, number: str) -> Visit:
        """Give up: fail the authentication, or leave the page. Neither closes anything at Stripe."""
        self._service.settle()
        books, now = self._service.books, self._service.now()
        with books.lock:
            row = self._waiting(number)
            visit = Visit(number=number, paid=False)
            if isinstance(row, SessionRow):
                visit = Visit(number=number, paid=False, return_url=row.cancel_url)
            elif row.status == "requires_action":
                code = "payment_intent_authentication_failure"
                books.decline(row, None, now, code, None, "We are unable to authenticate your payment method.")
                visit = Visit(number=number, paid=False, return_url=_return_url(row, "failed"))
        self._settled()
        return visit

    def confirm_with(self, client_secret: str, card: str = DEFAULT) -> Visit:
        """Confirm an intent from a browser of one's own: all that it takes is the client secret."""
        self._service.settle()
        with self._service.books.lock:
            visit = self._pay_intent(self._by_secret(client_secret), card)
        self._settled()
        return visit

    def _opened(self, action: Action | str) -> IntentRow | SessionRow:
        books = self._service.books
        match action:
            case AppParameters(payload=secret):
                return self._by_secret(secret)
            case Redirect(url=url) | PostForm(url=url):
                path = urlsplit(url).path
            case QrCode(text=text):
                path = urlsplit(text).path
            case str():
                path = urlsplit(action).path
        kind, _, number = path.rpartition("/")
        row = books.sessions.get(number) if kind.endswith("/c/pay") else books.intents.get(number)
        if row is None:
            raise CannotPay("no such page")
        if isinstance(row, SessionRow) and row.status != "open":
            raise CannotPay(f"the page is {row.status}")
        return row

    def _by_secret(self, client_secret: str) -> IntentRow:
        for row in self._service.books.intents.values():
            if row.client_secret == client_secret:
                return row
        raise CannotPay("no intent has this client secret")

    def _waiting(self, number: str) -> IntentRow | SessionRow:
        books = self._service.books
        rows: list[IntentRow | SessionRow] = [row for row in books.sessions.values() if row.reference == number]
        rows += [row for row in books.intents.values() if row.reference == number and row.session is None]
        if not rows:
            raise CannotPay(f"{number} is not known")
        row = rows[-1]
        if row.status not in (*_BROWSER, "open"):
            raise CannotPay(f"{number} is {row.status}")
        return row

    def _pay_page(self, row: SessionRow, card: str) -> Visit:
        books, now = self._service.books, self._service.now()
        about = row.about
        if row.intent is None:
            number = books.number("pi")
            notes = about.get("metadata")
            row.intent = IntentRow(
                id=number,
                amount=row.amount,
                currency=row.currency,
                created=now,
                client_secret=books.secret(number),
                metadata={str(key): str(value) for key, value in notes.items()} if isinstance(notes, dict) else {},  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - a form's table
                capture_method=str(about.get("capture_method", "automatic_async")),
                customer=row.customer,
                description=str(about.get("description", "")) or None,
                session=row.id,
            )
            books.intents[number] = row.intent
            books.tell_intent("created", row.intent, now)
        try:
            books.charge(row.intent, card, now)
        except Refusal as refusal:
            raise CannotPay(str(refusal)) from None
        row.status = "complete"
        row.payment_status = "paid" if row.intent.status == "succeeded" else "unpaid"
        books.tell_session("completed", row, now)
        return Visit(number=row.reference, paid=row.payment_status == "paid", return_url=row.success_url)

    def _pay_intent(self, row: IntentRow, card: str) -> Visit:
        books, now = self._service.books, self._service.now()
        if row.status not in _BROWSER:
            raise CannotPay(f"{row.reference} is {row.status}")
        method = row.payment_method if row.status == "requires_action" and row.payment_method else card
        if row.status != "requires_action" and CARDS[method].authentication:
            ask_for_authentication(books, row, method, Call(name="", numbers={}, params={}, now=now))
        try:
            books.charge(row, method, now)
        except Refusal as refusal:
            raise CannotPay(str(refusal)) from None
        return Visit(number=row.reference, paid=_is_paid(row), return_url=_return_url(row, "succeeded"))


def _is_paid(row: IntentRow) -> bool:
    return row.status == "succeeded"


def _return_url(row: IntentRow, status: str) -> str | None:
    """Stripe adds the client secret to the address: from now on the payer's browser holds it."""
    if row.return_url is None:
        return None
    told = {"payment_intent": row.id, "payment_intent_client_secret": row.client_secret, "redirect_status": status}
    return f"{row.return_url}{'&' if '?' in row.return_url else '?'}{urlencode(told)}"
