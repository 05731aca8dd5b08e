"""A shop for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulate.unionpay.by_hand import Merchant
from tests.simulate.unionpay.shop import Shop


@pytest.fixture(name="shop")
def open_shop(tmp_path: Path) -> Iterator[Shop]:
    """It sells through a simulated UnionPay."""
    with Shop(tmp_path) as shop:
        yield shop


@pytest.fixture(name="merchant")
def by_hand() -> Merchant:
    """A merchant."""
    return Merchant()
