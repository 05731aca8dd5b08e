"""Serve the shop on this machine until Ctrl-C, with every simulated partner or those that are named."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import uvicorn
from examples.shop.app import Shop, application
from examples.shop.partners import PARTNERS

from payport.sdk import Journal

PORT = 8000


def main() -> None:
    """Build the shop and serve it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        journal = stack.enter_context(Journal.open(f"sqlite:///{folder / 'payments.db'}"))
        partners = {name: PARTNERS[name]() for name in sys.argv[1:] or PARTNERS}
        for partner in partners.values():
            stack.callback(partner.simulator.close)
        shop = Shop(partners, journal, f"http://127.0.0.1:{PORT}")
        stack.callback(shop.close)
        print(f"The shop: http://127.0.0.1:{PORT}/")
        print("The partners' pages have certificates of their own: your browser will warn you, which is right.")
        uvicorn.run(application(shop), port=PORT, log_level="warning")


if __name__ == "__main__":
    main()
