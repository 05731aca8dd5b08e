"""A gateway that was given something else than it takes is not built, and says what it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.corner import SILENCE, Corner, Wink, gateway, order

from payport.schemas import NotSent, NotSentKind
from payport.sdk import AsyncGateway, ConfigurationError, Gateway, Journal, PayportError, Secret, UnknownReference
from payport.sdk.testing.stepping import Time

URL = "sqlite:///:memory:?durable=no"
KEY = "k" * 43 + "="


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"adapter": object()}, "adapter must be an adapter, such as .*; got object"),
        ({"adapter": Corner}, "adapter must be an adapter, such as .*; got the class Corner"),
        ({"journal": Path("payments.db")}, r"journal must be a URL such as sqlite:///payments\.db, or an open Journal"),
        ({"sealing_key": KEY}, "sealing_key must be a Secret, or several; got str"),
        ({"sealing_key": [KEY]}, "sealing_key must be a Secret, or several; got list"),
        ({"sinks": ["log"]}, "sinks must be a sequence of functions"),
        ({"sinks": print}, "sinks must be a sequence of functions"),
        ({"retry": 3}, "retry must be a RetryPolicy; got int"),
        *(({"deadline_s": wrong}, "deadline_s must be a number of sec") for wrong in ("5", 0, -1, float("inf"), None)),
    ],
)
@pytest.mark.parametrize("kind", [Gateway, AsyncGateway])
def test_a_value_of_another_type_is_named(kind: Any, changed: dict[str, object], says: str) -> None:
    """Where the gateway is built, not with the first payment, and without showing a key."""
    given: dict[str, object] = {"adapter": Corner(), "journal": URL, **changed}
    with pytest.raises(ConfigurationError, match=says) as refused:
        kind(given.pop("adapter"), **given)
    assert KEY not in str(refused.value)


def test_a_key_beside_an_open_journal_is_refused(journal: Journal) -> None:
    """It would seal nothing there: what was sent could not be sent again, and nobody would know."""
    with pytest.raises(ConfigurationError, match=r"is open already: give the sealing_key to Journal\.open"):
        Gateway(Corner(), journal=journal, sealing_key=Secret(KEY))


def test_a_method_without_its_parentheses_is_named(journal: Journal, time: Time) -> None:
    """Nothing is sent, and the words say what to write."""
    till: Any = gateway(Corner(), journal, time)
    told = till.pay(order(), Wink)
    assert isinstance(told, NotSent)
    assert (told.cause.kind, told.cause.detail) == (NotSentKind.INVALID, "Wink is a class: write Wink()")
    assert journal.read(lambda session: till._desk.prepare_in(session, Corner(), order(), Wink)) == told


def test_an_unknown_reference_is_one_of_our_errors(journal: Journal, time: Time) -> None:
    """Who catches the root of them catches it too; it stays a LookupError."""
    with pytest.raises(UnknownReference) as unknown:
        gateway(Corner(), journal, time).query("CORNER000009")
    assert isinstance(unknown.value, PayportError)
    assert isinstance(unknown.value, LookupError)


@pytest.mark.parametrize("seconds", [float("inf"), float("nan")])
def test_a_call_has_an_end(journal: Journal, time: Time, seconds: float) -> None:
    """What holds the right to send for ever is refused in words, before anything."""
    corner = Corner(says=[SILENCE] * 3, steps=("confirm",))
    till = gateway(corner, journal, time)
    with pytest.raises(ValueError, match="deadline_s must be seconds, at most"):
        till.pay(order(), Wink(), deadline_s=seconds)
    assert journal.read(lambda session: session.operations("CORNER000001")) == []
    till.pay(order(), Wink())
    with pytest.raises(ValueError, match="timeout_s must be seconds, at most"):
        till.wait("CORNER000001", seconds)
