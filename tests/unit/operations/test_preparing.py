"""An order that is prepared in the application's transaction: refused, started, or taken over by another worker."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from tests.support.corner import EURO, GO_ON, PAID, REF, Corner, TwoTills, Wink, gateway, leases_run_out, order
from tests.support.databases import NAMES, SERVERS, application

from payport.schemas import Money, NotSent, NotSentKind, Order, Succeeded
from payport.sdk.exchange import Exchange, now
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.journal.session import Session
from payport.sdk.journal.store import Journal
from payport.sdk.observation import Observation
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.testing.stepping import Time


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(
    ("wanted", "method"),
    [(order(amount=Money.of("300.00", "CNY")), Wink()), (order(amount=Money.of("5.00", "EUR")), Wink(eye="none"))],
)
def test_what_is_refused_may_be_asked_for_again_in_another_way(
    tmp_path: Path, time: Time, kind: str, wanted: Order, method: Wink
) -> None:
    """The application notes that its order was not sent, commits that, and asks with the amount that was meant."""
    url = f"sqlite:///{tmp_path / 'x.db'}" if kind == "sqlite" else SERVERS[kind].url("prepare")
    with Journal.open(url, sealing_key=SEALING_KEY) as journal:
        till = gateway(Corner(says=[GO_ON, PAID]), journal, time)
        with closing(application(kind, url)) as connection:
            refused = till.prepare(wanted, method, connection)
            assert isinstance(refused, NotSent)
            assert refused.cause.kind is NotSentKind.INVALID
            connection.commit()
        assert isinstance(till.pay(order(amount=EURO), Wink()), Succeeded)


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


class _Stopped(Exception):
    """The process is gone."""


class _Dies(Corner):
    """Whose process is killed while its last request is on the way."""

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        yield from now()
        self.did.append(step.name)
        raise _Stopped


@pytest.mark.parametrize("other", [False, True])
def test_who_stood_still_before_a_prepared_order_was_started_does_not_say_that_nothing_was_sent(
    journal: Journal, time: Time, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    """Another worker started it meanwhile, sent it, and was killed: of that the first knows nothing.

    Be it a worker that was about to start it, or a call that wants to pay in another way.
    """
    first, second = Corner(steps=("confirm",)), _Dies(steps=("confirm",))
    tills = [gateway(corner, journal, time) for corner in (first, second)]
    journal.write(lambda session: tills[0]._desk.prepare_in(session, first, order(), Wink()))
    write, calls = journal.write, count(0 if other else 1)

    def stands_still(work: Callable[[Session], object], *, actor: str = "") -> object:
        if next(calls) == 2:  # it has the lease, and knows it as prepared
            monkeypatch.undo()
            time.pass_by(60.0)
            leases_run_out(journal)
            with pytest.raises(_Stopped):
                tills[1].resume()
        return write(work, actor=actor)

    monkeypatch.setattr(journal, "write", stands_still)
    if other:
        assert not isinstance(tills[0].pay(order(), Wink(eye="right")), NotSent)
    else:
        tills[0].resume()
    assert (first.did, second.did) == ([], ["confirm"])
    (operation,) = journal.read(lambda session: session.operations(REF))
    assert operation.state is State.DOUBT, "else another attempt may charge it once more"


@pytest.mark.parametrize(("method", "stops_before"), [(Wink(), "start"), (Wink("right"), "learn pay")])
def test_what_another_worker_sent_meanwhile_is_not_called_unsent(
    journal: Journal, time: Time, method: Wink, stops_before: str
) -> None:
    """By the same way of paying it was about to be sent here too; by another, to be dropped for that one."""
    two = TwoTills(journal, time)
    journal.write(lambda session: two.tills[0]._desk.prepare_in(session, two.one, order(), Wink()))
    stale = two.pays(method, stops_before=stops_before)
    two.other.says = [PAID, PAID]  # a question shows the same
    sent = two.resumes(stops_before="learn pay")
    assert two.other.did == ["confirm"]
    assert not isinstance(stale.finish(), NotSent)
    sent.finish()
    assert (two.payment.state, two.payment.facts) == (State.SUCCEEDED, ())
    assert isinstance(two.tills[0].pay(order(), Wink()), Succeeded)
    assert two.one.did + two.other.did == ["confirm"]
