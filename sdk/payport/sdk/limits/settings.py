"""How call limits are configured: where they are counted, and what is other than the partner's own word.

::

    [limits]
    redis = "redis://127.0.0.1:6379/0"     # share them between processes; left out: each process by itself

    [account.shop.limits.account]          # the account as a whole
    rate_per_s = 40
    burst = 10

    [account.shop.limits.refunds]          # one that the partner's profile has, or one of your own
    rate_per_s = 5
    endpoints = ["alipay.trade.refund*"]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from payport.sdk.errors import ConfigurationError
from payport.sdk.limits.rules import RESERVE
from payport.sdk.limits.shared import HOSTS, TIMEOUT_S, SharedStore
from payport.sdk.limits.store import LimitStore, LocalStore
from payport.sdk.profile import WHOLE, CallLimit
from payport.sdk.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsSettings:
    """Whether call limits are ``on``, and where they are counted.

    ``redis``: the URL of a Redis that all processes share; ``None``: each process counts for itself. ``prefix``: of its
    keys. ``timeout_s``: how long one answer of it may take. ``hosts``: into how many parts each limit is divided while
    it does not answer. ``reserve``: the share of each limit that finding out has for itself.
    """

    __pydantic_config__ = {"extra": "forbid", "arbitrary_types_allowed": True}  # noqa: RUF012 - read by pydantic

    on: bool = True
    redis: Secret | str | None = field(default=None, repr=False)
    prefix: str = "payport"
    timeout_s: float = TIMEOUT_S
    hosts: int = HOSTS
    reserve: float = RESERVE

    def __post_init__(self) -> None:
        if not 0 <= self.reserve < 1:
            raise ValueError("reserve must be 0 or more and less than 1")
        if self.hosts < 1 or self.timeout_s <= 0:
            raise ValueError("hosts must be at least 1 and timeout_s more than 0")

    def open(self) -> LimitStore:
        """Where limits are counted. Raises :class:`payport.sdk.ConfigurationError` for a URL that cannot work."""
        if self.redis is None:
            return LocalStore()
        url = self.redis if isinstance(self.redis, Secret) else Secret(self.redis)
        return SharedStore(url, hosts=self.hosts, timeout_s=self.timeout_s, prefix=self.prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """What is other about one limit of an account, or a limit of your own; ``None``: as the profile has it.

    ``off``: there is no such limit. The fields are those of :class:`payport.sdk.profile.CallLimit`; with a new rate and
    no burst, a quarter of a second's calls may come at once.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic

    off: bool = False
    rate_per_s: float | None = None
    burst: float | None = None
    concurrency: int | None = None
    endpoints: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None
    each: bool | None = None


def changed(
    limits: Sequence[CallLimit], changes: Mapping[str, LimitChange], where: str = "limits"
) -> tuple[CallLimit, ...]:
    """The limits of a profile, with what a configuration says by their names.

    Raises :class:`payport.sdk.ConfigurationError` for a limit that limits nothing, or that nothing counts under.
    """
    found = {limit.name: limit for limit in limits}
    for name, change in changes.items():
        if change.off:
            found.pop(name, None)
            continue
        try:
            found[name] = _changed(found.get(name), name, change)
        except ValueError as error:
            raise ConfigurationError(f"{where}.{name}: {error}") from error
    return tuple(found.values())


def _changed(limit: CallLimit | None, name: str, change: LimitChange) -> CallLimit:
    if limit is None and change.rate_per_s is None and change.concurrency is None:
        raise ValueError("it limits nothing; give rate_per_s, concurrency or both")
    if limit is None and name != WHOLE and change.endpoints is None and change.methods is None:
        raise ValueError(f"what counts under it? Give endpoints or methods, or call it {WHOLE!r} for all")
    known = limit or CallLimit(name=name)
    burst = change.burst
    if burst is None:
        burst = known.burst if change.rate_per_s is None else max(1.0, change.rate_per_s / 4)
    return replace(
        known,
        rate_per_s=known.rate_per_s if change.rate_per_s is None else change.rate_per_s,
        burst=burst,
        concurrency=known.concurrency if change.concurrency is None else change.concurrency,
        endpoints=known.endpoints if change.endpoints is None else change.endpoints,
        methods=known.methods if change.methods is None else frozenset(change.methods),
        each=known.each if change.each is None else change.each,
        source="configuration",
    )
