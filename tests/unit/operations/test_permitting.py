"""Views of a gateway that may do less: least privilege, told aloud when it is not enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.corner import ABSENT, EURO, PAID, Wink, order
from tests.support.pier import Bell, Calling, Pier, Shop

from payport.schemas import PartnerId, PayoutOrder, Succeeded
from payport.schemas.events import RawNotification
from payport.sdk.errors import ConfigurationError, GatewayClosed, NotPermitted
from payport.sdk.events import PermissionRefused, SdkEvent
from payport.sdk.front import Front
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.journal.store import Journal
from payport.sdk.limits import Limiter
from payport.sdk.message import WireReply, WireRequest
from payport.sdk.profile import CallLimit
from payport.sdk.testing.stepping import Time, WorkerClock
from payport.sdk.verbs import VERBS, GatewayVerb

REF = "CORNER000001"
RAW = RawNotification(headers={}, body=b"{}")
CALLS: dict[GatewayVerb, Callable[[Any], object]] = {
    "pay": lambda gateway: gateway.pay(order(), Wink()),
    "query": lambda gateway: gateway.query(REF),
    "wait": lambda gateway: gateway.wait(REF, 1.0),
    "complete": lambda gateway: gateway.complete(REF),
    "capture": lambda gateway: gateway.capture(REF),
    "cancel": lambda gateway: gateway.cancel(REF),
    "refund": lambda gateway: gateway.refund(REF, "R1", EURO),
    "query_refund": lambda gateway: gateway.query_refund(REF, "R1"),
    "payout": lambda gateway: gateway.payout(PayoutOrder(ref="OUT000001", amount=EURO, subject="Flour"), None),
    "query_payout": lambda gateway: gateway.query_payout("OUT000001"),
    "receive": lambda gateway: gateway.receive(RAW),
    "resume": lambda gateway: gateway.resume(),
    "resolve": lambda gateway: gateway.resolve(REF),
    "adopt": lambda gateway: gateway.adopt(REF, PartnerId("P1")),
    "native": lambda gateway: gateway.native(Bell(moves_money=True), None),
    "prepare": lambda gateway: gateway.prepare(order(), Wink(), None),
    "changes": lambda gateway: gateway.changes(),
    "acknowledge": lambda gateway: gateway.acknowledge(),
    "open_operations": lambda gateway: gateway.open_operations(),
    "history": lambda gateway: gateway.history(REF),
}


@pytest.fixture
def told() -> list[SdkEvent]:
    return []


@pytest.fixture
def shop(journal: Journal, time: Time, told: list[SdkEvent]) -> Shop:
    shop = Shop(journal, time)
    shop.pier.news = told
    return shop


def test_every_public_verb_is_in_the_table() -> None:
    """A verb that is new can be withheld, too."""
    own = {"adapter", "journal", "permitted", "permitting", "close", "deliver", "limits", "breakers"}
    public = {name for kind in (Gateway, Front) for name in vars(kind) if not name.startswith("_")}
    assert set(VERBS) == public - own
    assert set(VERBS) == set(CALLS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_is_not_permitted_is_refused_before_anything(
    shop: Shop, told: list[SdkEvent], verb: GatewayVerb
) -> None:
    """Nothing is sent, nothing written; who wanted what is told."""
    view = shop.gateway.permitting(*(each for each in VERBS if each != verb), actor="till-7")
    with pytest.raises(NotPermitted, match=f"^till-7 may not {verb}, only .*; nothing was sent$"):
        CALLS[verb](view)
    assert [PermissionRefused(partner="corner", account="corner:1", verb=verb, actor="till-7")] == told
    assert (shop.pier.sent_at, list(shop.gateway.history(REF))) == ([], [])


def test_a_view_does_what_it_may_on_the_same_connections(shop: Shop) -> None:
    """The same type, the same adapter, the same journal."""
    view = shop.gateway.permitting("pay", "query", "changes", "acknowledge", actor="till-7")
    assert (type(view), view.adapter, view.journal) == (Gateway, shop.corner, shop.gateway.journal)
    shop.corner.says[:] = [PAID, PAID]
    assert isinstance(view.pay(order(), Wink()), Succeeded)
    assert view.query(REF).source == "query"
    assert view.deliver(lambda _: None) == 2
    assert shop.pier.sent_at == [0.0, 0.0]
    assert frozenset(VERBS) == shop.gateway.permitted


def test_views_of_views_only_narrow(shop: Shop) -> None:
    """What the first may not, the second may not, whatever it asks for."""
    view = shop.gateway.permitting("pay", "query", actor="till-7")
    narrower = view.permitting("query", "refund")
    assert frozenset({"query"}) == narrower.permitted
    with pytest.raises(NotPermitted, match="till-7 may not pay, only query"):
        narrower.pay(order(), Wink())
    nothing = narrower.permitting("pay", actor="till-8")
    with pytest.raises(NotPermitted, match="till-8 may not pay, only nothing"):
        nothing.pay(order(), Wink())


def test_closing_a_view_leaves_the_gateway_open(journal: Journal, time: Time) -> None:
    """And closing the gateway closes its views."""

    class Door(Pier):
        closed = False

        def close(self) -> None:
            self.closed = True

    door, clock = Door(time), WorkerClock(time, "till")
    gateway = Gateway(Calling(steps=("create",)), journal=journal, transport=door, clock=clock, sinks=())
    with gateway.permitting("pay") as view:
        other = view.permitting("pay")
    for closed in (view, other):
        with pytest.raises(GatewayClosed):
            closed.pay(order(), Wink())
    assert not door.closed
    view = gateway.permitting("query")
    gateway.close()
    assert door.closed
    with pytest.raises(GatewayClosed):
        view.query(REF)


def test_a_gateway_may_have_few_verbs_from_the_beginning(journal: Journal, time: Time) -> None:
    """For one that a role opened; it is no view, so closing it closes."""
    gateway = Gateway(
        Calling(steps=("create",)), journal=journal, transport=Pier(time), clock=WorkerClock(time, "till"), sinks=(),
        permitted=["pay"], actor="till-7",
    )  # fmt: skip
    with pytest.raises(NotPermitted, match="till-7 may not query"):
        gateway.query(REF)
    gateway.close()
    with pytest.raises(GatewayClosed):
        gateway.pay(order(), Wink())


@pytest.mark.parametrize("verbs", [(), ("pay", "steal")])
def test_verbs_that_there_are_not_are_refused(shop: Shop, verbs: tuple[GatewayVerb, ...]) -> None:
    """A view that may do nothing by mistake would be found out by the first customer."""
    with pytest.raises(ConfigurationError, match="a gateway has pay, query"):
        shop.gateway.permitting(*verbs)


def test_views_share_limits_and_leases(shop: Shop, journal: Journal, time: Time) -> None:
    """One account, one limit; and each call has a name of its own for its lease."""
    limits = Limiter("corner:1", [CallLimit(name="account", rate_per_s=1)], clock=WorkerClock(time, "limits"))
    shop = Shop(journal, time, admissions=[limits])
    views = [shop.gateway.permitting("pay", actor=name) for name in ("till-1", "till-2")]
    for number, view in enumerate(views):
        shop.corner.says[:] = [PAID]
        view.pay(order(f"CORNER00000{number}"), Wink())
    assert shop.pier.sent_at == [0.0, 1.0]
    assert [(left.name, left.rate_per_s, left.next_s) for left in views[0].limits()] == [("account", 1.0, 1.0)]


def test_an_async_gateway_has_views_too(journal: Journal, time: Time) -> None:
    """The same, awaited."""

    class AsyncPier(Pier):
        closed = False

        async def send(self, request: WireRequest, timeout_s: float) -> WireReply:  # type: ignore[override]  # async
            return WireReply(200, (), b"{}")

        async def aclose(self) -> None:
            self.closed = True

    class Blocking(Limiter):
        blocks = True  # as over Redis

    pier, clock = AsyncPier(time), WorkerClock(time, "till")
    limits = Blocking("corner:1", [CallLimit(name="account", rate_per_s=1, burst=4)], clock=clock)

    async def main() -> None:
        gateway = AsyncGateway(
            Calling(steps=("create",), says=[PAID, ABSENT]), journal=journal, transport=pier, clock=clock,
            sinks=(pier,), admissions=(limits,),
        )  # fmt: skip
        async with gateway.permitting("pay", actor="till-7") as view:
            assert isinstance(await view.pay(order(), Wink()), Succeeded)
            with pytest.raises(NotPermitted):
                await view.query(REF)
            assert [left.left for left in await view.limits()] == [3]
            assert view.breakers() == []
        assert not pier.closed
        await gateway.aclose()
        assert pier.closed

    asyncio.run(main())
    assert [PermissionRefused] == [type(event) for event in pier.news if isinstance(event, PermissionRefused)]
