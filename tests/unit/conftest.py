"""A journal in memory and a time that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from payport.sdk.journal.store import Journal
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.testing.stepping import Time


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal.open("sqlite:///:memory:?durable=no", sealing_key=SEALING_KEY) as opened:
        yield opened


@pytest.fixture
def time() -> Time:
    return Time()
