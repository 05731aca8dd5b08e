"""A shop for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulate.paypal.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop that takes PayPal."""
    opened = Shop(tmp_path)
    yield opened
    opened.close()
