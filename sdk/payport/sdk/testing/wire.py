"""What a simulated partner receives and what it puts on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Manner


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One HTTP request as the partner reads it. ``target``: path and query. ``headers``: names in lower case.

    ``client``: the SHA-256 of the client certificate (DER) that the caller proved to hold, in lower-case hexadecimal;
    ``None`` without one, and always where there is no TLS.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    client: str | None = None

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The raw query string, without the question mark."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer and how it travels."""

    reply: WireReply
    manner: Manner = Manner.WHOLE


Handler: TypeAlias = Callable[[Incoming], Delivery]

NOTHING = WireReply(200, (), b"")
"""What stands in a delivery that never shows its answer."""
