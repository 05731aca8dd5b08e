"""Adyen's books: payments, pages, modifications, and what happened that was not told yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock

from payport.adapters.adyen.simulator.rows import Happening, LineRow, ModificationRow, PageRow, PaymentRow

_DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXZ"


@dataclass(slots=True, kw_only=True)
class Books:
    """Everything that one simulated Adyen knows. ``url``: its own address, for pages.

    ``multiple_partial_captures``: a capture leaves the rest of its hold, instead of letting it go.
    """

    url: str
    multiple_partial_captures: bool = False
    lock: RLock = field(default_factory=RLock)
    payments: list[PaymentRow] = field(default_factory=list[PaymentRow])
    pages: dict[str, PageRow] = field(default_factory=dict[str, PageRow])
    modifications: list[ModificationRow] = field(default_factory=list[ModificationRow])
    lines: list[LineRow] = field(default_factory=list[LineRow])
    _numbers: int = 0
    _untold: list[Happening] = field(default_factory=list[Happening])

    def number(self, mark: str = "") -> str:
        """A new number of sixteen digits and letters, never the same twice."""
        self._numbers += 1
        rest, text = self._numbers, ""
        while rest:
            rest, digit = divmod(rest, len(_DIGITS))
            text = _DIGITS[digit] + text
        return f"{mark}SM{text.rjust(14 - len(mark), '0')}"

    def drain(self) -> list[Happening]:
        """What was not told yet, oldest first."""
        with self.lock:
            untold, self._untold = self._untold, []
        return untold

    def tell(self, happening: Happening) -> None:
        """Have a webhook tell something."""
        self._untold.append(happening)

    def by_psp(self, psp: str) -> PaymentRow | None:
        """An authorised payment by Adyen's number."""
        return next((row for row in self.payments if row.psp == psp and row.status != "waiting"), None)

    def by_reference(self, reference: str) -> PaymentRow | None:
        """The newest payment under the merchant's reference."""
        return next((row for row in reversed(self.payments) if row.reference == reference), None)

    def by_token(self, token: str) -> PaymentRow | None:
        """A payment by what its page is known by."""
        return next((row for row in self.payments if row.token == token), None)

    def authorise(self, row: PaymentRow, now: datetime) -> None:
        """The issuer agrees: held, or taken at once."""
        row.status, row.rest = "authorised", row.value
        self._authorisation(row, now, success=True)
        if not row.manual:
            self.take(row, row.value, row.reference, row.psp, now)
            row.rest = 0

    def refuse(self, row: PaymentRow, now: datetime, reason: str) -> None:
        """The issuer does not agree."""
        row.status = "refused"
        self._authorisation(row, now, success=False, reason=reason)

    def _authorisation(self, row: PaymentRow, now: datetime, *, success: bool, reason: str = "") -> None:
        self.tell(
            Happening(
                code="AUTHORISATION",
                success=success,
                psp=row.psp,
                reference=row.reference,
                original=None,
                value=row.value,
                currency=row.currency,
                at=now,
                reason=reason or "038777:1111:03/2030",
                method=row.method,
            )
        )

    def take(self, row: PaymentRow, value: int, own_reference: str, number: str, now: datetime) -> None:
        """Money is taken."""
        row.captured += value
        self._enter("charge", row, value, own_reference, number, now)

    def give_back(self, row: PaymentRow, value: int, own_reference: str, number: str, now: datetime) -> None:
        """Money goes back."""
        row.refunded += value
        self._enter("refund", row, value, own_reference, number, now)

    def _enter(self, kind: str, row: PaymentRow, value: int, own_reference: str, number: str, now: datetime) -> None:
        self.lines.append(
            LineRow(
                kind=kind,
                reference=row.reference,
                own_reference=own_reference,
                number=number,
                value=value,
                currency=row.currency,
                at=now,
            )
        )

    def tick(self, now: datetime) -> None:
        """Let pages run out."""
        for page in self.pages.values():
            if page.status == "active" and page.expires_at <= now:
                page.status = "expired"
