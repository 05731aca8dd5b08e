"""Native calls: typed, through the same token, compared with what was asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError
from tests.simulate.paypal.shop import Shop

from payport.adapters.paypal import endpoints
from payport.schemas import CancelledBy, Declined, Money, Reason, Succeeded, Unknown, UnknownKind
from payport.sdk.testing import Fault

REF = "SHOP10010001"


def stamp(shop: Shop, days: float) -> str:
    """A time in PayPal's form."""
    return (shop.time.at + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_statement_shows_what_moved_money(shop: Shop) -> None:
    """Captures and refunds, page by page, with our references."""
    shop.sell(REF)
    shop.gateway.refund(REF, "BACK00000001", Money.of("2.00", "USD"))
    search = endpoints.TransactionSearch(start_date=stamp(shop, -1), end_date=stamp(shop, 1), page_size=1, page=2)
    page = shop.gateway.native(endpoints.TRANSACTION_SEARCH, search)
    assert isinstance(page, Succeeded)
    (line,) = page.value.transaction_details
    info = line.transaction_info
    assert (page.value.total_items, page.value.total_pages) == (2, 2)
    assert (info.transaction_event_code, info.invoice_id) == ("T1107", "BACK00000001R001")
    assert info.transaction_amount is not None
    assert info.transaction_amount.value == "-2.00"


def test_more_than_31_days_are_refused(shop: Shop) -> None:
    """By PayPal; the refusal comes with its word."""
    search = endpoints.TransactionSearch(start_date=stamp(shop, -40), end_date=stamp(shop, 0))
    refused = shop.gateway.native(endpoints.TRANSACTION_SEARCH, search)
    assert isinstance(refused, Declined)
    assert Reason.INVALID_REQUEST is refused.reason


def test_balances_are_read(shop: Shop) -> None:
    """One currency, or all."""
    shop.partner.fund(Money.of("50.00", "EUR"))
    told = shop.gateway.native(endpoints.BALANCES_GET, endpoints.BalancesGet(currency_code="EUR"))
    assert isinstance(told, Succeeded)
    assert [balance.total_balance.value for balance in told.value.balances] == ["50.00"]
    everything = shop.gateway.native(endpoints.BALANCES_GET, endpoints.BalancesGet())
    assert isinstance(everything, Succeeded)
    assert {"USD", "EUR"} == {balance.currency for balance in everything.value.balances}


def test_every_record_is_read_by_its_number(shop: Shop) -> None:
    """Order, capture, refund, authorization."""
    shop.sell(REF)
    shop.gateway.refund(REF, "BACK00000001", Money.of("2.00", "USD"))
    (charge,), (refund,) = shop.partner.ledger.charges(), shop.partner.ledger.refunds()
    order = shop.gateway.native(endpoints.ORDER_GET, endpoints.OrderGet(id=charge.order_id))
    capture = shop.gateway.native(endpoints.CAPTURE_GET, endpoints.CaptureGet(capture_id=charge.capture_id))
    back = shop.gateway.native(endpoints.REFUND_GET, endpoints.RefundGet(refund_id=refund.refund_id))
    assert isinstance(order, Succeeded)
    assert isinstance(capture, Succeeded)
    assert isinstance(back, Succeeded)
    assert (
        order.value.status,
        capture.value.status,
        back.value.status,
    ) == ("COMPLETED", "PARTIALLY_REFUNDED", "COMPLETED")
    missing = shop.gateway.native(endpoints.CAPTURE_GET, endpoints.CaptureGet(capture_id="5O190127TN364715T"))
    assert isinstance(missing, Unknown)
    assert UnknownKind.NOT_FOUND is missing.cause.kind


def test_a_hold_is_held_anew_and_then_captured_and_released(shop: Shop) -> None:
    """After the honour period. The query learns the new number and captures go to it; voided is the first one."""
    shop.sell(REF, hold=True)
    first = shop.last(REF).ids["authorization_id"]
    asked = endpoints.Reauthorize(
        authorization_id=first,
        request_id="anew-1",
        amount=endpoints.Amount(currency_code="USD", value="12.34"),
    )
    early = shop.gateway.native(endpoints.REAUTHORIZE, asked)
    assert isinstance(early, Declined)
    assert early.partner_code == "REAUTHORIZATION_NOT_SUPPORTED"
    shop.partner.forget_request_ids()
    shop.time.pass_by(4 * 86_400)
    anew = shop.gateway.native(endpoints.REAUTHORIZE, asked)
    assert isinstance(anew, Succeeded)
    assert first != anew.value.id
    shop.gateway.query(REF)
    assert isinstance(shop.gateway.capture(REF, Money.of("2.00", "USD"), final=False), Succeeded)
    cancelled = shop.gateway.cancel(REF)
    assert isinstance(cancelled, Succeeded)
    assert CancelledBy.VOIDED is cancelled.value.by
    held = shop.gateway.native(endpoints.AUTHORIZATION_GET, endpoints.AuthorizationGet(authorization_id=anew.value.id))
    assert isinstance(held, Succeeded)
    assert held.value.status == "VOIDED"
    assert Money.of("2.00", "USD") == shop.partner.ledger.paid_total()


def test_an_answer_about_another_record_is_a_mismatch(shop: Shop) -> None:
    """And an answer that cannot be read is a doubt."""
    from payport.sdk.message import WireReply, WireRequest

    shop.sell(REF)
    (charge,) = shop.partner.ledger.charges()
    inner = shop.partner.transport()

    class Another:
        def send(self, request: WireRequest, timeout_s: float) -> object:
            if request.endpoint == "captures.get":
                return WireReply(200, (), b'{"id":"9XX","status":"COMPLETED"}')
            return inner.send(request, timeout_s)

        def close(self) -> None:
            """Nothing is open."""

    other = shop.open(shop.adapter, "other", Another())  # type: ignore[arg-type]
    told = other.native(endpoints.CAPTURE_GET, endpoints.CaptureGet(capture_id=charge.capture_id))
    assert isinstance(told, Unknown)
    assert UnknownKind.MISMATCH is told.cause.kind
    shop.partner.faults.next(Fault.GARBAGE, method="captures.get")
    broken = shop.gateway.native(endpoints.CAPTURE_GET, endpoints.CaptureGet(capture_id=charge.capture_id))
    assert isinstance(broken, Unknown)


@pytest.mark.parametrize("number", ["", "../../v1/oauth2/token", "A B", "x" * 65])
def test_what_is_no_number_is_not_put_into_a_path(number: str) -> None:
    """Refused when the request is built, without showing what stood there."""
    with pytest.raises(ValidationError) as error:
        endpoints.CaptureGet(capture_id=number)
    assert not number or number not in str(error.value)
