"""How a request reaches the partner: one method, that answers a reply or says exactly why there is none.

This package imports nothing heavy by itself; ``payport.sdk.transport.http`` does, and is loaded with the first gateway
that sends.
"""

from __future__ import annotations

from typing import Protocol

from payport.sdk.message import SendFailure, WireReply, WireRequest


class Transport(Protocol):
    """Sends requests one by one; safe to share between threads."""

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The whole reply, or why there is none. ``timeout_s`` bounds everything: queue, connect, TLS, write, read.

        Never raises for what the network or the partner did, and never sends a request twice.
        """
        ...

    def close(self) -> None:
        """Close every idle connection; later requests are refused. Requests in flight end by themselves."""
        ...


class AsyncTransport(Protocol):
    """Sends requests one by one under asyncio or trio; safe to share between tasks, event loops and threads."""

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """The whole reply, or why there is none. ``timeout_s`` bounds everything: queue, connect, TLS, write, read.

        Never raises for what the network or the partner did, and never sends a request twice.
        """
        ...

    async def aclose(self) -> None:
        """Close every idle connection; later requests are refused. Requests in flight end by themselves."""
        ...
