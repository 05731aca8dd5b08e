"""The partner's side of the benchmarks: a bare TLS server in a child process that sends back prepared bytes."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import ssl
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.tls import Trust

HOLD_S = 0.6
"""How long a request to ``/hold`` waits for its answer: long enough that the others open connections of their own."""

_REFERENCE = re.compile(rb"BENCH[0-9]{7}T001")
_METHOD = re.compile(rb"alipay\.trade\.[a-z]+")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)

PLAIN = b"y" * 300
"""The answer to a request that names no reference."""


def asked(request: bytes) -> bytes:
    """What a request asks for: ``<method> <reference>``, empty without a reference."""
    method, reference = _METHOD.search(request), _REFERENCE.search(request)
    return b"%s %s" % (method[0], reference[0]) if method and reference else b""


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and how to trust it. ``authority``: the certificate to trust, as PEM."""

    host: str
    authority: str

    @property
    def url(self) -> str:
        """Its origin."""
        return f"https://{self.host}"

    @property
    def trust(self) -> Trust:
        """Settings of the library for it."""
        return Trust(ca_data=self.authority)


@contextmanager
def served(replies: Mapping[bytes, bytes]) -> Generator[Server]:
    """Serve until the block ends. ``replies``: the whole body for each ``<method> <reference>``."""
    certificates = loopback_certificates()
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder, "server.pem")
        chain.write_text(certificates.server + certificates.server_key)
        child = spawn.Process(target=_serve, args=(str(chain), dict(replies), there), daemon=True)
        child.start()
        try:
            yield Server(f"127.0.0.1:{int(here.recv())}", certificates.authority)
        finally:
            child.terminate()
            child.join()


class _Answering(asyncio.Protocol):
    """Answers each whole request with the bytes that were prepared for it."""

    def __init__(self, replies: Mapping[bytes, bytes]) -> None:
        self._replies = replies
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, end, body = self._seen.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        content = self._replies.get(asked(self._seen), PLAIN)
        self._seen = b""
        reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
        wait_s = HOLD_S if head.startswith(b"POST /hold") else 0.0
        asyncio.get_running_loop().call_later(wait_s, self._transport.write, reply + content)


def _serve(chain: str, replies: Mapping[bytes, bytes], tell: Connection) -> None:
    async def run() -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(chain)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Answering(replies), "127.0.0.1", 0, ssl=tls, backlog=512)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())
