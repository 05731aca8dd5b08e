"""How often Stripe lets itself be called, as its documentation states it."""

from __future__ import annotations

from payport.sdk.profile import CallLimit, each_second

_PAGE = "Stripe's documentation on rate limits"


def limits_of(*, live: bool) -> tuple[CallLimit, ...]:
    """Reads and writes by themselves, less of both in a sandbox; and what single endpoints have besides.

    That Stripe also limits how many calls are under way is known, how many is not.
    """
    stated = f"{_PAGE}: 100 reads and 100 writes a second live, 25 and 25 in a sandbox"
    calls = 100 if live else 25
    return (
        _limit("reads", calls, stated, methods=frozenset({"GET"})),
        _limit("writes", calls, stated, methods=frozenset({"POST"})),
        _limit("search", 20, f"{_PAGE}: 20 a second for search", endpoints=("*.search",)),
        _limit("payouts", 15, f"{_PAGE}: 15 payouts created a second", endpoints=("payouts.create",)),
        _limit("endpoint", 25, f"{_PAGE}: 25 a second for a single endpoint, in the newer text", each=True),
    )


def _limit(
    name: str,
    calls: float,
    source: str,
    *,
    endpoints: tuple[str, ...] = ("*",),
    methods: frozenset[str] = frozenset(),
    each: bool = False,
) -> CallLimit:
    rate_per_s, burst = each_second(calls)
    return CallLimit(
        name=name, rate_per_s=rate_per_s, burst=burst, endpoints=endpoints, methods=methods, each=each, source=source
    )
