"""The same simulator over real TLS: same failures, cashier pages for a browser, notices posted to this machine."""

from __future__ import annotations

import http.client
import http.server
import re
import ssl
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from threading import Thread
from typing import ClassVar, Literal
from urllib.parse import urlencode, urlsplit

import pytest
from tests.simulate.alipay.merchant import Merchant
from tests.simulate.alipay.test_alipay_faults import ANSWERED, GATEWAY, NO_REPLY, PAY, content

from payport.adapters.alipay.account import AlipayAccount, AlipayCertificates
from payport.adapters.alipay.settings import account_from
from payport.adapters.alipay.simulator import AlipaySimulator, Fault
from payport.adapters.alipay.simulator.configuration import settings_files
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.secrets import Secret
from payport.sdk.settings import Settings
from payport.sdk.tls import Trust, context
from payport.sdk.transport.http import HttpTransport


@pytest.fixture
def served() -> Iterator[AlipaySimulator]:
    """Alipay on loopback TLS."""
    with AlipaySimulator().serve() as partner:
        yield partner


@pytest.fixture
def remote(served: AlipaySimulator) -> Iterator[Merchant]:
    """A merchant at the other end of a real connection."""
    account = served.account
    assert account.trust is not None
    transport = HttpTransport(account.trust, frozenset({account.host}))
    yield Merchant(served, transport)
    transport.close()


def visit(partner: AlipaySimulator, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
    """What a browser gets: status, text, where it is sent."""
    url = urlsplit(partner.url)
    trust: ssl.SSLContext = context(partner.trust)
    link = http.client.HTTPSConnection(url.hostname or "", url.port, context=trust, timeout=5)
    try:
        if form is None:
            link.request("GET", path)
        else:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            link.request("POST", path, body=urlencode(form), headers=headers)
        answer = link.getresponse()
        charset = answer.headers.get_content_charset() or "utf-8"
        return answer.status, answer.read().decode(charset), answer.headers.get("location", "")
    finally:
        link.close()


@pytest.mark.parametrize(("fault", "kind", "left", "charges"), NO_REPLY)
def test_a_socket_fails_as_in_process(
    remote: Merchant, fault: Fault, kind: FailureKind, left: bool, charges: int
) -> None:
    """One table for both: the transport over real sockets reports what the in-process one does."""
    assert remote.query("OTHER").code == "ACQ.TRADE_NOT_EXIST"  # a connection is open and idle
    remote.partner.faults.next(fault)
    failure = remote.fails(PAY, content(remote), timeout_s=0.3)
    assert (kind, left) == (failure.kind, failure.may_have_left)
    assert charges == len(remote.partner.ledger.charges("SHOP1"))


@pytest.mark.parametrize("fault", [row[0] for row in ANSWERED])
def test_a_reply_crosses_unchanged(remote: Merchant, fault: Fault) -> None:
    """Status, header and bytes of a faulty reply are those of the in-process one, connections kept open."""
    row = next(row for row in ANSWERED if row[0] is fault)
    remote.partner.faults.next(fault)
    said = remote.call(PAY, content(remote))
    assert row[1:4] == (said.code, said.signed, said.authentic)


def test_connections_stay_open_over_a_gateway_page(remote: Merchant) -> None:
    """502 pages are replies like others."""
    for fault, _ in GATEWAY:
        remote.partner.faults.next(fault)
        answer = remote.send(remote.parameters(PAY, content(remote)))
        assert isinstance(answer, WireReply)
        assert answer.status == 502
    assert len(remote.partner.requests) == 2


def test_a_page_can_be_paid_in_a_browser(served: AlipaySimulator, remote: Merchant) -> None:
    """GET shows the cashier, its button pays, and the browser is sent back with signed parameters."""
    params = remote.parameters("alipay.trade.page.pay", remote.order(), return_url="https://shop.test/back")
    status, page, _ = visit(served, f"/gateway.do?{urlencode(params)}")
    assert (status, "茶 Tea" in page) == (200, True)
    assert 'action="/cashier/pay"' in page
    status, _, location = visit(served, "/cashier/pay", {"number": "SHOP1"})
    assert (status, location.startswith("https://shop.test/back?app_id=")) == (302, True)
    assert len(served.ledger.charges("SHOP1")) == 1
    assert visit(served, "/cashier/pay", {"number": "SHOP1"})[0] == 409


def test_a_form_can_be_posted_by_a_browser(served: AlipaySimulator, remote: Merchant) -> None:
    """The content in the body, the rest in the query."""
    params = remote.parameters("alipay.trade.wap.pay", remote.order())
    body = {"biz_content": params.pop("biz_content")}
    assert visit(served, f"/gateway.do?{urlencode(params)}", body)[0] == 200
    assert served.ledger.trade_status("SHOP1") == "WAIT_BUYER_PAY"
    assert "Cancelled" in visit(served, "/cashier/cancel", {"number": "SHOP1"})[1]
    assert served.ledger.trade_status("SHOP1") == "TRADE_CLOSED"


def test_a_wrong_page_is_an_error_page_in_gbk(served: AlipaySimulator, remote: Merchant) -> None:
    """Status 200 and HTML in GBK, as Alipay does."""
    params = remote.parameters("alipay.trade.page.pay", remote.order())
    status, page, _ = visit(served, f"/gateway.do?{urlencode({**params, 'version': '2.0'})}")
    assert (status, "错误" in page, "isv.invalid-version" in page) == (200, True, True)


def test_a_scanned_code_is_an_address(served: AlipaySimulator, remote: Merchant) -> None:
    """A phone's browser opens the code's text; a freeze is shown the same way; the list shows what waits."""
    code = remote.precreate()
    assert code.startswith(served.url)
    assert "Nobody has to pay" in visit(served, "/")[1]
    assert "SHOP1" in visit(served, urlsplit(code).path)[1]
    voucher = {"out_order_no": "HOLD1", "out_request_no": "F1", "order_title": "Deposit", "amount": "100.00"}
    hold = str(remote.call("alipay.fund.auth.order.voucher.create", voucher).fields["code_value"])
    assert "Let freeze" in visit(served, urlsplit(hold).path)[1]
    assert re.findall(r"<p>(\w+): CNY", visit(served, "/")[1]) == ["SHOP1", "HOLD1"]
    for number in ("SHOP1", "HOLD1"):
        assert "Paid." in visit(served, "/cashier/pay", {"number": number})[1]
    assert visit(served, "/qr/unknown")[0] == 409
    assert visit(served, "/favicon.ico")[0] == 404


class Shop(http.server.BaseHTTPRequestHandler):
    """A shop that accepts the second delivery."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        """Take a notice."""
        Shop.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"fail" if len(Shop.bodies) == 1 else b"success")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""


def test_notices_are_posted_to_an_address_of_this_machine(remote: Merchant) -> None:
    """Until the body is exactly ``success``."""
    Shop.bodies.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), Shop) as shop:
        Thread(target=shop.serve_forever, daemon=True).start()
        remote.public["notify_url"] = f"http://localhost:{shop.server_port}/notify?shop=1"
        assert remote.call(PAY, content(remote)).code == "10000"
        assert remote.partner.wait_delivered()
        shop.shutdown()
    assert len(Shop.bodies) == 2
    assert b"trade_status=TRADE_SUCCESS" in Shop.bodies[1]


def test_notices_are_posted_over_tls_too(served: AlipaySimulator, remote: Merchant) -> None:
    """With the simulator's own authority: here its own cashier answers 404, so it gives up after eight tries."""
    remote.public["notify_url"] = f"{served.url}/notify"
    assert remote.call(PAY, content(remote)).code == "10000"
    assert not served.wait_delivered(0.3)
    assert len([one for one in served.requests if one.path == "/notify"]) >= 2


@pytest.mark.parametrize("mode", ["key", "certificate", "pinned"])
@pytest.mark.parametrize("encryption", [False, True])
def test_settings_for_another_process(
    tmp_path: Path, mode: Literal["key", "certificate", "pinned"], encryption: bool
) -> None:
    """payport.toml and the files it names make the same account again; no secret stands in the TOML itself."""
    with AlipaySimulator(mode, encryption=encryption).serve() as partner:
        account, files = partner.account, partner.settings_files()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert "PRIVATE" not in files["payport.toml"]
    settings = Settings.load(tmp_path / "payport.toml", env={})
    assert texts(account_from(settings.accounts["simulator"].table)) == texts(account)


def texts(account: AlipayAccount) -> dict[str, object]:
    """Everything an account says, secrets opened; a line break at the end of a file means nothing."""
    said: dict[str, object] = {}
    for item in fields(account):
        value = getattr(account, item.name)
        if isinstance(value, AlipayCertificates):
            said |= {"application": value.application.strip(), "alipay": value.alipay.strip()}
            said |= {"root": value.root.strip(), "pinned": value.pinned}
        elif isinstance(value, Trust):
            said["trust"] = (value.ca_data or "").strip()
        else:
            said[item.name] = value.reveal().strip() if isinstance(value, Secret) else value
    return said


def test_settings_in_process_name_no_authority() -> None:
    """There is no host to trust, and a seller is named only when there is one."""
    account = AlipaySimulator().account
    assert set(settings_files(account)) == {"payport.toml", "private_key.pem"}
    assert "seller_id" not in settings_files(replace(account, seller_id=None))["payport.toml"]


def test_serving_twice_is_serving_once(served: AlipaySimulator) -> None:
    """The second call changes nothing; after closing the account is the in-process one again."""
    url = served.url
    assert url == served.serve().url
    served.close()
    assert served.requests == ()
    assert served.account.trust is None


def test_a_stranger_is_not_believed(served: AlipaySimulator) -> None:
    """Without its authority the simulator's certificate is worth nothing: not sent."""
    account = served.account
    transport = HttpTransport(Trust(), frozenset({account.host}))
    failure = Merchant(served, transport).send({"method": "x"})
    transport.close()
    assert isinstance(failure, SendFailure)
    assert (failure.kind, failure.may_have_left) == (FailureKind.TLS, False)
