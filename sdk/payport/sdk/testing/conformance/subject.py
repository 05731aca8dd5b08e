"""What the conformance suite must know of a partner: its ways to pay, its endpoints, its misbehaviours, all as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Generic, TypeVar

from payport.schemas.events import RawNotification
from payport.schemas.money import Money
from payport.schemas.order import Order, PayoutOrder
from payport.schemas.outcome import ActionRequired, Authorized, Declined, Pending, Succeeded
from payport.sdk.adapter import Adapter
from payport.sdk.message import WireRequest
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.simulated import SimulatedPartner

PartnerT = TypeVar("PartnerT", bound=SimulatedPartner)

Forgery = Callable[[PartnerT, RawNotification], RawNotification]
"""Makes a notice out of a genuine one."""


class Closes(Enum):
    """When cancelling what was handed out keeps it from being paid."""

    AT_ONCE = "at once"
    """The partner knows it as soon as it is handed out, and closes it."""
    ONCE_OPENED = "once opened"
    """Before the payer opened it the partner knows no such payment, and that is no fence."""
    NEVER = "never"
    """The partner has no way to close it: it is over by time."""


def _nothing() -> Mapping[Fault, frozenset[str]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One endpoint through which money moves.

    ``endpoint``: its name, as requests carry it and faults wait for it. ``gives``: what the call ends with when nothing
    goes wrong. ``cannot``: faults that the simulator does not play here (an answer without an amount cannot show a
    wrong one). ``tells``: for a fault, the outcomes that are right here instead of the usual ones, as
    ``"Unknown timed_out"`` or only ``"Unknown"``.
    """

    endpoint: str
    gives: tuple[type, ...] = (Succeeded,)
    cannot: frozenset[Fault] = frozenset()
    tells: Mapping[Fault, frozenset[str]] = field(default_factory=_nothing)


@dataclass(frozen=True, kw_only=True)
class Way(Generic[PartnerT]):
    """One way of paying. ``method``: makes what ``gateway.pay`` takes, with a fresh code where one is scanned.

    ``gives``: what ``pay`` ends with (``ActionRequired``, ``Succeeded``, ``Authorized``, ``Pending``, ``Declined``).
    ``door``: where the request goes; ``None`` when nothing is sent before the payer acts. ``hold``: the order is to be
    held, not taken. ``closes``, ``expires``: of what was handed out: when cancelling fences it, and whether the partner
    itself refuses it once its time is over. ``notifies``: whether the partner tells of a payment made this way.
    ``confirm``: with ``Pending``, the payer's word, given the reference. ``comes_back``: where ``complete`` must
    follow, what the payer's browser brings along, out of what ``payer.open`` answered.
    """

    name: str
    method: Callable[[PartnerT], object]
    gives: type = ActionRequired
    door: Door | None = None
    hold: bool = False
    closes: Closes = Closes.AT_ONCE
    expires: bool = True
    confirm: Callable[[PartnerT, str], object] | None = None
    notifies: bool = True
    comes_back: Callable[[PartnerT, object], Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """How money is sent. ``order``: a sample. ``done``: the partner's words, in its books, for money that arrived."""

    order: PayoutOrder
    payee: object
    door: Door
    done: frozenset[str]


def whole_request(request: WireRequest) -> object:
    """Everything but the headers: right where signature, time and nonce travel there."""
    return request.method, request.url, request.content


def _no_forgeries() -> Mapping[str, Forgery[PartnerT]]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Subject(Generic[PartnerT]):
    """A partner, as the suite meets it.

    ``simulator``: a new one, on the clock given. ``adapter``: for the account of that simulator. ``order``: a sample of
    what can be bought every way (its reference and times are replaced); ``part``: a part of its amount that can be
    given back and captured, at most a quarter. ``plays``: the faults that the simulator can play.

    ``refund``, ``capture``, ``close`` (of what is not paid), ``reverse`` (of what is paid), ``release`` (of a hold),
    ``payout``, ``complete``: the verbs that the adapter has, each with its endpoint; ``None`` for what it lacks.
    ``undo``: where the refund of a whole capture goes, when that is an endpoint of its own.
    ``query``: the endpoint by which payments are asked about; ``query_cannot``: faults that it cannot show.

    ``asks``: all that a request asks for, without what is new on every try (time, nonce, signature).

    ``forged``: notices that must be refused (no signature, another account); tampered bytes are made by the suite.
    ``misleading``: genuine notices about something else than what was asked (another amount), which must teach nothing.
    ``notifies``: false for a partner that tells nothing by itself. ``cancels``: false for an adapter that cannot
    cancel. ``adopts``: whether payments can be looked up by the partner's own number.
    ``aside``: endpoints that tokens and certificates are fetched from, on the way to a step and part of none.
    """

    name: str
    simulator: Callable[[Callable[[], datetime]], PartnerT]
    adapter: Callable[[PartnerT], Adapter]
    ways: Sequence[Way[PartnerT]]
    order: Order
    part: Money
    plays: frozenset[Fault]
    refund: Door | None = None
    undo: Door | None = None
    capture: Door | None = None
    close: Door | None = None
    reverse: Door | None = None
    release: Door | None = None
    payout: Payout | None = None
    complete: Door | None = None
    query: str | None = None
    query_cannot: frozenset[Fault] = frozenset()
    asks: Callable[[WireRequest], object] = whole_request
    forged: Mapping[str, Forgery[PartnerT]] = field(default_factory=_no_forgeries)
    misleading: Mapping[str, Forgery[PartnerT]] = field(default_factory=_no_forgeries)
    notifies: bool = True
    cancels: bool = True
    adopts: bool = False
    aside: frozenset[str] = frozenset()
    life_s: float = 1800.0
    """How long an order lives whose time the suite lets run out."""

    @property
    def selling(self) -> Way[PartnerT]:
        """How an order is paid where any way will do: at once if there is such a way, else by what is handed out."""
        return self.way(Succeeded) or self.handing_out()

    def handing_out(self) -> Way[PartnerT]:
        """The first way that hands something out."""
        way = self.way(ActionRequired)
        assert way is not None, f"{self.name}: a way is needed that gives Succeeded or ActionRequired"
        return way

    @property
    def holding(self) -> Way[PartnerT] | None:
        """How money is held: at once if there is such a way."""
        return self.way(Authorized, hold=True) or self.way(ActionRequired, hold=True)

    def way(self, gives: type, *, hold: bool = False) -> Way[PartnerT] | None:
        """The first way with this outcome."""
        return next((way for way in self.ways if way.gives is gives and way.hold is hold), None)

    @property
    def handed_out(self) -> Sequence[Way[PartnerT]]:
        """The ways of paying that hand something out."""
        return [way for way in self.ways if way.gives is ActionRequired and not way.hold]

    def doors(self) -> Iterator[tuple[str, Way[PartnerT] | None, Door]]:
        """Every endpoint that moves money, once per verb: the verb, the way for ``pay``, the endpoint."""
        seen: set[str] = set()
        for way in self.ways:
            if way.door is not None and way.door.endpoint not in seen and way.gives not in (Pending, Declined):
                seen.add(way.door.endpoint)
                yield "pay", way, way.door
        others = {
            "refund": self.refund,
            "undo": self.undo,
            "capture": self.capture,
            "close": self.close,
            "reverse": self.reverse,
            "release": self.release,
            "complete": self.complete,
            "payout": None if self.payout is None else self.payout.door,
        }
        for verb, door in others.items():
            if door is not None:
                yield verb, None, door
