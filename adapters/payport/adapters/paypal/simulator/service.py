"""PayPal's API: from a request to an answer, with idempotency and the planned fault in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from payport.adapters.paypal.simulator import orders, payments, payouts, reports
from payport.adapters.paypal.simulator.calls import Answer, Call, Refusal
from payport.adapters.paypal.simulator.door import CERTIFICATE, TOKEN, Door, api, route, window
from payport.adapters.paypal.simulator.misdeeds import DENIED, FOREIGN, alter, refusal_of
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault, FaultPlan
from payport.sdk.testing.mishaps import Mishaps
from payport.sdk.testing.wire import Delivery, Incoming

if TYPE_CHECKING:
    from payport.adapters.paypal.simulator.books import Books
    from payport.adapters.paypal.simulator.keys import Chain

Handler: TypeAlias = "Callable[[Books, Call], Answer]"

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "orders.create": orders.create,
        "orders.get": orders.show,
        "orders.capture": orders.capture,
        "orders.authorize": orders.authorize,
        "authorizations.get": payments.show_hold,
        "authorizations.capture": payments.capture,
        "authorizations.reauthorize": payments.reauthorize,
        "authorizations.void": payments.void,
        "captures.get": payments.show_capture,
        "captures.refund": payments.refund,
        "refunds.get": payments.show_refund,
        "payouts.post": payouts.create,
        "payouts.get": payouts.show,
        "payouts-item.get": payouts.show_item,
        "payouts-item.cancel": payouts.cancel_item,
        "search.get": reports.transactions,
        "balances.get": reports.balances,
    }
)
_JSON = (("content-type", "application/json"),)


@dataclass(slots=True)
class Known:
    """What a request id stands for: the first request's outcome, shown as it stands by now."""

    until: datetime
    outcome: Answer | Refusal


@dataclass(slots=True, kw_only=True)
class Service:
    """The API of one simulated PayPal. ``clock`` is the true time, ``now`` the partner's (it can be advanced)."""

    books: Books
    door: Door
    faults: FaultPlan
    clock: Callable[[], datetime]
    chains: dict[str, Chain]
    serial: str
    on_commit: Callable[[str], None] | None = None
    advanced: timedelta = timedelta(0)
    _known: dict[tuple[str, str], Known] = field(default_factory=dict[tuple[str, str], Known])
    _debug: Callable[[], int] = field(default_factory=lambda: count(1).__next__)
    _mishaps: Mishaps[Incoming] = field(init=False)

    def __post_init__(self) -> None:
        self._mishaps = Mishaps(self.faults, self.now)

    def now(self) -> datetime:
        """The partner's time."""
        return self.clock() + self.advanced

    def handle(self, incoming: Incoming) -> Delivery | None:
        """Answer one request, or misbehave as planned; ``None`` for a page of the checkout."""
        found = route(incoming.method, incoming.path)
        if found is None:
            return None
        self.settle()
        endpoint, number = found
        return self._mishaps.around(endpoint, incoming, lambda fault: self._said(incoming, endpoint, number, fault))

    def forget(self) -> None:
        """Recognise no repetition of what was asked until now."""
        with self.books.lock:
            self._known.clear()

    def settle(self) -> None:
        """Let requests that were on their way arrive, and times run out."""
        now = self.now()
        for late in self._mishaps.arrived():
            found = route(late.request.method, late.request.path)
            if found is not None and found[0] in HANDLERS:
                try:
                    self._perform(late.request, *found, late.due, slow=False)
                except Refusal:
                    continue  # nobody is listening any more
        with self.books.lock:
            for row in self.books.tick(now):
                payouts.move_on(self.books, row, "RETURNED", self.call())

    def call(self) -> Call:
        """What PayPal does by itself, now."""
        return Call(endpoint="", number="", query={}, body={}, request_id=None, now=self.now())

    def _said(self, incoming: Incoming, endpoint: str, number: str, fault: Fault | None) -> WireReply:
        """The API's answer, or that of somebody in front of it."""
        if fault is Fault.FOREIGN_CHARSET:
            return FOREIGN
        if fault is Fault.UNSIGNED_ERROR:
            return DENIED
        answered = self._answer(incoming, endpoint, number, fault)
        return DENIED if fault is Fault.COMMIT_THEN_UNSIGNED_ERROR else answered

    def _answer(self, incoming: Incoming, endpoint: str, number: str, fault: Fault | None) -> WireReply:
        try:
            if fault is not None and not fault.commits:
                raise refusal_of(fault)
            if endpoint == TOKEN:
                return self._token(incoming)
            if endpoint == CERTIFICATE:
                return self._certificate(number)
            slow = fault is Fault.SLOW_PROCESSING
            status, node = self._perform(incoming, endpoint, number, self.now(), slow=slow)
            if self.on_commit is not None:
                self.on_commit(endpoint)
            if fault is Fault.COMMIT_THEN_SYSTEM_ERROR:
                raise refusal_of(fault)
        except Refusal as refusal:
            return self._refuse(refusal, fault)
        shown = alter(fault, node)
        if incoming.method == "POST" and incoming.headers.get("prefer") != "return=representation":
            kept = ("id", "status", "links", "batch_header", "payment_source")
            shown = {name: value for name, value in shown.items() if name in kept}
            if endpoint == "authorizations.void":
                return WireReply(204, (), b"")
        return WireReply(status, (*_JSON, ("paypal-debug-id", self._debug_id())), json.dumps(shown).encode())

    def _perform(
        self, incoming: Incoming, endpoint: str, number: str, now: datetime, *, slow: bool
    ) -> tuple[int, Mapping[str, object]]:
        """Carry a request out, or show what became of it when its id was there before. Raises the refusal."""
        call = self.door.admit(incoming, endpoint, number, now, slow=slow)
        with self.books.lock:
            self.books.tick(now)
            if call.request_id is None or incoming.method != "POST":
                answer = HANDLERS[endpoint](self.books, call)
                return answer.status, answer.shows()
            key = (api(incoming.path), call.request_id)
            known = self._known.get(key)
            if known is not None and now < known.until:
                if isinstance(known.outcome, Refusal):
                    raise known.outcome
                # 200 for a repetition of what answered 201 (Payments and Payouts keep 201)
                again = 200 if key[0] == "/v2/checkout" else known.outcome.status
                return again, known.outcome.shows()
            until = now + window(incoming.path)
            try:
                answer = HANDLERS[endpoint](self.books, call)
            except Refusal as refusal:
                if refusal.status == 422:
                    self._known[key] = Known(until, refusal)
                raise
            self._known[key] = Known(until, answer)
            return answer.status, answer.shows()

    def _token(self, incoming: Incoming) -> WireReply:
        try:
            given = self.door.give_token(incoming, self.now())
        except PermissionError as error:
            told = {"error": str(error), "error_description": "Client Authentication failed"}
            return WireReply(401, _JSON, json.dumps(told).encode())
        return WireReply(200, _JSON, json.dumps(given).encode())

    def _certificate(self, serial: str) -> WireReply:
        found = self.chains.get(serial)
        if found is None:
            return WireReply(404, (), b"")
        return WireReply(200, (("content-type", "application/x-pem-file"),), found.leaf.encode())

    def _refuse(self, refusal: Refusal, fault: Fault | None) -> WireReply:
        debug_id = self._debug_id()
        node: dict[str, object] = {"name": refusal.name, "message": refusal.description, "debug_id": debug_id}
        if refusal.issue:
            detail = {"issue": refusal.issue, "description": refusal.description}
            if refusal.field_name is not None:
                detail |= {"field": refusal.field_name, "location": "body"}
            node["details"] = [detail]
        methods = {"self": "GET"}
        node["links"] = [
            {"href": href, "rel": rel, "method": methods.get(rel, "GET")} for rel, href in refusal.links.items()
        ]
        if fault is Fault.UNKNOWN_STATUS:
            node["name"] = "IN_LIMBO"
        waiting = (("retry-after", "1"),) if refusal.status == 429 else ()
        headers = (*_JSON, ("paypal-debug-id", debug_id), *waiting)
        return WireReply(refusal.status, headers, json.dumps(node).encode())

    def _debug_id(self) -> str:
        return f"f{self._debug():012x}"
