"""Numbers name the same bytes in every process: keys are made from numbers, and what is signed with them follows."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from proof.fixed_keys import BEHIND, BITS, EXPONENT, KEYS, fixed_keys, key
from tests.support.elsewhere import said_elsewhere

TELL = """
from hashlib import sha256
from proof.fixed_keys import fixed_keys
with fixed_keys():
    from proof.signatures import FAMILY, messages
    said = [(partner, signed.name, signed.headers, signed.body) for partner, signed, _ in messages()]
print(FAMILY.gate, sha256(repr(said).encode()).hexdigest())
"""


@pytest.mark.parametrize("number", range(KEYS))
def test_each_is_a_key(number: int) -> None:
    """OpenSSL finds both primes prime, and the numbers fitting."""
    numbers = key(number).private_numbers()
    assert numbers.private_key(unsafe_skip_rsa_key_validation=False).key_size == BITS


def test_no_two_are_alike() -> None:
    """Each has primes of its own."""
    primes = {prime for number in range(KEYS) for prime in _primes(key(number))}
    assert len(primes) == 2 * KEYS == 2 * len(BEHIND)


def _primes(one: rsa.RSAPrivateKey) -> tuple[int, int]:
    numbers = one.private_numbers()
    return numbers.p, numbers.q


def test_they_are_made_in_their_order_while_it_is_entered() -> None:
    """Others than those of 2048 bits are made anew, and so are all afterwards."""
    with fixed_keys():
        made = [rsa.generate_private_key(EXPONENT, BITS) for _ in range(2)]
        small = rsa.generate_private_key(EXPONENT, 1024)
        serials = [x509.random_serial_number() for _ in range(2)]
    assert [_primes(one) for one in made] == [_primes(key(number)) for number in range(2)]
    assert small.key_size == 1024
    with fixed_keys():
        assert serials == [x509.random_serial_number() for _ in range(2)]
    assert _primes(rsa.generate_private_key(EXPONENT, BITS)) != _primes(key(0))


@pytest.mark.timeout(420)
def test_two_processes_see_the_same_signed_messages() -> None:
    """Byte for byte, so that a unit of T8 that failed is played again by its number."""
    assert said_elsewhere(TELL, "1", timeout_s=200) == said_elsewhere(TELL, "4711", timeout_s=200)
