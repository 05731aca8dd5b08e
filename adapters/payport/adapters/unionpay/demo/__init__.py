"""UnionPay's play for ``payport demo``: a shown code, a scanned one whose answer is lost, a refund."""

from __future__ import annotations

from payport.adapters.unionpay.adapter import UnionPay
from payport.adapters.unionpay.simulator import UnionPaySimulator
from payport.schemas.methods import QrScanned, QrShown
from payport.sdk.cli.demo import Play
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid, refunded_in_parts

_SCANNED = "backTransReq.do 01/06"


def _scanned(partner: UnionPaySimulator) -> QrScanned:
    return QrScanned(auth_code=partner.payer.code())


PLAY = Play(
    name="UnionPay",
    partner="unionpay",
    currency="CNY",
    simulator=UnionPaySimulator,
    adapter=lambda partner: UnionPay(partner.account),
    scenes=(
        ("UnionPay: a code is shown and paid", handed_out_and_paid("9.90", "Tea", lambda _: QrShown(), copies=2)),
        ("UnionPay: the receipt is lost after the charge", answer_lost("19.90", "Noodles", _scanned, _SCANNED)),
        ("UnionPay: a refund in two parts", refunded_in_parts("4.90", "5.00", beyond="0.01")),
    ),
)
