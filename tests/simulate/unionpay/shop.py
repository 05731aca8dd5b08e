"""A shop that sells through a simulated UnionPay: one journal, any number of workers, and time that is moved."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl

from tests.contract.checker import Wiretap

from payport.adapters.unionpay import UnionPay, UnionPayAccount
from payport.adapters.unionpay.simulator import UnionPaySimulator, Wallet
from payport.schemas import ActionRequired, Money, Order, QrScanned
from payport.schemas.actions import Action
from payport.schemas.order import CaptureMode
from payport.sdk import Gateway
from payport.sdk.events import SdkEvent
from payport.sdk.hosting import Admission
from payport.sdk.journal.records import Operation, Verb
from payport.sdk.journal.store import Journal
from payport.sdk.retry import RetryPolicy
from payport.sdk.secrets import Secret
from payport.sdk.testing.stepping import Time, WorkerClock

REF = "SHOP10010001"
AMOUNT = Money.of("12.34", "CNY")
ORDER = Order(ref=REF, amount=AMOUNT, subject="Tea 茶")
HOLD = replace(ORDER, capture=CaptureMode.MANUAL)
SEALING_KEY = Secret(base64.b64encode(bytes(range(32))).decode())


def beijing(text: str) -> datetime:
    """A time of November 2026 as a clock in Beijing shows it: ``"23T22:59:50"``."""
    return datetime.fromisoformat(f"2026-11-{text}+08:00")


@dataclass
class Shop:
    """Everything of one test."""

    folder: Path
    partner: UnionPaySimulator = field(default_factory=UnionPaySimulator)
    time: Time = field(default_factory=Time)
    events: list[SdkEvent] = field(default_factory=list[SdkEvent])
    _names: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.partner.clock = self.time
        self.partner._service.clock = self.time
        self.place = self.folder / "payments.db"
        self.journal = Journal.open(f"sqlite:///{self.place}", sealing_key=SEALING_KEY, durability="normal")
        self.tap = Wiretap(self.partner.transport())
        self.gateway = self.worker()

    def worker(
        self, account: UnionPayAccount | None = None, *, admissions: Sequence[Admission] = ()
    ) -> Gateway[UnionPay]:
        """A gateway of another process."""
        return Gateway(
            UnionPay(account or self.partner.account),
            journal=self.journal,
            transport=self.tap,
            sinks=(self.events.append,),
            retry=RetryPolicy(base_s=0.0, cap_s=0.0),
            admissions=admissions,
            clock=WorkerClock(self.time, f"worker-{next(self._names)}"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()
        self.partner.close()

    def code(self, wallet: Wallet = Wallet.PAYS) -> QrScanned:
        """A fresh code on the payer's phone."""
        return QrScanned(auth_code=self.partner.payer.code(wallet))

    def sell(self, order: Order = ORDER) -> None:
        """An order that is paid, and the journal knows it."""
        self.gateway.pay(order, self.code(), deadline_s=1.0)
        self.gateway.query(order.ref)

    def later(self, seconds: float) -> None:
        """Time passes, and ``resume`` runs."""
        self.time.pass_by(seconds)
        self.forget_leases()
        self.gateway.resume()

    def at(self, moment: datetime) -> None:
        """It is that time now."""
        self.time.at = moment

    def forget_leases(self) -> None:
        """As if the process that held them had stopped long ago."""
        with closing(sqlite3.connect(self.place, timeout=10)) as connection, connection:
            connection.execute("UPDATE payport_operation SET lease_owner = NULL, lease_until = NULL")

    def operations(self, verb: Verb = Verb.PAY, ref: str = REF) -> list[Operation]:
        """What the journal holds of an order."""
        found: Sequence[Operation] = self.journal.read(lambda session: session.operations(ref))
        return [operation for operation in found if operation.verb is verb]

    def sent(self, kind: str) -> list[dict[str, str]]:
        """The requests of one ``txnType/txnSubType`` that left, as UnionPay reads them."""
        return [
            dict(parse_qsl(request.content.decode("ascii")))
            for request, _ in self.tap.heard
            if request.endpoint.endswith(kind)
        ]


def action_of(outcome: object) -> Action:
    """What the payer is to be shown."""
    assert isinstance(outcome, ActionRequired), outcome
    return outcome.action


def minutes(number: float) -> float:
    """In seconds."""
    return timedelta(minutes=number).total_seconds()
