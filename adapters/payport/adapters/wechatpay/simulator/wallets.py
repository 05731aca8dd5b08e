"""Payment codes a payer can show. What the wallet behind a code does is written in the code itself.

So a code can be made up in another process, typed at a prompt or written into a table of tests.
"""

from __future__ import annotations

import re
from enum import Enum

_CODE = re.compile(r"1[0-5](\d)\d{15}", re.ASCII)


class Wallet(Enum):
    """The third digit of an 18-digit code that begins with 13 (WeChat's begin with 10 to 15)."""

    PAYS = "0"
    CONFIRMS = "1"
    """The payer must type the password first (USERPAYING); a payer who never does is one nobody tells to."""
    NO_MONEY = "2"
    STALE = "3"
    """The code was used or is too old."""
    RISKY = "4"
    """The payer's account must not pay."""
    BANK_FAILS = "5"
    """The payer's bank breaks down: 500 BANK_ERROR, and nobody was charged."""

    def code(self, number: int) -> str:
        """The ``number``-th code of this kind, 18 digits."""
        return f"13{self.value}{number:015d}"


def wallet_behind(auth_code: str) -> Wallet | None:
    """What stands behind a code, ``None`` when it is none. Unassigned kinds pay."""
    match = _CODE.fullmatch(auth_code)
    if match is None:
        return None
    return Wallet(match[1]) if match[1] in {wallet.value for wallet in Wallet} else Wallet.PAYS
