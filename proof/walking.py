"""Random days of a shop: orders paid every way, given back, closed, asked about, with faults and pauses in between.

The same dice give the same day. Whoever walks says how a verb is called; the walk says what and when.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from payport.schemas import ActionRequired
from payport.sdk.testing.faults import Fault
from proof.subjects import AnySubject, AnyWay, AnyWorld

Do = Callable[[str, AnyWay | None, str], object]
"""Calls a verb: its name, the way for ``pay``, the reference. Answers what the caller is told."""

PAUSES_S = (0.0, 0.0, 1.0, 10.0, 61.0, 600.0, 4_000.0)
NEVER = frozenset({Fault.RESET_BEFORE_TLS, Fault.RESET_BEFORE_READING, Fault.NOT_FOUND})
"""Connections are not opened here; and not found, of an order that is hours old, is the partner's word: believed."""


@dataclass
class Walk:
    """One day in one world. ``told``: what callers were told, in order."""

    world: AnyWorld
    dice: random.Random
    do: Do
    told: list[object] = field(default_factory=list[object])
    paid_by: dict[str, AnyWay] = field(default_factory=dict[str, AnyWay])

    def acts(self, count: int) -> None:
        """So many acts, then no more faults."""
        for _ in range(count):
            self._act()
            self.world.time.pass_by(self.dice.choice(PAUSES_S))
        self.world.partner.faults.clear()

    def _act(self) -> None:
        subject, refs = self.world.subject, list(self.paid_by)
        self._go_wrong(subject)
        if not refs or self.dice.random() < 0.4:
            self._buy(self.dice.choice(list(subject.ways)))
            return
        ref = self.dice.choice(refs)
        match self.dice.randrange(8):
            case 0 if subject.refund is not None:
                self._call("refund", ref)
            case 1 if subject.cancels:
                self._call("close", ref)
            case 2 if subject.reverse is not None:
                self._call("reverse", ref)
            case 3 if subject.capture is not None and self.paid_by[ref].hold:
                self._call("capture", ref)
            case 4:
                self._call("query", ref)
            case 5:
                self._call("pay", ref, self.paid_by[ref])
            case 6:
                self.world.partner.process()
                self._call("resume", ref)
            case _:
                if self.world.partner.notices:
                    self._call("receive", ref)

    def _buy(self, way: AnyWay) -> None:
        """A new order; the payer pays what is shown, or confirms, or goes away."""
        ref = self.world.new_ref()
        self.paid_by[ref] = way
        outcome = self._call("pay", ref, way)
        if self.dice.random() < 0.3:
            return
        if isinstance(outcome, ActionRequired):
            try:
                answer = self.world.partner.payer.open(outcome.action)
            except Exception:  # noqa: BLE001 - each partner has its own error page, for what is over or closed by now
                return
            if way.comes_back is not None:
                self.world.came_back[ref] = way.comes_back(self.world.partner, answer)
                self._call("complete", ref)
        elif way.confirm is not None and self.world.operations(ref):
            self.world.partner.process()

    def _call(self, verb: str, ref: str, way: AnyWay | None = None) -> object:
        self.told.append(self.do(verb, way, ref))
        return self.told[-1]

    def _go_wrong(self, subject: AnySubject) -> None:
        """Plan a fault, three times in ten."""
        if self.dice.random() >= 0.3:
            return
        faults = sorted(subject.plays - NEVER, key=lambda fault: fault.value)
        self.world.partner.faults.next(self.dice.choice(faults), delay_s=self.dice.choice((5.0, 40.0)))
