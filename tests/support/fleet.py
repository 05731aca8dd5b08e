"""A fleet: worker processes that serve one account on one journal and are killed at random, and others that follow.

``python -m tests.support.fleet SETTINGS LINES BETWEEN SEED [breaking]`` works until the journal's history has so many
lines, and prints what it did, as JSON. The settings are those of :mod:`tests.support.till`, and ``codes``: one payment
code for each order that there may be.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support.databases import SERVERS, Server
from tests.support.paths import order
from tests.support.till import account_of

from payport.adapters.alipay import Alipay
from payport.schemas import Money, QrScanned
from payport.sdk.errors import JournalError
from payport.sdk.gateway import Gateway
from payport.sdk.journal import Journal
from payport.sdk.operations.querying import UnknownReference
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.tls import context

WORKERS = 8
PART = Money.of("5.00", "CNY")
"""Two refunds of it are covered by a payment, three are not."""


def ref_of(number: int) -> str:
    """The order of a number."""
    return f"FLEET{number:07d}"


def act(gateway: Gateway[Alipay], dice: random.Random, codes: list[str]) -> None:
    """One thing that happens in a shop, to an order that others may be at."""
    number = dice.randrange(len(codes))
    ref = ref_of(number)
    match dice.choices(["pay", "refund", "cancel", "query", "resume", "changes"], [10, 5, 2, 2, 3, 1])[0]:
        case "pay":
            gateway.pay(order(ref), QrScanned(auth_code=codes[number]), deadline_s=1.5)
        case "refund":
            gateway.refund(ref, f"BACK{dice.randrange(3)}{ref}", PART, deadline_s=1.5)
        case "cancel":
            gateway.cancel(ref, deadline_s=1.5)
        case "query":
            gateway.query(ref, deadline_s=1.5)
        case "resume":
            gateway.resume(deadline_s=1.5)
        case _:
            gateway.acknowledge(*gateway.changes(20))


def work(adapter: Alipay, url: str, seed: int, codes: list[str]) -> None:
    """A worker's whole life; it ends with the fleet, however that ended."""
    dice, parent = random.Random(seed), os.getppid()
    while True:
        try:
            journal = Journal.open(url, sealing_key=SEALING_KEY, durability="normal", connections=2)
            break
        except JournalError:  # its connection was broken while it was new
            continue
    gateway = Gateway(adapter, journal=journal, sinks=())
    while os.getppid() == parent:
        try:
            act(gateway, dice, codes)
        except (UnknownReference, JournalError):
            continue


class Fleet:
    """Starts workers, kills them, and starts others."""

    def __init__(self, place: Path, seed: int) -> None:
        settings = json.loads(place.read_text())
        account = account_of(settings)
        assert account.trust is not None
        context(account.trust)  # built once, for all that follow
        self._adapter = Alipay(account)
        self._url: str = settings["journal"]
        self._codes: list[str] = settings["codes"]
        Journal.open(self._url).close()  # what costs time at first is there for all that follow
        self._dice = random.Random(seed)
        self._workers: list[int] = []
        self.did: Counter[str] = Counter()

    def run(self, lines: int, *, between: int, breaking: bool) -> None:
        """Let them work until so many lines are written; one dies whenever about ``between`` more were.

        ``breaking``: connections to the database break too.
        """
        self._workers = [self._start() for _ in range(WORKERS)]
        server = SERVERS["postgresql" if self._url.startswith("postgresql") else "mariadb"]
        with server.by_hand(self._url) as cursor:
            due, parent = 0.0, os.getppid()
            while os.getppid() == parent and (written := self._written(cursor)) < lines:
                time.sleep(self._dice.uniform(0, 0.02))
                if written < due:
                    continue
                due = written + self._dice.uniform(0, 2 * between)
                if breaking and self._dice.random() < 0.3:
                    self._break_a_connection(server, cursor)
                else:
                    self._end(self._workers.pop(self._dice.randrange(WORKERS)))
                    self._workers.append(self._start())
        for worker in self._workers:
            self._end(worker)

    def _written(self, cursor: Any) -> int:
        cursor.execute("SELECT count(*) FROM payport_transition")
        return int(cursor.fetchone()[0])

    def _start(self) -> int:
        seed = self._dice.randrange(2**32)
        child = os.fork()
        if child == 0:
            try:
                work(self._adapter, self._url, seed, self._codes)
            except BaseException:  # noqa: BLE001 - told to whoever reads the errors of the fleet
                traceback.print_exc()
            os._exit(3)
        self.did["started"] += 1
        return child

    def _end(self, worker: int) -> None:
        os.kill(worker, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        self.did["killed" if status == -signal.SIGKILL else "failed"] += 1

    def _break_a_connection(self, server: Server, cursor: Any) -> None:
        others = server.others(cursor)
        if others:
            server.end(cursor, self._dice.choice(others))
            self.did["broken"] += 1


def main(place: str, lines: str, between: str, seed: str, breaking: str = "") -> None:
    """Run one and tell."""
    fleet = Fleet(Path(place), int(seed))
    fleet.run(int(lines), between=int(between), breaking=bool(breaking))
    print(json.dumps(fleet.did), flush=True)  # noqa: T201 - how a child talks to its test


if __name__ == "__main__":
    main(*sys.argv[1:])
