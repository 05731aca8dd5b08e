"""A base for the simulator of a small partner: all that such a partner does alike is done, down to its books."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from payport.schemas.actions import Action
from payport.schemas.events import RawNotification
from payport.schemas.money import Money
from payport.sdk.message import WireReply
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.mailbox import Mailbox
from payport.sdk.testing.mishaps import Mishaps
from payport.sdk.testing.simulated import SimulatedLedger, SimulatedPayer
from payport.sdk.testing.simulator import Simulator
from payport.sdk.testing.wire import Delivery, Incoming

_STATUSES = MappingProxyType({Fault.SYSTEM_ERROR: 500, Fault.RATE_LIMITED: 429, Fault.NOT_FOUND: 404})
"""What a partner says by its status alone."""

PLAYS = frozenset(
    {
        *_STATUSES,
        Fault.RESET_BEFORE_TLS,
        Fault.RESET_BEFORE_READING,
        Fault.RESET,
        Fault.SILENCE,
        Fault.BAD_GATEWAY,
        Fault.LATE_ARRIVAL,
        Fault.COMMIT_THEN_RESET,
        Fault.COMMIT_THEN_SILENCE,
        Fault.COMMIT_THEN_BAD_GATEWAY,
        Fault.DRIP,
        Fault.TRUNCATED,
        Fault.GARBAGE,
    }
)
"""The faults that a :class:`PlainSimulator` plays by itself."""


@dataclass(frozen=True, slots=True)
class Booked:
    """A line of a partner's books. ``reference``: ours at the partner."""

    reference: str
    amount: Money


class PlainSimulator(Simulator):
    """A simulated partner in one object, which is its own payer and its own books.

    What is left to say: :meth:`answer`, :meth:`charged` and :meth:`open`, and the merchant's side as ``account``.
    :meth:`refunded` where it gives money back, :meth:`leave` where it notices that somebody only looked,
    :meth:`process` where it accepts what it decides later, :meth:`refusal` where a status is not all that it says.

    ``clock``: the true time (with time zone), the system's when absent. ``url``: its address while it is not served.
    """

    def __init__(self, clock: Callable[[], datetime] | None = None, *, url: str = "https://partner.simulator") -> None:
        super().__init__(accepts=lambda answer: 200 <= answer.status < 300, in_process_url=url, clock=clock)
        self.notices = Mailbox(self._courier.take)
        self.payer: SimulatedPayer = self
        self.ledger: SimulatedLedger = self
        self._mishaps: Mishaps[Incoming] = Mishaps(self.faults, self.clock)

    @abstractmethod
    def answer(self, incoming: Incoming, fault: Fault | None) -> WireReply:
        """Carry one request out and answer it, with the lie that ``fault`` asks for.

        A request that arrived late is carried out the same way, and nobody hears the answer.
        """

    @abstractmethod
    def charged(self) -> Iterable[Booked]:
        """Every charge in the books."""

    @abstractmethod
    def open(self, action: Action, /) -> object:
        """The payer opens what was handed out, and pays. Raises where the partner would show an error page."""

    def leave(self, action: Action, /) -> object:
        """The payer looks at it and goes away: nothing changes."""

    def refunded(self) -> Iterable[Booked]:
        """Everything that was given back: nothing."""
        return ()

    def process(self, *, succeed: bool = True) -> object:
        """Finish what was accepted and is not final: such a partner decides at once."""

    def tell(self, body: bytes, headers: Mapping[str, str] | None = None, *, address: str | None = None) -> None:
        """Notify the merchant, at an ``address`` on this machine or whoever is delivered to."""
        raw = RawNotification(body=body, headers=headers or {})
        self.notices.post(Letter(lambda: raw, address))

    def refusal(self, fault: Fault) -> WireReply:
        """The answer where a fault keeps a request from being carried out. Raises ``ValueError`` for any other."""
        if fault not in _STATUSES:
            raise ValueError(f"{type(self).__name__} does not play {fault.name}: it has no words for it")
        return WireReply(_STATUSES[fault], (("content-type", "application/json"),), b"{}")

    def endpoint(self, incoming: Incoming) -> str:
        """By which name faults wait for a request, as the adapter's carry it: ``"POST /bills"``."""
        return f"{incoming.method} /{incoming.path.split('/')[1]}"

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one request, or misbehave as planned."""
        self._settle()
        return self._mishaps.around(self.endpoint(incoming), incoming, lambda fault: self._said(incoming, fault))

    def charges(self, reference: str | None = None, /, *, starting_with: str | None = None) -> list[Booked]:
        """Money taken: all, under one reference, or under every reference that begins with a debt's."""
        return self._booked(self.charged, reference, starting_with)

    def refunds(self, reference: str | None = None, /, *, starting_with: str | None = None) -> list[Booked]:
        """Money given back, by the same choice."""
        return self._booked(self.refunded, reference, starting_with)

    def _said(self, incoming: Incoming, fault: Fault | None) -> WireReply:
        return self.answer(incoming, fault) if fault is None or fault.commits else self.refusal(fault)

    def _booked(
        self, rows: Callable[[], Iterable[Booked]], reference: str | None, starting_with: str | None
    ) -> list[Booked]:
        self._settle()
        wanted = (row for row in rows() if reference in (None, row.reference))
        return [row for row in wanted if row.reference.startswith(starting_with or "")]

    def _settle(self) -> None:
        """Let requests that were on their way arrive."""
        for late in self._mishaps.arrived():
            self.answer(late.request, None)

    def _mailbox(self) -> Mailbox:
        return self.notices
