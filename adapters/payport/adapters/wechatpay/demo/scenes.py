"""WeChat Pay's scenes, in their order: what only happens there, and what happens everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from payport.adapters.wechatpay.adapter import WeChatPay
from payport.adapters.wechatpay.simulator import Fault, Wallet, WeChatPaySimulator
from payport.schemas.methods import QrScanned, QrShown
from payport.schemas.outcome import Declined, Succeeded, Unknown
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid, refunded_in_parts
from payport.sdk.cli.demo.stage import HastyClock, Stage
from payport.sdk.gateway import Gateway

CODEPAY = "POST /v3/pay/transactions/codepay"
WeChatStage = Stage[WeChatPaySimulator, WeChatPay]


def scanned(partner: WeChatPaySimulator, wallet: Wallet = Wallet.PAYS) -> QrScanned:
    """A payer's code."""
    return QrScanned(auth_code=partner.payer.code(wallet))


def certificate_changes(stage: WeChatStage) -> None:
    """WeChat signs with a certificate that we have never seen; it is fetched, checked and believed."""
    stage.partner.rotate_certificate()
    stage.say("WeChat Pay has just gone over to a new platform certificate. Nobody tells us; the answers say so.")
    handed_out_and_paid("6.50", "Tea, signed for by a new certificate", lambda _: QrShown())(stage)


def first_host_out_of_reach(stage: WeChatStage) -> None:
    """No connection to the first host: the second one has the same books."""
    order = stage.order("7.00", "Bread")
    stage.say(f"The first host, {stage.partner.url}, resets the connection before anything can leave.")
    stage.partner.faults.next(Fault.RESET_BEFORE_TLS)
    outcome = stage.till.pay(order, scanned(stage.partner))
    stage.tell(f"gateway.pay({order.ref}, 7.00 CNY, QrScanned(...))", outcome, Succeeded)
    stage.say(f"The same request, signed anew, went to the second one: {stage.partner.backup_url}.")
    stage.charges(order.ref, 1)


def probed(stage: WeChatStage) -> None:
    """WeChat signs an answer wrongly on purpose, to see who verifies. The charge was carried out all the same."""
    order = stage.order("9.00", "Soup")
    way = scanned(stage.partner)
    stage.say("WeChat Pay now and then sends a wrong signature on purpose, and looks who believes it.")
    stage.partner.probe()
    outcome = stage.till.pay(order, way, deadline_s=2.0)
    stage.tell(f"gateway.pay({order.ref}, 9.00 CNY, QrScanned(...))", outcome, Unknown, Succeeded)
    stage.till.resolve(order.ref)
    stage.tell(f"gateway.pay({order.ref}, ...)", stage.till.pay(order, way), Succeeded)
    stage.charges(order.ref, 1)


def never_confirmed(stage: WeChatStage) -> None:
    """A scanned payment waits for the payer's password, which never comes; it is reversed."""
    order = stage.order("8.00", "Dumplings")
    clock = HastyClock(stage.partner.advance)
    stage.say("The payer is to type a password, and does not. We ask again and again, then reverse.")
    stage.say("You need not wait: for this scene alone our clock and the simulator's skip every pause together.")
    with Gateway(WeChatPay(stage.partner.account), journal=stage.journal, sinks=(), clock=clock) as gateway:
        outcome = gateway.pay(order, scanned(stage.partner, Wallet.CONFIRMS), deadline_s=90.0)
    stage.tell(f"gateway.pay({order.ref}, 8.00 CNY, QrScanned(...))", outcome, Declined)
    state = stage.partner.ledger.trade_state(f"{order.ref}T001")
    stage.say(f"{clock.ahead_s:.0f} seconds were skipped. WeChat Pay says: {state}.")
    stage.charges(order.ref, 0)


SCENES: Sequence[tuple[str, Callable[[WeChatStage], None]]] = (
    (
        "WeChat Pay: a QR code is shown, paid, and notified twice",
        handed_out_and_paid("12.34", "Tea", lambda _: QrShown(), copies=2),
    ),
    ("WeChat Pay: its certificate changes overnight", certificate_changes),
    ("WeChat Pay: the answer is lost after the money moved", answer_lost("20.00", "Noodles", scanned, CODEPAY)),
    ("WeChat Pay: an answer that is signed wrongly on purpose", probed),
    ("WeChat Pay: the first host is out of reach", first_host_out_of_reach),
    ("WeChat Pay: a payer who never types the password", never_confirmed),
    ("WeChat Pay: a refund in two parts", refunded_in_parts("2.34", "10.00", beyond="0.01")),
)
