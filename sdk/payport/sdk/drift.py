"""What a newer OpenAPI document of a partner changes for the fields that an adapter uses. Pure.

An adapter that is held against a published document brings a table of what it uses (:class:`Use`); a test keeps the
table equal to what really crosses the wire.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import cast

from payport.sdk.openapi import Document, Node, Route, as_list, as_node, types_of


def _no_values() -> Mapping[str, frozenset[str]]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One operation as the adapter uses it.

    ``route``: ``"POST /v1/refunds"``, as the document spells it. ``sends``, ``reads``: fields by dotted names, ``[]``
    for the items of a list, each with its JSON type. ``values``: for a field that is read, the values that the
    adapter's tables know.
    """

    route: str
    sends: Mapping[str, str] = field(default_factory=dict[str, str])
    reads: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[str, frozenset[str]] = field(default_factory=_no_values)


class Weight(Enum):
    """What a difference means."""

    BREAKS = "breaks"
    """Calls will fail or be misread: upgrade, or stay with the older version of the partner's interface."""
    DOUBTS = "doubts"
    """Answers with it are kept and told as ``Unknown``."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the document says otherwise than the adapter."""

    weight: Weight
    route: str
    text: str


def differences(documents: Sequence[Document], uses: Sequence[Use]) -> list[Difference]:
    """Everything that would matter, in the order of ``uses``; an operation is looked for in all documents."""
    return [difference for use in uses for difference in _of(documents, use)]


def _of(documents: Sequence[Document], use: Use) -> Iterator[Difference]:
    method, _, path = use.route.partition(" ")
    found = next(
        ((each, route) for each in documents for route in each.routes if (route.method, route.path) == (method, path)),
        None,
    )
    if found is None:
        yield Difference(Weight.BREAKS, use.route, "is not in the document any more")
        return
    document, route = found
    yield from _sent(document, route, use)
    replies = [schema for status in (200, 201, 202) if (schema := document.reply_schema(route, status)[1]) is not None]
    for name, kind in use.reads.items():
        yield from _read(document, replies, use, name, kind)


def _sent(document: Document, route: Route, use: Use) -> Iterator[Difference]:
    body = as_node(document.resolve(as_node(route.operation.get("requestBody"))).get("content"))
    schemas = [as_node(as_node(media).get("schema")) for media in body.values()]
    query = document.parameters(route, "query")
    for name, kind in use.sends.items():
        inner = [as_node(query[name].get("schema"))] if name in query else _at(document, schemas, name.split("."))
        yield from _told(document, inner, use.route, f"{name}, which is sent,", kind)
    for name in sorted(frozenset[str]().union(*(document.required(schema) for schema in schemas))):
        if not any(sent == name or sent.startswith((f"{name}.", f"{name}[")) for sent in use.sends):
            yield Difference(Weight.BREAKS, use.route, f"{name} is required now, and is not sent")


def _read(document: Document, replies: Sequence[Node], use: Use, name: str, kind: str) -> Iterator[Difference]:
    inner = _at(document, replies, name.split("."))
    yield from _told(document, inner, use.route, f"{name}, which is read,", kind)
    known = use.values.get(name)
    if known is None:
        return
    said = {
        str(value)
        for schema in inner
        for branch in document.branches(schema)
        for value in as_list(branch.get("enum"))
        if value is not None
    }
    for value in sorted(said - known):
        yield Difference(Weight.DOUBTS, use.route, f"{name} may be {value!r}, which no table knows")


def _told(document: Document, schemas: Sequence[Node], route: str, what: str, kind: str) -> Iterator[Difference]:
    if not schemas:
        yield Difference(Weight.BREAKS, route, f"{what} is not described any more")
        return
    kinds = {each for schema in schemas for branch in document.branches(schema) for each in types_of(branch)}
    if kinds and kind not in kinds and not (kind == "integer" and "number" in kinds):
        yield Difference(Weight.BREAKS, route, f"{what} was {kind} and is {' or '.join(sorted(kinds))}")


def _at(document: Document, schemas: Sequence[Node], names: Sequence[str]) -> list[Node]:
    """The schemas of a field by its dotted name; empty when it is not described."""
    at = list(schemas)
    for name in names:
        plain = name.removesuffix("[]")
        inner = [each for schema in at for each in document.fields(schema).get(plain, ())]
        inner = inner or [
            as_node(rest)
            for schema in at
            for branch in document.branches(schema)
            if (rest := branch.get("additionalProperties", False)) is not False
        ]
        if name.endswith("[]"):
            inner = [
                as_node(branch["items"])
                for schema in inner
                for branch in document.branches(schema)
                if "items" in branch
            ]
        at = inner
    return at


def fields_in(value: object, prefix: str = "") -> dict[str, str]:
    """The fields of a JSON value by dotted names, each with its JSON type: what a :class:`Use` lists."""
    found: dict[str, str] = {}
    for name, inner in cast("Mapping[str, object]", value).items() if isinstance(value, dict) else ():
        place = f"{prefix}{name}"
        found[place] = _type_of(inner)
        found |= fields_in(inner, f"{place}.")
        for item in cast("list[object]", inner) if isinstance(inner, list) else ():
            found[f"{place}[]"] = _type_of(item)
            found |= fields_in(item, f"{place}[].")
    return found


def _type_of(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case None:
            return "null"
        case _:
            return "number"
