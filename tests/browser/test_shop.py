"""The shop of the examples in a real browser: from the button to paid, at every simulated partner."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from examples.shop.app import Shop, application
from examples.shop.partners import PARTNERS, Partner
from playwright.sync_api import Browser
from tests.support.chromium import chromium

from payport.sdk import Journal

AGREE = re.compile(r"^(pay|let freeze|agree|approve|confirm|authori[sz]e|complete).*", re.IGNORECASE)
"""What the button on a partner's page says."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a shop with every partner, on a real server."""
    chromium()
    folder: Path = tmp_path_factory.mktemp("shop")
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Journal.open(f"sqlite:///{folder / 'payments.db'}") as journal,
        ExitStack() as stack,
    ):
        partners: dict[str, Partner] = {name: make() for name, make in PARTNERS.items()}
        for partner in partners.values():
            stack.callback(partner.simulator.close)
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        served = Shop(partners, journal, base)
        stack.callback(served.close)
        server = uvicorn.Server(uvicorn.Config(application(served), log_level="warning"))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield base
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("name", PARTNERS)
def test_a_browser_goes_from_checkout_to_paid(shop: str, browser: Browser, name: str) -> None:
    """The shop's button, the partner's page, the shop again: paid."""
    page = browser.new_page(ignore_https_errors=True)  # the simulators' own authority
    page.set_default_timeout(15_000)
    page.goto(shop)
    page.click(f'button[value="{name}"]')
    order = None
    if page.locator("#phone").count():
        order = page.locator("#order").get_attribute("href")
        page.click("#phone")
    page.get_by_role("button", name=AGREE).first.click()
    if order is not None:
        page.goto(f"{shop}{order}")
    page.wait_for_selector("h1:text-is('Paid')")
    assert "12.34" in page.inner_text("#state")
    page.close()
