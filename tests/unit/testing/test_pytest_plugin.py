"""The pytest plugin that users get: a journal of one's own, and a guard against leaving the machine."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from payport.sdk.journal.store import Journal


def test_a_journal_of_ones_own(payport_journal: Journal) -> None:
    """Open and durable."""
    assert payport_journal.durable


@pytest.mark.usefixtures("payport_no_network")
def test_nobody_leaves_the_machine() -> None:
    """Loopback is open, everything else is refused before a packet leaves."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
    with socket.socket() as client, pytest.raises(OSError, match="not this machine"):
        client.connect(("192.0.2.1", 80))


def test_the_plugin_loads_nothing_heavy() -> None:
    """It is loaded in every pytest run of whoever installed the library."""
    code = (
        "import sys, pytest; before = set(sys.modules); import payport.sdk.testing.plugin;"
        "heavy = {'httpx', 'pydantic', 'cryptography', 'sqlalchemy', 'structlog', 'tenacity', 'asyncio', 'ssl'};"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
