"""Adyen's side of the wire: keys, idempotency, errors, pages and webhooks that come until they are accepted."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.simulate.adyen.shop import Shop

from payport.adapters.adyen import Adyen, AdyenPaymentMethod
from payport.adapters.adyen.simulator import AdyenSimulator, Fault
from payport.schemas import HostedPage, Money, Order, RawNotification, Succeeded
from payport.schemas.events import Acknowledgement
from payport.sdk import Gateway
from payport.sdk.testing import Incoming


def payment(**more: Any) -> dict[str, Any]:
    return {
        "merchantAccount": "SimulatorECOM",
        "amount": {"currency": "EUR", "value": 1234},
        "reference": "BYHAND0001",
        "returnUrl": "https://shop.example",
        "paymentMethod": {"type": "scheme", "encryptedCardNumber": "test_4111111111111111"},
        **more,
    }


def test_the_first_answer_is_played_back(shop: Shop) -> None:
    """Whatever the second request says: Adyen looks at the key alone."""
    first = shop.by_hand("POST", "/payments", payment(), key="k1")
    again = shop.by_hand("POST", "/payments", payment(amount={"currency": "EUR", "value": 1}), key="k1")
    assert first == again
    assert first[1]["idempotency-key"] == "k1"
    assert len(shop.partner.ledger.charges()) == 1
    shop.by_hand("POST", "/payments", payment(), key="k2")
    assert len(shop.partner.ledger.charges()) == 2


def test_a_key_is_forgotten_after_its_life(shop: Shop) -> None:
    """Seven days; then it charges again, which is why the library stops after half of them."""
    shop.by_hand("POST", "/payments", payment(), key="k1")
    shop.partner.advance(7 * 86_400 + 1)
    shop.by_hand("POST", "/payments", payment(), key="k1")
    assert len(shop.partner.ledger.charges()) == 2


def test_a_twin_in_flight_is_told_to_wait(shop: Shop) -> None:
    """409, 704: the first request of the key is still being worked on."""
    twins: list[tuple[int, str]] = []

    def again(_: str) -> None:
        shop.partner.on_commit = None
        status, _headers, told = shop.by_hand("POST", "/payments", payment(), key="k1")
        twins.append((status, told["errorCode"]))

    shop.partner.on_commit = again
    assert shop.by_hand("POST", "/payments", payment(), key="k1")[0] == 200
    assert twins == [(409, "704")]
    assert len(shop.partner.ledger.charges()) == 1


def test_a_transient_error_leaves_the_key_free(shop: Shop) -> None:
    """It says so in a header; the next try runs as new."""
    shop.partner.faults.next(Fault.SYSTEM_ERROR, "payments")
    status, headers, _ = shop.by_hand("POST", "/payments", payment(), key="k1")
    assert (status, headers["transient-error"]) == (500, "true")
    assert shop.by_hand("POST", "/payments", payment(), key="k1")[0] == 200
    shop.partner.faults.next(Fault.COMMIT_THEN_SYSTEM_ERROR, "payments")
    for _ in range(2):
        status, headers, _ = shop.by_hand("POST", "/payments", payment(), key="k2")
        assert (status, headers["transient-error"]) == (500, "false")


@pytest.mark.parametrize(
    ("expected", "method", "path", "node"),
    [
        ((403, "901"), "POST", "/payments", payment(merchantAccount="Somebody")),
        ((422, "14_004"), "POST", "/payments", {"amount": {"currency": "EUR", "value": 1}}),
        ((422, "100"), "POST", "/payments", payment(amount=None)),
        ((422, "137"), "POST", "/payments", payment(amount={"currency": "EUR", "value": "1234"})),
        ((422, "138"), "POST", "/payments", payment(amount={"currency": "eur", "value": 1})),
        ((422, "130"), "POST", "/payments", payment(reference="")),
        ((422, "14_030"), "POST", "/payments", payment(returnUrl="")),
        ((422, "14_004"), "POST", "/payments", payment(shopperReference="42")),
        ((422, "14_004"), "POST", "/sessions", payment(shopperReference="x" * 257)),
        ((422, "14_006"), "POST", "/payments", payment(paymentMethod={})),
        ((400, "702"), "POST", "/payments", [1]),
        ((404, "000"), "POST", "/nothing", payment()),
        ((422, "167"), "POST", "/payments/UNKNOWN/refunds", payment()),
        ((404, "14_035"), "GET", "/paymentLinks/PLUNKNOWN", None),
        ((422, "14_018"), "POST", "/payments/details", {"details": {"redirectResult": "x"}}),
    ],
)
def test_what_adyen_refuses(shop: Shop, expected: tuple[int, str], method: str, path: str, node: object) -> None:
    """With its own codes, and nothing happens."""
    status, _, told = shop.by_hand(method, path, node)
    assert (status, told["errorCode"]) == expected
    assert shop.partner.ledger.charges() == ()


def test_another_key_is_nobodys(shop: Shop) -> None:
    """401, security."""
    status, _, told = shop.by_hand("POST", "/payments", payment(), api_key="somebody else's")
    assert (status, told["errorType"]) == (401, "security")


def test_a_browser_can_click_through_its_pages(shop: Shop) -> None:
    """A list, a link to be paid, and a redirect that comes back with what complete takes."""
    ref, action = shop.show(HostedPage())
    other, redirect = shop.show(AdyenPaymentMethod(data={"type": "ideal"}))
    home = visit(shop, "GET", "/")
    assert shop.last(ref).partner_ref in home.content.decode()
    path: str = urlsplit(str(action.url)).path
    assert "<form" in visit(shop, "GET", path).content.decode()
    refused = visit(shop, "POST", path, b"do=pay&holder=NOT_ENOUGH_BALANCE")
    assert refused.status == 302
    assert visit(shop, "POST", path, b"do=pay").status == 302
    assert visit(shop, "POST", path, b"do=pay").status == 409
    back = visit(shop, "POST", urlsplit(str(redirect.url)).path, b"do=pay")
    location = dict(back.headers)["location"]
    assert location.startswith("https://shop.example/return?redirectResult=")
    token = location.partition("redirectResult=")[2].replace("%21", "!")
    assert isinstance(shop.gateway.complete(other, {"redirectResult": token}), Succeeded)
    shop.hear()
    assert isinstance(shop.outcome(ref), Succeeded)
    assert visit(shop, "GET", "/link/none").status == 409


def visit(shop: Shop, method: str, path: str, body: bytes = b"") -> Any:
    return shop.partner.handle(Incoming(method=method, target=path, headers={}, body=body)).reply


def test_webhooks_come_until_they_are_accepted(shop: Shop) -> None:
    """The same event each time, held back and doubled on request."""
    tries: list[RawNotification] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        tries.append(raw)
        if len(tries) < 3:
            return Acknowledgement(status=500, content_type="text/plain", body=b"")
        return shop.gateway.receive(raw).acknowledgement

    shop.partner.deliver_to(receive)
    shop.pay()
    assert shop.partner.wait_delivered()
    assert len(tries) == 3
    assert len({raw.body for raw in tries}) == 1
    shop.partner.deliver_to(None)
    shop.partner.hold_notices()
    shop.pay()
    assert len(shop.partner.release_notices(copies=2, shuffle_seed=1)) == 2


def test_over_real_tls() -> None:
    """The same on loopback, by its own authority."""
    with AdyenSimulator().serve() as partner:
        gateway = Gateway(Adyen(partner.account), journal="sqlite:///:memory:?durable=no")
        method = AdyenPaymentMethod(data=partner.payer.code())
        order = Order(ref="SHOP10010001", amount=Money.of("12.34", "EUR"), subject="Tea")
        assert isinstance(gateway.pay(order, method), Succeeded)
        assert [each.path for each in partner.requests] == ["/v71/payments"]
        gateway.close()
