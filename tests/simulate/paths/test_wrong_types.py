"""A value of another type, from a caller without a type checker, is refused in words before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.paths import World, order
from tests.support.scenarios import PAYEE

from payport.schemas import QrShown
from payport.sdk import ConfigurationError
from payport.sdk.journal.sealing import SealingKeys

REF = "SHOP10010001"
AN_ORDER: Any = {"ref": REF, "amount": "12.34", "subject": "Tea"}
TEXT: Any = "5"

WRONG: dict[str, tuple[str, Callable[[World], object]]] = {
    "an order as a dict": ("order must be an Order; got dict", lambda world: world.worker.pay(AN_ORDER, QrShown())),
    "a payout as a dict": ("order must be a PayoutOrder; got dict", lambda world: world.worker.payout(AN_ORDER, PAYEE)),
    "a deadline as a text": (
        "deadline_s must be seconds, as a number; got str",
        lambda world: world.worker.pay(order(REF), QrShown(), deadline_s=TEXT),
    ),
    "a time to wait as a text": ("timeout_s must be seconds", lambda world: world.worker.wait(REF, TEXT)),
    "a refund as a text": ("amount must be Money", lambda world: world.worker.refund(REF, "BACK0001", TEXT)),
    "a capture as a text": ("amount must be Money, .* or None", lambda world: world.worker.capture(REF, TEXT)),
    "a number as a text": ("partner_id must be a PartnerId", lambda world: world.worker.adopt(REF, TEXT)),
    "a body alone": ("raw must be a RawNotification", lambda world: world.worker.receive(TEXT)),
    "a limit as a text": ("limit must be a whole number", lambda world: world.worker.changes(TEXT)),
    "the number of a change": ("changes must be what changes", lambda world: world.worker.acknowledge(TEXT)),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_value_of_another_type_is_refused_in_words(world: World, what: str) -> None:
    """What was expected, what came, and that no money can have moved; the journal has nothing of it."""
    words, call = WRONG[what]
    with pytest.raises(TypeError, match=words) as refused:
        call(world)
    assert str(refused.value).endswith("and nothing was sent")
    assert world.watch.requests == []
    assert world.operations(REF) == []


@pytest.mark.parametrize("seconds", [float("inf"), float("-inf"), float("nan"), 1e10, 10**400], ids=range(5))
def test_a_time_that_no_clock_counts_to_is_refused_in_words(world: World, seconds: float) -> None:
    """``inf`` is what some write for "until it is over"."""
    calls: tuple[Callable[[], object], ...] = (
        lambda: world.worker.pay(order(REF), QrShown(), deadline_s=seconds),
        lambda: world.worker.wait(REF, seconds),
        lambda: world.worker.query(REF, deadline_s=seconds),
        lambda: world.worker.cancel(REF, deadline_s=seconds),
        lambda: world.worker.resume(deadline_s=seconds),
    )
    for call in calls:
        with pytest.raises(ValueError, match=r"must be seconds, at most .* and nothing was sent"):
            call()
    assert world.watch.requests == []
    assert world.operations(REF) == []


def test_a_sealing_key_that_is_no_secret_is_refused_unshown() -> None:
    """It would stand in a traceback otherwise."""
    with pytest.raises(ConfigurationError, match="wrap the text") as refused:
        SealingKeys(["c2VjcmV0IQ=="])  # type: ignore[list-item] # that is the mistake
    assert "c2VjcmV0" not in str(refused.value)
