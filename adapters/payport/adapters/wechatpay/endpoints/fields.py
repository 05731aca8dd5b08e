"""What requests are made of: WeChat Pay's spelling, checked here so that nothing is sent which it must refuse.

Amounts are whole fen. Times are RFC 3339 with an offset: ``china_time`` of ``payport.adapters.wechatpay.calls`` writes
them. Source: pay.weixin.qq.com, request parameters of each endpoint.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from payport.adapters.wechatpay.account import WeChatPayAccount
from payport.adapters.wechatpay.calls import from_wire_time


def _real_time(text: str) -> str:
    from_wire_time(text)
    return text


Fen: TypeAlias = Annotated[int, Field(ge=1)]
"""An amount: ``1234`` is 12.34 yuan."""
WireTime: TypeAlias = Annotated[str, StringConstraints(max_length=64), AfterValidator(_real_time)]
"""A time: ``"2026-01-31T12:00:00+08:00"``."""
Day: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
"""A day of a bill: ``"2026-01-31"``, in Beijing."""
TradeNo: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-|*]{6,32}$")]
"""The merchant's number of an order."""
Number: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-|*@]{1,64}$")]
"""The merchant's number of a refund or of a share."""
BillNo: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,32}$")]
"""The merchant's number of a transfer: letters and digits only."""
Text32: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=32)]
Text36: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=36)]
Text45: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=45)]
Text64: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text80: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Text127: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=127)]
Text128: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Text256: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Text512: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
"""A text whose limit is not published."""
Address: TypeAlias = Annotated[str, StringConstraints(pattern=r"^https://[^?#]+$", max_length=255)]
"""Where WeChat notifies: https, without a query."""


class Part(BaseModel):
    """A part of a request. Unknown names and empty texts are refused; errors never quote what was given."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, strict=True)


class Request(Part):
    """The base of all requests.

    ``one_of``: groups of fields; exactly one of each group must be given. ``own``, ``partners``: what the account fills
    in, for a merchant and for a service provider. ``hidden``: where texts are that leave encrypted, given in plain.
    """

    one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    own: ClassVar[tuple[str, ...]] = ()
    partners: ClassVar[tuple[str, ...]] = ()
    hidden: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="after")
    def _names_what_it_is_about(self) -> Self:
        for group in self.one_of:
            if sum(getattr(self, name) is not None for name in group) != 1:
                raise ValueError(f"give exactly one of {', '.join(group)}")
        return self

    def content(self, account: WeChatPayAccount) -> dict[str, object]:
        """The parameters in WeChat's spelling, without what was not given, with what the account fills in."""
        return {**filled(self, account), **self.model_dump(mode="json", by_alias=True, exclude_none=True)}


def filled(request: Request, account: WeChatPayAccount) -> dict[str, object]:
    """What the account says in this request."""
    known = {
        "appid": account.appid,
        "mchid": account.mchid,
        "sp_appid": account.appid,
        "sp_mchid": account.mchid,
        "sub_appid": account.sub_appid,
        "sub_mchid": account.sub_mchid,
        "combine_appid": account.appid,
        "combine_mchid": account.mchid,
    }
    names = request.own if account.sub_mchid is None else request.partners
    return {name: known[name] for name in names if known[name] is not None}


class OfOrder(Request):
    """A request that names merchant and application as payments do."""

    own = ("appid", "mchid")
    partners = ("sp_appid", "sp_mchid", "sub_appid", "sub_mchid")


class OfMerchant(Request):
    """A request that names the merchant only, as questions about payments do."""

    own = ("mchid",)
    partners = ("sp_mchid", "sub_mchid")


class OfSub(Request):
    """A request that a service provider makes for its sub-merchant."""

    partners = ("sub_mchid",)


class Notified(Request):
    """A request whose end is told by a notification. ``notify_url``: where to; the account's address when absent."""

    notify_url: Address | None = None

    def content(self, account: WeChatPayAccount) -> dict[str, object]:
        """As :meth:`Request.content`, with the account's address."""
        found = super().content(account)
        return found if account.notify_url is None else {"notify_url": account.notify_url, **found}
