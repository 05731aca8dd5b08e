"""Transaction search and balances. Source: PayPal's OpenAPI document of Transaction Search v1."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from payport.adapters.paypal.endpoints.endpoint import Instant, PayPalEndpoint, Request
from payport.adapters.paypal.wire import PayPalAmount, Several, Wire


class TransactionSearch(Request):
    """``search.get``: what moved money between two instants: at most 31 days, of the last three years.

    New lines appear up to three hours late. Pages begin at 1 and hold at most 500 lines. ``transaction_amount``: a
    range in minor units, ``"500 TO 1005"``, unlike every other amount of PayPal's.
    """

    start_date: Instant
    end_date: Instant
    fields: str = "transaction_info"
    transaction_id: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{17,19}$")] | None = None
    transaction_type: Annotated[str, StringConstraints(pattern=r"^T[0-9]{4}$")] | None = None
    transaction_status: Annotated[str, StringConstraints(pattern=r"^[DPSV]$")] | None = None
    transaction_amount: Annotated[str, StringConstraints(pattern=r"^[0-9]+ TO [0-9]+$")] | None = None
    transaction_currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    balance_affecting_records_only: Annotated[str, StringConstraints(pattern=r"^[YN]$")] | None = None
    page_size: Annotated[int, Field(ge=1, le=500)] = 100
    page: Annotated[int, Field(ge=1)] = 1


class TransactionInfo(Wire):
    """One movement. ``transaction_id`` may stand in several lines. ``fee_amount`` is negative."""

    transaction_id: str
    transaction_event_code: str | None = None
    transaction_status: str | None = None
    transaction_amount: PayPalAmount | None = None
    fee_amount: PayPalAmount | None = None
    paypal_reference_id: str | None = None
    paypal_reference_id_type: str | None = None
    transaction_initiation_date: str | None = None
    transaction_updated_date: str | None = None
    invoice_id: str | None = None
    custom_field: str | None = None


class TransactionDetail(Wire):
    """One line of the list."""

    transaction_info: TransactionInfo


class Transactions(Wire):
    """One page of the list."""

    transaction_details: Several[TransactionDetail] = ()
    total_items: int | Decimal | None = None
    total_pages: int | Decimal | None = None
    page: int | Decimal | None = None
    last_refreshed_datetime: str | None = None


class BalancesGet(Request):
    """``balances.get``: what the merchant has, now or at an instant."""

    as_of_time: Instant | None = None
    currency_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None


class Balance(Wire):
    """One currency."""

    currency: str
    total_balance: PayPalAmount
    available_balance: PayPalAmount | None = None
    withheld_balance: PayPalAmount | None = None


class Balances(Wire):
    """Every currency."""

    balances: Several[Balance] = ()
    as_of_time: str | None = None


TRANSACTION_SEARCH: PayPalEndpoint[TransactionSearch, Transactions] = PayPalEndpoint(
    "search.get", "GET", "/v1/reporting/transactions", Transactions
)
BALANCES_GET: PayPalEndpoint[BalancesGet, Balances] = PayPalEndpoint(
    "balances.get", "GET", "/v1/reporting/balances", Balances
)
