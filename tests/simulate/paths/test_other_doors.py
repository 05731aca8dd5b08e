"""Prepare, adopt, changes: intents that come in with the application's own writes, and news that go out to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.paths import World, action_of, order
from tests.support.scenarios import pay_scanned

from payport.adapters.alipay.simulator import Wallet
from payport.schemas import (
    ActionRequired,
    CancelledBy,
    Change,
    NotSent,
    NotSentKind,
    Pending,
    QrScanned,
    QrShown,
    Succeeded,
)
from payport.schemas.references import PartnerId
from payport.sdk.errors import ConfigurationError, ReferenceConflict
from payport.sdk.journal.records import Verb

REF = "SHOP10010001"


def prepare(world: World, ref: str, *, commit: bool) -> str | NotSent:
    """The application saves its order and the intent to charge it in one transaction of its own."""
    with closing(sqlite3.connect(world.place, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS shop (ref TEXT)")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO shop VALUES (?)", (ref,))
        method = QrScanned(auth_code=world.partner.payer.code())
        prepared = world.worker.prepare(order(ref), method, connection)
        connection.execute("COMMIT" if commit else "ROLLBACK")
    return prepared


def test_resume_does_not_send_what_is_being_cancelled(world: World) -> None:
    """The cancel was written down and its process died: the order is not sent meanwhile."""
    prepare(world, REF, commit=True)
    run = world.run(lambda desk, _: desk.cancel(REF, 10, reverse_paid=False))
    while not any(operation.verb is Verb.CANCEL for operation in world.operations(REF)):
        run.step()
    run.crash()
    world.worker.resolve(REF)
    world.settle()
    assert world.watch.requests == []
    assert world.last(REF, Verb.CANCEL).cancelled_by is CancelledBy.NOTHING_SENT


def test_another_way_of_paying_replaces_a_prepared_one_unsent(world: World) -> None:
    """The prepared code is never charged."""
    prepare(world, REF, commit=True)
    action_of(world.worker.pay(order(REF), QrShown()))
    assert world.calls() == ["trade.precreate"]


def test_prepare_needs_a_sealing_key(tmp_path: Path) -> None:
    """The request is kept until resume sends it."""
    with World(tmp_path, sealed=False) as bare, pytest.raises(ConfigurationError, match="sealing key"):
        prepare(bare, REF, commit=True)


def test_a_payment_from_elsewhere_is_adopted_and_refunded(world: World, tmp_path: Path) -> None:
    """Found by the partner's own number; from then on it is like any other."""
    pay_scanned(world, REF).finish()
    number = world.last(REF).partner_id
    assert number is not None
    (tmp_path / "new").mkdir()
    with World(tmp_path / "new") as new:
        new.transport.road = world.partner.transport()
        adopted = new.worker.adopt("SHOP77777777", PartnerId(number))
        assert isinstance(adopted, Succeeded)
        assert new.worker.refund("SHOP77777777", "BACK0001", order(REF).amount).unwrap().amount == order(REF).amount
        with pytest.raises(ReferenceConflict, match="is in this journal already"):
            new.worker.adopt("SHOP77777777", PartnerId(number))
        with pytest.raises(ReferenceConflict, match="under another reference"):
            new.worker.adopt("SHOP88888888", PartnerId(number))
        missing = new.worker.adopt("SHOP99999999", PartnerId("2026000000"))
        assert isinstance(missing, NotSent)
        assert missing.cause.kind is NotSentKind.INVALID


def test_an_adopted_order_that_still_waits_is_left_to_its_payer(world: World, tmp_path: Path) -> None:
    """Nobody here knows until when it may be paid, so nobody here closes it."""
    waiting = QrScanned(auth_code=world.partner.payer.code(Wallet.CONFIRMS))
    world.worker.pay(order(REF), waiting, deadline_s=2)
    number = world.last(REF).partner_id
    assert number is not None
    (tmp_path / "new").mkdir()
    with World(tmp_path / "new") as new:
        new.transport.road = world.partner.transport()
        assert isinstance(new.worker.adopt("SHOP77777777", PartnerId(number)), Pending)
        new.time.pass_by(600)
        new.worker.resume()
        assert "trade.close" not in new.calls()


def test_changes_are_delivered_at_least_once(world: World) -> None:
    """Until they are acknowledged; a handler that fails gets them again."""
    pay_scanned(world, REF).finish()
    first = world.worker.changes()
    assert [change.state for change in first] == ["doubt", "succeeded"]
    assert world.gateway().changes() == first
    world.worker.acknowledge(first[0])
    assert world.gateway().changes() == first[1:]

    def fails(change: Change) -> None:
        raise RuntimeError("the mail server is down")

    async def nobody_awaits(change: Change) -> None:
        raise AssertionError

    with pytest.raises(RuntimeError):
        world.worker.deliver(fails)
    with pytest.raises(TypeError, match="AsyncGateway"):
        world.worker.deliver(nobody_awaits)  # type: ignore[arg-type] # a caller without a type checker
    heard: list[Change] = []
    assert world.worker.deliver(heard.append) == 1
    assert heard == list(first[1:])
    assert world.worker.changes() == ()


def test_who_asks_about_a_prepared_order_does_not_keep_it_from_being_sent(world: World) -> None:
    """Pain: a page that polls its state took the right to send, again and again, and nobody sent it."""
    with world.application() as connection:
        world.worker.prepare(order(REF), QrShown(), connection)
    told = world.worker.query(REF)
    assert (told.source, type(told.outcome)) == ("journal", Pending)
    world.gateway().resume()
    assert world.last(REF).started
    assert isinstance(world.worker.pay(order(REF), QrShown()), ActionRequired)
