"""What the two gateways share: the operations of one account, each with its deadline on the monotonic clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from math import isfinite
from types import NoneType
from typing import TYPE_CHECKING, Protocol, TypeVar, cast, runtime_checkable

from payport.schemas.events import Change, RawNotification, Received
from payport.schemas.money import Money
from payport.schemas.order import Order, PayoutOrder
from payport.schemas.outcome import (
    CancelOutcome,
    CaptureOutcome,
    NotSent,
    NotSentKind,
    PayOutcome,
    PayoutOutcome,
    RefundOutcome,
)
from payport.schemas.payment import FactKind
from payport.schemas.references import PartnerId
from payport.sdk import exchange
from payport.sdk.adapter import (
    Adapter,
    Endpoint,
    SupportsAdopt,
    SupportsCapture,
    SupportsComplete,
    SupportsPay,
    SupportsPayout,
    SupportsRefund,
)
from payport.sdk.audit.exchanges import Evidence
from payport.sdk.audit.flood import Flood
from payport.sdk.checks import check_argument, check_kinds, check_seconds
from payport.sdk.errors import ConfigurationError, GatewayClosed, NotPermitted
from payport.sdk.events import EventSink, Level, PermissionRefused, StructlogSink, emit_safely, flush_safely
from payport.sdk.exchange import Exchange
from payport.sdk.host_clock import SystemClock
from payport.sdk.hosting import Admission, AsyncHosting, Clock, Exchanged, Surroundings, SyncHost
from payport.sdk.journal.records import Operation, Transition, Verb
from payport.sdk.operations import (
    adopting,
    cancelling,
    capturing,
    completing,
    native,
    paying,
    paying_out,
    querying,
    receiving,
    refunding,
    resuming,
)
from payport.sdk.operations.auditing import account_opened, permission_refused
from payport.sdk.operations.carrying import Carried
from payport.sdk.operations.screening import TransactionWatch
from payport.sdk.operations.setup import Setup
from payport.sdk.outcomes import not_sent, pay_outcome, payout_outcome, refund_outcome
from payport.sdk.retry import RetryBudget, RetryPolicy
from payport.sdk.secrets import Secret
from payport.sdk.verbs import VERBS, GatewayVerb, known_verbs
from payport.sdk.version import __version__

if TYPE_CHECKING:
    from payport.sdk.breaker import BreakerState
    from payport.sdk.journal.session import Session
    from payport.sdk.journal.store import Journal
    from payport.sdk.limits.rules import LimitLeft
    from payport.sdk.transport import AsyncTransport, Transport

T = TypeVar("T")
MethodT = TypeVar("MethodT")
PayeeT = TypeVar("PayeeT")
NativeT = TypeVar("NativeT")
RequestT = TypeVar("RequestT")
ReplyT = TypeVar("ReplyT")

_CALLS = count()


@dataclass(slots=True)
class Desk:
    """The operations of one account. ``owns_journal``: whether closing the gateway closes the journal."""

    around: Surroundings
    adapter: Adapter
    policy: RetryPolicy
    budget: RetryBudget
    owns_journal: bool
    deadline_s: float
    closed: bool = False
    flood: Flood = field(default_factory=Flood)
    refusals: Flood = field(default_factory=Flood)
    calls: Iterator[int] = _CALLS
    """Numbers the calls of this process: each takes leases under its own name, whichever gateways share a clock."""
    permitted: frozenset[GatewayVerb] = frozenset(VERBS)
    viewed: Desk | None = None
    """The desk that this is a view of: it is closed with it."""

    @classmethod
    def open(
        cls,
        adapter: Adapter,
        journal: str | Journal,
        *,
        sealing_key: Secret | Sequence[Secret] | None,
        sinks: Sequence[EventSink] | None,
        admissions: Sequence[Admission],
        permitted: Collection[GatewayVerb] | None = None,
        actor: str = "",
        retry: RetryPolicy | None,
        clock: Clock | None,
        deadline_s: float,
        watch: TransactionWatch | None = None,
    ) -> Desk:
        """Open the journal if it was given by URL, and put everything together."""
        from payport.sdk.journal import Journal  # noqa: PLC0415 - SQLAlchemy, with the first journal only

        check_kinds(
            ("adapter", adapter, _is_adapter, "an adapter, such as Alipay(account)"),
            ("journal", journal, (str, Journal), "a URL such as sqlite:///payments.db, or an open Journal"),
            ("sealing_key", sealing_key, _are_keys, "a Secret, or several"),
            ("sinks", sinks, _are_sinks, "a sequence of functions that take an event"),
            ("retry", retry, (RetryPolicy, NoneType), "a RetryPolicy"),
            ("deadline_s", deadline_s, _is_time, "a number of seconds above 0"),
        )
        if sealing_key is not None and not isinstance(journal, str):
            raise ConfigurationError("this journal is open already: give the sealing_key to Journal.open, not here")
        owns = isinstance(journal, str)
        opened = Journal.open(journal, sealing_key=sealing_key) if isinstance(journal, str) else journal
        told = (StructlogSink(least=Level.WARNING),) if sinks is None else tuple(sinks)
        around = Surroundings(
            journal=opened,
            clock=clock or SystemClock(),
            sinks=(*told, *(each for each in admissions if callable(each))),
            admissions=tuple(admissions),
            watch=watch,
            actor=actor,
        )
        opened.announce(account_opened(adapter, around.clock.moment().utc, around.actor))
        desk = cls(around, adapter, retry or RetryPolicy(), RetryBudget(), owns, deadline_s)
        return desk if permitted is None else replace(desk, permitted=known_verbs(permitted))

    @property
    def is_view(self) -> bool:
        """Whether another desk has the connections."""
        return self.viewed is not None

    @property
    def shut(self) -> bool:
        """Whether it was closed, or what it is a view of."""
        return self.closed or (self.viewed is not None and self.viewed.shut)

    def permitting(self, verbs: Collection[GatewayVerb], actor: str) -> Desk:
        """The same desk for somebody who may do no more than this."""
        around = replace(self.around, actor=actor) if actor else self.around
        permitted = self.permitted & known_verbs(verbs)
        return replace(self, around=around, permitted=permitted, viewed=self, owns_journal=False, closed=False)

    def limits(self) -> Sequence[LimitLeft]:
        """See :meth:`payport.sdk.Gateway.limits`."""
        return [left for each in self.around.admissions if isinstance(each, _Limits) for left in each.left()]

    async def alimits(self) -> Sequence[LimitLeft]:
        """The same, off the event loop."""
        import anyio  # noqa: PLC0415 - brings asyncio, which a sync gateway never needs

        return await anyio.to_thread.run_sync(self.limits) if self.around.blocks else self.limits()

    def breakers(self) -> Sequence[BreakerState]:
        """See :meth:`payport.sdk.Gateway.breakers`."""
        return [state for each in self.around.admissions if isinstance(each, _Breaks) for state in each.state()]

    def close(self) -> None:
        """Refuse further calls; have sinks write what they kept; close the journal when it is ours."""
        self.closed = True
        flush_safely(self.around.sinks)
        if self.owns_journal:
            self.around.journal.close()

    def drive(self, work: Exchange[T], transport: Transport) -> T:
        """Run an operation in this thread."""
        tracer, evidence = self.around.tracer, self._evidence()
        noted: list[Exchanged] | None = None if tracer is None else []
        host = SyncHost(around=self.around, transport=transport, exchanged=noted, evidence=evidence)
        try:
            return exchange.drive(work, host) if tracer is None else tracer.drive(work, host, self.adapter)
        finally:
            host.keep_evidence()

    async def adrive(self, work: Exchange[T], transport: AsyncTransport) -> T:
        """Run an operation in this task."""
        tracer, evidence = self.around.tracer, self._evidence()
        noted: list[Exchanged] | None = None if tracer is None else []
        host = AsyncHosting(around=self.around, transport=transport, exchanged=noted, evidence=evidence)
        try:
            if tracer is None:
                return await exchange.adrive(work, host)
            return await tracer.adrive(work, host, self.adapter)
        finally:
            await host.keep_evidence()

    def _evidence(self) -> Evidence | None:
        if not self.around.journal.keeps_exchanges:
            return None
        adapter = self.adapter
        return Evidence(partner=adapter.partner, account=adapter.account, errands=adapter.profile.errands)

    def transport(self) -> Transport:
        """The usual way to the partner."""
        from payport.sdk.tls import Trust  # noqa: PLC0415 - ssl, with the first connection only
        from payport.sdk.transport.http import HttpTransport  # noqa: PLC0415 - httpx, likewise

        return HttpTransport(self.adapter.trust or Trust(), self.adapter.profile.hosts)

    def async_transport(self) -> AsyncTransport:
        """The usual way to the partner, for event loops."""
        from payport.sdk.tls import Trust  # noqa: PLC0415 - ssl, with the first connection only
        from payport.sdk.transport.http import AsyncHttpTransport  # noqa: PLC0415 - httpx, likewise

        return AsyncHttpTransport(self.adapter.trust or Trust(), self.adapter.profile.hosts)

    def _allow(self, verb: GatewayVerb) -> None:
        if verb in self.permitted:
            return
        adapter, actor = self.adapter, self.around.actor
        refused = PermissionRefused(partner=adapter.partner, account=adapter.account, verb=verb, actor=actor)
        self.around.emit(refused)
        self._note_refused(verb)
        may = ", ".join(each for each in VERBS if each in self.permitted) or "nothing"
        raise NotPermitted(f"{actor or 'this view of the gateway'} may not {verb}, only {may}; nothing was sent")

    def _note_refused(self, verb: GatewayVerb) -> None:
        moment = self.around.clock.moment()
        unrecorded = self.refusals.admit(moment.monotonic_s)
        if unrecorded is not None:
            entry = permission_refused(self.adapter, verb, moment.utc, self.around.actor, unrecorded)
            self.around.journal.note_soon(entry)

    def _setup(self, verb: GatewayVerb) -> Setup:
        if self.shut:
            raise GatewayClosed("this gateway was closed; nothing was sent")
        self._allow(verb)
        return Setup(
            adapter=self.adapter,
            owner=f"{self.around.clock.owner()}/{next(self.calls)}",
            library=__version__,
            policy=self.policy,
            budget=self.budget,
            watch=self.around.watch,
            hears=self.around.hears,
            flood=self.flood,
        )

    def _until(self, deadline_s: float | None) -> float:
        if deadline_s is None:
            deadline_s = self.deadline_s
        check_seconds("deadline_s", deadline_s)
        return self.around.clock.moment().monotonic_s + deadline_s

    def _lacks(self, plan: str) -> NotSent | None:
        """Whether an adapter that was loaded by name lacks a verb: a known one fails the type check before."""
        if hasattr(self.adapter, plan):
            return None
        return not_sent(NotSentKind.UNSUPPORTED, f"{self.adapter.partner} has no {plan.removeprefix('plan_')}")

    def pay(
        self, adapter: SupportsPay[MethodT, NativeT], order: Order, method: MethodT, deadline_s: float | None
    ) -> Exchange[PayOutcome[NativeT]]:
        """See :meth:`payport.sdk.Gateway.pay`."""
        setup, until = self._setup("pay"), self._until(deadline_s)
        lacking = self._lacks("plan_pay") or _no_method(method)
        if lacking is not None:
            return answered(lacking)
        return paying.pay(setup, adapter, order, method, until)

    def _told(self, adapter: SupportsPay[MethodT, NativeT], carried: Carried) -> PayOutcome[NativeT]:
        return pay_outcome(carried.operation, adapter.profile, adapter.native_payment(carried.native))

    def query(
        self, adapter: SupportsPay[MethodT, NativeT], ref: str, deadline_s: float | None
    ) -> Exchange[querying.Observed[PayOutcome[NativeT]]]:
        """See :meth:`payport.sdk.Gateway.query`."""
        told = partial(self._told, adapter)
        return querying.query(self._setup("query"), ref, Verb.PAY, "", self._until(deadline_s), told)

    def wait(self, adapter: SupportsPay[MethodT, NativeT], ref: str, timeout_s: float) -> Exchange[PayOutcome[NativeT]]:
        """See :meth:`payport.sdk.Gateway.wait`."""
        return querying.wait(self._setup("wait"), ref, Verb.PAY, "", timeout_s, partial(self._told, adapter))

    def complete(
        self, adapter: SupportsComplete[NativeT], ref: str, returned: Mapping[str, str], deadline_s: float | None
    ) -> Exchange[PayOutcome[NativeT]]:
        """See :meth:`payport.sdk.Gateway.complete`."""
        setup, until = self._setup("complete"), self._until(deadline_s)
        lacking = self._lacks("plan_complete")
        if lacking is not None:
            return answered(lacking)
        return completing.complete(setup, adapter, ref, returned, until)

    def capture(
        self,
        adapter: SupportsCapture,
        ref: str,
        amount: Money | None,
        capture_ref: str,
        deadline_s: float | None,
        *,
        final: bool,
    ) -> Exchange[CaptureOutcome[object]]:
        """See :meth:`payport.sdk.Gateway.capture`."""
        setup, until = self._setup("capture"), self._until(deadline_s)
        lacking = self._lacks("plan_capture")
        if lacking is not None:
            return answered(lacking)
        return capturing.capture(setup, adapter, ref, amount, capture_ref, until, final=final)

    def cancel(self, ref: str, deadline_s: float | None, *, reverse_paid: bool) -> Exchange[CancelOutcome[object]]:
        """See :meth:`payport.sdk.Gateway.cancel`."""
        return cancelling.cancel(self._setup("cancel"), ref, self._until(deadline_s), reverse_paid=reverse_paid)

    def refund(
        self, adapter: SupportsRefund, ref: str, refund_ref: str, amount: Money, reason: str, deadline_s: float | None
    ) -> Exchange[RefundOutcome[object]]:
        """See :meth:`payport.sdk.Gateway.refund`."""
        setup, until = self._setup("refund"), self._until(deadline_s)
        lacking = self._lacks("plan_refund")
        if lacking is not None:
            return answered(lacking)
        return refunding.refund(setup, adapter, ref, refund_ref, amount, reason, until)

    def query_refund(
        self, ref: str, refund_ref: str, deadline_s: float | None
    ) -> Exchange[querying.Observed[RefundOutcome[object]]]:
        """See :meth:`payport.sdk.Gateway.query_refund`."""
        setup = self._setup("query_refund")

        def told(carried: Carried) -> RefundOutcome[object]:
            return refund_outcome(carried.operation, setup.profile, carried.native)

        return querying.query(setup, ref, Verb.REFUND, refund_ref, self._until(deadline_s), told)

    def payout(
        self, adapter: SupportsPayout[PayeeT], order: PayoutOrder, payee: PayeeT, deadline_s: float | None
    ) -> Exchange[PayoutOutcome[object]]:
        """See :meth:`payport.sdk.Gateway.payout`."""
        setup, until = self._setup("payout"), self._until(deadline_s)
        lacking = self._lacks("plan_payout")
        if lacking is not None:
            return answered(lacking)
        return paying_out.payout(setup, adapter, order, payee, until)

    def query_payout(self, ref: str, deadline_s: float | None) -> Exchange[querying.Observed[PayoutOutcome[object]]]:
        """See :meth:`payport.sdk.Gateway.query_payout`."""
        setup = self._setup("query_payout")

        def told(carried: Carried) -> PayoutOutcome[object]:
            return payout_outcome(carried.operation, setup.profile, carried.native)

        return querying.query(setup, ref, Verb.PAYOUT, "", self._until(deadline_s), told)

    def receive(self, raw: RawNotification) -> Exchange[Received]:
        """See :meth:`payport.sdk.Gateway.receive`."""
        return receiving.receive(self._setup("receive"), raw)

    def resume(self, deadline_s: float | None) -> Exchange[resuming.Resumed]:
        """See :meth:`payport.sdk.Gateway.resume`."""
        return resuming.resume(self._setup("resume"), self._until(deadline_s))

    def resolve(self, ref: str, deadline_s: float | None) -> Exchange[resuming.Resumed]:
        """See :meth:`payport.sdk.Gateway.resolve`."""
        return resuming.resolve_ref(self._setup("resolve"), ref, self._until(deadline_s))

    def adopt(
        self, adapter: SupportsAdopt[NativeT], ref: str, partner_id: PartnerId, deadline_s: float | None
    ) -> Exchange[PayOutcome[NativeT]]:
        """See :meth:`payport.sdk.Gateway.adopt`."""
        setup, until = self._setup("adopt"), self._until(deadline_s)
        lacking = self._lacks("find")
        if lacking is not None:
            return answered(lacking)
        return adopting.adopt(setup, adapter, ref, partner_id, until)

    def native(
        self, endpoint: Endpoint[RequestT, ReplyT], request: RequestT, deadline_s: float | None
    ) -> Exchange[native.NativeOutcome[ReplyT]]:
        """See :meth:`payport.sdk.Gateway.native`."""
        return native.native(self._setup("native"), endpoint, request, self._until(deadline_s))

    def prepare(
        self, adapter: SupportsPay[MethodT, NativeT], order: Order, method: MethodT, connection: object
    ) -> str | NotSent:
        """See :meth:`payport.sdk.Gateway.prepare`."""
        setup = self._setup("prepare")  # first of all: who may not prepare is refused whatever else is wrong
        session = self.around.journal.session_on(connection, actor=self.around.actor)
        return self._prepare(setup, session, adapter, order, method)

    def prepare_in(
        self, session: Session, adapter: SupportsPay[MethodT, NativeT], order: Order, method: MethodT
    ) -> str | NotSent:
        """The same inside a transaction of the journal's own."""
        return self._prepare(self._setup("prepare"), session, adapter, order, method)

    def _prepare(
        self, setup: Setup, session: Session, adapter: SupportsPay[MethodT, NativeT], order: Order, method: MethodT
    ) -> str | NotSent:
        lacking = self._lacks("plan_pay") or _no_method(method)
        if lacking is not None:
            return lacking
        sealed = self.around.journal.seals
        now = self.around.clock.moment().utc
        tell = partial(emit_safely, self.around.sinks)
        return adopting.prepare(setup, adapter, order, method, session, now, sealed=sealed, tell=tell)

    def changes(self, limit: int) -> Exchange[Sequence[Change]]:
        """See :meth:`payport.sdk.Gateway.changes`."""
        self._setup("changes")
        check_argument("limit", limit, int, "a whole number")
        transitions = yield from exchange.load("changes", lambda session: session.undelivered(limit))
        return tuple(_change(transition) for transition in transitions)

    def acknowledge(self, changes: Sequence[Change]) -> Exchange[None]:
        """See :meth:`payport.sdk.Gateway.acknowledge`."""
        self._allow("acknowledge")
        for each in changes:
            check_argument("changes", each, Change, "what changes() gave")
        ids = [change.id for change in changes]
        return exchange.record("acknowledge", lambda session: session.delivered(ids))

    def open_operations(self) -> Exchange[Sequence[Operation]]:
        """See :meth:`payport.sdk.Gateway.open_operations`."""
        self._allow("open_operations")
        account = self.adapter.account
        return exchange.load("open operations", lambda session: session.open_operations(account))

    def history(self, ref: str) -> Exchange[Sequence[Transition]]:
        """See :meth:`payport.sdk.Gateway.history`."""
        self._allow("history")
        return exchange.load("history", lambda session: session.history(ref))


def _is_adapter(value: object) -> bool:
    return hasattr(value, "profile") and not isinstance(value, type)


def _are_sinks(value: object) -> bool:
    return value is None or (isinstance(value, Sequence) and all(map(callable, cast("Sequence[object]", value))))


def _are_keys(value: object) -> bool:
    keys = cast("Sequence[object]", value) if isinstance(value, list | tuple) else (value,)
    return value is None or all(isinstance(each, Secret) for each in keys)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and isfinite(value) and value > 0


def _no_method(method: object) -> NotSent | None:
    """Whether a class stands where a method of this class belongs."""
    if not isinstance(method, type):
        return None
    return not_sent(NotSentKind.INVALID, f"{method.__name__} is a class: write {method.__name__}()")


@runtime_checkable
class _Limits(Protocol):
    def left(self) -> Sequence[LimitLeft]: ...


@runtime_checkable
class _Breaks(Protocol):
    def state(self) -> Sequence[BreakerState]: ...


def answered(outcome: NotSent) -> Exchange[NotSent]:
    """An operation that needs no effect at all."""
    return outcome
    yield  # pragma: no cover - makes this a generator  # pyright: ignore[reportUnreachable]


def _change(transition: Transition) -> Change:
    facts = transition.detail.get("facts", "")
    return Change(
        id=transition.id,
        ref=transition.ref,
        operation=transition.operation,
        kind=transition.verb.value,
        state=transition.state.value,
        at=transition.at,
        detail=dict(transition.detail),
        facts=tuple(FactKind(kind) for kind in facts.split(",") if kind),
    )
