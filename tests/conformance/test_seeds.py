"""Seeds of the world that once found something: each stays sound. What was found has a plain test of its own too.

A seed is a story of this version of the world: when its draws change, it is another story, and only one schedule more.
"""

from __future__ import annotations

import pytest

from payport.sdk.testing.world import run

SEEDS = (
    ("adyen", 469, "a cancel that nobody ever confirmed was tried for good"),
    ("adyen", 535, "a call told of an attempt that was closed, while the next one was paid"),
    ("adyen", 1950, "a close left and was refused, then the question went nowhere: told as not sent"),
    ("paypal", 141, "a call told of an attempt that was cancelled, while the next one was paid"),
    ("wechatpay", 1257, "a reversal ran beside a refund that was not settled, and gave back what was left"),
)
"""The partner, the seed, what it found."""


@pytest.mark.parametrize(("partner", "seed", "found"), SEEDS, ids=[f"{partner}-{seed}" for partner, seed, _ in SEEDS])
def test_what_a_seed_found_stays_mended(partner: str, seed: int, found: str) -> None:
    """The story ends well."""
    violations = run(f"tests.conformance.subjects.{partner}", seed, 1).violations
    assert violations == [], f"{found}: {violations}"
