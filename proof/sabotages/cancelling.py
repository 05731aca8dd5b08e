"""Sabotages of how an order is closed, reversed and given back."""

from __future__ import annotations

from proof.sabotages.cut import Cut
from proof.sabotages.sabotage import Sabotage

COUNTERS = ("alipay", "unionpay", "wechatpay", "wechatpay_v2")
"""Partners whose payers stand at a counter."""

SABOTAGES = (
    Sabotage(
        what="what the partner does not know is taken for closed",
        cut=Cut(
            "sdk.operations.cancelling:_nothing_to_close",
            " and over",
            "",
        ),
        breaks=frozenset({"I1", "I6"}),
    ),
    Sabotage(
        what="a cancel closes what was paid meanwhile",
        cut=Cut("sdk.operations.cancelling:_end_payment", "if current.state.final:", "if False:"),
        breaks=frozenset({"I4", "I6"}),
    ),
    Sabotage(
        what="money given back by a cancel is not told",
        cut=Cut(
            "sdk.operations.cancelling:_note_on_paid",
            "if all(known.kind is not fact.kind for known in payment.facts):",
            "if False:",
        ),
        breaks=frozenset({"I6"}),
    ),
    Sabotage(
        what="what its own fence may yet give back is told as paid",
        cut=Cut("sdk.operations.undoing:unless_undone", "if not reversible or", "if True or"),
        twins=(
            Cut(
                "sdk.operations.cancelling:_spares",
                "payment.state is not State.AUTHORIZED or setup.profile.answers_queries",
                "False",
            ),
        ),
        breaks=frozenset({"Kept"}),
        partners=COUNTERS,
    ),
    Sabotage(
        what="a fence that was not answered is forgotten once the payment is told",
        cut=Cut("sdk.operations.undoing:unless_undone", "if not reversible or", "if True or"),
        breaks=frozenset({"I6"}),
        partners=COUNTERS,
    ),
)
