"""What partners have published of how often they may be called: which calls count under what."""

from __future__ import annotations

import pytest

from payport.adapters.stripe.calls import ROUTES
from payport.adapters.stripe.limits import limits_of as limits_of_stripe
from payport.adapters.wechatpay import endpoints as wechat
from payport.adapters.wechatpay.limits import limits_of as limits_of_wechat
from payport.sdk.profile import CallLimit


def under(limits: tuple[CallLimit, ...], endpoint: str, method: str) -> dict[str, float]:
    """The limits that a call counts under, with the most that one second may have."""
    return {each.name: (each.rate_per_s or 0) + each.burst for each in limits if each.covers(endpoint, method)}


@pytest.mark.parametrize(
    ("expected", "endpoint", "live"),
    [
        ({"writes": 100, "endpoint": 25}, "payment_intents.confirm", True),
        ({"writes": 25, "endpoint": 25}, "payment_intents.confirm", False),
        ({"reads": 100, "endpoint": 25}, "payment_intents.retrieve", True),
        ({"reads": 100, "endpoint": 25, "search": 20}, "payment_intents.search", True),
        ({"writes": 100, "endpoint": 25, "payouts": 15}, "payouts.create", True),
    ],
)
def test_stripe_counts_reads_and_writes_apart(expected: dict[str, float], endpoint: str, live: bool) -> None:
    """And each endpoint by itself; less in a sandbox."""
    assert expected == under(limits_of_stripe(live=live), endpoint, ROUTES[endpoint].method)


@pytest.mark.parametrize(
    ("expected", "endpoint"),
    [
        ({"account": 1000}, wechat.PAY_NATIVE.name),
        ({"account": 1000, "queries": 600}, wechat.QUERY_BY_OUT_TRADE_NO.name),
        ({"account": 1000, "queries": 600}, wechat.QUERY_BY_ID.name.replace("/pay/", "/pay/partner/")),
        ({"account": 1000, "refunds": 150}, wechat.REFUND.name),
        ({"account": 1000}, wechat.REFUND_QUERY.name),
        ({"account": 1000, "transfers": 100}, wechat.TRANSFER.name),
        ({"account": 1000, "batches": 50}, wechat.BATCH.name),
        ({"account": 1000, "sub_merchant_bills": 3}, wechat.SUB_MERCHANT_FUND_FLOW_BILL.name),
    ],
)
def test_wechat_counts_by_the_number_that_calls(expected: dict[str, float], endpoint: str) -> None:
    """All merchants of a service provider together."""
    limits = limits_of_wechat("1900000001", serves_others=True)
    assert expected == under(limits, endpoint, endpoint.split(maxsplit=1)[0])
    assert {"wechatpay:1900000001"} == {each.per for each in limits}


@pytest.mark.parametrize("limits", [limits_of_stripe(live=True), limits_of_wechat("1900000001", serves_others=False)])
def test_every_limit_says_where_it_stands(limits: tuple[CallLimit, ...]) -> None:
    """Nothing here is a guess."""
    assert all(" documentation " in each.source and any(sign.isdigit() for sign in each.source) for each in limits)
    assert len({each.name for each in limits}) == len(limits)
