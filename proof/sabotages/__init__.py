"""The sabotages of T17: what the library would do without each of its guards, one by one."""

from __future__ import annotations

from proof.sabotages import answers, cancelling, lattice, money_path, signatures, storage
from proof.sabotages.sabotage import Sabotage

SABOTAGES: tuple[Sabotage, ...] = (
    *money_path.SABOTAGES,
    *lattice.SABOTAGES,
    *cancelling.SABOTAGES,
    *storage.SABOTAGES,
    *answers.SABOTAGES,
    *signatures.SABOTAGES,
)
"""All of them, in the order of their numbers."""
