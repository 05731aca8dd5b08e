"""What a reply's headers say."""

from __future__ import annotations

import pytest

from payport.sdk.message import WireReply


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2"], 2.0),
        (["0"], 0.0),
        (["120"], 120.0),
        ([], None),
        (["2", "3"], None),
        (["-1"], None),
        (["1.5"], None),
        (["٣"], None),
        (["9999999"], None),
        (["Wed, 21 Oct 2026 07:28:00 GMT"], None),
    ],
)
def test_how_long_the_partner_wants_to_be_left_alone(values: list[str], expected: float | None) -> None:
    """Whole seconds, once; a date would need a clock, and two values are none."""
    reply = WireReply(503, tuple(("retry-after", value) for value in values), b"")
    assert expected == reply.retry_after_s


def test_a_header_that_stands_twice_is_no_header() -> None:
    """Whoever reads one of the two may be led astray."""
    reply = WireReply(200, (("a", "1"), ("b", "2"), ("b", "3")), b"")
    assert reply.header("a") == "1"
    assert reply.header("c") is None
    with pytest.raises(ValueError, match="b stands 2 times"):
        reply.header("b")
