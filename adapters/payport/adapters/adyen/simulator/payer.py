"""The person at the browser: opens, authenticates, pays, gives up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from payport.adapters.adyen.simulator.checkout import CARD, pay_page
from payport.adapters.adyen.simulator.rows import PageRow, PaymentRow
from payport.schemas.actions import Action, AppParameters, PostForm, QrCode, Redirect

if TYPE_CHECKING:
    from payport.adapters.adyen.simulator.service import Service


class CannotPay(Exception):
    """Adyen turns the payer away; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A payer at a page. ``number``: the merchant's reference. ``returned``: what the browser, or Adyen's component,
    brings back, for ``gateway.complete``. ``return_url``: where the browser goes with it. It proves nothing.
    """

    number: str
    paid: bool
    returned: Mapping[str, str] = field(default_factory=dict[str, str])
    return_url: str | None = None


class Payer:
    """Everything a payer can do. Raises :class:`CannotPay` where a page would show an error."""

    def __init__(self, service: Service, publish: Callable[[], None]) -> None:
        self._service = service
        self._publish = publish

    def code(self, number: str = CARD) -> Mapping[str, str]:
        """What Adyen's component makes of a test card: the ``data`` of a payment method."""
        return {
            "type": "scheme",
            "encryptedCardNumber": number,
            "encryptedExpiryMonth": "test_03",
            "encryptedExpiryYear": "test_2030",
            "encryptedSecurityCode": "test_737",
            "holderName": "A. Payer",
        }

    def open(self, action: Action) -> Visit:
        """Open what was handed out, and pay."""
        return self._use(self._found(action), pays=True)

    def leave(self, action: Action) -> Visit:
        """Open what was handed out, and go away without paying."""
        row = self._found(action)
        self._check(row)
        return Visit(number=row.reference, paid=False, return_url=row.return_url)

    def pay(self, number: str, holder: str = "") -> Visit:
        """Pay whatever waits under a merchant's reference. ``holder``: asks for a refusal."""
        return self._use(self._waiting(number), pays=True, holder=holder)

    def confirm(self, number: str) -> Visit:
        """The same: authentication and payment are one here."""
        return self.pay(number)

    def cancel(self, number: str) -> Visit:
        """Give up: on a redirect's page that ends the payment, a link stays open."""
        return self._use(self._waiting(number), pays=False)

    def _waiting(self, number: str) -> PaymentRow | PageRow:
        books = self._service.books
        with books.lock:
            rows: list[PaymentRow | PageRow] = [row for row in books.payments if row.status == "waiting"]
            rows += [page for page in books.pages.values() if page.status == "active"]
            found = [row for row in rows if row.reference == number]
        if not found:
            raise CannotPay(f"nothing waits to be paid under {number}")
        return found[-1]

    def _found(self, action: Action) -> PaymentRow | PageRow:
        match action:
            case Redirect(url=url) | PostForm(url=url) | QrCode(text=url):
                return self.at(urlsplit(url).path)
            case AppParameters(fields=fields) if fields.get("id"):
                return self.at(f"/link/{fields['id']}")
            case AppParameters(payload=payload):
                with self._service.books.lock:
                    for row in self._service.books.payments:
                        if f'"{row.token}"' in payload:
                            return row
        raise CannotPay("nothing of this simulator's")

    def at(self, path: str) -> PaymentRow | PageRow:
        """What a page is about."""
        books = self._service.books
        self._service.settle()
        row: PaymentRow | PageRow | None = None
        match path.strip("/").split("/"):
            case ["redirect", token]:
                row = books.by_token(token)
            case ["link", number]:
                row = books.pages.get(number)
            case _:
                pass
        if row is None:
            raise CannotPay("no such page")
        return row

    def _check(self, row: PaymentRow | PageRow) -> None:
        self._service.settle()
        if row.status not in ("waiting", "active"):
            raise CannotPay(f"{row.reference} is {row.status}")

    def use(self, row: PaymentRow | PageRow, *, pays: bool, holder: str = "") -> Visit:
        """One button of a page."""
        return self._use(row, pays=pays, holder=holder)

    def _use(self, row: PaymentRow | PageRow, *, pays: bool, holder: str = "") -> Visit:
        books, now = self._service.books, self._service.now()
        with books.lock:
            self._check(row)
            if isinstance(row, PageRow):
                visit = self._at_page(row, pays=pays, holder=holder)
            elif row.at_bank and pays:
                books.authorise(row, now)
                visit = _back(row, "redirectResult", f"{row.token}!authenticated", paid=True)
            elif row.at_bank:
                row.status = "cancelled"
                books.refuse(row, now, "Cancelled by the shopper")
                row.status = "cancelled"
                visit = _back(row, "redirectResult", f"{row.token}!cancelled", paid=False)
            else:
                how = "authenticated" if pays else "cancelled"
                name = "threeDSResult" if row.in_component else "redirectResult"
                visit = _back(row, name, f"{row.token}!{how}", paid=False)
        self._publish()
        return visit

    def _at_page(self, page: PageRow, *, pays: bool, holder: str) -> Visit:
        paid = pays and pay_page(self._service.books, page, self._service.now(), holder).status == "authorised"
        returned = {"sessionId": page.id, "sessionResult": f"result-{page.id}"} if page.kind == "session" else {}
        return Visit(number=page.reference, paid=paid, returned=returned, return_url=_url(page.return_url, returned))


def _back(row: PaymentRow, name: str, value: str, *, paid: bool) -> Visit:
    returned = {name: value}
    return Visit(number=row.reference, paid=paid, returned=returned, return_url=_url(row.return_url, returned))


def _url(url: str | None, returned: Mapping[str, str]) -> str | None:
    if url is None or not returned:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(returned)}"
