"""What the content faults look like in WeChat's words: authentic replies that must not be believed as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from payport.adapters.wechatpay_v2.calls import REFUND, REFUND_QUERY, REVERSE
from payport.adapters.wechatpay_v2.simulator.books import Refusal
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault

_AMOUNTS = re.compile(r"(total_fee|cash_fee|refund_fee)(_\d+)?")
_ORDERS = re.compile(r"(out_trade_no|out_refund_no)(_\d+)?")
_STATUSES = re.compile(r"trade_state|refund_status_\d+")

NO_CERTIFICATE = WireReply(
    400,
    (("content-type", "text/html"),),
    b"<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n</html>\r\n",
)


def foreign_charset() -> bytes:
    """An error in GBK, whatever was asked for."""
    fields = "<return_code>FAIL</return_code><return_msg>系统繁忙</return_msg>"
    return f'<?xml version="1.0" encoding="GBK"?><xml>{fields}</xml>'.encode("gbk")


def _wrong_amount(fields: Mapping[str, str]) -> dict[str, str]:
    """Every amount is one yuan more."""
    return {name: str(int(value) + 100) if _AMOUNTS.fullmatch(name) else value for name, value in fields.items()}


def _other_order(fields: Mapping[str, str]) -> dict[str, str]:
    """The reply is about another order."""
    return {name: f"{value}X" if _ORDERS.fullmatch(name) else value for name, value in fields.items()}


def _unknown_status(fields: Mapping[str, str]) -> dict[str, str]:
    """A status, or where there is none a result, that no document knows."""
    if not any(_STATUSES.fullmatch(name) for name in fields):
        return {**fields, "result_code": "FAIL", "err_code": "TRADE_IN_LIMBO"}
    return {name: "IN_LIMBO" if _STATUSES.fullmatch(name) else value for name, value in fields.items()}


ALTERATIONS: Mapping[Fault, Callable[[Mapping[str, str]], dict[str, str]]] = MappingProxyType(
    {Fault.WRONG_AMOUNT: _wrong_amount, Fault.OTHER_ORDER: _other_order, Fault.UNKNOWN_STATUS: _unknown_status}
)


def refusal_of(fault: Fault, path: str) -> Refusal:
    """The refusal that stands for a fault."""
    match fault:
        case Fault.RATE_LIMITED:
            return Refusal("FREQUENCY_LIMITED", "频率限制")
        case Fault.NOT_FOUND if path == REFUND_QUERY:
            return Refusal("REFUNDNOTEXIST", "not exist")
        case Fault.NOT_FOUND:
            return Refusal("ORDERNOTEXIST", "此交易订单号不存在")
        case Fault.ASK_RETRY if path == REVERSE:
            return Refusal("SYSTEMERROR", "系统超时，请稍后重试", {"recall": "Y"})
        case Fault.ASK_RETRY if path == REFUND:
            return Refusal("BIZERR_NEED_RETRY", "退款业务流程错误，需要商户触发重试来解决")
        case _:
            return Refusal("SYSTEMERROR", "系统错误")
