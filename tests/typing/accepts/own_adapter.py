"""An adapter of one's own, without capture: what it has can be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from payport.schemas.events import RawNotification, Rejected
from payport.schemas.order import Order
from payport.sdk import Gateway
from payport.sdk.adapter import Opened, Plan, Slot
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, Step
from payport.sdk.observation import Observation
from payport.sdk.profile import Profile
from payport.sdk.tls import Trust


@dataclass(frozen=True)
class Wink:
    """This partner's only way to pay."""

    eye: str


class Corner:
    """The shop around the corner takes money and never holds it."""

    partner = "corner"
    account = "corner:1"
    profile = Profile(partner="corner", hosts=frozenset({"corner.example"}), currencies=frozenset({"EUR"}))
    trust: Trust | None = None

    def plan_pay(self, order: Order, method: Wink, slot: Slot) -> Plan:
        """One step."""
        return Plan(steps=())

    def native_payment(self, native: object) -> datetime | None:
        """Its record is a time."""
        return native if isinstance(native, datetime) else None

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        """Never called here."""
        raise NotImplementedError

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        """Never called here."""
        raise NotImplementedError

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        """Never called here."""
        raise NotImplementedError


def sell(gateway: Gateway[Corner], order: Order) -> None:
    """Pay and ask."""
    gateway.pay(order, Wink(eye="left"))
    gateway.query(order.ref)
