"""What the scenes of a partner share: its simulator on loopback TLS, one journal on disk, a gateway, and a voice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeAlias, TypeVar, cast

import segno
from rich.console import Console
from rich.text import Text

from payport.schemas.money import Money
from payport.schemas.order import Order, Payer
from payport.schemas.outcome import (
    ActionRequired,
    Authorized,
    CancelOutcome,
    CaptureOutcome,
    Declined,
    NotSent,
    PayOutcome,
    Pending,
    RefundOutcome,
    Succeeded,
    Unknown,
)
from payport.schemas.payment import Cancellation, Capture, Payment, Refund
from payport.sdk.adapter import Adapter
from payport.sdk.cli.configured import write_settings
from payport.sdk.exchange import Moment
from payport.sdk.gateway import Gateway
from payport.sdk.host_clock import SystemClock
from payport.sdk.journal.store import Journal
from payport.sdk.settings import Settings
from payport.sdk.testing.simulated import ServedPartner
from payport.sdk.testing.watching import EveryVerb

PartnerT = TypeVar("PartnerT", bound=ServedPartner)
AdapterT = TypeVar("AdapterT", bound=Adapter)
Told = PayOutcome[object] | RefundOutcome[object] | CaptureOutcome[object] | CancelOutcome[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """How the process pays that is to be killed: ``method`` is what it hands to ``pay``.

    ``endpoint``: the partner's name of the request that charges, in which it is killed.
    """

    endpoint: str
    amount: str
    method: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale(Generic[PartnerT]):
    """How an order is charged in one request of ours, for what goes wrong in it.

    ``endpoint``: the partner's name of the request that charges. ``method``: what ``gateway.pay`` takes. ``page``: the
    same for a way that hands something out. ``comes_back``: where the payer approves first and ``complete`` charges,
    what the browser brings along, out of what ``payer.open`` answered. ``signed``: whether replies are signed.
    """

    endpoint: str
    amount: str
    method: Callable[[PartnerT], object]
    page: Callable[[PartnerT], object]
    comes_back: Callable[[PartnerT, object], Mapping[str, str]] | None = None
    signed: bool = True


class Scene(Protocol[PartnerT, AdapterT]):
    """One thing that goes wrong in real life, or right."""

    def __call__(self, stage: Stage[PartnerT, AdapterT], /) -> None:
        """Play it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Play(Generic[PartnerT, AdapterT]):
    """What a partner brings to ``payport demo``, as ``PLAY`` of its module ``demo``.

    ``name``: as people say it. ``partner``: as adapters are announced. ``simulator``: called as it is, or with
    ``clock``, the true time. ``scenes`` are played in order; ``finale``:
    scenes that have to wait for what an earlier one left, played when every partner's scenes are over. ``payer``: who
    pays, where the partner wants to know. ``sale``: what ``payport drill`` needs.
    """

    name: str
    partner: str
    currency: str
    simulator: Callable[..., PartnerT]
    adapter: Callable[[PartnerT], AdapterT]
    scenes: Sequence[tuple[str, Scene[PartnerT, AdapterT]]]
    finale: Sequence[tuple[str, Scene[PartnerT, AdapterT]]] = ()
    till: Till | None = None
    sale: Sale[PartnerT] | None = None
    payer: Payer = field(default_factory=Payer)


class HastyClock(SystemClock):
    """A clock that nobody waits for: a sleep moves its time on at once, and the partner's by as much."""

    __slots__ = ("_advance", "_ahead_s")

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._advance = advance
        self._ahead_s = 0.0

    @property
    def ahead_s(self) -> float:
        """How many seconds were skipped."""
        return self._ahead_s

    def moment(self) -> Moment:
        """Wall time and monotonic seconds, ahead by what was skipped."""
        real = super().moment()
        return Moment(real.utc + timedelta(seconds=self._ahead_s), real.monotonic_s + self._ahead_s)

    def sleep(self, seconds: float) -> None:
        """Skip the time."""
        self._ahead_s += max(0.0, seconds)
        self._advance(max(0.0, seconds))


@dataclass(kw_only=True)
class Stage(Generic[PartnerT, AdapterT]):
    """One partner's run. ``refs``: the orders so far. ``config``: the ``payport.toml`` that other processes read."""

    play: Play[PartnerT, AdapterT]
    console: Console
    partner: PartnerT
    config: Path
    journal: Journal
    gateway: Gateway[AdapterT]
    refs: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    """What did not go as the scenes say."""
    lease_until_s: float = 0.0
    """When the lease of the killed process ends, on the monotonic clock."""

    @classmethod
    def build(cls, console: Console, folder: Path, play: Play[PartnerT, AdapterT]) -> Self:
        """Start the simulator, write its settings, open the journal and a gateway."""
        with console.status(f"starting the simulator of {play.name} on loopback TLS"):
            partner = play.simulator()
            partner.serve()
            config = write_settings(folder, partner.settings_files())
            settings = Settings.load(config, {})
            journal = Journal.open(settings.journal.url, sealing_key=settings.journal.sealing_key)
            gateway = Gateway(play.adapter(partner), journal=journal, sinks=())
        stage = cls(play=play, console=console, partner=partner, config=config, journal=journal, gateway=gateway)
        stage.say(f"The simulator of {play.name} listens on {partner.url} (TLS, its own keys).")
        stage.say(f"The journal is {folder / 'payments.db'}.\n")
        return stage

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gateway.close()
        self.journal.close()
        self.partner.close()

    @property
    def till(self) -> Gateway[EveryVerb]:
        """The gateway, for scenes that any partner can play."""
        return cast("Gateway[EveryVerb]", self.gateway)

    def act(self, title: str, scene: Scene[PartnerT, AdapterT]) -> None:
        """Play one scene."""
        self.console.rule(f"[bold]{title}", align="left")
        scene(self)
        self.console.print()

    def money(self, amount: str) -> Money:
        """An amount in the play's currency."""
        return Money.of(amount, self.play.currency)

    def order(self, amount: str, subject: str) -> Order:
        """A new order, remembered for the closing books."""
        self.refs.append(f"DEMO{len(self.refs) + 1:06d}")
        return Order(
            ref=self.refs[-1],
            amount=self.money(amount),
            subject=subject,
            payer=self.play.payer,
            return_url="https://shop.example/paid",
        )

    def say(self, text: str) -> None:
        """One thing that happens."""
        self.console.print(text, highlight=False, markup=False)

    def expect(self, holds: bool, otherwise: str) -> bool:  # noqa: FBT001 - reads as a sentence
        """Whether a scene goes as it should; remembered and shown when it does not."""
        if not holds:
            self.wrong.append(otherwise)
            self.console.print(f"WRONG: {otherwise}", style="bold red", highlight=False, markup=False)
        return holds

    def tell(self, call: str, outcome: Told, *expected: type) -> None:
        """A call and its outcome, which must be one of the ``expected`` kinds."""
        self.console.print(Text.assemble((call, "cyan"), " -> ", told(outcome)))
        kinds = " or ".join(kind.__name__ for kind in expected)
        self.expect(isinstance(outcome, expected), f"{call} should have been {kinds}")

    def charges(self, ref: str, expected: int) -> None:
        """How often the partner charged an order."""
        found = len(self.partner.ledger.charges(starting_with=ref))
        self.say(f"Charges for {ref} in the books of {self.play.name}: {found}.")
        self.expect(found == expected, f"{ref} should have been charged {expected} times")

    def draw(self, text: str) -> None:
        """A QR code, two rows of modules in one line of characters."""
        rows = [[bool(module) for module in row] for row in segno.make_qr(text, error="l").matrix]
        quiet = [False] * (len(rows[0]) + 2)
        framed = [quiet, *([False, *row, False] for row in rows), quiet, quiet]
        for upper, lower in zip(framed[::2], framed[1::2], strict=False):
            # light modules are drawn: scanners want dark on light, terminals are mostly dark
            line = "".join(_BLOCKS[above, below] for above, below in zip(upper, lower, strict=True))
            self.console.print(f"  {line}", style="white on black", highlight=False, markup=False)


AnyPlay: TypeAlias = Play[ServedPartner, EveryVerb]
AnyStage: TypeAlias = Stage[ServedPartner, EveryVerb]
_BLOCKS = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}


def _done(value: Payment[object] | Capture[object] | Refund[object] | Cancellation[object]) -> str:
    match value:
        case Cancellation(by=by):
            return by.value
        case Refund(amount=amount):
            return f"{amount} given back"
        case Payment(amount=amount) | Capture(amount=amount):
            return f"{amount} paid"


def told(outcome: Told) -> Text:
    """An outcome in a few words."""
    match outcome:
        case Succeeded(value=value):
            return Text(f"Succeeded: {_done(value)}", "green")
        case Authorized(value=hold):
            return Text(f"Authorized: {hold.amount} held", "green")
        case ActionRequired(payable_until=until):
            return Text(f"ActionRequired: the payer must act, until {until:%H:%M:%S} UTC", "yellow")
        case Pending():
            return Text("Pending: accepted, not final", "yellow")
        case Declined(reason=reason, message=message):
            return Text(f"Declined({reason.value}) {message}".strip(), "yellow")
        case NotSent(cause=cause):
            return Text(f"NotSent({cause.kind.value}): {cause.detail}", "yellow")
        case Unknown(cause=cause):
            return Text(f"Unknown({cause.kind.value}): it may have happened", "magenta")
