"""Commands that go on until they are stopped: SIGTERM ends them as cleanly as Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def stopped_by_signals() -> Generator[None]:
    """Turn SIGTERM into what Ctrl-C is; a shell in the background hands on a Ctrl-C that is ignored, so that too."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
