"""WeChat Pay's play for ``payport demo``: API v3 over real TLS, every message signed, every notice encrypted."""

from __future__ import annotations

from payport.adapters.wechatpay.adapter import WeChatPay
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.schemas.methods import QrScanned, QrShown
from payport.schemas.order import Payer
from payport.sdk.cli.demo import Play
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid, refunded_in_parts

_CODEPAY = "POST /v3/pay/transactions/codepay"


def _scanned(partner: WeChatPaySimulator) -> QrScanned:
    return QrScanned(auth_code=partner.payer.code())


PLAY = Play(
    name="WeChat Pay",
    partner="wechatpay",
    currency="CNY",
    simulator=WeChatPaySimulator,
    adapter=lambda partner: WeChatPay(partner.account),
    payer=Payer(ip="203.0.113.7"),
    scenes=(
        ("WeChat Pay: a code is shown and paid", handed_out_and_paid("6.60", "Tea", lambda _: QrShown(), copies=2)),
        ("WeChat Pay: the answer is lost after the charge", answer_lost("8.80", "Noodles", _scanned, _CODEPAY)),
        ("WeChat Pay: a refund in two parts", refunded_in_parts("1.60", "5.00", beyond="0.01")),
    ),
)
