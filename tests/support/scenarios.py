"""Calls that many tests of Alipay begin with; see :mod:`tests.support.paths`."""

from __future__ import annotations

from tests.support.paths import World, order

from payport.adapters.alipay import AlipayPayee, PayeeKind
from payport.adapters.alipay.simulator import Wallet
from payport.schemas import CaptureMode, Money, QrScanned
from payport.sdk.testing.conformance.world import DEADLINE_S
from payport.sdk.testing.stepping import Run

YUAN = Money.of("1.00", "CNY")
PAYEE = AlipayPayee(kind=PayeeKind.USER_ID, identity="2088102100000009")
HELD = CaptureMode.MANUAL


def pay_scanned(world: World, ref: str, wallet: Wallet = Wallet.PAYS, *, deadline_s: float = DEADLINE_S) -> Run[object]:
    method = QrScanned(auth_code=world.partner.payer.code(wallet))
    return world.run(lambda desk, adapter: desk.pay(adapter, order(ref), method, deadline_s))


def hold_scanned(world: World, ref: str) -> Run[object]:
    method = QrScanned(auth_code=world.partner.payer.code())
    return world.run(lambda desk, adapter: desk.pay(adapter, order(ref, capture=HELD), method, DEADLINE_S))
