"""Stripe's side as one object: in process or on loopback TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from payport.adapters.stripe.account import StripeAccount
from payport.adapters.stripe.money import to_wire
from payport.adapters.stripe.simulator import backoffice
from payport.adapters.stripe.simulator.books import Books
from payport.adapters.stripe.simulator.configuration import settings_files
from payport.adapters.stripe.simulator.gate import Gate
from payport.adapters.stripe.simulator.ledger import Ledger
from payport.adapters.stripe.simulator.pages import Pages
from payport.adapters.stripe.simulator.payer import Payer
from payport.adapters.stripe.simulator.service import Service
from payport.adapters.stripe.simulator.webhooks import Notices
from payport.schemas.events import Acknowledgement
from payport.schemas.money import Money
from payport.sdk.secrets import Secret
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.simulator import Simulator
from payport.sdk.testing.wire import Delivery, Incoming

if TYPE_CHECKING:
    pass

IN_PROCESS_URL = "https://api.stripe.simulator"
_SECRET_KEY = "rk_test_simulator00000000000000000000"  # noqa: S105 - opens nothing but this simulator
_PUBLISHABLE_KEY = "pk_test_simulator00000000000000000000"
_WEBHOOK_SECRET = "whsec_simulator"  # noqa: S105 - signs nothing but this simulator's events
ROLLED_FOR = timedelta(hours=24)
"""How long the old secret signs beside the new one."""


def _accepts(answer: Acknowledgement) -> bool:
    return 200 <= answer.status < 300


class StripeSimulator(Simulator):
    """Stripe's side, stateful, with its own secrets, answering by TLS and notifying with genuine signatures.

    ``connected``: the merchant is a connected account and the key a platform's. ``clock``: the true time (with time
    zone); :meth:`advance` moves the partner's own time on from it. ``return_url``: the account's default.

    Use it in process with :meth:`transport` or :meth:`async_transport`, or over real TLS::

        with StripeSimulator().serve() as partner:
            gateway = Gateway(Stripe(partner.account), journal=...)

    Safe to use from many threads.
    """

    def __init__(
        self,
        *,
        connected: bool = False,
        clock: Callable[[], datetime] | None = None,
        account_id: str = "acct_1Simulator0000",
        return_url: str | None = "https://shop.example/return",
    ) -> None:
        super().__init__(accepts=_accepts, in_process_url=IN_PROCESS_URL, clock=clock)
        self._account_id = account_id
        self._connected = connected
        self._return_url = return_url
        self._rolled = 0
        self._rolled_at: datetime | None = None
        self._books = Books(url=IN_PROCESS_URL)
        self.notices = Notices(self._courier.take, self._secrets, lambda: self.now, account_id if connected else None)
        self._service = Service(
            books=self._books,
            gate=Gate(secret_key=_SECRET_KEY, account_id=account_id, connected=connected),
            faults=self.faults,
            clock=self.clock,
            events=self.notices.events,
        )
        self.payer = Payer(self._service, self._publish)
        self.ledger = Ledger(self._books, self._settle)
        self._pages = Pages(self._books, self.payer)

    @property
    def account(self) -> StripeAccount:
        """The merchant's side: everything a gateway needs to talk to this simulator."""
        return StripeAccount(
            account_id=self._account_id,
            secret_key=Secret(_SECRET_KEY),
            webhook_secrets=tuple(Secret(secret) for secret in self._secrets()),
            publishable_key=_PUBLISHABLE_KEY,
            connected=self._connected,
            return_url=self._return_url,
            api_url=self.url,
            trust=self.trust if self.served else None,
        )

    @property
    def search_lag_s(self) -> float:
        """How long a new intent takes to be found by a search, in seconds."""
        return self._service.search_lag.total_seconds()

    @search_lag_s.setter
    def search_lag_s(self, seconds: float) -> None:
        self._service.search_lag = timedelta(seconds=seconds)

    @property
    def on_commit(self) -> Callable[[str], None] | None:
        """Called with the call's name after a request was carried out and before it is answered."""
        return self._service.on_commit

    @on_commit.setter
    def on_commit(self, hook: Callable[[str], None] | None) -> None:
        self._service.on_commit = hook

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one HTTP request: the API itself, or a page."""
        if not incoming.path.startswith("/v1/"):
            return Delivery(self._pages.visit(incoming))
        delivery = self._service.handle(incoming)
        self._publish()
        return delivery

    def settings_files(self) -> dict[str, str]:
        """``payport.toml`` and the files it refers to, by name, for a gateway in another process."""
        return settings_files(self.account)

    @property
    def now(self) -> datetime:
        """The partner's time."""
        return self._service.now()

    def advance(self, seconds: float) -> None:
        """Move the partner's time on: pages and holds end, late requests arrive."""
        self._service.advanced += timedelta(seconds=seconds)
        self._settle()

    def fund(self, money: Money) -> None:
        """Add to what the merchant's balance held at first."""
        currency = money.currency.lower()
        with self._books.lock:
            self._books.opened[currency] = self._books.opened.get(currency, 0) + to_wire(money)

    def process(self, *, succeed: bool = True) -> int:
        """Finish what was accepted but not final (payments, refunds, payouts); how many there were.

        A refund to ``pm_card_refundFail`` that succeeded fails now.
        """
        finished = backoffice.process(self._service, succeed=succeed)
        self._publish()
        return finished

    def bounce_refund(self, reference: str) -> None:
        """A refund that succeeded fails after all. Raises ``KeyError`` when there is no such refund."""
        backoffice.bounce_refund(self._service, reference)
        self._publish()

    def fail_payout(self, reference: str) -> None:
        """A payout comes back from the bank, a paid one as well. Raises ``KeyError`` when there is no such payout."""
        backoffice.fail_payout(self._service, reference)
        self._publish()

    def dispute(self, reference: str, *, reason: str = "fraudulent") -> str:
        """The payer's bank takes a payment back; gives the dispute's number. ``KeyError`` when it is not paid."""
        number = backoffice.dispute(self._service, reference, reason)
        self._publish()
        return number

    def roll_webhook_secret(self) -> None:
        """Make another webhook secret; for 24 hours events are signed with both, the new one first."""
        self._rolled += 1
        self._rolled_at = self.now

    def _secrets(self) -> list[str]:
        names = [f"{_WEBHOOK_SECRET}{number:08d}" for number in range(self._rolled + 1)]
        old = self._rolled_at is not None and self.now < self._rolled_at + ROLLED_FOR
        return names[::-1][: 2 if old else 1]

    def _moved(self, url: str) -> None:
        self._books.url = url

    def _mailbox(self) -> Mailbox:
        return self.notices

    def _settle(self) -> None:
        self._service.settle()
        self._publish()

    def _publish(self) -> None:
        for happening in self._books.drain():
            self.notices.tell(happening)
