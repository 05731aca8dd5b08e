"""Receive notifications in a FastAPI application: one line puts the door in front, a task delivers what it brought."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread

import uvicorn
from fastapi import FastAPI

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Change, Money, Order, QrShown
from payport.sdk import AsyncGateway
from payport.sdk.web import AsgiNotifications
from payport.sdk.web.asgi import Application


def application(gateway: AsyncGateway[Alipay]) -> Application:
    """The shop's application."""

    async def on_change(change: Change) -> None:
        print("the order changed:", change.ref, change.kind, change.state)

    async def deliver() -> None:
        while True:
            await gateway.deliver(on_change)
            await asyncio.sleep(0.1)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(deliver())
        yield
        task.cancel()

    app = FastAPI(lifespan=life)

    @app.get("/orders/{ref}")
    async def order(ref: str) -> dict[str, str]:
        history = await gateway.history(ref)
        return {"ref": ref, "state": history[-1].state.value if history else "unknown"}

    return AsgiNotifications(gateway).before(app, "/notify/alipay")


async def main() -> None:
    """A server on this machine, an order, and a payer."""
    with tempfile.TemporaryDirectory() as folder, AlipaySimulator().serve() as partner:
        async with AsyncGateway(Alipay(partner.account), journal=f"sqlite:///{folder}/payments.db") as gateway:
            listener = socket.create_server(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(application(gateway), log_level="warning"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            order = Order(
                ref="SHOP10010001",
                amount=Money.of("12.34", "CNY"),
                subject="Tea",
                notify_url=f"http://127.0.0.1:{listener.getsockname()[1]}/notify/alipay",  # yours is https and public
            )
            outcome = await gateway.pay(order, QrShown())
            if isinstance(outcome, ActionRequired):
                payer = Thread(target=partner.payer.open, args=(outcome.action,))  # somebody else, somewhere else
                payer.start()
                await asyncio.to_thread(payer.join)
                await asyncio.to_thread(partner.wait_delivered)
            await asyncio.sleep(0.3)
            server.should_exit = True
            await serving
            listener.close()


if __name__ == "__main__":
    asyncio.run(main())
