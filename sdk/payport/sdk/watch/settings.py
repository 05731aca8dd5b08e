"""``[watch]``: the rules on abnormal transactions that are in force, a table each. Without one none is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from payport.sdk.settings import AccountTable
    from payport.sdk.watch.rules import Rule


def _no_rules() -> Mapping[str, AccountTable]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """``payer_key``: the key under which payers are digested; without one rules about payers find nothing.

    ``tables``: the thresholds of each rule that is in force, by the rule's name.
    """

    payer_key: Secret | None = None
    tables: Mapping[str, AccountTable] = field(default_factory=_no_rules)

    def rules(self) -> tuple[Rule, ...]:
        """The rules. Raises :class:`payport.sdk.ConfigurationError` for what cannot work, naming table and key."""
        return tuple(_rule(name, table) for name, table in sorted(self.tables.items()))


def _rule(name: str, table: AccountTable) -> Rule:
    from payport.sdk.watch.rules import RULES  # noqa: PLC0415 - with the first gateway only

    make = RULES.get(name)
    if make is None:
        raise ConfigurationError(f"[watch.{name}]: no such rule; there are {', '.join(sorted(RULES))}")
    # the thresholds are those that the rule takes, and nothing is said twice
    wanted = inspect.signature(make, eval_str=True).parameters
    table.only(*wanted)
    values: dict[str, object] = {}
    for key, parameter in wanted.items():
        if key not in table:
            if parameter.default is inspect.Parameter.empty:
                raise ConfigurationError(f"[watch.{name}] {key}: missing; give {_words(parameter.annotation)}")
            continue
        values[key] = _value(table, key, parameter.annotation)
    try:
        return make(**values)
    except ConfigurationError as error:
        raise ConfigurationError(f"[watch.{name}]: {error}") from None


def _value(table: AccountTable, key: str, kind: object) -> object:
    if kind is bool:
        return table.flag(key)
    if kind is str:
        return table.text(key)
    number = table.number(key, 0.0)
    return int(number) if kind is int else number


def _words(kind: object) -> str:
    return "a text in quotes" if kind is str else "a number"
