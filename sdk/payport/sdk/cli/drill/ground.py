"""Where a drill is held: one partner's simulator, a journal and limits that can be lost, a gateway, and the alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from payport.schemas.events import Verified
from payport.schemas.money import Money
from payport.schemas.order import Order
from payport.schemas.outcome import ActionRequired, Declined, NotSent, NotSentKind, PayOutcome, Succeeded, Unknown
from payport.sdk.breaker import Circuit
from payport.sdk.cli.configured import write_settings
from payport.sdk.cli.demo.books import compare_books
from payport.sdk.cli.demo.stage import AnyPlay, Sale
from payport.sdk.cli.drill.props import DrillClock, Heard, LosableJournal, Requests
from payport.sdk.cli.drill.standin import RedisStandIn
from payport.sdk.gateway import Gateway
from payport.sdk.guards import Guards
from payport.sdk.host_clock import SystemClock
from payport.sdk.incidents import keeping
from payport.sdk.incidents.ageing import open_too_long
from payport.sdk.incidents.alerts import Alerts
from payport.sdk.incidents.kinds import OPERATION_FOR_PERSON, UNKNOWN_AGEING
from payport.sdk.incidents.lifecycle import Contact
from payport.sdk.incidents.outlets import Pace, Route
from payport.sdk.incidents.settings import AlertSettings
from payport.sdk.incidents.store import JournalIncidents
from payport.sdk.limits.settings import LimitChange, LimitsSettings
from payport.sdk.profile import WHOLE
from payport.sdk.settings import Settings
from payport.sdk.testing.simulated import ServedPartner
from payport.sdk.testing.watching import EveryVerb

LIMIT = LimitChange(rate_per_s=20.0, burst=8.0)
"""Of the account, beside those that the partner has published."""
LOOK_S = 0.1
"""How soon it is looked again for what needs real time."""

DEADLINE_S = 1.5
"""Of each call: a silent partner is waited for so long, several times over."""

ROUNDS = 40


@dataclass(kw_only=True)
class Ground:
    """One partner's ground. ``refs``: the orders so far; ``answers``: what callers were told.

    ``redis``: through which call limits are shared, where they are. ``broken``: promises that were not kept.
    """

    play: AnyPlay
    partner: ServedPartner
    config: Path
    journal: LosableJournal
    clock: DrillClock
    heard: Heard
    alerts: Alerts
    guards: Guards
    gateway: Gateway[EveryVerb]
    patience: AlertSettings
    requests: Requests
    redis: RedisStandIn | None = None
    refs: list[str] = field(default_factory=list[str])
    broken: list[str] = field(default_factory=list[str])
    answers: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def build(
        cls,
        folder: Path,
        play: AnyPlay,
        alerting: AlertSettings,
        others: Sequence[Route] = (),
        *,
        shares: bool = False,
    ) -> Ground:
        """Start the simulator and everything on our side. ``others``: sinks that are told beside the drill's own.

        ``shares``: whether call limits are shared through (a stand-in for) Redis.
        """
        folder.mkdir()
        clock = DrillClock()
        partner = play.simulator(clock=clock.utc)
        partner.serve()
        config = write_settings(folder, partner.settings_files())
        settings = Settings.load(config, {}).journal
        journal = LosableJournal.open(settings.url, sealing_key=settings.sealing_key)
        heard = Heard(clock)
        own = Route(contact=Contact(name="drill"), sink=heard, pace=Pace(burst=1000))
        alerts = Alerts(
            JournalIncidents(journal), [own, *others], thresholds=alerting.thresholds(), clock=clock, background=False
        )
        redis, adapter, requests = RedisStandIn(clock) if shares else None, play.adapter(partner), Requests(clock)
        guards = Guards(limits=LimitsSettings(redis=None if redis is None else redis.url), clock=clock)
        gateway = Gateway(
            adapter, journal=journal, sinks=[alerts, requests], clock=clock, deadline_s=DEADLINE_S,
            admissions=guards.of(adapter, {WHOLE: LIMIT}),
        )  # fmt: skip
        return cls(
            play=play, partner=partner, config=config, journal=journal, clock=clock, heard=heard, alerts=alerts,
            guards=guards, gateway=gateway, patience=alerting, requests=requests, redis=redis,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.journal.lost = False
        self.alerts.close()
        self.gateway.close()
        self.guards.close()
        if self.redis is not None:
            self.redis.stop()
        self.journal.close()
        self.partner.close()

    @property
    def sale(self) -> Sale[ServedPartner]:
        """How an order is charged here."""
        assert self.play.sale is not None, "the play says how it sells"
        return self.play.sale

    @property
    def now_s(self) -> float:
        """Seconds on the drill's clock."""
        return self.clock.moment().monotonic_s

    def skip(self, seconds: float) -> None:
        """Let time pass on both sides without waiting."""
        self.clock.skipped_s += seconds
        self.partner.advance(0.0)  # what is due by now happens there

    def order(self) -> Order:
        """A new order, remembered for the closing books."""
        self.refs.append(f"DRILL{len(self.refs) + 1:06d}")
        amount = Money.of(self.sale.amount, self.play.currency)
        return Order(
            ref=self.refs[-1], amount=amount, subject="Drill", payer=self.play.payer,
            return_url="https://shop.example/paid",
        )  # fmt: skip

    def sell(self) -> PayOutcome[object]:
        """One order, charged in one request where nothing goes wrong."""
        return self._told(self._sell(self.order()))

    def _sell(self, order: Order) -> PayOutcome[object]:
        method = self.sale.method(self.partner)
        outcome = self.gateway.pay(order, method)
        if self.sale.comes_back is None or not isinstance(outcome, ActionRequired):
            return outcome
        returned = self.sale.comes_back(self.partner, self.partner.payer.open(outcome.action))
        return self.gateway.complete(order.ref, returned)

    def works_again(self) -> bool:
        """Sell until everything is as usual and a payment goes through, waiting as callers are told to."""
        for _ in range(ROUNDS):
            usual = self.as_usual
            match self.sell():
                case Succeeded() if usual:
                    return True
                case Succeeded():
                    SystemClock().sleep(LOOK_S)
                case NotSent(cause=cause) if cause.kind in _COME_BACK:
                    self.skip(cause.retry_after_s or 1.0)
                case _:
                    return False
        return False

    @property
    def as_usual(self) -> bool:
        """Whether nothing is left alone, and call limits are shared where they are to be."""
        shared = self.redis is not None
        return all(each.circuit is Circuit.CLOSED for each in self.gateway.breakers()) and all(
            each.shared is shared for each in self.gateway.limits()
        )

    def hand_out(self) -> PayOutcome[object]:
        """One order for which something is handed out, and used."""
        order = self.order()
        outcome = self._told(self.gateway.pay(order, self.sale.page(self.partner)))
        if isinstance(outcome, ActionRequired):
            seen = self.partner.payer.open(outcome.action)
            if self.sale.comes_back is not None:
                self.gateway.complete(order.ref, self.sale.comes_back(self.partner, seen))
        return outcome

    def _told(self, outcome: PayOutcome[object]) -> PayOutcome[object]:
        self.answers[_words(outcome)] += 1
        return outcome

    def notices(self, copies: int = 1) -> Sequence[bool]:
        """Receive everything that the partner has told so far, so often each; whether each was new."""
        new: list[bool] = []
        for raw in [each for each in self.partner.notices for _ in range(copies)]:
            received = self.gateway.receive(raw)
            if isinstance(received, Verified):
                new.append(received.first_seen)
        return new

    def look(self) -> None:
        """What the worker does every minute: see what stands too long, and tell what is due."""
        now = self.clock.moment().utc
        if not self.journal.lost:
            waiting = self.journal.read(lambda session: session.open_operations())
            found = open_too_long(waiting, now, self.patience.patience())
            keeping.stand(JournalIncidents(self.journal), found, (UNKNOWN_AGEING, OPERATION_FOR_PERSON), now)
        self.alerts.flush(10.0)

    def settle(self, *, waits_s: float = 0.0) -> Sequence[str]:
        """Bring everything to its end, as ``payport resume`` does; answers what is still open.

        ``waits_s``: how long a lease of somebody else may have to be waited for, in real seconds.
        """
        ends_s = SystemClock().moment().monotonic_s + waits_s
        for _ in range(ROUNDS):
            self.notices()
            waiting = self.gateway.open_operations()
            if not waiting:
                return ()
            for operation in waiting:
                self.gateway.resolve(operation.ref, deadline_s=5.0)
            if SystemClock().moment().monotonic_s < ends_s:
                SystemClock().sleep(0.5)
            elif self.gateway.open_operations():
                self.skip(30.0)
                self.partner.process()
        return tuple(operation.id for operation in self.gateway.open_operations())

    def books(self) -> tuple[int, Sequence[str]]:
        """How often the partner charged in all, and what is wrong between its books and ours."""
        ledger = self.partner.ledger
        books = compare_books(self.play.name, self.play.currency, ledger, self.journal, self.refs)
        return len(ledger.charges()), books.problems


_COME_BACK = (NotSentKind.BREAKER_OPEN, NotSentKind.RATE_LIMITED)


def _words(outcome: PayOutcome[object]) -> str:
    match outcome:
        case NotSent(cause=cause):
            return f"NotSent({cause.kind.value})"
        case Unknown(cause=cause):
            return f"Unknown({cause.kind.value})"
        case Declined(reason=reason):
            return f"Declined({reason.value})"
        case _:
            return type(outcome).__name__
