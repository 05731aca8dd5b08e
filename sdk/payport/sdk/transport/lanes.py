"""One set of connections for each event loop, and its end with that loop."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from payport.sdk.message import WireReply, WireRequest
from payport.sdk.transport.hosts import Target
from payport.sdk.transport.trip import Trip


class Sender(Protocol):
    """Sends requests over the connections of one event loop."""

    async def exchange(self, target: Target, request: WireRequest, trip: Trip) -> WireReply:
        """The reply. Raises whatever stopped it, with ``trip`` telling how far it came; cancelled at the deadline."""
        ...

    async def aclose(self) -> None:
        """Close the connections, in their own event loop."""
        ...

    def close_idle(self) -> None:
        """Close what can be closed from another thread or after the loop's end."""
        ...


class Begin(Protocol):
    """Makes a sender for the event loop that runs now."""

    def __call__(self, *, asyncio_runs: bool) -> Sender:
        """A new sender; ``asyncio_runs`` is false under trio."""
        ...


@dataclass(frozen=True, slots=True)
class _Lane:
    sender: Sender
    life: AsyncGenerator[None]


class Lanes:
    """The senders of this process, by event loop."""

    def __init__(self, begin: Begin) -> None:
        self._make = begin
        self._pid = os.getpid()
        self._lanes: dict[object, _Lane] = {}

    async def here(self) -> Sender:
        """The sender of the event loop that runs now."""
        if self._pid != os.getpid():
            # After a fork the connections belong to the parent: two processes must never speak on one.
            self._pid, self._lanes = os.getpid(), {}
        loop = event_loop()
        lane = self._lanes.get(loop)
        return lane.sender if lane is not None else await self._begin(loop)

    async def aclose(self) -> None:
        """Close what belongs to this event loop, and what is idle in others."""
        here = event_loop()
        for loop, lane in list(self._lanes.items()):
            if loop is here:
                await lane.life.aclose()
            else:
                lane.sender.close_idle()

    async def _begin(self, loop: object) -> Sender:
        for other in list(self._lanes):
            if isinstance(other, asyncio.AbstractEventLoop) and other.is_closed():
                self._lanes.pop(other).sender.close_idle()
        sender = self._make(asyncio_runs=isinstance(loop, asyncio.AbstractEventLoop))

        async def life() -> AsyncGenerator[None]:
            # asyncio.run and trio.run close the generators that are still open, so this ends with the loop.
            try:
                yield
            finally:
                self._lanes.pop(loop, None)
                await sender.aclose()

        lane = self._lanes[loop] = _Lane(sender, life())
        await anext(lane.life)
        return sender


def event_loop() -> object:
    """What stands for the running event loop: asyncio's loop, or trio's token."""
    if "trio" in sys.modules:
        import trio  # noqa: PLC0415 - loaded already, by who runs it

        if trio.lowlevel.in_trio_run():
            return trio.lowlevel.current_trio_token()
    return asyncio.get_running_loop()
