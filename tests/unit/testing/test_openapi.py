"""The checker of requests and replies against an OpenAPI document: on a small document of our own, and on partners'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.vectors import specs

from payport.sdk.message import WireReply, WireRequest
from payport.sdk.testing.openapi import Checker, Document, MalformedDocument
from payport.sdk.testing.openapi.forms import MalformedForm, read_form

TEA: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Tea", "version": "7"},
    "servers": [{"url": "https://tea.example/v7"}],
    "paths": {
        "/cups": {
            "get": {
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}},
                    {"name": "kinds", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "shop", "in": "query", "required": True, "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "", "content": {}}},
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Cup"}},
                        "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Cup"}},
                    },
                },
                "responses": {
                    "201": {
                        "description": "",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Poured"}}},
                    },
                    "4XX": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}},
                },
            },
        },
        "/cups/{cup}": {"delete": {"responses": {"204": {"description": ""}}}},
        "/cups/all": {"delete": {"responses": {"202": {"description": ""}}}},
    },
    "components": {
        "schemas": {
            "Cup": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
                    "kind": {"type": "string", "enum": ["green", "black"]},
                    "sugar": {"type": "boolean", "nullable": True},
                    "with": {"type": "array", "items": {"$ref": "#/components/schemas/Extra"}},
                    "notes": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "Extra": {"type": "object", "properties": {"name": {"type": "string"}, "weight": {"type": "number"}}},
            "Poured": {
                "allOf": [
                    {"$ref": "#/components/schemas/Cup"},
                    {
                        "type": "object",
                        "required": ["id"],
                        "properties": {
                            "id": {"type": "string"},
                            "state": {"type": "string", "enum": ["hot"], "x-extensible-enum": True},
                            "guest": {"nullable": True, "anyOf": [{"type": "string"}, {"type": "integer"}]},
                        },
                    },
                ]
            },
        }
    },
}
JSON = {"content-type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Checker:
    """Read from a file, as users do."""
    path = tmp_path_factory.mktemp("tea") / "tea.json"
    path.write_text(json.dumps(TEA), "utf-8")
    return Checker((Document.load(path),))


def request(
    body: bytes = b"", method: str = "POST", path: str = "/v7/cups", headers: dict[str, str] | None = None
) -> WireRequest:
    """A request for tea."""
    url = f"https://tea.example{path}"
    return WireRequest(endpoint="tea", moves_money=False, method=method, url=url, headers=headers or {}, content=body)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON, b'{"size":2,"kind":"green","sugar":null,"with":[{"name":"milk","weight":0.5}],"notes":{"any":"thing"}}'),
        (FORM, b"size=2&kind=green&sugar=true&with[0][name]=milk&with[0][weight]=0.5&notes[any]=thing"),
        (FORM, b"size=2&with%5B%5D%5Bname%5D=milk"),
    ],
)
def test_what_is_described_passes(checker: Checker, headers: dict[str, str], body: bytes) -> None:
    """The same cup as JSON and as a form."""
    assert checker.request_problems(request(body, headers=headers)) == []


@pytest.mark.parametrize(
    ("told", "headers", "body"),
    [
        ("required", {}, b""),
        ("'size' is a required property", JSON, b"{}"),
        ("size: 0", JSON, b'{"size":0}'),
        ("'red' is not one of", JSON, b'{"size":1,"kind":"red"}'),
        ("milk: is not described", JSON, b'{"size":1,"milk":true}'),
        ("with[0].sweet: is not described", JSON, b'{"size":1,"with":[{"sweet":1}]}'),
        ("with[0].sweet: is not described", FORM, b"size=1&with[0][sweet]=1"),
        ("size: 'two' is not of type 'integer'", FORM, b"size=two"),
        ("notes.any: 1 is not of type 'string'", JSON, b'{"size":1,"notes":{"any":1}}'),
        ("stands twice", JSON, b'{"size":1,"size":1}'),
        ("not JSON", JSON, b"{"),
        ("a body of type text/plain is not described", {"content-type": "text/plain"}, b"tea"),
    ],
)
def test_what_is_not_described_is_told(checker: Checker, told: str, headers: dict[str, str], body: bytes) -> None:
    """With the place where it stands."""
    problems = checker.request_problems(request(body, headers=headers))
    assert any(told in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("told", "query"),
    [
        (None, "shop=1"),
        (None, "shop=1&limit=5&kinds=green,black"),
        ("is greater than the maximum", "shop=1&limit=500"),
        ("'shop' is a required property", "limit=5"),
        ("'colour' was unexpected", "shop=1&colour=red"),
    ],
)
def test_parameters_are_held_against_the_document(checker: Checker, told: str | None, query: str) -> None:
    """Unknown ones are refused."""
    problems = checker.request_problems(request(method="GET", path=f"/v7/cups?{query}"))
    assert problems == [] if told is None else any(told in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("told", "status", "body"),
    [
        (None, 201, b'{"id":"1","size":1,"guest":null,"state":"an open enumeration"}'),
        (None, 404, b'{"anything":1}'),
        ("'id' is a required property", 201, b'{"size":1}'),
        ("colour: is not described", 201, b'{"id":"1","size":1,"colour":"red"}'),
        ("status 500 is not described", 500, b""),
        ("not JSON", 201, b"<html>"),
    ],
)
def test_replies_are_held_against_the_document(checker: Checker, told: str | None, status: int, body: bytes) -> None:
    """Status first, then the body."""
    problems = checker.reply_problems("POST", "/v7/cups", WireReply(status, (), body))
    assert problems == [] if told is None else any(told in problem for problem in problems), problems


def test_a_path_that_no_document_describes_is_told(checker: Checker) -> None:
    """So a new endpoint cannot slip by; a literal path goes before one with a parameter."""
    assert checker.request_problems(request(path="/v7/pots")) == ["POST /v7/pots: no document describes it"]
    assert checker.reply_problems("DELETE", "/v7/cups/all", WireReply(202, (), b"")) == []
    assert checker.reply_problems("DELETE", "/v7/cups/5", WireReply(204, (), b"")) == []
    assert checker.reply_problems("DELETE", "/v7/cups/5", WireReply(202, (), b"")) != []


@pytest.mark.parametrize("text", ["", "[]", '{"openapi":"3.0.3"}', "openapi: 3.0.3"])
def test_a_file_that_is_no_document_says_so(tmp_path: Path, text: str) -> None:
    """And what to give instead."""
    path = tmp_path / "some.json"
    path.write_text(text, "utf-8")
    with pytest.raises(MalformedDocument, match=r"some\.json"):
        Document.load(path)


@pytest.mark.parametrize("form", ["a[=1", "a=1&a=2", "a=1&a[b]=2", "a[b]=2&a=1", "&&", "a=%ff", "[]=1"])
def test_a_form_has_one_meaning_or_none(form: str) -> None:
    """Twice the same name, or a text with parts, are refused."""
    with pytest.raises(MalformedForm):
        read_form(form)


@pytest.mark.parametrize(
    ("routes", "name"),
    [
        (3, "paypal.payouts.json"),
        (5, "paypal.orders.json"),
        (7, "paypal.payments.json"),
        (14, "adyen.checkout-v71.json"),
        (29, "stripe.json"),
    ],
)
def test_the_partners_documents_are_read(routes: int, name: str) -> None:
    """Every schema that an operation names can be followed to its end."""
    document = Document.load(specs(name))
    assert len(document.routes) >= routes
    for route in document.routes:
        for schema in (
            document.request_schema(route, "application/json"),
            document.request_schema(route, "application/x-www-form-urlencoded"),
            document.reply_schema(route, 200)[1],
        ):
            if schema is not None:
                document.fields(schema)
