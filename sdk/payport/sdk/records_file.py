"""Reads partner records from a file of their own, TOML or JSON, with the same tables as in ``payport.toml``."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from payport.sdk.errors import ConfigurationError
from payport.sdk.partner_records import Agreement, Contact, Paper, PartnerRecord


def names(table: type[PartnerRecord | Paper | Contact]) -> tuple[str, ...]:
    """The keys of a table."""
    return tuple(item.name for item in fields(table))


KNOWN: Mapping[tuple[str, ...], Iterable[str]] = {
    (): names(PartnerRecord),
    ("licence",): names(Paper),
    ("agreement",): names(Agreement),
    ("security",): names(Paper),
    ("contacts", "*"): names(Contact),
}
"""What there is below ``[partner.NAME]``."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    partner: dict[str, PartnerRecord]


def read_records(path: Path) -> Mapping[str, PartnerRecord]:
    """The records in a file, ``.json`` or else TOML, by the partners' names.

    Raises :class:`payport.sdk.ConfigurationError`, which names the file and everything that is wrong in it.
    """
    try:
        text = path.read_text("utf-8")
        content: object = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of TOML, of JSON and of UTF-8; of brackets without end
        raise ConfigurationError(f"{path}: this is not {_form(path)}: {error}") from error
    try:
        return _File.model_validate(content).partner
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        lines = [f"{path}: {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found]
    # raised here, where nothing that was read is at hand: a chained error would carry persons along
    raise ConfigurationError("\n".join(lines))


def _form(path: Path) -> str:
    return "JSON" if path.suffix.lower() == ".json" else "TOML"
