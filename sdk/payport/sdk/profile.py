"""What the machinery must know of a partner: data, not code."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """When to ask about an operation that is not final, and what to do when asking has come to its end.

    ``ask_after_s``: seconds between one question and the next; the last one repeats.
    ``fence_after_s``: age at which the operation is cancelled at the partner, and money that came through given back;
    ``None``: never by itself.
    ``inline``: whether the call that started it keeps asking until its deadline (a payer stands at the counter).
    ``person_after_s``: for how long the partner may answer without telling how anything but a payment stands (it
    refuses the question, or says what cannot be believed), before that is left to a person.
    """

    ask_after_s: tuple[float, ...]
    fence_after_s: float | None = None
    inline: bool = False
    person_after_s: float = 86_400.0

    def wait_s(self, asked: int) -> float:
        """How long to wait before question number ``asked`` (from 0)."""
        return self.ask_after_s[min(asked, len(self.ask_after_s) - 1)]


WHOLE = "account"
"""The name of the limit on an account as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimit:
    """How often a partner lets itself be called, and by how many at once.

    ``rate_per_s``, ``burst``: in any ``t`` seconds at most ``burst + rate_per_s * t`` calls; ``None``: any number.
    ``concurrency``: how many may be under way. ``endpoints``: names of endpoints, where ``*`` stands for any text;
    ``methods``: of HTTP, any when there is none. ``each``: every endpoint that fits is counted by itself. ``per``: what
    is counted together when that is more than one account (all merchants of one service provider); the account when
    empty. ``source``: where the partner says so. Without a rate and a concurrency it only counts, and slows down when
    the partner complains.
    """

    name: str
    rate_per_s: float | None = None
    burst: float = 1.0
    concurrency: int | None = None
    endpoints: tuple[str, ...] = ("*",)
    methods: frozenset[str] = frozenset()
    each: bool = False
    per: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.rate_per_s is not None and not 0 < self.rate_per_s < math.inf:
            raise ValueError(f"the limit {self.name}: rate_per_s must be more than 0, got {self.rate_per_s}")
        if not 1 <= self.burst < math.inf or (self.concurrency is not None and self.concurrency < 1):
            raise ValueError(f"the limit {self.name}: burst and concurrency must be at least 1")

    def covers(self, endpoint: str, method: str) -> bool:
        """Whether a call counts under it."""
        fits = any(fnmatchcase(endpoint, pattern) for pattern in self.endpoints)
        return fits and (not self.methods or method in self.methods)


def each_second(calls: float) -> tuple[float, float]:
    """The rate and burst of a limit that a partner states as so many calls a second.

    A fifth of them may come at once and the rest one after the other, so that no second has more, wherever the partner
    lets its seconds begin.
    """
    burst = max(1.0, calls / 5)
    return calls - burst, burst


_PORTABLE = re.compile(r"[0-9A-Za-z]{8,28}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A partner's habits, read by retry, resolver and validation.

    ``hosts``: exact host names that requests may go to. ``currencies``: what can be charged.
    ``default_life_s``, ``max_life_s``: how long an order may be paid when it does not say, and at most.
    ``settle_margin_s``: how long after ``payable_until`` a late payment may still appear.
    ``in_flight_s``: how long a request that was sent may take to be seen by a query.
    ``clock_off_s``: how far our clock may be off for the partner to take a request at all.
    ``ladders``: by name; every operation names one, ``"default"`` must be there.
    ``answers_queries``: whether the partner can be asked about an operation by our own reference; where it cannot, only
    its notification, the same request again or a fence tells.
    ``shows_cancels``: whether the partner's answer about a payment tells that a cancel gave it back or let it go.
    ``close_may_reverse``: whether a cancel at the counter that is to spare what is paid gives it back all the same when
    the payment crosses it: the order is looked at first, and then reversed.
    ``captures_once``: whether the first capture ends a hold, what it leaves going back to the payer.
    ``errands``: endpoints that only fetch a token or a certificate for another request.
    ``limits``: what the partner has published of how often it may be called.
    ``sandbox``: whether money here is play money.
    """

    partner: str
    hosts: frozenset[str]
    currencies: frozenset[str]
    reference: re.Pattern[str] = _PORTABLE
    min_amount_minor: int = 1
    max_amount_minor: int = 10**12
    default_life_s: float = 15 * 60.0
    max_life_s: float = 15 * 86_400.0
    settle_margin_s: float = 120.0
    in_flight_s: float = 60.0
    clock_off_s: float = 300.0
    ladders: Mapping[str, Ladder] = field(
        default_factory=lambda: MappingProxyType({"default": Ladder(ask_after_s=(2.0, 5.0, 15.0, 60.0, 300.0, 3600.0))})
    )
    answers_queries: bool = True
    shows_cancels: bool = False
    close_may_reverse: bool = False
    captures_once: bool = False
    errands: frozenset[str] = frozenset()
    limits: tuple[CallLimit, ...] = ()
    sandbox: bool = False
