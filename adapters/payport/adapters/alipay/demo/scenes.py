"""The scenes of the demo, in their order. Each is one thing that goes wrong in real life, or right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from payport.adapters.alipay.adapter import Alipay
from payport.adapters.alipay.demo.death import killed_between_commit_and_answer, settled_after_restart
from payport.adapters.alipay.demo.stage import HastyClock, Stage
from payport.adapters.alipay.simulator import Fault, Wallet
from payport.schemas.actions import QrCode
from payport.schemas.events import Acknowledgement, RawNotification, Verified
from payport.schemas.methods import QrScanned, QrShown
from payport.schemas.money import Money
from payport.schemas.order import Order
from payport.schemas.outcome import ActionRequired, Declined, NotSent, Succeeded, Unknown
from payport.sdk.gateway import AsyncGateway, Gateway

PAY = "alipay.trade.pay"


def shown_and_paid(stage: Stage) -> None:
    """A QR code is shown, scanned and paid; the notice comes twice and counts once."""
    order = stage.order("12.34", "Tea")
    outcome = stage.gateway.pay(order, QrShown())
    stage.tell(f"gateway.pay({order.ref}, 12.34 CNY, QrShown())", outcome, ActionRequired)
    if not isinstance(outcome, ActionRequired) or not isinstance(outcome.action, QrCode):
        return
    stage.draw(outcome.action.text)

    first_seen: list[bool] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        received = stage.gateway.receive(raw)
        if isinstance(received, Verified):
            first_seen.append(received.first_seen)
            seen = "new: applied" if received.first_seen else "seen before: acknowledged, nothing applied"
            stage.say(f"A notice arrives, {received.event.status}, its signature is Alipay's; {seen}.")
        return received.acknowledgement

    stage.partner.notices.copies = 2
    stage.partner.deliver_to(receive)
    stage.say("The payer scans it and pays. Alipay notifies us, and then again.")
    stage.partner.payer.scan(outcome.action.text)
    stage.partner.wait_delivered()
    stage.partner.deliver_to(None)
    stage.partner.notices.copies = 1
    stage.expect(first_seen == [True, False], f"two notices should have counted once, not {first_seen}")
    stage.tell(f"gateway.query({order.ref})", stage.gateway.query(order.ref).outcome, Succeeded)
    stage.charges(order.ref, 1)


def timed_out_after_commit(stage: Stage) -> None:
    """The partner charges, and its answer never comes."""
    order = stage.order("20.00", "Noodles")
    method = QrScanned(auth_code=stage.partner.payer.code())
    stage.say("The payer's code is scanned. Alipay will charge it and then say nothing; its notice is lost as well.")
    stage.partner.faults.next(Fault.COMMIT_THEN_SILENCE, method=PAY)
    with stage.console.status("waiting two seconds for an answer that does not come"):
        outcome = stage.gateway.pay(order, method, deadline_s=2.0)
    stage.tell(f"gateway.pay({order.ref}, 20.00 CNY, QrScanned(...))", outcome, Unknown)
    stage.say("Unknown is not a failure: paying again by another way might charge twice. So we ask:")
    stage.gateway.resolve(order.ref)
    stage.say(f"gateway.resolve({order.ref}) asks Alipay about it. After that, the same call again:")
    stage.tell(f"gateway.pay({order.ref}, ...)", stage.gateway.pay(order, method), Succeeded)
    stage.charges(order.ref, 1)


def refunded_in_two_parts(stage: Stage) -> None:
    """Money goes back in two parts; a third would be more than was paid."""
    ref = stage.refs[0]
    for refund_ref, yuan, expected in (
        ("DEMOBACK01", "2.34", Succeeded),
        ("DEMOBACK02", "10.00", Succeeded),
        ("DEMOBACK03", "0.01", NotSent),
    ):
        outcome = stage.gateway.refund(ref, refund_ref, Money.of(yuan, "CNY"))
        stage.tell(f"gateway.refund({ref}, {refund_ref}, {yuan} CNY)", outcome, expected)


def never_confirmed(stage: Stage) -> None:
    """A scanned payment waits for the payer's word, which never comes; it is reversed."""
    order = stage.order("8.00", "Dumplings")
    method = QrScanned(auth_code=stage.partner.payer.code(Wallet.CONFIRMS))
    clock = HastyClock(stage.partner.advance)
    stage.say("Alipay wants the payer to confirm on the phone. We ask again and again, and reverse after 45 seconds.")
    stage.say("You need not wait: for this scene alone our clock and the simulator's skip every pause together.")
    with Gateway(Alipay(stage.partner.account), journal=stage.journal, sinks=(), clock=clock) as gateway:
        outcome = gateway.pay(order, method, deadline_s=90.0)
    stage.tell(f"gateway.pay({order.ref}, 8.00 CNY, QrScanned(...))", outcome, Declined)
    number = f"{order.ref}T001"
    stage.say(f"{clock.ahead_s:.0f} seconds were skipped. Alipay says: {stage.partner.ledger.trade_status(number)}.")
    stage.charges(order.ref, 0)


def many_at_once(stage: Stage) -> None:
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


async def _pay_all(stage: Stage, orders: list[Order]) -> int:
    codes = {order.ref: QrScanned(auth_code=stage.partner.payer.code()) for order in orders}
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


SCENES: tuple[tuple[str, Callable[[Stage], None]], ...] = (
    ("A QR code is shown, paid, and notified twice", shown_and_paid),
    ("The answer is lost after the money moved", timed_out_after_commit),
    ("kill -9 between the charge and its answer", killed_between_commit_and_answer),
    ("Meanwhile: a refund in two parts", refunded_in_two_parts),
    ("Meanwhile: a payer who never confirms", never_confirmed),
    ("Meanwhile: sixteen callers under asyncio", many_at_once),
    ("After the restart", settled_after_restart),
)
