"""A journal in a file of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.journal_records import sealing_key

from payport.sdk.journal import Journal


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the journal is."""
    return f"sqlite:///{tmp_path / 'payments.db'}"


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """An empty journal that seals."""
    with Journal.open(url, sealing_key=sealing_key(), durability="normal") as opened:
        yield opened
