"""One request as Stripe reads it, and the refusals it may get."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, cast
from urllib.parse import parse_qsl

Node: TypeAlias = dict[str, object]
"""A record as JSON."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_WHOLE = re.compile(r"-?[0-9]{1,12}", re.ASCII)


class Refusal(Exception):
    """An error answer. ``stored``: whether execution had begun, so that the key answers the same from now on."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        stored: bool = False,
        advice: str | None = None,
        **more: object,
    ) -> None:
        super().__init__(message)
        self.status, self.stored, self.advice = status, stored, advice
        told = {"type": kind, "code": code, "message": message, **more}
        self.node: Node = {"error": {name: value for name, value in told.items() if value is not None}}


def missing(param: str) -> Refusal:
    """A parameter that must be there."""
    return Refusal(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def no_such(what: str, number: str, *, status: int = 404, param: str = "id") -> Refusal:
    """Stripe knows no such record."""
    return Refusal(status, f"No such {what}: '{number}'", code="resource_missing", param=param)


def decode_form(text: str) -> Node:
    """Brackets back into mappings and lists. Raises the refusal of a name that is none."""
    root: Node = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = _NAME.fullmatch(name)
        if match is None:
            raise Refusal(400, f"Invalid parameter name: {name}", code="parameter_unknown", param=name)
        keys = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        place = root
        for key in keys[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                raise Refusal(400, f"Invalid object: {name}", code="parameter_invalid_empty", param=name)
            place = cast("Node", inner)
        last = keys[-1] or str(len(place))
        if last in place:
            raise Refusal(400, f"{name} stands twice", code="parameters_exclusive", param=name)
        place[last] = value
    return cast("Node", _listed(root))


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    node = {key: _listed(inner) for key, inner in cast("Node", value).items()}
    if node and set(node) == {str(index) for index in range(len(node))}:
        return [node[str(index)] for index in range(len(node))]
    return node


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that passed the gate. ``slow``: accepted, to be finished later."""

    name: str
    numbers: Mapping[str, str]
    params: Node = field(repr=False)
    now: datetime
    slow: bool = False

    @property
    def stamp(self) -> int:
        """Now, in Unix seconds."""
        return int(self.now.timestamp())

    def only(self, *names: str) -> None:
        """Raise the refusal of a parameter that this call does not have."""
        for name in self.params:
            if name not in (*names, "expand"):
                raise Refusal(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)

    def text(self, name: str) -> str | None:
        """A text; ``None`` when it is absent or emptied."""
        value = self.params.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise Refusal(400, f"Invalid string: {name}", code="parameter_invalid_string_empty", param=name)
        return value

    def need(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def whole(self, name: str) -> int | None:
        """A whole number."""
        return whole(self.text(name), name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A truth value."""
        value = self.text(name)
        if value not in (None, "true", "false"):
            raise Refusal(400, f"Invalid boolean: {value}", code="parameter_invalid_empty", param=name)
        return default if value is None else value == "true"

    def table(self, name: str) -> Node:
        """A mapping, empty when it is absent."""
        return table(self.params.get(name), name)

    def metadata(self) -> dict[str, str]:
        """The merchant's own notes."""
        return notes(self.table("metadata"))

    def currency(self) -> str:
        """The currency, lower case."""
        value = self.need("currency").lower()
        if not re.fullmatch("[a-z]{3}", value):
            raise Refusal(400, f"Invalid currency: {value}", param="currency")
        return value

    def amount(self, name: str = "amount") -> int:
        """An amount that is more than zero and has eight digits at most."""
        value = self.whole(name)
        if value is None:
            raise missing(name)
        if value < 1:
            raise Refusal(400, "Invalid positive integer", code="parameter_invalid_integer", param=name)
        if value > 99_999_999:
            raise Refusal(400, "Amount must be no more than 999,999.99", code="amount_too_large", param=name)
        return value


def whole(text: str | None, name: str) -> int | None:
    """A whole number. Raises the refusal of what is none."""
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise Refusal(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    return int(text)


def table(value: object, name: str) -> Node:
    """A mapping, empty when it is absent. Raises the refusal of what is none."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise Refusal(400, f"Invalid object: {name}", code="parameter_invalid_empty", param=name)
    return cast("Node", value)


def notes(node: Node) -> dict[str, str]:
    """Metadata within Stripe's limits."""
    if len(node) > 50:
        raise Refusal(400, "Metadata can have at most 50 keys.", param="metadata")
    for key, value in node.items():
        if not isinstance(value, str) or len(key) > 40 or len(value) > 500:
            raise Refusal(400, "Metadata keys have 40 characters, values 500 at most.", param="metadata")
    return {key: str(value) for key, value in node.items()}
