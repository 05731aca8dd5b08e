"""A wire between a journal and its server that is cut at a chosen word."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from sqlalchemy.engine import make_url


class Relay:
    """Passes everything on, until a client says ``last_word``: its answer never comes back.

    ``arrives``: whether the word itself still reaches the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.last_word: bytes | None = None
        self.arrives = True
        self.cuts = 0
        self._threads: list[Thread] = []
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """Where clients find it."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Take no more clients, and wait until those there were are gone."""
        _end(self._listener)
        self._accepting.join()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with self._listener, suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._threads.append(Thread(target=self._serve, args=(client,), daemon=True))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            silent = Event()
            back = Thread(target=self._pass_back, args=(client, server, silent), daemon=True)
            back.start()
            self._pass_on(client, server, silent)
            back.join()

    def _pass_on(self, client: socket.socket, server: socket.socket, silent: Event) -> None:
        with suppress(OSError):
            while said := client.recv(65536):
                if self.last_word is not None and self.last_word in said:
                    self.last_word = None
                    self.cuts += 1
                    silent.set()
                    if not self.arrives:
                        break
                server.sendall(said)
        _end(client, server)

    def _pass_back(self, client: socket.socket, server: socket.socket, silent: Event) -> None:
        with suppress(OSError):
            while (answer := server.recv(65536)) and not silent.is_set():
                client.sendall(answer)
        _end(client, server)


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(url: str) -> Iterator[tuple[str, Relay]]:
    """The URL of a relay in the place of the server's."""
    parsed = make_url(url)
    relay = Relay(str(parsed.host), parsed.port or {"postgresql": 5432}.get(parsed.drivername, 3306))
    try:
        options = {"sslmode": "disable"} if parsed.drivername == "postgresql" else {}
        address = parsed.set(host="127.0.0.1", port=relay.port).update_query_dict(options)
        yield address.render_as_string(hide_password=False), relay
    finally:
        relay.close()
