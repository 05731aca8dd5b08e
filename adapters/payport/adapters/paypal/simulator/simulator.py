"""PayPal's side as one object: in process or on loopback TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from payport.adapters.paypal.account import PayPalAccount
from payport.adapters.paypal.simulator import backoffice
from payport.adapters.paypal.simulator.books import Books
from payport.adapters.paypal.simulator.cashier import Cashier
from payport.adapters.paypal.simulator.configuration import settings_files
from payport.adapters.paypal.simulator.door import Door
from payport.adapters.paypal.simulator.keys import Chain, chain
from payport.adapters.paypal.simulator.ledger import Ledger
from payport.adapters.paypal.simulator.notices import Notices
from payport.adapters.paypal.simulator.payer import Payer
from payport.adapters.paypal.simulator.service import Service
from payport.schemas.events import Acknowledgement
from payport.schemas.money import Money
from payport.sdk.secrets import Secret
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.simulator import Simulator
from payport.sdk.testing.wire import Delivery, Incoming

IN_PROCESS_URL = "https://paypal.simulator"
CLIENT_ID = "AYSimulatedClientIdOfTheRestApplication"
_CLIENT_SECRET = "EGSimulatedClientSecretOfTheRestApplication"  # noqa: S105 - play money
_FIRST_SERIAL = "CERT-360caa42-fca2a594-00000001"


def _accepts(answer: Acknowledgement) -> bool:
    return 200 <= answer.status < 300


class PayPalSimulator(Simulator):
    """PayPal's side, stateful, with its own tokens, and a certificate chain of its own that signs its webhooks.

    ``clock``: the true time (with time zone); :meth:`advance` moves PayPal's own time on from it.
    Use it in process with :meth:`transport` or :meth:`async_transport`, or over real TLS::

        with PayPalSimulator().serve() as partner:
            gateway = Gateway(PayPal(partner.account), journal=...)

    Events are posted to ``notices.webhook_url`` when that is an address of this machine and nobody else takes them; any
    2xx acknowledges. Safe to use from many threads.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        merchant_id: str = "2SMWANTEDPAYP",
        webhook_id: str = "1JE4291016473214C",
    ) -> None:
        super().__init__(accepts=_accepts, in_process_url=IN_PROCESS_URL, clock=clock)
        self._webhook_id = webhook_id
        self._books = Books(merchant_id=merchant_id, url=lambda: self.url)
        self._service = Service(
            books=self._books,
            door=Door(client_id=CLIENT_ID, client_secret=_CLIENT_SECRET),
            faults=self.faults,
            clock=self.clock,
            chains={_FIRST_SERIAL: chain()},
            serial=_FIRST_SERIAL,
        )
        self._cashier = Cashier(self._service, self._publish)
        self.notices = Notices(webhook_id, self._signer, lambda: self.url, self._service.now, self._courier.take)
        self.payer = Payer(self._cashier)
        self.ledger = Ledger(self._books, self._settle)

    @property
    def account(self) -> PayPalAccount:
        """The merchant's side: everything a gateway needs to talk to this simulator."""
        return PayPalAccount(
            client_id=CLIENT_ID,
            client_secret=Secret(_CLIENT_SECRET),
            merchant_id=self._books.merchant_id,
            webhook_id=self._webhook_id,
            webhook_roots=chain().root,
            return_url="https://shop.example/paid",
            cancel_url="https://shop.example/basket",
            api_url=self.url,
            trust=self.trust if self.served else None,
        )

    @property
    def on_commit(self) -> Callable[[str], None] | None:
        """Called with the operation's name after a request was carried out and before it is answered."""
        return self._service.on_commit

    @on_commit.setter
    def on_commit(self, hook: Callable[[str], None] | None) -> None:
        self._service.on_commit = hook

    @property
    def tokens_given(self) -> int:
        """How many access tokens were given out so far."""
        return self._service.door.given

    def set_token_life(self, seconds: int) -> None:
        """How long the access tokens serve that are given from now on."""
        self._service.door.token_life_s = seconds

    def revoke_tokens(self) -> None:
        """No access token serves any more; new ones are given."""
        self._service.door.revoke()

    def forget_request_ids(self) -> None:
        """No ``PayPal-Request-Id`` is recognised any more, as after its window."""
        self._service.forget()

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one HTTP request: the API, or the pages of the checkout."""
        delivery = self._service.handle(incoming)
        if delivery is None:
            return Delivery(self._cashier.serve(incoming))
        self._publish()
        return delivery

    def settings_files(self) -> dict[str, str]:
        """``payport.toml`` and the files it refers to, by name, for a gateway in another process."""
        return settings_files(self.account)

    @property
    def now(self) -> datetime:
        """PayPal's time."""
        return self._service.now()

    def advance(self, seconds: float) -> None:
        """Move PayPal's time on: orders and holds end, tokens run out, late requests arrive."""
        self._service.advanced += timedelta(seconds=seconds)
        self._settle()

    def fund(self, balance: Money) -> None:
        """Set what the merchant has in one currency."""
        with self._books.lock:
            self._books.balances[balance.currency] = balance.amount_minor

    def process(self, *, succeed: bool = True) -> int:
        """Finish what was accepted but not final (captures, holds, refunds, payouts); how many there were."""
        finished = backoffice.process(self._service, succeed=succeed)
        self._publish()
        return finished

    def move_payout(self, reference: str, status: str = "RETURNED") -> None:
        """A payout reaches another state by itself; by default the money comes back after all.

        Raises ``KeyError`` when there is no such payout, ``ValueError`` when its money is back already.
        """
        backoffice.move_payout(self._service, reference, status)
        self._publish()

    def refund_by_hand(self, reference: str, amount: Money | None = None) -> str:
        """The merchant refunds a payment on PayPal's own pages; answers PayPal's number of the refund."""
        number = backoffice.refund_by_hand(self._service, reference, amount)
        self._publish()
        return number

    def reverse(self, reference: str) -> None:
        """PayPal takes a captured payment back from the merchant."""
        backoffice.reverse(self._service, reference)
        self._publish()

    def dispute(self, reference: str, reason: str = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED") -> str:
        """The payer complains; answers PayPal's number of the dispute."""
        number = backoffice.dispute(self._service, reference, reason)
        self._publish()
        return number

    def rotate_certificate(self, renewed: Chain | None = None) -> str:
        """PayPal signs with another certificate from now on, at another address. Gives its number."""
        serial = f"CERT-360caa42-fca2a594-{len(self._service.chains) + 1:08d}"
        self._service.chains[serial] = renewed or chain(owner=serial)
        self._service.serial = serial
        return serial

    def _mailbox(self) -> Mailbox:
        return self.notices

    def _settle(self) -> None:
        self._service.settle()
        self._publish()

    def _publish(self) -> None:
        for happening in self._books.drain():
            self.notices.tell(happening)

    def _signer(self) -> tuple[str, Chain]:
        serial = self._service.serial
        return serial, self._service.chains[serial]
