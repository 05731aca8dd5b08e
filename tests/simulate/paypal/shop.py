"""A shop that takes PayPal: one gateway, one simulated PayPal, one journal, and time that moves when it is moved."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

from payport.adapters.paypal import PayPal, PayPalMethod
from payport.adapters.paypal.simulator import PayPalSimulator, Visit, Wallet
from payport.adapters.paypal.wire import PayPalOrder
from payport.schemas import (
    ActionRequired,
    CaptureMode,
    CompletionMode,
    HostedPage,
    Money,
    Order,
    PayOutcome,
    Redirect,
)
from payport.sdk import Gateway, Journal, RetryPolicy, Secret
from payport.sdk.events import SdkEvent
from payport.sdk.journal.records import Operation, Verb
from payport.sdk.testing.stepping import Time, WorkerClock
from payport.sdk.transport import Transport

SEALING_KEY = Secret(base64.b64encode(bytes(range(32))).decode())
PRICE = Money.of("12.34", "USD")
Outcome = PayOutcome[PayPalOrder]


@dataclass
class Shop:
    """``folder``: where the journal lies."""

    folder: Path
    time: Time = field(default_factory=Time)
    events: list[SdkEvent] = field(default_factory=list[SdkEvent])

    def __post_init__(self) -> None:
        self.partner = PayPalSimulator(clock=self.time)
        self.journal = Journal.open(f"sqlite:///{self.folder / 'payments.db'}", sealing_key=SEALING_KEY)
        self.adapter = PayPal(self.partner.account)
        self.gateway = self.open(self.adapter)

    def open(self, adapter: PayPal, name: str = "worker", transport: Transport | None = None) -> Gateway[PayPal]:
        """Another worker's gateway. ``transport``: another way to PayPal than the simulator's own."""
        return Gateway(
            adapter,
            journal=self.journal,
            transport=transport or self.partner.transport(),
            sinks=(self.events.append,),
            retry=RetryPolicy(base_s=0.0, cap_s=0.0),
            clock=WorkerClock(self.time, name),
        )

    def beside(self) -> Shop:
        """Another shop of the same merchant, with a journal of its own. Close that journal yourself."""
        folder = self.folder / "beside"
        folder.mkdir()
        other = Shop(folder, self.time)
        other.partner.close()
        other.partner = self.partner
        other.gateway = other.open(self.adapter)
        return other

    def close(self) -> None:
        """End of the day."""
        self.gateway.close()
        self.journal.close()
        self.partner.close()

    def pay(
        self,
        ref: str,
        method: PayPalMethod | None = None,
        *,
        amount: Money = PRICE,
        hold: bool = False,
        automatic: bool = False,
    ) -> Outcome:
        """Ask for money."""
        order = Order(
            ref=ref,
            amount=amount,
            subject="Tea",
            capture=CaptureMode.MANUAL if hold else CaptureMode.AUTOMATIC,
            complete=CompletionMode.AUTOMATIC if automatic else CompletionMode.MANUAL,
        )
        return self.gateway.pay(order, method or HostedPage(), deadline_s=1.0)

    def page(self, ref: str, *, amount: Money = PRICE, hold: bool = False, automatic: bool = False) -> Redirect:
        """Where the payer is sent."""
        outcome = self.pay(ref, amount=amount, hold=hold, automatic=automatic)
        assert isinstance(outcome, ActionRequired), outcome
        assert isinstance(outcome.action, Redirect)
        return outcome.action

    def approved(self, ref: str, wallet: Wallet = Wallet.PAYS, *, amount: Money = PRICE, hold: bool = False) -> Visit:
        """The payer was there, and said yes."""
        return self.partner.payer.open(self.page(ref, amount=amount, hold=hold), wallet)

    def sell(self, ref: str, wallet: Wallet = Wallet.PAYS, *, amount: Money = PRICE, hold: bool = False) -> Outcome:
        """The payer said yes, came back, and the order was captured (or held)."""
        visit = self.approved(ref, wallet, amount=amount, hold=hold)
        return self.gateway.complete(ref, visit.returned, deadline_s=1.0)

    def last(self, ref: str, verb: Verb = Verb.PAY) -> Operation:
        """The newest operation of a verb."""
        found = self.journal.read(lambda session: session.operations(ref))
        return [operation for operation in found if operation.verb is verb][-1]

    def charges(self, ref: str) -> list[Money]:
        """What the payer was charged for an order."""
        return [charge.amount for charge in self.partner.ledger.charges(starting_with=ref)]

    def receive_all(self) -> None:
        """Hand over every event that was told so far."""
        for raw in list(self.partner.notices):
            self.gateway.receive(raw)
