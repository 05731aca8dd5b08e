"""Sabotages of how what was learnt adds up."""

from __future__ import annotations

from proof.sabotages.cut import Cut
from proof.sabotages.sabotage import Sabotage

_JOURNAL_SAYS_NO = (
    Cut("sdk.journal.rules:check_forward", "if before.final or _RANK[after] < _RANK[before]:", "if False:"),
    Cut(
        "sdk.journal.rules:check_successor",
        "for name in names if values(before) != values(after) else ():",
        "for name in ():",
    ),
)
"""The journal's own rule that a state moves forward only."""

SABOTAGES = (
    Sabotage(
        what="a final answer is overwritten by a later one",
        cut=Cut("sdk.lattice:absorb", "if operation.state.final:", "if False:"),
        twins=_JOURNAL_SAYS_NO,
        breaks=frozenset({"I4", "I6"}),
    ),
    Sabotage(
        what="not having sent a repetition proves that nothing was sent",
        cut=Cut("sdk.lattice:absorb", "observation.state is State.NOT_SENT and operation.may_have_left", "False"),
        breaks=frozenset({"I6", "NotSent"}),
    ),
    Sabotage(
        what="a hold that the partner released is still held",
        cut=Cut(
            "sdk.lattice:_later_facts",
            "kind, detail, amount = FactKind.RELEASED, observation.message, None",
            "return observation.facts",
        ),
        breaks=frozenset({"I6"}),
    ),
)
