"""What every page is given before its first snippet runs, and nothing else.

The snippets run unchanged. A gateway that a page builds itself for a partner's sandbox or production hosts talks to
``partner`` instead of the network, and time that a call would sleep through is skipped; everything else is real.

Names: ``partner`` (the simulator: Alipay's, or that of the partner whose page it is, see :mod:`tests.docs.stages`),
``account`` (its merchant), ``sealing_key``, ``gateway`` (open on ``payments.db``), and what an application would bring:
``show``, ``ship``, ``capture_later``, ``later``, ``tell``, ``retry_is_safe``, which note their calls in ``calls``.

Files in the current folder: the stage's keys and certificates, and a sealing key. In the environment of the page about
shared journals: ``JOURNAL_URL``, an empty database of a server.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from tests.docs.stages import Stage, stage_of
from tests.support.databases import SERVERS

from payport.sdk import Gateway, Secret
from payport.sdk.desk import Desk
from payport.sdk.exchange import Moment
from payport.sdk.host_clock import SystemClock
from payport.sdk.transport import AsyncTransport, Transport

APPLICATION = ("show", "ship", "capture_later", "later", "tell", "retry_is_safe")
SEALING_KEY = base64.b64encode(bytes(range(32))).decode()


class SkippingClock(SystemClock):
    """The system's clock, but sleeping takes no time: the clock is moved on instead."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped_s = 0.0

    def moment(self) -> Moment:
        """The time, with what was slept."""
        real = super().moment()
        return Moment(real.utc + timedelta(seconds=self._skipped_s), real.monotonic_s + self._skipped_s)

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._skipped_s += max(0.0, seconds)


@contextmanager
def prelude(page: str, folder: Path, patch: pytest.MonkeyPatch) -> Generator[dict[str, object]]:
    """The names for one page, in a folder of its own."""
    clock = SkippingClock()
    stage = stage_of(page, lambda: clock.moment().utc)
    patch.chdir(folder)
    if page == "docs/share-a-journal.md":
        patch.setenv("JOURNAL_URL", SERVERS["postgresql"].url("docs"))
    for name, text in {**stage.files, "sealing_key.txt": SEALING_KEY}.items():
        Path(name).write_text(text)
    _redirect(patch, stage, clock)
    calls: list[tuple[str, object]] = []
    names: dict[str, object] = {name: _noting(calls, name) for name in APPLICATION}
    sealing_key = Secret(SEALING_KEY)
    with (
        closing(stage.partner) as partner,
        Gateway(stage.adapter, journal="sqlite:///payments.db", sealing_key=sealing_key) as gateway,
    ):
        names |= {"partner": partner, "account": stage.account, "gateway": gateway, "sealing_key": sealing_key}
        # a module of its own: dataclasses and pickles look their class's module up
        module = ModuleType("page")
        patch.setitem(sys.modules, module.__name__, module)
        vars(module).update(names | {"calls": calls})
        yield vars(module)


def _noting(calls: list[tuple[str, object]], name: str) -> Callable[..., None]:
    def note(value: object = None) -> None:
        calls.append((name, value))

    return note


def _redirect(patch: pytest.MonkeyPatch, stage: Stage, clock: SkippingClock) -> None:
    """The partner's hosts are the simulator; a journal, keys, signatures and TLS to loopback stay as they are."""
    direct, async_direct = Desk.transport, Desk.async_transport

    def transport(desk: Desk) -> Transport:
        return stage.partner.transport() if stage.plays(desk.adapter) else direct(desk)

    def async_transport(desk: Desk) -> AsyncTransport:
        return stage.partner.async_transport() if stage.plays(desk.adapter) else async_direct(desk)

    patch.setattr(Desk, "transport", transport)
    patch.setattr(Desk, "async_transport", async_transport)
    patch.setattr("payport.sdk.desk.SystemClock", lambda: clock)
