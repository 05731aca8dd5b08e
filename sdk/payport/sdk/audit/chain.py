"""The hash chain: each record's hash covers the record before it, so none can be changed, moved or lost unseen.

``hash[n] = SHA-256(hash[n-1] || body[n])``, bodies in UTF-8. ``hash[0]`` is 32 random bytes, made with the chain: they
tell it from every other chain. There is no key in it, on purpose: whoever has the records can check them. What keeps
somebody who can write the database from making a new chain of his own are the signed heads outside of it
(:mod:`payport.sdk.audit.heads`). :mod:`payport.sdk.audit.walking` finds what is wrong with a chain.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

SHARED_CHAINS: Final = 16
"""So many chains a journal on a database server has, so that as many transactions append at once. SQLite has one."""


class Place(NamedTuple):
    """A point in a chain: how many records lead to it, and the hash of the last of them."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What is known of a chain beside its records.

    ``start``: its first 32 bytes. ``dropped``: the last record that was taken out of it, ``Place(0, start)`` when none
    was. ``head``: the newest record; the same as ``dropped`` when there is none left. ``signed``: up to which place a
    head was signed, by the journal's own word.
    """

    chain: int
    start: bytes = field(repr=False)
    dropped: Place
    head: Place
    signed: int = 0

    @property
    def name(self) -> str:
        """What tells this chain from those of other journals, short enough to be read out."""
        return f"{self.start[:4].hex()}-{self.chain}"


class Row(NamedTuple):
    """A record as it is stored: the columns that are searched by repeat what the body says.

    ``at_us``: microseconds since 1970 in UTC. ``about``: see :func:`payport.sdk.audit.record.about`. ``version``: of
    the operation, where the record tells of one of its transitions.
    """

    chain: int
    seq: int
    at_us: int
    about: str | None
    version: int | None
    body: str
    hash: bytes


class FlawKind(Enum):
    """What is wrong with a trail."""

    CHANGED = "changed"
    """A record, or its hash, is not what was written."""
    MISSING = "missing"
    """Records were taken out."""
    INSERTED = "inserted"
    """A record was put in that the others know nothing of."""
    MOVED = "moved"
    """A record stands in another one's place."""
    UNPROVEN = "unproven"
    """A record that followed on a missing one: nothing tells whether it is the original."""
    CONTRADICTS = "contradicts"
    """The columns of a record say something else than its body."""
    CUT_OFF = "cut_off"
    """The newest records are gone."""
    REWRITTEN = "rewritten"
    """The chain holds together, but it is not the one whose head was signed."""
    FORGED = "forged"
    """A signature is not that of a known key."""
    UNREADABLE = "unreadable"
    """A file is not what it should be."""
    UNTOLD = "untold"
    """A transition of the journal has no record."""
    UNFOUNDED = "unfounded"
    """A record tells of a transition that is not in the journal, or that another record told of."""


class Flaw(NamedTuple):
    """One thing that is wrong. ``chain`` and ``seq``: at which record or place, where it is at one."""

    kind: FlawKind
    what: str
    chain: int | None = None
    seq: int | None = None


def link(before: bytes, body: str) -> bytes:
    """The hash of a record, given that of the one before it."""
    return hashlib.sha256(before + body.encode("utf-8", "surrogatepass")).digest()
