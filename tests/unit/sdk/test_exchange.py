"""Overhearing an exchange changes nothing about it."""

from __future__ import annotations

import pytest

from payport.sdk import exchange
from payport.sdk.exchange import Effect, Exchange, Now, Sleep


class Host:
    """Answers with the kind of the effect; a sleep fails."""

    def perform(self, effect: Effect) -> object:
        """The name of it."""
        if isinstance(effect, Sleep):
            raise ValueError("no sleep")  # noqa: TRY004 - as good as any
        return type(effect).__name__


def talk(closed: list[bool]) -> Exchange[list[str]]:
    """Goes on after an error, and tells when it is closed."""
    try:
        said = [str((yield from exchange.now()))]
        try:
            yield from exchange.sleep(1)
        except ValueError as error:
            said.append(str(error))
        said.append((yield from exchange.nonce()))
        return said
    finally:
        closed.append(True)


def test_what_is_overheard_is_the_same_exchange() -> None:
    """Answers and errors reach it as ever; every effect that was answered is heard."""
    heard: list[tuple[str, object]] = []
    closed: list[bool] = []

    def hear(effect: Effect, answer: object) -> None:
        heard.append((type(effect).__name__, answer))

    assert exchange.drive(exchange.overheard(talk(closed), hear), Host()) == ["Now", "no sleep", "Nonce"]
    assert heard == [("Now", "Now"), ("Nonce", "Nonce")]
    assert closed == [True]


def test_an_overheard_exchange_is_closed_with_its_hearer() -> None:
    """A process that stops in the middle leaves nothing running."""
    closed: list[bool] = []
    talking = exchange.overheard(talk(closed), lambda effect, answer: None)
    assert isinstance(next(talking), Now)
    talking.close()
    assert closed == [True]


def test_an_error_that_the_exchange_does_not_take_goes_through() -> None:
    """As it would without anybody listening."""

    def body() -> Exchange[None]:
        yield from exchange.sleep(1)

    with pytest.raises(ValueError, match="no sleep"):
        exchange.drive(exchange.overheard(body(), lambda effect, answer: None), Host())
