"""One way to spoil bytes, for the decoders of every partner."""

from __future__ import annotations

import random
from collections.abc import Sequence


def mutated(sample: bytes, dice: random.Random, spices: Sequence[bytes]) -> bytes:
    """``sample`` with one to four changes: a byte replaced, cut, doubled, spiced, a slice dropped or repeated."""
    data = bytearray(sample)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(6):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                data[at : at + 1] = dice.choice(spices)
            case 2:
                data[at:at] = dice.choice(spices) * dice.randint(1, 8)
            case 3:
                del data[at : at + dice.randint(1, 40)]
            case 4:
                data[at:at] = data[at : at + dice.randint(1, 200)]
            case _:
                del data[at:]
    return bytes(data)
