"""The process that is killed: a till of its own, on the journal that everybody shares.

``python -m payport.sdk.cli.drill.till PAYPORT_TOML``, with what it is to do pickled on its standard input.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import cast

from payport.schemas.order import Order
from payport.sdk.gateway import Gateway
from payport.sdk.journal.store import Journal
from payport.sdk.settings import Settings, open_adapter
from payport.sdk.testing.watching import EveryVerb

DEADLINE_S = 2.0
"""Short, so that the right to send that the dead till held ends soon."""


def main() -> None:
    """Pay an order, or complete it. The drill sees to it that this never returns."""
    settings = Settings.load(Path(sys.argv[1]), {})
    # it comes from the process that started this one
    order, method, returned = pickle.load(sys.stdin.buffer)  # noqa: S301 - see above
    (name,) = settings.accounts
    journal = Journal.open(settings.journal.url, sealing_key=settings.journal.sealing_key)
    adapter = cast("EveryVerb", open_adapter(settings, name))
    gateway = Gateway(adapter, journal=journal, sinks=(), deadline_s=DEADLINE_S)
    if returned is None:
        gateway.pay(cast("Order", order), method)
    else:
        gateway.complete(cast("Order", order).ref, returned)


if __name__ == "__main__":
    main()
