"""Corners of sockets and pools that a network seldom shows."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import anyio
import pytest

from payport.sdk.message import FailureKind
from payport.sdk.transport.hosts import Address
from payport.sdk.transport.pool import Pool, Shelf
from payport.sdk.transport.sockets import BlockingSocket, WaitingSocket
from payport.sdk.transport.trip import SendError, Trip, broken

HERE = Address("127.0.0.1", 1, tls=False)


@dataclass
class Wire:
    """A connection that only remembers what was done to it."""

    address: Address = HERE
    idle_since_s: float = 0.0
    dead: bool = False
    closed: bool = False

    def stale(self) -> bool:
        return self.dead

    def close(self) -> None:
        self.closed = True


def test_the_newest_connection_is_taken_first() -> None:
    """Last in, first out: the others may grow old and go."""
    shelf: Shelf[Wire] = Shelf(4, 60.0)
    old, new = Wire(), Wire()
    assert shelf.take(HERE) is shelf.take(HERE) is None
    for wire in (old, new):
        shelf.put(wire)
    assert shelf.take(HERE) is new
    assert shelf.take(HERE) is old


def test_a_stale_connection_is_closed_and_passed_over() -> None:
    """A dead one on top does not hide a good one below."""
    shelf: Shelf[Wire] = Shelf(4, 60.0)
    good, dead = Wire(), Wire(dead=True)
    assert shelf.take(HERE) is shelf.take(HERE) is None
    for wire in (good, dead):
        shelf.put(wire)
    assert shelf.take(HERE) is good
    assert dead.closed
    assert shelf.open == 1


def test_what_comes_back_after_closing_is_closed() -> None:
    """A request that was in flight when the transport was closed takes its connection with it."""
    shelf: Shelf[Wire] = Shelf(4, 60.0)
    late = Wire()
    shelf.take(HERE)
    shelf.close()
    shelf.put(late)
    assert late.closed
    assert shelf.open == 0


def test_a_place_that_does_not_come_free_ends_the_wait() -> None:
    """The wait is part of the request's time, and nothing was sent."""
    pool: Pool[Wire] = Pool(1, 60.0)
    pool.enter(Trip(time.monotonic() + 1))
    with pytest.raises(SendError) as caught:
        pool.enter(Trip(time.monotonic() + 0.05))
    assert caught.value.kind is FailureKind.DEADLINE
    pool.leave()
    pool.enter(Trip(time.monotonic() + 1))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def places(*ports: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]


def resolve_to(monkeypatch: pytest.MonkeyPatch, found: list[tuple[int, int, int, str, tuple[str, int]]]) -> None:
    """Every look-up answers ``found``."""

    def resolve(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return found

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_the_second_address_is_tried(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead first address costs its share of the time, not the request: both colours."""
    found = places(unused_port(), listener.getsockname()[1])
    resolve_to(monkeypatch, found)
    trip = Trip(time.monotonic() + 5)
    blocking, waiting = BlockingSocket(trip), WaitingSocket(trip)
    blocking.connect("api.example.com", 443)
    anyio.run(waiting.connect, "api.example.com", 443)
    assert not blocking.stale()
    assert not waiting.stale()
    assert trip.left is False


@pytest.mark.parametrize("error", [errno.EAFNOSUPPORT, errno.EMFILE])
def test_an_address_that_no_socket_can_be_made_for(
    error: int, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host without IPv6, or a moment without file handles: the next address is tried, and nothing has left."""
    found = places(9, listener.getsockname()[1])
    found[0] = (socket.AF_INET6, *found[0][1:])
    good = found.pop()
    genuine = socket.socket.__init__

    def make(sock: socket.socket, family: int = -1, kind: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        if family == socket.AF_INET6:
            raise OSError(error, os.strerror(error))
        genuine(sock, family, kind, proto, fileno)

    resolve_to(monkeypatch, found)
    monkeypatch.setattr(socket.socket, "__init__", make)
    trip = Trip(time.monotonic() + 5)
    blocking, waiting = BlockingSocket(trip), WaitingSocket(trip)
    with pytest.raises(SendError, match=os.strerror(error)):
        blocking.connect("api.example.com", 443)
    with pytest.raises(SendError, match=os.strerror(error)):
        anyio.run(waiting.connect, "api.example.com", 443)
    found.append(good)
    blocking.connect("api.example.com", 443)
    anyio.run(waiting.connect, "api.example.com", 443)
    assert not blocking.stale()
    assert not waiting.stale()


def test_a_host_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver may answer with nothing at all."""
    resolve_to(monkeypatch, [])
    trip = Trip(time.monotonic() + 5)
    with pytest.raises(SendError, match="no address"):
        BlockingSocket(trip).connect("api.example.com", 443)
    with pytest.raises(SendError, match="no address"):
        anyio.run(WaitingSocket(trip).connect, "api.example.com", 443)


def test_a_closed_connection_is_stale_and_lost() -> None:
    """Used after closing, it is an error of the connection, not a crash."""
    wire = BlockingSocket(Trip(time.monotonic() + 5))
    assert wire.stale()
    with pytest.raises(SendError) as caught:
        wire.read(1)
    assert caught.value.kind is FailureKind.CONNECTION_LOST


def test_a_network_that_refuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable network answers without waiting."""

    def unreachable(*_: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    trip = Trip(time.monotonic() + 5)
    with pytest.raises(SendError, match="Network is unreachable"):
        anyio.run(WaitingSocket(trip).connect, "127.0.0.1", 9)


def test_a_handshake_after_time_is_up(listener: socket.socket) -> None:
    """The clock is looked at before the handshake begins."""
    trip = Trip(time.monotonic() + 5)
    wire = BlockingSocket(trip)
    wire.connect("127.0.0.1", listener.getsockname()[1])
    trip.deadline_s = 0.0
    with pytest.raises(SendError) as caught:
        wire.read(1)
    assert caught.value.kind is FailureKind.UNREACHABLE


def test_an_error_without_words_still_has_a_name() -> None:
    """Some errors carry no text."""
    assert "the connection broke: OSError" == broken(OSError()).detail  # noqa: SIM300 - reads as a sentence
