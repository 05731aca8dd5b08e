"""What every simulated partner does alike: in process or on loopback TLS, its clock, its faults, its postman."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from payport.schemas.events import Acknowledgement, RawNotification
from payport.sdk.host_clock import SystemClock
from payport.sdk.testing.courier import RESEND_AFTER_S, Courier, Receiver
from payport.sdk.testing.faults import FaultPlan
from payport.sdk.testing.inprocess import AsyncInProcessTransport, InProcessTransport
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.wire import Delivery, Incoming

if TYPE_CHECKING:
    from payport.sdk.testing.server import LoopbackServer
    from payport.sdk.tls import Trust


def _system_now() -> datetime:
    return SystemClock().moment().utc


class Simulator(ABC):
    """The outside of a simulated partner. What it does with a request is :meth:`handle`.

    ``accepts``: whether the partner takes an answer for an acknowledgement of its notice. ``in_process_url``: its
    address while it is not served. ``clock``: the true time (with time zone), the system's when absent.
    ``asks_for_client``: whether the server asks for a client certificate. ``resend_after_s``: the waits between two
    deliveries of a notice that was not accepted. Safe to use from many threads.
    """

    def __init__(
        self,
        *,
        accepts: Callable[[Acknowledgement], bool],
        in_process_url: str,
        clock: Callable[[], datetime] | None = None,
        asks_for_client: bool = False,
        resend_after_s: Sequence[float] = RESEND_AFTER_S,
    ) -> None:
        self.clock = clock or _system_now
        self.faults = FaultPlan()
        self._courier = Courier(accepts, resend_after_s=resend_after_s)
        self._in_process_url = in_process_url
        self._asks_for_client = asks_for_client
        self._server: LoopbackServer | None = None

    @abstractmethod
    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one HTTP request."""

    @abstractmethod
    def _mailbox(self) -> Mailbox:
        """The notices told so far."""

    def _moved(self, url: str) -> None:  # noqa: B027 - most partners need not know
        """Called when it begins to listen on ``url``."""

    @property
    def served(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._in_process_url if self._server is None else self._server.url

    @property
    def trust(self) -> Trust:
        """How to trust the loopback server: its own authority and no other."""
        from payport.sdk.testing.certificates import loopback_certificates  # noqa: PLC0415 - makes keys
        from payport.sdk.tls import Trust  # noqa: PLC0415 - loads ssl; in process nobody needs it

        return Trust(ca_data=loopback_certificates().authority)

    @property
    def requests(self) -> tuple[Incoming, ...]:
        """What arrived over the socket so far, oldest first; empty in process."""
        return () if self._server is None else self._server.requests

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
            self._server = LoopbackServer(self.handle, self.faults, port=port, asks_for_client=self._asks_for_client)
            self._moved(self._server.url)
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

    def deliver_to(self, receiver: Receiver | None) -> None:
        """Hand notices to ``receiver`` (``lambda raw: gateway.receive(raw).acknowledgement``) in the background.

        Without one they are posted to the merchant's address when that is one of this machine. Either way they are
        delivered again until the answer is what the partner takes for an acknowledgement, eight times at most.
        """
        self._courier.deliver_to(receiver)

    def wait_delivered(self, timeout_s: float = 5.0) -> bool:
        """Wait until every notice is accepted or given up; false when time was up first."""
        return self._courier.wait(timeout_s)

    def hold_notices(self) -> None:
        """Keep notices back from now on."""
        self._mailbox().hold()

    def release_notices(self, *, copies: int = 1, shuffle_seed: int | None = None) -> list[RawNotification]:
        """Deliver what was kept back, ``copies`` times each, shuffled when a seed is given; returned in that order."""
        return self._mailbox().release(copies=copies, shuffle_seed=shuffle_seed)
