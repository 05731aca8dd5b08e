"""Stripe's books: every row, the merchant's balance, what time does to them, and the events that follow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from threading import RLock

from payport.adapters.stripe.simulator.calls import Node, Refusal, no_such
from payport.adapters.stripe.simulator.cards import CARDS
from payport.adapters.stripe.simulator.objects import charge_node, intent_node, payout_node, refund_node, session_node
from payport.adapters.stripe.simulator.rows import ChargeRow, IntentRow, LineRow, PayoutRow, RefundRow, SessionRow

HOLD_LIFE = timedelta(days=7)
"""An uncaptured card hold is canceled then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something Stripe tells the merchant about: the record as it was then."""

    kind: str
    record: Node = field(repr=False)
    at: datetime


@dataclass(slots=True, kw_only=True)
class Books:
    """Everything Stripe knows of one account. Hold ``lock`` for every read and change."""

    url: str
    lock: RLock = field(default_factory=RLock)
    intents: dict[str, IntentRow] = field(default_factory=dict[str, IntentRow])
    sessions: dict[str, SessionRow] = field(default_factory=dict[str, SessionRow])
    refunds: dict[str, RefundRow] = field(default_factory=dict[str, RefundRow])
    payouts: dict[str, PayoutRow] = field(default_factory=dict[str, PayoutRow])
    lines: list[LineRow] = field(default_factory=list[LineRow])
    opened: dict[str, int] = field(default_factory=dict[str, int])
    """What the balance held at first, by currency."""
    happenings: list[Happening] = field(default_factory=list[Happening])
    _numbers: int = 0
    _timers: list[tuple[datetime, int, IntentRow | SessionRow]] = field(
        default_factory=list[tuple[datetime, int, IntentRow | SessionRow]]
    )

    def number(self, prefix: str) -> str:
        """A fresh number of Stripe's."""
        self._numbers += 1
        return f"{prefix}_3Sim{self._numbers:020d}"

    def secret(self, number: str) -> str:
        """What the browser confirms an intent with."""
        return f"{number}_secret_{hashlib.sha256(number.encode()).hexdigest()[:25]}"

    def balance(self, currency: str) -> int:
        """What the merchant holds."""
        lines = sum(line.amount - line.fee for line in self.lines if line.currency == currency)
        return self.opened.get(currency, 0) + lines

    def intent(self, number: str) -> IntentRow:
        """An intent. Raises the refusal *no such payment_intent*."""
        row = self.intents.get(number)
        if row is None:
            raise no_such("payment_intent", number, param="intent")
        return row

    def tell(self, kind: str, record: Node, now: datetime) -> None:
        """Note an event."""
        self.happenings.append(Happening(kind=kind, record=record, at=now))

    def tell_intent(self, kind: str, row: IntentRow, now: datetime) -> None:
        """Note an event of an intent."""
        self.tell(f"payment_intent.{kind}", intent_node(row), now)

    def tell_session(self, kind: str, row: SessionRow, now: datetime) -> None:
        """Note an event of a session."""
        self.tell(f"checkout.session.{kind}", session_node(row, self.url), now)

    def drain(self) -> list[Happening]:
        """Take the events that were not told yet."""
        with self.lock:
            told, self.happenings = self.happenings, []
        return told

    def enter(
        self,
        kind: str,
        amount: int,
        currency: str,
        source: str,
        now: datetime,
        *,
        reference: str,
        own: str,
        fee: int = 0,
    ) -> str:
        """Write one line of the balance; answers its number."""
        line = LineRow(
            id=self.number("txn"),
            kind=kind,
            amount=amount,
            fee=fee,
            currency=currency,
            created=now,
            source=source,
            reference=reference,
            own_reference=own,
        )
        self.lines.append(line)
        return line.id

    def charge(self, row: IntentRow, method: str, now: datetime, *, slow: bool = False) -> None:
        """Try to charge or hold; a refusal is noted on the intent and raised."""
        card = CARDS[method]
        row.payment_method, row.next_action = method, None
        charge = ChargeRow(
            id=self.number("ch"),
            amount=row.amount,
            created=int(now.timestamp()),
            payment_method=method,
            paid=card.code is None,
        )
        row.charge = charge
        if card.code is not None:
            raise self.decline(row, charge, now, card.code, card.decline_code, card.message)
        row.last_error = None
        if slow or card.debit:
            row.status = "processing"
            self.tell_intent("processing", row, now)
            return
        self.settle_charge(row, now)

    def settle_charge(self, row: IntentRow, now: datetime) -> None:
        """The money is there: held, or taken."""
        charge = row.charge
        assert charge is not None
        if row.capture_method == "manual":
            row.status, row.capturable, row.held_at = "requires_capture", row.amount, now
            self.wake(now + HOLD_LIFE, row)
            self.tell("charge.succeeded", charge_node(row, charge), now)
            self.tell_intent("amount_capturable_updated", row, now)
            return
        self.take(row, row.amount, now, own=row.reference)
        row.status = "succeeded"
        self.tell("charge.succeeded", charge_node(row, charge), now)
        self.tell_intent("succeeded", row, now)

    def take(self, row: IntentRow, amount: int, now: datetime, *, own: str) -> None:
        """Move money in, once."""
        charge = row.charge
        if charge is None or charge.captured + amount > row.amount:
            raise ValueError(f"{row.id} cannot be charged {amount} more: nobody is ever charged twice")
        charge.captured += amount
        row.received += amount
        fee = amount * 29 // 1000
        charge.transaction = self.enter(
            "charge", amount, row.currency, charge.id, now, reference=row.reference, own=own, fee=fee
        )

    def decline(
        self, row: IntentRow, charge: ChargeRow | None, now: datetime, code: str, decline_code: str | None, message: str
    ) -> Refusal:
        """Note a refusal on the intent; the error shows the intent as it stands."""
        failure: Node = {"type": "card_error", "code": code, "message": message}
        if decline_code is not None:
            failure["decline_code"] = decline_code
        row.status, row.next_action = "requires_payment_method", None
        row.last_error = {**failure, **({"charge": charge.id} if charge is not None else {})}
        if charge is not None:
            charge.failure = failure
            self.tell("charge.failed", charge_node(row, charge), now)
        row.payment_method = None
        self.tell_intent("payment_failed", row, now)
        more = {"decline_code": decline_code} if decline_code is not None else {}
        return Refusal(402, message, kind="card_error", code=code, stored=True, payment_intent=intent_node(row), **more)

    def cancel(self, row: IntentRow, now: datetime, reason: str | None) -> None:
        """End an intent; what it held is let go."""
        if row.charge is not None and row.status == "requires_capture":
            row.charge.released = row.charge.captured == 0
        row.status, row.capturable, row.next_action = "canceled", 0, None
        row.canceled_at, row.cancellation_reason = int(now.timestamp()), reason
        self.tell_intent("canceled", row, now)

    def expire(self, row: SessionRow, now: datetime) -> None:
        """End a page that nobody paid at."""
        row.status = "expired"
        if row.intent is not None and row.intent.status != "canceled":
            self.cancel(row.intent, now, None)
        self.tell_session("expired", row, now)

    def give_back(self, row: RefundRow, now: datetime) -> None:
        """A refund is carried out."""
        row.status = "succeeded"
        row.transaction = self.enter(
            "refund",
            -row.amount,
            row.intent.currency,
            row.id,
            now,
            reference=row.intent.reference,
            own=row.metadata.get("payport_ref", row.id),
        )

    def bounce(self, row: RefundRow, now: datetime) -> None:
        """A refund fails after all: the money is the merchant's again."""
        was_done = row.status == "succeeded"
        row.status, row.failure, row.fails_later = "failed", "expired_or_canceled_card", False
        row.charge.refunded -= row.amount
        if was_done:
            own = row.metadata.get("payport_ref", row.id)
            reference = row.intent.reference
            self.enter("refund_failure", row.amount, row.intent.currency, row.id, now, reference=reference, own=own)
        self.tell("refund.failed", refund_node(row), now)

    def move_payout(self, row: PayoutRow, status: str, now: datetime) -> None:
        """A payout reaches another state; one that fails comes back."""
        row.status = status
        if status in ("failed", "canceled"):
            row.failure = "account_closed" if status == "failed" else None
            own = row.metadata.get("payport_ref", row.id)
            self.enter("payout_failure", row.amount, row.currency, row.id, now, reference=own, own=own)
        self.tell(f"payout.{status}", payout_node(row), now)

    def tick(self, now: datetime) -> None:
        """Let times run out: pages and holds."""
        while self._timers and self._timers[0][0] <= now:
            due, _, row = heappop(self._timers)
            if isinstance(row, SessionRow):
                if row.status == "open":
                    self.expire(row, due)
            elif row.status == "requires_capture":
                self.cancel(row, due, "automatic")

    def wake(self, at: datetime, row: IntentRow | SessionRow) -> None:
        """Look at a row again then: a page that is still open is over, a hold that was not captured is let go."""
        self._numbers += 1
        heappush(self._timers, (at, self._numbers, row))
