"""The watch on a journal: what the rules find becomes trouble once, and what they hold is not sent until let go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.corner import EURO, GO_ON, PAID, Corner, NoRoad, Wink, order
from tests.support.databases import NAMES, SERVERS, application
from tests.support.incidents import Duty, later

from payport.schemas import Money, NotSent, NotSentKind, Order, Succeeded
from payport.schemas.order import Payer
from payport.schemas.outcome import Reason
from payport.sdk.audit.policy import AuditPolicy
from payport.sdk.audit.record import read_record
from payport.sdk.errors import JournalError
from payport.sdk.events import OrderHeld, OrderReleased, SdkEvent
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.incidents.records import Trouble
from payport.sdk.journal.records import State
from payport.sdk.journal.store import Journal
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.observation import Observation, Source
from payport.sdk.secrets import Secret
from payport.sdk.testing.conformance.world import AT_ONCE, SEALING_KEY
from payport.sdk.testing.stepping import Time, WorkerClock
from payport.sdk.watch import rules
from payport.sdk.watch.moves import View, What
from payport.sdk.watch.payers import PayerKey
from payport.sdk.watch.releasing import NotHeld, held_orders, release
from payport.sdk.watch.rules import Rule
from payport.sdk.watch.watching import Watch

KEY = PayerKey(Secret("a key of sixteen characters or more"))
WEN = Payer(email="wen@shop.example")
DECLINED = Observation(state=State.DECLINED, source=Source.REPLY, reason=Reason.DECLINED)


class Shop:
    """A till at the corner with a watch on it. ``found``: trouble; ``told``: events."""

    def __init__(self, journal: Journal, *watched: Rule, account: str = "corner:1", time: Time | None = None) -> None:
        self.time = time or Time()
        self.clock = WorkerClock(self.time, account)
        self.corner = Corner(account=account)
        self.found: list[Trouble] = []
        self.told: list[SdkEvent] = []
        self.watch = Watch(watched, payer_key=KEY, report=self.found.append, clock=self.clock)
        self.journal = journal
        self.gateway = Gateway(
            self.corner, journal=journal, transport=NoRoad(), sinks=[self.told.append], watch=self.watch, retry=AT_ONCE,
            clock=self.clock,
        )  # fmt: skip

    def pay(self, number: int, amount: str = "3.00", payer: Payer = WEN, says: Observation | None = None) -> object:
        """One order, paid at once unless the corner says otherwise."""
        money = Money.of(amount, "EUR")
        paid = Observation(state=State.SUCCEEDED, source=Source.REPLY, amount=money)
        self.corner.says = [says] if says is not None else [Observation(state=State.DOUBT, source=Source.REPLY), paid]
        bought = Order(ref=f"CORNER{number:06d}", amount=money, subject="Bread", payer=payer)
        return self.gateway.pay(bought, Wink())

    @property
    def held(self) -> list[str]:
        """What is held, by reference."""
        return [hold.ref for hold in held_orders(self.journal)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """On a file."""
    with Journal.open(f"sqlite:///{tmp_path / 'x.db'}", sealing_key=SEALING_KEY) as opened:
        yield opened


@pytest.fixture(params=NAMES)
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty journal is, on each database."""
    return f"sqlite:///{tmp_path / 'x.db'}" if request.param == "sqlite" else SERVERS[request.param].url("watch")


def test_a_hit_is_trouble_once(journal: Journal) -> None:
    """What the stream says is counted, found and reported; another round finds nothing new."""
    shop = Shop(journal, rules.payer_orders(at_most=2))
    shop.watch.follow(journal)
    for number in range(3):
        shop.pay(number)
    assert shop.watch.follow(journal) > 0
    assert [(each.key, each.ref) for each in shop.found] == [
        (f"abnormal_transaction/payer_orders/{KEY.digest('corner', WEN)}", "CORNER000002")
    ]
    assert shop.watch.follow(journal) == 0
    assert len(shop.found) == 1


def test_the_payer_is_in_no_file(journal: Journal, tmp_path: Path) -> None:
    """The journal holds a digest; who has the file but not the key cannot tell who paid."""
    shop = Shop(journal, rules.payer_orders(at_most=2))
    shop.pay(1)
    operation = journal.read(lambda session: session.operations("CORNER000001"))[0]
    assert operation.payer == KEY.digest("corner", WEN)
    journal.close()
    assert b"wen@shop" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_without_a_watch_nothing_is_kept_of_the_payer(journal: Journal) -> None:
    """Not even a digest."""
    bought = Order(ref="CORNER000001", amount=EURO, subject="Bread", payer=WEN)
    corner = Corner(says=[GO_ON, PAID])
    Gateway(corner, journal=journal, transport=NoRoad(), sinks=(), retry=AT_ONCE).pay(bought, Wink())
    assert journal.read(lambda session: session.operations(bought.ref))[0].payer == ""


def test_a_watch_that_begins_does_not_report_the_past(journal: Journal) -> None:
    """A journal that was never watched is read for what is usual; nobody is called for last week."""
    shop = Shop(journal, rules.payer_orders(at_most=2))
    for number in range(5):
        shop.pay(number)
    fresh = Shop(journal, rules.payer_orders(at_most=2), time=shop.time)
    fresh.watch.follow(journal)
    assert fresh.found == []
    fresh.pay(6)
    fresh.watch.follow(journal)
    assert len(fresh.found) == 1


def test_a_watch_that_was_stopped_reports_what_it_missed(journal: Journal) -> None:
    """The place is remembered in the journal: at least once, over all readers."""
    shop = Shop(journal, rules.payer_orders(at_most=2))
    shop.watch.follow(journal)
    shop.pay(1)
    shop.watch.follow(journal)
    for number in range(2, 5):
        shop.pay(number)
    again = Shop(journal, rules.payer_orders(at_most=2), time=shop.time)
    again.watch.follow(journal)
    assert [each.ref for each in again.found] == ["CORNER000003", "CORNER000004"]


def test_a_watch_that_was_stopped_at_once_has_begun(journal: Journal) -> None:
    """Its first round found nothing; what happens from then on is reported by the next one."""
    shop = Shop(journal, rules.payer_orders(at_most=1))
    shop.watch.follow(journal)
    shop.pay(1)
    shop.pay(2)
    again = Shop(journal, rules.payer_orders(at_most=1), time=shop.time)
    again.watch.follow(journal)
    assert [each.ref for each in again.found] == ["CORNER000002"]


def test_it_looks_back_as_far_as_the_rules_do(journal: Journal) -> None:
    """And no further: a journal of years is not read from its beginning."""
    shop = Shop(journal, rules.payer_orders(at_most=2, within_s=3600))
    for number in range(3):
        shop.pay(number)
        shop.time.pass_by(2000)
    again = Shop(journal, rules.payer_orders(at_most=2, within_s=3600), time=shop.time)
    read = again.watch.follow(journal)
    everything = journal.read(lambda session: session.operating.newest())
    assert 0 < read < everything


def test_declines_count_and_asking_again_does_not(journal: Journal) -> None:
    """A state counts when it is entered, however often it is written down."""
    shop = Shop(journal, rules.payer_declines(at_most=2))
    for number in range(3):
        shop.pay(number, says=DECLINED)
    shop.watch.follow(journal)
    assert shop.found == []
    shop.pay(4)
    shop.watch.follow(journal)
    # once when he tries again, and once when it works
    assert [each.summary.partition(" days")[0][-6:] for each in shop.found if "paid" in each.summary] != []
    assert len(shop.found) == 2


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_what_is_committed_late_is_not_lost(kind: str) -> None:
    """An application's transaction holds a prepared intent open while others commit: it is read all the same."""
    url = SERVERS[kind].url("watch")
    with Journal.open(url, sealing_key=SEALING_KEY) as journal, closing(application(kind, url)) as connection:
        if kind == "mariadb":  # its usual isolation level would lock the others out until we commit
            connection.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            connection.rollback()
        shop = Shop(journal, rules.payer_orders(at_most=2))
        shop.watch.follow(journal)
        wanted = Order(ref="CORNER000001", amount=EURO, subject="Bread", payer=WEN)
        assert isinstance(shop.gateway.prepare(wanted, Wink(), connection), str)
        shop.pay(2)
        shop.pay(3)
        shop.watch.follow(journal)
        assert shop.found == []
        connection.commit()
        shop.watch.follow(journal)
        assert [each.ref for each in shop.found] == ["CORNER000001"]


def test_holds_and_places_are_kept_on_every_database(any_url: str) -> None:
    """A hold comes back as it was; a place is never turned back."""
    with Journal.open(any_url) as journal:
        shop = Shop(journal, rules.payer_orders(at_most=1, hold=True))
        shop.pay(1)
        held(shop.pay(2))
        (hold,) = held_orders(journal)
        assert (hold.ref, hold.rule, hold.payer, hold.amount) == (
            "CORNER000002", "payer_orders", KEY.digest("corner", WEN), EURO,
        )  # fmt: skip
        release(journal, hold.ref, "Wen", later(60))
        assert held_orders(journal) == []
        for place, expected in ((5, 5), (9, 9), (7, 9)):
            journal.write(lambda session, place=place: session.operating.keep_place("x", place))  # type: ignore[misc]  # bound now
            assert journal.read(lambda session: session.operating.place("x")) == expected


def test_the_stream_is_found_by_time(any_url: str) -> None:
    """By halving: a journal of millions is not read through."""
    with Journal.open(any_url) as journal:
        shop = Shop(journal, rules.payer_orders(at_most=9))
        for number in range(12):
            shop.pay(number)
            shop.time.pass_by(100)
        every = journal.read(lambda session: session.operating.streamed(0, 999))
        for back_s in (0, 50, 100, 550, 1200, 9999):
            since = later(1200 - back_s)
            number = journal.read(lambda session, since=since: session.operating.before(since))  # type: ignore[misc]  # bound now
            expected = [each.transition.id for each in every if each.transition.at >= since]
            assert [each.transition.id for each in every if each.transition.id > number] == expected


# holding


def held(outcome: object) -> str:
    """Why it was not sent."""
    assert isinstance(outcome, NotSent)
    assert outcome.cause.kind is NotSentKind.HELD
    return outcome.cause.detail


def test_a_payment_is_held_before_anything_is_sent(journal: Journal) -> None:
    """Nothing of it is in the journal but that it is held; the caller is told what to do."""
    shop = Shop(journal, rules.payer_orders(at_most=2, hold=True))
    shop.pay(1)
    shop.pay(2)
    shop.corner.did.clear()
    assert held(shop.pay(3)) == (
        f"rule payer_orders holds CORNER000003: payer {KEY.digest('corner', WEN)} opened 3 orders in 1 h. Nothing was "
        "sent; a person who has looked lets it go with payport watch release CORNER000003 --by NAME"
    )
    assert shop.corner.did == []
    assert journal.read(lambda session: session.debt("CORNER000003")) is None
    assert shop.held == ["CORNER000003"]
    assert [event.name for event in shop.told if isinstance(event, OrderHeld)] == ["order.held"]


def test_what_is_held_stays_held_and_is_told_once(journal: Journal) -> None:
    """Asking again, tomorrow, in another process without that rule, or at another account, does not send it."""
    shop = Shop(journal, rules.payer_orders(at_most=1, hold=True))
    shop.pay(1)
    held(shop.pay(2))
    held(shop.pay(2))
    shop.time.pass_by(86_400)
    held(shop.pay(2))
    other = Shop(journal, rules.account_velocity(at_most=9, hold=True), account="corner:2", time=shop.time)
    held(other.pay(2))
    assert [type(event) for event in [*shop.told, *other.told] if isinstance(event, OrderHeld)] == [OrderHeld]


def test_a_person_lets_it_go(journal: Journal) -> None:
    """By name; then the same call sends it, and nothing holds it again."""
    shop = Shop(journal, rules.payer_orders(at_most=1, hold=True))
    shop.pay(1)
    held(shop.pay(2))
    event = release(journal, "CORNER000002", "Wen", later(60), "he bought for the office")
    assert event == OrderReleased(
        partner="corner", account="corner:1", ref="CORNER000002", by="Wen", note="he bought for the office"
    )
    assert isinstance(shop.pay(2), Succeeded)
    assert shop.held == []


def test_holding_and_letting_go_are_in_the_audit_trail(tmp_path: Path) -> None:
    """Who, what, when, with what result; nothing of the payer but the digest that the reason names."""
    with Journal.open(f"sqlite:///{tmp_path / 'x.db'}", sealing_key=SEALING_KEY, audit=AuditPolicy()) as journal:
        shop = Shop(journal, rules.account_velocity(at_most=1, hold=True))
        shop.pay(1)
        held(shop.pay(2))
        release(journal, "CORNER000002", "Wen", later(60), "a busy day")
        records = [read_record(row.body) for row in JournalTrail(journal).of_debt("CORNER000002")]
    assert [(each.what, each.result, each.who) for each in records] == [
        ("order.held", "held", "application"), ("order.released", "released", "Wen"),
    ]  # fmt: skip


def test_a_release_is_for_that_amount(journal: Journal) -> None:
    """Another amount under the same reference is looked at anew."""
    shop = Shop(journal, rules.payer_orders(at_most=1, hold=True))
    shop.pay(1)
    held(shop.pay(2))
    release(journal, "CORNER000002", "Wen", later(60))
    held(shop.pay(2, amount="300.00"))
    assert shop.held == ["CORNER000002"]


@pytest.mark.parametrize("ref", ["CORNER000009", "CORNER000002"])
def test_what_is_not_held_cannot_be_let_go(journal: Journal, ref: str) -> None:
    """A mistyped reference, and one that somebody let go already."""
    shop = Shop(journal, rules.payer_orders(at_most=1, hold=True))
    shop.pay(1)
    held(shop.pay(2))
    release(journal, "CORNER000002", "Wen", later(60))
    with pytest.raises(NotHeld, match=f"{ref} is not held"):
        release(journal, ref, "Li", later(61))


def test_whoever_lets_it_go_has_a_name(journal: Journal) -> None:
    """For the record."""
    with pytest.raises(ValueError, match="a name that colleagues know"):
        release(journal, "CORNER000002", " ", later(60))


def test_only_rules_that_say_so_hold(journal: Journal) -> None:
    """The others report."""
    shop = Shop(journal, rules.payer_orders(at_most=1))
    shop.watch.follow(journal)
    shop.pay(1)
    assert isinstance(shop.pay(2), Succeeded)
    shop.watch.follow(journal)
    assert (shop.held, len(shop.found)) == ([], 1)


def test_questions_refunds_and_resume_are_never_held(journal: Journal) -> None:
    """What is under way is brought to its end; the attempt that is there is followed."""
    shop = Shop(journal, rules.account_velocity(at_most=1, hold=True))
    shop.corner.says = [Observation(state=State.PENDING, source=Source.REPLY)]
    shop.gateway.pay(order(), Wink())
    held(shop.pay(2))
    shop.corner.says = [PAID] * 9
    assert isinstance(shop.gateway.query(order().ref).outcome, Succeeded)
    assert isinstance(shop.gateway.pay(order(), Wink()), Succeeded)
    shop.gateway.resume()


def test_what_another_process_did_counts_once_the_stream_was_read(journal: Journal) -> None:
    """Both look at one journal; each counts its own at once and the other's with the next round, none twice."""
    one = Shop(journal, rules.payer_orders(at_most=3, hold=True))
    two = Shop(journal, rules.payer_orders(at_most=3, hold=True), time=one.time)
    one.watch.follow(journal)
    two.watch.follow(journal)
    one.pay(1)
    one.pay(2)
    two.pay(3)
    one.watch.follow(journal)
    two.watch.follow(journal)
    held(two.pay(4))
    held(one.pay(5))
    assert one.found == two.found == []


def test_a_prepared_intent_is_held_too(journal: Journal, tmp_path: Path) -> None:
    """It would be sent by resume, which is too late to look."""
    shop = Shop(journal, rules.account_velocity(at_most=1, hold=True))
    shop.pay(1)
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        answer = shop.gateway.prepare(order("CORNER000002"), Wink(), connection)
        connection.commit()
    held(answer)
    assert shop.held == ["CORNER000002"]
    assert [event.ref for event in shop.told if isinstance(event, OrderHeld)] == ["CORNER000002"]
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        held(shop.gateway.prepare(order("CORNER000002"), Wink(), connection))
        connection.commit()


def test_a_hold_that_cannot_be_written_is_no_payment(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent: it says so, with the reason."""
    from payport.sdk.journal.operating_part import OperatingPart

    def broken(self: OperatingPart, hold: object) -> None:
        raise JournalError("the disk is full")

    shop = Shop(journal, rules.account_velocity(at_most=1, hold=True))
    shop.pay(1)
    monkeypatch.setattr(OperatingPart, "keep_hold", broken)
    outcome = shop.pay(2)
    assert isinstance(outcome, NotSent)
    assert outcome.cause.kind is NotSentKind.STORAGE


def test_a_rule_that_raises_holds_nothing(journal: Journal) -> None:
    """A mistake of yours must not close the shop; it is counted."""

    def wrong(view: View) -> str | None:
        raise ZeroDivisionError

    shop = Shop(journal, Rule(name="mine", look=wrong, hold=True))
    shop.watch.follow(journal)
    assert isinstance(shop.pay(1), Succeeded)
    shop.watch.follow(journal)
    assert shop.watch.failed == 3


def test_a_rule_of_your_own(journal: Journal) -> None:
    """A function over a view, and the readings that it declares."""

    def round_amounts(view: View) -> str | None:
        moved = view.moved
        return "a round amount" if moved.what is What.ORDERED and moved.amount.amount_minor % 10_000 == 0 else None

    shop = Shop(journal, Rule(name="round_amounts", look=round_amounts, hold=True))
    assert isinstance(shop.pay(1, amount="99.00"), Succeeded)
    held(shop.pay(2, amount="100.00"))


def test_two_rules_of_one_name_are_refused() -> None:
    """An incident goes by the name."""
    with pytest.raises(ValueError, match="two rules have one name: payer_orders, payer_orders"):
        Watch([rules.payer_orders(at_most=1), rules.payer_orders(at_most=2)])


@pytest.mark.anyio
async def test_it_holds_in_async_too(journal: Journal) -> None:
    """The same body."""
    watch = Watch([rules.account_velocity(at_most=1, hold=True)])
    clock = WorkerClock(Time(), "a")
    corner = Corner(says=[GO_ON, PAID])
    async with AsyncGateway(corner, journal=journal, sinks=(), watch=watch, retry=AT_ONCE, clock=clock) as gateway:
        assert isinstance(await gateway.pay(order("CORNER000001"), Wink()), Succeeded)
        held(await gateway.pay(order("CORNER000002"), Wink()))


def test_it_follows_by_itself(journal: Journal) -> None:
    """On a thread, until it is closed; a journal that is closed meanwhile is only counted."""
    shop = Shop(journal, rules.payer_orders(at_most=1))
    shop.watch.follow(journal)
    shop.watch.start(journal, every_s=0.01)
    shop.pay(1)
    shop.pay(2)
    for _ in range(500):
        if shop.found:
            break
        shop.watch._stop.wait(0.01)
    assert len(shop.found) == 1
    journal.close()
    for _ in range(500):
        if shop.watch.failed:
            break
        shop.watch._stop.wait(0.01)
    shop.watch.close()
    assert shop.watch.failed > 0


def test_what_is_found_and_held_is_an_incident(journal: Journal) -> None:
    """From the watch and from the gateway's events to one alert each; letting go ends it."""
    duty = Duty()
    shop = Shop(journal, rules.payer_orders(at_most=1, hold=True), time=duty.time)
    shop.pay(1)
    shop.pay(2)
    for event in shop.told:
        duty.alerts(event)
    duty.settle()
    assert duty.sink.kinds == ["abnormal_transaction"]
    assert duty.sink.heard[0].incident.summary.startswith(
        "CORNER000002 is held, nothing was sent: payer_orders: payer "
    )
    duty.alerts(release(journal, "CORNER000002", "Wen", duty.time.at))
    duty.settle()
    duty.pass_by(61)
    assert duty.sink.heard[-1].incident.note == "let go by Wen"


def _much(view: View) -> str | None:
    return "that is much" if view.moved.amount.amount_minor > 1000 else None


def test_what_was_let_through_and_not_written_is_looked_at_again(journal: Journal, tmp_path: Path) -> None:
    """An application that rolled back may ask for another amount: it has the number of the attempt that never was."""
    shop = Shop(journal, Rule(name="much", look=_much, hold=True))
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert isinstance(shop.gateway.prepare(order("CORNER000001"), Wink(), connection), str)
        connection.rollback()
    held(shop.pay(1, "3000.00"))
