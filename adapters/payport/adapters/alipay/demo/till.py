"""The process that the demo kills."""

from __future__ import annotations

import sys
from pathlib import Path

from payport.adapters.alipay.adapter import Alipay
from payport.adapters.alipay.simulator.wallets import Wallet
from payport.schemas.methods import QrScanned
from payport.schemas.money import Money
from payport.schemas.order import Order
from payport.sdk.gateway import Gateway
from payport.sdk.journal.store import Journal
from payport.sdk.settings import Settings, open_adapter

YUAN = "30.00"
DEADLINE_S = 3.0
CODE = Wallet.PAYS.code(900_000_001)


def main() -> None:
    """Pay one order, as a till does; the arguments are a ``payport.toml`` and the order's reference.

    The demo sees to it that this never returns.
    """
    config, ref = Path(sys.argv[1]), sys.argv[2]
    settings = Settings.load(config, {})
    adapter = open_adapter(settings, "simulator")
    assert isinstance(adapter, Alipay)
    with (
        Journal.open(settings.journal.url, sealing_key=settings.journal.sealing_key) as journal,
        Gateway(adapter, journal=journal, sinks=()) as gateway,
    ):
        order = Order(ref=ref, amount=Money.of(YUAN, "CNY"), subject="Rice")
        gateway.pay(order, QrScanned(auth_code=CODE), deadline_s=DEADLINE_S)
