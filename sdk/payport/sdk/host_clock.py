"""The one place of the library that reads the clock, the random source and the environment."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from payport.sdk.exchange import Moment


class SystemClock:
    """The clocks and the random source of this machine.

    Safe across threads and forks. The async hosts sleep by themselves; everything else is the same for both.
    """

    __slots__ = ("_owner", "_owner_pid")

    def __init__(self) -> None:
        self._owner_pid = -1
        self._owner = ""

    def moment(self) -> Moment:
        """Wall time in UTC, and monotonic seconds."""
        return Moment(datetime.now(UTC), time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Block this thread; at once when ``seconds`` is zero or less."""
        if seconds > 0:
            time.sleep(seconds)

    def nonce(self) -> str:
        """An unguessable value of 32 hexadecimal digits."""
        return os.urandom(16).hex()

    def owner(self) -> str:
        """Who holds a lease: ``<host>:<pid>:<random>``, the same while this process lives, another after a fork."""
        pid = os.getpid()
        if pid != self._owner_pid:
            import socket  # noqa: PLC0415 - for the host's name alone, once per process

            self._owner = f"{socket.gethostname()}:{pid}:{os.urandom(6).hex()}"
            self._owner_pid = pid
        return self._owner


def environment() -> Mapping[str, str]:
    """The environment variables as they are now, read-only."""
    return MappingProxyType(dict(os.environ))
