"""Field classes: how freely a value may travel. They drive masking, sealing and retention."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any, ClassVar, Protocol


class FieldClass(Enum):
    """From the freest to the strictest."""

    PUBLIC = "public"
    """May be shown to anybody: a currency, a status."""
    INTERNAL = "internal"
    """Business data of the merchant: references, amounts, partner numbers. Logged as it is."""
    PERSONAL = "personal"
    """Tells something of a person: name, IP address, e-mail, account. Masked in logs and audit records."""
    SECRET = "secret"  # noqa: S105 - the name of a class, not a password
    """Lets its holder act: keys, tokens, payment codes. Never logged, never stored in the clear."""


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


_KEY = "payport.class"

PUBLIC = {_KEY: FieldClass.PUBLIC}
INTERNAL = {_KEY: FieldClass.INTERNAL}
PERSONAL = {_KEY: FieldClass.PERSONAL}
SECRET = {_KEY: FieldClass.SECRET}


def field_classes(value: _Dataclass | type[_Dataclass]) -> dict[str, FieldClass]:
    """The class of each field of a schema, by field name; ``INTERNAL`` where none was stated."""
    return {item.name: item.metadata.get(_KEY, FieldClass.INTERNAL) for item in fields(value)}


def masked(value: _Dataclass) -> dict[str, object]:
    """The fields of a schema as they may be logged: personal and secret ones replaced by ``"***"`` when set."""
    hidden = (FieldClass.PERSONAL, FieldClass.SECRET)
    classes = field_classes(value)
    return {
        name: ("***" if classes[name] in hidden and getattr(value, name) else getattr(value, name)) for name in classes
    }
