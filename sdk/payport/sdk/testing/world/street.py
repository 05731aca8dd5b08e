"""Everything that the merchant does not do: payers pay, leave, pay late or twice; the partner decides, and notifies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from payport.schemas.actions import Action
from payport.schemas.events import RawNotification, Verified
from payport.sdk.journal.records import Verb
from payport.sdk.operations.intending import partner_reference
from payport.sdk.testing.conformance.case import AnySubject, AnyWay
from payport.sdk.testing.simulated import SimulatedPartner
from payport.sdk.testing.world.books import Bookkeeper
from payport.sdk.testing.world.history import Happened
from payport.sdk.testing.world.stage import Stage
from payport.sdk.testing.world.workers import Process, Workers

_ANSWER_S = 30.0


@dataclass(slots=True)
class Notice:
    """One notice of the partner's, and whether it was acknowledged. ``fading``: it is not delivered before the end."""

    number: int
    acknowledged: bool = False
    missed: bool = False


@dataclass(slots=True)
class Street:
    """``came_back``: told when a payer is back with what the browser brings along."""

    subject: AnySubject
    stage: Stage
    workers: Workers
    partner: SimulatedPartner
    books: Bookkeeper
    seen_at: dict[str, float]
    notices: list[Notice] = field(default_factory=list[Notice])
    shown: dict[str, list[tuple[AnyWay, Action]]] = field(default_factory=dict[str, "list[tuple[AnyWay, Action]]"])
    """What payers can see, by reference: old pages too."""
    came_back: Callable[[str, Mapping[str, str]], None] = lambda _ref, _returned: None

    def show(self, ref: str, way: AnyWay, action: Action) -> None:
        """A payer sees a page or code, and will do something with it, or with an older one."""
        pages = self.shown.setdefault(ref, [])
        if all(known != action for _, known in pages):
            pages.append((way, action))
        dice = self.stage.dice
        for _ in range(dice.pick((0, 1, 1, 1, 2))):
            self.stage.after(dice.while_(self.stage.weather.length_s), lambda: self._act(ref), fading=True)

    def _act(self, ref: str) -> None:
        dice = self.stage.dice
        pages = self.shown[ref]
        way, action = pages[-1] if dice.happens(0.7) else dice.pick(pages)
        if dice.happens(0.15):
            self._try(ref, "opens the page and leaves", lambda: self.partner.payer.leave(action))
            return
        answer = self._try(ref, "pays", lambda: self.partner.payer.open(action))
        if answer is not None and way.comes_back is not None:
            returned = way.comes_back(self.partner, answer)
            if dice.happens(0.8):
                self.stage.after(dice.number() * 3, lambda: self.came_back(ref, returned), fading=True)

    def confirm(self, ref: str, way: AnyWay, attempts: int = 3) -> None:
        """The payer confirms on the phone, sooner or later, whatever attempt it is."""
        confirm = way.confirm
        if confirm is None:
            return
        for attempt in range(attempts, 0, -1):
            number = partner_reference(ref, Verb.PAY, attempt)
            if self._try(ref, f"confirms {number}", partial(confirm, self.partner, number)) is not None:
                return

    def _try(self, ref: str, what: str, act: Callable[[], object]) -> object | None:
        """What the partner's page answers; ``None`` where it turns the payer away."""
        stage = self.stage
        try:
            answer: object | None = act() or True
        except Exception:  # noqa: BLE001 - an error page, in whatever words of this partner
            answer = None
        if answer is not None:
            self.seen_at[ref] = stage.elapsed
        turned_away = ", and is turned away" if answer is None else ""
        stage.note(Happened(at=stage.elapsed, kind="payer", detail=f"{ref}: {what}{turned_away}"))
        self.books.look()
        self.post()
        return answer

    def process(self) -> None:
        """The partner finishes what it accepted; sometimes it says no."""
        stage = self.stage
        succeed = not stage.dice.happens(0.15) or not stage.weather.road
        self.partner.process(succeed=succeed)
        told = "finishes what it accepted" if succeed else "refuses what it accepted"
        stage.note(Happened(at=stage.elapsed, kind="partner", detail=told))
        self.books.look()
        self.post()

    # notices

    def post(self) -> None:
        """Send what the partner has to tell on its way."""
        stage, dice = self.stage, self.stage.dice
        while len(self.notices) < len(self.partner.notices):
            notice = Notice(len(self.notices), missed=dice.happens(stage.weather.missed))
            self.notices.append(notice)
            copies = 1 + (1 + dice.upto(2) if dice.happens(stage.weather.doubled) else 0)
            for _ in range(0 if notice.missed else copies):
                stage.after(self._delay(), partial(self.deliver, notice), fading=True)
            if dice.happens(stage.weather.forged) and self.books.last in ("charge", "hold"):
                self._forge(notice)  # how to forge is said of what tells of a payment

    def _delay(self) -> float:
        return self.stage.dice.while_(min(300.0, self.stage.weather.length_s))

    def deliver(self, notice: Notice) -> None:
        """Hand a notice to one of the processes; once more later while it is not acknowledged."""
        stage = self.stage
        if not self.workers.alive:
            stage.after(_ANSWER_S, lambda: self.deliver(notice), fading=True)
            return

        def heard(outcome: object | None) -> None:
            if isinstance(outcome, Verified):
                notice.acknowledged = True
            elif not notice.acknowledged:
                stage.after(_ANSWER_S, lambda: self.deliver(notice), fading=True)

        process = stage.dice.pick(self.workers.alive)
        self._receive(process, self._signed(notice.number), f"notice {notice.number + 1}", heard)

    def _signed(self, number: int) -> RawNotification:
        again = getattr(self.partner.notices, "again", None)
        if again is None:
            return self.partner.notices[number]
        return cast("RawNotification", again(number))

    def _forge(self, notice: Notice) -> None:
        """Somebody posts what the partner never said, or what it said of something else."""
        dice, subject = self.stage.dice, self.subject
        kinds = {**subject.forged, **{f"about {name}": make for name, make in subject.misleading.items()}}
        if not kinds:
            return
        kind = dice.pick(sorted(kinds))
        word = "misleading" if kind.startswith("about ") else "forged"

        def post() -> None:
            right = [process for process in self.workers.alive if not process.clock.skew_s]
            if right:  # a clock that is wrong may find a forged time right
                raw = kinds[kind](self.partner, self._signed(notice.number))
                self._receive(dice.pick(right), raw, f"notice {notice.number + 1}, {word}: {kind}", lambda _: None)

        self.stage.after(self._delay(), post, fading=True)

    def _receive(
        self, process: Process, raw: RawNotification, detail: str, then: Callable[[object | None], None]
    ) -> None:
        self.workers.start(process, "receive", lambda desk, _: desk.receive(raw), detail=detail, then=then)
