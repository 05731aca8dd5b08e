"""A journal in memory and a time that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.paths import SEALING_KEY, Time

from payport.sdk.journal.store import Journal


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal.open("sqlite:///:memory:?durable=no", sealing_key=SEALING_KEY) as opened:
        yield opened


@pytest.fixture
def time() -> Time:
    return Time()
