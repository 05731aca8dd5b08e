"""What the content faults look like in WeChat's words: authentic answers that must not be believed as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

from payport.adapters.wechatpay.simulator.calls import Refusal
from payport.sdk.testing.faults import Fault

_AMOUNTS = ("total", "refund", "payer_total", "payer_refund", "transfer_amount", "total_amount", "amount")
_ORDERS = ("out_trade_no", "out_refund_no", "out_bill_no", "combine_out_trade_no", "out_order_no", "out_return_no")
_STATES = ("trade_state", "status", "state", "result")
UNHEARD_OF = 218
"""The HTTP status of an answer of an unknown kind that has no state of its own."""


def wrong_amount(fields: Mapping[str, object]) -> dict[str, object]:
    """Every amount is one yuan more."""
    return _altered(fields, _AMOUNTS, lambda value: value + 100 if isinstance(value, int) else value)


def other_order(fields: Mapping[str, object]) -> dict[str, object]:
    """The answer is about another order."""
    return _altered(fields, _ORDERS, lambda value: f"{value}X")


def unknown_status(fields: Mapping[str, object]) -> dict[str, object]:
    """A state that no document knows."""
    return _altered(fields, _STATES, lambda value: "IN_LIMBO" if isinstance(value, str) else value)


ALTERATIONS: Mapping[Fault, Callable[[Mapping[str, object]], dict[str, object]]] = MappingProxyType(
    {Fault.WRONG_AMOUNT: wrong_amount, Fault.OTHER_ORDER: other_order, Fault.UNKNOWN_STATUS: unknown_status}
)


def has_state(fields: Mapping[str, object] | None) -> bool:
    """Whether an answer says how something stands."""
    return fields is not None and unknown_status(fields) != dict(fields)


def refusal_of(fault: Fault, name: str) -> Refusal:
    """The refusal that stands for a fault; ``name``: the call."""
    match fault:
        case Fault.RATE_LIMITED:
            return Refusal("FREQUENCY_LIMITED", "频率超限,请降低请求频率", status=429)
        case Fault.NOT_FOUND:
            return not_found(name)
        case Fault.ASK_RETRY:
            # 202: taken, not done, to be repeated as it was
            return Refusal(
                "USERPAYING" if name.endswith("/close") else "ACCEPTED", "处理中,请使用相同参数重试", status=202
            )
        case Fault.UNSIGNED_ERROR | Fault.COMMIT_THEN_UNSIGNED_ERROR:
            return not_found(name) if "{" in name else Refusal("TRADE_ERROR", "交易错误", status=403)
        case _:
            return Refusal("SYSTEM_ERROR", "系统异常,请用相同参数重新调用", status=500)


def not_found(name: str) -> Refusal:
    """What this family of calls says of something that it does not know."""
    if "mch-transfer" in name:
        return Refusal("NOT_FOUND", "记录不存在", status=404)
    if "transactions/" in name and "profitsharing" not in name:
        return Refusal("ORDER_NOT_EXIST", "订单不存在", status=404)
    return Refusal("RESOURCE_NOT_EXISTS", "资源不存在", status=404)


def _altered(
    fields: Mapping[str, object], names: tuple[str, ...], change: Callable[[object], object]
) -> dict[str, object]:
    changed: dict[str, object] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            changed[name] = _altered(cast("Mapping[str, object]", value), names, change)
        elif isinstance(value, list):
            changed[name] = [
                _altered(cast("Mapping[str, object]", item), names, change) if isinstance(item, Mapping) else item
                for item in cast("list[object]", value)
            ]
        else:
            changed[name] = change(value) if name in names else value
    return changed
