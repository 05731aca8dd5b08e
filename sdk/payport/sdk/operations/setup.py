"""What every operation needs to know of its gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypedDict

from payport.sdk.adapter import Adapter
from payport.sdk.audit.flood import Flood
from payport.sdk.events import SdkEvent
from payport.sdk.journal.records import Operation
from payport.sdk.operations.screening import TransactionWatch
from payport.sdk.outcomes import ladder_of
from payport.sdk.profile import Ladder, Profile
from payport.sdk.retry import RetryBudget, RetryPolicy

LEASE_MARGIN_S = 15.0
"""How much longer than its deadline an operation keeps the right to send: no other worker can take over in between."""

LONGEST_ROUND_S = 20.0
"""Who has hours, and dies in a round on one operation, must not keep it from everybody else for hours."""


class About(TypedDict):
    """What every event of an operation says."""

    partner: str
    account: str
    ref: str
    operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One adapter, its policies, and the name under which this process takes leases."""

    adapter: Adapter
    owner: str
    library: str
    policy: RetryPolicy
    budget: RetryBudget = field(repr=False)
    hears: Callable[[type[SdkEvent]], bool] = field(repr=False)
    """Whether anybody listens to events of a kind. Each call has some: those that nobody hears are not made."""
    flood: Flood = field(default_factory=Flood, repr=False)
    """Which refused notifications have a record of their own."""
    watch: TransactionWatch | None = field(default=None, repr=False)
    """Who looks at new attempts before they are written down."""

    @property
    def profile(self) -> Profile:
        """The partner's habits."""
        return self.adapter.profile

    def ladder(self, operation: Operation) -> Ladder:
        """When to ask about this operation; another partner's ladder is not known here, then it is the default one."""
        return ladder_of(self.profile, operation)

    def about(self, operation: Operation) -> About:
        """The fields that every event of an operation carries."""
        return {
            "partner": self.adapter.partner,
            "account": self.adapter.account,
            "ref": operation.ref,
            "operation": operation.id,
        }

    def wait(self, operation: Operation, asked: int) -> timedelta:
        """How long until this operation is asked about again, once it was asked about so often."""
        return timedelta(seconds=self.ladder(operation).wait_s(asked))
