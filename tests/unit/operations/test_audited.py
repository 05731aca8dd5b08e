"""Payments with an audit trail: what operations record beside their transitions, and what happens when they cannot."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.support.audit_journals import flaws, records
from tests.support.canaries import Watch
from tests.support.journal_records import NOW

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import (
    ActionRequired,
    Money,
    NotSent,
    NotSentKind,
    Order,
    Payer,
    QrScanned,
    QrShown,
    RawNotification,
    Rejected,
    Succeeded,
    Unknown,
    UnknownKind,
)
from payport.sdk import Gateway, Journal, NotPermitted
from payport.sdk.audit.flood import Flood
from payport.sdk.audit.policy import AuditPolicy
from payport.sdk.audit.record import Entry, Record
from payport.sdk.audit.trail import rows_of
from payport.sdk.events import SdkEvent, StorageFailed
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.transport import Transport


@pytest.fixture
def partner() -> Iterator[AlipaySimulator]:
    """Alipay's side."""
    with closing(AlipaySimulator()) as simulator:
        yield simulator


class Shop:
    """A gateway on a journal in a file. ``events``: what its sinks were told."""

    def __init__(self, partner: AlipaySimulator, folder: Path, transport: Transport | None = None) -> None:
        self.path = folder / "payments.db"
        policy = AuditPolicy(payers=True)
        self.journal = Journal.open(
            f"sqlite:///{self.path}", sealing_key=SEALING_KEY, durability="normal", audit=policy
        )
        self.events: list[SdkEvent] = []
        self.gateway = Gateway(
            Alipay(partner.account),
            journal=self.journal,
            transport=transport or partner.transport(),
            sinks=[self.events.append],
        )

    def records(self, what: str) -> list[Record]:
        """The trail's records of one kind."""
        return [each for each in records(self.journal) if each.what == what]

    @contextmanager
    def no_room_for_records(self) -> Iterator[None]:
        """The disk has room for everything but the audit trail."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as foreign:
            foreign.execute(
                "CREATE TRIGGER full BEFORE INSERT ON payport_audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
            )
            yield
            foreign.execute("DROP TRIGGER full")


@pytest.fixture
def shop(partner: AlipaySimulator, tmp_path: Path) -> Iterator[Shop]:
    """Closed in the end."""
    shop = Shop(partner, tmp_path)
    yield shop
    shop.gateway.close()
    shop.journal.close()


def order(ref: str = "SHOP10010001", payer: Payer | None = None) -> Order:
    """A cup of tea."""
    return Order(ref=ref, amount=Money.of("5.00", "CNY"), subject="Tea", payer=payer or Payer())


class Road:
    """The way to the partner; with a ``shop``, whose disk fills up once the partner has answered. Counts requests."""

    def __init__(self, partner: AlipaySimulator) -> None:
        self.inner = partner.transport()
        self.full: list[object] = []
        self.shop: Shop | None = None
        self.sent = 0

    def send(self, request: WireRequest, deadline_s: float) -> WireReply | SendFailure:
        self.sent += 1
        reply = self.inner.send(request, deadline_s)
        if self.shop is not None:
            held = self.shop.no_room_for_records()
            held.__enter__()
            self.full.append(held)
        return reply

    def close(self) -> None:
        self.inner.close()


def test_what_cannot_be_recorded_is_not_sent(partner: AlipaySimulator, tmp_path: Path) -> None:
    """Before the first byte: closed, and nothing left. Afterwards it goes through."""
    road = Road(partner)
    shop = Shop(partner, tmp_path, road)
    with shop.no_room_for_records():
        outcome = shop.gateway.pay(order(), QrShown())
    assert isinstance(outcome, NotSent)
    assert outcome.cause.kind is NotSentKind.STORAGE
    assert road.sent == 0
    assert isinstance(shop.gateway.pay(order(), QrShown()), ActionRequired)
    assert road.sent == 1
    shop.gateway.close()
    shop.journal.close()


def test_once_a_byte_has_left_it_is_unknown(partner: AlipaySimulator, tmp_path: Path) -> None:
    """The answer came and could not be written down with its record: nothing is claimed, and resume learns it."""
    road = Road(partner)
    shop = Shop(partner, tmp_path, road)
    road.shop = shop
    outcome = shop.gateway.pay(order(), QrScanned(auth_code=partner.payer.code()), deadline_s=0.5)
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind is UnknownKind.STORAGE
    assert flaws(shop.journal) == []
    road.shop = None
    for held in road.full:
        held.__exit__(None, None, None)  # type: ignore[attr-defined] # a context manager
    with closing(sqlite3.connect(shop.path, isolation_level=None)) as foreign:
        foreign.execute("UPDATE payport_operation SET lease_owner = NULL, lease_until = NULL")  # as if time had passed
    told = shop.gateway.query("SHOP10010001").outcome
    assert isinstance(told, Succeeded), told
    assert flaws(shop.journal) == []
    shop.gateway.close()
    shop.journal.close()


def test_a_refused_notification_has_a_record(shop: Shop) -> None:
    """Why, how long and its digest: enough to compare it with what the web server kept, and nothing of what it said."""
    received = shop.gateway.receive(RawNotification(body=b"rubbish", headers={}))
    assert isinstance(received, Rejected)
    (record,) = shop.records("notice.rejected")
    assert (
        record.result, record.partner, record.account, record.ref,
    ) == ("malformed", "alipay", "alipay:9021000000000001", "")  # fmt: skip
    digest = "71ca7d932e5a9bea82b11425bc83d474727bb94ecde72145e063f8b23b176ea3"
    assert {"bytes": 7, "sha256": digest} == record.detail


def test_that_a_refusal_cannot_be_recorded_changes_no_answer(shop: Shop) -> None:
    """The sinks are told."""
    with shop.no_room_for_records():
        received = shop.gateway.receive(RawNotification(body=b"rubbish", headers={}))
    assert isinstance(received, Rejected)
    assert [event.work for event in shop.events if isinstance(event, StorageFailed)] == ["audit"]


def test_a_flood_of_refusals_does_not_fill_the_disk(shop: Shop) -> None:
    """The first sixty have a record each, then one a second; those without are counted in the next that has one."""
    for _ in range(500):
        shop.gateway.receive(RawNotification(body=b"rubbish", headers={}))
    assert 60 <= len(shop.records("notice.rejected")) <= 70


def test_the_flood_gate() -> None:
    """A burst, then a trickle; what was held back is counted once."""
    gate = Flood(burst=3, per_second=1.0)
    assert [gate.admit(100.0) for _ in range(5)] == [0, 0, 0, None, None]
    assert [gate.admit(at) for at in (100.9, 101.1, 101.2, 102.2)] == [None, 3, None, 1]
    assert [gate.admit(at) for at in (200.0, 200.0, 200.0, 200.0)] == [0, 0, 0, None]


def test_an_opened_account_is_recorded_with_what_it_does(shop: Shop, partner: AlipaySimulator) -> None:
    """Once for each process, with the hosts it may talk to."""
    for number in range(3):
        with Gateway(Alipay(partner.account), journal=shop.journal, sinks=()):
            shop.gateway.pay(order(f"SHOP1001{number:04d}"), QrShown())
    (record,) = shop.records("account.opened")
    assert record.detail["adapter"] == "payport.adapters.alipay.adapter.Alipay"
    assert record.account == "alipay:9021000000000001"


def test_who_pays_is_sealed(shop: Shop) -> None:
    """Id, e-mail and address, where the journal is told to record payers."""
    shop.gateway.pay(order(payer=Payer(id="2088000000000009", ip="203.0.113.7", email="li@example.com")), QrShown())
    first = shop.records("pay")[0]
    found = JournalTrail(shop.journal).personal("SHOP10010001", first.sealed)
    assert found == {"id": "2088000000000009", "ip": "203.0.113.7", "email": "li@example.com"}


def test_no_record_holds_a_secret_or_a_person(shop: Shop, partner: AlipaySimulator, canaries: Watch) -> None:
    """Codes, keys, card numbers, payers: planted wherever a caller or a partner can put them."""
    payer = Payer(id=canaries["open_id"], email=f"{canaries['phone']}@example.org", ip="203.0.113.77")
    secret = Order(
        ref="SHOP10010001", amount=Money.of("5.00", "CNY"), subject=f"to {canaries['identity_number']}", payer=payer,
        metadata={"card": canaries["card_number"]},
    )  # fmt: skip
    shop.gateway.pay(secret, QrScanned(auth_code=canaries["payment_code"]), deadline_s=1.0)
    shop.gateway.query("SHOP10010001", deadline_s=1.0)
    shop.gateway.cancel("SHOP10010001", deadline_s=1.0)
    shop.gateway.receive(
        RawNotification(
            body=canaries["access_token"].encode(), headers={"authorization": canaries["api_secret"]},
            query=canaries["password"],
        )
    )  # fmt: skip
    trail = JournalTrail(shop.journal)
    bodies = [row.body for chain in trail.chains() for row in rows_of(trail, chain.chain, 0)]
    assert len(bodies) >= 5
    for body in bodies:
        canaries.look_at(body)
        assert "203.0.113.77" not in body
    key = max(partner.account.private_key.reveal().splitlines(), key=len)
    assert not any(key in body for body in bodies)


def test_a_card_number_in_what_the_partner_says_is_masked(shop: Shop, canaries: Watch) -> None:
    """Even in a word that nobody expects it in."""
    number = canaries["card_number"]
    told = Entry(what="pay", result="declined", at=NOW, detail={"code": f"card {number} expired"}, who=f"till {number}")
    shop.journal.write(lambda session: session.note(told))
    trail = JournalTrail(shop.journal)
    canaries.look_at(*[row.body for chain in trail.chains() for row in rows_of(trail, chain.chain, 0)])


def test_what_is_not_permitted_is_recorded(shop: Shop) -> None:
    """Who wanted what: a moment later, without holding up anybody, and before the journal is closed in any case."""
    view = shop.gateway.permitting("query", actor="intern")
    with pytest.raises(NotPermitted):
        view.refund("SHOP10010001", "BACK10010001", Money.of("5.00", "CNY"))
    shop.gateway.pay(order(), QrShown())
    (record,) = shop.records("permission.refused")
    assert (record.who, record.result, record.account) == ("intern", "refund", "alipay:9021000000000001")


def test_a_refusal_is_recorded_though_nothing_else_is_written(partner: AlipaySimulator, tmp_path: Path) -> None:
    """And a flood of them is counted."""
    shop = Shop(partner, tmp_path)
    view = shop.gateway.permitting("query", actor="intern")
    for _ in range(200):
        with pytest.raises(NotPermitted):
            view.pay(order(), QrShown())
    shop.gateway.close()
    shop.journal.close()
    with Journal.open(f"sqlite:///{shop.path}") as journal:
        found = [each for each in records(journal) if each.what == "permission.refused"]
    assert 60 <= len(found) <= 65


def test_a_refusal_that_cannot_be_recorded_is_recorded_when_it_can(shop: Shop) -> None:
    """It waits for the next thing that is written."""
    with shop.no_room_for_records():
        with pytest.raises(NotPermitted):
            shop.gateway.permitting("query", actor="intern").pay(order(), QrShown())
        shop.journal._soon.hurry()  # type: ignore[union-attr] # asked for just now
        assert shop.records("permission.refused") == []
    shop.gateway.pay(order(), QrShown())
    assert [each.who for each in shop.records("permission.refused")] == ["intern"]


def test_a_view_acts_in_the_name_of_its_actor(shop: Shop) -> None:
    """Every record of what it does says so."""
    shop.gateway.permitting("pay", actor="till-7").pay(order(), QrShown())
    assert {"till-7"} == {each.who for each in shop.records("pay")}
