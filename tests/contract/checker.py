"""Holds what crosses the wire against a contract: JSON Schema, written by us or published by a partner.

A contract of ours is one TOML file:

* ``[kinds]``: named JSON Schemas.
* ``[public]``: one schema for what every request carries besides its content.
* ``[refusal]``: one schema for every reply that says no.
* ``[requests."name"]`` and ``[replies."name"]``: an object schema for each operation. In ``properties`` a text names a
  kind. Unknown properties are refused in requests, and allowed in replies, unless the schema says otherwise.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.transport import Transport

Format = Callable[[str], bool]


@dataclass(frozen=True)
class Contract:
    """What requests may say and replies must say, by operation. ``formats``: checks that a schema names."""

    document: Mapping[str, Any]
    formats: Mapping[str, Format] = field(default_factory=dict[str, Format])

    @classmethod
    def load(cls, path: Path, formats: Mapping[str, Format]) -> Contract:
        """Read a contract and check that it is made of sound schemas."""
        contract = cls(tomllib.loads(path.read_text("utf-8")), formats)
        for part in ("requests", "replies"):
            for name in contract.document[part]:
                Draft202012Validator.check_schema(contract.schema(part, name))
        return contract

    @property
    def operations(self) -> frozenset[str]:
        """The operations that requests are described for."""
        return frozenset(self.document["requests"])

    def public_problems(self, parameters: Mapping[str, object]) -> list[str]:
        """What is wrong with the parameters that every request carries."""
        return self._problems("public", self._whole(self.document["public"], closed=True), parameters)

    def request_problems(self, operation: str, content: object) -> list[str]:
        """What is wrong with a request's content."""
        return self._of("requests", operation, content)

    def reply_problems(self, operation: str, content: object) -> list[str]:
        """What is wrong with a reply's content."""
        return self._of("replies", operation, content)

    def refusal_problems(self, content: object) -> list[str]:
        """What is wrong with a refusal's content, the same for every operation."""
        return self._problems("refusal", self._whole(self.document["refusal"], closed=False), content)

    def schema(self, part: str, operation: str) -> dict[str, Any]:
        """The whole schema of one operation's requests or replies."""
        return self._whole(self.document[part][operation], closed=part == "requests")

    def _of(self, part: str, operation: str, content: object) -> list[str]:
        if operation not in self.document[part]:
            return [f"{operation}: the contract describes no {part}"]
        return self._problems(f"{part} {operation}", self.schema(part, operation), content)

    def _whole(self, schema: Mapping[str, Any], *, closed: bool) -> dict[str, Any]:
        properties = {
            name: {"$ref": f"#/$defs/{kind}"} if isinstance(kind, str) else kind
            for name, kind in schema.get("properties", {}).items()
        }
        return {
            "type": "object",
            "additionalProperties": not closed,
            **schema,
            "properties": properties,
            "$defs": self.document["kinds"],
        }

    def _problems(self, where: str, schema: Mapping[str, Any], content: object) -> list[str]:
        checker = FormatChecker(formats=())
        for name, check in self.formats.items():
            checker.checks(name)(_of_text(check))
        validator: Any = Draft202012Validator(schema, format_checker=checker)
        return [f"{where}{error.json_path[1:]}: {error.message}" for error in validator.iter_errors(content)]


def _of_text(check: Format) -> Callable[[object], bool]:
    """A format says nothing of values that are no text: their type does."""
    return lambda value: not isinstance(value, str) or check(value)


class Wiretap:
    """A transport that remembers what went through it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.heard: list[tuple[WireRequest, WireReply | SendFailure]] = []

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Pass it on."""
        reply = self._transport.send(request, timeout_s)
        self.heard.append((request, reply))
        return reply

    def close(self) -> None:
        """Close what it listens to."""
        self._transport.close()
