"""Profit sharing: receivers, shares, giving back, and what is left.

The payment must have been created with ``settle_info.profit_sharing``. A refund may need a share given back first.
Source: pay.weixin.qq.com, "profit sharing", for merchants and service providers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from payport.adapters.wechatpay.endpoints.endpoint import WeChatPayEndpoint
from payport.adapters.wechatpay.endpoints.fields import (
    Day,
    Fen,
    Number,
    OfSub,
    Part,
    Request,
    Text32,
    Text64,
    Text80,
    Text128,
)
from payport.adapters.wechatpay.wire import Wire

ReceiverType = Literal["MERCHANT_ID", "PERSONAL_OPENID", "PERSONAL_SUB_OPENID"]
_APPLICATION = ("appid",)
_SUB = ("appid", "sub_appid", "sub_mchid")


class ShareReceiver(Part):
    """One line of a split. ``name`` leaves encrypted."""

    type: ReceiverType
    account: Text64 = Field(repr=False)
    amount: Fen
    description: Text80
    name: Text128 | None = Field(default=None, repr=False)


class ShareOrder(Request):
    """Split a payment; up to 20 times. Asynchronous: ask about it."""

    own = _APPLICATION
    partners = _SUB
    hidden = ("receivers/*/name",)

    transaction_id: Text32
    out_order_no: Number
    receivers: Annotated[tuple[ShareReceiver, ...], Field(min_length=1, max_length=50)]
    unfreeze_unsplit: bool
    """Whether the rest goes to the merchant with this split: nothing can be shared afterwards."""


class SharedTo(Wire):
    """What one receiver got. ``result``: ``PENDING``, ``SUCCESS`` or ``CLOSED``."""

    type: str | None = None
    account: str | None = Field(default=None, repr=False)
    amount: int | None = None
    description: str | None = None
    result: str | None = None
    fail_reason: str | None = None
    detail_id: str | None = None
    create_time: str | None = None
    finish_time: str | None = None


class ShareState(Wire):
    """``state``: ``PROCESSING`` or ``FINISHED``, which says nothing of each receiver's ``result``."""

    transaction_id: str | None = None
    out_order_no: str
    order_id: str
    state: str
    receivers: list[SharedTo] | None = None


class ShareQuery(OfSub):
    """By the merchant's number of the split."""

    out_order_no: Number
    transaction_id: Text32


class ShareReturn(OfSub):
    """Have a receiver that is a merchant give back."""

    one_of = (("order_id", "out_order_no"),)

    order_id: Text64 | None = None
    out_order_no: Number | None = None
    out_return_no: Number
    return_mchid: Text32
    amount: Fen
    description: Text80


class ShareReturned(Wire):
    """``result``: ``PROCESSING`` (keep the number), ``SUCCESS`` or ``FAILED``."""

    order_id: str | None = None
    out_order_no: str | None = None
    out_return_no: str
    return_id: str | None = None
    return_mchid: str | None = None
    amount: int | None = None
    description: str | None = None
    result: str
    fail_reason: str | None = None
    create_time: str | None = None
    finish_time: str | None = None


class ShareReturnQuery(OfSub):
    """By the merchant's numbers of the giving back and of its split."""

    out_return_no: Number
    out_order_no: Number


class ShareUnfreeze(OfSub):
    """Nothing more will be shared: the rest goes to the merchant."""

    transaction_id: Text32
    out_order_no: Number
    description: Text80


class ShareAmountsQuery(Request):
    """How much of a payment can still be shared."""

    transaction_id: Text32


class ShareAmounts(Wire):
    """``unsplit_amount`` in fen."""

    transaction_id: str
    unsplit_amount: int


class NewReceiver(Request):
    """Name a receiver. ``name`` leaves encrypted."""

    own = _APPLICATION
    partners = _SUB
    hidden = ("name",)

    type: ReceiverType
    account: Text64 = Field(repr=False)
    name: Text128 | None = Field(default=None, repr=False)
    relation_type: Text32
    custom_relation: Text32 | None = None


class OldReceiver(Request):
    """Strike a receiver off."""

    own = _APPLICATION
    partners = _SUB

    type: ReceiverType
    account: Text64 = Field(repr=False)


class KnownReceiver(Wire):
    """A receiver as WeChat holds it; the name comes encrypted for the merchant."""

    type: str | None = None
    account: str | None = Field(default=None, repr=False)
    name: str | None = Field(default=None, repr=False)
    relation_type: str | None = None
    custom_relation: str | None = None


class ShareConfigQuery(Request):
    """The largest share of a sub-merchant, asked by its service provider."""

    sub_mchid: Text32


class ShareConfig(Wire):
    """``max_ratio``: in hundredths of a percent."""

    sub_mchid: str
    max_ratio: int


class ShareBillQuery(OfSub):
    """The bill of a day's shares."""

    bill_date: Day
    tar_type: Literal["GZIP"] | None = None


class BillFile(Wire):
    """Where a bill can be fetched, for a few minutes. ``hash_value``: SHA-1 of the unpacked file."""

    hash_type: str
    hash_value: str
    download_url: str = Field(repr=False)


_SHARE = "/v3/profitsharing"
SHARE: WeChatPayEndpoint[ShareOrder, ShareState] = WeChatPayEndpoint(f"POST {_SHARE}/orders", ShareState)
SHARE_QUERY: WeChatPayEndpoint[ShareQuery, ShareState] = WeChatPayEndpoint(
    f"GET {_SHARE}/orders/{{out_order_no}}", ShareState, moves_money=False
)
SHARE_RETURN: WeChatPayEndpoint[ShareReturn, ShareReturned] = WeChatPayEndpoint(
    f"POST {_SHARE}/return-orders", ShareReturned
)
SHARE_RETURN_QUERY: WeChatPayEndpoint[ShareReturnQuery, ShareReturned] = WeChatPayEndpoint(
    f"GET {_SHARE}/return-orders/{{out_return_no}}", ShareReturned, moves_money=False
)
SHARE_UNFREEZE: WeChatPayEndpoint[ShareUnfreeze, ShareState] = WeChatPayEndpoint(
    f"POST {_SHARE}/orders/unfreeze", ShareState
)
SHARE_AMOUNTS: WeChatPayEndpoint[ShareAmountsQuery, ShareAmounts] = WeChatPayEndpoint(
    f"GET {_SHARE}/transactions/{{transaction_id}}/amounts", ShareAmounts, moves_money=False
)
SHARE_RECEIVER_ADD: WeChatPayEndpoint[NewReceiver, KnownReceiver] = WeChatPayEndpoint(
    f"POST {_SHARE}/receivers/add", KnownReceiver, moves_money=False
)
SHARE_RECEIVER_DELETE: WeChatPayEndpoint[OldReceiver, KnownReceiver] = WeChatPayEndpoint(
    f"POST {_SHARE}/receivers/delete", KnownReceiver, moves_money=False
)
SHARE_CONFIG: WeChatPayEndpoint[ShareConfigQuery, ShareConfig] = WeChatPayEndpoint(
    f"GET {_SHARE}/merchant-configs/{{sub_mchid}}", ShareConfig, moves_money=False
)
SHARE_BILL: WeChatPayEndpoint[ShareBillQuery, BillFile] = WeChatPayEndpoint(
    f"GET {_SHARE}/bills", BillFile, moves_money=False
)
