"""PayPal's play for ``payport demo``: orders that the payer approves and ``complete`` captures."""

from __future__ import annotations

from collections.abc import Mapping

from payport.adapters.paypal.adapter import PayPal
from payport.adapters.paypal.simulator import PayPalSimulator, Visit
from payport.schemas.methods import HostedPage
from payport.sdk.cli.demo import Play, Sale
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid, refunded_in_parts

_CAPTURE = "orders.capture"


def _page(_: PayPalSimulator) -> HostedPage:
    return HostedPage()


def _back(_: PayPalSimulator, visit: object) -> Mapping[str, str]:
    assert isinstance(visit, Visit)
    return visit.returned


PLAY = Play(
    name="PayPal",
    partner="paypal",
    currency="EUR",
    simulator=PayPalSimulator,
    adapter=lambda partner: PayPal(partner.account),
    scenes=(
        ("PayPal: approved by the payer, captured by us", handed_out_and_paid("7.00", "Tea", _page, comes_back=_back)),
        ("PayPal: the capture's answer is lost", answer_lost("21.00", "Noodles", _page, _CAPTURE, comes_back=_back)),
        ("PayPal: a refund in two parts", refunded_in_parts("2.00", "5.00", beyond="0.01")),
    ),
    sale=Sale(endpoint=_CAPTURE, amount="21.00", method=_page, page=_page, comes_back=_back, signed=False),
)
