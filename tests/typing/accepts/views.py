"""Views of a gateway keep its type, so what the adapter lacks stays an error and what it has can be used."""

from __future__ import annotations

from tests.typing.accepts.own_adapter import Corner, Wink

from payport.schemas.order import Order
from payport.sdk import AsyncGateway, Gateway, GatewayVerb

CASHIER: tuple[GatewayVerb, ...] = ("pay", "query")


def sell(gateway: Gateway[Corner], order: Order) -> None:
    """Pay as a cashier, ask as an auditor of the cashier."""
    till: Gateway[Corner] = gateway.permitting(*CASHIER, actor="till-7")
    till.pay(order, Wink(eye="left"))
    till.permitting("query").query(order.ref)


async def asell(gateway: AsyncGateway[Corner], order: Order) -> None:
    """The same, awaited."""
    till: AsyncGateway[Corner] = gateway.permitting("pay", actor="till-7")
    await till.pay(order, Wink(eye="left"))
