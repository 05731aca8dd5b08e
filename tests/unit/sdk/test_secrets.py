"""A secret shows itself to nobody but who asks for it by name."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import pytest
from tests.support.canaries import Watch

from payport.sdk.errors import ConfigurationError
from payport.sdk.secrets import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """What an adapter's account looks like."""

    app_id: str
    private_key: Secret = field(default=Secret("replaced"))


SHOWN: dict[str, Callable[[Secret], object]] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret}",
    "format with a width": lambda secret: f"{secret:>40.3}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - as old code does it
    "in a tuple": lambda secret: repr((secret,)),
    "in an account": lambda secret: repr(Account("2021", secret)),
    "dir": lambda secret: repr(dir(secret)),
}

REFUSED: dict[str, Callable[[Secret], object]] = {
    "pickle": pickle.dumps,
    "pickle of an account": lambda secret: pickle.dumps(Account("2021", secret)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "asdict": lambda secret: asdict(Account("2021", secret)),
    "json": json.dumps,
    "vars": vars,
    "state": lambda secret: secret.__getstate__(),
    "iterate": lambda secret: [*secret],  # type: ignore[misc]  # it must not be text
    "contain": lambda secret: "k" in secret,  # type: ignore[operator]  # nor be searched
    "order": lambda secret: sorted([secret, secret]),  # type: ignore[type-var]  # order tells the value bit by bit
    "change": lambda secret: setattr(secret, "_value", "other"),
    "delete": lambda secret: delattr(secret, "_value"),
}


@pytest.mark.parametrize("way", SHOWN)
def test_whatever_shows_a_secret_shows_a_mask(way: str, canaries: Watch) -> None:
    """Logs, tracebacks and debuggers use these."""
    canaries.look_at(SHOWN[way](Secret(canaries["private_key"])))


@pytest.mark.parametrize("way", REFUSED)
def test_what_would_carry_the_value_away_is_refused(way: str, canaries: Watch) -> None:
    """Pickles, copies and JSON end in caches, queues and files."""
    with pytest.raises((TypeError, AttributeError)) as refused:
        REFUSED[way](Secret(canaries["private_key"]))
    canaries.look_at(refused.value)


def test_the_value_is_had_by_name_only() -> None:
    """Who signs asks for it."""
    assert Secret("k3y").reveal() == "k3y"


def test_secrets_are_equal_by_value_and_never_to_text() -> None:
    """So that accounts can be compared and used as keys, and a forgotten ``reveal`` does not pass for equal."""
    assert Secret("k3y") == Secret("k3y")
    assert Secret("k3y") != Secret("other")
    assert Secret("schlüssel") == Secret("schlüssel")
    assert Secret("k3y") != "k3y"
    assert len({Account("2021", Secret("k3y")), Account("2021", Secret("k3y"))}) == 1


@pytest.mark.parametrize("value", ["", "  \n", b"bytes", None, 7])
def test_what_cannot_be_a_secret_is_refused_at_once(value: object) -> None:
    """An empty or undecoded secret would otherwise fail far away, as a bad signature."""
    with pytest.raises(ConfigurationError, match=r"secret (is empty|must be text)"):
        Secret(value)  # type: ignore[arg-type]  # what callers without a type checker do
