"""What stands before the partners: suspensions, breakers, limits; one of each for an account, for all its gateways."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING

from payport.sdk.breaker import Breaker, BreakerSettings
from payport.sdk.forks import follow_forks
from payport.sdk.limits.limiter import Limiter
from payport.sdk.limits.settings import LimitChange, LimitsSettings, changed
from payport.sdk.partner_records import AHEAD_DAYS, PartnerRecord
from payport.sdk.suspension import Suspension

if TYPE_CHECKING:
    from payport.sdk.adapter import Adapter
    from payport.sdk.hosting import Admission, Clock

_NO_CHANGES: Mapping[str, LimitChange] = {}


class Guards:
    """Makes the ``admissions`` of gateways. Gateways of one account that get them from the same guards share them.

    ``open_gateway`` takes one, and else the one that belongs to the journal. In code::

        guards = Guards()
        Gateway(adapter, journal=journal, admissions=guards.of(adapter))

    ``records``: by the partners' names, see :mod:`payport.sdk.partner_records`; a paper is told to be ending
    ``ahead_days`` before its last day. Raises :class:`payport.sdk.ConfigurationError` for a Redis URL that cannot work.
    Close it when no gateway needs it.
    """

    def __init__(
        self,
        *,
        limits: LimitsSettings | None = None,
        breaker: BreakerSettings | None = None,
        records: Mapping[str, PartnerRecord] | None = None,
        ahead_days: float = AHEAD_DAYS,
        clock: Clock | None = None,
    ) -> None:
        self._limits = limits or LimitsSettings()
        self._breaker = breaker or BreakerSettings()
        self._records = records or {}
        self._ahead_days = ahead_days
        self._clock = clock
        self._store = self._limits.open() if self._limits.on else None
        self._made: dict[str, tuple[Admission, ...]] = {}
        self._begin()
        follow_forks(in_child=self._begin)

    def _begin(self) -> None:
        self._lock = Lock()

    def of(
        self, adapter: Adapter, changes: Mapping[str, LimitChange] = _NO_CHANGES, *, where: str = "limits"
    ) -> tuple[Admission, ...]:
        """The admissions of an adapter's account: always the same ones.

        ``changes``: what is other than the partner's profile says of its limits, by name, when they are first asked
        for; ``where``: what a message calls them. Raises :class:`payport.sdk.ConfigurationError`.
        """
        with self._lock:
            made = self._made.get(adapter.account)
            if made is None:
                made = self._made[adapter.account] = self._make(adapter, changes, where)
            return made

    def _make(self, adapter: Adapter, changes: Mapping[str, LimitChange], where: str) -> tuple[Admission, ...]:
        made: list[Admission] = []
        record = self._records.get(adapter.partner)
        if record is not None:
            ahead_days, clock = self._ahead_days, self._clock
            made.append(Suspension(adapter.partner, adapter.account, record, ahead_days=ahead_days, clock=clock))
        if self._breaker.on:
            made.append(
                Breaker(
                    adapter.account,
                    self._breaker,
                    asks=adapter.profile.answers_queries,
                    errands=adapter.profile.errands,
                    clock=self._clock,
                )
            )
        if self._store is not None:
            limits = changed(adapter.profile.limits, changes, where)
            reserve = self._limits.reserve
            made.append(Limiter(adapter.account, limits, store=self._store, reserve=reserve, clock=self._clock))
        return tuple(made)

    def close(self) -> None:
        """Let go of connections."""
        if self._store is not None:
            self._store.close()
