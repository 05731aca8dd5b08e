"""Adyen's side as one object: in process or on loopback TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from payport.adapters.adyen.account import AdyenAccount
from payport.adapters.adyen.simulator import modifications
from payport.adapters.adyen.simulator.books import Books
from payport.adapters.adyen.simulator.configuration import settings_files
from payport.adapters.adyen.simulator.gate import BASE, Gate
from payport.adapters.adyen.simulator.ledger import Ledger
from payport.adapters.adyen.simulator.pages import Pages
from payport.adapters.adyen.simulator.payer import Payer
from payport.adapters.adyen.simulator.service import Service
from payport.adapters.adyen.simulator.webhooks import Notices
from payport.schemas.events import Acknowledgement
from payport.sdk.secrets import Secret
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.simulator import Simulator
from payport.sdk.testing.wire import Delivery, Incoming

IN_PROCESS_URL = "https://checkout-test.adyen.simulator"
_API_KEY = "AQEsimulator000000000000000000000000000000"
_CLIENT_KEY = "test_SIMULATOR00000000000000000000"
_HMAC_KEY = "5A17" * 15


def _accepts(answer: Acknowledgement) -> bool:
    return 200 <= answer.status < 300


class AdyenSimulator(Simulator):
    """Adyen's side, stateful, with its own keys, answering by TLS and notifying with genuine signatures.

    ``clock``: the true time (with time zone); :meth:`advance` moves the partner's own time on from it.
    ``multiple_partial_captures``: a capture leaves the rest of its hold. ``return_url``: the account's default.

    Use it in process with :meth:`transport` or :meth:`async_transport`, or over real TLS::

        with AdyenSimulator().serve() as partner:
            gateway = Gateway(Adyen(partner.account), journal=...)

    Safe to use from many threads.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        merchant_account: str = "SimulatorECOM",
        multiple_partial_captures: bool = False,
        return_url: str | None = "https://shop.example/return",
    ) -> None:
        super().__init__(accepts=_accepts, in_process_url=IN_PROCESS_URL, clock=clock)
        self._merchant_account = merchant_account
        self._return_url = return_url
        self._rotated = 0
        self._books = Books(url=IN_PROCESS_URL, multiple_partial_captures=multiple_partial_captures)
        self.notices = Notices(self._courier.take, self._keys, merchant_account)
        self._service = Service(
            books=self._books,
            gate=Gate(api_key=_API_KEY, merchant_account=merchant_account),
            faults=self.faults,
            clock=self.clock,
        )
        self.payer = Payer(self._service, self._publish)
        self.ledger = Ledger(self._books, self._settle)
        self._pages = Pages(self._books, self.payer)

    @property
    def account(self) -> AdyenAccount:
        """The merchant's side: everything a gateway needs to talk to this simulator."""
        return AdyenAccount(
            merchant_account=self._merchant_account,
            api_key=Secret(_API_KEY),
            hmac_keys=tuple(Secret(key) for key in self._keys()),
            client_key=_CLIENT_KEY,
            return_url=self._return_url,
            multiple_partial_captures=self._books.multiple_partial_captures,
            api_url=f"{self.url}{BASE}",
            trust=self.trust if self.served else None,
        )

    @property
    def on_commit(self) -> Callable[[str], None] | None:
        """Called with the call's name after a request was carried out and before it is answered."""
        return self._service.on_commit

    @on_commit.setter
    def on_commit(self, hook: Callable[[str], None] | None) -> None:
        self._service.on_commit = hook

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one HTTP request: the API itself, or a page."""
        if not incoming.path.startswith(f"{BASE}/"):
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
        """Move the partner's time on: pages end, late requests arrive."""
        self._service.advanced += timedelta(seconds=seconds)
        self._settle()

    def process(self, *, succeed: bool = True) -> int:
        """Finish what was accepted but not final (payments, captures, cancels, refunds); how many there were."""
        self._service.settle()
        with self._books.lock:
            finished = modifications.process(self._books, self.now, succeed=succeed)
        self._publish()
        return finished

    def bounce_refund(self, reference: str) -> None:
        """A refund that succeeded fails after all. Raises ``KeyError`` when there is no such refund."""
        self._later("REFUND_FAILED", reference)

    def fail_capture(self, reference: str) -> None:
        """A capture fails after all; by the payment's reference where it was taken at once. Raises ``KeyError``."""
        self._later("CAPTURE_FAILED", reference)

    def dispute(self, reference: str) -> None:
        """The payer's bank takes a payment back. Raises ``KeyError`` when it is not paid."""
        self._later("CHARGEBACK", reference)

    def _later(self, code: str, reference: str) -> None:
        with self._books.lock:
            modifications.after_the_fact(self._books, code, reference, self.now)
        self._publish()

    def rotate_hmac_key(self) -> None:
        """Make another HMAC key; the one before may still sign for a while, so an account holds both."""
        self._rotated += 1

    def _mailbox(self) -> Mailbox:
        return self.notices

    def _moved(self, url: str) -> None:
        self._books.url = url

    def _keys(self) -> list[str]:
        """The newest first, with the one before it."""
        newest = self._rotated
        return [f"{_HMAC_KEY}{number:04X}" for number in range(newest, max(-1, newest - 2), -1)]

    def _settle(self) -> None:
        self._service.settle()
        self._publish()

    def _publish(self) -> None:
        for happening in self._books.drain():
            self.notices.tell(happening)
