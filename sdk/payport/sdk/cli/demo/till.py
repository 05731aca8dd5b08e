"""The process that is killed: a till of its own, on the journal that everybody shares.

``python -m payport.sdk.cli.demo.till PAYPORT_TOML PARTNER REF``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from payport.schemas.money import Money
from payport.schemas.order import Order
from payport.sdk.cli.configured import chosen_accounts
from payport.sdk.cli.partners import plays_of
from payport.sdk.gateway import Gateway
from payport.sdk.journal.store import Journal
from payport.sdk.settings import Settings, open_adapter
from payport.sdk.testing.watching import EveryVerb

DEADLINE_S = 3.0
"""Short, so that the right to send that the dead till held ends soon."""


def main() -> None:
    """Pay one order, as a till does. The demo sees to it that this never returns."""
    config, partner, ref = sys.argv[1:]
    (play,) = plays_of(partner)
    assert play.till is not None
    settings = Settings.load(Path(config), {})
    (account,) = chosen_accounts(settings, None)
    adapter = cast("EveryVerb", open_adapter(settings, account))
    with (
        Journal.open(settings.journal.url, sealing_key=settings.journal.sealing_key) as journal,
        Gateway(adapter, journal=journal, sinks=()) as gateway,
    ):
        order = Order(ref=ref, amount=Money.of(play.till.amount, play.currency), subject="Rice", payer=play.payer)
        gateway.pay(order, play.till.method(), deadline_s=DEADLINE_S)


if __name__ == "__main__":
    main()
