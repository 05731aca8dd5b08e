"""Every decoder under spoilt messages: each answers or raises an error that it declares, quickly, and nothing else.

A few hundred messages for each here; ``python -m proof T9`` reads thousands for each.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress

import pytest
from proof import fuzzing
from proof.decoders import decoder_named, decoders
from proof.decoders.decoder import Decoder, Sample
from proof.family import Tally

NAMES = [found.name for found in decoders()]
MESSAGES = 300
NEVER_REFUSE = {
    "audit: heads",
    "notification",
    "paypal: time",
    "wechatpay_v2: reply",
    "wechatpay_v2: notice",
    "wechatpay_v2: authentic fields",
}
"""What answers whatever comes: there is no wrong input."""


@pytest.mark.parametrize("name", NAMES)
def test_a_decoder_answers_or_raises_its_declared_error(name: str) -> None:
    """Anything else would be a crash that a stranger can cause."""
    found, tally = decoder_named(name), Tally()
    with fuzzing.believing() if found.believing else nullcontext():
        for number in range(MESSAGES):
            fuzzing.read_one(found, number, tally)
    assert tally.failures == []
    assert tally.cases == MESSAGES
    assert (tally.notes.get("refused", 0) > 0) == (name not in NEVER_REFUSE)


@pytest.mark.parametrize("name", NAMES)
def test_the_samples_are_genuine(name: str) -> None:
    """Each is read before it is spoilt; of an adapter's conversations, those that it understood."""
    found = decoder_named(name)
    if not found.believing:
        for sample in found.samples:
            sample.read(sample.data)
        return
    understood = 0
    with fuzzing.believing():
        for sample in found.samples:
            with suppress(*found.declared):
                sample.read(sample.data)
                understood += 1
    assert understood > 0


def test_the_same_number_makes_the_same_message() -> None:
    """A failure can be played again."""
    for found in decoders():
        assert fuzzing.message(found, 7) == fuzzing.message(found, 7)
        assert len({fuzzing.message(found, number) for number in range(50)}) > 20, found.name


def _broken(data: bytes) -> object:
    if b"{" in data:
        raise KeyError("nobody declared this")
    return data


def test_an_undeclared_error_is_found() -> None:
    """With the bytes that caused it."""
    tally = Tally()
    broken = Decoder(name="broken", samples=[Sample(b"{}", _broken)], declared=(ValueError,))
    for number in range(20):
        fuzzing.read_one(broken, number, tally)
    assert tally.failures
    assert "KeyError" in tally.failures[0].what
    assert "base64 " in tally.failures[0].what


def test_a_slow_answer_is_found() -> None:
    """It is read again alone, and is slow again."""

    def slow(data: bytes) -> object:
        return sum(range(10_000_000 + len(data)))

    tally = Tally()
    fuzzing.read_one(Decoder(name="slow", samples=[Sample(b"x", slow)]), 1, tally)
    assert "of CPU" in tally.failures[0].what


def test_memory_is_capped() -> None:
    """What asks for more than the process may grow by gets no memory; afterwards there is no cap any more."""
    with fuzzing.small(), pytest.raises(MemoryError):
        bytearray(2 * fuzzing.ROOM_BYTES)
    assert len(bytearray(2 * fuzzing.ROOM_BYTES)) == 2 * fuzzing.ROOM_BYTES
