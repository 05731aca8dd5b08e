"""What is wrong with a request or a reply, by the partner's own document.

Unknown names are refused in requests and in replies, because a document that describes an object describes all of it;
where it says ``additionalProperties``, or describes none, any name may stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, ValidationError

from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.openapi import Document, Node, Route, as_node
from payport.sdk.strict_json import MalformedJson, parse
from payport.sdk.testing.openapi.forms import MalformedForm, read_form, shaped
from payport.sdk.transport import Transport

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


@dataclass(frozen=True)
class Checker:
    """Holds what crosses the wire against one or more documents of a partner."""

    documents: tuple[Document, ...]

    def routed(self, method: str, path: str) -> tuple[Document, Route] | None:
        """The document and the operation that describe a path."""
        for document in self.documents:
            route = document.route(method, path)
            if route is not None:
                return document, route
        return None

    def request_problems(self, request: WireRequest) -> list[str]:
        """What is wrong with a request: path, parameters, body. Empty when nothing is."""
        url = urlsplit(request.url)
        found = self.routed(request.method, url.path)
        if found is None:
            return [f"{request.method} {url.path}: no document describes it"]
        document, route = found
        problems = [*_query_problems(document, route, url.query), *_body_problems(document, route, request)]
        return [f"{route}: {problem}" for problem in problems]

    def reply_problems(self, method: str, path: str, reply: WireReply) -> list[str]:
        """What is wrong with a reply: status and JSON body. Empty when nothing is."""
        found = self.routed(method, path)
        if found is None:
            return [f"{method} {path}: no document describes it"]
        document, route = found
        described, schema = document.reply_schema(route, reply.status)
        if not described:
            return [f"{route}: a reply with status {reply.status} is not described"]
        if schema is None or (reply.status == 204 and not reply.content):
            return [f"{route}: a body where none is described"] if reply.content and schema is None else []
        try:
            value = parse(reply.content)
        except MalformedJson as error:
            return [f"{route}: {reply.status}: {error}"]
        return [f"{route}: {reply.status}: {problem}" for problem in value_problems(document, schema, value)]


def value_problems(document: Document, schema: Node, value: object) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    # its references are relative to the document that it stands in, so it is checked as that document's own schema
    validator = Draft202012Validator(cast("dict[str, Any]", {**document.root, **schema}))
    # its stubs leave the type of a parameter open
    found = cast("Callable[[object], Iterable[ValidationError]]", getattr(validator, "iter_errors"))(value)  # noqa: B009
    wrong = [f"{_place(error.absolute_path)}: {error.message[:300]}" for error in found]
    return [*wrong, *(f"{place}: is not described" for place in _unknown(document, schema, value, ""))]


def _place(path: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in path) or "body"


def _unknown(document: Document, schema: Node, value: object, place: str) -> Iterator[str]:
    """The places of names that the schema does not describe."""
    shapes = list(document.branches(schema))
    if isinstance(value, list):
        items: list[Node] = [as_node(shape["items"]) for shape in shapes if "items" in shape]
        for index, inner in enumerate(cast("list[object]", value)):
            yield from _unknown(document, {"anyOf": items}, inner, f"{place}[{index}]")
    if not isinstance(value, dict):
        return
    fields = document.fields(schema)
    rest = [shape["additionalProperties"] for shape in shapes if shape.get("additionalProperties", False) is not False]
    described = bool(fields) or any(shape.get("additionalProperties") is False for shape in shapes)
    for name, inner in cast("Mapping[str, object]", value).items():
        inside = f"{place}.{name}" if place else name
        if name in fields:
            yield from _unknown(document, {"anyOf": list(fields[name])}, inner, inside)
        elif rest:
            yield from _unknown(document, {"anyOf": [as_node(each) for each in rest]}, inner, inside)
        elif described:
            yield inside


def _query_problems(document: Document, route: Route, query: str) -> Iterator[str]:
    described = document.parameters(route, "query")
    wanted = {name for name, parameter in described.items() if parameter.get("required")}
    schema: dict[str, object] = {
        "type": "object",
        "properties": {name: parameter.get("schema", {}) for name, parameter in described.items()},
        "required": sorted(wanted),
        "additionalProperties": False,
    }
    try:
        value: object = shaped(document, schema, read_form(query))
    except MalformedForm as error:
        yield f"query: {error}"
        return
    if isinstance(value, dict):
        value = _split_lists(described, cast("dict[str, object]", value))
    for problem in value_problems(document, schema, value):
        yield f"query: {problem}"


def _split_lists(described: Mapping[str, Node], value: Mapping[str, object]) -> dict[str, object]:
    """Lists that stand in one text, separated by commas (``style: form`` without ``explode``)."""
    lists = {name for name, each in described.items() if as_node(each.get("schema")).get("type") == "array"}
    return {name: text.split(",") if name in lists and isinstance(text, str) else text for name, text in value.items()}


def _body_problems(document: Document, route: Route, request: WireRequest) -> Iterator[str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    kind = headers.get("content-type", "")
    body = document.resolve(as_node(route.operation.get("requestBody")))
    if not request.content:
        if body.get("required"):
            yield "a body is required"
        return
    schema = document.request_schema(route, kind)
    if schema is None:
        yield f"a body of type {kind or 'none'} is not described"
        return
    try:
        if kind.startswith(_FORM):
            value = shaped(document, schema, read_form(request.content.decode("utf-8")))
        else:
            value = parse(request.content)
    except (MalformedForm, MalformedJson, UnicodeDecodeError) as error:
        yield f"body: {error}"
        return
    yield from value_problems(document, schema, value)


@dataclass
class RecordingTransport:
    """Passes requests on, and keeps each with its reply: what a contract test then holds against a document."""

    inner: Transport
    seen: list[tuple[WireRequest, WireReply | SendFailure]] = field(
        default_factory=list[tuple[WireRequest, "WireReply | SendFailure"]]
    )

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Pass a request on."""
        reply = self.inner.send(request, timeout_s)
        self.seen.append((request, reply))
        return reply

    def close(self) -> None:
        """Close the transport behind."""
        self.inner.close()

    def problems(self, checker: Checker) -> list[str]:
        """Everything that is wrong with what passed; a reply to a request that no document describes is told once."""
        found: list[str] = []
        for request, reply in self.seen:
            found += checker.request_problems(request)
            if isinstance(reply, WireReply):
                path = urlsplit(request.url).path
                if checker.routed(request.method, path) is not None:
                    found += checker.reply_problems(request.method, path, reply)
        return found
