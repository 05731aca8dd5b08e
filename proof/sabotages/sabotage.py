"""A sabotage: a guard of the library taken out, which the seeded world must notice."""

from __future__ import annotations

from dataclasses import dataclass

from proof.sabotages.cut import Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """``what``: what the library does then, in a few words. ``cut``: the guard that is out.

    ``twins``: further guards that are out with it, because each of them alone would keep the harm away. ``breaks``: the
    invariants of which at least one must be found broken. ``partners``: whose world is played; empty for everybody's.
    """

    what: str
    cut: Cut
    breaks: frozenset[str]
    twins: tuple[Cut, ...] = ()
    partners: tuple[str, ...] = ()

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Everything that is out."""
        return (self.cut, *self.twins)
