"""Transports that call a simulated partner directly: no socket, no TLS, no waiting, the same failures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.testing.faults import Fault, FaultPlan, Manner
from payport.sdk.testing.wire import Handler, Incoming

_LOST = SendFailure(FailureKind.CONNECTION_LOST, may_have_left=True, detail="the connection was reset")

_FAILURES: Mapping[Manner, SendFailure] = MappingProxyType(
    {
        Manner.RESET: _LOST,
        Manner.SILENCE: SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="no answer came in time"),
        Manner.DRIP: SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="the answer came too slowly"),
        Manner.TRUNCATED: SendFailure(FailureKind.UNREADABLE, may_have_left=True, detail="the answer was cut short"),
        Manner.GARBAGE: SendFailure(FailureKind.UNREADABLE, may_have_left=True, detail="the answer is not HTTP"),
    }
)


class InProcessTransport:
    """Sends requests to a simulator's handler in the calling thread.

    A planned fault gives the failure that a real socket would give, at once instead of after the time-out.
    """

    def __init__(self, handler: Handler, faults: FaultPlan) -> None:
        self._handler = handler
        self._faults = faults

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The whole reply, or why there is none."""
        if timeout_s <= 0:
            return SendFailure(FailureKind.DEADLINE, may_have_left=False, detail="time was up before sending")
        if self._faults.take_unread(Fault.RESET_BEFORE_TLS):
            return SendFailure(FailureKind.TLS, may_have_left=False, detail="the connection was reset before TLS")
        if self._faults.certificate_expired:
            return SendFailure(FailureKind.TLS, may_have_left=False, detail="the certificate has expired")
        if self._faults.take_unread(Fault.RESET_BEFORE_READING):
            return _LOST
        delivery = self._handler(_incoming(request))
        if delivery.manner is not Manner.WHOLE:
            return _FAILURES[delivery.manner]
        if len(delivery.reply.content) > request.max_reply_bytes:
            return SendFailure(FailureKind.UNREADABLE, may_have_left=True, detail="the answer is over the cap")
        return delivery.reply

    def close(self) -> None:
        """Nothing is held open."""


class AsyncInProcessTransport:
    """The same for the async gateway. The simulator's own work is done in the calling task."""

    def __init__(self, handler: Handler, faults: FaultPlan) -> None:
        self._transport = InProcessTransport(handler, faults)

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The whole reply, or why there is none."""
        return self._transport.send(request, timeout_s)

    async def aclose(self) -> None:
        """Nothing is held open."""


def _incoming(request: WireRequest) -> Incoming:
    url = urlsplit(request.url)
    return Incoming(
        method=request.method,
        target=f"{url.path or '/'}?{url.query}" if url.query else url.path or "/",
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.content,
    )
