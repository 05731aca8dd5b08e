"""How long records are kept: three years at least, the newest three months at hand in the journal.

PCI DSS 10.5.1 asks for twelve months, three of them at hand; three years are what the supervisors of payment
institutions ask of the log of an integration.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from payport.sdk.errors import AuditError, ConfigurationError

LEAST_DAYS: Final = 1096
"""Three years, a leap day among them."""
AT_HAND_DAYS: Final = 92
"""Three months, the longest ones."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Records are kept for ``days``. Raises :class:`payport.sdk.errors.ConfigurationError` below three years."""

    days: int = LEAST_DAYS

    def __post_init__(self) -> None:
        if self.days < LEAST_DAYS:
            raise ConfigurationError(
                f"the audit trail is kept for {LEAST_DAYS} days (three years) at least, got {self.days}; "
                "it can only be made longer"
            )

    def check_drop(self, before: datetime, now: datetime) -> None:
        """Raise :class:`payport.sdk.errors.AuditError` unless what is before this instant may be deleted for good."""
        _check(before, now, self.days, f"deleted: they are kept for {self.days} days", "archive them, which keeps them")

    def check_move(self, before: datetime, now: datetime) -> None:
        """Raise :class:`payport.sdk.errors.AuditError` unless what is before this instant may leave the journal."""
        stay = f"moved out of the journal: {AT_HAND_DAYS} days stay at hand"
        _check(before, now, AT_HAND_DAYS, stay, "archive without moving, or choose an earlier day")


def _check(before: datetime, now: datetime, days: int, what: str, instead: str) -> None:
    newest = now - timedelta(days=days)
    if before > newest:
        raise AuditError(
            f"refused: {before:%Y-%m-%d} is too late. Today only records from before {newest:%Y-%m-%d} may be {what}. "
            f"Nothing was changed; {instead}"
        )
