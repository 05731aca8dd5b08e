"""What a simulated partner shows of itself to tests, demos and the conformance suite: the same for every partner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from payport.schemas.actions import Action
from payport.schemas.events import RawNotification
from payport.schemas.money import Money
from payport.sdk.testing.faults import FaultPlan

if TYPE_CHECKING:
    from payport.sdk.testing.courier import Receiver
    from payport.sdk.transport import Transport


class Row(Protocol):
    """One line of a partner's books: a frozen dataclass whose first field is the merchant's reference there."""

    @property
    def amount(self) -> Money:
        """The money it is about."""
        ...


class HoldRow(Row, Protocol):
    """Money that was to be held. Nothing is held or captured before the payer agrees."""

    @property
    def rest(self) -> Money:
        """What is still held."""
        ...

    @property
    def captured(self) -> Money:
        """What was taken from it."""
        ...


class TransferRow(Row, Protocol):
    """Money that was sent, or was to be."""

    @property
    def status(self) -> str:
        """The partner's word for how it stands."""
        ...


class SimulatedLedger(Protocol):
    """What really happened at the partner. A refund's row names, in another field, the refund's own reference."""

    def charges(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        """Money taken: all, under one reference, or under every reference that begins with a debt's."""
        ...

    def refunds(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        """Money given back, reversals and voids of what was paid included."""
        ...


@runtime_checkable
class KeepsHolds(Protocol):
    """A ledger of a partner that can hold money."""

    def holds(self, reference: str | None = None, /) -> Sequence[HoldRow]:
        """Holds as they stand: all, or under one reference."""
        ...


@runtime_checkable
class KeepsTransfers(Protocol):
    """A ledger of a partner that can send money."""

    def transfers(self, reference: str | None = None, /) -> Sequence[TransferRow]:
        """Transfers as they stand: all, or under one reference."""
        ...


class SimulatedPayer(Protocol):
    """The person who pays. Both raise where the partner would show an error page."""

    def open(self, action: Action, /) -> object:
        """Open what was handed out, and pay."""
        ...

    def leave(self, action: Action, /) -> object:
        """Open what was handed out, and go away without paying."""
        ...


class SimulatedPartner(Protocol):
    """A partner's side: stateful, with its own clock, answering and notifying as the true one does."""

    @property
    def account(self) -> object:
        """The merchant's side: everything an adapter needs to talk to it, secrets included."""
        ...

    @property
    def faults(self) -> FaultPlan:
        """Which misbehaviour comes next."""
        ...

    @property
    def ledger(self) -> SimulatedLedger:
        """Its books."""
        ...

    @property
    def payer(self) -> SimulatedPayer:
        """Who pays there."""
        ...

    @property
    def notices(self) -> Sequence[RawNotification]:
        """What it has told so far, oldest first."""
        ...

    def transport(self) -> Transport:
        """A way to it without a socket."""
        ...

    def process(self, *, succeed: bool = True) -> object:
        """Finish what was accepted and is not final."""
        ...

    def close(self) -> None:
        """Stop listening and delivering."""
        ...


class CountingLedger(SimulatedLedger, Protocol):
    """A ledger with its totals."""

    def paid_total(self, currency: str, /) -> Money:
        """The sum of every charge, refunds not subtracted."""
        ...

    def refunded_total(self, currency: str, /) -> Money:
        """The sum of everything that was given back."""
        ...


class ServedPartner(SimulatedPartner, Protocol):
    """A simulated partner that can be served over TLS, deliver its notices, and be watched while it works."""

    @property
    def on_commit(self) -> Callable[[str], None] | None:
        """Called with the endpoint's name after a request was carried out and before it is answered."""
        ...

    @on_commit.setter
    def on_commit(self, hook: Callable[[str], None] | None, /) -> None: ...

    @property
    def ledger(self) -> CountingLedger:
        """Its books."""
        ...

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        ...

    def serve(self) -> object:
        """Listen on loopback TLS, on a free port."""
        ...

    def settings_files(self) -> Mapping[str, str]:
        """``payport.toml`` with one account, and the files it refers to: names and texts."""
        ...

    def advance(self, seconds: float, /) -> None:
        """Move the partner's time on."""
        ...

    def deliver_to(self, receiver: Receiver | None, /) -> None:
        """Hand notices over in the background."""
        ...

    def wait_delivered(self, timeout_s: float = 5.0, /) -> bool:
        """Wait until every notice is accepted or given up."""
        ...


def reference_of(row: object) -> str:
    """The merchant's reference at the partner that a row is about: its first field."""
    assert is_dataclass(row), f"{type(row).__name__} is to be a dataclass whose first field is the merchant's reference"
    return str(getattr(row, fields(row)[0].name))


def mentions(row: object, reference: str) -> bool:
    """Whether a reference stands in any field of a row."""
    return is_dataclass(row) and any(getattr(row, item.name) == reference for item in fields(row))
