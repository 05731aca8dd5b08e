"""No secret comes out: not in an event, an outcome, an adapter, a journal's rows, or the bytes of its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import cast

from payport.schemas.classes import SECRET
from payport.sdk.secrets import Secret
from payport.sdk.testing.conformance.subject import PartnerT
from payport.sdk.testing.conformance.world import World

_SHORTEST = 8
"""A shorter text would be found by chance."""
_SECRET = SECRET["payport.class"]


def secrets_in(value: object, *, depth: int = 6) -> Iterator[str]:
    """Every secret text in a value: of :class:`payport.sdk.Secret`, and of fields that are marked as secret.

    Of a text of many lines (a key as PEM) the longest one.
    """
    if isinstance(value, Secret):
        yield from _text(value.reveal())
    elif depth and is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            inner = getattr(value, item.name, None)
            if item.metadata.get("payport.class") is _SECRET and isinstance(inner, str):
                yield from _text(inner)
            yield from secrets_in(inner, depth=depth - 1)
    elif depth and isinstance(value, Mapping | list | tuple):
        several = cast("Mapping[object, object] | Sequence[object]", value)
        for inner in several.values() if isinstance(several, Mapping) else several:
            yield from secrets_in(inner, depth=depth - 1)


def _text(secret: str) -> Iterator[str]:
    longest = max(secret.splitlines() or [""], key=len)
    if len(longest) >= _SHORTEST:
        yield longest


def leaks(world: World[PartnerT]) -> list[str]:
    """Where a secret of the account or of a method can be read in what came out so far."""
    secrets = {*secrets_in(world.partner.account), *(text for method in world.methods for text in secrets_in(method))}
    shown = {
        **{f"event {event.name}": repr(event) for event in world.events},
        **{f"what the caller was told: {type(told).__name__}": repr(told) for told in world.told},
        "the adapter": f"{world.bare!r} {world.bare}",
        **{f"row {ref}": repr([*world.operations(ref), *world.history(ref)]) for ref in world.refs},
        **{f"file {place.name}": place.read_bytes().decode("latin-1") for place in world.folder.glob("payments.db*")},
    }
    return [f"a secret can be read in {where}" for where, text in shown.items() if any(one in text for one in secrets)]
