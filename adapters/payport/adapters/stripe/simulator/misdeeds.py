"""What faults look like in Stripe's words. Stripe signs no answer, so the faults of signatures do not apply."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

from payport.adapters.stripe.planning import REF
from payport.adapters.stripe.simulator.calls import Node, Refusal
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault

_AMOUNTS = ("amount", "amount_received", "amount_total", "amount_captured")
_HTML = (("content-type", "text/html"),)

BLOCKED = WireReply(403, _HTML, b"<html><head><title>403 Forbidden</title></head></html>\r\n")
"""Somebody in between refuses: nothing that Stripe said."""

SYSTEM_ERRORS = frozenset({Fault.SYSTEM_ERROR, Fault.FOREIGN_CHARSET, Fault.COMMIT_THEN_SYSTEM_ERROR})
BLOCKS = frozenset({Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR})


def system_error(fault: Fault) -> WireReply:
    """Stripe's own fault; it is kept under the key like any answer."""
    message = (
        "Une erreur inconnue s'est produite \u00e9" if fault is Fault.FOREIGN_CHARSET else "An unknown error occurred"
    )
    text = json.dumps({"error": {"type": "api_error", "message": message}}, ensure_ascii=False)
    charset = "latin-1" if fault is Fault.FOREIGN_CHARSET else "utf-8"
    return WireReply(500, (("content-type", f"application/json; charset={charset}"),), text.encode(charset))


def refusal_of(fault: Fault) -> Refusal | None:
    """The refusal that stands for a fault, before anything was executed."""
    match fault:
        case Fault.RATE_LIMITED:
            return Refusal(429, "Too many requests", code="rate_limit")
        case Fault.ASK_RETRY:
            return Refusal(429, "This object cannot be accessed right now.", code="lock_timeout", advice="true")
        case Fault.NOT_FOUND:
            return Refusal(404, "No such object", code="resource_missing", param="id")
        case _:
            return None


def wrong_amount(node: Node) -> Node:
    """Every amount is a hundred more."""
    return {name: value + 100 if name in _AMOUNTS and isinstance(value, int) else value for name, value in node.items()}


def other_order(node: Node) -> Node:
    """The record is another order's."""
    altered = dict(node)
    metadata = altered.get("metadata")
    if isinstance(metadata, dict) and REF in metadata:
        notes = cast("dict[str, str]", metadata)
        altered["metadata"] = {**notes, REF: f"{notes[REF]}X"}
    if isinstance(altered.get("client_reference_id"), str):
        altered["client_reference_id"] = f"{altered['client_reference_id']}X"
    return altered


def unknown_status(node: Node) -> Node:
    """A status that no document knows."""
    return {name: "in_limbo" if name == "status" and value is not None else value for name, value in node.items()}


ALTERATIONS: Mapping[Fault, Callable[[Node], Node]] = MappingProxyType(
    {Fault.WRONG_AMOUNT: wrong_amount, Fault.OTHER_ORDER: other_order, Fault.UNKNOWN_STATUS: unknown_status}
)


def altered(reply: WireReply, fault: Fault) -> WireReply:
    """The reply with every record in it changed, wherever it stands."""
    change = ALTERATIONS.get(fault)
    if change is None:
        return reply
    node = _everywhere(json.loads(reply.content), change)
    return WireReply(reply.status, reply.headers, json.dumps(node).encode())


def _everywhere(value: object, change: Callable[[Node], Node]) -> object:
    if isinstance(value, list):
        return [_everywhere(inner, change) for inner in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    node = {name: _everywhere(inner, change) for name, inner in cast("Node", value).items()}
    return change(node) if "object" in node else node
