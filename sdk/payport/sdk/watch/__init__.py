"""The watch on abnormal transactions: rules over the journal's stream. A hit is an incident, and may hold a payment.

Names load on first use, because the journal needs some of them early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from payport.sdk.lazy import lazily

if TYPE_CHECKING:
    from payport.sdk.watch.holds import Hold
    from payport.sdk.watch.moves import Moved, Reading, View, What
    from payport.sdk.watch.payers import PayerKey
    from payport.sdk.watch.releasing import NotHeld, held_orders, release
    from payport.sdk.watch.rules import (
        RULES,
        Rule,
        account_velocity,
        amount_jump,
        night_burst,
        payer_declines,
        payer_orders,
        payer_velocity,
        payout_velocity,
        refund_ratio,
    )
    from payport.sdk.watch.watching import Watch

_HOME = {
    "Hold": "holds",
    "Moved": "moves",
    "NotHeld": "releasing",
    "PayerKey": "payers",
    "RULES": "rules",
    "Reading": "moves",
    "Rule": "rules",
    "View": "moves",
    "Watch": "watching",
    "What": "moves",
    "account_velocity": "rules",
    "amount_jump": "rules",
    "held_orders": "releasing",
    "night_burst": "rules",
    "payer_declines": "rules",
    "payer_orders": "rules",
    "payer_velocity": "rules",
    "payout_velocity": "rules",
    "refund_ratio": "rules",
    "release": "releasing",
}

__all__ = [
    "RULES",
    "Hold",
    "Moved",
    "NotHeld",
    "PayerKey",
    "Reading",
    "Rule",
    "View",
    "Watch",
    "What",
    "account_velocity",
    "amount_jump",
    "held_orders",
    "night_burst",
    "payer_declines",
    "payer_orders",
    "payer_velocity",
    "payout_velocity",
    "refund_ratio",
    "release",
]


__getattr__ = lazily(__name__, _HOME)
