"""Further endpoints of Adyen, typed, for ``gateway.native``.

::

    from payport.adapters.adyen import endpoints

    gateway.native(endpoints.PAYMENT_METHODS, endpoints.PaymentMethods(country_code="NL"))

On the wire names are in Adyen's camel case. A native call is sent once, without an idempotency key, and not journalled:
for paying and refunding use the uniform verbs, which survive a crash. The merchant account is put in here.
Sources: Adyen's OpenAPI documents of Checkout v71 and Transfers v4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from payport.adapters.adyen.adapter import Adyen
from payport.adapters.adyen.calls import ROUTES, Call, ask_adyen
from payport.adapters.adyen.reading import Unreadable, parsed, refusal
from payport.adapters.adyen.wire import AdyenAmount, AdyenLink, Modification, SessionResult, Wire
from payport.schemas.outcome import UnknownKind
from payport.sdk.adapter import Adapter, Answer
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation, Source, doubt

__all__ = [
    "AMOUNT_UPDATES",
    "PAYMENT_LINKS_GET",
    "PAYMENT_METHODS",
    "SESSIONS_GET",
    "TRANSACTIONS_GET",
    "TRANSACTIONS_LIST",
    "TRANSFERS",
    "TRANSFERS_GET",
    "TRANSFERS_LIST",
    "AdyenEndpoint",
    "AmountUpdate",
    "Listed",
    "OneLink",
    "OneSession",
    "OneTransaction",
    "OneTransfer",
    "PaymentMethods",
    "PaymentMethodsFound",
    "Period",
    "Request",
    "Transaction",
    "Transfer",
    "TransferOrder",
]


class Request(BaseModel):
    """What requests are made of. ``numbers``: the fields that stand in the path; ``of_merchant``: it says which."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )
    numbers: ClassVar[tuple[str, ...]] = ()
    of_merchant: ClassVar[bool] = False


class PaymentMethods(Request):
    """Which ways to pay a payer has."""

    of_merchant: ClassVar[bool] = True
    amount: AdyenAmount | None = None
    country_code: str | None = None
    channel: str | None = None
    shopper_reference: str | None = None
    shopper_locale: str | None = None


class AmountUpdate(Request):
    """Another amount for a hold. ``psp``: of the payment."""

    numbers: ClassVar[tuple[str, ...]] = ("psp",)
    of_merchant: ClassVar[bool] = True
    psp: str
    amount: AdyenAmount
    reference: str | None = None
    industry_usage: str | None = None


class OneLink(Request):
    """A payment link by its number."""

    numbers: ClassVar[tuple[str, ...]] = ("link",)
    link: str


class OneSession(Request):
    """A session by its number, with what the drop-in gave for it."""

    numbers: ClassVar[tuple[str, ...]] = ("session",)
    session: str
    session_result: str = Field(repr=False)


class TransferOrder(Request):
    """Money to be sent by a balance platform."""

    amount: AdyenAmount
    category: str
    counterparty: Mapping[str, object] = Field(repr=False)
    balance_account_id: str
    reference: str | None = None
    reference_for_beneficiary: str | None = None
    description: str | None = None
    priority: str | None = None


class OneTransfer(Request):
    """A transfer by its number."""

    numbers: ClassVar[tuple[str, ...]] = ("transfer",)
    transfer: str


class OneTransaction(Request):
    """A transaction by its number."""

    numbers: ClassVar[tuple[str, ...]] = ("transaction",)
    transaction: str


class Period(Request):
    """A page of what lies between two times (ISO 8601 with offset). ``cursor``: from the page before."""

    created_since: str
    created_until: str
    balance_account_id: str | None = None
    account_holder_id: str | None = None
    balance_platform: str | None = None
    limit: int | None = None
    cursor: str | None = None


class PaymentMethodsFound(Wire):
    """Ways to pay, as Adyen's components take them."""

    payment_methods: tuple[Mapping[str, object], ...] = Field(default=(), strict=False)
    stored_payment_methods: tuple[Mapping[str, object], ...] = Field(default=(), strict=False, repr=False)


class Transfer(Wire):
    """A transfer as it stands."""

    id: str | None = None
    status: str | None = None
    amount: AdyenAmount | None = None
    reference: str | None = None
    category: str | None = None


class Transaction(Wire):
    """One line of a balance account's books."""

    id: str | None = None
    status: str | None = None
    amount: AdyenAmount | None = None


class Listed(Wire):
    """One page: transfers or transactions, and where the next one is."""

    data: tuple[Mapping[str, object], ...] = Field(default=(), strict=False, repr=False)
    links: Mapping[str, object] | None = Field(default=None, alias="_links")


RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", bound=Wire, covariant=True)


@dataclass(frozen=True, slots=True)
class AdyenEndpoint(Generic[RequestT_contra, ReplyT_co]):
    """One call of an API of Adyen's for ``gateway.native``.

    ``name``: as in :data:`~payport.adapters.adyen.calls.ROUTES`. ``reply``: what a successful answer is read as.
    ``Succeeded`` says that the call was taken; of a modification only a webhook tells what becomes of it.
    """

    name: str
    reply: type[ReplyT_co]

    @property
    def partner(self) -> str:
        """``"adyen"``."""
        return "adyen"

    def call(
        self, adapter: Adapter, request: RequestT_contra, deadline_s: float
    ) -> Exchange[Answer[ReplyT_co] | Observation]:
        """Send and decode."""
        if not isinstance(adapter, Adyen):
            raise ConfigurationError(f"{self.name} goes through the Adyen adapter, not {type(adapter).__name__}")
        account, route = adapter.config, ROUTES[self.name]
        fields = request.model_dump(exclude_none=True, exclude=set(request.numbers), by_alias=True)
        body = fields | ({"merchantAccount": account.merchant_account} if request.of_merchant else {})
        asked = Call(
            name=self.name,
            host=account.transfers_host if route.platform else account.host,
            body={} if route.method == "GET" else body,
            query={name: str(value) for name, value in fields.items()} if route.method == "GET" else {},
            numbers={name: str(getattr(request, name)) for name in request.numbers},
        )
        answer = yield from ask_adyen(adapter, asked, deadline_s)
        if isinstance(answer, Observation):
            return answer
        if not answer.ok:
            return refusal(asked, answer)
        try:
            return Answer(parsed(self.reply, answer.node))
        except Unreadable as error:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{self.name}: {error}")


PAYMENT_METHODS: AdyenEndpoint[PaymentMethods, PaymentMethodsFound] = AdyenEndpoint(
    "paymentMethods", PaymentMethodsFound
)
AMOUNT_UPDATES: AdyenEndpoint[AmountUpdate, Modification] = AdyenEndpoint("payments.amountUpdates", Modification)
PAYMENT_LINKS_GET: AdyenEndpoint[OneLink, AdyenLink] = AdyenEndpoint("paymentLinks.get", AdyenLink)
SESSIONS_GET: AdyenEndpoint[OneSession, SessionResult] = AdyenEndpoint("sessions.get", SessionResult)
TRANSFERS: AdyenEndpoint[TransferOrder, Transfer] = AdyenEndpoint("transfers", Transfer)
TRANSFERS_GET: AdyenEndpoint[OneTransfer, Transfer] = AdyenEndpoint("transfers.get", Transfer)
TRANSFERS_LIST: AdyenEndpoint[Period, Listed] = AdyenEndpoint("transfers.list", Listed)
TRANSACTIONS_LIST: AdyenEndpoint[Period, Listed] = AdyenEndpoint("transactions.list", Listed)
TRANSACTIONS_GET: AdyenEndpoint[OneTransaction, Transaction] = AdyenEndpoint("transactions.get", Transaction)
