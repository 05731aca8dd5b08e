"""The partner's books, looked at while the schedule goes on: each change is written down when it is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from payport.schemas.money import Money
from payport.sdk.testing.simulated import KeepsHolds, KeepsTransfers, SimulatedLedger, reference_of
from payport.sdk.testing.world.history import Booked, Books
from payport.sdk.testing.world.stage import Stage


class _Seen(NamedTuple):
    kind: str
    reference: str
    amount: Money
    status: str


@dataclass(slots=True)
class Bookkeeper:
    """Reads a ledger again and again. Lines are only added to it, or change where they stand."""

    stage: Stage
    ledger: SimulatedLedger
    _seen: list[list[_Seen]] = field(default_factory=lambda: [[], [], [], []])

    def look(self) -> None:
        """Write down what is new."""
        ledger = self.ledger
        holds = ledger.holds() if isinstance(ledger, KeepsHolds) else ()
        transfers = ledger.transfers() if isinstance(ledger, KeepsTransfers) else ()
        now = [
            [_Seen("charge", reference_of(row), row.amount, "") for row in ledger.charges()],
            [_Seen("refund", reference_of(row), row.amount, "") for row in ledger.refunds()],
            [_Seen("hold", reference_of(row), row.rest, "") for row in holds],
            [_Seen("transfer", reference_of(row), row.amount, str(row.status)) for row in transfers],
        ]
        if now != self._seen:
            self._compare(now)
            self._seen = now

    def _compare(self, now: list[list[_Seen]]) -> None:
        for old, new in zip(self._seen, now, strict=True):
            left = list(old)
            for line in new:
                if line in left:
                    left.remove(line)
                else:
                    self.stage.note(
                        Booked(
                            at=self.stage.elapsed, kind=line.kind, reference=line.reference, amount=line.amount,
                            status=line.status,
                        )
                    )  # fmt: skip

    def close(self) -> Books:
        """The books as they stand."""
        self.look()
        ledger = self.ledger
        return Books(
            charged=tuple(ledger.charges()),
            given_back=tuple(ledger.refunds()),
            held=tuple(ledger.holds()) if isinstance(ledger, KeepsHolds) else (),
            sent=tuple(ledger.transfers()) if isinstance(ledger, KeepsTransfers) else (),
        )
