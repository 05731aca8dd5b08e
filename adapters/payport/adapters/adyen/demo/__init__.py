"""Adyen's play for ``payport demo``: a payment link, a card whose answer is lost, a refund told by its webhook."""

from __future__ import annotations

from payport.adapters.adyen.adapter import Adyen
from payport.adapters.adyen.methods import AdyenPaymentMethod
from payport.adapters.adyen.simulator import AdyenSimulator
from payport.schemas.methods import HostedPage
from payport.schemas.outcome import Pending, Succeeded
from payport.sdk.cli.demo import Play, Sale
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid, listen
from payport.sdk.cli.demo.stage import Stage


def _card(partner: AdyenSimulator) -> AdyenPaymentMethod:
    return AdyenPaymentMethod(data=partner.payer.code())


def refunded_by_webhook(stage: Stage[AdyenSimulator, Adyen]) -> None:
    """Adyen only says that it received the refund; nobody can be asked, and the webhook tells the end."""
    ref, amount = stage.refs[0], stage.money("4.00")
    outcome = stage.till.refund(ref, "DEMOBACK01", amount)
    stage.tell(f"gateway.refund({ref}, DEMOBACK01, {amount})", outcome, Pending)
    stage.say("Received is not refunded, and Adyen has no query. Its webhook tells:")
    listen(stage, 1)
    stage.partner.process()
    stage.partner.wait_delivered()
    stage.partner.deliver_to(None)
    stage.tell(
        f"gateway.query_refund({ref}, DEMOBACK01)", stage.till.query_refund(ref, "DEMOBACK01").outcome, Succeeded
    )


PLAY = Play(
    name="Adyen",
    partner="adyen",
    currency="EUR",
    simulator=AdyenSimulator,
    adapter=lambda partner: Adyen(partner.account),
    scenes=(
        ("Adyen: paid by a link", handed_out_and_paid("16.00", "Tea", lambda _: HostedPage(), copies=2)),
        ("Adyen: the answer is lost after the charge", answer_lost("27.00", "Noodles", _card, "payments")),
        ("Adyen: a refund, told by webhook", refunded_by_webhook),
    ),
    sale=Sale(endpoint="payments", amount="27.00", method=_card, page=lambda _: HostedPage(), signed=False),
)
