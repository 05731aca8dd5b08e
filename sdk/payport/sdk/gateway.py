"""The port: a gateway is bound to one merchant account of one partner, in sync and in async.

Both classes are one line per verb over the same operations. A verb that the adapter lacks is a type error on a known
adapter, and ``NotSent(unsupported)`` on one that was loaded by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar, cast

from payport.sdk.checks import check_handled
from payport.sdk.front import AdapterT_co, Front

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from types import TracebackType

    from payport.schemas.events import Change, RawNotification, Received
    from payport.schemas.money import Money
    from payport.schemas.order import Order, PayoutOrder
    from payport.schemas.outcome import (
        CancelOutcome,
        CaptureOutcome,
        PayOutcome,
        PayoutOutcome,
        RefundOutcome,
    )
    from payport.schemas.references import PartnerId
    from payport.sdk.adapter import (
        Endpoint,
        SupportsAdopt,
        SupportsCancel,
        SupportsCapture,
        SupportsComplete,
        SupportsPay,
        SupportsPayout,
        SupportsRefund,
    )
    from payport.sdk.desk import Desk
    from payport.sdk.events import EventSink
    from payport.sdk.exchange import Exchange
    from payport.sdk.hosting import Admission, Clock
    from payport.sdk.journal.records import Operation, Transition
    from payport.sdk.journal.store import Journal
    from payport.sdk.limits.rules import LimitLeft
    from payport.sdk.operations.native import NativeOutcome
    from payport.sdk.operations.querying import Observed
    from payport.sdk.operations.resuming import Resumed
    from payport.sdk.operations.screening import TransactionWatch
    from payport.sdk.retry import RetryPolicy
    from payport.sdk.secrets import Secret
    from payport.sdk.transport import AsyncTransport, Transport
    from payport.sdk.verbs import GatewayVerb

T = TypeVar("T")
MethodT = TypeVar("MethodT")
PayeeT = TypeVar("PayeeT")
NativeT = TypeVar("NativeT")
RequestT = TypeVar("RequestT")
ReplyT = TypeVar("ReplyT")

DEADLINE_S = 10.0
"""How long one call may take unless the gateway or the call says otherwise."""


class Gateway(Front[AdapterT_co]):
    """One merchant account of one partner, blocking.

    ``journal``: the URL of the database (``"sqlite:///payments.db"``) or a :class:`payport.sdk.Journal` that several
    gateways share. ``sealing_key``: base64 of 32 bytes; with it a step that was sent can be sent again after a crash.
    Several while one is being replaced; it goes with a URL, as an open journal has its own.
    ``transport``: another way to the partner (a simulator, a proxy). ``sinks``: who is told of events; warnings and
    worse go to structlog when absent. ``admissions``: who decides whether a request may go out, in order: breakers,
    limits (see :class:`payport.sdk.guards.Guards`). ``watch``: who looks at new payments and may hold them
    (:class:`payport.sdk.watch.Watch`). ``permitted``, ``actor``: what may be done here and by whom, see
    :meth:`permitting`. ``deadline_s``: seconds for one whole call, retries and waiting included; every call may say
    otherwise. Use it as a context manager, or :meth:`close` it.

    Safe to share between threads and to use after a fork.
    Raises :class:`payport.sdk.ConfigurationError` for a journal or setting that cannot work.
    """

    def __init__(
        self,
        adapter: AdapterT_co,
        *,
        journal: str | Journal,
        sealing_key: Secret | Sequence[Secret] | None = None,
        transport: Transport | None = None,
        sinks: Sequence[EventSink] | None = None,
        admissions: Sequence[Admission] = (),
        watch: TransactionWatch | None = None,
        permitted: Collection[GatewayVerb] | None = None,
        actor: str = "",
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        from payport.sdk.desk import Desk  # noqa: PLC0415 - the operations, with the first gateway that is built

        self._desk: Desk = Desk.open(
            adapter,
            journal,
            sealing_key=sealing_key,
            sinks=sinks,
            admissions=admissions,
            watch=watch,
            permitted=permitted,
            actor=actor,
            retry=retry,
            clock=clock,
            deadline_s=deadline_s,
        )
        self._adapter = adapter
        self._transport = transport if transport is not None else self._desk.transport()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections, and the journal when this gateway opened it. Calls in flight end by themselves."""
        if not self._desk.is_view:
            self._transport.close()
        self._desk.close()

    def _run(self, exchange: Exchange[T]) -> T:
        return self._desk.drive(exchange, self._transport)

    def pay(
        self: Gateway[SupportsPay[MethodT, NativeT]], order: Order, method: MethodT, *, deadline_s: float | None = None
    ) -> PayOutcome[NativeT]:
        """Make sure this debt has one live attempt; its outcome. Calling again is always safe.

        Raises :class:`payport.sdk.ReferenceConflict` when the reference stands for another debt.
        """
        return self._run(self._desk.pay(self._adapter, order, method, deadline_s))

    def query(
        self: Gateway[SupportsPay[MethodT, NativeT]], ref: str, *, deadline_s: float | None = None
    ) -> Observed[PayOutcome[NativeT]]:
        """Ask the partner how the order stands; the journal's word, marked as such, when it cannot be asked.

        Raises :class:`payport.sdk.UnknownReference` for an order that is not in this journal.
        """
        return self._run(self._desk.query(self._adapter, ref, deadline_s))

    def wait(self: Gateway[SupportsPay[MethodT, NativeT]], ref: str, timeout_s: float) -> PayOutcome[NativeT]:
        """Ask until the order is final or ``timeout_s`` seconds are over."""
        return self._run(self._desk.wait(self._adapter, ref, timeout_s))

    def complete(
        self: Gateway[SupportsComplete[NativeT]],
        ref: str,
        returned: Mapping[str, str] | None = None,
        *,
        deadline_s: float | None = None,
    ) -> PayOutcome[NativeT]:
        """Go on after the payer came back: capture what was approved, post details; how the order stands then.

        ``returned``: the query parameters of the page that the payer came back to, never a proof. Calling again is
        always safe.
        """
        return self._run(self._desk.complete(self._adapter, ref, returned or {}, deadline_s))

    def capture(
        self: Gateway[SupportsCapture],
        ref: str,
        amount: Money | None = None,
        *,
        capture_ref: str = "",
        final: bool = True,
        deadline_s: float | None = None,
    ) -> CaptureOutcome[object]:
        """Take held money, all of it when no amount is given; ``final`` releases the rest.

        Several captures of one hold each need their own ``capture_ref``, unique over all orders of the account.
        """
        return self._run(self._desk.capture(self._adapter, ref, amount, capture_ref, deadline_s, final=final))

    def cancel(
        self: Gateway[SupportsCancel], ref: str, *, reverse_paid: bool = False, deadline_s: float | None = None
    ) -> CancelOutcome[object]:
        """Make sure that an order will not be paid; the result says how.

        A paid order is left alone (``Declined(invalid_state)``) unless ``reverse_paid``, which gives the money back.
        """
        return self._run(self._desk.cancel(ref, deadline_s, reverse_paid=reverse_paid))

    def refund(
        self: Gateway[SupportsRefund],
        ref: str,
        refund_ref: str,
        amount: Money,
        *,
        reason: str = "",
        deadline_s: float | None = None,
    ) -> RefundOutcome[object]:
        """Give part or all of a payment back. Never more than was paid, refunds in doubt counted.

        ``refund_ref``: unique over all orders of the account.
        """
        return self._run(self._desk.refund(self._adapter, ref, refund_ref, amount, reason, deadline_s))

    def query_refund(
        self: Gateway[SupportsRefund], ref: str, refund_ref: str, *, deadline_s: float | None = None
    ) -> Observed[RefundOutcome[object]]:
        """Ask the partner how a refund stands."""
        return self._run(self._desk.query_refund(ref, refund_ref, deadline_s))

    def payout(
        self: Gateway[SupportsPayout[PayeeT]], order: PayoutOrder, payee: PayeeT, *, deadline_s: float | None = None
    ) -> PayoutOutcome[object]:
        """Send money once. Calling again is always safe; another payee or amount raises ``ReferenceConflict``."""
        return self._run(self._desk.payout(self._adapter, order, payee, deadline_s))

    def query_payout(
        self: Gateway[SupportsPayout[PayeeT]], ref: str, *, deadline_s: float | None = None
    ) -> Observed[PayoutOutcome[object]]:
        """Ask the partner how a payout stands."""
        return self._run(self._desk.query_payout(ref, deadline_s))

    def receive(self, raw: RawNotification) -> Received:
        """Verify, keep and apply a notification; answer the partner with the result's ``acknowledgement``."""
        return self._run(self._desk.receive(raw))

    def resume(self, *, deadline_s: float = 60.0) -> Resumed:
        """One round over every operation that is not final and due."""
        return self._run(self._desk.resume(deadline_s))

    def resolve(self, ref: str, *, deadline_s: float = 60.0) -> Resumed:
        """One round over one debt's open operations, due or not."""
        return self._run(self._desk.resolve(ref, deadline_s))

    def adopt(
        self: Gateway[SupportsAdopt[NativeT]], ref: str, partner_id: PartnerId, *, deadline_s: float | None = None
    ) -> PayOutcome[NativeT]:
        """Take over a payment that this journal never saw, by the partner's own number."""
        return self._run(self._desk.adopt(self._adapter, ref, partner_id, deadline_s))

    def native(
        self, endpoint: Endpoint[RequestT, ReplyT], request: RequestT, *, deadline_s: float | None = None
    ) -> NativeOutcome[ReplyT]:
        """Call any endpoint of the partner, typed, through the same pipeline. Sent once, not journalled."""
        return self._run(self._desk.native(endpoint, request, deadline_s))

    def changes(self, limit: int = 100) -> Sequence[Change]:
        """Changes of state that were not acknowledged yet, oldest first: each is delivered at least once."""
        return self._run(self._desk.changes(limit))

    def acknowledge(self, *changes: Change) -> None:
        """The application has these changes; do not deliver them again."""
        self._run(self._desk.acknowledge(changes))

    def deliver(self, handler: Callable[[Change], None], limit: int = 100) -> int:
        """Hand waiting changes, oldest first, to ``handler``, acknowledging each when it returns; answers how many.

        A handler that raises ends it: its change and those behind it wait for the next call.
        """
        changes, handle = self.changes(limit), cast("Callable[[Change], object]", handler)
        for change in changes:
            check_handled(handle(change))
            self.acknowledge(change)
        return len(changes)

    def open_operations(self) -> Sequence[Operation]:
        """Every operation of this account that is not final, those left to a person included."""
        return self._run(self._desk.open_operations())

    def history(self, ref: str) -> Sequence[Transition]:
        """Everything that happened to a debt, in order."""
        return self._run(self._desk.history(ref))

    def limits(self) -> Sequence[LimitLeft]:
        """How much is left of each call limit on this account; empty without. Asks Redis where that counts."""
        return self._desk.limits()


class AsyncGateway(Front[AdapterT_co]):
    """One merchant account of one partner, for asyncio and trio. The same verbs as :class:`Gateway`, awaited."""

    def __init__(
        self,
        adapter: AdapterT_co,
        *,
        journal: str | Journal,
        sealing_key: Secret | Sequence[Secret] | None = None,
        transport: AsyncTransport | None = None,
        sinks: Sequence[EventSink] | None = None,
        admissions: Sequence[Admission] = (),
        watch: TransactionWatch | None = None,
        permitted: Collection[GatewayVerb] | None = None,
        actor: str = "",
        retry: RetryPolicy | None = None,
        clock: Clock | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        from payport.sdk.desk import Desk  # noqa: PLC0415 - the operations, with the first gateway that is built

        self._desk: Desk = Desk.open(
            adapter,
            journal,
            sealing_key=sealing_key,
            sinks=sinks,
            admissions=admissions,
            watch=watch,
            permitted=permitted,
            actor=actor,
            retry=retry,
            clock=clock,
            deadline_s=deadline_s,
        )
        self._adapter = adapter
        self._transport = transport if transport is not None else self._desk.async_transport()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close connections, and the journal when this gateway opened it."""
        if not self._desk.is_view:
            await self._transport.aclose()
        self._desk.close()

    async def _run(self, exchange: Exchange[T]) -> T:
        return await self._desk.adrive(exchange, self._transport)

    async def pay(
        self: AsyncGateway[SupportsPay[MethodT, NativeT]],
        order: Order,
        method: MethodT,
        *,
        deadline_s: float | None = None,
    ) -> PayOutcome[NativeT]:
        """Make sure this debt has one live attempt; its outcome. Calling again is always safe.

        Raises :class:`payport.sdk.ReferenceConflict` when the reference stands for another debt.
        """
        return await self._run(self._desk.pay(self._adapter, order, method, deadline_s))

    async def query(
        self: AsyncGateway[SupportsPay[MethodT, NativeT]], ref: str, *, deadline_s: float | None = None
    ) -> Observed[PayOutcome[NativeT]]:
        """Ask the partner how the order stands; the journal's word, marked as such, when it cannot be asked.

        Raises :class:`payport.sdk.UnknownReference` for an order that is not in this journal.
        """
        return await self._run(self._desk.query(self._adapter, ref, deadline_s))

    async def wait(
        self: AsyncGateway[SupportsPay[MethodT, NativeT]], ref: str, timeout_s: float
    ) -> PayOutcome[NativeT]:
        """Ask until the order is final or ``timeout_s`` seconds are over."""
        return await self._run(self._desk.wait(self._adapter, ref, timeout_s))

    async def complete(
        self: AsyncGateway[SupportsComplete[NativeT]],
        ref: str,
        returned: Mapping[str, str] | None = None,
        *,
        deadline_s: float | None = None,
    ) -> PayOutcome[NativeT]:
        """Go on after the payer came back: capture what was approved, post details; how the order stands then.

        ``returned``: the query parameters of the page that the payer came back to, never a proof. Calling again is
        always safe.
        """
        return await self._run(self._desk.complete(self._adapter, ref, returned or {}, deadline_s))

    async def capture(
        self: AsyncGateway[SupportsCapture],
        ref: str,
        amount: Money | None = None,
        *,
        capture_ref: str = "",
        final: bool = True,
        deadline_s: float | None = None,
    ) -> CaptureOutcome[object]:
        """Take held money, all of it when no amount is given; ``final`` releases the rest.

        Several captures of one hold each need their own ``capture_ref``, unique over all orders of the account.
        """
        return await self._run(self._desk.capture(self._adapter, ref, amount, capture_ref, deadline_s, final=final))

    async def cancel(
        self: AsyncGateway[SupportsCancel], ref: str, *, reverse_paid: bool = False, deadline_s: float | None = None
    ) -> CancelOutcome[object]:
        """Make sure that an order will not be paid; the result says how.

        A paid order is left alone (``Declined(invalid_state)``) unless ``reverse_paid``, which gives the money back.
        """
        return await self._run(self._desk.cancel(ref, deadline_s, reverse_paid=reverse_paid))

    async def refund(
        self: AsyncGateway[SupportsRefund],
        ref: str,
        refund_ref: str,
        amount: Money,
        *,
        reason: str = "",
        deadline_s: float | None = None,
    ) -> RefundOutcome[object]:
        """Give part or all of a payment back. Never more than was paid, refunds in doubt counted.

        ``refund_ref``: unique over all orders of the account.
        """
        return await self._run(self._desk.refund(self._adapter, ref, refund_ref, amount, reason, deadline_s))

    async def query_refund(
        self: AsyncGateway[SupportsRefund], ref: str, refund_ref: str, *, deadline_s: float | None = None
    ) -> Observed[RefundOutcome[object]]:
        """Ask the partner how a refund stands."""
        return await self._run(self._desk.query_refund(ref, refund_ref, deadline_s))

    async def payout(
        self: AsyncGateway[SupportsPayout[PayeeT]],
        order: PayoutOrder,
        payee: PayeeT,
        *,
        deadline_s: float | None = None,
    ) -> PayoutOutcome[object]:
        """Send money once. Calling again is always safe; another payee or amount raises ``ReferenceConflict``."""
        return await self._run(self._desk.payout(self._adapter, order, payee, deadline_s))

    async def query_payout(
        self: AsyncGateway[SupportsPayout[PayeeT]], ref: str, *, deadline_s: float | None = None
    ) -> Observed[PayoutOutcome[object]]:
        """Ask the partner how a payout stands."""
        return await self._run(self._desk.query_payout(ref, deadline_s))

    async def receive(self, raw: RawNotification) -> Received:
        """Verify, keep and apply a notification; answer the partner with the result's ``acknowledgement``."""
        return await self._run(self._desk.receive(raw))

    async def resume(self, *, deadline_s: float = 60.0) -> Resumed:
        """One round over every operation that is not final and due."""
        return await self._run(self._desk.resume(deadline_s))

    async def resolve(self, ref: str, *, deadline_s: float = 60.0) -> Resumed:
        """One round over one debt's open operations, due or not."""
        return await self._run(self._desk.resolve(ref, deadline_s))

    async def adopt(
        self: AsyncGateway[SupportsAdopt[NativeT]], ref: str, partner_id: PartnerId, *, deadline_s: float | None = None
    ) -> PayOutcome[NativeT]:
        """Take over a payment that this journal never saw, by the partner's own number."""
        return await self._run(self._desk.adopt(self._adapter, ref, partner_id, deadline_s))

    async def native(
        self, endpoint: Endpoint[RequestT, ReplyT], request: RequestT, *, deadline_s: float | None = None
    ) -> NativeOutcome[ReplyT]:
        """Call any endpoint of the partner, typed, through the same pipeline. Sent once, not journalled."""
        return await self._run(self._desk.native(endpoint, request, deadline_s))

    async def changes(self, limit: int = 100) -> Sequence[Change]:
        """Changes of state that were not acknowledged yet, oldest first: each is delivered at least once."""
        return await self._run(self._desk.changes(limit))

    async def acknowledge(self, *changes: Change) -> None:
        """The application has these changes; do not deliver them again."""
        await self._run(self._desk.acknowledge(changes))

    async def deliver(self, handler: Callable[[Change], Awaitable[None]], limit: int = 100) -> int:
        """Hand waiting changes, oldest first, to ``handler``, acknowledging each when it returns; answers how many.

        A handler that raises ends it: its change and those behind it wait for the next call.
        """
        changes = await self.changes(limit)
        for change in changes:
            await handler(change)
            await self.acknowledge(change)
        return len(changes)

    async def open_operations(self) -> Sequence[Operation]:
        """Every operation of this account that is not final, those left to a person included."""
        return await self._run(self._desk.open_operations())

    async def history(self, ref: str) -> Sequence[Transition]:
        """Everything that happened to a debt, in order."""
        return await self._run(self._desk.history(ref))

    async def limits(self) -> Sequence[LimitLeft]:
        """How much is left of each call limit on this account; empty without. Asks Redis where that counts."""
        return await self._desk.alimits()
