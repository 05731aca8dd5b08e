"""Several gateways as one: the front of :mod:`payport.sdk.routing`, in both colours."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Never, TypeVar, cast

from payport.schemas.outcome import Unknown
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.host_clock import SystemClock
from payport.sdk.journal.records import Verb
from payport.sdk.operations.learning import unread
from payport.sdk.operations.querying import UnknownReference
from payport.sdk.routing import Health, Look, Route, Try, Wish, route, worth_trying_elsewhere

if TYPE_CHECKING:
    from payport.schemas.order import Order
    from payport.schemas.outcome import PayOutcome, Retriable
    from payport.sdk.adapter import Adapter, SupportsPay
    from payport.sdk.gateway import AsyncGateway, Gateway
    from payport.sdk.hosting import Clock
    from payport.sdk.journal.records import Operation
    from payport.sdk.journal.session import Session
    from payport.sdk.journal.store import Journal

    AnyGateway = Gateway[SupportsPay[Never, object]]
    AnyAsyncGateway = AsyncGateway[SupportsPay[Never, object]]

GatewayT = TypeVar("GatewayT")
DEADLINE_S = 20.0
"""How long one ``pay`` may take over all routes unless the call says otherwise."""


@dataclass(frozen=True, slots=True)
class _Pool(Generic[GatewayT]):
    """What both routers are made of."""

    routes: Sequence[Route[GatewayT]]
    journal: Journal
    elsewhere: Callable[[Retriable], bool]
    clock: Clock

    def wishes(
        self, order: Order, method: object
    ) -> Generator[Wish[GatewayT], Sequence[Operation] | PayOutcome[object], PayOutcome[object]]:
        return route(self.routes, order, method, self.elsewhere, self.now_s)

    def now_s(self) -> float:
        return self.clock.moment().monotonic_s

    def home_of(self, ref: str, operations: Sequence[Operation]) -> GatewayT:
        if not operations:
            raise UnknownReference(f"{ref} is not in this journal")
        # a refund of what came in late may be newer, at an account that the debt has left
        account = next(each for each in reversed(operations) if each.verb in (Verb.PAY, Verb.PAYOUT)).account
        for each in self.routes:
            if each.account == account:
                return each.gateway
        raise UnknownReference(f"{ref} lives at {account}, which is no route of this router")


def _pool(
    routes: Sequence[Route[GatewayT]],
    journals: Sequence[Journal],
    elsewhere: Callable[[Retriable], bool],
    clock: Clock | None,
) -> _Pool[GatewayT]:
    if not routes:
        raise ConfigurationError("a router needs at least one route")
    if any(journal is not journals[0] for journal in journals):
        raise ConfigurationError(
            "the gateways of a router must share one Journal object: that a debt has one live attempt over all "
            "accounts is kept there. Open it once and pass it to each gateway"
        )
    accounts = [each.account for each in routes]
    if len(set(accounts)) < len(accounts):
        raise ConfigurationError("two routes lead to the same account; give each account one gateway")
    return _Pool(tuple(routes), journals[0], elsewhere, clock or SystemClock())


def _journals(routes: Sequence[Route[AnyGateway]] | Sequence[Route[AnyAsyncGateway]]) -> Sequence[Journal]:
    for each in routes:
        if not isinstance(each, Route):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise ConfigurationError(f"a router takes routes: write via(gateway), got {type(each).__name__}")
    return [each.gateway.journal for each in routes]


def _operations(ref: str) -> Callable[[Session], Sequence[Operation]]:
    return lambda session: session.operations(ref)


def _unreadable(order: Order, error: JournalError) -> Unknown:
    return Unknown(operation=f"{order.ref}/pay//1", cause=unread(error))


def _route(
    gateway: GatewayT,
    adapter: Adapter,
    methods: Sequence[type],
    when: Callable[[Order], bool] | None,
    health: Health | None,
) -> Route[GatewayT]:
    return Route(
        gateway=gateway,
        account=adapter.account,
        partner=adapter.partner,
        currencies=adapter.profile.currencies,
        methods=tuple(methods),
        when=when,
        health=health or Health(),
    )


def via(
    gateway: AnyGateway,
    *methods: type,
    when: Callable[[Order], bool] | None = None,
    health: Health | None = None,
) -> Route[AnyGateway]:
    """A route: this gateway, for these classes of methods (any when none is named) and orders ``when`` says yes to."""
    return _route(gateway, gateway.adapter, methods, when, health)


def avia(
    gateway: AnyAsyncGateway,
    *methods: type,
    when: Callable[[Order], bool] | None = None,
    health: Health | None = None,
) -> Route[AnyAsyncGateway]:
    """The same for :class:`AsyncRouter`."""
    return _route(gateway, gateway.adapter, methods, when, health)


class Router:
    """Several gateways over one journal. ``pay`` asks the first suitable one, and the next only where that is safe.

    ``elsewhere``: which of ``NotSent`` and ``Declined`` are tried at the next route; by default what lies with the
    partner (:func:`payport.sdk.routing.worth_trying_elsewhere`). Nothing else is ever tried elsewhere: not a time-out,
    not an ``Unknown``. Raises :class:`payport.sdk.ConfigurationError` when the gateways do not share one journal.
    """

    def __init__(
        self,
        *routes: Route[AnyGateway],
        elsewhere: Callable[[Retriable], bool] = worth_trying_elsewhere,
        clock: Clock | None = None,
    ) -> None:
        self._pool = _pool(routes, _journals(routes), elsewhere, clock)

    def pay(self, order: Order, method: object, *, deadline_s: float = DEADLINE_S) -> PayOutcome[object]:
        """The outcome of the debt's live attempt, at whichever partner. Calling again is always safe.

        Raises :class:`payport.sdk.ReferenceConflict` when the reference stands for another debt.
        """
        pool = self._pool
        until_s = pool.now_s() + deadline_s
        wishes = pool.wishes(order, method)
        try:
            wish = next(wishes)
            while True:
                match wish:
                    case Look(ref):
                        wish = wishes.send(pool.journal.read(_operations(ref)))
                    case Try(each):
                        left_s = max(0.0, until_s - pool.now_s())
                        wish = wishes.send(each.gateway.pay(order, cast("Never", method), deadline_s=left_s))
        except StopIteration as end:
            return cast("PayOutcome[object]", end.value)
        except JournalError as error:
            return _unreadable(order, error)

    def at(self, ref: str) -> AnyGateway:
        """The gateway where a debt lives, for every other verb. Raises :class:`payport.sdk.UnknownReference`."""
        return self._pool.home_of(ref, self._pool.journal.read(_operations(ref)))

    @property
    def gateways(self) -> Sequence[AnyGateway]:
        """Every gateway, in the order of the routes: for ``resume``."""
        return [each.gateway for each in self._pool.routes]


class AsyncRouter:
    """The same for async gateways."""

    def __init__(
        self,
        *routes: Route[AnyAsyncGateway],
        elsewhere: Callable[[Retriable], bool] = worth_trying_elsewhere,
        clock: Clock | None = None,
    ) -> None:
        self._pool = _pool(routes, _journals(routes), elsewhere, clock)

    async def pay(self, order: Order, method: object, *, deadline_s: float = DEADLINE_S) -> PayOutcome[object]:
        """The outcome of the debt's live attempt, at whichever partner. Calling again is always safe.

        Raises :class:`payport.sdk.ReferenceConflict` when the reference stands for another debt.
        """
        pool = self._pool
        until_s = pool.now_s() + deadline_s
        wishes = pool.wishes(order, method)
        try:
            wish = next(wishes)
            while True:
                match wish:
                    case Look(ref):
                        wish = wishes.send(await pool.journal.aread(_operations(ref)))
                    case Try(each):
                        left_s = max(0.0, until_s - pool.now_s())
                        wish = wishes.send(await each.gateway.pay(order, cast("Never", method), deadline_s=left_s))
        except StopIteration as end:
            return cast("PayOutcome[object]", end.value)
        except JournalError as error:
            return _unreadable(order, error)

    async def at(self, ref: str) -> AnyAsyncGateway:
        """The gateway where a debt lives, for every other verb. Raises :class:`payport.sdk.UnknownReference`."""
        return self._pool.home_of(ref, await self._pool.journal.aread(_operations(ref)))

    @property
    def gateways(self) -> Sequence[AnyAsyncGateway]:
        """Every gateway, in the order of the routes: for ``resume``."""
        return [each.gateway for each in self._pool.routes]
