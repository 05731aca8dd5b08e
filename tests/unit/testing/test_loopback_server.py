"""The loopback server: TLS from its own authority, kept-open connections, and misbehaviour on the socket itself."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from payport.sdk.message import WireReply
from payport.sdk.testing import Delivery, Fault, FaultPlan, Incoming, Manner
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.server import LoopbackServer

REPLY = WireReply(200, (("content-type", "text/plain"),), b"hello world")
REQUEST = b"POST /a?b=1 HTTP/1.1\r\nHost: x\r\nX-Name:  value \r\nContent-Length: 4\r\n\r\nbody"


class Answers:
    """A handler that answers in a chosen manner."""

    manner = Manner.WHOLE

    def __call__(self, incoming: Incoming) -> Delivery:
        """Answer."""
        return Delivery(REPLY, self.manner)


@pytest.fixture
def answers() -> Answers:
    """The handler."""
    return Answers()


@pytest.fixture
def plan() -> FaultPlan:
    """The faults."""
    return FaultPlan()


@pytest.fixture
def server(answers: Answers, plan: FaultPlan) -> Iterator[LoopbackServer]:
    """A running server."""
    with LoopbackServer(answers, plan, drip_s=0.01) as running:
        yield running


def connect(server: LoopbackServer, *, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLSocket:
    """A connection that checks certificate and host name."""
    context = ssl.create_default_context(cadata=loopback_certificates().authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.maximum_version = version
    return context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 5), server_hostname="127.0.0.1")


def read(connection: ssl.SSLSocket, at_least: int = 1) -> bytes:
    """What arrives, until enough came or the connection ended."""
    data = b""
    while len(data) < at_least:
        piece = connection.recv(4096)
        if not piece:
            break
        data += piece
    return data


def drain(connection: socket.socket) -> None:
    """Read the bare socket to its end: below TLS, because Python shows a reset there as a mere end."""
    while socket.socket.recv(connection, 4096):
        pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_one_connection_serves_many_requests(server: LoopbackServer, version: ssl.TLSVersion) -> None:
    """Whole replies with their length, over TLS 1.2 and 1.3; requests are kept for the test to look at."""
    with connect(server, version=version) as connection:
        for _ in range(3):
            connection.sendall(REQUEST)
            text = read(connection, 60)
            assert text.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 11\r\n")
            assert text.endswith(b"\r\n\r\nhello world")
    assert server.connections == 1
    assert len(server.requests) == 3
    assert (server.requests[0].target, server.requests[0].body) == ("/a?b=1", b"body")
    assert server.requests[0].headers["x-name"] == "value"


def test_a_client_may_ask_to_close(server: LoopbackServer) -> None:
    """Connection: close ends it after the reply."""
    with connect(server) as connection:
        connection.sendall(REQUEST.replace(b"Host: x", b"Connection: close"))
        assert read(connection, 10_000).endswith(b"hello world")


def test_a_body_may_come_in_pieces(server: LoopbackServer) -> None:
    """The handler sees the whole of it."""
    with connect(server) as connection:
        for piece in (REQUEST[:20], REQUEST[20:-2], REQUEST[-2:]):
            connection.sendall(piece)
            time.sleep(0.02)
        assert read(connection).startswith(b"HTTP/1.1 200")
    assert server.requests[0].body == b"body"


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"nonsense that is not HTTP\r\n\r\n",
        b"one two three\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_what_is_not_http_is_hung_up_on(server: LoopbackServer, bytes_sent: bytes) -> None:
    """No answer, no request kept."""
    with connect(server) as connection:
        connection.sendall(bytes_sent)
        assert read(connection) == b""
    assert server.requests == ()


@pytest.mark.parametrize("sent", [0, 20, len(REQUEST) - 1])
def test_a_client_may_go_away_at_any_time(server: LoopbackServer, sent: int) -> None:
    """Before, in the middle of the head, in the middle of the body: the next client is served."""
    connection = connect(server)
    connection.sendall(REQUEST[:sent])
    connection.close()
    with connect(server) as another:
        another.sendall(REQUEST)
        assert read(another).startswith(b"HTTP/1.1 200")
    assert len(server.requests) == 1


def test_a_client_without_tls_is_hung_up_on(server: LoopbackServer) -> None:
    """Plain HTTP gets nothing."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(REQUEST)
        with suppress(ConnectionResetError):
            assert connection.recv(100)[:1] in (b"", b"\x15")  # nothing, or a TLS alert
    assert server.requests == ()


def test_reset_before_tls_ends_the_handshake(server: LoopbackServer, plan: FaultPlan) -> None:
    """Nothing can have left; kept-open connections are ended so that the next one is new."""
    idle = connect(server)
    idle.sendall(REQUEST)
    read(idle, 60)
    plan.next(Fault.RESET_BEFORE_TLS)
    assert idle.recv(1) == b""
    idle.close()
    with pytest.raises(OSError, match=r"reset|EOF"):
        connect(server)
    with connect(server) as connection:
        connection.sendall(REQUEST)
        assert read(connection).startswith(b"HTTP/1.1 200")


def test_reset_before_reading_leaves_the_request_unread(server: LoopbackServer, plan: FaultPlan) -> None:
    """A connection that says farewell does not use the fault up, a request does."""
    plan.next(Fault.RESET_BEFORE_READING)
    with connect(server) as polite:
        polite.settimeout(1)
        with suppress(OSError):
            polite.unwrap()
    assert plan.pending == 1
    with connect(server) as connection:
        connection.sendall(REQUEST)
        with pytest.raises(ConnectionResetError):
            drain(connection)
    assert (plan.pending, server.requests) == (0, ())


@pytest.mark.parametrize(
    ("manner", "first"),
    [(Manner.TRUNCATED, b"HTTP/1.1 200"), (Manner.GARBAGE, b"\x00\x01 this is not HTTP")],
)
def test_half_an_answer_and_no_answer_at_all(
    server: LoopbackServer, answers: Answers, manner: Manner, first: bytes
) -> None:
    """The connection ends after what was sent."""
    answers.manner = manner
    with connect(server) as connection:
        connection.sendall(REQUEST)
        text = read(connection, 10_000)
    assert text.startswith(first)
    assert not text.endswith(b"hello world")


def test_reset_instead_of_an_answer(server: LoopbackServer, answers: Answers) -> None:
    """The request was read."""
    answers.manner = Manner.RESET
    with connect(server) as connection:
        connection.sendall(REQUEST)
        with pytest.raises(ConnectionResetError):
            drain(connection)
    assert len(server.requests) == 1


def test_silence_lasts_until_the_client_gives_up(server: LoopbackServer, answers: Answers) -> None:
    """Nothing comes, the connection stays open."""
    answers.manner = Manner.SILENCE
    with connect(server) as connection:
        connection.settimeout(0.15)
        connection.sendall(REQUEST)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_drip_comes_byte_by_byte(server: LoopbackServer, answers: Answers) -> None:
    """Whole in the end, for whoever waits that long."""
    answers.manner = Manner.DRIP
    with connect(server) as connection:
        connection.sendall(REQUEST)
        assert len(connection.recv(100)) == 1
        assert read(connection, 10_000).endswith(b"hello world")


def test_stopping_ends_everything(answers: Answers, plan: FaultPlan) -> None:
    """Silent connections too; stopping twice is stopping once; the port is free again."""
    answers.manner = Manner.SILENCE
    server = LoopbackServer(answers, plan)
    port = server.port
    assert server.url == f"https://127.0.0.1:{port}"
    connection = connect(server)
    connection.sendall(REQUEST)
    while not server.requests:
        time.sleep(0.01)
    server.stop()
    server.stop()
    assert connection.recv(1) == b""
    connection.close()
    with LoopbackServer(answers, plan, port=port) as again:
        assert again.port == port


def test_certificates_are_made_once() -> None:
    """One authority per process, and no key in a repr."""
    assert loopback_certificates() is loopback_certificates()
    assert "PRIVATE" not in repr(loopback_certificates())
