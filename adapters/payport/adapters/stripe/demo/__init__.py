"""Stripe's play for ``payport demo``: a page, a card whose answer is lost, a refund."""

from __future__ import annotations

from payport.adapters.stripe.adapter import Stripe
from payport.adapters.stripe.methods import StripePaymentMethod
from payport.adapters.stripe.simulator import StripeSimulator
from payport.schemas.methods import HostedPage
from payport.sdk.cli.demo import Play, Sale
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid, refunded_in_parts


def _card(partner: StripeSimulator) -> StripePaymentMethod:
    return StripePaymentMethod(payment_method=partner.payer.code("pm_card_visa"))


PLAY = Play(
    name="Stripe",
    partner="stripe",
    currency="EUR",
    simulator=StripeSimulator,
    adapter=lambda partner: Stripe(partner.account),
    scenes=(
        ("Stripe: paid on its page", handed_out_and_paid("14.00", "Tea", lambda _: HostedPage(), copies=2)),
        (
            "Stripe: the answer is lost after the charge",
            answer_lost("25.00", "Noodles", _card, "payment_intents.confirm"),
        ),
        ("Stripe: a refund in two parts", refunded_in_parts("4.00", "10.00", beyond="0.01")),
    ),
    sale=Sale(
        endpoint="payment_intents.confirm", amount="25.00", method=_card, page=lambda _: HostedPage(), signed=False
    ),
)
