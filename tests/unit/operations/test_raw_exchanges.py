"""What goes over the wire can be kept, sealed under a key of its own, as evidence of what was asked and answered."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.audit_journals import flaws, records
from tests.support.journal_records import NOW, sealing_key

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, Money, NotSent, NotSentKind, Order, PartnerId, QrShown, Unknown
from payport.sdk import AsyncGateway, ConfigurationError, Gateway, Journal
from payport.sdk.audit.exchanges import RawExchange
from payport.sdk.audit.policy import AuditPolicy
from payport.sdk.audit.record import Record
from payport.sdk.errors import AuditError
from payport.sdk.events import SdkEvent, StorageFailed
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest

EXCHANGE_KEY = sealing_key()
ORDER = Order(ref="SHOP10010001", amount=Money.of("5.00", "CNY"), subject="Tea")


@pytest.fixture
def partner() -> Iterator[AlipaySimulator]:
    """Alipay's side."""
    with closing(AlipaySimulator()) as simulator:
        yield simulator


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the journal is."""
    return f"sqlite:///{tmp_path / 'payments.db'}"


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """One that keeps exchanges."""
    policy = AuditPolicy(exchange_key=EXCHANGE_KEY)
    with Journal.open(url, sealing_key=sealing_key(), durability="normal", audit=policy) as opened:
        yield opened


def kept(journal: Journal) -> list[tuple[Record, dict[str, dict[str, str]]]]:
    """Every record of an exchange, with what it holds."""
    trail = JournalTrail(journal)
    found = [each for each in records(journal) if each.what == "exchange"]
    return [(each, json.loads(trail.exchange(str(each.detail["sha256"])) or b"null")) for each in found]


def test_a_payment_s_exchange_is_kept_with_what_was_learnt(journal: Journal, partner: AlipaySimulator) -> None:
    """In one commit, about the operation; byte for byte what was signed and answered."""
    with partner.serve(), Gateway(Alipay(partner.account), journal=journal, sinks=()) as gateway:
        assert isinstance(gateway.pay(ORDER, QrShown()), ActionRequired)
        (request,) = partner.requests
    ((record, content),) = kept(journal)
    assert (record.result, record.operation) == ("200", "SHOP10010001/pay//1")
    assert request.body == base64.b64decode(content["request"]["body"])
    assert b"alipay_trade_precreate_response" in base64.b64decode(content["reply"]["body"])
    assert records(journal)[-1].what == "exchange.opened"
    assert flaws(journal) == []


def test_nothing_of_it_lies_in_the_clear(journal: Journal, partner: AlipaySimulator, tmp_path: Path) -> None:
    """The file holds the digest only."""
    with Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=()) as gateway:
        gateway.pay(ORDER, QrShown())
    assert not any(b"precreate_response" in path.read_bytes() for path in tmp_path.iterdir())


def test_a_question_that_changes_nothing_is_kept_too(journal: Journal, partner: AlipaySimulator) -> None:
    """At the end of its call, by itself; in every colour."""
    with Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=()) as gateway:
        gateway.adopt("SHOP20010001", PartnerId("2026013122001000000000000001"))

    async def ask() -> None:
        async with AsyncGateway(
            Alipay(partner.account), journal=journal, transport=partner.async_transport(), sinks=()
        ) as gateway:
            await gateway.pay(ORDER, QrShown())
            await gateway.adopt("SHOP20010001", PartnerId("2026013122001000000000000001"))

    asyncio.run(ask())
    assert [record.operation for record, _ in kept(journal)] == ["", "SHOP10010001/pay//1", ""]


def test_without_a_key_for_it_nothing_is_kept(url: str, partner: AlipaySimulator) -> None:
    """Off is the rule."""
    with Journal.open(url) as journal:
        with Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=()) as gateway:
            gateway.pay(ORDER, QrShown())
        assert not journal.keeps_exchanges
        assert [each for each in records(journal) if each.what == "exchange"] == []
        with pytest.raises(ConfigurationError, match="exchange_key"):
            JournalTrail(journal).exchange("00")


def test_that_it_cannot_be_kept_fails_what_is_written_along(
    journal: Journal, partner: AlipaySimulator, tmp_path: Path
) -> None:
    """It is part of the trail. What is kept by itself, after the answer, changes that no more: the sinks are told."""
    events: list[SdkEvent] = []
    with (
        Gateway(
            Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=[events.append]
        ) as gateway,
        closing(sqlite3.connect(tmp_path / "payments.db", isolation_level=None)) as foreign,
    ):
        foreign.execute(
            "CREATE TRIGGER full BEFORE INSERT ON payport_audit_exchange BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        assert isinstance(gateway.pay(ORDER, QrShown(), deadline_s=0.5), Unknown)
        answer = gateway.adopt("SHOP20010001", PartnerId("2026013122001000000000000001"))
        assert isinstance(answer, NotSent)
        assert answer.cause.kind is NotSentKind.INVALID
    assert "keep exchanges" in {event.work for event in events if isinstance(event, StorageFailed)}


def test_it_goes_when_the_payer_is_erased(journal: Journal, partner: AlipaySimulator) -> None:
    """Its record stays, and the trail verifies."""
    with Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=()) as gateway:
        gateway.pay(ORDER, QrShown())
    ((record, _),) = kept(journal)
    trail = JournalTrail(journal)
    assert trail.erase("SHOP10010001", "asked by letter")
    assert trail.exchange(str(record.detail["sha256"])) is None
    assert flaws(journal) == []


def test_questions_that_changed_nothing_go_too(journal: Journal, partner: AlipaySimulator) -> None:
    """A poll tells of the payer as well, whether or not anything was learnt from it."""
    with Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=()) as gateway:
        gateway.pay(ORDER, QrShown())
        for _ in range(3):
            gateway.query(ORDER.ref)
    found = [record for record, _ in kept(journal)]
    assert {record.operation for record in found} == {"SHOP10010001/pay//1"}
    trail = JournalTrail(journal)
    assert trail.erase("SHOP10010001", "asked by letter")
    assert [trail.exchange(str(record.detail["sha256"])) for record in found] == [None] * 4


def test_old_ones_are_dropped(journal: Journal, partner: AlipaySimulator) -> None:
    """By the instant of the exchange."""
    with Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=()) as gateway:
        gateway.pay(ORDER, QrShown())
    ((record, _),) = kept(journal)
    trail = JournalTrail(journal)
    assert trail.drop_exchanges(record.when) == 0
    assert trail.drop_exchanges(record.when.replace(year=record.when.year + 1)) == 1


def test_a_changed_one_is_not_opened(journal: Journal, partner: AlipaySimulator, tmp_path: Path) -> None:
    """The record's digest is over what is sealed."""
    with Gateway(Alipay(partner.account), journal=journal, transport=partner.transport(), sinks=()) as gateway:
        gateway.pay(ORDER, QrShown())
    ((record, _),) = kept(journal)
    with closing(sqlite3.connect(tmp_path / "payments.db", isolation_level=None)) as foreign:
        foreign.execute("UPDATE payport_audit_exchange SET sealed = X'00'")
    with pytest.raises(AuditError, match="not the one that was recorded"):
        JournalTrail(journal).exchange(str(record.detail["sha256"]))


REQUEST = WireRequest(
    endpoint="token",
    moves_money=False,
    method="POST",
    url="https://partner.example/token?code=secret-code",
    headers={"Authorization": "Basic secret-basic", "Content-Type": "text/plain", "X-Api-Key": "secret-key"},
    content=b"grant=secret-grant",
)
REPLY = WireReply(200, (("set-cookie", "secret-cookie"), ("date", "today")), b'{"access_token":"secret-token"}')


@pytest.mark.parametrize("errand", [True, False])
def test_what_lets_its_holder_act_is_left_out(errand: bool) -> None:
    """Headers that may hold a key, always; bodies and query of requests that fetch a token, too."""
    raw = RawExchange(at=NOW, partner="p", account="p:1", request=REQUEST, reply=REPLY, secret=errand)
    content = json.loads(raw.content())
    shown = [["Authorization", "***"], ["Content-Type", "text/plain"], ["X-Api-Key", "***"]]
    assert shown == content["request"]["headers"]
    assert content["reply"]["headers"] == [["set-cookie", "***"], ["date", "today"]]
    if errand:
        assert "secret" not in json.dumps(content)
        assert (content["request"]["body"], content["reply"]["body"]) == ("***", "***")
    else:
        assert REPLY.content == base64.b64decode(content["reply"]["body"])


def test_a_request_without_a_reply(journal: Journal) -> None:
    """What failed, and whether a byte may have left."""
    failure = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="no reply \ud800 in time")
    raw = RawExchange(at=NOW, partner="p", account="p:1", request=REQUEST, reply=failure)
    assert raw.result == "timed_out"
    reply = json.loads(raw.content())["reply"]
    assert reply == {"failure": "timed_out", "may_have_left": True, "what": "no reply ? in time"}
