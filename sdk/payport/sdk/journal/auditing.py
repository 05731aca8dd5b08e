"""What all transactions of a journal share about its audit trail, in one process."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from payport.sdk.audit.chain import Place
from payport.sdk.audit.record import Entry, Origin, What
from payport.sdk.journal.sealing import SealingKeys
from payport.sdk.secrets import Secret
from payport.sdk.version import __version__

if TYPE_CHECKING:
    from payport.sdk.audit.policy import AuditPolicy


class Tail(NamedTuple):
    """The newest record of a chain, as this process last wrote it."""

    chain: int
    place: Place


@dataclass(slots=True)
class Auditing:
    """What all transactions of a journal share, in one process. ``policy``: ``None`` when the trail is switched off.

    ``announced``: what is to be recorded along with the next thing that is written: facts about this process, which
    matter only once it writes.
    """

    policy: AuditPolicy | None
    shared: bool
    exchange_keys: SealingKeys | None = field(init=False)
    """Under which raw exchanges are kept; ``None`` when they are not."""
    origin: Origin = field(init=False)
    tail: Tail | None = None
    announced: deque[Entry] = field(default_factory=deque[Entry])
    _known: set[tuple[object, ...]] = field(default_factory=set[tuple[object, ...]])

    def __post_init__(self) -> None:
        keys = None if self.policy is None else self.policy.exchange_key
        self.exchange_keys = None if keys is None else SealingKeys([keys] if isinstance(keys, Secret) else keys)
        self.begin({})

    def begin(self, facts: Mapping[str, str]) -> None:
        """In a new process, after a fork too: it has another origin, and says that it began. ``facts``: with what."""
        self.origin = Origin(socket.gethostname(), os.getpid(), __version__)
        self.tail = None
        what = What.AUDIT_OFF if self.policy is None else What.JOURNAL_OPENED
        self.announced = deque()
        self._known.clear()
        self.announce(Entry(what=what, result="began", at=datetime.now(UTC), detail=facts))

    def announce(self, entry: Entry) -> None:
        """Have something recorded along with the next thing that is written; once, however often it is announced."""
        fact = (entry.what, entry.partner, entry.account, tuple(sorted(entry.detail.items())))
        if fact in self._known or (self.policy is None and entry.what != What.AUDIT_OFF):
            return
        self._known.add(fact)
        self.announced.append(entry)

    def take_announced(self) -> Sequence[Entry]:
        """What was announced since somebody took it."""
        taken: list[Entry] = []
        while self.announced:
            try:
                taken.append(self.announced.popleft())
            except IndexError:  # another thread took it
                break
        return taken

    def put_back(self, entries: Iterable[Entry]) -> None:
        """Announce again what was taken by a transaction that failed."""
        self.announced.extend(entries)
