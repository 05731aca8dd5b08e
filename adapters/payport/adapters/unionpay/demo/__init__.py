"""UnionPay's play for ``payport demo``: pages, codes, a forged notice, an undo, a reversal, a refund."""

from __future__ import annotations

from payport.adapters.unionpay.adapter import UnionPay
from payport.adapters.unionpay.demo.scenes import SCANNED, SCENES, scanned
from payport.adapters.unionpay.simulator import UnionPaySimulator
from payport.schemas.methods import HostedPage
from payport.sdk.cli.demo import Play, Sale

PLAY = Play(
    name="UnionPay",
    partner="unionpay",
    currency="CNY",
    simulator=UnionPaySimulator,
    adapter=lambda partner: UnionPay(partner.account),
    scenes=SCENES,
    sale=Sale(endpoint=SCANNED, amount="12.00", method=scanned, page=lambda _: HostedPage()),
)
