"""Time that tests move, and calls that they step, one effect at a time, so that every place of a crash is visited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Generic, TypeVar

from payport.sdk.exchange import Effect, Exchange, Moment
from payport.sdk.hosting import SyncHost

T_co = TypeVar("T_co", covariant=True)

MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""When every test begins: a Monday, nine o'clock in China."""


class Time:
    """The one time of a test. It stands still until it is moved. Called, it gives itself: a simulator's ``clock``."""

    def __init__(self) -> None:
        self.at = MORNING

    def __call__(self) -> datetime:
        """Now."""
        return self.at

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=max(0.0, seconds))


class WorkerClock:
    """The clock of one worker: the test's time, an own name, nonces that are the same on every run."""

    def __init__(self, time: Time, name: str) -> None:
        self._time = time
        self._name = name
        self._turn = count(1)

    def moment(self) -> Moment:
        """The test's time, as wall time and as seconds since morning."""
        return Moment(self._time.at, (self._time.at - MORNING).total_seconds())

    def sleep(self, seconds: float) -> None:
        """Nobody waits: time passes."""
        self._time.pass_by(seconds)

    def nonce(self) -> str:
        """The next value of this worker."""
        return sha256(f"{self._name}/{next(self._turn)}".encode()).hexdigest()[:32]

    def owner(self) -> str:
        """The worker's name."""
        return self._name


class Run(Generic[T_co]):
    """One call of a gateway, one effect at a time. Let go of it to crash."""

    def __init__(self, exchange: Exchange[T_co], host: SyncHost, name: str = "") -> None:
        self.name = name
        self.host = host
        self.effects: list[str] = []
        """What was done so far, by the effects' names."""
        self.error: Exception | None = None
        self._exchange = exchange
        self._result: list[T_co] = []
        self._effect: Effect | None = None
        self._go_on(lambda: next(exchange))

    @property
    def over(self) -> bool:
        """Whether it returned or raised."""
        return self._effect is None

    @property
    def result(self) -> T_co:
        """What it returned. Raises what it raised."""
        if self.error is not None:
            raise self.error
        return self._result[0]

    @property
    def next_effect(self) -> Effect | None:
        """What it asks for now."""
        return self._effect

    def step(self) -> None:
        """Perform one effect and let the operation go on to the next."""
        effect = self._effect
        assert effect is not None, "it is over"
        self.effects.append(type(effect).__name__)
        try:
            answer = self.host.perform(effect)
        except Exception as error:  # noqa: BLE001 - handed to the operation, as the drivers do
            thrown = error
            self._go_on(lambda: self._exchange.throw(thrown))
        else:
            self._go_on(lambda: self._exchange.send(answer))

    def finish(self) -> T_co:
        """Step to the end."""
        while not self.over:
            self.step()
        return self.result

    def crash(self) -> None:
        """The process is gone."""
        self._effect = None

    def _go_on(self, step: Callable[[], Effect]) -> None:
        try:
            self._effect = step()
        except StopIteration as end:
            self._effect = None
            self._result.append(end.value)
        except Exception as error:  # noqa: BLE001 - kept for whoever asks for the result
            self._effect = None
            self.error = error
