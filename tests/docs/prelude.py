"""What every page is given before its first snippet runs, and nothing else.

The snippets run unchanged. A gateway that a page builds itself for Alipay's sandbox or production hosts talks to
``partner`` instead of the network, and time that a call would sleep through is skipped; everything else is real.

Names: ``partner`` (the simulator), ``account`` (its merchant), ``sealing_key``, ``gateway`` (open on ``payments.db``),
and what an application would bring: ``show``, ``ship``, ``capture_later``, ``later``, ``tell``, ``retry_is_safe``,
which note their calls in ``calls``.

Files in the current folder: the keys and certificates of :data:`FILES`.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Literal

import pytest

from payport.adapters.alipay import PRODUCTION_URL, SANDBOX_URL, Alipay, AlipayAccount
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.sdk import Gateway, Secret
from payport.sdk.desk import Desk
from payport.sdk.exchange import Moment
from payport.sdk.host_clock import SystemClock
from payport.sdk.transport import AsyncTransport, Transport

APPLICATION = ("show", "ship", "capture_later", "later", "tell", "retry_is_safe")
SEALING_KEY = base64.b64encode(bytes(range(32))).decode()
MODES: Mapping[str, Literal["key", "certificate"]] = MappingProxyType(
    {"docs/pay-out.md": "certificate", "docs/configure.md": "certificate", "docs/partners/alipay.md": "certificate"}
)
"""Pages on what Alipay does in certificate mode only; the others run in public-key mode."""


DECLARATIONS = """
from collections.abc import Callable
from payport.adapters.alipay import Alipay, AlipayAccount
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.sdk import Gateway, Secret
partner: AlipaySimulator
account: AlipayAccount
sealing_key: Secret
gateway: Gateway[Alipay]
calls: list[tuple[str, object]]
show: Callable[..., None]
ship = capture_later = later = tell = retry_is_safe = show
__all__ = ["account", "calls", "capture_later", "gateway", "later", "partner", "retry_is_safe", "sealing_key", "ship",
           "show", "tell"]
"""
"""The types of the names, for a type checker that reads the snippets."""


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


def files(partner: AlipaySimulator) -> dict[str, str]:
    """Every file that a page may read, by name: what a merchant downloads from the console, and a sealing key."""
    account = partner.account
    found = {"app_private_key.pem": account.private_key.reveal(), "sealing_key.txt": SEALING_KEY}
    if account.alipay_public_key is not None:
        found["alipay_public_key.txt"] = account.alipay_public_key
    if account.certificates is not None:
        found["app_cert.pem"] = account.certificates.application
        found["alipay_cert.pem"] = account.certificates.alipay
        found["alipay_root_cert.pem"] = account.certificates.root
    return found


@contextmanager
def prelude(page: str, folder: Path, patch: pytest.MonkeyPatch) -> Generator[dict[str, object]]:
    """The names for one page, in a folder of its own."""
    clock = SkippingClock()
    partner = AlipaySimulator(MODES.get(page, "key"), clock=lambda: clock.moment().utc)
    patch.chdir(folder)
    for name, text in files(partner).items():
        Path(name).write_text(text)
    _redirect(patch, partner, clock)
    calls: list[tuple[str, object]] = []
    names: dict[str, object] = {name: _noting(calls, name) for name in APPLICATION}
    account = sandbox(partner.account)
    sealing_key = Secret(SEALING_KEY)
    with partner, Gateway(Alipay(account), journal="sqlite:///payments.db", sealing_key=sealing_key) as gateway:
        names |= {"partner": partner, "account": account, "gateway": gateway, "sealing_key": sealing_key}
        # a module of its own: dataclasses and pickles look their class's module up
        module = ModuleType("page")
        patch.setitem(sys.modules, module.__name__, module)
        vars(module).update(names | {"calls": calls})
        yield vars(module)


def sandbox(account: AlipayAccount) -> AlipayAccount:
    """The simulator's merchant as it would be configured for the sandbox."""
    return AlipayAccount(
        app_id=account.app_id,
        private_key=account.private_key,
        alipay_public_key=account.alipay_public_key,
        certificates=account.certificates,
        seller_id=account.seller_id,
        gateway_url=SANDBOX_URL,
    )


def _noting(calls: list[tuple[str, object]], name: str) -> Callable[..., None]:
    def note(value: object = None) -> None:
        calls.append((name, value))

    return note


def _redirect(patch: pytest.MonkeyPatch, partner: AlipaySimulator, clock: SkippingClock) -> None:
    """Alipay's hosts are the simulator; a journal, keys, signatures and TLS to loopback stay as they are."""
    direct, async_direct = Desk.transport, Desk.async_transport

    def elsewhere(desk: Desk) -> bool:
        return not isinstance(desk.adapter, Alipay) or desk.adapter.config.gateway_url not in (
            PRODUCTION_URL,
            SANDBOX_URL,
        )

    def transport(desk: Desk) -> Transport:
        return direct(desk) if elsewhere(desk) else partner.transport()

    def async_transport(desk: Desk) -> AsyncTransport:
        return async_direct(desk) if elsewhere(desk) else partner.async_transport()

    patch.setattr(Desk, "transport", transport)
    patch.setattr(Desk, "async_transport", async_transport)
    patch.setattr("payport.sdk.desk.SystemClock", lambda: clock)
