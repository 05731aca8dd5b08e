"""One merchant, one partner, one journal, and time that tests move: the money path, effect by effect.

A :class:`Run` is one call of a gateway, stepped by hand: dropping it between two steps is a crash, stepping two of them
in turn is concurrency. A :class:`World` can be brought to rest and then says everything that does not add up.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Generic, Literal, Self, TypeVar
from urllib.parse import parse_qs

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, CaptureMode, FactKind, Money, Order, Payer, PayoutOrder
from payport.schemas.actions import Action
from payport.schemas.payment import CancelledBy
from payport.sdk.desk import Desk
from payport.sdk.events import SdkEvent
from payport.sdk.exchange import Effect, Exchange, Moment
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.hosting import Admission, SyncHost
from payport.sdk.journal.records import Operation, State, Transition, Verb
from payport.sdk.journal.store import Journal
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.retry import RetryPolicy
from payport.sdk.secrets import Secret
from payport.sdk.transport import Transport

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Nine o'clock in China."""
SEALING_KEY = Secret(base64.b64encode(bytes(range(32))).decode())
AT_ONCE = RetryPolicy(base_s=0.0, cap_s=0.0)
"""Three tries without waiting."""
_REFERENCES = ("out_trade_no", "out_request_no", "out_biz_no", "out_order_no")


class Time:
    """The one time of a world. It stands still until it is moved."""

    def __init__(self) -> None:
        self.at = MORNING

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=max(0.0, seconds))


class WorkerClock:
    """The clock of one worker: the world's time, an own name, nonces that are the same on every run."""

    def __init__(self, time: Time, name: str) -> None:
        self._time = time
        self._name = name
        self._turn = count(1)

    def moment(self) -> Moment:
        return Moment(self._time.at, (self._time.at - MORNING).total_seconds())

    def sleep(self, seconds: float) -> None:
        self._time.pass_by(seconds)

    def nonce(self) -> str:
        return sha256(f"{self._name}/{next(self._turn)}".encode()).hexdigest()[:32]

    def owner(self) -> str:
        return self._name


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it left. ``identity``: the method and every reference in it; ``content``: all it asks for."""

    method: str
    identity: tuple[str, ...]
    content: str
    moves_money: bool


class Wire:
    """The way to the partner, which remembers what passed and notes each request that left before its intent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sent: list[Sent] = []
        self.too_early: list[Sent] = []

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """Pass a request on."""
        content = parse_qs(request.content.decode("ascii")).get("biz_content", ["{}"])[0]
        biz = json.loads(content)
        references = tuple(str(biz[name]) for name in _REFERENCES if name in biz)
        sent = Sent(request.endpoint, (request.endpoint, *references), content, request.moves_money)
        self.sent.append(sent)
        if request.moves_money and not any(self._world.known_at(reference) for reference in references):
            self.too_early.append(sent)
        return self._world.partner_transport.send(request, timeout_s)

    def close(self) -> None:
        """Nothing is held open."""

    def methods(self) -> list[str]:
        """The names of what was sent, without ``alipay.``."""
        return [sent.method.removeprefix("alipay.") for sent in self.sent]


class AsyncWire:
    """The same for the async gateway."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        return self._wire.send(request, timeout_s)

    async def aclose(self) -> None:
        """Nothing is held open."""


class Run(Generic[T_co]):
    """One call of a gateway, one effect at a time. Let go of it to crash."""

    def __init__(self, exchange: Exchange[T_co], host: SyncHost, name: str = "") -> None:
        self.name = name
        self.effects: list[str] = []
        self.error: Exception | None = None
        self._exchange = exchange
        self.host = host
        self._result: list[T_co] = []
        self._effect: Effect | None = None
        self._go_on(lambda: next(exchange))

    @property
    def over(self) -> bool:
        """Whether it returned or raised."""
        return self._effect is None

    @property
    def result(self) -> T_co:
        """What it returned. Raises what it raised."""
        if self.error is not None:
            raise self.error
        return self._result[0]

    @property
    def next_effect(self) -> Effect | None:
        """What it asks for now."""
        return self._effect

    def step(self) -> None:
        """Perform one effect and let the operation go on to the next."""
        effect = self._effect
        assert effect is not None
        self.effects.append(type(effect).__name__)
        try:
            answer = self.host.perform(effect)
        except Exception as error:  # noqa: BLE001 - handed to the operation, as the drivers do
            thrown = error
            self._go_on(lambda: self._exchange.throw(thrown))
        else:
            self._go_on(lambda: self._exchange.send(answer))

    def finish(self) -> T_co:
        """Step to the end."""
        while not self.over:
            self.step()
        return self.result

    def crash(self) -> None:
        """The process is gone."""
        self._effect = None

    def _go_on(self, step: Callable[[], Effect]) -> None:
        try:
            self._effect = step()
        except StopIteration as end:
            self._effect = None
            self._result.append(end.value)
        except Exception as error:  # noqa: BLE001 - kept for whoever asks for the result
            self._effect = None
            self.error = error


@dataclass
class World:
    """A merchant and a partner. ``sealed``: whether requests are kept to be repeated."""

    folder: Path
    mode: Literal["key", "certificate"] = "key"
    sealed: bool = True
    time: Time = field(default_factory=Time)
    events: list[SdkEvent] = field(default_factory=list[SdkEvent])
    _names: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.partner = AlipaySimulator(self.mode, clock=self.time)
        self.partner_transport: Transport = self.partner.transport()
        self.adapter = Alipay(self.partner.account)
        self.place = self.folder / "payments.db"
        key = SEALING_KEY if self.sealed else None
        self.journal = Journal.open(f"sqlite:///{self.place}", sealing_key=key, durability="normal")
        self.wire = Wire(self)

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()
        self.partner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def gateway(self, *, admissions: Sequence[Admission] = ()) -> Gateway[Alipay]:
        """Another worker's gateway."""
        return Gateway(
            self.adapter,
            journal=self.journal,
            transport=self.wire,
            sinks=(self.events.append,),
            retry=AT_ONCE,
            admissions=admissions,
            clock=WorkerClock(self.time, f"worker-{next(self._names)}"),
        )

    def async_gateway(self, *, admissions: Sequence[Admission] = ()) -> AsyncGateway[Alipay]:
        """Another worker's async gateway."""
        return AsyncGateway(
            self.adapter,
            journal=self.journal,
            transport=AsyncWire(self.wire),
            sinks=(self.events.append,),
            retry=AT_ONCE,
            admissions=admissions,
            clock=WorkerClock(self.time, f"worker-{next(self._names)}"),
        )

    @cached_property
    def worker(self) -> Gateway[Alipay]:
        """The gateway for everything that is not about crashing."""
        return self.gateway()

    def desk(self) -> Desk:
        """The operations of a new worker."""
        return self.gateway()._desk  # pyright: ignore[reportPrivateUsage]  # a test stands between operation and host

    def run(self, call: Callable[[Desk, Alipay], Exchange[T]], name: str = "") -> Run[T]:
        """A call of a new worker, to be stepped."""
        desk = self.desk()
        return Run(call(desk, self.adapter), SyncHost(around=desk.around, transport=self.wire), name)

    def known_at(self, partner_ref: str) -> bool:
        """Whether the journal holds an operation under this reference at the partner."""
        account = self.adapter.account
        return bool(self.journal.read(lambda session: session.by_partner_ref(account, partner_ref)))

    def operations(self, ref: str) -> Sequence[Operation]:
        """Every operation of a debt."""
        return self.journal.read(lambda session: session.operations(ref))

    def last(self, ref: str, verb: Verb = Verb.PAY) -> Operation:
        """The newest operation of a verb."""
        return [operation for operation in self.operations(ref) if operation.verb is verb][-1]

    def history(self, ref: str) -> Sequence[Transition]:
        """A debt's history."""
        return self.journal.read(lambda session: session.history(ref))

    def open_operations(self) -> list[Operation]:
        """What is not final and not left to a person."""
        found = self.journal.read(lambda session: session.open_operations())
        return [operation for operation in found if operation.for_person is None]

    def forget_leases(self) -> None:
        """As if enough time had passed on the database's clock for every lease to run out."""
        with closing(sqlite3.connect(self.place, timeout=10)) as connection, connection:
            connection.execute("UPDATE payport_operation SET lease_owner = NULL, lease_until = NULL")
        connection.close()

    def settle(self, *, rounds: int = 80) -> None:
        """No more faults: time passes and the journal is resumed until nothing is open any more."""
        self.partner.faults.clear()
        for _ in range(rounds):
            self.forget_leases()
            self.partner.process()
            self.worker.resume()
            waiting = self.open_operations()
            if not waiting:
                return
            due = min(operation.next_at or self.time.at for operation in waiting)
            self.time.pass_by(max(30.0, (due - self.time.at).total_seconds()))
        raise AssertionError(f"still open after {rounds} rounds: {self.open_operations()}")

    def net_minor(self, ref: str) -> int:
        """What the partner took for a debt minus what it gave back, in fen."""
        ledger = self.partner.ledger
        taken = sum(charge.amount.amount_minor for charge in ledger.charges(starting_with=ref))
        return taken - sum(refund.amount.amount_minor for refund in ledger.refunds(starting_with=ref))

    def wrong_with(self, ref: str) -> list[str]:
        """What does not add up about one debt, between the journal, its history and the partner's books."""
        operations = self.operations(ref)
        return [
            *_charged_twice(self, ref, operations),
            *(line for operation in operations for line in _disagreement(self, operation)),
            *_changed_after_the_end(self.history(ref)),
        ]

    def wrong_on_the_wire(self) -> list[str]:
        """Requests that left too early, and repetitions that were not identical."""
        contents: dict[tuple[str, ...], set[str]] = {}
        for sent in self.wire.sent:
            if sent.moves_money:
                contents.setdefault(sent.identity, set()).add(sent.content)
        differing = [f"{identity}: {len(texts)} contents" for identity, texts in contents.items() if len(texts) > 1]
        return [*(f"left before its intent: {sent.identity}" for sent in self.wire.too_early), *differing]


def _charged_twice(world: World, ref: str, operations: Sequence[Operation]) -> Iterable[str]:
    ledger = world.partner.ledger
    surplus = any(fact.kind is FactKind.SURPLUS_PAID for operation in operations for fact in operation.facts)
    trades = {charge.out_trade_no for charge in ledger.charges(starting_with=ref) if "C0" not in charge.out_trade_no}
    kept = [
        trade
        for trade in trades
        if sum(charge.amount.amount_minor for charge in ledger.charges(trade))
        > sum(refund.amount.amount_minor for refund in ledger.refunds(trade))
    ]
    if len(kept) > 1 or (surplus and kept):
        yield f"{ref}: charged {len(kept)} times: {sorted(kept)}{' (surplus)' if surplus else ''}"
    for trade in {charge.out_trade_no for charge in ledger.charges(starting_with=ref)}:
        taken = sum(charge.amount.amount_minor for charge in ledger.charges(trade))
        back = sum(refund.amount.amount_minor for refund in ledger.refunds(trade))
        if len(ledger.charges(trade)) > 1 or back > taken:
            yield f"{trade}: {len(ledger.charges(trade))} charges, {back} of {taken} given back"


def _disagreement(world: World, operation: Operation) -> Iterable[str]:
    """Whether a final answer is what the partner's books say."""
    if not operation.state.final:
        return
    claimed = operation.state in (State.SUCCEEDED, State.AUTHORIZED)
    if operation.verb is Verb.CANCEL:
        if claimed and _kept(world, operation.of):
            yield f"{operation.id}: succeeded by {operation.cancelled_by}, and the partner keeps the money"
        return
    happened = _happened(world, operation)
    if claimed is not happened:
        yield f"{operation.id}: the journal says {operation.state.value}, the partner says {happened}"
    if claimed and operation.settled != operation.amount:
        yield f"{operation.id}: settled {operation.settled} of {operation.amount}"


def _kept(world: World, payment_id: str) -> bool:
    """Whether the partner holds or keeps money of an attempt that was cancelled, and nobody knows."""
    payment = next(item for item in world.operations(payment_id.partition("/")[0]) if item.id == payment_id)
    ledger, reference = world.partner.ledger, payment.partner_ref
    taken = sum(charge.amount.amount_minor for charge in ledger.charges(reference))
    back = sum(refund.amount.amount_minor for refund in ledger.refunds(reference))
    held = any(hold.rest.amount_minor for hold in ledger.holds(reference))
    return taken > back or held


def _happened(world: World, operation: Operation) -> bool:
    ledger, reference = world.partner.ledger, operation.partner_ref
    match operation.verb:
        case Verb.PAY if "hold" in operation.identity:
            agreed = any(hold.status in ("AUTHORIZED", "FINISH") for hold in ledger.holds(reference))
            return agreed or any(fact.kind is FactKind.RELEASED for fact in operation.facts)
        case Verb.PAY | Verb.CAPTURE:
            reversed_ = operation.state is State.DECLINED and operation.cancelled_by is CancelledBy.REVERSED
            return bool(ledger.charges(reference)) and not reversed_
        case Verb.REFUND:
            return any(refund.out_request_no == reference for refund in ledger.refunds())
        case Verb.PAYOUT | Verb.CANCEL:
            return any(transfer.status == "SUCCESS" for transfer in ledger.transfers(reference))


def _changed_after_the_end(history: Sequence[Transition]) -> Iterable[str]:
    ended: dict[str, State] = {}
    for line in history:
        if ended.setdefault(line.operation, line.state) is not line.state and ended[line.operation].final:
            yield f"{line.operation}: {ended[line.operation].value} became {line.state.value}"
        ended[line.operation] = line.state


def order(
    ref: str,
    amount: str = "12.34",
    *,
    payer: Payer | None = None,
    capture: CaptureMode = CaptureMode.AUTOMATIC,
    payable_until: datetime | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Order:
    """An order for tea."""
    return Order(
        ref=ref,
        amount=Money.of(amount, "CNY"),
        subject="Tea",
        payer=payer or Payer(),
        capture=capture,
        payable_until=payable_until,
        metadata=metadata or {},
    )


def payout_order(ref: str, amount: str = "5.00") -> PayoutOrder:
    """Wages."""
    return PayoutOrder(ref=ref, amount=Money.of(amount, "CNY"), subject="Wages")


def action_of(outcome: object) -> Action:
    """The action that an outcome asks for."""
    assert isinstance(outcome, ActionRequired), outcome
    return outcome.action
