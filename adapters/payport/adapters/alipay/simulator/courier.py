"""Delivers notices in the background: to a function, or over HTTP to an address on this machine."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread
from typing import TypeAlias
from urllib.parse import urlsplit

from payport.adapters.alipay.simulator.notices import Notice
from payport.schemas.events import Acknowledgement, RawNotification

Receiver: TypeAlias = Callable[[RawNotification], Acknowledgement]

RESEND_AFTER_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Alipay resends after 4 m, 10 m, 10 m, 1 h, 2 h, 6 h and 15 h: as many times, but sooner."""


class Courier:
    """One background thread that delivers until the answer is exactly ``success`` or the tries are used up.

    ``sign`` makes the bytes anew for every try, as Alipay does: the time changes, the id does not.
    ``authority``: PEM of whom to trust when posting over TLS.
    """

    def __init__(
        self, sign: Callable[[Notice], RawNotification], *, resend_after_s: Sequence[float] = RESEND_AFTER_S
    ) -> None:
        self._sign = sign
        self.authority: str | None = None
        self._resend_after_s = resend_after_s
        self._receiver: Receiver | None = None
        self._queue: SimpleQueue[Notice] = SimpleQueue()
        self._stopped = Event()
        self._idle = Condition()
        self._open = 0
        self._thread: Thread | None = None

    def deliver_to(self, receiver: Receiver | None) -> None:
        """Hand every notice to ``receiver`` from now on, instead of posting it."""
        self._receiver = receiver

    def take(self, notice: Notice) -> None:
        """Deliver one notice, when there is anywhere to deliver it to."""
        if self._receiver is None and not _is_here(notice.happening.notify_url):
            return
        with self._idle:
            self._open += 1
            if self._thread is None:
                self._thread = Thread(target=self._run, name="alipay-simulator-courier", daemon=True)
                self._thread.start()
        self._queue.put(notice)

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is left to deliver; false when time was up first."""
        with self._idle:
            return self._idle.wait_for(lambda: self._open == 0, timeout_s)

    def stop(self) -> None:
        """Stop delivering. What was not delivered is forgotten."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                notice = self._queue.get(timeout=0.05)
            except Empty:
                continue
            self._insist(notice)
            with self._idle:
                self._open -= 1
                self._idle.notify_all()

    def _insist(self, notice: Notice) -> None:
        for wait_s in (*self._resend_after_s, 0.0):
            if self._accepted(notice) or self._stopped.wait(wait_s):
                return

    def _accepted(self, notice: Notice) -> bool:
        raw, receiver = self._sign(notice), self._receiver
        try:
            if receiver is not None:
                answer = receiver(raw)
                return (answer.status, answer.body) == (200, b"success")
            return self._post(notice.happening.notify_url or "", raw)
        except Exception:  # noqa: BLE001 - whatever the receiver's fault is, Alipay sees only that it was not accepted
            return False

    def _post(self, address: str, raw: RawNotification) -> bool:
        url = urlsplit(address)
        host = url.hostname or ""
        if url.scheme == "https":
            context = ssl.create_default_context(cadata=self.authority)
            link: http.client.HTTPConnection = http.client.HTTPSConnection(host, url.port, timeout=5, context=context)
        else:
            link = http.client.HTTPConnection(host, url.port, timeout=5)
        try:
            path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
            link.request("POST", path, body=raw.body, headers=dict(raw.headers))
            answer = link.getresponse()
            return (answer.status, answer.read(1024)) == (200, b"success")
        finally:
            link.close()


def _is_here(address: str | None) -> bool:
    host = urlsplit(address).hostname if address else None
    if host is None or host == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
