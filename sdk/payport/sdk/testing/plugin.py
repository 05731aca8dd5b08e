"""Fixtures for your own tests, found by pytest as soon as Payport is installed. Nothing is loaded before first use."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from payport.sdk.journal.store import Journal

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture
def payport_journal(tmp_path: Path) -> Iterator[Journal]:
    """A durable SQLite journal in a folder of its own, closed after the test."""
    from payport.sdk.journal.store import Journal  # noqa: PLC0415 - loads the storage with the first test that asks

    with Journal.open(f"sqlite:///{tmp_path / 'payport.db'}") as journal:
        yield journal


@pytest.fixture
def payport_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that would leave this machine raises ``OSError`` while the test runs; loopback stays open."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: tuple[str, int] | str) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and not host.startswith(_LOOPBACK):
            raise OSError(f"payport_no_network: {host} is not this machine")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
