"""Every endpoint of Stripe that this adapter knows, typed, for ``gateway.native``.

::

    from payport.adapters.stripe import endpoints

    gateway.native(endpoints.BALANCE_TRANSACTIONS_LIST, endpoints.BalanceTransactionList(limit=100))

Requests and replies are in Stripe's own spelling. A native call is sent once and not journalled: for paying, refunding
and sending money use the uniform verbs, which survive a crash.
"""

from payport.adapters.stripe.endpoints.endpoint import Request, StripeEndpoint
from payport.adapters.stripe.endpoints.requests import (
    BalanceOf,
    BalanceTransactionList,
    BalanceTransactionOnly,
    ChargeOnly,
    Created,
    EventList,
    EventOnly,
    IntentCancel,
    IntentCapture,
    IntentConfirm,
    IntentCreate,
    IntentIncrement,
    IntentList,
    IntentOnly,
    IntentSearch,
    IntentUpdate,
    PayoutCreate,
    PayoutList,
    PayoutOnly,
    RefundCreate,
    RefundList,
    RefundOnly,
    RefundUpdate,
    SessionCreate,
    SessionList,
    SessionOnly,
)
from payport.adapters.stripe.wire import (
    Balance,
    BalanceTransaction,
    Page,
    StripeCharge,
    StripeEvent,
    StripeIntent,
    StripePayout,
    StripeRefund,
    StripeSession,
)

_INTENTS = "payment_intents"
PAYMENT_INTENTS_CREATE: StripeEndpoint[IntentCreate, StripeIntent] = StripeEndpoint(f"{_INTENTS}.create", StripeIntent)
PAYMENT_INTENTS_RETRIEVE: StripeEndpoint[IntentOnly, StripeIntent] = StripeEndpoint(
    f"{_INTENTS}.retrieve", StripeIntent
)
PAYMENT_INTENTS_UPDATE: StripeEndpoint[IntentUpdate, StripeIntent] = StripeEndpoint(f"{_INTENTS}.update", StripeIntent)
PAYMENT_INTENTS_CONFIRM: StripeEndpoint[IntentConfirm, StripeIntent] = StripeEndpoint(
    f"{_INTENTS}.confirm", StripeIntent
)
PAYMENT_INTENTS_CAPTURE: StripeEndpoint[IntentCapture, StripeIntent] = StripeEndpoint(
    f"{_INTENTS}.capture", StripeIntent
)
PAYMENT_INTENTS_CANCEL: StripeEndpoint[IntentCancel, StripeIntent] = StripeEndpoint(f"{_INTENTS}.cancel", StripeIntent)
PAYMENT_INTENTS_INCREMENT: StripeEndpoint[IntentIncrement, StripeIntent] = StripeEndpoint(
    f"{_INTENTS}.increment_authorization", StripeIntent
)
PAYMENT_INTENTS_LIST: StripeEndpoint[IntentList, Page[StripeIntent]] = StripeEndpoint(
    f"{_INTENTS}.list", Page[StripeIntent]
)
PAYMENT_INTENTS_SEARCH: StripeEndpoint[IntentSearch, Page[StripeIntent]] = StripeEndpoint(
    f"{_INTENTS}.search", Page[StripeIntent]
)
CHECKOUT_SESSIONS_CREATE: StripeEndpoint[SessionCreate, StripeSession] = StripeEndpoint(
    "checkout.sessions.create", StripeSession
)
CHECKOUT_SESSIONS_RETRIEVE: StripeEndpoint[SessionOnly, StripeSession] = StripeEndpoint(
    "checkout.sessions.retrieve", StripeSession
)
CHECKOUT_SESSIONS_EXPIRE: StripeEndpoint[SessionOnly, StripeSession] = StripeEndpoint(
    "checkout.sessions.expire", StripeSession
)
CHECKOUT_SESSIONS_LIST: StripeEndpoint[SessionList, Page[StripeSession]] = StripeEndpoint(
    "checkout.sessions.list", Page[StripeSession]
)
REFUNDS_CREATE: StripeEndpoint[RefundCreate, StripeRefund] = StripeEndpoint("refunds.create", StripeRefund)
REFUNDS_RETRIEVE: StripeEndpoint[RefundOnly, StripeRefund] = StripeEndpoint("refunds.retrieve", StripeRefund)
REFUNDS_UPDATE: StripeEndpoint[RefundUpdate, StripeRefund] = StripeEndpoint("refunds.update", StripeRefund)
REFUNDS_CANCEL: StripeEndpoint[RefundOnly, StripeRefund] = StripeEndpoint("refunds.cancel", StripeRefund)
REFUNDS_LIST: StripeEndpoint[RefundList, Page[StripeRefund]] = StripeEndpoint("refunds.list", Page[StripeRefund])
PAYOUTS_CREATE: StripeEndpoint[PayoutCreate, StripePayout] = StripeEndpoint("payouts.create", StripePayout)
PAYOUTS_RETRIEVE: StripeEndpoint[PayoutOnly, StripePayout] = StripeEndpoint("payouts.retrieve", StripePayout)
PAYOUTS_LIST: StripeEndpoint[PayoutList, Page[StripePayout]] = StripeEndpoint("payouts.list", Page[StripePayout])
CHARGES_RETRIEVE: StripeEndpoint[ChargeOnly, StripeCharge] = StripeEndpoint("charges.retrieve", StripeCharge)
BALANCE_RETRIEVE: StripeEndpoint[BalanceOf, Balance] = StripeEndpoint("balance.retrieve", Balance)
BALANCE_TRANSACTIONS_RETRIEVE: StripeEndpoint[BalanceTransactionOnly, BalanceTransaction] = StripeEndpoint(
    "balance_transactions.retrieve", BalanceTransaction
)
BALANCE_TRANSACTIONS_LIST: StripeEndpoint[BalanceTransactionList, Page[BalanceTransaction]] = StripeEndpoint(
    "balance_transactions.list", Page[BalanceTransaction]
)
EVENTS_RETRIEVE: StripeEndpoint[EventOnly, StripeEvent] = StripeEndpoint("events.retrieve", StripeEvent)
EVENTS_LIST: StripeEndpoint[EventList, Page[StripeEvent]] = StripeEndpoint("events.list", Page[StripeEvent])

__all__ = [
    "BALANCE_RETRIEVE",
    "BALANCE_TRANSACTIONS_LIST",
    "BALANCE_TRANSACTIONS_RETRIEVE",
    "CHARGES_RETRIEVE",
    "CHECKOUT_SESSIONS_CREATE",
    "CHECKOUT_SESSIONS_EXPIRE",
    "CHECKOUT_SESSIONS_LIST",
    "CHECKOUT_SESSIONS_RETRIEVE",
    "EVENTS_LIST",
    "EVENTS_RETRIEVE",
    "PAYMENT_INTENTS_CANCEL",
    "PAYMENT_INTENTS_CAPTURE",
    "PAYMENT_INTENTS_CONFIRM",
    "PAYMENT_INTENTS_CREATE",
    "PAYMENT_INTENTS_INCREMENT",
    "PAYMENT_INTENTS_LIST",
    "PAYMENT_INTENTS_RETRIEVE",
    "PAYMENT_INTENTS_SEARCH",
    "PAYMENT_INTENTS_UPDATE",
    "PAYOUTS_CREATE",
    "PAYOUTS_LIST",
    "PAYOUTS_RETRIEVE",
    "REFUNDS_CANCEL",
    "REFUNDS_CREATE",
    "REFUNDS_LIST",
    "REFUNDS_RETRIEVE",
    "REFUNDS_UPDATE",
    "Balance",
    "BalanceOf",
    "BalanceTransaction",
    "BalanceTransactionList",
    "BalanceTransactionOnly",
    "ChargeOnly",
    "Created",
    "EventList",
    "EventOnly",
    "IntentCancel",
    "IntentCapture",
    "IntentConfirm",
    "IntentCreate",
    "IntentIncrement",
    "IntentList",
    "IntentOnly",
    "IntentSearch",
    "IntentUpdate",
    "Page",
    "PayoutCreate",
    "PayoutList",
    "PayoutOnly",
    "RefundCreate",
    "RefundList",
    "RefundOnly",
    "RefundUpdate",
    "Request",
    "SessionCreate",
    "SessionList",
    "SessionOnly",
    "StripeCharge",
    "StripeEndpoint",
    "StripeEvent",
    "StripeIntent",
    "StripePayout",
    "StripeRefund",
    "StripeSession",
]
