"""What the merchant's application does: orders, and for each a script of calls at times that seeds decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from payport.schemas.money import Money
from payport.schemas.order import CaptureMode, CompletionMode, Order
from payport.schemas.outcome import ActionRequired
from payport.schemas.references import PartnerId
from payport.sdk import exchange
from payport.sdk.desk import Desk
from payport.sdk.exchange import Exchange
from payport.sdk.journal.session import Session
from payport.sdk.testing.conformance.case import AnySubject, AnyWay
from payport.sdk.testing.watching import EveryVerb
from payport.sdk.testing.world.history import changes_of
from payport.sdk.testing.world.stage import Stage
from payport.sdk.testing.world.street import Street
from payport.sdk.testing.world.workers import Workers

Make = Callable[[Desk, EveryVerb], Exchange[object]]

RESUME_S = 60.0
"""How long one round of ``resume`` may take."""


class _Undone(Exception):
    """The application rolled its transaction back."""


@dataclass(slots=True)
class Shop:
    """The application. ``changes``: what it acknowledged is noted in the history."""

    subject: AnySubject
    stage: Stage
    workers: Workers
    street: Street
    methods: list[object] = field(default_factory=list[object])

    def open(self) -> None:
        """Write the whole script: one to three orders, and what goes on beside them."""
        stage, dice = self.stage, self.stage.dice
        length_s = stage.weather.length_s
        for _ in range(dice.pick((1, 1, 1, 1, 1, 2, 2, 3))):
            ref = self._new_ref()
            kind = dice.number()
            if kind < 0.12 and self.subject.payout is not None:
                self._send_money(ref)
            else:
                self._sell(ref)
        for _ in range(dice.upto(2)):
            stage.after(dice.while_(length_s), self.resume, fading=True)
        if dice.happens(0.3):
            stage.after(dice.number() * length_s, self.read_changes, fading=True)
        for _ in range(dice.upto(2)):
            stage.after(dice.while_(length_s), self.street.process, fading=True)
        if dice.happens(stage.weather.death):
            stage.after(dice.while_(length_s), self._kill_one, fading=True)
        if dice.happens(stage.weather.jump):
            stage.after(dice.while_(length_s), self._jump, fading=True)

    def _new_ref(self) -> str:
        refs = self.stage.history.refs
        refs.append(f"SHOP{len(refs) + 1:06d}")
        return refs[-1]

    def _call(
        self,
        verb: str,
        make: Make,
        *,
        ref: str = "",
        detail: str = "",
        deadline_s: float | None = None,
        amount: Money | None = None,
        then: Callable[[object | None], None] = lambda _: None,
    ) -> None:
        """Call a verb in one of the processes; when there is none just now, nobody calls."""
        if self.workers.alive:
            process = self.stage.dice.pick(self.workers.alive)
            self.workers.start(
                process, verb, make, ref=ref, detail=detail, deadline_s=deadline_s, amount=amount, then=then
            )

    # paying

    def _sell(self, ref: str) -> None:
        stage, dice, subject = self.stage, self.stage.dice, self.subject
        way = dice.pick(subject.ways)
        others = [each for each in subject.ways if each.hold is way.hold]
        life_s = dice.pick((None, None, subject.life_s, 120.0))
        first_s = dice.while_(20.0)
        automatic = dice.happens(0.5)
        until = None if life_s is None else stage.start + timedelta(seconds=round(first_s + life_s))
        order = replace(
            subject.order,
            ref=ref,
            capture=CaptureMode.MANUAL if way.hold else CaptureMode.AUTOMATIC,
            complete=CompletionMode.AUTOMATIC if automatic else CompletionMode.MANUAL,
            payable_until=until,
        )
        method = self._method(way)
        times = [first_s, *(first_s + self._some_time() for _ in range(dice.pick((0, 0, 1, 1, 2))))]
        for number, at in enumerate(times):
            other = way
            if number and dice.happens(0.25):
                other = dice.pick(others)
            again = method if other is way and dice.happens(0.8) else None
            prepares = not number and self.workers.sealed and dice.happens(0.15)
            act = partial(self._prepare, order, method) if prepares else partial(self._pay, order, other, again)
            stage.after(at, act, fading=True)
        self._afterwards(ref, way, first_s)

    def _method(self, way: AnyWay) -> object:
        self.methods.append(way.method(self.street.partner))
        return self.methods[-1]

    def _pay(self, order: Order, way: AnyWay, method: object | None) -> None:
        dice = self.stage.dice
        chosen = self._method(way) if method is None else method
        if dice.happens(0.03):
            order = replace(order, amount=self.subject.part)
        deadline_s = self._deadline()

        def heard(outcome: object | None) -> None:
            if isinstance(outcome, ActionRequired):
                self.street.show(order.ref, way, outcome.action)
            elif outcome is None and dice.happens(0.5):
                self.stage.after(self._some_time(), lambda: self._pay(order, way, chosen), fading=True)

        detail = f"by {way.name}{'' if method is not None else ', a new one'}, {order.amount}"
        self._call(
            "pay", lambda desk, adapter: desk.pay(adapter, order, chosen, deadline_s),
            ref=order.ref, detail=detail, deadline_s=deadline_s, amount=order.amount, then=heard,
        )  # fmt: skip
        if way.confirm is not None and dice.happens(0.7):
            self.stage.after(dice.while_(120.0), lambda: self.street.confirm(order.ref, way), fading=True)

    def _prepare(self, order: Order, method: object) -> None:
        """Only written down, in the application's own transaction, which may come to nothing: ``resume`` sends it."""
        undone = self.stage.dice.happens(0.2)

        def make(desk: Desk, adapter: EveryVerb) -> Exchange[object]:
            def work(session: Session) -> object:
                prepared = desk.prepare_in(session, adapter, order, method)
                if undone:
                    raise _Undone
                return prepared

            try:
                return (yield from exchange.record("prepare", work))
            except _Undone:
                return None

        self._call("prepare", make, ref=order.ref, detail="undone" if undone else "", amount=order.amount)

    def _deadline(self) -> float:
        return self.stage.dice.pick((1.0, 10.0, 10.0, 30.0))

    def _some_time(self) -> float:
        return self.stage.dice.while_(self.stage.weather.length_s * 0.8)

    # what else is done about an order

    def _afterwards(self, ref: str, way: AnyWay, first_s: float) -> None:
        """Questions, cancels, captures and refunds, before or after the money came in: nobody knows."""
        dice, subject = self.stage.dice, self.subject
        self.street.came_back = self._complete
        plans: list[tuple[float, Callable[[], None]]] = [
            (0.25, lambda: self._query(ref)),
            (0.1, lambda: self._wait(ref)),
            (0.1, lambda: self._resolve(ref)),
        ]
        if subject.cancels:
            plans.append((0.35, lambda: self._cancel(ref)))
        if way.hold and subject.capture is not None:
            plans += [(0.7, lambda: self._capture(ref)), (0.3, lambda: self._capture(ref))]
        if subject.refund is not None:
            plans += [(likely, lambda: self._refund(ref)) for likely in (0.35, 0.15)]
        if subject.complete is not None:
            plans.append((0.15, lambda: self._complete(ref, {})))
        if subject.adopts:
            plans.append((0.05, lambda: self._adopt(ref)))
        for likely, act in plans:
            if dice.happens(likely):
                self.stage.after(first_s + self._some_time(), act, fading=True)

    def _query(self, ref: str) -> None:
        s = self._deadline()
        self._call("query", lambda desk, adapter: desk.query(adapter, ref, s), ref=ref, deadline_s=s)

    def _wait(self, ref: str) -> None:
        s = self._deadline()
        self._call("wait", lambda desk, adapter: desk.wait(adapter, ref, s), ref=ref, deadline_s=s)

    def _resolve(self, ref: str) -> None:
        self._call("resolve", lambda desk, _: desk.resolve(ref, RESUME_S), ref=ref, deadline_s=RESUME_S)

    def _complete(self, ref: str, returned: Mapping[str, str]) -> None:
        s = self._deadline()
        detail = "the payer is back" if returned else ""
        make: Make = lambda desk, adapter: desk.complete(adapter, ref, returned, s)  # noqa: E731 - as the others
        self._call("complete", make, ref=ref, detail=detail, deadline_s=s)

    def _cancel(self, ref: str) -> None:
        s, reverse = self._deadline(), self.stage.dice.happens(0.4)
        make: Make = lambda desk, _: desk.cancel(ref, s, reverse_paid=reverse)  # noqa: E731 - as the others
        self._call("cancel", make, ref=ref, detail="or reverse" if reverse else "", deadline_s=s)

    def _capture(self, ref: str) -> None:
        s, dice = self._deadline(), self.stage.dice
        amount = dice.pick((None, self.subject.part, self.subject.part))
        part, final = dice.pick(("", "", f"CAP1{ref}")), dice.happens(0.5)
        make: Make = lambda desk, a: desk.capture(a, ref, amount, part, s, final=final)  # noqa: E731 - as the others
        self._call("capture", make, ref=ref, detail=f"{amount or 'all'} {part}".rstrip(), deadline_s=s)

    def _refund(self, ref: str) -> None:
        s, dice = self._deadline(), self.stage.dice
        whole, part = self.subject.order.amount, self.subject.part
        number = dice.upto(2)
        most = Money(whole.amount_minor - part.amount_minor, whole.currency)
        amount = (part, most, whole)[number]
        name = f"BACK{number}{ref}"
        make: Make = lambda desk, a: desk.refund(a, ref, name, amount, "", s)  # noqa: E731 - as the others
        self._call("refund", make, ref=ref, detail=f"{amount} as {name}", deadline_s=s)
        if dice.happens(0.2):
            ask: Make = lambda desk, _: desk.query_refund(ref, name, s)  # noqa: E731 - as the others
            self.stage.after(
                self._some_time(),
                lambda: self._call("query_refund", ask, ref=ref, detail=name, deadline_s=s),
                fading=True,
            )

    def _adopt(self, ref: str) -> None:
        """A number that the partner does not know."""
        s = self._deadline()
        number = PartnerId("0000000000")
        make: Make = lambda desk, adapter: desk.adopt(adapter, f"ADOPT{ref}", number, s)  # noqa: E731 - as the others
        self._call("adopt", make, ref=f"ADOPT{ref}", deadline_s=s)

    # sending

    def _send_money(self, ref: str) -> None:
        payout, dice = self.subject.payout, self.stage.dice
        assert payout is not None
        order, payee = replace(payout.order, ref=ref), payout.payee

        def send() -> None:
            s = self._deadline()

            def heard(outcome: object | None) -> None:
                if isinstance(outcome, ActionRequired):
                    self.street.show(ref, self.subject.ways[0], outcome.action)

            make: Make = lambda desk, adapter: desk.payout(adapter, order, payee, s)  # noqa: E731 - as the others
            self._call("payout", make, ref=ref, detail=str(order.amount), deadline_s=s, then=heard)

        first_s = dice.while_(20.0)
        for at in [first_s, *(first_s + self._some_time() for _ in range(dice.pick((0, 1, 1, 2))))]:
            self.stage.after(at, send, fading=True)
        if dice.happens(0.4):
            ask: Make = lambda desk, _: desk.query_payout(ref, 10.0)  # noqa: E731 - as the others
            self.stage.after(
                first_s + self._some_time(),
                lambda: self._call("query_payout", ask, ref=ref, deadline_s=10.0),
                fading=True,
            )

    # beside the orders

    def resume(self) -> None:
        """One round of ``resume``."""
        self._call("resume", lambda desk, _: desk.resume(RESUME_S), deadline_s=RESUME_S)

    def read_changes(self) -> None:
        """Read what changed, and acknowledge some of it."""

        def heard(outcome: object | None) -> None:
            changes = changes_of(outcome)
            if changes:
                told = " ".join(str(change.id) for change in changes)
                self._call("acknowledge", lambda desk, _: desk.acknowledge(changes), detail=told)

        self._call("changes", lambda desk, _: desk.changes(20), then=heard)

    def _kill_one(self) -> None:
        if self.workers.alive:
            self.workers.kill(self.stage.dice.pick(self.workers.alive))

    def _jump(self) -> None:
        if self.workers.alive:
            self.workers.jump(self.stage.dice.pick(self.workers.alive))
