"""A loopback HTTPS server for a simulated partner that can also misbehave on the socket itself."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from payport.sdk.message import WireReply
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.faults import Fault, FaultPlan, Manner
from payport.sdk.testing.wire import Delivery, Handler, Incoming

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 4 * 1024 * 1024
IDLE_S = 30.0
TICK_S = 0.05
_CLOSE_ALERT_BYTES = 32
"""A TLS record up to this long is a farewell, a request is longer."""
_REASONS = {200: "OK", 302: "Found", 400: "Bad Request", 404: "Not Found", 409: "Conflict", 502: "Bad Gateway"}


class LoopbackServer:
    """Serves ``handler`` on 127.0.0.1 with TLS, HTTP/1.1 and kept-open connections, one thread each.

    ``faults``: asked for the faults that strike before a request is read. ``drip_s``: pause between the bytes of a
    dripping answer. ``asks_for_client``: callers may prove who they are with a client certificate of the loopback
    authority (:func:`payport.sdk.testing.certificates.client_identity`). Listens from construction until :meth:`stop`.
    """

    def __init__(
        self,
        handler: Handler,
        faults: FaultPlan,
        *,
        port: int = 0,
        drip_s: float = 0.1,
        asks_for_client: bool = False,
    ) -> None:
        self._handler = handler
        self._faults = faults
        self._drip_s = drip_s
        self._context = loopback_certificates().server_context(asks_for_client=asks_for_client)
        self._stopped = Event()
        self._lock = Lock()
        self._idle: set[socket.socket] = set()
        self._threads: list[Thread] = []
        self._requests: list[Incoming] = []
        self._connections = 0
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self._listener.settimeout(TICK_S)
        faults.watch(self._close_idle)
        self._acceptor = Thread(target=self._accept, name="loopback-acceptor", daemon=True)
        self._acceptor.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def requests(self) -> tuple[Incoming, ...]:
        """Every request that was read whole, oldest first."""
        with self._lock:
            return tuple(self._requests)

    @property
    def connections(self) -> int:
        """How many connections were opened so far."""
        return self._connections

    def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._acceptor.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._connections += 1
            thread = Thread(target=self._serve, args=(connection,), name="loopback-connection", daemon=True)
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            raw.settimeout(IDLE_S)
            if self._faults.take_unread(Fault.RESET_BEFORE_TLS):
                # when its hello is there: sooner, and the client may call it unreachable instead
                raw.recv(1, socket.MSG_PEEK)
                _reset(raw)
                return
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            context = loopback_certificates().expired_context() if self._faults.certificate_expired else self._context
            with context.wrap_socket(raw, server_side=True) as connection:
                self._mark(connection, idle=True)
                while self._one(connection):
                    pass
                self._mark(connection, idle=False)
        except OSError:
            # the client went away or does not trust us: its own business
            pass
        finally:
            raw.close()

    def _one(self, connection: ssl.SSLSocket) -> bool:
        """Serve one request; whether the connection stays open."""
        if not self._await_request(connection):
            return False
        self._mark(connection, idle=False)
        if self._faults.take_unread(Fault.RESET_BEFORE_READING):
            _reset(connection)
            return False
        incoming = _read(connection)
        if incoming is None:
            return False
        with self._lock:
            self._requests.append(incoming)
        delivery = self._handler(incoming)
        # from the first byte of the answer: who reads it may plan the next fault at once
        self._mark(connection, idle=True)
        return self._deliver(connection, delivery, close=incoming.headers.get("connection", "").lower() == "close")

    def _await_request(self, connection: ssl.SSLSocket) -> bool:
        """Wait for the first bytes of a request without reading any."""
        head = self._peek(connection)
        return len(head) == 5 and int.from_bytes(head[3:], "big") > _CLOSE_ALERT_BYTES

    def _mark(self, connection: ssl.SSLSocket, *, idle: bool) -> None:
        """Whether a fault that needs a new connection may end this one."""
        with self._lock:
            if idle:
                self._idle.add(connection)
            else:
                self._idle.discard(connection)

    def _peek(self, connection: ssl.SSLSocket) -> bytes:
        """The head of the next TLS record, left where it is; less when the connection ends or the server stops."""
        connection.settimeout(TICK_S)
        head = b""
        while not self._stopped.is_set():
            try:
                # below TLS, which allows no peeking
                head = socket.socket.recv(connection, 5, socket.MSG_PEEK)
            except TimeoutError:
                continue
            if len(head) in (0, 5):
                break
        connection.settimeout(IDLE_S)
        return head

    def _close_idle(self) -> None:
        """A reset before TLS, or another certificate, needs a new connection: end those that are kept open."""
        if not (self._faults.expects(Fault.RESET_BEFORE_TLS) or self._faults.certificate_expired):
            return
        with self._lock:
            for connection in self._idle:
                with suppress(OSError):  # ended by itself meanwhile
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self._idle.clear()

    def _deliver(self, connection: ssl.SSLSocket, delivery: Delivery, *, close: bool) -> bool:
        match delivery.manner:
            case Manner.WHOLE:
                connection.sendall(_bytes(delivery.reply))
                return not close
            case Manner.RESET:
                _reset(connection)
            case Manner.SILENCE:
                self._peek(connection)  # until the client says farewell
            case Manner.DRIP:
                for byte in _bytes(delivery.reply):
                    connection.sendall(bytes((byte,)))
                    if self._stopped.wait(self._drip_s):
                        break
            case Manner.TRUNCATED:
                whole = _bytes(delivery.reply)
                connection.sendall(whole[: -(len(delivery.reply.content) // 2 or 1)])
            case Manner.GARBAGE:
                connection.sendall(b"\x00\x01 this is not HTTP at all\r\n\r\n" * 4)
        return False


def _read(connection: ssl.SSLSocket) -> Incoming | None:
    """One whole request; ``None`` when it is not HTTP, too long, or ends early."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece or len(data) > MAX_HEAD_BYTES:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        return None
    headers = dict(_header(line) for line in lines[1:])
    length_text = headers.get("content-length", "0")
    length = int(length_text) if length_text.isdecimal() else MAX_BODY_BYTES + 1
    if length > MAX_BODY_BYTES:
        return None
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    shown = connection.getpeercert(binary_form=True)
    client = sha256(shown).hexdigest() if shown else None
    return Incoming(method=words[0], target=words[1], headers=headers, body=body, client=client)


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _bytes(reply: WireReply) -> bytes:
    headers: Mapping[str, str] = {**dict(reply.headers), "content-length": str(len(reply.content))}
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.content


def _reset(connection: socket.socket) -> None:
    """End a connection with RST instead of FIN: linger on, for zero seconds."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
