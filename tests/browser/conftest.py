"""One headless browser for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.support.chromium import FLAGS, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless, without calls to anybody."""
    with sync_playwright() as playing:
        opened = playing.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield opened
        opened.close()
