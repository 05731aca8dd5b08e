"""Sending over kept connections of our own, in both colours."""

from __future__ import annotations

import os
import ssl
from typing import Generic, TypeVar

import anyio

from payport.sdk.message import WireReply, WireRequest
from payport.sdk.transport.hosts import Address, Target
from payport.sdk.transport.http1 import Reading, request_bytes
from payport.sdk.transport.pool import Pool, WaitingPool
from payport.sdk.transport.sockets import BlockingSocket, WaitingSocket
from payport.sdk.transport.trip import READ_BYTES, Trip

_SocketT = TypeVar("_SocketT", bound=BlockingSocket | WaitingSocket)


class _Line(Generic[_SocketT]):
    """A connection and where it leads."""

    __slots__ = ("address", "idle_since_s", "wire")

    def __init__(self, address: Address, wire: _SocketT) -> None:
        self.address = address
        self.wire = wire
        self.idle_since_s = 0.0

    def stale(self) -> bool:
        return self.wire.stale()

    def close(self) -> None:
        self.wire.close()


class Pooled:
    """Sends over the pool, from threads. ``pid``: the process that its connections belong to."""

    def __init__(self, context: ssl.SSLContext, max_connections: int, idle_s: float) -> None:
        self.pid = os.getpid()
        self._context = context
        self._limits = (max_connections, idle_s)
        self._pool: Pool[_Line[BlockingSocket]] = Pool(max_connections, idle_s)

    def exchange(self, target: Target, request: WireRequest, trip: Trip) -> WireReply:
        """One request. Raises ``SendError``, with ``trip`` telling how far it came."""
        pool, shelf = self._pool, self._pool.shelf
        message = request_bytes(target, request)
        pool.enter(trip)
        try:
            line = shelf.take(target.address)
            clean = False
            if line is None:
                line = _Line(target.address, BlockingSocket(trip))
            try:
                wire = line.wire
                wire.trip = trip
                if not wire.connected:
                    trip.opens()
                    wire.connect(line.address.host, line.address.port)
                    if line.address.tls:
                        wire.handshake(self._context, line.address.host)
                reply, clean = _exchange(wire, message, Reading(request, trip))
            finally:
                (shelf.put if clean else shelf.drop)(line)
            return reply
        finally:
            pool.leave()

    def anew(self) -> Pooled:
        """The same, for this process."""
        return Pooled(self._context, *self._limits)

    def close(self) -> None:
        """Close what is idle, and what comes back later."""
        self._pool.shelf.close()


class AsyncPooled:
    """Sends over the pool, from the tasks of one event loop."""

    def __init__(self, context: ssl.SSLContext, max_connections: int, idle_s: float) -> None:
        self._context = context
        self._pool: WaitingPool[_Line[WaitingSocket]] = WaitingPool(max_connections, idle_s)

    async def exchange(self, target: Target, request: WireRequest, trip: Trip) -> WireReply:
        """One request. Raises what stopped it, with ``trip`` telling how far it came; cancelled at the deadline."""
        pool, shelf = self._pool, self._pool.shelf
        message = request_bytes(target, request)
        await pool.enter()
        try:
            line = shelf.take(target.address)
            clean = False
            if line is None:
                line = _Line(target.address, WaitingSocket(trip))
            try:
                wire = line.wire
                wire.trip = trip
                if not wire.connected:
                    await self._open(line, trip)
                reply, clean = await _aexchange(wire, message, Reading(request, trip))
            finally:
                (shelf.put if clean else shelf.drop)(line)
            return reply
        finally:
            pool.leave()

    async def _open(self, line: _Line[WaitingSocket], trip: Trip) -> None:
        trip.opens()
        with anyio.move_on_after(trip.opening_s()):
            await line.wire.connect(line.address.host, line.address.port)
            if line.address.tls:
                await line.wire.handshake(self._context, line.address.host)
            return
        raise trip.expired()

    async def aclose(self) -> None:
        """Close the connections."""
        self.close_idle()

    def close_idle(self) -> None:
        """Close what is idle, and what comes back later."""
        self._pool.shelf.close()


def _exchange(wire: BlockingSocket, message: bytes, reading: Reading) -> tuple[WireReply, bool]:
    written = True
    try:
        wire.write(message)
    except OSError:
        written = False  # a server may answer before it has read everything
    while not reading.take(wire.read(READ_BYTES)):
        pass
    reply, clean = reading.whole()
    return reply, clean and written


async def _aexchange(wire: WaitingSocket, message: bytes, reading: Reading) -> tuple[WireReply, bool]:
    written = True
    try:
        await wire.write(message)
    except OSError:
        written = False  # as above
    while not reading.take(await wire.read(READ_BYTES)):
        pass
    reply, clean = reading.whole()
    return reply, clean and written
