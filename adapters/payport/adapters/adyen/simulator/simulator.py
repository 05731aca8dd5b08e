"""Adyen's side as one object: in process or on loopback TLS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self

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
from payport.schemas.events import Acknowledgement, RawNotification
from payport.sdk.host_clock import SystemClock
from payport.sdk.secrets import Secret
from payport.sdk.testing.courier import Courier, Receiver
from payport.sdk.testing.faults import FaultPlan
from payport.sdk.testing.inprocess import AsyncInProcessTransport, InProcessTransport
from payport.sdk.testing.wire import Delivery, Incoming

if TYPE_CHECKING:
    from payport.sdk.testing.server import LoopbackServer
    from payport.sdk.tls import Trust

IN_PROCESS_URL = "https://checkout-test.adyen.simulator"
_API_KEY = "AQEsimulator000000000000000000000000000000"
_CLIENT_KEY = "test_SIMULATOR00000000000000000000"
_HMAC_KEY = "5A17" * 15


def _system_now() -> datetime:
    return SystemClock().moment().utc


def _accepts(answer: Acknowledgement) -> bool:
    return 200 <= answer.status < 300


class AdyenSimulator:
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
        self.clock = clock or _system_now
        self.faults = FaultPlan()
        self._merchant_account = merchant_account
        self._return_url = return_url
        self._rotated = 0
        self._books = Books(url=IN_PROCESS_URL, multiple_partial_captures=multiple_partial_captures)
        self._courier = Courier(_accepts)
        self.notices = Notices(self._courier.take, self._keys, merchant_account)
        self._service = Service(
            books=self._books,
            gate=Gate(api_key=_API_KEY, merchant_account=merchant_account),
            faults=self.faults,
            clock=self.clock,
        )
        self._server: LoopbackServer | None = None
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
            trust=self.trust if self._server is not None else None,
        )

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return IN_PROCESS_URL if self._server is None else self._server.url

    @property
    def trust(self) -> Trust:
        """How to trust the loopback server: its own authority and no other."""
        from payport.sdk.testing.certificates import loopback_certificates  # noqa: PLC0415 - makes keys
        from payport.sdk.tls import Trust  # noqa: PLC0415 - loads ssl; in process nobody needs it

        return Trust(ca_data=loopback_certificates().authority)

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

    def transport(self) -> InProcessTransport:
        """A transport for a gateway that calls this simulator without a socket."""
        return InProcessTransport(self.handle, self.faults)

    def async_transport(self) -> AsyncInProcessTransport:
        """The same for an async gateway."""
        return AsyncInProcessTransport(self.handle, self.faults)

    def serve(self, *, port: int = 0) -> Self:
        """Listen on 127.0.0.1 with TLS, on a free port when none is given, until :meth:`close`."""
        from payport.sdk.testing.certificates import loopback_certificates  # noqa: PLC0415 - makes keys
        from payport.sdk.testing.server import LoopbackServer  # noqa: PLC0415 - loads ssl

        if self._server is None:
            self._courier.authority = loopback_certificates().authority
            self._server = LoopbackServer(self.handle, self.faults, port=port)
            self._books.url = self._server.url
        return self

    def close(self) -> None:
        """Stop listening and delivering."""
        self._courier.stop()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def settings_files(self) -> dict[str, str]:
        """``payport.toml`` and the files it refers to, by name, for a gateway in another process."""
        return settings_files(self.account)

    @property
    def requests(self) -> tuple[Incoming, ...]:
        """What arrived over the socket so far, oldest first; empty in process."""
        return () if self._server is None else self._server.requests

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

    def deliver_to(self, receiver: Receiver | None) -> None:
        """Hand events to ``receiver`` (``lambda raw: gateway.receive(raw).acknowledgement``) in the background.

        Without one they are posted to ``notices.address`` when that is one of this machine. Either way they are
        delivered again until the answer is a 2xx, eight times at most.
        """
        self._courier.deliver_to(receiver)

    def wait_delivered(self, timeout_s: float = 5.0) -> bool:
        """Wait until every event is accepted or given up; false when time was up first."""
        return self._courier.wait(timeout_s)

    def hold_notices(self) -> None:
        """Keep events back from now on."""
        self.notices.hold()

    def release_notices(self, *, copies: int = 1, shuffle_seed: int | None = None) -> list[RawNotification]:
        """Deliver what was kept back, ``copies`` times each, shuffled when a seed is given; returned in that order."""
        return self.notices.release(copies=copies, shuffle_seed=shuffle_seed)

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
