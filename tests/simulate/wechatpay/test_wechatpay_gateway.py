"""The library's gateway and the simulated WeChat Pay on real sockets: keys that change, hosts that fail, probes."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from payport.adapters.wechatpay import WeChatPay
from payport.adapters.wechatpay.simulator import Fault, WeChatPaySimulator
from payport.adapters.wechatpay.simulator.keys import merchant_serial
from payport.schemas import ActionRequired, Money, Order, QrScanned, QrShown, Succeeded, Unknown
from payport.schemas.events import Acknowledgement, RawNotification
from payport.schemas.payment import FactKind
from payport.sdk.gateway import Gateway
from payport.sdk.journal.records import State
from payport.sdk.secrets import Secret

CERTIFICATES = "/v3/certificates"


class Shop:
    """A gateway and its partner."""

    def __init__(self, partner: WeChatPaySimulator) -> None:
        self.partner = partner
        self.gateway = Gateway(
            WeChatPay(partner.account),
            journal="sqlite:///:memory:?durable=no",
            sealing_key=Secret(base64.b64encode(bytes(range(32))).decode()),
            sinks=(),
        )
        self.refused = 0
        partner.deliver_to(self.receive)

    def receive(self, raw: RawNotification) -> Acknowledgement:
        """What the gateway answers to a notice."""
        answer = self.gateway.receive(raw).acknowledgement
        self.refused += answer.status >= 400
        return answer

    def scanned(self, ref: str) -> object:
        """Charge a code."""
        order = Order(ref=ref, amount=Money(1234, "CNY"), subject="Tea")
        return self.gateway.pay(order, QrScanned(auth_code=self.partner.payer.code()), deadline_s=2.0)

    def shown_and_paid(self, ref: str) -> State:
        """Show a code, have it paid and told; how the journal then has it."""
        shown = self.gateway.pay(Order(ref=ref, amount=Money(1234, "CNY"), subject="Tea"), QrShown())
        assert isinstance(shown, ActionRequired), shown
        self.partner.payer.open(shown.action)
        assert self.partner.wait_delivered()
        return self.gateway.history(ref)[-1].state

    @property
    def downloads(self) -> int:
        """How often the certificates were asked for."""
        return sum(request.path == CERTIFICATES for request in self.partner.requests)


def open_shop(partner: WeChatPaySimulator) -> Iterator[Shop]:
    """A shop that is closed afterwards."""
    with partner.serve():
        shop = Shop(partner)
        yield shop
        shop.gateway.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    """With certificates."""
    yield from open_shop(WeChatPaySimulator())


@pytest.fixture
def changing() -> Iterator[Shop]:
    """While WeChat goes over to the public key."""
    yield from open_shop(WeChatPaySimulator("both"))


def test_the_second_host_is_called_when_the_first_is_out_of_reach(shop: Shop) -> None:
    """No connection to the first: nothing left, the signature does not cover the host, one charge."""
    shop.partner.faults.next(Fault.RESET_BEFORE_TLS)
    assert isinstance(shop.scanned("BUY0000001"), Succeeded)
    hosts = [request.headers["host"].partition(":")[0] for request in shop.partner.requests]
    assert "localhost" in hosts
    assert len(shop.partner.ledger.charges()) == 1


def test_a_certificate_that_rotates_midway_is_downloaded_once(shop: Shop) -> None:
    """Answers and notices of the new one are believed, and the shop never notices."""
    assert isinstance(shop.scanned("BUY0000001"), Succeeded)
    assert shop.downloads == 1
    shop.partner.rotate_certificate()
    assert isinstance(shop.scanned("BUY0000002"), Succeeded)
    assert shop.shown_and_paid("BUY0000003") is State.SUCCEEDED
    assert (shop.downloads, shop.refused) == (2, 0)


@pytest.mark.parametrize("number", [0xAB, 0x0ABC << 136, 0xFF << 144])
def test_a_serial_number_may_begin_with_zeros(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """As one in a hundred and thirty does: its forty digits are a name, only the number is compared."""
    merchant_serial()  # drawn before, and kept
    monkeypatch.setattr("cryptography.x509.random_serial_number", lambda: number)
    for shop in open_shop(WeChatPaySimulator()):
        assert shop.shown_and_paid("BUY0000001") is State.SUCCEEDED
        assert (shop.downloads, shop.refused) == (1, 0)


def test_the_change_to_the_public_key_needs_no_restart(changing: Shop) -> None:
    """With both configured; notices come with either key, and later with the public key only."""
    assert [changing.shown_and_paid(f"BUY000000{number}") for number in range(2)] == [State.SUCCEEDED] * 2
    assert len({raw.headers["Wechatpay-Serial"] for raw in changing.partner.notices}) == 2
    changing.partner.switch("public_key")
    assert changing.shown_and_paid("BUY0000009") is State.SUCCEEDED
    assert changing.refused == 0


def test_a_probe_on_an_answer_is_asked_about(shop: Shop) -> None:
    """The charge was carried out; nobody is charged again."""
    assert isinstance(shop.scanned("BUY0000001"), Succeeded)
    shop.partner.probe()
    assert isinstance(shop.scanned("BUY0000002"), Unknown)
    shop.gateway.resolve("BUY0000002")
    assert isinstance(shop.scanned("BUY0000002"), Succeeded)
    assert len(shop.partner.ledger.charges(starting_with="BUY0000002")) == 1


def test_a_probe_on_a_notice_is_refused_and_the_next_try_accepted(shop: Shop) -> None:
    """WeChat sends the true one right afterwards."""
    shop.partner.notices.probes = 2  # one for the copy that is kept, one for the first delivery
    assert shop.shown_and_paid("BUY0000001") is State.SUCCEEDED
    assert shop.refused == 1


def test_a_reversed_payment_is_no_contradiction(shop: Shop) -> None:
    """REVOKED, asked about later, is what the reversal did: the money went back once, and is told once."""
    assert isinstance(shop.scanned("BUY0000001"), Succeeded)
    assert isinstance(shop.gateway.cancel("BUY0000001", reverse_paid=True), Succeeded)
    seen = shop.gateway.query("BUY0000001").outcome
    assert isinstance(seen, Succeeded)
    assert [fact.kind for fact in seen.value.facts] == [FactKind.REFUNDED]


def test_a_service_provider_is_paid_for_its_sub_merchant() -> None:
    """The same verbs; every path is the service provider's."""
    for shop in open_shop(WeChatPaySimulator(sub_mchid="1900000110")):
        assert shop.shown_and_paid("BUY0000001") is State.SUCCEEDED
        assert isinstance(shop.scanned("BUY0000002"), Succeeded)
        paths = {request.path for request in shop.partner.requests} - {CERTIFICATES}
        assert all(path.startswith("/v3/pay/partner/") for path in paths)
