"""``payport drift``: what a newer document of a partner changes for the fields that its adapter uses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from payport.sdk.cli.partners import uses_of
from payport.sdk.drift import Difference, Weight, differences
from payport.sdk.errors import ConfigurationError
from payport.sdk.openapi import Document, MalformedDocument

_STYLES = {Weight.BREAKS: "red", Weight.DOUBTS: "yellow"}


def show_drift(console: Console, partner: str, files: Sequence[Path]) -> bool:
    """Tell every difference; whether nothing breaks. Raises :class:`payport.sdk.ConfigurationError`."""
    documents = [_load(path) for path in files]
    found = differences(documents, uses_of(partner))
    for document, path in zip(documents, files, strict=True):
        console.print(f"{path.name}: version {document.version or 'not said'}", highlight=False, markup=False)
    for each in found:
        _show(console, each)
    if not found:
        console.print(f"Nothing that the adapter for {partner} uses is described otherwise.", style="green")
    return not any(each.weight is Weight.BREAKS for each in found)


def _show(console: Console, each: Difference) -> None:
    line = f"{each.weight.value}: {each.route}: {each.text}"
    console.print(line, style=_STYLES[each.weight], highlight=False, markup=False, soft_wrap=True)


def _load(path: Path) -> Document:
    try:
        return Document.load(path)
    except (MalformedDocument, OSError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
