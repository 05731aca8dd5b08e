"""What is planned to go wrong with one request that a partner has read, and requests that are still on their way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Lock
from typing import Generic, TypeVar

from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault, FaultPlan, Manner
from payport.sdk.testing.wire import NOTHING, Delivery

RequestT = TypeVar("RequestT")

BAD_GATEWAY = WireReply(
    502,
    (("content-type", "text/html"),),
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n",
)


@dataclass(frozen=True, slots=True)
class Late(Generic[RequestT]):
    """A request that was still on its way, and when it arrived."""

    due: datetime
    request: RequestT


class Mishaps(Generic[RequestT]):
    """Plays the faults that look alike at every partner: silence, a lost connection, a gateway's page, a late arrival.

    Answers carry the partner's time in ``Date``. ``now``: the partner's time. Safe to use from many threads.
    """

    def __init__(self, faults: FaultPlan, now: Callable[[], datetime]) -> None:
        self._faults = faults
        self._now = now
        self._lock = Lock()
        self._late: list[Late[RequestT]] = []

    def around(self, endpoint: str, request: RequestT, answer: Callable[[Fault | None], WireReply]) -> Delivery:
        """The answer to a request and how it travels, with the fault that is due at this endpoint.

        ``answer`` carries the request out, unless it is told of a fault that does not commit: then it says, in the
        partner's own words, why not. It is not called where nothing is carried out and nothing said.
        """
        planned = self._faults.take(endpoint)
        if planned is None:
            return Delivery(self._dated(answer(None)))
        fault = planned.fault
        if fault is Fault.LATE_ARRIVAL:
            with self._lock:
                self._late.append(Late(self._now() + timedelta(seconds=planned.delay_s), request))
        if not fault.commits and fault.manner is not Manner.WHOLE:
            return Delivery(NOTHING, fault.manner)
        if fault is Fault.BAD_GATEWAY:
            return Delivery(BAD_GATEWAY)
        reply = self._dated(answer(fault))
        return Delivery(BAD_GATEWAY if fault is Fault.COMMIT_THEN_BAD_GATEWAY else reply, fault.manner)

    def _dated(self, reply: WireReply) -> WireReply:
        date = format_datetime(self._now().astimezone(UTC), usegmt=True)
        return WireReply(reply.status, (*reply.headers, ("date", date)), reply.content)

    def arrived(self) -> list[Late[RequestT]]:
        """The requests that have arrived by now, each told once, in the order in which they did."""
        now = self._now()
        with self._lock:
            due = sorted((late for late in self._late if late.due <= now), key=lambda late: late.due)
            self._late = [late for late in self._late if late.due > now]
        return due
