"""UnionPay's scenes, in their order: what only happens there, and what happens everywhere."""

from __future__ import annotations

from collections.abc import Callable

from payport.adapters.unionpay.adapter import UnionPay
from payport.adapters.unionpay.simulator import UnionPaySimulator, Wallet
from payport.schemas.events import Rejected
from payport.schemas.methods import HostedPage, QrScanned, QrShown
from payport.schemas.outcome import ActionRequired, Declined, Pending, Succeeded
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid, refunded_in_parts
from payport.sdk.cli.demo.stage import HastyClock, Stage
from payport.sdk.gateway import Gateway

SCANNED = "backTransReq.do 01/06"
UnionPayStage = Stage[UnionPaySimulator, UnionPay]


def scanned(partner: UnionPaySimulator, wallet: Wallet = Wallet.PAYS) -> QrScanned:
    """A payer's QuickPass code."""
    return QrScanned(auth_code=partner.payer.code(wallet))


def first_card_refused(stage: UnionPayStage) -> None:
    """The first card has no money, the second one pays: a refusal of a page is not the end."""
    order = stage.order("18.00", "Dumplings")
    outcome = stage.till.pay(order, HostedPage())
    stage.tell(f"gateway.pay({order.ref}, 18.00 CNY, HostedPage())", outcome, ActionRequired)
    if not isinstance(outcome, ActionRequired):
        return
    stage.say("The payer's first card is refused. The page stays open, so the order is not lost:")
    stage.partner.payer.try_empty_card(outcome.action)
    stage.tell(f"gateway.query({order.ref})", stage.till.query(order.ref).outcome, ActionRequired)
    stage.partner.payer.open(outcome.action)
    stage.tell(f"gateway.query({order.ref}) after another card", stage.till.query(order.ref).outcome, Succeeded)
    stage.charges(order.ref, 1)


def signed_by_another_merchant(stage: UnionPayStage) -> None:
    """A notice with a sound certificate chain, and the wrong name in it."""
    order = stage.order("11.00", "Soup")
    stage.till.pay(order, scanned(stage.partner), deadline_s=0.5)
    genuine = stage.partner.notices[-1]
    forged = stage.till.receive(stage.partner.notices.signed_by_merchant(genuine))
    stage.say("Another merchant signs 'paid' with a certificate of the very authority that certifies UnionPay.")
    stage.expect(isinstance(forged, Rejected), "a notice of another merchant's was believed")
    if isinstance(forged, Rejected):
        stage.say(f"Refused: {forged.detail}.")
    stage.tell(f"gateway.query({order.ref})", stage.till.query(order.ref).outcome, Succeeded)
    stage.charges(order.ref, 1)


def undone(stage: UnionPayStage) -> None:
    """A paid order is cancelled on its clearing day: an undo, received first and done when UnionPay says so."""
    ref = stage.refs[-1]
    stage.tell(f"gateway.cancel({ref}, reverse_paid=True)", stage.till.cancel(ref, reverse_paid=True), Pending)
    stage.say("00 is a receipt. The same call again asks how the undo of that number and time ended:")
    stage.tell(f"gateway.cancel({ref}, reverse_paid=True)", stage.till.cancel(ref, reverse_paid=True), Succeeded)


def never_confirmed(stage: UnionPayStage) -> None:
    """A scanned payment waits for the payer, who never confirms; it is reversed by its own number and time."""
    order = stage.order("8.00", "Buns")
    clock = HastyClock(stage.partner.advance)
    stage.say("The payer is to confirm on the phone, and does not. We ask after 1, 2, 4, ... 32 seconds, then reverse.")
    stage.say("You need not wait: for this scene alone our clock and the simulator's skip every pause together.")
    with Gateway(UnionPay(stage.partner.account), journal=stage.journal, sinks=(), clock=clock) as gateway:
        outcome = gateway.pay(order, scanned(stage.partner, Wallet.CONFIRMS), deadline_s=90.0)
    stage.tell(f"gateway.pay({order.ref}, 8.00 CNY, QrScanned(...))", outcome, Declined)
    stage.say(f"{clock.ahead_s:.0f} seconds were skipped.")
    stage.charges(order.ref, 0)


SCENES: tuple[tuple[str, Callable[[UnionPayStage], None]], ...] = (
    ("UnionPay: a code is shown and paid", handed_out_and_paid("9.90", "Tea", lambda _: QrShown(), copies=2)),
    ("UnionPay: the first card is refused, the second one pays", first_card_refused),
    ("UnionPay: the receipt is lost after the charge", answer_lost("19.90", "Noodles", scanned, SCANNED)),
    ("UnionPay: 'paid', signed by another merchant", signed_by_another_merchant),
    ("UnionPay: cancelled on its clearing day", undone),
    ("UnionPay: a payer who never confirms", never_confirmed),
    ("UnionPay: a refund in two parts", refunded_in_parts("4.90", "5.00", beyond="0.01")),
)
