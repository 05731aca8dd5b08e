"""Alipay's scenes, in their order. Each is one thing that goes wrong in real life, or right."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from payport.adapters.alipay.adapter import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator, Fault, Wallet
from payport.schemas.methods import QrScanned, QrShown
from payport.schemas.order import Order
from payport.schemas.outcome import Declined, Succeeded, Unknown
from payport.sdk.cli.demo.death import killed_between_commit_and_answer
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid, refunded_in_parts
from payport.sdk.cli.demo.stage import HastyClock, Scene, Stage
from payport.sdk.gateway import AsyncGateway, Gateway

PAY = "alipay.trade.pay"
AlipayStage = Stage[AlipaySimulator, Alipay]
AlipayScene = Scene[AlipaySimulator, Alipay]


def scanned(partner: AlipaySimulator, wallet: Wallet = Wallet.PAYS) -> QrScanned:
    """A payer's code."""
    return QrScanned(auth_code=partner.payer.code(wallet))


def never_confirmed(stage: AlipayStage) -> None:
    """A scanned payment waits for the payer's word, which never comes; it is reversed."""
    order = stage.order("8.00", "Dumplings")
    clock = HastyClock(stage.partner.advance)
    stage.say("Alipay wants the payer to confirm on the phone. We ask again and again, and reverse after 45 seconds.")
    stage.say("You need not wait: for this scene alone our clock and the simulator's skip every pause together.")
    with Gateway(Alipay(stage.partner.account), journal=stage.journal, sinks=(), clock=clock) as gateway:
        outcome = gateway.pay(order, scanned(stage.partner, Wallet.CONFIRMS), deadline_s=90.0)
    stage.tell(f"gateway.pay({order.ref}, 8.00 CNY, QrScanned(...))", outcome, Declined)
    number = f"{order.ref}T001"
    stage.say(f"{clock.ahead_s:.0f} seconds were skipped. Alipay says: {stage.partner.ledger.trade_status(number)}.")
    stage.charges(order.ref, 0)


def many_at_once(stage: AlipayStage) -> None:
    """The same library under asyncio: sixteen callers, five orders."""
    contested = stage.order("5.00", "Milk, asked for by eight tasks")
    others = [stage.order(f"{yuan}.50", "Bread") for yuan in range(1, 5)]
    stage.say(
        "Eight tasks pay one and the same order, eight more pay four others; one connection is reset after the charge."
    )
    stage.partner.faults.next(Fault.COMMIT_THEN_RESET, method=PAY)
    doubts = asyncio.run(_pay_all(stage, [contested] * 8 + others * 2))
    stage.say(f"All have ended; {doubts} of the sixteen callers were told Unknown, and asked again.")
    stage.charges(contested.ref, 1)


async def _pay_all(stage: AlipayStage, orders: list[Order]) -> int:
    codes = {order.ref: scanned(stage.partner) for order in orders}
    async with AsyncGateway(Alipay(stage.partner.account), journal=stage.journal, sinks=()) as gateway:

        async def pay(order: Order) -> bool:
            outcome = await gateway.pay(order, codes[order.ref], deadline_s=2.0)
            doubted = isinstance(outcome, Unknown)
            while not isinstance(outcome, Succeeded):
                await asyncio.sleep(0.2)
                await gateway.resolve(order.ref)
                outcome = await gateway.pay(order, codes[order.ref], deadline_s=2.0)
            return doubted

        return sum(await asyncio.gather(*(pay(order) for order in orders)))


shown_and_paid: AlipayScene = handed_out_and_paid("12.34", "Tea", lambda _: QrShown(), copies=2)
timed_out_after_commit: AlipayScene = answer_lost("20.00", "Noodles", scanned, PAY)
refunded_in_two_parts: AlipayScene = refunded_in_parts("2.34", "10.00", beyond="0.01")

SCENES: Sequence[tuple[str, AlipayScene]] = (
    ("Alipay: a QR code is shown, paid, and notified twice", shown_and_paid),
    ("Alipay: the answer is lost after the money moved", timed_out_after_commit),
    ("Alipay: kill -9 between the charge and its answer", killed_between_commit_and_answer),
    ("Alipay, meanwhile: a refund in two parts", refunded_in_two_parts),
    ("Alipay, meanwhile: a payer who never confirms", never_confirmed),
    ("Alipay, meanwhile: sixteen callers under asyncio", many_at_once),
)
