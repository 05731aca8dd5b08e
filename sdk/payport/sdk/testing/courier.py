"""Delivers a simulated partner's notices in the background: to a function, or over HTTP on this machine."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread
from typing import TypeAlias
from urllib.parse import urlsplit

from payport.schemas.events import Acknowledgement, RawNotification

Receiver: TypeAlias = Callable[[RawNotification], Acknowledgement]

RESEND_AFTER_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Partners resend for hours or days, some eight times: as many times, but sooner."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice on its way. ``sign`` makes the bytes anew for every try: the time changes, the event's id does not.

    ``address``: where the merchant wants it posted, ``None`` when nowhere.
    """

    sign: Callable[[], RawNotification] = field(repr=False)
    address: str | None


class Courier:
    """One background thread that delivers until a letter is accepted or the tries are used up.

    ``accepts``: whether the partner takes this answer for an acknowledgement. ``authority``: PEM of whom to trust when
    posting over TLS.
    """

    def __init__(
        self, accepts: Callable[[Acknowledgement], bool], *, resend_after_s: Sequence[float] = RESEND_AFTER_S
    ) -> None:
        self.authority: str | None = None
        self._accepts = accepts
        self._resend_after_s = resend_after_s
        self._receiver: Receiver | None = None
        self._queue: SimpleQueue[Letter] = SimpleQueue()
        self._stopped = Event()
        self._idle = Condition()
        self._open = 0
        self._thread: Thread | None = None

    def deliver_to(self, receiver: Receiver | None) -> None:
        """Hand every letter to ``receiver`` from now on, instead of posting it."""
        self._receiver = receiver

    def take(self, letter: Letter) -> None:
        """Deliver one letter, when there is anywhere to deliver it to."""
        if self._receiver is None and not _is_here(letter.address):
            return
        with self._idle:
            self._open += 1
            if self._thread is None:
                self._thread = Thread(target=self._run, name="simulator-courier", daemon=True)
                self._thread.start()
        self._queue.put(letter)

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
                letter = self._queue.get(timeout=0.05)
            except Empty:
                continue
            self._insist(letter)
            with self._idle:
                self._open -= 1
                self._idle.notify_all()

    def _insist(self, letter: Letter) -> None:
        for wait_s in (*self._resend_after_s, 0.0):
            if self._accepted(letter) or self._stopped.wait(wait_s):
                return

    def _accepted(self, letter: Letter) -> bool:
        raw, receiver = letter.sign(), self._receiver
        try:
            answer = receiver(raw) if receiver is not None else self._post(letter.address or "", raw)
        except Exception:  # noqa: BLE001 - whatever the receiver's fault is, the partner sees only that it did not accept
            return False
        return self._accepts(answer)

    def _post(self, address: str, raw: RawNotification) -> Acknowledgement:
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
            return Acknowledgement(
                status=answer.status, content_type=answer.getheader("content-type", ""), body=answer.read(1024)
            )
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
