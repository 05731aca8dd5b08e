"""The verbs of a gateway, by which it can be limited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from payport.sdk.errors import ConfigurationError

GatewayVerb: TypeAlias = Literal[
    "pay",
    "query",
    "wait",
    "complete",
    "capture",
    "cancel",
    "refund",
    "query_refund",
    "payout",
    "query_payout",
    "receive",
    "resume",
    "resolve",
    "adopt",
    "native",
    "prepare",
    "changes",
    "acknowledge",
    "open_operations",
    "history",
]
"""One method of a gateway. ``deliver`` takes ``changes`` and ``acknowledge``."""

VERBS: tuple[GatewayVerb, ...] = get_args(GatewayVerb)


def known_verbs(verbs: Iterable[str]) -> frozenset[GatewayVerb]:
    """These verbs. Raises :class:`payport.sdk.ConfigurationError` for one that there is not, or for none."""
    asked = frozenset(verbs)
    unknown = sorted(asked.difference(VERBS))
    if unknown or not asked:
        what = f"there is no verb {', '.join(unknown)}" if unknown else "name at least one verb"
        raise ConfigurationError(f"{what}; a gateway has {', '.join(VERBS)}")
    return cast("frozenset[GatewayVerb]", asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What somebody may do: the table ``[role.NAME]``."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic

    verbs: tuple[GatewayVerb, ...]

    def __post_init__(self) -> None:
        if not self.verbs:
            raise ValueError("name at least one verb")
