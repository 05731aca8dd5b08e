"""Which request is which call. A call's name is method and path as WeChat's documents write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from payport.adapters.wechatpay.simulator import bills, combine, orders, payments, refunds, sharing, transfers

if TYPE_CHECKING:
    from payport.adapters.wechatpay.simulator.books import Books
    from payport.adapters.wechatpay.simulator.calls import Answer, Call

Handler: TypeAlias = "Callable[[Books, Call], Answer]"

CERTIFICATES = "/v3/certificates"
ECHO = "/v3/security/echo"
_TRADE = "/v3/pay/transactions"
_PARTNER = "/v3/pay/partner/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"
_BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
_COMBINE = "/v3/combine-transactions"
_SHARING = "/v3/profitsharing"
_KINDS = ("jsapi", "app", "h5", "native")


def _trade(base: str) -> dict[str, tuple[str, Handler]]:
    return {
        **{f"{base}/{kind}": ("POST", payments.prepay) for kind in _KINDS},
        f"{base}/codepay": ("POST", payments.codepay),
        f"{base}/id/{{transaction_id}}": ("GET", orders.query),
        f"{base}/out-trade-no/{{out_trade_no}}": ("GET", orders.query),
        f"{base}/out-trade-no/{{out_trade_no}}/close": ("POST", orders.close),
        f"{base}/out-trade-no/{{out_trade_no}}/reverse": ("POST", orders.reverse),
    }


HANDLERS: Mapping[str, tuple[str, Handler]] = MappingProxyType(
    {
        **_trade(_TRADE),
        **_trade(_PARTNER),
        _REFUNDS: ("POST", refunds.refund),
        f"{_REFUNDS}/{{out_refund_no}}": ("GET", refunds.query),
        f"{_REFUNDS}/{{refund_id}}/apply-abnormal-refund": ("POST", refunds.apply_abnormal),
        _BILLS: ("POST", transfers.create),
        f"{_BILLS}/out-bill-no/{{out_bill_no}}": ("GET", transfers.query),
        f"{_BILLS}/transfer-bill-no/{{transfer_bill_no}}": ("GET", transfers.query),
        f"{_BILLS}/out-bill-no/{{out_bill_no}}/cancel": ("POST", transfers.cancel),
        **{f"{_COMBINE}/{kind}": ("POST", combine.prepay) for kind in _KINDS},
        f"{_COMBINE}/out-trade-no/{{combine_out_trade_no}}": ("GET", combine.query),
        f"{_COMBINE}/out-trade-no/{{combine_out_trade_no}}/close": ("POST", combine.close),
        f"{_SHARING}/orders": ("POST", sharing.order),
        f"{_SHARING}/orders/unfreeze": ("POST", sharing.unfreeze),
        f"{_SHARING}/orders/{{out_order_no}}": ("GET", sharing.query),
        f"{_SHARING}/return-orders": ("POST", sharing.give_back),
        f"{_SHARING}/return-orders/{{out_return_no}}": ("GET", sharing.query_return),
        f"{_SHARING}/transactions/{{transaction_id}}/amounts": ("GET", sharing.amounts),
        f"{_SHARING}/receivers/add": ("POST", sharing.add_receiver),
        f"{_SHARING}/receivers/delete": ("POST", sharing.delete_receiver),
        f"{_SHARING}/merchant-configs/{{sub_mchid}}": ("GET", sharing.config),
        "/v3/bill/tradebill": ("GET", bills.trade_bill),
        "/v3/bill/fundflowbill": ("GET", bills.fund_flow_bill),
        bills.FILE: ("GET", bills.file),
    }
)
_METHODS = {**{name: method for name, (method, _) in HANDLERS.items()}, CERTIFICATES: "GET", ECHO: "POST"}
_SPECIFIC_FIRST = sorted(_METHODS, key=lambda name: name.count("{"))
_FORMS = {name: re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", name)) for name in _SPECIFIC_FIRST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a request goes. ``path``: what stands in the braces of the name, percent-encoded."""

    method: str
    name: str
    path: Mapping[str, str]

    @property
    def title(self) -> str:
        """The call's full name: ``"POST /v3/pay/transactions/codepay"``."""
        return f"{self.method} {self.name}"


def route(method: str, path: str) -> Route | None:
    """The call that a request makes, ``None`` when WeChat has no such call."""
    for name, form in _FORMS.items():
        match = form.fullmatch(path)
        if match is not None and _METHODS[name] == method:
            return Route(method=method, name=name, path=match.groupdict())
    return None
