"""The parts of the seeded world, each by itself: chance, time, weather, disk, network, deaths, payers, notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.conformance.subjects.kiosk import SUBJECT

from payport.schemas import ActionRequired, NotSent, Succeeded, Unknown
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Load, Record
from payport.sdk.journal.records import Debt, Operation, State, Verb
from payport.sdk.journal.session import Lease, Session
from payport.sdk.keys import PrivateKey
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.plain import PlainSimulator
from payport.sdk.testing.simulated import SimulatedPartner
from payport.sdk.testing.stepping import MORNING, Time
from payport.sdk.testing.world import Options, Schedule, quick_keys
from payport.sdk.testing.world.dice import Dice
from payport.sdk.testing.world.disk import Disk
from payport.sdk.testing.world.history import (
    Arrived,
    Away,
    Booked,
    Died,
    Entry,
    Happened,
    History,
    Left,
    Moved,
    Told,
    clock_of,
)
from payport.sdk.testing.world.stage import Stage
from payport.sdk.testing.world.street import Notice
from payport.sdk.testing.world.weather import CALM, NOT_LEFT, Mishap, Weather, draw

EntryT = TypeVar("EntryT", bound=Entry)

REF = "SHOP000001"
PLAYS = sorted(SUBJECT.plays, key=lambda fault: fault.name)


# chance and time


def test_the_same_seed_gives_the_same_luck() -> None:
    """And another seed, or partner, another."""
    draws = [Dice(name, seed).number() for name, seed in (("a", 1), ("a", 1), ("a", 2), ("b", 1))]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3


def test_what_cannot_happen_draws_nothing() -> None:
    """So that calm weather does not change what comes after it."""
    one, other = Dice("a", 1), Dice("a", 1)
    assert not one.happens(0.0)
    assert one.number() == other.number()
    assert one.happens(1.0)


def test_draws_stay_in_their_bounds() -> None:
    """Of a thousand each."""
    dice = Dice("a", 1)
    assert {dice.upto(2) for _ in range(1000)} == {0, 1, 2}
    assert all(3.0 <= dice.between(3.0, 4.0) < 4.0 for _ in range(1000))
    seconds = [dice.while_(900.0) for _ in range(1000)]
    assert 0 <= min(seconds) < 1
    assert 600 < max(seconds) < 900


def stage(weather: Weather = CALM, seed: int = 1) -> Stage:
    history = History(partner="kiosk", seed=seed, start=MORNING)
    return Stage(Dice("kiosk", seed), Dice("away", seed), weather, history, MORNING)


def test_things_happen_in_their_order_and_at_their_time() -> None:
    """First planned, first done, at the same moment; what is planned meanwhile finds its place."""
    happened: list[tuple[str, float]] = []
    own = stage()

    def note(name: str) -> Callable[[], None]:
        return lambda: happened.append((name, own.elapsed))

    own.after(2.0, note("late"))
    own.after(1.0, note("one"))
    own.after(1.0, lambda: own.after(0.5, note("between")))
    own.after(1.0, note("two"))
    own.after(9.0, note("never"))
    own.run(until=5.0)
    assert happened == [("one", 1.0), ("two", 1.0), ("between", 1.5), ("late", 2.0)]
    assert own.time.at == MORNING + timedelta(seconds=5)


def test_who_makes_trouble_stops_when_it_is_calm() -> None:
    """What is under way goes on."""
    happened: list[str] = []
    own = stage(Weather(road=1.0))
    own.after(1.0, lambda: happened.append("payer"), fading=True)
    own.after(1.0, lambda: happened.append("reply"))
    own.calm(CALM)
    own.run()
    assert (happened, own.weather.road) == (["reply"], 0.0)


def test_the_weather_of_some_seeds_is_bad_in_every_way() -> None:
    """And of others in none: each kind is absent somewhere, and likely somewhere."""
    drawn = [draw(Dice("kiosk", seed), Dice("away", seed), PLAYS) for seed in range(300)]
    for name in (
        "road",
        "partner",
        "refused",
        "disk",
        "death",
        "doubled",
        "forged",
        "missed",
        "jump",
        "away",
        "lasting",
    ):
        likely = {getattr(each, name) for each in drawn}
        assert min(likely) == 0.0, name
        assert max(likely) > 0.1 - (name == "disk"), name
    assert {len(each.mishaps) for each in drawn} >= {1, 2, len(Mishap)}
    assert Fault.LATE_ARRIVAL not in {fault for each in drawn for fault in each.faults}, "the network plays it"


def test_the_clock_in_a_story_names_another_day() -> None:
    """As a person reads it."""
    assert clock_of(MORNING, 61.5) == "01:01:01.500"
    assert clock_of(MORNING, 86_400.0) == "01:00:00.000 (+1 d)"


# the disk


def operation() -> Operation:
    price = SUBJECT.order.amount
    return Operation(
        id=f"{REF}/pay//1", ref=REF, verb=Verb.PAY, partner="kiosk", account="kiosk:1", partner_ref=f"{REF}T001",
        amount=price, created_at=MORNING, next_at=MORNING,
    )  # fmt: skip


def write(disk: Disk, lease: Lease | None = None) -> Operation:
    made = operation()

    def work(session: Session) -> None:
        session.add_debt(Debt(ref=REF, verb=Verb.PAY, amount=made.amount, payee="", created_at=MORNING))
        session.add(made, source="intent", detail={"a": "b"}, now=MORNING, lease=lease)

    disk.open().perform(Record("intend", work))
    return made


@pytest.fixture(params=["memory", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "world.db" if request.param == "file" else None


def test_leases_run_out_on_the_schedules_time(place: Path | None) -> None:
    """The database is asked for its own clock, and tells the schedule's."""
    time = Time()
    disk = Disk(time, place=place)
    made = write(disk, Lease("worker 1", 10.0))
    taking = Record("take", lambda session: session.lease(made.id, "worker 2", 10.0))

    def claimed(session: Session) -> bool:
        due = session.claim("kiosk:1", time.at, owner="worker 3", ttl_s=10.0, passing=())
        return due is not None

    claiming = Record("claim", claimed)
    assert (disk.open().perform(taking), disk.open().perform(claiming)) == (False, False)
    time.pass_by(10.5)
    assert (disk.open().perform(taking), disk.open().perform(claiming)) == (True, False)
    time.pass_by(10.5)
    assert disk.open().perform(claiming) is True
    disk.close()


def test_a_disk_begins_empty_and_tells_its_news_once(place: Path | None) -> None:
    """Whatever the schedule before it wrote."""
    disk = Disk(Time(), place=place)
    made = write(disk)
    assert [(news.operation, news.version, news.state, news.source, news.detail) for news in disk.news()] == [
        (made.id, 0, State.DOUBT, "intent", {"a": "b"})
    ]
    assert disk.news() == []
    assert disk.holds(made.id, made.id)
    assert not disk.holds(made.id, "another digest")
    disk.close()
    if place is None:
        assert Disk(Time()).news() == []


def test_each_process_remembers_what_it_saw_itself(place: Path | None) -> None:
    """An image that another process has replaced is a conflict, as between true processes."""
    disk = Disk(Time(), place=place)
    made = write(disk)
    one, other = disk.open(), disk.open()
    reading = Load("current", lambda session: session.operation(made.id))
    seen = one.perform(reading)
    other.perform(Record("save", lambda session: session.save(made, source="local", detail={}, now=MORNING)))
    assert isinstance(seen, Operation)
    known = Record("latest", lambda session: session.latest(seen).version)
    assert (one.perform(known), other.perform(known)) == (0, 1)
    disk.close()


# one schedule, with a weather of its own


@dataclass
class Counting:
    """A schedule in which nobody does anything by himself. ``weather``: what goes wrong."""

    weather: Weather = CALM
    seed: int = 1
    outcomes: list[object] = field(default_factory=list[object])

    def __post_init__(self) -> None:
        self.schedule = Schedule(SUBJECT, self.seed, Options(weather=self.weather))
        self.stage, self.workers, self.street = self.schedule.stage, self.schedule.workers, self.schedule.street
        self.stage.history.refs.append(REF)
        self.process = self.workers.alive[0]
        self.way = SUBJECT.ways[0]
        self.partner: SimulatedPartner = self.schedule.partner

    def pay(self, *, run: bool = True, deadline_s: float = 10.0) -> object:
        order, method = replace(SUBJECT.order, ref=REF), self.way.method(self.partner)
        self.workers.start(
            self.process, "pay", lambda desk, adapter: desk.pay(adapter, order, method, deadline_s), ref=REF,
            deadline_s=deadline_s, then=self.outcomes.append,
        )  # fmt: skip
        if run:
            self.stage.run()
            return self.outcomes[-1]
        return None

    def entries(self, kind: type[EntryT]) -> list[EntryT]:
        return [entry for entry in self.stage.history.entries if isinstance(entry, kind)]


@pytest.mark.parametrize("mishap", Mishap, ids=lambda mishap: mishap.name)
def test_each_mishap_is_what_it_says(mishap: Mishap) -> None:
    """Whether a byte left, whether the partner read it, how often, and what the caller can know."""
    counting = Counting(Weather(road=1.0, mishaps=(mishap,), pause=0.0))
    outcome = counting.pay()
    sent, arrived = counting.entries(Left), counting.entries(Arrived)
    assert all(entry.may_have_left is (mishap not in NOT_LEFT) for entry in sent)
    times = {Mishap.REPEATED: 2, Mishap.SLOW: 1, Mishap.REPLY_LOST: 1, Mishap.RESET_AFTER: 1, Mishap.DELAYED: 1}
    assert len(arrived) == times.get(mishap, 0) * len(sent)
    expected = {Mishap.REPEATED: ActionRequired, Mishap.SLOW: ActionRequired | Unknown}
    assert isinstance(outcome, expected.get(mishap, NotSent if mishap in NOT_LEFT else Unknown)), outcome
    if mishap in (Mishap.LOST, Mishap.REPLY_LOST, Mishap.DELAYED):
        assert abs(counting.entries(Told)[0].at - 10.0) < 0.01, "nobody knew before time was up"
    late = [entry.at for entry in arrived if entry.at > 10.0]
    assert not late or mishap in (Mishap.DELAYED, Mishap.REPEATED)


def test_what_befalls_a_request_can_befall_every_one_for_a_while() -> None:
    """A limit that was reached is reached by the next request too; in calm weather nothing lasts."""
    fates = set[frozenset[str]]()
    faults = (Fault.RATE_LIMITED, Fault.SYSTEM_ERROR)
    for seed in range(20):
        counting = Counting(Weather(partner=1.0, faults=faults, lasting=1.0, pause=0.0), seed)
        network = counting.schedule.network
        first = network._befalls(None)  # pyright: ignore[reportPrivateUsage] - what a request would meet
        spell = network._spell  # pyright: ignore[reportPrivateUsage] - as above
        assert spell is not None
        counting.pay()
        left = [each for each in counting.entries(Left) if each.at < spell[1]]
        fates.add(frozenset(each.fate for each in left))
        assert first[0] is None
        assert all(first[1] is not None and first[1].value in each.fate for each in left)
        counting.stage.calm(CALM)
        assert network._befalls(None) == (None, None)  # pyright: ignore[reportPrivateUsage] - as above
    assert len(fates - {frozenset()}) == 2, "each of them somewhere"


def test_a_request_is_never_longer_on_its_way_than_the_partner_promises() -> None:
    """A delayed one arrives after its caller gave up, and before the profile says that it must have been seen."""
    arrivals: list[float] = []
    for seed in range(60):
        counting = Counting(Weather(road=1.0, mishaps=(Mishap.DELAYED,), pause=0.0), seed)
        counting.pay()
        arrivals += [entry.at for entry in counting.entries(Arrived)]
    longest = Counting().process.adapter.profile.in_flight_s
    assert 0.5 * longest < max(arrivals) < longest


def test_the_partner_lags_only_for_a_moment() -> None:
    """It may say that it knows of nothing right after it heard of it, and no longer."""
    counting = Counting()
    counting.pay()
    counting.stage.weather = Weather(partner=1.0, faults=(Fault.NOT_FOUND,))
    counting.schedule.network.seen_at[REF] = counting.stage.elapsed
    for later, expected in ((1.0, 1), (120.0, 1)):
        counting.stage.after(
            later,
            lambda: counting.workers.start(
                counting.process, "query", lambda desk, adapter: desk.query(adapter, REF, 5.0), ref=REF
            ),
        )
        counting.stage.run()
        assert counting.schedule.network.met["NOT_FOUND"] == expected


@pytest.mark.parametrize("dies_at", range(1, 9))
def test_a_killed_process_does_nothing_more(dies_at: int) -> None:
    """Whatever it was about to do; another one is started, and finds what was written down."""
    counting = Counting(Weather(pause=0.0))
    counting.pay(run=False)
    counting.process.calls[0].dies_at = counting.process.calls[0].effects + dies_at
    counting.stage.run(until=200.0)
    died = counting.entries(Died)
    if counting.outcomes == [None]:
        assert len(died) == 1
        before = [entry for entry in counting.entries(Moved) if entry.at > died[0].at]
        assert before == []
        assert not counting.process.alive
        assert len(counting.workers.alive) == 1
        assert counting.workers.alive[0].name != counting.process.name
    else:
        assert isinstance(counting.outcomes[0], ActionRequired), "it ended before"


def test_the_disk_fails_as_the_weather_says() -> None:
    """Before the intent: nothing is sent, and nobody knows of before. An unconfirmed commit is written all the same."""
    counting = Counting(Weather(disk=1.0, pause=0.0))
    outcome = counting.pay()
    assert isinstance(outcome, Unknown)
    assert outcome.cause.kind.value == "storage"
    assert counting.entries(Left) == []
    unsure = 0
    for seed in range(40):
        own = Counting(seed=seed)
        own.pay()
        own.stage.weather = Weather(disk=1.0)
        own.workers.start(own.process, "acknowledge", lambda desk, _: desk.acknowledge(()), then=own.outcomes.append)
        assert isinstance(own.outcomes[-1], JournalError)
        unsure += any("commit" in entry.kind for entry in own.entries(Happened))
    assert 0 < unsure < 40


def test_a_process_that_stands_still_does_nothing_until_it_is_back() -> None:
    """What it was about to do it does then; what others did meanwhile it finds, and time that was up is up."""
    sent = late = 0
    for seed in range(100):
        counting = Counting(Weather(away=1.0, pause=0.0), seed)
        counting.pay()
        for gone in counting.entries(Away):
            assert gone.at < gone.until <= gone.at + 900.0
            during = [each for each in counting.stage.history.entries if gone.at < each.at < gone.until]
            assert not any(isinstance(each, Told | Left | Moved) for each in during), during
            left = counting.entries(Left)
            too_late = gone.until - gone.at > 10.0 and not any(each.at < gone.at for each in left)
            sent, late = sent + bool(left), late + too_late
            assert not (too_late and any(each.at > gone.at for each in left)), f"seed {seed}: sent after its time"
    assert sent > 5
    assert late > 5


def test_who_dies_while_it_stands_still_does_not_come_back() -> None:
    """Another process is at its place by then."""
    counting = Counting(Weather(away=1.0, pause=0.0))
    while not counting.entries(Away):
        counting = Counting(Weather(away=1.0, pause=0.0), counting.seed + 1)
        counting.pay(run=False)
    counting.workers.kill(counting.process)
    counting.stage.run()
    assert counting.outcomes == [None]
    assert counting.entries(Told) == []


def test_a_clock_that_is_set_moves_no_deadline() -> None:
    """Wall time jumps by no more than half of what a late payment is given; seconds go on evenly."""
    counting = Counting()
    clock = counting.process.clock
    skews = set[float]()
    for _ in range(50):
        counting.workers.jump(counting.process)
        skews.add(clock.skew_s)
        moment = clock.moment()
        assert moment.monotonic_s == counting.stage.elapsed
        assert moment.utc == counting.stage.time.at + timedelta(seconds=clock.skew_s)
    assert len(skews) > 10
    assert max(map(abs, skews)) <= counting.process.adapter.profile.settle_margin_s / 2


def test_a_payer_pays_or_is_turned_away() -> None:
    """The partner's books say which; its notice goes on its way."""
    counting = Counting()
    outcome = counting.pay()
    assert isinstance(outcome, ActionRequired)
    counting.street.show(REF, counting.way, outcome.action)
    for _ in range(20):
        counting.street._act(REF)  # pyright: ignore[reportPrivateUsage]
    assert [entry.kind for entry in counting.entries(Booked)] == ["charge"]
    payers = [entry.detail for entry in counting.entries(Happened) if entry.kind == "payer"]
    assert any(detail.endswith("pays") for detail in payers)
    assert any(detail.endswith("turned away") for detail in payers)
    assert counting.street.notices == [Notice(0)]
    counting.stage.run()
    assert counting.street.notices[0].acknowledged
    assert counting.entries(Moved)[-1].state is State.SUCCEEDED


def test_a_notice_comes_again_until_it_is_acknowledged() -> None:
    """The process that had it died, and then there was none for a while."""
    counting = Counting()
    counting.street.notices = [Notice(0)]
    cast("PlainSimulator", counting.partner).tell(b"NOBODY00T001")
    counting.workers.kill(counting.process)
    counting.street.deliver(counting.street.notices[0])
    counting.stage.run(until=400.0)
    asked = [entry for entry in counting.entries(Told) if entry.verb == "receive"]
    assert len(asked) > 1, "the partner does not know what to make of the refusal"
    assert not counting.street.notices[0].acknowledged


def test_a_way_in_calm_weather_ends_paid() -> None:
    """The whole schedule, with nothing wrong in it."""
    calm = Options(weather=replace(CALM, length_s=3000.0))
    histories = [Schedule(SUBJECT, seed, calm).play() for seed in range(12)]
    assert all(history.operations for history in histories)
    assert all(each.state.final for history in histories for each in history.operations)
    told = [entry.outcome for history in histories for entry in history.entries if isinstance(entry, Told)]
    assert any(isinstance(outcome, Succeeded) for outcome in told)


# keys


def test_quick_keys_sign_for_their_owner_alone() -> None:
    """Another message, another key, another byte: refused; and the genuine ones are back afterwards."""
    ours, theirs = (PrivateKey(rsa.generate_private_key(public_exponent=65537, key_size=2048)) for _ in range(2))
    genuine = ours.sign(b"message")
    with quick_keys():
        quick = ours.sign(b"message")
        assert len(quick) == len(genuine)
        assert ours.public.verify(b"message", quick)
        assert not ours.public.verify(b"Message", quick)
        assert not theirs.public.verify(b"message", quick)
        assert not ours.public.verify(b"message", quick[:-1] + bytes([quick[-1] ^ 1]))
        assert not ours.public.verify(b"message", quick, legacy_sha1=True)
        assert not ours.public.verify(b"message", genuine)
    assert ours.sign(b"message") == genuine
    assert not ours.public.verify(b"message", quick)
