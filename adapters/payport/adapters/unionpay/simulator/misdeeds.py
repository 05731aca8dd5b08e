"""What the content faults look like in UnionPay's words: authentic replies that must not be believed as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from payport.adapters.unionpay.simulator.rows import Refusal
from payport.sdk.testing.faults import Fault


def wrong_amount(fields: Mapping[str, str]) -> dict[str, str]:
    """The amount is one yuan more."""
    return {name: str(int(value) + 100) if name == "txnAmt" else value for name, value in fields.items()}


def other_order(fields: Mapping[str, str]) -> dict[str, str]:
    """The reply is about another order."""
    return {name: f"{value}X" if name == "orderId" else value for name, value in fields.items()}


def unknown_status(fields: Mapping[str, str]) -> dict[str, str]:
    """A code that no table knows: of the transaction asked about, or of the request itself."""
    name = "origRespCode" if "origRespCode" in fields else "respCode"
    return {**fields, name: "Z9"}


ALTERATIONS: Mapping[Fault, Callable[[Mapping[str, str]], dict[str, str]]] = MappingProxyType(
    {Fault.WRONG_AMOUNT: wrong_amount, Fault.OTHER_ORDER: other_order, Fault.UNKNOWN_STATUS: unknown_status}
)


def refusal_of(fault: Fault) -> Refusal:
    """The refusal that stands for a fault."""
    match fault:
        case Fault.RATE_LIMITED:
            return Refusal("37", "queried too often")
        case Fault.NOT_FOUND:
            return Refusal("34", "查无此交易[2600000]")
        case Fault.ASK_RETRY:
            return Refusal("02", "the platform is closed for a moment")
        case Fault.UNSIGNED_ERROR | Fault.COMMIT_THEN_UNSIGNED_ERROR:
            return Refusal("01", "the transaction failed")
        case Fault.COMMIT_THEN_SYSTEM_ERROR:
            return Refusal("03", "communication timed out")
        case _:
            return Refusal("06", "系统繁忙[9100000]")
