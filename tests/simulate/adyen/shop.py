"""A shop at a simulated Adyen: a gateway on a journal that forgets, time that the test moves, and calls by hand."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from payport.adapters.adyen import Adyen, AdyenPaymentMethod
from payport.adapters.adyen.simulator import CARD, AdyenSimulator
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


@dataclass
class Shop:
    """``seals``: whether requests are kept to be repeated."""

    seals: bool = True
    multiple: bool = False
    time: Time = field(default_factory=Time)
    events: list[SdkEvent] = field(default_factory=list[SdkEvent])

    def __post_init__(self) -> None:
        self.partner = AdyenSimulator(clock=self.time, multiple_partial_captures=self.multiple)
        self.wire = RecordingTransport(self.partner.transport())
        self.gateway = self.open()
        self._orders = count(1)
        self._heard = 0

    def open(self, journal: str = "sqlite:///:memory:?durable=no", adapter: Adyen | None = None) -> Gateway[Adyen]:
        """A gateway; by default on a journal of its own."""
        return Gateway(
            adapter or Adyen(self.partner.account),
            journal=journal,
            sealing_key=SEALING_KEY if self.seals else None,
            transport=self.wire,
            sinks=(self.events.append,),
            retry=NOW,
            clock=WorkerClock(self.time, f"shop-{next(_shops)}"),
        )

    def card(self, number: str = CARD, *, holder: str | None = None, **more: Any) -> AdyenPaymentMethod:
        """What the component made of a test card."""
        named = {} if holder is None else {"holderName": holder}
        return AdyenPaymentMethod(data={**self.partner.payer.code(number), **named}, **more)

    def order(self, *, hold: bool = False, amount: Money = EUROS, **more: Any) -> Order:
        """Another one."""
        capture = CaptureMode.MANUAL if hold else CaptureMode.AUTOMATIC
        return Order(ref=f"SHOP{next(self._orders):08d}", amount=amount, subject="Tea", capture=capture, **more)

    def pay(self, method: Any = None, **more: Any) -> tuple[str, Any]:
        """The reference and outcome of another order."""
        order = self.order(**more)
        return order.ref, self.gateway.pay(order, method or self.card())

    def show(self, method: Any, **more: Any) -> tuple[str, Any]:
        """The reference of another order, and what the payer is shown."""
        ref, outcome = self.pay(method, **more)
        assert isinstance(outcome, ActionRequired), outcome
        return ref, outcome.action

    def outcome(self, ref: str) -> Any:
        """How an order stands in the journal."""
        return self.gateway.query(ref).outcome

    def last(self, ref: str, verb: Verb = Verb.PAY) -> Operation:
        """The newest operation of a verb."""
        operations = self.gateway.journal.read(lambda session: session.operations(ref))
        return [operation for operation in operations if operation.verb is verb][-1]

    def facts(self, ref: str, verb: Verb = Verb.PAY) -> tuple[Fact, ...]:
        """What happened to it later."""
        return self.last(ref, verb).facts

    def hear(self) -> list[Any]:
        """Hand over the notices that were not handed over before."""
        self._heard, since = len(self.partner.notices), self._heard
        return [self.gateway.receive(raw) for raw in self.partner.notices[since:]]

    def process(self, *, succeed: bool = True) -> list[Any]:
        """Adyen finishes what it received, and tells."""
        self.partner.process(succeed=succeed)
        return self.hear()

    def charged(self, ref: str) -> int:
        """How often it was charged."""
        return len(self.partner.ledger.charges(starting_with=ref))

    def sent(self, endpoint: str) -> int:
        """How many requests of a kind went out."""
        return sum(request.endpoint == endpoint for request, _ in self.wire.seen)

    def by_hand(
        self, method: str, path: str, node: object = None, *, key: str | None = None, api_key: str | None = None
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """One call with nothing of the library's own sending: status, headers, body."""
        headers = {
            "x-api-key": api_key or self.partner.account.api_key.reveal(),
            "content-type": "application/json",
            **({"idempotency-key": key} if key is not None else {}),
        }
        body = b"" if node is None else json.dumps(node).encode()
        incoming = Incoming(method=method, target=f"/v71{path}", headers=headers, body=body)
        reply = self.partner.handle(incoming).reply
        return reply.status, dict(reply.headers), json.loads(reply.content)
