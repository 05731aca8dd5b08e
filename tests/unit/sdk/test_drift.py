"""What a newer document changes for an adapter: each kind of change on a document of our own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from payport.sdk.drift import Difference, Use, Weight, differences, fields_in
from payport.sdk.openapi import Document

ORDER: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Tea", "version": "1"},
    "paths": {
        "/orders": {
            "post": {
                "parameters": [{"name": "expand", "in": "query", "schema": {"type": "string"}}],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["amount"],
                                "properties": {
                                    "amount": {"type": "integer"},
                                    "lines": {
                                        "type": "array",
                                        "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                                    },
                                    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                                },
                            }
                        }
                    }
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {
                                        "id": {"type": "string"},
                                        "fee": {"type": "number"},
                                        "status": {"type": ["string", "null"], "enum": ["open", "paid", None]},
                                    },
                                }
                            }
                        }
                    }
                },
            }
        }
    },
}
USE = Use(
    route="POST /orders",
    sends={
        "amount": "integer",
        "expand": "string",
        "lines": "array",
        "lines[].name": "string",
        "metadata.order": "string",
    },
    reads={"id": "string", "status": "string", "fee": "integer"},
    values={"status": frozenset({"open", "paid"})},
)
Edit = Callable[[dict[str, Any]], object]


def found(edit: Edit, tmp_path: Path) -> list[Difference]:
    """The differences after an edit of the document."""
    document = copy.deepcopy(ORDER)
    edit(document)
    path = tmp_path / "tea.json"
    path.write_text(json.dumps(document), "utf-8")
    return differences([Document.load(path)], [USE])


def body(document: dict[str, Any]) -> dict[str, Any]:
    """The schema of the request."""
    content = document["paths"]["/orders"]["post"]["requestBody"]["content"]
    schema: dict[str, Any] = content["application/json"]["schema"]
    return schema


def sent(document: dict[str, Any]) -> dict[str, Any]:
    """The properties of the request."""
    properties: dict[str, Any] = body(document)["properties"]
    return properties


def asked(document: dict[str, Any]) -> list[Any]:
    """The parameters."""
    parameters: list[Any] = document["paths"]["/orders"]["post"]["parameters"]
    return parameters


def reply(document: dict[str, Any]) -> dict[str, Any]:
    """The properties of the reply."""
    content = document["paths"]["/orders"]["post"]["responses"]["200"]["content"]
    properties: dict[str, Any] = content["application/json"]["schema"]["properties"]
    return properties


def test_the_same_document_changes_nothing(tmp_path: Path) -> None:
    """An integer is a number; a value of null is no value."""
    assert found(lambda document: None, tmp_path) == []


@pytest.mark.parametrize(
    ("weight", "text", "edit"),
    [
        (Weight.BREAKS, "is not in the document", lambda d: d["paths"].pop("/orders")),
        (Weight.BREAKS, "amount, which is sent, is not described", lambda d: sent(d).pop("amount")),
        (Weight.BREAKS, "amount, which is sent, was integer", lambda d: sent(d).update(amount={"type": "string"})),
        (Weight.BREAKS, "lines[].name, which is sent, is not", lambda d: sent(d)["lines"]["items"].clear()),
        (Weight.BREAKS, "currency is required now", lambda d: body(d)["required"].append("currency")),
        (Weight.BREAKS, "expand, which is sent, is not", lambda d: asked(d).clear()),
        (Weight.BREAKS, "id, which is read, is not described", lambda d: reply(d).pop("id")),
        (Weight.BREAKS, "id, which is read, was string", lambda d: reply(d).update(id={"type": "integer"})),
        (Weight.DOUBTS, "status may be 'lost'", lambda d: reply(d)["status"]["enum"].append("lost")),
    ],
)
def test_each_change_is_told_with_its_weight(weight: Weight, text: str, edit: Edit, tmp_path: Path) -> None:
    """What breaks, and what would be doubted."""
    told = found(edit, tmp_path)
    assert any(each.weight is weight and text in each.text for each in told), told


def test_the_fields_of_a_message_are_named_with_their_types() -> None:
    """As a use lists them."""
    message = {"a": 1, "b": [{"c": "x"}, {"d": True}], "e": {"f": None, "g": 0.5}, "h": []}
    assert fields_in(message) == {
        "a": "integer",
        "b": "array",
        "b[]": "object",
        "b[].c": "string",
        "b[].d": "boolean",
        "e": "object",
        "e.f": "null",
        "e.g": "number",
        "h": "array",
    }
