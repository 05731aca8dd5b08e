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
    ("adyen", 21252, "a repetition of a received cancel was refused for too many calls, and ended it"),
    ("alipay", 6262, "what was not known when it was asked about was paid before the answer was read"),
    ("alipay", 11527, "an old answer about a hold that a cancel had let go was told as money that came in after all"),
    ("alipay", 56048, "a repeated cancel whose answer could not be written let a hold go, which was told as held"),
    ("paypal", 141, "a call told of an attempt that was cancelled, while the next one was paid"),
    ("stripe", 8353, "a hold that a cancel had let go came in late, and was told as money to give back"),
    ("stripe", 13336, "a cancel found a hold where it had found nothing, and it was told as held for ever"),
    ("stripe", 69743, "a payout told of an attempt that was refused, while the next one was open"),
    ("unionpay", 452, "a reversal whose request was not kept was refused as too late, though it had been done"),
    ("unionpay", 12265, "a call that waited for an attempt told that it was closed, while the next one was paid"),
    (
        "unionpay",
        298743,
        "the release of a hold left for a cancel that was to wait, and its death was taken for nothing",
    ),
    ("wechatpay", 331, "what was to be kept was not looked at after a reversal of it had left and given it back"),
    ("wechatpay", 1257, "a reversal ran beside a refund that was not settled, and gave back what was left"),
    ("wechatpay", 7366, "an order that was accepted was taken for over, because it was not found once"),
)
"""The partner, the seed, what it found."""


@pytest.mark.parametrize(("partner", "seed", "found"), SEEDS, ids=[f"{partner}-{seed}" for partner, seed, _ in SEEDS])
def test_what_a_seed_found_stays_mended(partner: str, seed: int, found: str) -> None:
    """The story ends well."""
    violations = run(f"tests.conformance.subjects.{partner}", seed, 1).violations
    assert violations == [], f"{found}: {violations}"
