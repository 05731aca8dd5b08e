"""The API: from a request to its answer, with the planned fault in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from payport.adapters.stripe.account import API_VERSION
from payport.adapters.stripe.simulator import intents, others
from payport.adapters.stripe.simulator.books import Books
from payport.adapters.stripe.simulator.calls import Call, Node, Refusal
from payport.adapters.stripe.simulator.gate import Gate, Keys, name_of
from payport.adapters.stripe.simulator.misdeeds import (
    BLOCKED,
    BLOCKS,
    SYSTEM_ERRORS,
    altered,
    refusal_of,
    system_error,
)
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault, FaultPlan
from payport.sdk.testing.mishaps import Mishaps
from payport.sdk.testing.wire import Delivery, Incoming

HANDLERS: dict[str, Callable[[Books, Call], Node]] = {
    "payment_intents.create": intents.create,
    "payment_intents.retrieve": intents.retrieve,
    "payment_intents.confirm": intents.confirm,
    "payment_intents.capture": intents.capture,
    "payment_intents.cancel": intents.cancel,
    "payment_intents.list": intents.listed,
    "checkout.sessions.create": others.create_session,
    "checkout.sessions.retrieve": others.retrieve_session,
    "checkout.sessions.list": others.list_sessions,
    "checkout.sessions.expire": others.expire_session,
    "refunds.create": others.create_refund,
    "refunds.retrieve": others.retrieve_refund,
    "refunds.list": others.list_refunds,
    "payouts.create": others.create_payout,
    "payouts.retrieve": others.retrieve_payout,
    "payouts.list": others.list_payouts,
    "charges.retrieve": others.retrieve_charge,
    "balance.retrieve": others.balance,
    "balance_transactions.retrieve": others.retrieve_line,
    "balance_transactions.list": others.list_lines,
}


@dataclass(slots=True, kw_only=True)
class Service:
    """The API of one simulated Stripe. ``clock`` is the true time, ``now`` the partner's (it can be advanced).

    ``search_lag``: how long a new intent takes to be found. ``events``: answers the calls for events.
    """

    books: Books
    gate: Gate
    faults: FaultPlan
    clock: Callable[[], datetime]
    events: Callable[[Call], Node]
    keys: Keys = field(default_factory=Keys)
    search_lag: timedelta = timedelta(seconds=30)
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
        if fault in BLOCKS and not fault.commits:
            return BLOCKED
        reply = self.answer(incoming, self.now(), fault)
        if fault in BLOCKS:
            return BLOCKED
        return altered(reply, fault) if reply.status < 500 else reply

    def answer(self, incoming: Incoming, now: datetime, fault: Fault | None = None) -> WireReply:
        """Let one request through the gate, look its key up, carry it out, keep the answer."""
        key = incoming.headers.get("idempotency-key") if incoming.method == "POST" else None
        try:
            refused = None if fault is None else refusal_of(fault)
            if refused is not None:
                raise refused
            call = self.gate.admit(incoming, now, slow=fault is Fault.SLOW_PROCESSING)
            before = self.keys.begin(key, incoming, now)
        except Refusal as refusal:
            return self._reply(refusal.status, refusal.node, key, refusal.advice)
        if before is not None:
            return WireReply(before.status, (*before.headers, ("idempotent-replayed", "true")), before.content)
        reply, kept = self._carry_out(call, key, fault)
        self.keys.end(key, reply if kept else None)
        return reply

    def _carry_out(self, call: Call, key: str | None, fault: Fault | None) -> tuple[WireReply, bool]:
        """The answer, and whether it is kept under its key."""
        if fault is not None and fault in SYSTEM_ERRORS and not fault.commits:
            return system_error(fault), True
        try:
            with self.books.lock:
                self.books.tick(call.now)
                node = self._handle(call)
            reply = self._reply(200, node, key)
        except Refusal as refusal:
            if not refusal.stored:
                return self._reply(refusal.status, refusal.node, key), False
            reply = self._reply(refusal.status, refusal.node, key)
        if self.on_commit is not None:
            self.on_commit(call.name)
        if fault is not None and fault in SYSTEM_ERRORS:
            return system_error(fault), True
        return reply, True

    def _handle(self, call: Call) -> Node:
        if call.name == "payment_intents.search":
            return intents.search(self.books, call, self.search_lag)
        if call.name.startswith("events."):
            return self.events(call)
        handler = HANDLERS.get(call.name)
        if handler is None:
            raise Refusal(404, f"{call.name} is not simulated")
        return handler(self.books, call)

    def _reply(self, status: int, node: Node, key: str | None, advice: str | None = None) -> WireReply:
        headers = [
            ("content-type", "application/json"),
            ("request-id", "req_simulator"),
            ("stripe-version", API_VERSION),
        ]
        if key is not None:
            headers.append(("idempotency-key", key))
        if advice is not None:
            headers.append(("stripe-should-retry", advice))
        return WireReply(status, tuple(headers), json.dumps(node).encode())
