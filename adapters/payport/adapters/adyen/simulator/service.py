"""Carries requests out: the gate, idempotency keys, the handlers, and faults on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from payport.adapters.adyen.simulator import checkout, modifications
from payport.adapters.adyen.simulator.books import Books
from payport.adapters.adyen.simulator.gate import Gate, Keys, Refusal, Request, name_of
from payport.adapters.adyen.simulator.misdeeds import (
    BLOCKED,
    BLOCKS,
    altered,
    final_error,
    foreign_charset,
    refusal_of,
)
from payport.adapters.adyen.simulator.rows import Node
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault, FaultPlan
from payport.sdk.testing.mishaps import Mishaps
from payport.sdk.testing.wire import Delivery, Incoming

HANDLERS: dict[str, tuple[int, Callable[[Books, Request], Node]]] = {
    "payments": (200, checkout.payments),
    "payments.details": (200, checkout.details),
    "paymentMethods": (200, checkout.payment_methods),
    "paymentLinks": (201, checkout.make_link),
    "paymentLinks.get": (200, checkout.get_link),
    "paymentLinks.expire": (200, checkout.expire_link),
    "sessions": (201, checkout.make_session),
    "sessions.get": (200, checkout.get_session),
    "payments.captures": (201, modifications.receive),
    "payments.cancels": (201, modifications.receive),
    "payments.refunds": (201, modifications.receive),
    "payments.reversals": (201, modifications.receive),
    "cancels": (201, modifications.cancel_by_reference),
}
"""By the call's name: the status of success, and what carries it out."""


@dataclass(slots=True, kw_only=True)
class Service:
    """The API of one simulated Adyen. ``clock`` is the true time, ``now`` the partner's (it can be advanced)."""

    books: Books
    gate: Gate
    faults: FaultPlan
    clock: Callable[[], datetime]
    keys: Keys = field(default_factory=Keys)
    on_commit: Callable[[str], None] | None = None
    advanced: timedelta = timedelta(0)
    _mishaps: Mishaps[Incoming] = field(init=False)

    def __post_init__(self) -> None:
        self._mishaps = Mishaps(self.faults, self.now)

    def now(self) -> datetime:
        """The partner's time."""
        return self.clock() + self.advanced

    def handle(self, incoming: Incoming) -> Delivery:
        """Answer one request, or misbehave as planned."""
        self.settle()
        return self._mishaps.around(name_of(incoming)[0], incoming, lambda fault: self._said(incoming, fault))

    def settle(self) -> None:
        """Let requests that were on their way arrive, and times run out."""
        now = self.now()
        for late in self._mishaps.arrived():
            self.answer(late.request, late.due)
        with self.books.lock:
            self.books.tick(now)

    def _said(self, incoming: Incoming, fault: Fault | None) -> WireReply:
        """The API's answer, or that of somebody in front of it."""
        if fault is None:
            return self.answer(incoming, self.now())
        if fault is Fault.UNSIGNED_ERROR:
            return BLOCKED
        if fault is Fault.FOREIGN_CHARSET:
            return foreign_charset()
        reply = self.answer(incoming, self.now(), fault)
        return BLOCKED if fault in BLOCKS else altered(reply, fault)

    def answer(self, incoming: Incoming, now: datetime, fault: Fault | None = None) -> WireReply:
        """Let one request through the gate, look its key up, carry it out, keep the answer."""
        key = incoming.headers.get("idempotency-key") if incoming.method == "POST" else None
        try:
            refused = None if fault is None else refusal_of(fault)
            if refused is not None:
                raise refused
            request = self.gate.admit(incoming, now, slow=fault is Fault.SLOW_PROCESSING)
            before = self.keys.begin(key, now)
        except Refusal as refusal:
            return self._refused(refusal, key)
        if before is not None:
            return before
        reply, kept = self._carry_out(request, key)
        if kept and fault is Fault.COMMIT_THEN_SYSTEM_ERROR:
            reply = final_error()
        self.keys.end(key, reply if kept else None)
        return reply

    def _carry_out(self, request: Request, key: str | None) -> tuple[WireReply, bool]:
        """The answer, and whether it is kept under its key."""
        found = HANDLERS.get(request.name)
        if found is None:
            refusal = Refusal(404, "000", f"{request.name} is not simulated", kind="security")
            return self._refused(refusal, key), False
        status, handler = found
        try:
            with self.books.lock:
                self.books.tick(request.now)
                node = handler(self.books, request)
        except Refusal as refusal:
            return self._refused(refusal, key), False
        if self.on_commit is not None:
            self.on_commit(request.name)
        return self._reply(status, node, key), True

    def _refused(self, refusal: Refusal, key: str | None) -> WireReply:
        transient = (("transient-error", "true"),) if refusal.transient else ()
        reply = self._reply(refusal.status, refusal.node, key)
        return WireReply(reply.status, (*reply.headers, *transient), reply.content)

    def _reply(self, status: int, node: Node, key: str | None) -> WireReply:
        headers = [("content-type", "application/json")]
        if key is not None:
            headers.append(("idempotency-key", key))
        return WireReply(status, tuple(headers), json.dumps(node).encode())
