"""The same under asyncio (or trio): a till that charges scanned codes, several at once."""

from __future__ import annotations

import asyncio
import tempfile

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import Money, Order, QrScanned, Succeeded
from payport.sdk import AsyncGateway


async def charge(gateway: AsyncGateway[Alipay], ref: str, code: str) -> bool:
    """Charge one scanned code; whether it is paid now."""
    order = Order(ref=ref, amount=Money.of("5.00", "CNY"), subject="Milk")
    outcome = await gateway.pay(order, QrScanned(auth_code=code))
    return isinstance(outcome, Succeeded)


async def main() -> None:
    """Three payers at three tills."""
    with tempfile.TemporaryDirectory() as folder, AlipaySimulator().serve() as partner:
        journal = f"sqlite:///{folder}/payments.db"
        async with AsyncGateway(Alipay(partner.account), journal=journal) as gateway:
            tills = [charge(gateway, f"SHOP1001000{till}", partner.payer.code()) for till in (1, 2, 3)]
            paid = await asyncio.gather(*tills)
    print("paid:", paid.count(True), "of", len(paid))


if __name__ == "__main__":
    asyncio.run(main())
