"""The same simulator over real TLS: same failures, pages for a browser, two hosts, notices posted to this machine."""

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
from urllib.parse import quote, urlencode, urlsplit

import pytest
from tests.simulate.wechatpay.merchant import BILLS, CODEPAY, Merchant
from tests.simulate.wechatpay.test_wechatpay_faults import ANSWERED, GATEWAY, NO_REPLY

from payport.adapters.wechatpay.account import WeChatPayAccount
from payport.adapters.wechatpay.settings import account_from
from payport.adapters.wechatpay.simulator import Fault, Wallet, WeChatPaySimulator
from payport.adapters.wechatpay.simulator.configuration import settings_files
from payport.sdk.message import FailureKind, WireReply
from payport.sdk.secrets import Secret
from payport.sdk.settings import Settings
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.tls import Trust, context
from payport.sdk.transport.http import HttpTransport

H5_SCENE = {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}


@pytest.fixture
def served() -> Iterator[WeChatPaySimulator]:
    """WeChat Pay on loopback TLS."""
    with WeChatPaySimulator().serve() as partner:
        yield partner


@pytest.fixture
def remote(served: WeChatPaySimulator) -> Iterator[Merchant]:
    """A merchant at the other end of a real connection."""
    account = served.account
    assert account.trust is not None
    transport = HttpTransport(account.trust, frozenset(account.hosts))
    yield Merchant(served, transport)
    transport.close()


def visit(partner: WeChatPaySimulator, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
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
        return answer.status, answer.read().decode(), answer.headers.get("location", "")
    finally:
        link.close()


@pytest.mark.parametrize(("fault", "kind", "left", "charges"), NO_REPLY)
def test_a_socket_fails_as_in_process(
    remote: Merchant, fault: Fault, kind: FailureKind, left: bool, charges: int
) -> None:
    """One table for both: the transport over real sockets reports what the in-process one does."""
    assert remote.query("OTHER1").code == "ORDER_NOT_EXIST"  # a connection is open and idle
    remote.partner.faults.next(fault)
    failure = remote.fails("POST", CODEPAY, remote.code_order(), timeout_s=0.3)
    assert (kind, left) == (failure.kind, failure.may_have_left)
    assert charges == len(remote.partner.ledger.charges("SHOP01"))


@pytest.mark.parametrize("fault", [row[0] for row in ANSWERED])
def test_a_reply_crosses_unchanged(remote: Merchant, fault: Fault) -> None:
    """Status, header and bytes of a faulty answer are those of the in-process one, connections kept open."""
    row = next(row for row in ANSWERED if row[0] is fault)
    remote.partner.faults.next(fault)
    said = remote.codepay()
    assert row[1:5] == (said.status, said.code, said.signed, said.authentic)


def test_connections_stay_open_over_a_gateway_page_and_a_204(remote: Merchant) -> None:
    """Both are answers like others; 204 has no body and is signed."""
    for fault, _ in GATEWAY:
        remote.partner.faults.next(fault)
        answer = remote.send("POST", CODEPAY, remote.code_order())
        assert isinstance(answer, WireReply)
        assert answer.status == 502
    remote.native("SHOP02")
    closed = remote.close("SHOP02")
    assert (closed.status, closed.raw, closed.authentic) == (204, b"", True)
    assert remote.query("SHOP02").fields["trade_state"] == "CLOSED"


def test_the_backup_host_has_the_same_books(remote: Merchant) -> None:
    """The signature does not cover the host, and the first host may be out of reach."""
    remote.partner.faults.next(Fault.RESET_BEFORE_TLS)
    failure = remote.fails("POST", CODEPAY, remote.code_order())
    assert not failure.may_have_left
    account = remote.account
    assert account.backup_url is not None
    assert account.backup_url != account.base_url
    remote.account = replace(account, base_url=account.backup_url)
    assert remote.codepay().status == 200
    assert len(remote.partner.ledger.charges()) == 1
    assert {"localhost"} == {request.headers["host"].split(":")[0] for request in remote.partner.requests[:1]}


def test_an_h5_link_is_paid_in_a_browser(served: WeChatPaySimulator, remote: Merchant) -> None:
    """GET shows the phone, its button pays, and the browser is sent back to where the merchant wants."""
    order = remote.order(scene_info=H5_SCENE)
    link = urlsplit(remote.call("POST", "/v3/pay/transactions/h5", order).fields["h5_url"])
    assert link.netloc == urlsplit(served.url).netloc
    back = quote("https://shop.test/back?a=1", safe="")
    status, page, _ = visit(served, f"{link.path}?{link.query}&redirect_url={back}")
    assert (status, "茶 Tea" in page, "CNY 12.34" in page) == (200, True, True)
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    status, _, location = visit(served, "/cashier/pay", hidden)
    assert (status, location) == (302, "https://shop.test/back?a=1")
    assert len(served.ledger.charges("SHOP01")) == 1
    assert visit(served, "/cashier/pay", hidden)[0] == 409


def test_everything_that_waits_stands_on_the_first_page(served: WeChatPaySimulator, remote: Merchant) -> None:
    """Codes, scanned codes to be confirmed, combined orders, transfers: each with a link and buttons."""
    assert "Nobody has to do anything" in visit(served, "/")[1]
    remote.native("SHOP01")
    remote.codepay("SHOP02", 1234, served.payer.code(Wallet.CONFIRMS))
    remote.call("POST", BILLS, remote.transfer())
    parts = [
        {
            "mchid": remote.account.mchid,
            "out_trade_no": "PART01",
            "attach": "a",
            "description": "x",
            "amount": {"total_amount": 1, "currency": "CNY"},
        }
    ]
    group = {
        "combine_appid": remote.account.appid,
        "combine_mchid": remote.account.mchid,
        "combine_out_trade_no": "GROUP1",
        "notify_url": "https://shop.example/wechatpay",
        "sub_orders": parts,
    }
    remote.call("POST", "/v3/combine-transactions/native", group)
    page = visit(served, "/")[1]
    assert all(number in page for number in ("SHOP01", "SHOP02", "PAYOUT1", "GROUP1"))
    links = re.findall(r'href="(/open/[^"]+)"', page)
    assert len(links) == 3
    verbs = [verb for link in links for verb in re.findall(r"<button>(Pay all|Pay|Receive)<", visit(served, link)[1])]
    assert verbs == ["Pay", "Pay all", "Receive"]
    for number in ("SHOP01", "SHOP02", "PAYOUT1", "GROUP1"):
        assert "Done." in visit(served, "/cashier/pay", {"number": number})[1]
    assert "Nobody has to do anything" in visit(served, "/")[1]


def test_a_page_gives_up_or_is_not_there(served: WeChatPaySimulator, remote: Merchant) -> None:
    """Given up, a code's payment has failed; other addresses have no page."""
    remote.codepay("SHOP01", 1234, served.payer.code(Wallet.CONFIRMS))
    assert "Given up" in visit(served, "/cashier/cancel", {"number": "SHOP01"})[1]
    assert remote.query("SHOP01").fields["trade_state"] == "PAYERROR"
    assert [visit(served, path)[0] for path in ("/nothing", "/open/x", "/open/")] == [404, 409, 409]


class Inbox(http.server.BaseHTTPRequestHandler):
    """A merchant's address for notices: refuses the first, accepts the next."""

    got: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append((dict(self.headers.items()), body))
        self.send_response(500 if len(self.got) == 1 else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing to say."""


def test_a_notice_is_posted_until_it_is_accepted(served: WeChatPaySimulator, remote: Merchant) -> None:
    """Over TLS to an address on this machine, with the signature in its headers, signed anew each time."""
    Inbox.got.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
    server.socket = loopback_certificates().server_context().wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        remote.paid(notify_url=f"https://127.0.0.1:{server.server_address[1]}/wechatpay")
        assert served.wait_delivered()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    (first, body), (second, again) = Inbox.got
    assert body == again
    assert remote.verifies(first, body)
    assert remote.verifies(second, body)
    assert first["Wechatpay-Signature"] != second["Wechatpay-Signature"]


@pytest.mark.parametrize("mode", ["certificate", "both", "public_key"])
@pytest.mark.parametrize("sub_mchid", [None, "1900000110"])
def test_its_settings_files_make_the_same_account(
    mode: Literal["certificate", "both", "public_key"], sub_mchid: str | None, tmp_path: Path
) -> None:
    """For a gateway in another process; no key stands in the settings themselves."""
    with WeChatPaySimulator(mode, sub_mchid=sub_mchid).serve() as partner:
        files = partner.settings_files()
        account = partner.account
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert "PRIVATE" not in files["payport.toml"]
    assert account.api_v3_key.reveal() not in files["payport.toml"]
    settings = Settings.load(tmp_path / "payport.toml", env={})
    assert texts(account) == texts(account_from(settings.accounts["simulator"].table))


def texts(account: WeChatPayAccount) -> dict[str, object]:
    """Everything an account says, secrets opened; a line break at the end of a file means nothing."""
    said: dict[str, object] = {}
    for item in fields(account):
        value = getattr(account, item.name)
        plain = value.reveal() if isinstance(value, Secret) else value.ca_data if isinstance(value, Trust) else value
        said[item.name] = plain.strip() if isinstance(plain, str) else plain
    return said


def test_serving_twice_is_serving_once(served: WeChatPaySimulator) -> None:
    """The second call changes nothing; after closing the account is the in-process one again."""
    url = served.url
    assert url == served.serve().url
    served.close()
    assert (served.account.trust, served.requests) == (None, ())


def test_an_account_without_a_socket_needs_no_authority() -> None:
    """In process nothing is trusted and nothing arrived."""
    partner = WeChatPaySimulator()
    assert (partner.account.trust, partner.requests) == (None, ())
    assert "ca" not in settings_files(partner.account)["payport.toml"].split()
