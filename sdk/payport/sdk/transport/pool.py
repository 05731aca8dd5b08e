"""Idle connections, newest first, and a limit on how many are open.

Taking one is constant work, whatever the size: a burst of 64 requests on 64 idle connections looks at 64 connections.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Generic, Protocol, TypeVar

import anyio

from payport.sdk.transport.hosts import Address
from payport.sdk.transport.trip import Trip


class Line(Protocol):
    """A connection that can wait for its next request. ``idle_since_s``: monotonic time of its last reply."""

    idle_since_s: float

    @property
    def address(self) -> Address:
        """Where it leads."""
        ...

    def stale(self) -> bool:
        """Whether the partner closed it, or sent what nobody asked for."""
        ...

    def close(self) -> None:
        """Close at once."""
        ...


LineT = TypeVar("LineT", bound=Line)


class Shelf(Generic[LineT]):
    """The idle connections of one process or event loop. ``open`` counts those in use too; never over the limit."""

    def __init__(self, max_connections: int, idle_s: float) -> None:
        self._max = max_connections
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._idle: dict[Address, deque[LineT]] = {}
        self._closed = False
        self.open = 0

    def take(self, address: Address) -> LineT | None:
        """The newest idle connection that is fit for use, or ``None``: then the caller opens one, already counted."""
        now_s = time.monotonic()
        with self._lock:
            self._expire(now_s)
            shelf = self._idle.get(address)
            while shelf:
                line = shelf.pop()
                if not line.stale():
                    return line
                self._discard(line)
            if self.open >= self._max:
                self._discard(self._oldest())
            self.open += 1
            return None

    def put(self, line: LineT) -> None:
        """Keep a connection for the next request."""
        line.idle_since_s = time.monotonic()
        with self._lock:
            if self._closed:
                self._discard(line)
            else:
                self._idle.setdefault(line.address, deque()).append(line)

    def drop(self, line: LineT) -> None:
        """Close a connection that cannot be used again."""
        with self._lock:
            self._discard(line)

    def close(self) -> None:
        """Close what is idle now, and what comes back later."""
        with self._lock:
            self._closed = True
            for shelf in self._idle.values():
                while shelf:
                    self._discard(shelf.pop())

    def _discard(self, line: LineT) -> None:
        self.open -= 1
        line.close()

    def _expire(self, now_s: float) -> None:
        for shelf in self._idle.values():
            while shelf and now_s - shelf[0].idle_since_s > self._idle_s:
                self._discard(shelf.popleft())

    def _oldest(self) -> LineT:
        # The caller holds a place, so fewer than the limit are in use: at the limit, one for another address is idle.
        return min((shelf for shelf in self._idle.values() if shelf), key=lambda shelf: shelf[0].idle_since_s).popleft()


class Pool(Generic[LineT]):
    """A shelf with places for threads."""

    def __init__(self, max_connections: int, idle_s: float) -> None:
        self.shelf: Shelf[LineT] = Shelf(max_connections, idle_s)
        self._places = threading.Semaphore(max_connections)

    def enter(self, trip: Trip) -> None:
        """Wait for a place. Raises ``SendError`` when time is up first: nothing was sent."""
        if not self._places.acquire(timeout=trip.remaining_s()):
            raise trip.expired()

    def leave(self) -> None:
        """Give the place back."""
        self._places.release()


class WaitingPool(Generic[LineT]):
    """A shelf with places for the tasks of one event loop."""

    def __init__(self, max_connections: int, idle_s: float) -> None:
        self.shelf: Shelf[LineT] = Shelf(max_connections, idle_s)
        self._places = anyio.Semaphore(max_connections, fast_acquire=True)

    async def enter(self) -> None:
        """Wait for a place; the caller cancels at its deadline."""
        await self._places.acquire()

    def leave(self) -> None:
        """Give the place back."""
        self._places.release()
