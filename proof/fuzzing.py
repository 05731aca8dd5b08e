"""T9: spoilt messages for every decoder. Each answers or raises an error that it declares, quickly, in little room."""

from __future__ import annotations

import hmac
import random
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from unittest.mock import patch

from payport.sdk.keys import PublicKey
from proof.decoders import decoders
from proof.decoders.decoder import Decoder
from proof.family import Family, Tally, shown, told

SLOW_S = 0.05
"""CPU time that one message may take. A slower one is read again alone before it counts."""
ROOM_BYTES = 64 * 1024 * 1024
"""How much the process may grow while it reads."""
_AGAIN = 5


def run(first: int, count: int) -> Tally:
    """The unit ``n`` is message ``n // d`` for decoder ``n % d`` of ``d``."""
    every, tally = decoders(), Tally()
    with small():
        for turn, found in enumerate(every):
            begin = first + (turn - first) % len(every)
            numbers = range(begin, first + count, len(every))
            with believing() if found.believing else nullcontext():
                for number in numbers:
                    read_one(found, number, tally)
    return tally


def read_one(found: Decoder, number: int, tally: Tally) -> None:
    """Read the message that this number makes."""
    which, data = message(found, number)
    read, declared = found.samples[which].read, found.declared
    begun_s = time.thread_time()
    try:
        read(data)
    except declared:
        tally.note("refused")
    except Exception as error:  # noqa: BLE001 - whatever it is, the message that caused it is shown
        tally.fail(number, f"{found.name} raised {told(error)}; {shown(data)}")
    tally.cases += 1
    if time.thread_time() - begun_s > SLOW_S:
        tally.note("read again, being slow")
        fastest_s = min(_seconds(found, which, data) for _ in range(_AGAIN))
        if fastest_s > SLOW_S:
            tally.fail(number, f"{found.name} took {fastest_s:.3f} s of CPU; {shown(data)}")


def message(found: Decoder, number: int) -> tuple[int, bytes]:
    """Which sample is spoilt, and the spoilt message."""
    dice = random.Random(number)
    which = int(dice.random() * len(found.samples))
    return which, found.spoiler.spoilt(which, dice)


def _seconds(found: Decoder, which: int, data: bytes) -> float:
    begun_s = time.thread_time()
    with suppress(Exception):
        found.samples[which].read(data)
    return time.thread_time() - begun_s


@contextmanager
def believing() -> Iterator[None]:
    """Every signature of the right form is taken for genuine: what is read then is a message of the partner's own."""
    with (
        patch.object(PublicKey, "verify", lambda *_, **__: True),
        patch.object(hmac, "compare_digest", lambda *_: True),
    ):
        yield


@contextmanager
def small() -> Iterator[None]:
    """This process may grow by :data:`ROOM_BYTES` and no more: what asks for more memory gets a ``MemoryError``."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    if not statm.exists():
        yield
        return
    used = int(statm.read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _figure(each: int) -> int:
    return each * len(decoders())


FAMILY = Family(
    id="T9",
    title="every decoder reads a spoilt message or raises a declared error, within 50 ms of CPU and 64 MB",
    run=run,
    gate=_figure(12_500),
    long=_figure(1_000_000),
    shard=_figure(500),
)
