"""What faults look like in Adyen's words. Adyen signs no answer, so the faults of signatures do not apply."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import cast

from payport.adapters.adyen.simulator.gate import Refusal
from payport.adapters.adyen.simulator.rows import Node
from payport.sdk.message import WireReply
from payport.sdk.testing.faults import Fault

_HTML = (("content-type", "text/html"),)
_JSON = (("content-type", "application/json"),)

BLOCKED = WireReply(403, _HTML, b"<html><head><title>403 Forbidden</title></head></html>\r\n")
"""Somebody in between refuses: nothing that Adyen said."""

BLOCKS = frozenset({Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR})
PLAYED = frozenset(Fault) - {Fault.BAD_SIGNATURE, Fault.NO_SIGNATURE, Fault.NOT_FOUND}
"""The faults that this simulator can play: there is no query that could lag behind."""


def refusal_of(fault: Fault) -> Refusal | None:
    """The refusal that stands for a fault, before anything was executed."""
    match fault:
        case Fault.RATE_LIMITED:
            return Refusal(429, "29_429", "Too many requests")
        case Fault.ASK_RETRY:
            return Refusal(409, "704", "request already processed or in progress")
        case Fault.SYSTEM_ERROR:
            return Refusal(500, "905", "No connection available", kind="internal", transient=True)
        case _:
            return None


def final_error() -> WireReply:
    """A fault of Adyen's own after the request reached the issuer: the key's answer from now on."""
    node = {"status": 500, "errorCode": "905", "message": "Acquirer error", "errorType": "internal"}
    return WireReply(500, (*_JSON, ("transient-error", "false")), json.dumps(node).encode())


def foreign_charset() -> WireReply:
    """An error in another charset than JSON's."""
    text = json.dumps({"status": 500, "message": "Erreur inconnue \u00e9"}, ensure_ascii=False)
    return WireReply(500, (("content-type", "application/json; charset=latin-1"),), text.encode("latin-1"))


def wrong_amount(node: Node) -> Node:
    """The amount is a hundred more."""
    amount = node.get("amount")
    if not isinstance(amount, dict):
        return node
    told = cast("Node", amount)
    return {**node, "amount": {**told, "value": cast("int", told["value"]) + 100}}


def other_order(node: Node) -> Node:
    """The answer is about another order."""
    return {
        name: f"{value}X" if name in ("merchantReference", "reference", "paymentReference") else value
        for name, value in node.items()
    }


def unknown_status(node: Node) -> Node:
    """A code that no document knows."""
    return {name: "InLimbo" if name in ("resultCode", "status") else value for name, value in node.items()}


ALTERATIONS: Mapping[Fault, Callable[[Node], Node]] = MappingProxyType(
    {Fault.WRONG_AMOUNT: wrong_amount, Fault.OTHER_ORDER: other_order, Fault.UNKNOWN_STATUS: unknown_status}
)


def altered(reply: WireReply, fault: Fault) -> WireReply:
    """The reply, changed as the fault says."""
    change = ALTERATIONS.get(fault)
    if change is None or not 200 <= reply.status < 300:
        return reply
    return WireReply(reply.status, reply.headers, json.dumps(change(json.loads(reply.content))).encode())
