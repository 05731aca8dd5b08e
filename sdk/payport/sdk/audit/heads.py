"""Signed heads: how far a chain had come, told outside of the database, so that its end cannot be cut off unseen.

A head says: chain so-and-so had ``seq`` records, and the hash of the last was this. Whoever changes an older record,
or takes away newer ones, makes a chain that no longer has that record with that hash. A sink is any callable that takes
a :class:`SignedHead`: it should keep it where who can write the database cannot write. A line of a head file::

    {"at":"2026-01-31T12:00:00.000000Z","chain":0,"hash":"9f0c...","key":"5d41...","seq":4711,
     "signature":"...","start":"01ab...","v":1}
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from payport.schemas.encoding import instant_text
from payport.sdk.audit.canonical import Canonical, canonical_text, integer_in, parse_canonical, text_in
from payport.sdk.audit.chain import Chain, Place
from payport.sdk.audit.signing import AuditKey, PublicKeys
from payport.sdk.errors import AuditError
from payport.sdk.events import AuditHeadSigned, EventSink, emit_safely

KIND: Final = "audit head"
VERSION: Final = 1
_LONGEST_LINE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """How far a chain had come at an instant, signed by the key ``key``. ``start``: which chain of all there are."""

    start: bytes = field(repr=False)
    chain: int
    head: Place
    at: str
    key: str
    signature: str = field(repr=False)

    @classmethod
    def sign(cls, chain: Chain, at: datetime, key: AuditKey) -> SignedHead:
        """The head of a chain as it stands."""
        unsigned = cls(
            start=chain.start, chain=chain.chain, head=chain.head, at=instant_text(at), key=key.key_id, signature=""
        )
        signature = key.sign(KIND, unsigned.content())
        return cls(
            start=chain.start, chain=chain.chain, head=chain.head, at=unsigned.at, key=key.key_id, signature=signature
        )

    def content(self) -> dict[str, Canonical]:
        """What is signed."""
        return {
            "at": self.at,
            "chain": self.chain,
            "hash": self.head.hash.hex(),
            "key": self.key,
            "seq": self.head.seq,
            "start": self.start.hex(),
            "v": VERSION,
        }

    def line(self) -> str:
        """One line of a head file, without its end."""
        return canonical_text({**self.content(), "signature": self.signature})

    @classmethod
    def read(cls, line: str) -> SignedHead:
        """The head of a line; its signature is not checked. Raises ``ValueError`` for any other text."""
        content = parse_canonical(line)
        if not isinstance(content, Mapping) or content.get("v") != VERSION:
            raise ValueError("not the line of a head")
        return cls(
            start=bytes.fromhex(text_in(content, "start")),
            chain=integer_in(content, "chain"),
            head=Place(integer_in(content, "seq"), bytes.fromhex(text_in(content, "hash"))),
            at=text_in(content, "at"),
            key=text_in(content, "key"),
            signature=text_in(content, "signature"),
        )

    def is_signed_by(self, keys: PublicKeys) -> bool:
        """Whether one of these keys signed it."""
        return keys.verify(KIND, self.content(), self.key, self.signature)


HeadSink: TypeAlias = Callable[[SignedHead], None]
"""Keeps heads. Raises when it could not."""


class HeadFile:
    """A file that heads are appended to, each durable when the call returns. Give it another owner, or another disk.

    ``path``: made when it is not there, readable and writable by its owner alone.
    """

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, head: SignedHead, /) -> None:
        """Append one. Raises :class:`payport.sdk.errors.AuditError` when it could not be made durable."""
        line = f"{head.line()}\n".encode()
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                size = os.fstat(handle).st_size
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    line = b"\n" + line  # a power cut left half a line: it must not spoil this one
                # one write, so that lines of several processes do not mix
                if os.write(handle, line) != len(line):
                    raise OSError("the disk is full")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise AuditError(
                f"the head could not be appended to {self.path} ({error.strerror or error}); "
                "the trail goes on, but its end is not secured: make room, or let this process write there"
            ) from error

    def __repr__(self) -> str:
        return f"HeadFile({str(self.path)!r})"


class HeadEvents:
    """Tells heads to the sinks of events, as ``audit.head``: a log that is shipped elsewhere keeps them too."""

    __slots__ = ("_sinks",)

    def __init__(self, sinks: Sequence[EventSink]) -> None:
        self._sinks = tuple(sinks)

    def __call__(self, head: SignedHead, /) -> None:
        """Tell one."""
        event = AuditHeadSigned(
            start=head.start.hex(), chain=head.chain, seq=head.head.seq, hash=head.head.hash.hex(), at=head.at,
            key_id=head.key, signature=head.signature,
        )  # fmt: skip
        if emit_safely(self._sinks, event):
            raise AuditError("a log sink did not take the head of the audit trail")


def read_heads(path: Path) -> Iterator[tuple[int, SignedHead | None]]:
    """The lines of a head file with their numbers, empty ones left out; ``None`` for one that is no head.

    Raises :class:`payport.sdk.errors.AuditError` when the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), ""), 1):
                if line.strip():
                    yield number, _head_or_none(line.rstrip("\n"))
    except OSError as error:
        raise AuditError(f"the heads in {path} cannot be read ({error.strerror}); check the path") from error


def _head_or_none(line: str) -> SignedHead | None:
    try:
        return SignedHead.read(line)
    except ValueError:
        return None
