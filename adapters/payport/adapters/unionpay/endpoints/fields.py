"""What requests are made of, checked here so that nothing is sent which UnionPay must refuse.

Attributes are in Python's spelling; on the wire they are in UnionPay's (``orig_qry_id`` is ``origQryId``). Amounts are
text in fen. Times are Beijing time: ``stamp`` of ``payport.adapters.unionpay.beijing`` writes it.
Source: UnionPay's ACP 5.1.0 interface papers.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from payport.adapters.unionpay.beijing import from_stamp
from payport.adapters.unionpay.forms import MalformedMessage, parse_group


def _real_time(text: str) -> str:
    from_stamp(text)
    return text


def _a_group(text: str) -> str:
    try:
        parse_group(text)
    except MalformedMessage as error:
        raise ValueError(str(error)) from None
    return text


OrderId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{8,40}$")]
"""The merchant's own number: letters and digits, no ``-`` and no ``_``."""
Stamp: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9]{14}$"), AfterValidator(_real_time)]
"""A time: ``"20260131120000"``, Beijing time."""
Fen: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,11}$")]
"""An amount in fen: ``"1234"`` is 12.34 yuan."""
QueryId: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,32}$")]
"""UnionPay's number of a transaction."""
Digits2: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
BizType: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
CardNumber: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9]{8,19}$")]
Address: TypeAlias = Annotated[str, StringConstraints(pattern=r"^https?://", max_length=256)]
Group: TypeAlias = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_a_group)]
"""``{name=value&name=value}``; ``write_group`` of ``payport.adapters.unionpay.forms`` writes it."""
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
InGroup: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^&={}\[\]]+$")]
"""A text that becomes part of a group: without the characters that structure one."""
Reserved: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^&={}\[\]]+={0,2}$")]
"""A text given back with replies and notices: without the characters that structure a message, or base64."""


class Part(BaseModel):
    """A part of a request. Unknown names and empty texts are refused; errors never quote what was given."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        strict=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )

    def content(self) -> dict[str, str]:
        """The fields in UnionPay's spelling, without what was not given."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Request(Part):
    """The base of all requests."""

    biz_type: BizType | None = None
    channel_type: Digits2 | None = None
    req_reserved: Reserved | None = None
    reserved: Group | None = None


class Timed(Request):
    """A request with a time. ``txn_time``: now, when absent; with the number it is what a repetition is known by."""

    txn_time: Stamp | None = None


class Ordered(Timed):
    """A request with a number of the merchant's own."""

    order_id: OrderId


class Notified(Ordered):
    """A request whose end is told by a notice. ``back_url``: where to; the account's address when absent."""

    back_url: Address | None = None


class Customer(Part):
    """Who a card belongs to. Phone, CVN2, expiry and PIN are encrypted; nothing of it is shown."""

    certif_tp: Digits2 | None = Field(default=None, repr=False)
    certif_id: InGroup | None = Field(default=None, repr=False)
    customer_nm: InGroup | None = Field(default=None, repr=False)
    sms_code: InGroup | None = Field(default=None, repr=False)
    phone_no: InGroup | None = Field(default=None, repr=False)
    cvn2: InGroup | None = Field(default=None, repr=False)
    expired: InGroup | None = Field(default=None, repr=False)
    pin: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")] | None = Field(default=None, repr=False)


class WithCard(Notified):
    """A request that may carry a card, which is sent encrypted: the account must have ``encryption_certificate``.

    Prefer pages, apps and codes, where no card number ever comes here.
    """

    acc_no: CardNumber | None = Field(default=None, repr=False, exclude=True)
    customer: Customer | None = Field(default=None, repr=False, exclude=True)
