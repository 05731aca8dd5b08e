"""What the content faults look like in Alipay's words: authentic replies that must not be believed as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from payport.adapters.alipay.simulator.calls import Refusal, not_found_code, system_error_code
from payport.sdk.testing.faults import Fault

_AMOUNTS = ("total_amount", "receipt_amount", "amount", "trans_amount", "refund_fee", "refund_amount")
_ORDERS = ("out_trade_no", "out_order_no", "out_biz_no")
_STATUSES = ("trade_status", "refund_status", "status", "order_status")


def wrong_amount(fields: Mapping[str, object]) -> dict[str, object]:
    """Every amount is one yuan more."""
    return {
        name: _one_more(value) if name in _AMOUNTS and isinstance(value, str) else value
        for name, value in fields.items()
    }


def other_order(fields: Mapping[str, object]) -> dict[str, object]:
    """The reply is about another order."""
    return {name: f"{value}X" if name in _ORDERS else value for name, value in fields.items()}


def unknown_status(fields: Mapping[str, object]) -> dict[str, object]:
    """A status, or where there is none a code, that no document knows."""
    if not any(name in fields for name in _STATUSES):
        return {**fields, "code": "10077"}
    return {name: "TRADE_IN_LIMBO" if name in _STATUSES else value for name, value in fields.items()}


ALTERATIONS: Mapping[Fault, Callable[[Mapping[str, object]], dict[str, object]]] = MappingProxyType(
    {Fault.WRONG_AMOUNT: wrong_amount, Fault.OTHER_ORDER: other_order, Fault.UNKNOWN_STATUS: unknown_status}
)


def refusal_of(fault: Fault, method: str) -> Refusal:
    """The refusal that stands for a fault."""
    match fault:
        case Fault.RATE_LIMITED:
            return Refusal("isv.app-call-limited", "too many calls", code="40005")
        case Fault.NOT_FOUND:
            return Refusal(not_found_code(method), "does not exist")
        case Fault.FOREIGN_CHARSET:
            return Refusal("isp.unknow-error", "系统繁忙", code="20000")
        case Fault.ASK_RETRY:
            return Refusal(system_error_code(method), "try again", fields={"retry_flag": "Y"})
        case Fault.UNSIGNED_ERROR | Fault.COMMIT_THEN_UNSIGNED_ERROR:
            return Refusal("ACQ.PAYMENT_FAIL", "the payment failed")
        case _:
            return Refusal(system_error_code(method), "the system is busy")


def _one_more(amount: str) -> str:
    whole, point, rest = amount.partition(".")
    return f"{int(whole) + 1}{point}{rest}"
