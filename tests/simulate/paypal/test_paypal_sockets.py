"""The same over real TLS on loopback: a gateway, a browser, posted webhooks, another process's settings."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.simulate.paypal.shop import PRICE, SEALING_KEY

from payport.adapters.paypal import PayPal
from payport.adapters.paypal.simulator import PayPalSimulator
from payport.schemas import ActionRequired, HostedPage, Order, RawNotification, Redirect, Succeeded, Unknown, Verified
from payport.sdk import AsyncGateway, Gateway, Settings, open_adapter
from payport.sdk.cli.configured import write_settings
from payport.sdk.testing import Fault, Incoming
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.faults import FaultPlan
from payport.sdk.testing.server import LoopbackServer
from payport.sdk.testing.wire import Delivery

REF = "SHOP10010001"


@pytest.fixture
def partner() -> Iterator[PayPalSimulator]:
    """PayPal on 127.0.0.1."""
    with PayPalSimulator().serve() as served:
        yield served


@pytest.fixture
def gateway(partner: PayPalSimulator, tmp_path: Path) -> Iterator[Gateway[PayPal]]:
    """A gateway that speaks TLS to it."""
    journal = f"sqlite:///{tmp_path / 'payments.db'}"
    with Gateway(PayPal(partner.account), journal=journal, sealing_key=SEALING_KEY, sinks=()) as opened:
        yield opened


def browse(partner: PayPalSimulator, method: str, target: str, body: str = "") -> http.client.HTTPResponse:
    """A browser that trusts the loopback authority."""
    url = urlsplit(partner.url)
    context = ssl.create_default_context(cadata=loopback_certificates().authority)
    link = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=5, context=context)
    link.request(method, target, body=body)
    answer = link.getresponse()
    answer.read()
    link.close()
    return answer


def order(ref: str = REF) -> Order:
    return Order(ref=ref, amount=PRICE, subject="Tea")


def test_a_browser_pays_and_comes_back(partner: PayPalSimulator, gateway: Gateway[PayPal]) -> None:
    """Page, button, redirect, capture, event with its certificate fetched over TLS."""
    shown = gateway.pay(order(), HostedPage())
    assert isinstance(shown, ActionRequired)
    assert isinstance(shown.action, Redirect)
    page = urlsplit(shown.action.url)
    assert browse(partner, "GET", f"{page.path}?{page.query}").status == 200
    back = browse(partner, "POST", "/checkoutnow/approve", page.query).headers["location"]
    done = gateway.complete(REF, dict(parse_qsl(urlsplit(back).query)))
    assert isinstance(done, Succeeded)
    received = [gateway.receive(raw) for raw in partner.notices]
    assert all(isinstance(each, Verified) for each in received)
    assert [incoming.path for incoming in partner.requests][:2] == ["/v1/oauth2/token", "/v2/checkout/orders"]


def test_a_payer_who_gives_up_comes_back_too(partner: PayPalSimulator, gateway: Gateway[PayPal]) -> None:
    """To the basket; the order can still be approved. Pages that are not there say so."""
    shown = gateway.pay(order(), HostedPage())
    assert isinstance(shown, ActionRequired)
    assert isinstance(shown.action, Redirect)
    token = urlsplit(shown.action.url).query
    back = browse(partner, "POST", "/checkoutnow/cancel", token).headers["location"]
    assert back.startswith("https://shop.example/basket?token=")
    assert browse(partner, "GET", "/").status == 200
    assert browse(partner, "GET", "/nothing").status == 404
    assert browse(partner, "GET", "/checkoutnow?token=X").status == 409
    partner.payer.pay(f"{REF}T001")
    assert isinstance(gateway.complete(REF), Succeeded)


def test_a_reset_after_the_capture_is_no_second_charge(partner: PayPalSimulator, gateway: Gateway[PayPal]) -> None:
    """On a real socket."""
    shown = gateway.pay(order(), HostedPage())
    assert isinstance(shown, ActionRequired)
    visit = partner.payer.open(shown.action)
    partner.faults.next(Fault.COMMIT_THEN_RESET, method="orders.capture", times=3)
    told = gateway.complete(REF, visit.returned, deadline_s=2.0)
    assert isinstance(told, Succeeded | Unknown)
    gateway.resolve(REF)
    assert isinstance(gateway.query(REF).outcome, Succeeded)
    assert [charge.amount for charge in partner.ledger.charges()] == [PRICE]


def test_the_async_gateway_does_the_same(partner: PayPalSimulator, tmp_path: Path) -> None:
    """Pay, complete, refund under asyncio."""

    async def go() -> None:
        journal = f"sqlite:///{tmp_path / 'payments.db'}"
        async with AsyncGateway(PayPal(partner.account), journal=journal, sealing_key=SEALING_KEY, sinks=()) as gateway:
            shown = await gateway.pay(order(), HostedPage())
            assert isinstance(shown, ActionRequired)
            visit = partner.payer.open(shown.action)
            assert isinstance(await gateway.complete(REF, visit.returned), Succeeded)
            assert isinstance(await gateway.refund(REF, "BACK00000001", PRICE), Succeeded)
            assert isinstance(await gateway.receive(partner.notices[-1]), Verified)

    asyncio.run(go())
    assert partner.ledger.refunded_total() == PRICE


def test_events_are_posted_to_the_shops_address(partner: PayPalSimulator, gateway: Gateway[PayPal]) -> None:
    """An address on this machine, again until it answers with any 2xx."""
    seen: list[int] = []

    def hook(incoming: Incoming) -> Delivery:
        from payport.sdk.message import WireReply

        received = gateway.receive(RawNotification(body=incoming.body, headers=incoming.headers))
        status = 503 if not seen else received.acknowledgement.status
        seen.append(status)
        return Delivery(WireReply(status, (), b""))

    with LoopbackServer(hook, FaultPlan()) as server:
        partner.notices.webhook_url = f"{server.url}/hook"
        shown = gateway.pay(order(), HostedPage())
        assert isinstance(shown, ActionRequired)
        partner.payer.open(shown.action)
        assert partner.wait_delivered()
    assert seen == [503, 200]


def test_another_process_reads_the_simulators_settings(partner: PayPalSimulator, tmp_path: Path) -> None:
    """``payport.toml`` and its files open an adapter that works."""
    config = write_settings(tmp_path, partner.settings_files())
    adapter = open_adapter(Settings.load(config, {}), "simulator")
    with Gateway(adapter, journal=f"sqlite:///{tmp_path / 'other.db'}", sinks=()) as gateway:
        assert isinstance(gateway.pay(order(), HostedPage()), ActionRequired)
