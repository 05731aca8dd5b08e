"""A fresh world for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.paths import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """In public-key mode."""
    with World(tmp_path) as made:
        yield made


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[World]:
    """In certificate mode, which payouts need."""
    with World(tmp_path, mode="certificate") as made:
        yield made
