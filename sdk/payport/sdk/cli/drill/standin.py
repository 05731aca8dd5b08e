"""A stand-in for Redis on loopback, that a drill can take away and bring back.

It speaks as much of Redis's protocol (RESP 2 and 3) as shared limits need, and answers their four scripts by the same
rules in Python (:mod:`payport.sdk.limits.bucket`): it runs no Lua. It comes back empty, as a Redis without a disk does.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import TypeAlias

from payport.sdk.hosting import Clock
from payport.sdk.limits import script
from payport.sdk.limits.rules import Full, LimitLeft, Refused, Rule
from payport.sdk.limits.store import LocalStore
from payport.sdk.profile import CallLimit
from payport.sdk.secrets import Secret

Answer: TypeAlias = int | str | list[int | str]
_KEYS, _OWN = 3, 3
"""How many keys each limit has, and how many arguments are the script's own."""
_FIGURES = 4


class RedisStandIn:
    """Listens on 127.0.0.1 from construction until :meth:`stop`. ``clock``: by which turns are counted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        self._server: ThreadingTCPServer | None = None
        self._port = 0
        self.start()

    @property
    def url(self) -> Secret:
        """Where it is."""
        return Secret(f"redis://127.0.0.1:{self._port}/0")

    def start(self) -> None:
        """Listen again, where it did before; nothing is remembered."""
        self._store = LocalStore()
        self._server = _Server(("127.0.0.1", self._port), self._talker())
        self._port = int(self._server.server_address[1])
        Thread(target=self._server.serve_forever, args=(0.02,), name="redis-stand-in", daemon=True).start()

    def stop(self) -> None:
        """End at once: every connection breaks, and none is accepted any more."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _talker(self) -> type[StreamRequestHandler]:
        standin = self

        class Talker(StreamRequestHandler):
            def setup(self) -> None:
                super().setup()
                with standin._lock:
                    standin._open.add(self.connection)

            def handle(self) -> None:
                with suppress(OSError, ValueError):  # the other side may go at any time
                    while words := _read(self.rfile.readline, self.rfile.read):
                        self.wfile.write(standin._answer(words))

            def finish(self) -> None:
                with standin._lock:
                    standin._open.discard(self.connection)
                with suppress(OSError):
                    super().finish()

        return Talker

    def _answer(self, words: Sequence[str]) -> bytes:
        match words[0].upper(), *words[1:]:
            case "EVALSHA", digest, count, *rest if digest in _SCRIPTS:
                keys, told = rest[: int(count)], rest[int(count) :]
                rules = list(_rules(keys, told[_OWN:]))
                now_s = float(told[0]) if told[0] else self._clock.moment().monotonic_s
                return _encoded(_SCRIPTS[digest](self._store, rules, told[1], told[2], now_s))
            case "HELLO", version, *_:
                return b"%%1\r\n$5\r\nproto\r\n:%d\r\n" % int(version)
            case "CLIENT" | "SELECT" | "PING", *_:
                return b"+OK\r\n"
            case _:
                return b"-ERR the stand-in does not know this command\r\n"


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def _rules(keys: Sequence[str], told: Sequence[str]) -> Iterator[Rule]:
    """The limits of a call: three keys and four figures each, see :mod:`payport.sdk.limits.script`."""
    figures = (told[at : at + _FIGURES] for at in range(0, len(told), _FIGURES))
    for key, (rate, burst, concurrency, reserve) in zip(keys[::_KEYS], figures, strict=True):
        limit = CallLimit(
            name=key, rate_per_s=float(rate) or None, burst=float(burst), concurrency=int(concurrency) or None
        )
        yield Rule(limit, key, float(reserve))


def _take(store: LocalStore, rules: Sequence[Rule], left: str, lane: str, now_s: float) -> Answer:
    decision = store.take(rules, int(lane) - 1, float(left), now_s)
    if isinstance(decision, Refused):
        return [1, _text(decision.retry_after_s), rules.index(decision.rule) + 1, int(decision.paused)]
    return [2, "0", rules.index(decision.rule) + 1, 0] if isinstance(decision, Full) else [0, _text(decision), 0, 0]


def _release(store: LocalStore, rules: Sequence[Rule], _: str, lane: str, now_s: float) -> Answer:  # noqa: ARG001 - as the others
    store.release(rules, int(lane) - 1)
    return 0


def _slow(store: LocalStore, rules: Sequence[Rule], pause: str, _: str, now_s: float) -> Answer:
    rates: dict[str, str] = {}
    store.slow(rules, float(pause), now_s, lambda rule, rate, _: rates.update({rule.key: _text(rate)}))
    return [rates.get(rule.key, "") for rule in rules]


def _look(store: LocalStore, rules: Sequence[Rule], _: str, __: str, now_s: float) -> Answer:
    return [figure for left in store.look(rules, now_s) for figure in _figures(left)]


def _figures(left: LimitLeft) -> Iterator[str]:
    turns = -1 if left.left is None else left.left
    for value in (left.rate_per_s or 0, turns, left.next_s, left.in_use, left.paused_s):
        yield _text(value)


_SCRIPTS: dict[str, Callable[[LocalStore, Sequence[Rule], str, str, float], Answer]] = {
    hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(): play
    for text, play in ((script.TAKE, _take), (script.RELEASE, _release), (script.SLOW, _slow), (script.LOOK, _look))
}
"""By the digest that Redis would know them by."""


def _text(value: float) -> str:
    return f"{value:.6f}"


def _read(line: Callable[[], bytes], take: Callable[[int], bytes]) -> list[str]:
    """The words of one command; none at the end of the connection."""
    head = line()
    return [take(int(line()[1:]) + 2)[:-2].decode() for _ in range(int(head[1:]))] if head else []


def _encoded(answer: Answer) -> bytes:
    match answer:
        case int():
            return b":%d\r\n" % answer
        case str():
            return b"$%d\r\n%s\r\n" % (len(answer), answer.encode())
        case _:
            return b"*%d\r\n%s" % (len(answer), b"".join(map(_encoded, answer)))
