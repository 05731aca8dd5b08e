"""The contract of an adapter: pure plans, one exchange per step, and data.

An adapter turns an intent into steps (:class:`Plan`), carries out one step, asks about an operation, and opens
notifications. When to do which, what to write down first, and what an answer means for the order is decided once, in
``payport.sdk.operations`` and ``payport.sdk.resolver``. Each verb that a partner has is one ``Supports...`` protocol;
a gateway offers exactly the verbs that its adapter has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from payport.schemas.events import Acknowledgement, Event, RawNotification, Rejected
from payport.schemas.methods import PortableMethod
from payport.schemas.money import Money
from payport.schemas.order import Order, PayoutOrder
from payport.schemas.references import PartnerId
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, Step
from payport.sdk.observation import Observation
from payport.sdk.profile import Profile

if TYPE_CHECKING:
    from payport.sdk.tls import Trust

MethodT_contra = TypeVar("MethodT_contra", contravariant=True)
PayeeT_contra = TypeVar("PayeeT_contra", contravariant=True)
NativeT_co = TypeVar("NativeT_co", covariant=True)
RequestT_contra = TypeVar("RequestT_contra", contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What is already fixed when an adapter plans: the frozen reference at the partner, and the time.

    ``now``: when the operation was first asked for; a cancel that is planned anew sees the same instant again.
    ``refused``: of a refund: those of the same payment that ended with the partner's refusal, oldest first.
    """

    partner_ref: str
    now: datetime
    payable_until: datetime
    refused: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How an operation will be carried out: frozen in the journal before the first byte leaves.

    ``of``: the operation that it is about, when that was found while planning. ``payable_until``: when the method's
    own life is shorter than the slot's; of a refund: from when on the partner carries it out no more. ``expires``:
    false where no time limit could be put on the wire. ``method``: the method's name for the journal. ``identity``:
    what the partner dedupes on besides ``partner_ref``. ``restores_hold``: of a refund: it undoes a whole capture, and
    once it is done the hold is in force again.
    """

    steps: tuple[Step, ...]
    of: str = ""
    payable_until: datetime | None = None
    expires: bool = True
    method: str = ""
    ladder: str = "default"
    identity: Mapping[str, str] = field(default_factory=dict[str, str])
    restores_hold: bool = False


class InvalidIntent(Exception):
    """Raised by ``plan_...`` when the partner cannot take this: becomes ``NotSent(invalid)`` with this message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An authentic notification: what it says, what it teaches, what to answer."""

    event: Event
    lessons: tuple[tuple[str, Observation], ...]
    """What it teaches, each with the reference at the partner of the operation that it is about."""
    acknowledgement: Acknowledgement


class Adapter(Protocol):
    """What every adapter has."""

    @property
    def partner(self) -> str:
        """The partner's name, lower case: ``"alipay"``."""
        ...

    @property
    def account(self) -> str:
        """One merchant account of the partner, live or test, stable for years: ``"alipay:2021000000000000"``."""
        ...

    @property
    def profile(self) -> Profile:
        """The partner's habits."""
        ...

    @property
    def trust(self) -> Trust | None:
        """How to trust the partner's hosts; ``None`` for the usual authorities."""
        ...

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Carry out one step: sign, send, authenticate, decode. ``step.request`` is what ``plan_...`` put there.

        Never raises for what the partner or the network did.
        """
        ...

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Ask the partner about an operation by our own reference."""
        ...

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Authenticate a notification over its raw bytes, then read it."""
        ...


class SupportsPay(Adapter, Protocol[MethodT_contra, NativeT_co]):
    """The adapter can charge or hold."""

    def plan_pay(self, order: Order, method: MethodT_contra, slot: Slot) -> Plan:
        """The steps that charge or hold for ``order``. Pure. Raises :class:`InvalidIntent`."""
        ...

    def native_payment(self, native: object) -> NativeT_co | None:
        """``native`` of an observation when it is this partner's record, else ``None``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the partner says of one of its own numbers. ``partner_ref``: ``None`` when it knows of no such payment."""

    partner_ref: str | None
    observation: Observation


class SupportsAdopt(Adapter, Protocol[NativeT_co]):
    """The adapter can look a payment up by the partner's own number."""

    def find(self, partner_id: PartnerId, deadline_s: float) -> Exchange[Found]:
        """Ask the partner about its own number."""
        ...

    def native_payment(self, native: object) -> NativeT_co | None:
        """``native`` of an observation when it is this partner's record, else ``None``."""
        ...


class SupportsCancel(Adapter, Protocol):
    """The adapter can make sure that an order will not be paid.

    A plan without steps says that the partner has no way to close it: then the time until which it can be paid is
    waited out, and the partner asked.
    """

    def plan_cancel(self, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
        """The steps that close, void or (with ``reverse_paid``) reverse. Pure. Raises :class:`InvalidIntent`."""
        ...


class SupportsComplete(Adapter, Protocol[NativeT_co]):
    """The adapter goes on after the payer came back: an approved order is captured, details are posted."""

    def plan_complete(self, payment: Operation, returned: Mapping[str, str], slot: Slot) -> Plan | None:
        """The steps to add to the payment's own, under names that it does not have yet; ``None``: nothing to do.

        ``returned``: the query parameters of the page that the payer came back to, empty when ``resume`` asks. They
        prove nothing. Pure.
        """
        ...

    def native_payment(self, native: object) -> NativeT_co | None:
        """``native`` of an observation when it is this partner's record, else ``None``."""
        ...


class SupportsCapture(Adapter, Protocol):
    """The adapter can capture a hold."""

    def plan_capture(self, hold: Operation, amount: Money, slot: Slot, *, final: bool) -> Plan:
        """The steps that take ``amount`` from a hold; ``final`` releases the rest. Pure."""
        ...


class SupportsRefund(Adapter, Protocol):
    """The adapter can give money back."""

    def plan_refund(self, payment: Operation, amount: Money, slot: Slot, *, reason: str) -> Plan:
        """The steps that refund part or all of a payment. Pure."""
        ...


class SupportsPayout(Adapter, Protocol[PayeeT_contra]):
    """The adapter can send money."""

    def plan_payout(self, order: PayoutOrder, payee: PayeeT_contra, slot: Slot) -> Plan:
        """The steps that send money. Pure. Raises :class:`InvalidIntent`."""
        ...

    def payee_fingerprint(self, payee: PayeeT_contra) -> str:
        """A stable digest of who gets the money; another payee under the same reference is a conflict."""
        ...


class AnyAdapter(
    SupportsPay[PortableMethod, object],
    SupportsCancel,
    SupportsCapture,
    SupportsRefund,
    SupportsAdopt[object],
    SupportsComplete[object],
    Protocol,
):
    """An adapter loaded by name, of which the type check knows no more than the portable verbs.

    A verb that it lacks answers ``NotSent(unsupported)``.
    """


@dataclass(frozen=True, slots=True)
class Answer(Generic[ReplyT_co]):
    """An authentic, successful answer to a native call."""

    value: ReplyT_co


class Endpoint(Protocol[RequestT_contra, ReplyT_co]):
    """One endpoint of a partner, typed, for native access through the same pipeline."""

    @property
    def name(self) -> str:
        """The partner's name of it."""
        ...

    @property
    def partner(self) -> str:
        """The partner whose endpoint it is."""
        ...

    def call(
        self, adapter: Adapter, request: RequestT_contra, deadline_s: float
    ) -> Exchange[Answer[ReplyT_co] | Observation]:
        """Sign, send, authenticate, decode. An ``Observation`` says what else happened, a refusal included."""
        ...
