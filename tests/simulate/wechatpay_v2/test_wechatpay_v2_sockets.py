"""The same simulator over real TLS: client certificates where WeChat demands them, pages, notices to this machine."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from tests.simulate.wechatpay_v2.shop import AMOUNT, ByHand, as_xml, order

from payport.adapters.wechatpay_v2 import WeChatPayV2
from payport.adapters.wechatpay_v2.simulator import Fault, WeChatPayV2Simulator
from payport.schemas import ActionRequired, MobileWeb, QrScanned, QrShown, Redirect, Succeeded, Unknown
from payport.schemas.events import Acknowledgement
from payport.sdk import Gateway, Settings, open_adapter
from payport.sdk.message import WireReply
from payport.sdk.testing.certificates import client_identity
from payport.sdk.tls import Trust, context
from payport.sdk.transport.http import HttpTransport

FORGETFUL = "sqlite:///:memory:?durable=no"


@pytest.fixture
def served() -> Iterator[WeChatPayV2Simulator]:
    """WeChat on loopback TLS."""
    with WeChatPayV2Simulator().serve() as partner:
        yield partner


def gateway(partner: WeChatPayV2Simulator, **changes: Any) -> Gateway[WeChatPayV2]:
    """A gateway over real sockets."""
    return Gateway(WeChatPayV2(replace(partner.account, **changes)), journal=FORGETFUL)


def visit(partner: WeChatPayV2Simulator, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
    """What a browser gets: status, text, where it is sent."""
    url = urlsplit(partner.url)
    browser = context(Trust(ca_data=partner.trust.ca_data))
    link = http.client.HTTPSConnection(url.hostname or "", url.port, context=browser, timeout=5)
    try:
        if form is None:
            link.request("GET", path)
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            link.request("POST", path, body=urlencode(form), headers=headers)
        answer = link.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("location", "")
    finally:
        link.close()


def test_money_goes_back_over_mutual_tls(served: WeChatPayV2Simulator) -> None:
    """Paid, refunded, reversed: the server sees the merchant's certificate with every request."""
    with gateway(served) as shop:
        assert isinstance(shop.pay(order(), QrScanned(auth_code=served.payer.code())), Succeeded)
        shop.refund(order().ref, "REFUND0001", AMOUNT)
        assert isinstance(shop.query_refund(order().ref, "REFUND0001").outcome, Succeeded)
        assert isinstance(shop.pay(order("SHOP2"), QrScanned(auth_code=served.payer.code())), Succeeded)
        assert isinstance(shop.cancel("SHOP2", reverse_paid=True), Succeeded)
    merchant = client_identity("Payport simulated merchant")
    assert {incoming.client for incoming in served.requests} == {merchant.fingerprint}


@pytest.mark.parametrize("path", ["secapi/pay/refund", "secapi/pay/reverse"])
def test_without_a_certificate_there_is_a_page(served: WeChatPayV2Simulator, path: str) -> None:
    """A 400 in HTML, as WeChat's own servers say it; other endpoints ask for none."""
    bare = Trust(ca_data=served.trust.ca_data)
    transport = HttpTransport(bare, frozenset({served.account.host}))
    hand = ByHand(served, transport)
    answer = hand.post(path, as_xml(hand.fields({"out_trade_no": "SHOP1"})))
    assert isinstance(answer, WireReply)
    assert answer.status == 400
    assert b"No required SSL certificate" in answer.content
    assert hand.query()["err_code"] == "ORDERNOTEXIST"
    transport.close()


def test_a_phones_browser(served: WeChatPayV2Simulator) -> None:
    """Opens the link, pays, and comes back to the shop."""
    with gateway(served) as shop:
        bought = replace(order(), return_url="https://shop.example/thanks?a=1")
        outcome = shop.pay(bought, MobileWeb())
        assert isinstance(outcome, ActionRequired)
        assert isinstance(outcome.action, Redirect)
        url = urlsplit(outcome.action.url)
        status, page, _ = visit(served, f"{url.path}?{url.query}")
        assert (status, "CNY 12.34" in page) == (200, True)
        form = {"number": "SHOP10010001T001", "return": "https://shop.example/thanks?a=1"}
        assert visit(served, "/cashier/pay", form)[::2] == (302, "https://shop.example/thanks?a=1")
        assert isinstance(shop.query(bought.ref).outcome, Succeeded)
        assert visit(served, f"{url.path}?{url.query}")[0] == 409


def test_what_waits_is_listed(served: WeChatPayV2Simulator) -> None:
    """For a developer without a phone: a code cannot be scanned from the outside of WeChat."""
    assert "Nobody" in visit(served, "/")[1]
    with gateway(served) as shop:
        shop.pay(order(), QrShown())
        assert "SHOP10010001T001" in visit(served, "/")[1]
        assert "Cancelled" in visit(served, "/cashier/cancel", {"number": "SHOP10010001T001"})[1]
        assert "Paid" in visit(served, "/cashier/pay", {"number": "SHOP10010001T001"})[1]
        assert visit(served, "/cashier/pay", {"number": "OTHER"})[0] == 409
        assert visit(served, "/favicon.ico")[0] == 404


def test_notices_are_delivered_until_they_are_taken(served: WeChatPayV2Simulator) -> None:
    """WeChat wants SUCCESS in XML, with status 200; anything else and it comes again."""
    answers = [
        Acknowledgement(status=500, content_type="text/plain", body=b""),
        Acknowledgement(status=200, content_type="text/plain", body=b"success"),
        Acknowledgement(status=200, content_type="text/xml", body=b"<xml><return_code>FAIL</return_code></xml>"),
    ]
    with gateway(served) as shop:
        served.deliver_to(lambda raw: answers.pop(0) if answers else shop.receive(raw).acknowledgement)
        outcome = shop.pay(order(), QrShown())
        assert isinstance(outcome, ActionRequired)
        served.hold_notices()
        served.payer.open(outcome.action)
        assert len(served.release_notices(copies=2, shuffle_seed=1)) == 2
        assert served.wait_delivered()
        assert answers == []
        assert isinstance(shop.query(order().ref).outcome, Succeeded)


def test_a_socket_may_fail(served: WeChatPayV2Simulator) -> None:
    """As in process: nobody is charged twice."""
    with gateway(served) as shop:
        served.faults.next(Fault.COMMIT_THEN_RESET, "pay/micropay")
        told = shop.pay(order(), QrScanned(auth_code=served.payer.code()), deadline_s=3)
        assert isinstance(told, Unknown)
        assert isinstance(shop.query(order().ref).outcome, Succeeded)
        assert len(served.ledger.charges()) == 1


def test_another_process_finds_everything_in_its_files(served: WeChatPayV2Simulator, tmp_path: Path) -> None:
    """``payport simulate wechatpay_v2`` writes these."""
    for name, text in served.settings_files().items():
        (tmp_path / name).write_text(text)
    adapter = open_adapter(Settings.load(tmp_path / "payport.toml", {}), "simulator")
    assert isinstance(adapter, WeChatPayV2)
    assert replace(adapter.config, trust=None) == replace(served.account, trust=None)
    with Gateway(adapter, journal=FORGETFUL) as shop:
        assert isinstance(shop.pay(order(), QrScanned(auth_code=served.payer.code())), Succeeded)
