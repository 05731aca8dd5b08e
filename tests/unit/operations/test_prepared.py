"""What was only prepared: whoever stood still while another worker sent it does not act as if nothing had left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.corner import EURO, PAID, Corner, Wink, gateway, leases_run_out, order, stepped, stop_before

from payport.schemas import NotSent, PayOutcome, Succeeded
from payport.sdk.journal.records import Operation, State
from payport.sdk.journal.store import Journal
from payport.sdk.operations.resuming import Resumed
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.testing.stepping import Run, Time

REF = "CORNER000001"


@dataclass
class Two:
    """Two workers, each with a till of its own, and one intent that ``prepare`` wrote."""

    journal: Journal
    time: Time
    one: Corner = field(default_factory=lambda: Corner(steps=("confirm",)))
    other: Corner = field(default_factory=lambda: Corner(steps=("confirm",)))

    def __post_init__(self) -> None:
        self.tills = [gateway(corner, self.journal, self.time) for corner in (self.one, self.other)]
        desk = self.tills[0]._desk
        self.journal.write(lambda session: desk.prepare_in(session, self.one, order(), Wink()))

    def pay(self, method: Wink, *, stops_before: str) -> Run[PayOutcome[str]]:
        """The first worker begins to pay, and stands still before it writes this."""
        run = stepped(self.tills[0], self.tills[0]._desk.pay(self.one, order(), method, 10.0))
        stop_before(run, stops_before)
        self.time.pass_by(60)
        leases_run_out(self.journal)
        return run

    def send(self) -> Run[Resumed]:
        """The second one starts what was prepared; the answer is on its way."""
        self.other.says = [PAID, PAID]  # a question shows the same
        run = stepped(self.tills[1], self.tills[1]._desk.resume(60.0))
        stop_before(run, "learn pay")
        assert self.other.did == ["confirm"]
        return run

    def operations(self) -> list[Operation]:
        """Of the one debt."""
        return list(self.journal.read(lambda session: session.operations(REF)))


@pytest.mark.parametrize(("method", "stops_before"), [(Wink(), "start"), (Wink("right"), "learn pay")])
def test_what_another_worker_sent_meanwhile_is_not_called_unsent(
    journal: Journal, time: Time, method: Wink, stops_before: str
) -> None:
    """By the same way of paying it was about to be sent here too; by another, to be dropped for that one."""
    two = Two(journal, time)
    stale = two.pay(method, stops_before=stops_before)
    sent = two.send()
    assert not isinstance(stale.finish(), NotSent)
    sent.finish()
    (payment,) = two.operations()
    assert (payment.state, payment.facts) == (State.SUCCEEDED, ())
    assert isinstance(two.tills[0].pay(order(), Wink()), Succeeded)
    assert two.one.did + two.other.did == ["confirm"]


def test_what_is_refused_in_the_applications_transaction_opens_no_debt(tmp_path: Path, time: Time) -> None:
    """It is committed with the rest; the reference is free for the order as it is corrected."""
    path = tmp_path / "x.db"
    corner = Corner(says=[PAID], steps=("confirm",))
    with Journal.open(f"sqlite:///{path}", sealing_key=SEALING_KEY) as journal:
        till = gateway(corner, journal, time)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE shop (ref TEXT)")
            connection.execute("INSERT INTO shop VALUES (?)", (REF,))
            assert isinstance(till.prepare(order(amount=EURO * 2), Wink("none"), connection), NotSent)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT ref FROM shop").fetchall() == [(REF,)]
        assert journal.read(lambda session: session.debt(REF)) is None
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO shop VALUES (?)", (REF,))
            assert isinstance(till.prepare(order(), Wink(), connection), str)
        till.resume()
        assert isinstance(till.pay(order(), Wink()), Succeeded)
