"""How often WeChat Pay lets itself be called, as its documentation states it for API v3."""

from __future__ import annotations

from payport.sdk.profile import WHOLE, CallLimit, each_second

_PAGE = "WeChat Pay's documentation of API v3"


def limits_of(mchid: str, *, serves_others: bool) -> tuple[CallLimit, ...]:
    """What the number that calls may do, so all merchants of one service provider together.

    Not here, because no request tells beforehand: refunds that fail (6 a second), and refunds of orders older than a
    month (5000 a minute).
    """

    def limit(name: str, calls: float, stated: str, *endpoints: str) -> CallLimit:
        rate_per_s, burst = each_second(calls)
        return CallLimit(
            name=name, rate_per_s=rate_per_s, burst=burst, endpoints=endpoints or ("*",), per=f"wechatpay:{mchid}",
            source=f"{_PAGE}: {stated}",
        )  # fmt: skip

    batches = 50 if serves_others else 100
    return (
        limit(WHOLE, 1000, "about 1000 a second"),
        limit("queries", 600, "600 queries a second, on an older page", "GET /v3/pay/*"),
        limit("refunds", 150, "150 refunds a second", "POST /v3/refund/domestic/refunds"),
        limit("transfers", 100, "100 a second", "POST /v3/fund-app/mch-transfer/transfer-bills"),
        limit("batches", batches, "100 a second, 50 for service providers", "POST /v3/transfer/batches"),
        limit("sub_merchant_bills", 3, "3 a second", "GET /v3/bill/sub-merchant-fundflowbill"),
    )
