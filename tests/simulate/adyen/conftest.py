"""A shop for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.simulate.adyen.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """With a sealing key."""
    made = Shop()
    yield made
    made.gateway.close()
    made.partner.close()
