"""Suspended partners: nothing new goes to them. What is under way is still asked about, ended and settled."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from payport.sdk.events import RecordEnding, SdkEvent
from payport.sdk.host_clock import SystemClock
from payport.sdk.message import FailureKind, Purpose, SendFailure
from payport.sdk.partner_records import AHEAD_DAYS, PartnerRecord, Standing, describe, endings, why_blocked

if TYPE_CHECKING:
    from payport.sdk.hosting import Asked, Clock


class Suspension:
    """Holds a partner's record before one account: in ``admissions``, before breaker and limits.

    Refuses what is new as ``NotSent(partner_suspended)`` while the record says why. A paper that has ended, or will
    within ``ahead_days``, is told once a day as :class:`payport.sdk.events.RecordEnding`.
    """

    def __init__(
        self,
        partner: str,
        account: str,
        record: PartnerRecord,
        *,
        ahead_days: float = AHEAD_DAYS,
        clock: Clock | None = None,
    ) -> None:
        self.news: deque[SdkEvent] = deque()
        self._partner = partner
        self._account = account
        self._record = record
        self._ahead_days = ahead_days
        self._clock = clock or SystemClock()
        self._holds_until_s = 0.0
        self._why: str | None = None

    def admit(self, asked: Asked) -> SendFailure | None:
        """``None``, or why nothing new goes to the partner."""
        if not self._holds_until_s or asked.now_s >= self._holds_until_s:
            self._look()
        if self._why is None or asked.purpose is not Purpose.MOVE:
            return None
        detail = f"{self._why}; questions and cancels still go"
        return SendFailure(FailureKind.SUSPENDED, may_have_left=False, detail=detail)

    def _look(self) -> None:
        """What holds until midnight."""
        now = self._clock.moment()
        today = now.utc.date()
        midnight = datetime.combine(today + timedelta(days=1), time(), UTC)
        self._holds_until_s = now.monotonic_s + max(1.0, (midnight - now.utc).total_seconds())
        self._why = why_blocked(self._partner, self._record, today)
        for partner, each in endings(describe({self._partner: self._record}, today, ahead_days=self._ahead_days)):
            self.news.append(
                RecordEnding(
                    partner=partner,
                    account=self._account,
                    paper=each.what,
                    number=each.paper.number,
                    ended=each.standing is Standing.ENDED,
                    days_left=each.days_left or 0,
                )
            )
