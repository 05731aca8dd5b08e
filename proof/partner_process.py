"""A simulated partner in a process of its own, over TLS: what is measured here then is the merchant's side alone."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import signal
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from threading import Lock
from types import TracebackType
from typing import Any, Protocol, Self, cast

from payport.schemas.actions import Action
from payport.schemas.events import RawNotification
from payport.sdk.adapter import Adapter
from payport.sdk.journal.records import Operation, Transition
from payport.sdk.secrets import Secret
from payport.sdk.testing.certificates import loopback_certificates
from payport.sdk.testing.conformance.agreement import disagreements
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.simulated import SimulatedPartner
from payport.sdk.testing.watching import EveryVerb
from proof.read_once import ReadOnce
from proof.subjects import AnySubject, AnyWay, subject_named


class Served(Protocol):
    """What a simulator has besides: it can listen."""

    def serve(self, *, port: int = 0) -> object:
        """Listen on loopback."""
        ...


class _Open(pickle.Pickler):
    """Takes secrets along: they are made up, and go to a process that made them itself."""

    def reducer_override(self, value: object) -> Any:
        return (Secret, (value.reveal(),)) if isinstance(value, Secret) else NotImplemented


def _packed(value: object) -> bytes:
    buffer = io.BytesIO()
    _Open(buffer).dump(value)
    return buffer.getvalue()


@dataclass
class Account:
    """All of a simulator that the merchant's side needs. ``account``: as the simulator's own."""

    account: object


DebtsBook = tuple[str, Sequence[Operation], Sequence[Transition]]
"""One debt in the journal: its reference, its operations, its history."""


class PartnerProcess:
    """One partner. Safe between threads. ``later``: by how much its clock is ahead, moved by :meth:`pass_by`."""

    def __init__(self, name: str) -> None:
        self.subject: AnySubject = subject_named(name)
        loopback_certificates()  # made here, so that both sides have the same authority
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._lock = Lock()
        self._process = context.Process(target=_serve, args=(name, theirs), name=f"partner {name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()
        self.account = Account(self._ask("account"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join(10)
        self._pipe.close()

    def adapter(self) -> EveryVerb:
        """An adapter for its account."""
        adapter: Adapter = self.subject.adapter(cast("SimulatedPartner", self.account))
        return cast("EveryVerb", adapter)

    def method(self, way: AnyWay) -> object:
        """A fresh method of a way."""
        return self._ask("method", list(self.subject.ways).index(way))

    def pays(self, way: AnyWay, action: Action) -> Mapping[str, str] | None:
        """The payer opens what was handed out and pays; what the browser brings along when ``complete`` must follow."""
        return cast("Mapping[str, str] | None", self._ask("pays", list(self.subject.ways).index(way), action))

    def told(self, first: int) -> Sequence[RawNotification]:
        """Its notices from this one on."""
        return cast("Sequence[RawNotification]", self._ask("told", first))

    def misbehave(self, probability: float, seed: int, faults: Sequence[Fault]) -> None:
        """From now on each request meets one of these faults, all of them together with this probability."""
        self._ask("misbehave", probability / len(faults), seed, list(faults))

    def calm(self) -> None:
        """No faults any more, and everything that was accepted is finished."""
        self._ask("calm")

    def pass_by(self, seconds: float) -> None:
        """Its clock goes on by so much more than the world's."""
        self._ask("pass_by", seconds)

    def wrong_with(self, debts: Sequence[DebtsBook]) -> Sequence[str]:
        """What does not add up between its books and the journal's about these debts."""
        return cast("Sequence[str]", self._ask("wrong_with", debts))

    def net_minor(self, refs: Sequence[str]) -> Sequence[int]:
        """For each debt what it took minus what it gave back, in minor units of its one currency here."""
        return cast("Sequence[int]", self._ask("net_minor", refs))

    def _ask(self, what: str, *arguments: object) -> object:
        with self._lock:
            self._pipe.send((what, arguments))
            return pickle.loads(self._pipe.recv_bytes())


def _serve(name: str, pipe: Connection) -> None:
    """The child: serve, and answer what the parent asks, until it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    subject, ahead = subject_named(name), [0.0]
    partner = subject.simulator(lambda: datetime.now(UTC) + timedelta(seconds=ahead[0]))
    cast("Served", partner).serve()

    def misbehave(probability: float, seed: int, faults: list[Fault]) -> None:
        for turn, fault in enumerate(faults):
            partner.faults.chance(fault, probability, seed=seed * 100 + turn)

    def calm() -> None:
        partner.faults.clear()
        partner.process()

    def pass_by(seconds: float) -> None:
        ahead[0] += seconds

    def wrong_with(debts: Sequence[DebtsBook]) -> list[str]:
        arrived = frozenset[str]() if subject.payout is None else subject.payout.done
        ledger = ReadOnce(partner.ledger)
        return [line for debt in debts for line in disagreements(*debt, ledger, arrived=arrived)]

    def net_minor(refs: Sequence[str]) -> list[int]:
        ledger = ReadOnce(partner.ledger)
        return [
            sum(row.amount.amount_minor for row in ledger.charges(starting_with=ref))
            - sum(row.amount.amount_minor for row in ledger.refunds(starting_with=ref))
            for ref in refs
        ]

    def pays(index: int, action: Action) -> Mapping[str, str] | None:
        comes_back, opened = subject.ways[index].comes_back, partner.payer.open(action)
        return None if comes_back is None else comes_back(partner, opened)

    answers: dict[str, Callable[..., object]] = {
        "account": lambda: partner.account,
        "method": lambda index: subject.ways[index].method(partner),
        "pays": pays,
        "told": lambda first: list(partner.notices[first:]),
        "misbehave": misbehave,
        "calm": calm,
        "pass_by": pass_by,
        "wrong_with": wrong_with,
        "net_minor": net_minor,
    }
    while True:
        try:
            what, arguments = pipe.recv()
        except EOFError:
            os._exit(0)
        pipe.send_bytes(_packed(answers[what](*arguments)))
