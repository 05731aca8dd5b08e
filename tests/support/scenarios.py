"""Every verb of the port in every way of paying, as calls that a test can step: see :mod:`tests.support.paths`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tests.support.paths import Run, World, action_of, order, payout_order

from payport.adapters.alipay import AlipayPayee, PayeeKind
from payport.adapters.alipay.simulator import Wallet
from payport.schemas import CaptureMode, HostedPage, InApp, MiniProgram, MobileWeb, Money, Payer, QrScanned, QrShown
from payport.sdk.testing.faults import Fault

Start: TypeAlias = Callable[[World, str], Run[object]]

YUAN = Money.of("1.00", "CNY")
PAYEE = AlipayPayee(kind=PayeeKind.USER_ID, identity="2088102100000009")
PAYER = Payer(id="2088102100000001")
HELD = CaptureMode.MANUAL
DEADLINE_S = 10.0


@dataclass(frozen=True)
class Scenario:
    """A call whose every effect is a crash point. ``before``: what happened to the debt until then."""

    name: str
    before: Callable[[World, str], object]
    start: Start


def nothing(world: World, ref: str) -> None:
    """The debt is new."""


def pay_scanned(world: World, ref: str, wallet: Wallet = Wallet.PAYS, *, deadline_s: float = DEADLINE_S) -> Run[object]:
    method = QrScanned(auth_code=world.partner.payer.code(wallet))
    return world.run(lambda desk, alipay: desk.pay(alipay, order(ref), method, deadline_s))


def pay_by(method: QrShown | HostedPage | MobileWeb | InApp | MiniProgram, *, hold: bool = False) -> Start:
    mode = HELD if hold else CaptureMode.AUTOMATIC
    return lambda world, ref: world.run(
        lambda desk, alipay: desk.pay(alipay, order(ref, payer=PAYER, capture=mode), method, DEADLINE_S)
    )


def hold_scanned(world: World, ref: str) -> Run[object]:
    method = QrScanned(auth_code=world.partner.payer.code())
    return world.run(lambda desk, alipay: desk.pay(alipay, order(ref, capture=HELD), method, DEADLINE_S))


def paid(world: World, ref: str) -> None:
    pay_scanned(world, ref).finish()


def held(world: World, ref: str) -> None:
    hold_scanned(world, ref).finish()


def offered(world: World, ref: str) -> None:
    """A code was handed out and nobody scanned it."""
    pay_by(QrShown())(world, ref).finish()


def waiting(world: World, ref: str) -> None:
    """The payer scanned the code and thinks about it."""
    outcome = pay_by(QrShown())(world, ref).finish()
    world.partner.payer.leave(action_of(outcome))


def offered_and_paid(world: World, ref: str) -> None:
    """Paid, and this journal does not know it yet."""
    outcome = pay_by(QrShown())(world, ref).finish()
    world.partner.payer.open(action_of(outcome))


def charged_in_silence(world: World, ref: str) -> None:
    """The partner charged and the answer was lost."""
    world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, "alipay.trade.pay")
    pay_scanned(world, ref, deadline_s=1.0).finish()


def refund(world: World, ref: str) -> Run[object]:
    return world.run(lambda desk, alipay: desk.refund(alipay, ref, f"R{ref}", YUAN, "", DEADLINE_S))


def capture(world: World, ref: str) -> Run[object]:
    return world.run(lambda desk, alipay: desk.capture(alipay, ref, YUAN, "", DEADLINE_S, final=True))


def cancel(*, reverse_paid: bool) -> Start:
    def start(world: World, ref: str) -> Run[object]:
        return world.run(lambda desk, _: desk.cancel(ref, DEADLINE_S, reverse_paid=reverse_paid))

    return start


def payout(world: World, ref: str) -> Run[object]:
    return world.run(lambda desk, alipay: desk.payout(alipay, payout_order(ref), PAYEE, DEADLINE_S))


def receive(world: World, ref: str) -> Run[object]:
    return world.run(lambda desk, _: desk.receive(world.partner.notices[-1]))


def resume(world: World, ref: str) -> Run[object]:
    world.forget_leases()
    world.time.pass_by(60)
    return world.run(lambda desk, _: desk.resume(60.0))


def query(world: World, ref: str) -> Run[object]:
    return world.run(lambda desk, alipay: desk.query(alipay, ref, DEADLINE_S))


SCENARIOS = [
    Scenario("pay, scanned", nothing, pay_scanned),
    Scenario("pay, scanned, payer confirms", nothing, lambda w, ref: pay_scanned(w, ref, Wallet.CONFIRMS)),
    Scenario("pay, scanned, declined", nothing, lambda w, ref: pay_scanned(w, ref, Wallet.NO_MONEY)),
    Scenario("pay, shown", nothing, pay_by(QrShown())),
    Scenario("pay, page", nothing, pay_by(HostedPage())),
    Scenario("pay, mobile page", nothing, pay_by(MobileWeb())),
    Scenario("pay, app", nothing, pay_by(InApp())),
    Scenario("pay, mini-program", nothing, pay_by(MiniProgram())),
    Scenario("hold, scanned", nothing, hold_scanned),
    Scenario("hold, shown", nothing, pay_by(QrShown(), hold=True)),
    Scenario("hold, app", nothing, pay_by(InApp(), hold=True)),
    Scenario("refund", paid, refund),
    Scenario("capture", held, capture),
    Scenario("cancel, nobody scanned", offered, cancel(reverse_paid=False)),
    Scenario("cancel, payer thinks", waiting, cancel(reverse_paid=False)),
    Scenario("cancel, paid", paid, cancel(reverse_paid=False)),
    Scenario("reverse, paid", paid, cancel(reverse_paid=True)),
    Scenario("reverse, in doubt", charged_in_silence, cancel(reverse_paid=True)),
    Scenario("release, held", held, cancel(reverse_paid=False)),
    Scenario("payout", nothing, payout),
    Scenario("receive", offered_and_paid, receive),
    Scenario("query", offered_and_paid, query),
    Scenario("resume, charged in silence", charged_in_silence, resume),
    Scenario("resume, code offered", offered, resume),
]
