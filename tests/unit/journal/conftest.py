"""A journal in an empty database of its own for each test: in a file, and on each server that is tested on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.databases import NAMES, SERVERS, Server
from tests.support.journal_records import sealing_key

from payport.sdk.journal import Journal


@pytest.fixture(params=NAMES)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def url(kind: str, file_url: str) -> str:
    """Where the journal is."""
    return file_url if kind == "sqlite" else SERVERS[kind].url()


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """An empty journal that seals."""
    with Journal.open(url, sealing_key=sealing_key(), durability="normal") as opened:
        yield opened


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """Where a journal in a file is."""
    return f"sqlite:///{tmp_path / 'payments.db'}"


@pytest.fixture
def file_journal(file_url: str) -> Iterator[Journal]:
    """An empty journal in a file."""
    with Journal.open(file_url, sealing_key=sealing_key(), durability="normal") as opened:
        yield opened


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> Server:
    """Each server that is tested on."""
    return SERVERS[request.param]


@pytest.fixture
def server_url(server: Server) -> str:
    """Where a journal on a server is."""
    return server.url()


@pytest.fixture
def server_journal(server_url: str) -> Iterator[Journal]:
    """An empty journal on a server."""
    with Journal.open(server_url, sealing_key=sealing_key(), durability="normal") as opened:
        yield opened
