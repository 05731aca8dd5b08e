"""A shop at a simulated Stripe: a gateway on a journal that forgets, time that the test moves, and calls by hand."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from payport.adapters.stripe import Stripe, StripePaymentMethod
from payport.adapters.stripe.forms import encode_form
from payport.adapters.stripe.simulator import StripeSimulator
from payport.schemas import CaptureMode, Money, Order
from payport.schemas.outcome import ActionRequired
from payport.schemas.payment import Fact
from payport.sdk import Gateway, Secret
from payport.sdk.events import SdkEvent
from payport.sdk.journal.records import Operation, Verb
from payport.sdk.retry import RetryPolicy
from payport.sdk.testing import Incoming
from payport.sdk.testing.openapi import RecordingTransport
from payport.sdk.testing.stepping import Time, WorkerClock

SEALING_KEY = Secret(base64.b64encode(bytes(range(32))).decode())
EUROS = Money.of("12.34", "EUR")
NOW = RetryPolicy(base_s=0.0, cap_s=0.0)
_shops = count(1)


def card(number: str = "pm_card_visa", **more: Any) -> StripePaymentMethod:
    """A test payment method."""
    return StripePaymentMethod(payment_method=number, **more)


@dataclass
class Shop:
    """``seals``: whether requests are kept to be repeated."""

    seals: bool = True
    connected: bool = False
    time: Time = field(default_factory=Time)
    events: list[SdkEvent] = field(default_factory=list[SdkEvent])

    def __post_init__(self) -> None:
        self.partner = StripeSimulator(clock=self.time, connected=self.connected)
        self.wire = RecordingTransport(self.partner.transport())
        self.gateway = self.open()
        self._orders = count(1)
        self._keys = count(1)

    def open(self, journal: str = "sqlite:///:memory:?durable=no") -> Gateway[Stripe]:
        """A gateway; by default on a journal of its own."""
        return Gateway(
            Stripe(self.partner.account),
            journal=journal,
            sealing_key=SEALING_KEY if self.seals else None,
            transport=self.wire,
            sinks=(self.events.append,),
            retry=NOW,
            clock=WorkerClock(self.time, f"shop-{next(_shops)}"),
        )

    def order(self, *, hold: bool = False, amount: Money = EUROS, **more: Any) -> Order:
        """Another one."""
        capture = CaptureMode.MANUAL if hold else CaptureMode.AUTOMATIC
        return Order(ref=f"SHOP{next(self._orders):08d}", amount=amount, subject="Tea", capture=capture, **more)

    def pay(self, method: Any = None, **more: Any) -> tuple[str, Any]:
        """The reference and outcome of another order."""
        order = self.order(**more)
        return order.ref, self.gateway.pay(order, method or card())

    def show(self, method: Any, **more: Any) -> tuple[str, Any]:
        """The reference of another order, and what the payer is shown."""
        ref, outcome = self.pay(method, **more)
        assert isinstance(outcome, ActionRequired), outcome
        return ref, outcome.action

    def outcome(self, ref: str) -> Any:
        """How an order stands, once Stripe was asked."""
        return self.gateway.query(ref).outcome

    def last(self, ref: str, verb: Verb = Verb.PAY) -> Operation:
        """The newest operation of a verb."""
        operations = self.gateway.journal.read(lambda session: session.operations(ref))
        return [operation for operation in operations if operation.verb is verb][-1]

    def facts(self, ref: str, verb: Verb = Verb.PAY) -> tuple[Fact, ...]:
        """What happened to it later."""
        return self.last(ref, verb).facts

    def receive_all(self) -> list[Any]:
        """Hand every notice over."""
        return [self.gateway.receive(raw) for raw in self.partner.notices]

    def charged(self, ref: str) -> int:
        """How often it was charged."""
        return len(self.partner.ledger.charges(starting_with=ref))

    def sent(self, endpoint: str) -> int:
        """How many requests of a kind went out."""
        return sum(request.endpoint == endpoint for request, _ in self.wire.seen)

    def by_hand(
        self, method: str, path: str, params: dict[str, Any] | None = None, *, key: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """One call with nothing of the library's own sending: status, headers, body."""
        form = encode_form(params or {})
        told = {
            "authorization": f"Bearer {self.partner.account.secret_key.reveal()}",
            "stripe-version": "2026-05-27.dahlia",
            **({"content-type": "application/x-www-form-urlencoded"} if method == "POST" else {}),
            **({"idempotency-key": key} if key is not None else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        target = f"{path}?{form}" if method == "GET" and form else path
        body = form.encode() if method == "POST" else b""
        reply = self.partner.handle(Incoming(method=method, target=target, headers=told, body=body)).reply
        return reply.status, dict(reply.headers), json.loads(reply.content)
