"""What the scenes share: the simulator on loopback TLS, one journal on disk, a gateway, and a voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import segno
from rich.console import Console
from rich.text import Text

from payport.adapters.alipay.adapter import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas.money import Money
from payport.schemas.order import Order
from payport.schemas.outcome import (
    ActionRequired,
    Authorized,
    Declined,
    NotSent,
    PayOutcome,
    Pending,
    RefundOutcome,
    Succeeded,
    Unknown,
)
from payport.schemas.payment import Refund
from payport.sdk.cli.configured import write_settings
from payport.sdk.exchange import Moment
from payport.sdk.gateway import Gateway
from payport.sdk.host_clock import SystemClock
from payport.sdk.journal.store import Journal
from payport.sdk.settings import Settings

Told = PayOutcome[object] | RefundOutcome[object]


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


@dataclass(slots=True, kw_only=True)
class Stage:
    """One run. ``refs``: the orders so far. ``config``: the ``payport.toml`` that other processes read."""

    console: Console
    partner: AlipaySimulator
    config: Path
    journal: Journal
    gateway: Gateway[Alipay]
    refs: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    """What did not go as the scenes say."""
    lease_until_s: float = 0.0
    """When the lease of the killed process ends, on the monotonic clock."""

    @classmethod
    def build(cls, console: Console, folder: Path) -> Self:
        """Start the simulator, write its settings, open the journal and a gateway."""
        with console.status("starting Alipay's simulator on loopback TLS"):
            partner = AlipaySimulator().serve()
            config = write_settings(folder, partner.settings_files())
            settings = Settings.load(config, {})
            journal = Journal.open(settings.journal.url, sealing_key=settings.journal.sealing_key)
            gateway = Gateway(Alipay(partner.account), journal=journal, sinks=())
        stage = cls(console=console, partner=partner, config=config, journal=journal, gateway=gateway)
        stage.say(f"Alipay's simulator listens on {partner.url} (TLS, its own keys, genuine RSA2 signatures).")
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

    def order(self, yuan: str, subject: str) -> Order:
        """A new order, remembered for the closing books."""
        self.refs.append(f"DEMO{len(self.refs) + 1:06d}")
        return Order(ref=self.refs[-1], amount=Money.of(yuan, "CNY"), subject=subject)

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
        count = len(self.partner.ledger.charges(starting_with=ref))
        self.say(f"Charges for {ref} in Alipay's books: {count}.")
        self.expect(count == expected, f"{ref} should have been charged {expected} times")

    def draw(self, text: str) -> None:
        """A QR code, two rows of modules in one line of characters."""
        rows = [[bool(module) for module in row] for row in segno.make_qr(text, error="l").matrix]
        quiet = [False] * (len(rows[0]) + 2)
        framed = [quiet, *([False, *row, False] for row in rows), quiet, quiet]
        for upper, lower in zip(framed[::2], framed[1::2], strict=False):
            # light modules are drawn: scanners want dark on light, terminals are mostly dark
            line = "".join(_BLOCKS[above, below] for above, below in zip(upper, lower, strict=True))
            self.console.print(f"  {line}", style="white on black", highlight=False, markup=False)


_BLOCKS = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}


def told(outcome: Told) -> Text:
    """An outcome in a few words."""
    match outcome:
        case Succeeded(value=value):
            return Text(f"Succeeded: {value.amount} {'given back' if isinstance(value, Refund) else 'paid'}", "green")
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
