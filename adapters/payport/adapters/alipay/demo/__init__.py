"""Alipay's play for ``payport demo``: over real TLS, with genuine RSA2 signatures."""

from __future__ import annotations

from payport.adapters.alipay.adapter import Alipay
from payport.adapters.alipay.demo.scenes import PAY, SCENES, scanned
from payport.adapters.alipay.simulator import AlipaySimulator, Wallet
from payport.schemas.methods import QrScanned, QrShown
from payport.sdk.cli.demo import Play, Sale, Till
from payport.sdk.cli.demo.death import settled_after_restart

PLAY = Play(
    name="Alipay",
    partner="alipay",
    currency="CNY",
    simulator=AlipaySimulator,
    adapter=lambda partner: Alipay(partner.account),
    scenes=SCENES,
    finale=(("Alipay, after the restart", settled_after_restart),),
    till=Till(endpoint=PAY, amount="30.00", method=lambda: QrScanned(auth_code=Wallet.PAYS.code(900_000_001))),
    sale=Sale(endpoint=PAY, amount="30.00", method=scanned, page=lambda _: QrShown()),
)
