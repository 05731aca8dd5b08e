"""An OpenAPI document (3.0 or 3.1, JSON): its routes, and its schemas as JSON Schema (draft 2020-12).

Source: OpenAPI Specification 3.0.3 and 3.1.0 (spec.openapis.org); JSON Schema 2020-12.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

Node = Mapping[str, object]
"""One object of the document."""

METHODS = ("get", "put", "post", "delete", "patch")
_OPEN = ("x-stripeBypassValidation", "x-extensible-enum")
"""Where a partner says that an enumeration may grow at any time."""


class MalformedDocument(ValueError):
    """The file is not an OpenAPI document that can be read."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of a document: ``POST /v1/refunds/{refund}``."""

    method: str
    path: str
    pattern: re.Pattern[str]
    operation: Node

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Document:
    """A parsed document. ``root`` is in the form of JSON Schema 2020-12 already: see :func:`modern`."""

    root: Node

    @classmethod
    def load(cls, path: Path) -> Document:
        """Read a JSON file. Raises :class:`MalformedDocument`; a missing file raises ``OSError``."""
        try:
            parsed: object = modern(json.loads(path.read_text("utf-8")))
        except (ValueError, RecursionError):
            raise MalformedDocument(f"{path.name} is not JSON; give the OpenAPI document in its JSON form") from None
        if not isinstance(parsed, dict) or not isinstance(cast("Node", parsed).get("paths"), dict):
            raise MalformedDocument(f"{path.name} has no paths: it is not an OpenAPI document")
        return cls(cast("Node", parsed))

    @property
    def version(self) -> str:
        """The version that the partner gave this document."""
        return str(as_node(self.root.get("info")).get("version", ""))

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every operation; a path without parameters stands before one that would match it too."""
        found = [
            Route(method.upper(), path, _pattern(path), as_node(as_node(item)[method]))
            for path, item in as_node(self.root["paths"]).items()
            for method in METHODS
            if method in as_node(item)
        ]
        return tuple(sorted(found, key=lambda route: (route.path.count("{"), route.path, route.method)))

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        urls = [str(as_node(server).get("url", "")) for server in as_list(self.root.get("servers"))]
        return tuple(sorted({"", *(urlsplit(url).path.rstrip("/") for url in urls)}, key=len, reverse=True))

    def route(self, method: str, path: str) -> Route | None:
        """The operation behind a request's path, below the base path of a server or not."""
        for prefix in self._prefixes:
            if not path.startswith(prefix):
                continue
            for route in self.routes:
                if route.method == method.upper() and route.pattern.fullmatch(path[len(prefix) :]):
                    return route
        return None

    def resolve(self, node: Node) -> Node:
        """What a node stands for: the end of its chain of ``$ref``. Raises :class:`MalformedDocument`."""
        for _ in range(32):
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._at(reference)
        raise MalformedDocument("a $ref leads in circles")

    def _at(self, reference: str) -> Node:
        if not reference.startswith("#/"):
            raise MalformedDocument(f"{reference}: only references inside the document are read")
        at: object = self.root
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            at = as_node(at).get(name)
            if at is None:
                raise MalformedDocument(f"{reference} is not in the document")
        return as_node(at)

    def parameters(self, route: Route, place: str) -> dict[str, Node]:
        """The parameters of an operation in ``place`` (``query``, ``header``, ``path``), by name."""
        item = as_node(as_node(self.root["paths"])[route.path])
        listed = [*as_list(item.get("parameters")), *as_list(route.operation.get("parameters"))]
        found = [self.resolve(as_node(each)) for each in listed]
        return {str(each["name"]): each for each in found if each.get("in") == place}

    def request_schema(self, route: Route, content_type: str) -> Node | None:
        """The schema of a request's body, ``None`` when none of this type is described."""
        return self._content(self.resolve(as_node(route.operation.get("requestBody"))), content_type)

    def reply_schema(self, route: Route, status: int) -> tuple[bool, Node | None]:
        """Whether replies with this status are described, and the schema of their JSON body."""
        replies = as_node(route.operation.get("responses"))
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            if key in replies:
                return True, self._content(self.resolve(as_node(replies[key])), "application/json")
        return False, None

    def _content(self, node: Node, content_type: str) -> Node | None:
        wanted = content_type.partition(";")[0].strip().lower()
        for kind, media in as_node(node.get("content")).items():
            if kind.partition(";")[0].strip().lower() == wanted:
                return as_node(as_node(media).get("schema"))
        return None

    def branches(self, schema: Node) -> Iterator[Node]:
        """A schema and every schema that it is put together from, references followed."""
        waiting, seen = [schema], set[int]()
        while waiting:
            node = self.resolve(waiting.pop())
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            for word in ("allOf", "anyOf", "oneOf"):
                waiting.extend(as_node(each) for each in as_list(node.get(word)))

    def fields(self, schema: Node) -> dict[str, list[Node]]:
        """The properties that an object of this schema may have, each with its schemas."""
        found: dict[str, list[Node]] = {}
        for branch in self.branches(schema):
            for name, inner in as_node(branch.get("properties")).items():
                found.setdefault(name, []).append(as_node(inner))
        return found

    def required(self, schema: Node) -> frozenset[str]:
        """The properties that every object of this schema must have."""
        node = self.resolve(schema)
        names = {str(name) for name in as_list(node.get("required"))}
        return frozenset(names).union(*(self.required(as_node(each)) for each in as_list(node.get("allOf"))))


def modern(node: object) -> object:
    """The same document in the words of JSON Schema 2020-12: nullability, boolean bounds, open enumerations."""
    if isinstance(node, list):
        return [modern(each) for each in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    schema = {name: modern(inner) for name, inner in cast("dict[str, object]", node).items()}
    if any(schema.get(word) for word in _OPEN):
        schema.pop("enum", None)
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(word) is True:
            schema[word] = schema.pop(bound)
        elif schema.get(word) is False:
            del schema[word]
    return _with_null(schema) if schema.get("nullable") is True else schema


def _with_null(schema: dict[str, object]) -> dict[str, object]:
    del schema["nullable"]
    kind = schema.get("type")
    if not isinstance(kind, str):
        return {"anyOf": [schema, {"type": "null"}]}
    schema["type"] = [kind, "null"]
    if isinstance(schema.get("enum"), list):
        schema["enum"] = [*cast("list[object]", schema["enum"]), None]
    return schema


def as_node(value: object) -> Node:
    """``value`` when it is an object, else an empty one."""
    return cast("Node", value) if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    """``value`` when it is a list, else an empty one."""
    return cast("Sequence[object]", value) if isinstance(value, list) else ()


def types_of(schema: Node) -> tuple[str, ...]:
    """The types that a schema names."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return (kind,)
    return tuple(str(each) for each in cast("list[object]", kind)) if isinstance(kind, list) else ()


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]*\})", path)
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts))
