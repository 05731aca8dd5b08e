"""Fixtures for every test."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.canaries import Watch
from tests.support.databases import SERVERS

pytest_plugins = ["payport.sdk.testing.plugin"]

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Tests marked ``anyio`` run under asyncio and under trio."""
    return str(request.param)


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """No test reaches out: a socket that would leave this machine fails the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            assert host.startswith(_LOOPBACK), f"a test tried to connect to {host}: only loopback is allowed"
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_database_stays_behind() -> Iterator[None]:
    """What tests made on database servers is dropped when they are over."""
    yield
    for server in SERVERS.values():
        server.remove()


class _Keeper(logging.Handler):
    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.DEBUG)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        self._watch.keep(record)


@pytest.fixture
def canaries() -> Iterator[Watch]:
    """Twelve secrets to plant. When the test is over no log record, down to DEBUG, may show any of them."""
    watch = Watch()
    root = logging.getLogger()
    keeper, level = _Keeper(watch), root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    yield watch
    root.setLevel(level)
    root.removeHandler(keeper)
    watch.look_at_logs()
