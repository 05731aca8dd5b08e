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
    last: str = ""
    """The kind of the newest line."""
    _seen: list[list[_Seen]] = field(default_factory=lambda: [[], [], [], []])
    _holds: KeepsHolds | None = field(init=False)
    _transfers: KeepsTransfers | None = field(init=False)

    def __post_init__(self) -> None:
        self._holds = self.ledger if isinstance(self.ledger, KeepsHolds) else None
        self._transfers = self.ledger if isinstance(self.ledger, KeepsTransfers) else None

    def look(self) -> None:
        """Write down what is new."""
        ledger = self.ledger
        holds = () if self._holds is None else self._holds.holds()
        transfers = () if self._transfers is None else self._transfers.transfers()
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
                    self.last = line.kind
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
            held=() if self._holds is None else tuple(self._holds.holds()),
            sent=() if self._transfers is None else tuple(self._transfers.transfers()),
        )
