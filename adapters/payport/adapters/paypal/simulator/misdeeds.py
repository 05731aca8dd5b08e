"""What the content faults look like in PayPal's words: answers that must not be believed as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

from payport.adapters.paypal.simulator.calls import Refusal
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault

PLAYED = frozenset(Fault) - {Fault.BAD_SIGNATURE, Fault.NO_SIGNATURE}
"""PayPal signs no answers, so nothing can be wrong with their signatures."""

_REFERENCES = ("reference_id", "custom_id", "invoice_id", "sender_batch_id", "sender_item_id")
_STATUSES = ("status", "batch_status", "transaction_status")

DENIED = WireReply(
    403, (("content-type", "text/html"),), b"<html><head><title>Access Denied</title></head><body></body></html>"
)
"""Somebody between PayPal and us says no: a refusal that is not PayPal's."""
FOREIGN = WireReply(
    500,
    (("content-type", "application/json;charset=gbk"),),
    '{"name":"INTERNAL_SERVER_ERROR","message":"系统繁忙"}'.encode("gbk"),
)


def _everywhere(node: object, change: Callable[[str, object], object]) -> object:
    if isinstance(node, dict):
        fields = cast("dict[str, object]", node)
        return {name: change(name, _everywhere(value, change)) for name, value in fields.items()}
    if isinstance(node, list):
        return [_everywhere(each, change) for each in cast("list[object]", node)]
    return node


def _wrong_amount(name: str, value: object) -> object:
    return f"{1 + int(value.partition('.')[0])}.00" if name == "value" and isinstance(value, str) else value


def _other_order(name: str, value: object) -> object:
    return f"{value}X" if name in _REFERENCES else value


def _unknown_status(name: str, value: object) -> object:
    return "IN_LIMBO" if name in _STATUSES else value


_CHANGES: Mapping[Fault, Callable[[str, object], object]] = MappingProxyType(
    {Fault.WRONG_AMOUNT: _wrong_amount, Fault.OTHER_ORDER: _other_order, Fault.UNKNOWN_STATUS: _unknown_status}
)


def alter(fault: Fault | None, node: Mapping[str, object]) -> Mapping[str, object]:
    """The body as a fault makes it."""
    change = None if fault is None else _CHANGES.get(fault)
    return node if change is None else cast("Mapping[str, object]", _everywhere(dict(node), change))


def refusal_of(fault: Fault) -> Refusal:
    """The refusal that stands for a fault."""
    match fault:
        case Fault.RATE_LIMITED:
            return Refusal(429, "", "Too many requests.")
        case Fault.NOT_FOUND:
            return Refusal(404, "INVALID_RESOURCE_ID", "Specified resource ID does not exist.")
        case Fault.ASK_RETRY:
            return Refusal(409, "PREVIOUS_REQUEST_IN_PROGRESS", "A previous request on this resource is in progress.")
        case _:
            return Refusal(500, "", "An internal server error has occurred.")
