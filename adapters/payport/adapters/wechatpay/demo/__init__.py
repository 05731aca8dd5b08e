"""WeChat Pay's play for ``payport demo``: API v3 over real TLS, with a certificate that changes on the way."""

from __future__ import annotations

from payport.adapters.wechatpay.adapter import WeChatPay
from payport.adapters.wechatpay.demo.scenes import CODEPAY, SCENES, scanned
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.schemas.methods import QrShown
from payport.schemas.order import Payer
from payport.sdk.cli.demo import Play, Sale

PLAY = Play(
    name="WeChat Pay",
    partner="wechatpay",
    currency="CNY",
    simulator=WeChatPaySimulator,
    adapter=lambda partner: WeChatPay(partner.account),
    payer=Payer(ip="203.0.113.7"),
    scenes=SCENES,
    sale=Sale(endpoint=CODEPAY, amount="20.00", method=scanned, page=lambda _: QrShown()),
)
