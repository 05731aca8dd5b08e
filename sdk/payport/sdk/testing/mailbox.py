"""What a simulated partner has told so far: kept for tests to hand over, held back and shuffled on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import overload

from payport.schemas.events import RawNotification
from payport.sdk.testing.courier import Letter
from payport.sdk.testing.faults import draw


class Mailbox(Sequence[RawNotification]):
    """A partner's notices, oldest first, ready for ``gateway.receive``.

    ``deliver``: called with each letter as often as ``copies`` says, usually a courier's ``take``.
    """

    def __init__(self, deliver: Callable[[Letter], None]) -> None:
        self.copies = 1
        self._deliver_letter = deliver
        self._lock = Lock()
        self._told: list[RawNotification] = []
        self._letters: list[Letter] = []
        self._held: list[Letter] | None = None

    def __len__(self) -> int:
        with self._lock:
            return len(self._told)

    @overload
    def __getitem__(self, index: int) -> RawNotification: ...
    @overload
    def __getitem__(self, index: slice) -> list[RawNotification]: ...
    def __getitem__(self, index: int | slice) -> RawNotification | list[RawNotification]:
        with self._lock:
            return self._told[index]

    def again(self, index: int) -> RawNotification:
        """One of them as the partner sends it when it sends it once more: signed anew, the event the same."""
        with self._lock:
            letter = self._letters[index]
        return letter.sign()

    def post(self, letter: Letter) -> None:
        """Deliver a letter now, or keep it back while letters are held."""
        with self._lock:
            if self._held is not None:
                self._held.append(letter)
                return
        self._deliver(letter)

    def hold(self) -> None:
        """Keep back what is posted from now on."""
        with self._lock:
            self._held = self._held or []

    def release(self, *, copies: int = 1, shuffle_seed: int | None = None) -> list[RawNotification]:
        """Deliver what was held back, ``copies`` times each, shuffled when a seed is given; returned in that order."""
        with self._lock:
            held, self._held = self._held or [], None
        order = [letter for letter in held for _ in range(copies)]
        if shuffle_seed is not None:
            turns = {index: draw(shuffle_seed, index) for index in range(len(order))}
            order = [order[index] for index in sorted(turns, key=lambda index: turns[index])]
        return [self._deliver(letter) for letter in order]

    def _deliver(self, letter: Letter) -> RawNotification:
        raw = letter.sign()
        with self._lock:
            self._told.append(raw)
            self._letters.append(letter)
        for _ in range(self.copies):
            self._deliver_letter(letter)
        return raw
