"""T3: ``kill -9`` for real. A forked process dies before a statement of the journal, or at any moment; a fresh one dies
in the middle of a payment. What was acknowledged is there, nothing is half there, and another process goes on.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.support.journal_records import NOW, exit_status, in_child, intend, sealing_key
from tests.support.paths import order
from tests.support.till import forget_leases, open_till, write_settings

from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import QrScanned
from payport.sdk.journal import Journal
from payport.sdk.journal.driver import Cursor
from payport.sdk.journal.engine import Link
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.conformance.agreement import disagreements
from proof.family import Family, Tally, each
from proof.stores import Store, shares, units

ROOT = Path(__file__).resolve().parent.parent
FORKS = 2_000
FRESH = 60
"""On SQLite; on the others by their share of it."""


def pay(journal: Journal, ref: str, told: Callable[[str], None]) -> None:
    """One payment's writes; ``told`` hears of each as soon as the journal has acknowledged it."""
    intended = journal.write(intend(ref))
    told(f"{ref} 0")
    pending = journal.write(
        lambda session: session.save(replace(intended, state=State.PENDING), source="reply", detail={}, now=NOW)
    )
    told(f"{ref} 1")
    journal.write(
        lambda session: session.save(replace(pending, state=State.SUCCEEDED), source="notice", detail={}, now=NOW)
    )
    told(f"{ref} 2")


class Counted:
    """A cursor that counts statements, and kills its process before the one of this number."""

    def __init__(self, cursor: Cursor, left: Iterator[int]) -> None:
        self._cursor = cursor
        self._left = left

    def __getattr__(self, name: str) -> object:
        found: Callable[..., object] = getattr(self._cursor, name)
        return partial(self._counting, found) if name.startswith("execute") else found

    def _counting(self, execute: Callable[..., object], *arguments: object) -> object:
        if next(self._left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*arguments)


def killed_at(statement: int, journal: Journal, ref: str, told: int) -> None:
    """Pay, and die just before the statement of this number."""
    count_on(iter(range(statement)))
    pay(journal, ref, partial(tell, told))


def count_on(left: Iterator[int]) -> None:
    """From here on this process dies when a statement finds nothing left. A journal connects anew after a fork."""
    make = Link.__post_init__

    def counting(link: Link) -> None:
        make(link)
        link.cursor = Counted(link.cursor, left)  # type: ignore[assignment] # it does whatever the cursor does

    Link.__post_init__ = counting  # type: ignore[assignment, method-assign] # in a process that is about to die


def tell(told: int, text: str) -> None:
    """Write one line into the pipe."""
    os.write(told, f"{text}\n".encode())


def statements(journal: Journal) -> int:
    """How many statements one payment's writes are on this database."""
    reading, told = os.pipe()

    def work() -> None:
        left = iter(range(1_000))
        count_on(left)
        pay(journal, "COUNTED", lambda _: None)
        tell(told, str(1_000 - len(list(left))))

    child = in_child(work)
    os.close(told)
    with os.fdopen(reading) as lines:
        found = int(lines.read())
    exit_status(child)
    return found


def check(journal: Journal, ref: str, acknowledged: int) -> int:
    """The journal after a crash: whole, at the acknowledged version or one further. Answers it, -1 for none."""
    debt, operations, history = journal.read(
        lambda session: (session.debt(ref), session.operations(ref), session.history(ref))
    )
    assert (debt is None) == (not operations) == (not history), "a debt, its operation and its history stand together"
    version = operations[0].version if operations else -1
    assert version in (acknowledged, acknowledged + 1), f"{acknowledged} was acknowledged, {version} is there"
    assert len(history) == version + 1
    assert not operations or (operations[0].steps[0].request is None) == operations[0].state.final
    return version


def at_a_statement(journal: Journal, ref: str, statement: int) -> tuple[int, int]:
    """A fork dies before a statement. Answers its exit status and the version that the journal shows then."""
    reading, told = os.pipe()
    status = exit_status(in_child(partial(killed_at, statement, journal, ref, told)))
    os.close(told)
    with os.fdopen(reading) as lines:
        acknowledged = len(lines.readlines()) - 1
    assert status in (0, -signal.SIGKILL), f"the child ended with {status}"
    return status, check(journal, ref, acknowledged)


def at_any_moment(journal: Journal, ref: str, dice: random.Random) -> list[int]:
    """A fork pays one order after another until it is killed; every order is whole."""
    reading, told = os.pipe()

    def work() -> None:
        for number in range(1_000):
            pay(journal, f"{ref}N{number}", partial(tell, told))

    child = in_child(work)
    os.close(told)
    with os.fdopen(reading) as lines:
        first = lines.readline()  # it is at work
        time.sleep(dice.random() * 0.01)
        os.kill(child, signal.SIGKILL)
        heard = [first, *lines.readlines()]
    exit_status(child)
    acknowledged: dict[str, int] = {}
    for line in heard:
        name, _, version = line.strip().partition(" ")
        acknowledged[name] = int(version)
    last = len(acknowledged)
    return [check(journal, f"{ref}N{number}", acknowledged.get(f"{ref}N{number}", -1)) for number in range(last + 1)]


def run(first: int, count: int) -> Tally:
    """Database by database; of 206 units each 200 are forks and six are fresh interpreters."""
    tally = Tally()
    for store, numbers in shares(range(first, first + count), (FORKS + FRESH)):
        forks = [number for number in numbers if number % _ROUND < _ROUND - _FRESH_A_ROUND]
        fresh = [number for number in numbers if number % _ROUND >= _ROUND - _FRESH_A_ROUND]
        with tempfile.TemporaryDirectory() as folder:
            if forks:
                with Journal.open(store.url(Path(folder)), sealing_key=sealing_key()) as journal:
                    tally.add(each(forks, partial(_fork, store, journal, statements(journal) + 1)))
            if fresh:
                with AlipaySimulator().serve() as partner:
                    settings = write_settings(partner.account, Path(folder), store.url(Path(folder)))
                    tally.add(each(fresh, partial(_fresh, partner, settings)))
    return tally


def _fork(store: Store, journal: Journal, places: int, number: int, tally: Tally) -> None:
    tally.cases += 1
    tally.note(f"forks on {store.name}")
    if number % 4 == 3:
        versions = at_any_moment(journal, f"M{number}", random.Random(number))
        tally.note("payments of processes killed at any moment", len(versions))
        return
    status, version = at_a_statement(journal, f"K{number}", (number // 4 * 3 + number % 4) % places)
    tally.note("forks that died" if status else "forks that lived")
    tally.note(f"found at version {version}")


VERBS = ("scanned", "shown", "refund")


def _fresh(partner: AlipaySimulator, settings: Path, number: int, tally: Tally) -> None:
    """A payment in an interpreter of its own, killed in the partner's hands or a moment later; then another goes on."""
    verb, ref = VERBS[number % len(VERBS)], f"FRESH{number:07d}"
    with open_till(settings) as till:
        if verb == "refund":
            till.pay(order(ref), QrScanned(auth_code=partner.payer.code())).unwrap()
        with start_till(settings, verb, ref, partner.payer.code()) as child:
            _kill(child, partner, random.Random(number))
        tally.cases += 1
        tally.note("fresh interpreters that died" if child.returncode else "fresh interpreters that lived")
        forget_leases(settings)
        till.resolve(ref)
        operations = till.journal.read(lambda session: session.operations(ref))
        wrong = disagreements(ref, operations, till.history(ref), partner.ledger, arrived=frozenset())
        assert not wrong, wrong
        charges = len(partner.ledger.charges(starting_with=ref))
        assert charges == (0 if verb == "shown" else 1), f"{charges} charges"
        asked = [each for each in operations if each.verb is (Verb.REFUND if verb == "refund" else Verb.PAY)]
        wanted = State.ACTION if verb == "shown" else State.SUCCEEDED
        assert [each.state for each in asked] == [wanted], asked


def _kill(child: subprocess.Popen[str], partner: AlipaySimulator, dice: random.Random) -> None:
    """When the partner has done what it was asked for and not answered yet; or up to 10 ms after a request came in."""
    if dice.random() < 0.5:
        partner.on_commit = lambda _: child.kill()
        child.wait(60)
        partner.on_commit = None
        return
    before = len(partner.requests)
    _wait_for(lambda: len(partner.requests) > before or child.poll() is not None)
    time.sleep(dice.random() * 0.01)
    child.kill()


def start_till(settings: Path, *command: str) -> subprocess.Popen[str]:
    """A till in a process of its own."""
    roots = [ROOT, *(ROOT / name for name in ("schemas", "sdk", "adapters"))]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.till", str(settings), *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it did not come to it"
        time.sleep(0.001)


_FRESH_A_ROUND = 6
_ROUND = 206
"""Of as many units, how many are fresh interpreters: they take as long as all the others."""
assert FORKS * _FRESH_A_ROUND == FRESH * (_ROUND - _FRESH_A_ROUND)

FAMILY = Family(
    id="T3",
    title="killed at every statement and at any moment: what was acknowledged is there, and another process goes on",
    run=run,
    gate=units(FORKS + FRESH),
    long=10 * units(FORKS + FRESH),
    shard=_ROUND // 2,
    busy_percent=50,
)
