"""Form bodies (``application/x-www-form-urlencoded``) as the values that a schema describes.

Nested names are in the style ``deepObject`` as partners write it: ``items[0][price]=5`` and ``metadata[order]=1``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl

from payport.sdk.openapi import Document, Node, as_node, types_of

_ANY: Node = {}
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")


class MalformedForm(ValueError):
    """The text is not a form of nested names."""


def read_form(body: str) -> dict[str, object]:
    """Names and texts, nested. Raises :class:`MalformedForm`, for a name that stands twice too."""
    root: dict[str, object] = {}
    try:
        pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body), errors="strict")
    except ValueError:
        raise MalformedForm("not a form") from None
    for name, text in pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise MalformedForm(f"{name}: brackets do not match")
        parts = [match[1], *_PART.findall(match[2])]
        at = root
        for part in parts[:-1]:
            inner = at.setdefault(part or str(len(at)), {})
            if not isinstance(inner, dict):
                raise MalformedForm(f"{name} is a text and has parts")
            at = cast("dict[str, object]", inner)
        last = parts[-1] or str(len(at))
        if last in at:
            raise MalformedForm(f"{name} stands twice")
        at[last] = text
    return root


def shaped(document: Document, schema: Node, value: object) -> object:
    """The value that the texts of a form stand for, as far as the schema tells: numbers, booleans, lists.

    What fits no shape is left as it is: the schema then says what is wrong with it.
    """
    shapes = list(document.branches(schema))
    if isinstance(value, dict):
        return _shaped_parts(document, schema, shapes, cast("Mapping[str, object]", value))
    kinds = {kind for shape in shapes for kind in types_of(shape)}
    text = str(value)
    if "integer" in kinds and _WHOLE.fullmatch(text):
        return int(text)
    if "number" in kinds and _DECIMAL.fullmatch(text):
        return float(text)
    if "boolean" in kinds and text in ("true", "false"):
        return text == "true"
    return text


def _shaped_parts(document: Document, schema: Node, shapes: list[Node], parts: Mapping[str, object]) -> object:
    items = next((as_node(shape["items"]) for shape in shapes if "items" in shape), None)
    if items is not None and sorted(parts) == sorted(str(index) for index in range(len(parts))):
        return [shaped(document, items, parts[str(index)]) for index in range(len(parts))]
    fields = document.fields(schema)
    rest = next((as_node(shape["additionalProperties"]) for shape in shapes if "additionalProperties" in shape), _ANY)
    return {
        name: shaped(document, {"anyOf": list(fields[name])} if name in fields else rest, inner)
        for name, inner in parts.items()
    }
