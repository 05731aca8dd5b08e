"""What one transaction on the journal promises: the methods of a session, one by one."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.support.journal_records import ACCOUNT, NOW, REQUEST, debt, intend, notice, operation

from payport.schemas.money import Money
from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownCause, UnknownKind
from payport.schemas.payment import Fact, FactKind
from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.journal import Journal
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.journal.session import Lease, Session


def save(journal: Journal, wanted: Operation) -> Operation:
    """Write one successor."""
    return journal.write(lambda session: session.save(wanted, source="reply", detail={"code": "10000"}, now=NOW))


def test_a_debt_is_written_once(journal: Journal) -> None:
    """The first to use a reference freezes what it stands for."""
    journal.write(lambda session: session.add_debt(debt()))

    assert debt() == journal.read(lambda session: session.debt("SHOP0001"))
    assert journal.read(lambda session: session.debt("SHOP0002")) is None
    with pytest.raises(JournalConflict, match="debt SHOP0001"):
        journal.write(lambda session: session.add_debt(replace(debt(), amount=Money(1, "CNY"))))
    assert debt() == journal.read(lambda session: session.debt("SHOP0001"))


def test_opening_a_debt_twice_tells_what_it_stands_for(journal: Journal) -> None:
    """Whoever comes second learns of the first, and changes nothing; the transaction goes on."""
    other = replace(debt(), amount=Money(1, "CNY"))

    assert journal.write(lambda session: session.open_debt(debt())) is None
    assert debt() == journal.write(lambda session: (session.open_debt(other), session.open_debt(debt("SHOP0002")))[0])
    assert debt() == journal.read(lambda session: session.debt("SHOP0001"))
    assert debt("SHOP0002") == journal.read(lambda session: session.debt("SHOP0002"))


def test_an_operation_comes_back_as_it_was_written(journal: Journal) -> None:
    """Every field survives, the sealed request included."""
    wanted = replace(
        operation(),
        unknown=UnknownCause(UnknownKind.TIMED_OUT, "没有回答 \ud800"),
        facts=(Fact(kind=FactKind.DISPUTED, at=NOW, amount=Money(1, "JPY")),),
        next_at=NOW + timedelta(seconds=5),
        ids={"auth_no": "1"},
    )

    def work(session: Session) -> None:
        session.add_debt(debt())
        session.add(wanted, source="intent", detail={}, now=NOW)

    journal.write(work)
    assert wanted == journal.read(lambda session: session.operation(wanted.id))
    assert journal.read(lambda session: session.operation("SHOP0001/pay//2")) is None


def test_an_operation_needs_its_debt(journal: Journal) -> None:
    """Nothing can be sent for a debt that was never written down."""
    with pytest.raises(JournalError, match=r"(?i)foreign key"):
        journal.write(lambda session: session.add(operation(), source="intent", detail={}, now=NOW))


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(operation(), id="the same id"),
        pytest.param(replace(operation(attempt=2), partner_ref="SHOP0001a1"), id="the same reference at the partner"),
    ],
)
def test_identities_are_unique(journal: Journal, second: Operation) -> None:
    """Two operations can never share what the partner recognises them by."""
    journal.write(intend())

    with pytest.raises(JournalConflict):
        journal.write(lambda session: session.add(second, source="intent", detail={}, now=NOW))
    assert [operation()] == journal.read(lambda session: session.operations("SHOP0001"))


def test_the_first_writer_wins(journal: Journal) -> None:
    """A save is compared with the version it was made from."""
    first = journal.write(intend())
    pending = save(journal, replace(first, state=State.PENDING))

    assert pending.version == 1
    with pytest.raises(JournalConflict, match="version 1, not 0"):
        save(journal, replace(first, state=State.DECLINED))
    with pytest.raises(JournalError, match="not in the journal"):
        save(journal, operation("SHOP0009"))


def test_a_postponed_operation_has_learnt_nothing(journal: Journal) -> None:
    """When it is looked at next is no transition: the same version, the same history, the same action and request."""
    pending = save(journal, replace(journal.write(intend()), state=State.PENDING))
    later = replace(pending, asked=1, next_at=NOW + timedelta(seconds=9))
    before = journal.read(lambda session: session.history("SHOP0001"))

    assert journal.write(lambda session: session.lease(pending.id, "till 1", 60.0))
    journal.write(lambda session: session.postpone(later, release="till 1"))

    assert later == journal.read(lambda session: session.operation(pending.id))
    assert before == journal.read(lambda session: session.history("SHOP0001"))
    due = journal.write(lambda session: session.claim(ACCOUNT, NOW, owner="till 2", ttl_s=60.0))
    assert due is None, "its time has not come"
    assert journal.write(lambda session: session.lease(pending.id, "till 2", 60.0)), "the lease was given back"


def test_what_was_learnt_cannot_be_postponed(journal: Journal) -> None:
    """Nor can a version that is not the newest."""
    intended = journal.write(intend())
    pending = save(journal, replace(intended, state=State.PENDING))

    with pytest.raises(JournalError, match="needs a transition"):
        journal.write(lambda session: session.postpone(replace(pending, message="paid soon")))
    with pytest.raises(JournalConflict, match="version 1, not 0"):
        journal.write(lambda session: session.postpone(replace(intended, asked=1)))


def test_a_settled_operation_forgets_its_request(journal: Journal) -> None:
    """What is sealed is kept while it may be needed to send again, and no longer."""
    intended = journal.write(intend())
    pending = save(journal, replace(intended, state=State.PENDING))
    assert pending.steps[0].request == REQUEST

    settled = save(journal, replace(pending, state=State.SUCCEEDED))
    assert settled.steps[0].request is None
    assert settled == journal.read(lambda session: session.operation(settled.id))


def test_several_saves_in_one_transaction_see_each_other(journal: Journal) -> None:
    """What a transaction wrote is what it reads."""
    intended = journal.write(intend())

    def work(session: Session) -> Operation:
        pending = session.save(replace(intended, state=State.PENDING), source="reply", detail={}, now=NOW)
        session.save(replace(pending, state=State.SUCCEEDED), source="notice", detail={}, now=NOW)
        found = session.operation(intended.id)
        assert found is not None
        return found

    assert (journal.write(work).state, journal.read(lambda s: s.operation(intended.id)).version) == (State.SUCCEEDED, 2)  # type: ignore[union-attr] # it is there


def test_operations_of_a_debt_come_oldest_first(journal: Journal) -> None:
    """Only those of the debt, however its reference begins."""
    for ref, attempt in (("SHOP0001", 2), ("SHOP0001", 10), ("SHOP00010", 1), ("SHOP0001", 1), ("SHOP000", 1)):
        journal.write(intend(ref, attempt=attempt))

    found = journal.read(lambda session: session.operations("SHOP0001"))
    assert [one.id for one in found] == ["SHOP0001/pay//2", "SHOP0001/pay//10", "SHOP0001/pay//1"]
    at_partner = journal.read(lambda session: session.by_partner_ref(ACCOUNT, "SHOP0001a10"))
    assert [one.id for one in at_partner] == ["SHOP0001/pay//10"]


def test_a_lease_is_held_by_one_and_runs_out_on_the_databases_clock(journal: Journal) -> None:
    """Taken, refused to another, renewed by its holder, free again when given back or too old."""
    name = journal.write(intend()).id

    def lease(owner: str, ttl_s: float = 30.0) -> bool:
        return journal.write(lambda session: session.lease(name, owner, ttl_s))

    assert [lease("a"), lease("b"), lease("a")] == [True, False, True]
    journal.write(lambda session: session.release(name, "b"))
    assert not lease("b"), "only its holder can give a lease back"
    journal.write(lambda session: session.release(name, "a"))
    assert lease("b", 0.02)
    time.sleep(0.05)
    assert lease("a")
    assert not journal.write(lambda session: session.lease("SHOP0009/pay//1", "a", 1.0)), "no such operation"


def test_a_lease_is_taken_with_the_intent_and_given_back_with_what_was_learnt(journal: Journal) -> None:
    """One statement each, and as good as taking and giving back by themselves."""

    def lease(owner: str) -> bool:
        return journal.write(lambda session: session.lease("SHOP0001/pay//1", owner, 30.0))

    def learn(asked: int, release: str) -> None:
        def work(session: Session) -> None:
            current = session.operation("SHOP0001/pay//1")
            assert current is not None
            session.save(replace(current, asked=asked), source="query", detail={}, now=NOW, release=release)

        journal.write(work)

    journal.write(lambda session: session.add_debt(debt()))
    journal.write(lambda session: session.add(operation(), source="intent", detail={}, now=NOW, lease=Lease("a", 30.0)))
    assert not lease("b"), "it is a's from the beginning"
    learn(1, "b")
    assert not lease("b"), "only its holder can give a lease back"
    learn(2, "a")
    assert lease("b")
    assert [line.version for line in journal.read(lambda session: session.history("SHOP0001"))] == [0, 1, 2]


def test_due_is_what_resume_has_to_do_now(journal: Journal) -> None:
    """Not what is final, leased, left to a person, not yet due, or another account's; the longest due first."""
    later, sooner = NOW + timedelta(seconds=10), NOW - timedelta(seconds=10)
    intended = {ref: journal.write(intend(ref)) for ref in ("D1", "D2", "D3", "D4", "D5", "D6", "D7")}
    save(journal, replace(intended["D2"], state=State.DECLINED))
    save(journal, replace(intended["D3"], for_person="not found for a day"))
    save(journal, replace(intended["D4"], next_at=later))
    save(journal, replace(intended["D5"], next_at=sooner))
    journal.write(lambda session: session.lease("D6/pay//1", "a", 30.0))
    journal.write(lambda session: session.lease("D7/pay//1", "a", -1.0))

    def due(account: str = ACCOUNT, now: datetime = NOW) -> list[str]:
        found: list[str] = []
        while one := journal.write(lambda session: session.claim(account, now, owner="b", ttl_s=30.0)):
            found.append(one.ref)
        for ref in found:
            journal.write(lambda session: session.release(f"{ref}/pay//1", "b"))  # noqa: B023 - called at once
        return found

    assert due() == ["D5", "D1", "D7"]
    assert due("testpay:other") == []
    assert due(now=later) == ["D5", "D1", "D7", "D4"]
    still_open = journal.read(lambda session: session.open_operations())
    assert [one.ref for one in still_open] == ["D1", "D3", "D4", "D5", "D6", "D7"]
    assert still_open == journal.read(lambda session: session.open_operations(ACCOUNT))
    assert journal.read(lambda session: session.open_operations("testpay:other")) == []


def test_every_write_is_a_line_of_history_and_a_change_to_deliver(journal: Journal) -> None:
    """The history and the feed of changes are the same rows; acknowledging one takes it out of the feed alone."""
    first = journal.write(intend())
    save(journal, replace(first, state=State.NOT_SENT, not_sent=NotSentCause(NotSentKind.DEADLINE, "late")))
    journal.write(intend(attempt=2))

    history = journal.read(lambda session: session.history("SHOP0001"))
    assert [(line.source, line.version, line.state) for line in history] == [
        ("intent", 0, State.DOUBT),
        ("reply", 1, State.NOT_SENT),
        ("intent", 0, State.DOUBT),
    ]
    assert (
        history[1].verb,
        history[1].ref,
        history[1].at,
        dict(history[1].detail),
    ) == (Verb.PAY, "SHOP0001", NOW, {"code": "10000"})
    assert history == journal.read(lambda session: session.undelivered(10))
    assert history[:1] == journal.read(lambda session: session.undelivered(1))
    journal.write(lambda session: session.delivered([history[0].id, history[2].id]))
    assert history[1:2] == journal.read(lambda session: session.undelivered(10))
    assert history == journal.read(lambda session: session.history("SHOP0001"))


@pytest.mark.parametrize(("chars", "found"), [(128, True), (129, False), (5000, False)])
def test_a_notice_about_somebody_elses_order_is_kept_however_long_its_reference(
    journal: Journal, chars: int, found: bool
) -> None:
    """A database server would refuse it for ever. As none of ours is so long, it is not searched for."""
    foreign = notice(partner_ref="x" * chars)
    assert journal.write(lambda session: session.add_notice(foreign))
    assert [foreign] == journal.read(lambda session: session.notices(ACCOUNT))
    assert [foreign] * found == journal.read(lambda session: session.notices(ACCOUNT, partner_ref="x" * chars))


@pytest.mark.parametrize("chars", [255, 256, 5000])
def test_a_notice_is_kept_once_however_long_the_name_of_its_event(journal: Journal, chars: int) -> None:
    """Some partners give it no name, and whatever tells it from others has to do."""
    first, second = notice("x" * chars), notice("x" * (chars - 1) + "y")
    assert [journal.write(lambda session, one=one: session.add_notice(one)) for one in (first, second)] == [True, True]  # type: ignore[misc] # bound now
    assert not journal.write(lambda session: session.add_notice(first))
    journal.write(lambda session: session.notice_applied(ACCOUNT, first.event.id))
    assert [second] == journal.read(lambda session: session.notices(ACCOUNT, applied=False))
    assert [replace(first, applied=True), second] == journal.read(lambda session: session.notices(ACCOUNT))


def test_a_notice_is_kept_once(journal: Journal) -> None:
    """A resend is recognised by partner, account and event; its raw body is sealed and comes back."""
    assert journal.write(lambda session: session.add_notice(notice()))
    assert not journal.write(lambda session: session.add_notice(notice(raw=b"sent again")))
    assert journal.write(lambda session: session.add_notice(notice("event2", partner_ref="SHOP0002a1")))

    assert [notice()] == journal.read(lambda session: session.notices(ACCOUNT, partner_ref="SHOP0001a1"))
    journal.write(lambda session: session.notice_applied(ACCOUNT, "event1"))

    def ids(*, applied: bool | None) -> list[str]:
        return [one.event.id for one in journal.read(lambda session: session.notices(ACCOUNT, applied=applied))]

    assert (ids(applied=None), ids(applied=True), ids(applied=False)) == (["event1", "event2"], ["event1"], ["event2"])


def test_without_a_key_nothing_sealed_is_stored_or_lost(url: str, journal: Journal) -> None:
    """A journal that cannot seal keeps no request, and leaves alone what another has sealed."""
    intended = journal.write(intend())
    with Journal.open(url, durability="normal") as blind:
        assert (journal.seals, blind.seals) == (True, False)
        unread = blind.read(lambda session: session.operation(intended.id))
        assert unread is not None
        assert unread.steps[0].request is None
        save(blind, replace(unread, asked=1))
        blind.write(intend("SHOP0002"))
        blind.write(lambda session: session.add_notice(notice()))
        assert blind.read(lambda session: session.notices(ACCOUNT))[0].raw is None

    reread = journal.read(lambda session: (session.operation(intended.id), session.operation("SHOP0002/pay//1")))
    assert [one.steps[0].request for one in reread if one is not None] == [REQUEST, None]


def test_a_transaction_is_whole_or_nothing(journal: Journal) -> None:
    """What the work raises reaches its caller as it is, and nothing of the work stays."""

    def work(session: Session) -> None:
        intend()(session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        journal.write(work)
    assert journal.read(lambda session: session.debt("SHOP0001")) is None


def test_reading_cannot_write(journal: Journal) -> None:
    """A read that writes is an error, so nothing is written where nobody waits for the disk."""
    with pytest.raises(JournalError, match=r"(?i)read.?only"):
        journal.read(intend())


def test_a_session_ends_with_its_transaction(journal: Journal) -> None:
    """A session that was kept cannot write outside any transaction."""
    for run in (journal.read, journal.write):
        kept: Session = run(lambda session: session)
        with pytest.raises(JournalError, match="over"):
            kept.debt("SHOP0001")
        with pytest.raises(JournalError, match="over"):
            kept.release("SHOP0001/pay//1", "a")


@pytest.mark.parametrize("ref", ["half a pair \ud800", "null \x00 byte"])
def test_any_text_is_stored_or_refused_as_a_storage_error(journal: Journal, kind: str, ref: str) -> None:
    """What a partner or payer puts into a text never surfaces as a raw error."""
    try:
        journal.write(lambda session: session.add_debt(debt(ref)))
    except JournalError:
        assert ref.startswith("half") or kind == "postgresql", "PostgreSQL stores no null byte in a text"
    else:
        assert debt(ref) == journal.read(lambda session: session.debt(ref))
