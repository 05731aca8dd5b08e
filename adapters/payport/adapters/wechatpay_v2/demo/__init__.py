"""WeChat Pay's play for ``payport demo`` in its API v2: XML under a shared key."""

from __future__ import annotations

from payport.adapters.wechatpay_v2.adapter import WeChatPayV2
from payport.adapters.wechatpay_v2.simulator import WeChatPayV2Simulator
from payport.schemas.methods import QrScanned, QrShown
from payport.schemas.order import Payer
from payport.sdk.cli.demo import Play, Sale
from payport.sdk.cli.demo.scenes import answer_lost, handed_out_and_paid


def _scanned(partner: WeChatPayV2Simulator) -> QrScanned:
    return QrScanned(auth_code=partner.payer.code())


PLAY = Play(
    name="WeChat Pay v2",
    partner="wechatpay_v2",
    currency="CNY",
    simulator=WeChatPayV2Simulator,
    adapter=lambda partner: WeChatPayV2(partner.account),
    payer=Payer(ip="203.0.113.7"),
    scenes=(
        ("WeChat Pay v2: a code is shown and paid", handed_out_and_paid("6.60", "Tea", lambda _: QrShown(), copies=2)),
        ("WeChat Pay v2: the answer is lost", answer_lost("8.80", "Noodles", _scanned, "pay/micropay")),
    ),
    sale=Sale(endpoint="pay/micropay", amount="8.80", method=_scanned, page=lambda _: QrShown()),
)
