"""Adyen's records. On the wire the names are in camel case (``pspReference``). Amounts are whole numbers as
Adyen counts them.

Unknown fields are kept, codes are text: what they mean is decided by the tables in ``mapping``.
Source: Adyen's OpenAPI document of Checkout v71; what is optional there is optional here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Number: TypeAlias = Annotated[str, Field(pattern="^[0-9A-Za-z_-]{1,64}$")]
"""A number of Adyen's."""


class Wire(BaseModel):
    """The base of all records. Validation errors never quote what was sent."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        hide_input_in_errors=True,
        strict=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        # fields that this version does not know may tell something of a person: kept, not shown
        known = type(self).model_fields
        return ((name, value) for name, value in super().__repr_args__() if name in known)


class AdyenAmount(Wire):
    """An amount."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    value: int


class AdyenPayment(Wire):
    """An answer to ``/payments`` and ``/payments/details``: the native record of a payment."""

    result_code: str
    psp_reference: Number | None = None
    merchant_reference: str | None = None
    amount: AdyenAmount | None = None
    action: Mapping[str, object] | None = Field(default=None, repr=False)
    refusal_reason: str | None = None
    refusal_reason_code: str | None = None
    additional_data: Mapping[str, object] | None = Field(default=None, repr=False)


class AdyenLink(Wire):
    """A payment link."""

    id: Number
    status: str
    amount: AdyenAmount
    reference: str
    merchant_account: str
    url: str = Field(repr=False)
    expires_at: str | None = None


class AdyenSessionRecord(Wire):
    """A session. ``sessionData``: what the drop-in pays with."""

    id: Number
    amount: AdyenAmount
    reference: str
    merchant_account: str
    expires_at: str
    session_data: str | None = Field(default=None, repr=False)


class SessionPayment(Wire):
    """One payment of a session."""

    result_code: str | None = None
    psp_reference: Number | None = None
    amount: AdyenAmount | None = None


class SessionResult(Wire):
    """What became of a session."""

    id: Number | None = None
    status: str | None = None
    reference: str | None = None
    payments: tuple[SessionPayment, ...] = Field(default=(), strict=False)


class Modification(Wire):
    """The answer to a capture, refund, cancel or reversal: ``received``, and Adyen's number of it."""

    psp_reference: Number
    status: str
    merchant_account: str
    payment_psp_reference: Number | None = None
    payment_reference: str | None = None
    reference: str | None = None
    amount: AdyenAmount | None = None


class ServiceError(Wire):
    """An error. code and type decide; the message is for people."""

    status: int | None = None
    error_code: str | None = None
    error_type: str | None = None
    message: str | None = Field(default=None, repr=False)
    psp_reference: str | None = None


class NotificationItem(Wire):
    """One item of a standard webhook. ``success`` is text: ``"true"`` or ``"false"``."""

    event_code: Annotated[str, Field(min_length=1, max_length=100)]
    psp_reference: Annotated[str, Field(pattern="^[0-9A-Za-z_.-]{1,100}$")]  # of a report: the name of its file
    merchant_account_code: str
    success: Annotated[str, Field(pattern="^(true|false)$")]
    merchant_reference: str | None = None
    original_reference: Annotated[str, Field(pattern="^[0-9A-Za-z_-]{0,64}$")] | None = None
    amount: AdyenAmount | None = None
    event_date: str | None = None
    reason: str | None = Field(default=None, repr=False)
    additional_data: Mapping[str, object] | None = Field(default=None, repr=False)
