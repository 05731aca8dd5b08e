"""QuickPass codes a payer can show. What the wallet behind a code does is written in the code itself.

So a code can be made up in another process, typed at a prompt or written into a table of tests.
"""

from __future__ import annotations

import re
from enum import Enum

_CODE = re.compile(r"62(\d)\d{16}", re.ASCII)


class Wallet(Enum):
    """The third digit of a 19-digit code that begins with 62."""

    PAYS = "0"
    CONFIRMS = "1"
    """The payer must confirm on the phone first (code 05); a payer who never does is one nobody tells to."""
    NO_MONEY = "2"
    STALE = "3"
    """The code was used or is too old."""
    RISKY = "4"
    """UnionPay's risk control refuses this payer."""

    def code(self, number: int) -> str:
        """The ``number``-th code of this kind, 19 digits."""
        return f"62{self.value}{number:016d}"


def wallet_behind(qr_no: str) -> Wallet | None:
    """What stands behind a code, ``None`` when it is none. Unassigned kinds pay."""
    match = _CODE.fullmatch(qr_no)
    if match is None:
        return None
    return Wallet(match[1]) if match[1] in {wallet.value for wallet in Wallet} else Wallet.PAYS
