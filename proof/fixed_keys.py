"""RSA keys and serial numbers that are the same in every process: a unit's number names the same bytes everywhere.

``cryptography`` takes no seed. Each prime here is the first one behind a number that a hash makes, and :data:`BEHIND`
says how far behind: to look for it takes half a second. ``python -m proof.fixed_keys`` looks for all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import shake_256
from itertools import count
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

BITS = 2048
EXPONENT = 65537
KEYS = 32
"""More than the simulators and samples ask for."""
BEHIND: tuple[tuple[int, int], ...] = (
    (268, 276), (2688, 14), (102, 1324), (1292, 108), (360, 448), (1944, 692),
    (390, 1464), (1398, 366), (634, 1226), (1926, 160), (412, 136), (334, 1398),
    (562, 354), (1282, 780), (2954, 600), (144, 76), (70, 1110), (662, 50),
    (862, 578), (1692, 1298), (2870, 50), (1338, 302), (716, 240), (218, 352),
    (126, 460), (1006, 116), (498, 586), (126, 510), (510, 1120), (26, 1830),
    (2254, 6238), (234, 2046),
)  # fmt: skip
"""Of each key's two primes."""


def key(number: int) -> rsa.RSAPrivateKey:
    """One of them."""
    p, q = (_begin(number, name) + behind for name, behind in zip("pq", BEHIND[number], strict=True))
    private = pow(EXPONENT, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=private,
        dmp1=rsa.rsa_crt_dmp1(private, p),
        dmq1=rsa.rsa_crt_dmq1(private, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(EXPONENT, p * q),
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)  # a test validates each


@contextmanager
def fixed_keys() -> Iterator[None]:
    """While this is entered the keys of 2048 bits that are made are these, one after the other, as far as they go.

    So are the random numbers of certificates.
    """
    genuine, numbers, serials = rsa.generate_private_key, count(), count()

    def made(public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
        if (public_exponent, key_size) != (EXPONENT, BITS) or (number := next(numbers)) >= len(BEHIND):
            return genuine(public_exponent, key_size)
        return key(number)

    def serial() -> int:
        return int.from_bytes(shake_256(f"payport proof serial {next(serials)}".encode()).digest(20), "big") >> 1

    with patch.object(rsa, "generate_private_key", made), patch.object(x509, "random_serial_number", serial):
        yield


def _begin(number: int, name: str) -> int:
    """An odd number of half as many bits, the first two of them set so that the product has all of them."""
    digest = shake_256(f"payport proof {number} {name}".encode()).digest(BITS // 16)
    return int.from_bytes(digest, "big") | 3 << BITS // 2 - 2 | 1


def _behind(number: int, name: str) -> int:
    begin = _begin(number, name)
    return next(far for far in count(0, 2) if _prime(begin + far) and (begin + far) % EXPONENT != 1)


def _prime(number: int) -> bool:
    """Probably: to pass both with 1024 bits by chance is rarer than a fault of the machine."""
    return all(number % small for small in range(3, 2_000, 2)) and all(pow(a, number - 1, number) == 1 for a in (2, 3))


if __name__ == "__main__":
    for turn in range(KEYS):
        sys.stdout.write(f"    ({_behind(turn, 'p')}, {_behind(turn, 'q')}),\n")
