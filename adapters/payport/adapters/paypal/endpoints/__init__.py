"""Endpoints of PayPal beyond the uniform verbs, typed, for ``gateway.native``.

::

    from payport.adapters.paypal import endpoints

    gateway.native(endpoints.BALANCES_GET, endpoints.BalancesGet(currency_code="USD"))

Requests and replies are in PayPal's own spelling. A native call is sent once and not journalled: for paying, refunding
and sending money use the uniform verbs, which survive a crash.
"""

from payport.adapters.paypal.endpoints.endpoint import PayPalEndpoint
from payport.adapters.paypal.endpoints.payments import (
    AUTHORIZATION_GET,
    CAPTURE_GET,
    ORDER_GET,
    PAYOUT_ITEM_CANCEL,
    PAYOUT_ITEM_GET,
    REAUTHORIZE,
    REFUND_GET,
    Amount,
    AuthorizationGet,
    CaptureGet,
    OrderGet,
    PayoutItemCancel,
    PayoutItemGet,
    Reauthorize,
    RefundGet,
)
from payport.adapters.paypal.endpoints.reporting import (
    BALANCES_GET,
    TRANSACTION_SEARCH,
    Balance,
    Balances,
    BalancesGet,
    TransactionDetail,
    TransactionInfo,
    Transactions,
    TransactionSearch,
)

__all__ = [
    "AUTHORIZATION_GET",
    "BALANCES_GET",
    "CAPTURE_GET",
    "ORDER_GET",
    "PAYOUT_ITEM_CANCEL",
    "PAYOUT_ITEM_GET",
    "REAUTHORIZE",
    "REFUND_GET",
    "TRANSACTION_SEARCH",
    "Amount",
    "AuthorizationGet",
    "Balance",
    "Balances",
    "BalancesGet",
    "CaptureGet",
    "OrderGet",
    "PayPalEndpoint",
    "PayoutItemCancel",
    "PayoutItemGet",
    "Reauthorize",
    "RefundGet",
    "TransactionDetail",
    "TransactionInfo",
    "TransactionSearch",
    "Transactions",
]
