"""One merchant, one simulated partner, one journal, and time that moves when it is moved.

A world can be brought to rest, and then says everything that does not add up.
"""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from payport.schemas.actions import Action
from payport.schemas.order import CaptureMode, Order, PayoutOrder
from payport.schemas.outcome import ActionRequired
from payport.sdk.audit.verifying import Verification
from payport.sdk.desk import Desk
from payport.sdk.events import SdkEvent
from payport.sdk.exchange import Exchange
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.hosting import Admission, SyncHost
from payport.sdk.journal.records import Operation, State, Transition, Verb
from payport.sdk.journal.store import Journal
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.retry import RetryPolicy
from payport.sdk.secrets import Secret
from payport.sdk.testing.conformance.agreement import disagreements
from payport.sdk.testing.conformance.subject import PartnerT, Subject, Way
from payport.sdk.testing.stepping import Run, Time, WorkerClock
from payport.sdk.testing.watching import AsyncWatchedTransport, EveryVerb, Watch, WatchedTransport, watched

if TYPE_CHECKING:
    from payport.sdk.journal.engine import Link

T = TypeVar("T")

SEALING_KEY = Secret(base64.b64encode(bytes(range(32))).decode())
AT_ONCE = RetryPolicy(base_s=0.0, cap_s=0.0)
"""Three tries without waiting."""
DEADLINE_S = 10.0
SOON_S = 1.0
"""A deadline before anybody asks: what is told is what the call itself learnt."""


@dataclass
class World(Generic[PartnerT]):
    """``sealed``: whether requests are kept to be repeated.

    ``url``: an empty journal's that stands elsewhere, on a database server for example; by default it is a file in
    ``folder``. ``shared``: the journal of another world in the same folder, which closes it.
    """

    subject: Subject[PartnerT]
    folder: Path
    sealed: bool = True
    url: str | None = None
    shared: Journal | None = None
    time: Time = field(default_factory=Time)
    events: list[SdkEvent] = field(default_factory=list[SdkEvent])
    refs: list[str] = field(default_factory=list[str])
    """Every reference made here so far."""
    told: list[object] = field(default_factory=list[object])
    """What callers were told by :meth:`tell`."""
    came_back: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """What payers who paid brought along, by reference, where ``complete`` is still to follow."""
    methods: list[object] = field(default_factory=list[object])
    """How it was paid: a scanned code in it is a secret."""
    _names: Iterator[int] = field(default_factory=lambda: count(1))
    _delivered: int = 0

    def __post_init__(self) -> None:
        self.partner: PartnerT = self.subject.simulator(self.time)
        self.place = self.folder / "payments.db"
        self.journal = self._opened() if self.shared is None else self.shared
        self.watch = Watch(asks=self.subject.asks, known=self._known, aside=self.subject.aside)
        self.transport = WatchedTransport(self.partner.transport(), self.watch)
        self.bare = self.subject.adapter(self.partner)
        """The adapter as the subject makes it."""
        self.adapter: EveryVerb = watched(self.bare, self.watch)

    def _opened(self) -> Journal:
        key = SEALING_KEY if self.sealed else None
        if self.url is None:
            self.place.write_bytes(_empty_journal())
        url = self.url or f"sqlite:///{self.place}"
        return Journal.open(url, sealing_key=key, durability="normal")

    def close(self) -> None:
        """Close journal and partner."""
        if "_hand" in self.__dict__:
            self._hand.close()
        if self.shared is None:
            self.journal.close()
        self.partner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def gateway(self, *, admissions: Sequence[Admission] = ()) -> Gateway[EveryVerb]:
        """Another worker's gateway."""
        return Gateway(
            self.adapter,
            journal=self.journal,
            transport=self.transport,
            sinks=(self.events.append,),
            retry=AT_ONCE,
            admissions=admissions,
            clock=WorkerClock(self.time, f"worker-{next(self._names)}"),
        )

    def async_gateway(self, *, admissions: Sequence[Admission] = ()) -> AsyncGateway[EveryVerb]:
        """Another worker's async gateway."""
        return AsyncGateway(
            self.adapter,
            journal=self.journal,
            transport=AsyncWatchedTransport(self.transport),
            sinks=(self.events.append,),
            retry=AT_ONCE,
            admissions=admissions,
            clock=WorkerClock(self.time, f"worker-{next(self._names)}"),
        )

    @cached_property
    def worker(self) -> Gateway[EveryVerb]:
        """The gateway for everything that is not about crashing."""
        return self.gateway()

    def desk(self) -> Desk:
        """The operations of a new worker."""
        return self.gateway()._desk  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # stands between operation and host

    def run(self, call: Callable[[Desk, EveryVerb], Exchange[T]], name: str = "") -> Run[T]:
        """A call of a new worker, to be stepped."""
        desk = self.desk()
        return Run(call(desk, self.adapter), SyncHost(around=desk.around, transport=self.transport), name)

    # what is bought

    def new_ref(self) -> str:
        """A reference that nothing else here begins with."""
        self.refs.append(f"BUY{len(self.refs) + 1:07d}")
        return self.refs[-1]

    def order(self, ref: str, *, hold: bool = False, life_s: float | None = None) -> Order:
        """The sample order under a reference. ``life_s``: its life from now."""
        return replace(
            self.subject.order,
            ref=ref,
            capture=CaptureMode.MANUAL if hold else CaptureMode.AUTOMATIC,
            payable_until=None if life_s is None else self.time.at + timedelta(seconds=life_s),
        )

    def payout_order(self, ref: str) -> PayoutOrder:
        """The sample payout under a reference."""
        assert self.subject.payout is not None
        return replace(self.subject.payout.order, ref=ref)

    def method(self, way: Way[PartnerT]) -> object:
        """A fresh method of a way."""
        self.methods.append(way.method(self.partner))
        return self.methods[-1]

    def tell(self, outcome: T) -> T:
        """Remember what a caller was told."""
        self.told.append(outcome)
        return outcome

    def pay(self, ref: str, way: Way[PartnerT], *, deadline_s: float = SOON_S, life_s: float | None = None) -> object:
        """Pay the sample order; what the caller is told."""
        bought = self.order(ref, hold=way.hold, life_s=life_s)
        return self.tell(self.worker.pay(bought, self.method(way), deadline_s=deadline_s))

    def start_pay(self, ref: str, way: Way[PartnerT]) -> Run[object]:
        """The same by a new worker, to be stepped."""
        bought, method = self.order(ref, hold=way.hold), self.method(way)
        return self.run(lambda desk, adapter: desk.pay(adapter, bought, method, DEADLINE_S), f"pay {way.name}")

    def hand_out(self, ref: str, way: Way[PartnerT] | None = None, *, life_s: float | None = None) -> Action:
        """What the payer is to be shown for an order."""
        outcome = self.pay(ref, way or self.subject.handing_out(), life_s=life_s)
        assert isinstance(outcome, ActionRequired), outcome
        return outcome.action

    def sell(self, ref: str) -> None:
        """An order that is paid, and the journal knows it."""
        self._bring_about(ref, self.subject.selling)

    def hold(self, ref: str) -> None:
        """An order whose money is held, and the journal knows it."""
        way = self.subject.holding
        assert way is not None
        self._bring_about(ref, way)

    def capture(self, ref: str) -> None:
        """The sample part of a hold is taken, and the journal knows it."""
        self.tell(self.worker.capture(ref, self.subject.part, deadline_s=DEADLINE_S))
        self.partner.process()
        if not self.last(ref, Verb.CAPTURE).state.final:
            self.worker.resolve(ref)
        if not self.last(ref, Verb.CAPTURE).state.final:
            self.deliver()
        assert self.last(ref, Verb.CAPTURE).state is State.SUCCEEDED, self.last(ref, Verb.CAPTURE)

    def _bring_about(self, ref: str, way: Way[PartnerT]) -> None:
        outcome = self.pay(ref, way, deadline_s=DEADLINE_S)
        if isinstance(outcome, ActionRequired):
            self.payer_pays(ref, way, outcome.action)
            self.learn(ref)
        assert self.last(ref).state.final, f"{way.name} should have been paid by now: {self.last(ref)}"

    def payer_pays(self, ref: str, way: Way[PartnerT], action: Action) -> None:
        """The payer pays what was handed out, and comes back where that is part of the way."""
        answer = self.partner.payer.open(action)
        if way.comes_back is not None:
            self.tell(self.worker.complete(ref, way.comes_back(self.partner, answer), deadline_s=DEADLINE_S))

    def learn(self, ref: str) -> None:
        """Have the journal learn how an order stands, by asking, or by the notices where nobody can be asked."""
        self.partner.process()
        self.worker.query(ref)
        if not self.last(ref).state.final:
            self.deliver()

    def deliver(self) -> None:
        """Hand over the notices that were not handed over before."""
        notices = self.partner.notices
        while self._delivered < len(notices):
            self._delivered += 1
            self.tell(self.worker.receive(notices[self._delivered - 1]))

    # what the journal says

    def _known(self, operation_id: str) -> Operation | None:
        return self.journal.read(lambda session: session.operation(operation_id))

    def operations(self, ref: str) -> Sequence[Operation]:
        """Every operation of a debt."""
        return self.journal.read(lambda session: session.operations(ref))

    def last(self, ref: str, verb: Verb = Verb.PAY) -> Operation:
        """The newest operation of a verb."""
        found = [operation for operation in self.operations(ref) if operation.verb is verb]
        assert found, f"{ref} has no {verb.value} in the journal"
        return found[-1]

    def until(self, ref: str) -> datetime:
        """When the newest attempt is over: the order's end, or sooner where what was handed out lives shorter."""
        until = self.last(ref).payable_until
        assert until is not None
        return until

    def history(self, ref: str) -> Sequence[Transition]:
        """A debt's history."""
        return self.journal.read(lambda session: session.history(ref))

    def open_operations(self) -> list[Operation]:
        """What is not final and not left to a person."""
        found = self.journal.read(lambda session: session.open_operations())
        return [operation for operation in found if operation.for_person is None]

    def forget_leases(self) -> None:
        """As if enough time had passed on the database's clock for every lease to run out."""
        self._hand.cursor.execute("UPDATE payport_operation SET lease_owner = NULL, lease_until = NULL")

    @cached_property
    def _hand(self) -> Link:
        """A connection beside the journal's own, on which each statement is committed by itself."""
        return self.journal._database.connect()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # goes around the journal

    @contextmanager
    def application(self) -> Generator[object]:
        """A transaction of the application's own where the journal is. What the block raises rolls it back."""
        if self.url is not None:
            engine = self.journal._database.engine  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above
            with engine.begin() as connection:
                yield connection
        else:
            with closing(sqlite3.connect(self.place)) as file, file:
                yield file

    # rest, and what is wrong then

    def settle(self, *, rounds: int = 80) -> None:
        """No more faults: time passes and the journal is resumed until nothing is open any more."""
        settle((self,), rounds)

    def wrong_with(self, ref: str) -> list[str]:
        """What does not add up about one debt, between the journal, its history and the partner's books."""
        return disagreements(
            ref,
            self.operations(ref),
            self.history(ref),
            self.partner.ledger,
            arrived=frozenset() if self.subject.payout is None else self.subject.payout.done,
        )

    def must_agree(self) -> None:
        """Come to rest; then everything must add up, for every reference made here."""
        self.settle()
        wrong = [line for ref in self.refs for line in self.wrong_with(ref)] + self.watch.problems()
        wrong += [flaw.what for flaw in Verification(trail=JournalTrail(self.journal)).flaws()]
        assert not wrong, wrong

    def charged(self, ref: str) -> int:
        """How often the partner charged a debt, reversed charges included."""
        return len(self.partner.ledger.charges(starting_with=ref))

    def net_minor(self, ref: str) -> int:
        """What the partner took for a debt minus what it gave back, in minor units."""
        ledger = self.partner.ledger
        taken = sum(row.amount.amount_minor for row in ledger.charges(starting_with=ref))
        return taken - sum(row.amount.amount_minor for row in ledger.refunds(starting_with=ref))


def settle(worlds: Sequence[World[PartnerT]], rounds: int) -> None:
    """No more faults at any of these worlds, which share journal and time, until nothing is open any more."""
    one = worlds[0]
    for world in worlds:
        world.partner.faults.clear()
        world.transport.road = world.partner.transport()
    for _ in range(rounds):
        one.forget_leases()
        for world in worlds:
            world.partner.process()
            if not world.adapter.profile.answers_queries:
                world.deliver()
            world.worker.resume()
        waiting = one.open_operations()
        if not waiting:
            return
        due = min(operation.next_at or one.time.at for operation in waiting)
        one.time.pass_by(max(30.0, (due - one.time.at).total_seconds()))
    raise AssertionError(f"still open after {rounds} rounds: {one.open_operations()}")


@lru_cache(maxsize=1)
def _empty_journal() -> bytes:
    """The file of a journal in which nothing stands yet: to copy it is faster than to build its tables again."""
    with TemporaryDirectory() as folder:
        place = Path(folder, "payments.db")
        Journal.open(f"sqlite:///{place}").close()
        return place.read_bytes()
