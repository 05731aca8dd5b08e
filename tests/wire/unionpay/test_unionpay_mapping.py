"""Every code that is known has one meaning; one that is not is kept and doubted."""

from __future__ import annotations

import pytest
from tests.wire.unionpay.stage import NOON, paid

from payport.adapters.unionpay.mapping import CODES, DEFECTIVE, OK, RECONCILE, Meaning, refusal, verdict
from payport.adapters.unionpay.reading import outcome, parsed
from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import State
from payport.sdk.observation import Source

PUBLISHED = (
    "00 A6 01 02 03 04 05 06 10 11 12 13 14 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 60 61 62 63 64 65 66 67"
    " 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 85 86 87 88 89 90 91 92 93 94 95 96 98 99"
)
MEANINGS = {
    Meaning.DONE: "00",
    Meaning.FLAGGED: "A6",
    Meaning.PENDING: "05 70 83",
    Meaning.UNKNOWN: "02 03 04 06 74 99",
    Meaning.ABSENT: "34",
    Meaning.REPEATED: "12 45 46",
    Meaning.TOO_OFTEN: "37",
    Meaning.RETURNED: "42",
}
"""Everything else is a refusal."""


def test_the_table_is_the_published_one() -> None:
    """Not a code more or less."""
    assert set(CODES) == set(PUBLISHED.split())


@pytest.mark.parametrize("code", PUBLISHED.split())
def test_every_code_has_its_meaning(code: str) -> None:
    """What is not named here is final and moved nothing."""
    expected = next((kind for kind, codes in MEANINGS.items() if code in codes.split()), Meaning.REFUSED)
    found = verdict(code)
    assert found is not None
    assert found.meaning is expected


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("11", Reason.BAD_SIGNATURE),
        ("31", Reason.MERCHANT_BLOCKED),
        ("32", Reason.NOT_PERMITTED),
        ("33", Reason.LIMIT_EXCEEDED),
        ("35", Reason.INVALID_STATE),
        ("38", Reason.DECLINED),
        ("39", Reason.PARTNER_UNAVAILABLE),
        ("60", Reason.DECLINED),
        ("64", Reason.INSUFFICIENT_FUNDS),
        ("69", Reason.EXPIRED),
        ("86", Reason.CODE_INVALID),
        ("88", Reason.CODE_INVALID),
        ("90", Reason.MERCHANT_FUNDS),
        ("98", Reason.NOT_FOUND),
    ],
)
def test_refusals_have_their_reason(code: str, reason: Reason) -> None:
    """In the vocabulary that all partners share."""
    told = refusal(code, "why")
    assert (told.state, told.reason, told.partner_code, told.message) == (State.DECLINED, reason, code, "why")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("03", UnknownKind.PARTNER_FAULT),
        ("37", UnknownKind.PARTNER_FAULT),
        ("34", UnknownKind.NOT_FOUND),
        ("12", UnknownKind.UNKNOWN_STATUS),
        ("42", UnknownKind.UNKNOWN_STATUS),
        ("Z9", UnknownKind.UNKNOWN_STATUS),
        ("", UnknownKind.UNKNOWN_STATUS),
    ],
)
def test_what_may_have_happened_is_a_doubt(code: str, kind: UnknownKind) -> None:
    """Never a failure."""
    told = refusal(code, "why")
    assert told.state is State.DOUBT
    assert told.unknown is not None
    assert told.unknown.kind is kind


def test_asked_too_often_is_a_doubt_for_which_call_limits_slow_down() -> None:
    """By its reason; no other doubt has one."""
    told = {code: refusal(code, "") for code in CODES if code not in (OK, DEFECTIVE)}
    reasons = {code: each.reason for code, each in told.items() if each.state is State.DOUBT}
    assert {code: reason for code, reason in reasons.items() if reason} == {"37": Reason.RATE_LIMITED}


def test_only_the_closed_platform_may_be_asked_again_at_once() -> None:
    """Code 02, with the same identity; 06 (busy) of a write is asked about first."""
    assert [code for code in CODES if refusal_again(code)] == ["02"]


def refusal_again(code: str) -> bool:
    """Whether the same call may be repeated at once."""
    return CODES[code].again


def test_accepted_is_pending_and_a_success_is_no_refusal() -> None:
    """05, 70 and 83 go on by themselves."""
    assert refusal("05", "").state is State.PENDING
    with pytest.raises(ValueError, match="no refusal"):
        refusal("00", "")


@pytest.mark.parametrize("code", sorted({*PUBLISHED.split(), "Z9"}))
def test_no_code_crashes_a_query_or_notice(code: str) -> None:
    """Each leads to one state, for what a payer holds and for what the server sent."""
    for front in (True, False):
        told = outcome(parsed(paid()), code, "why", Source.QUERY, NOON, may_still_be_paid=front)
        found = verdict(code)
        if code == "12":  # received before: that says not how it ended
            assert told.state is State.DOUBT
        elif found is not None and found.meaning in (Meaning.REFUSED, Meaning.REPEATED):
            assert told.state is (State.ACTION if front else State.DECLINED)
        assert bool(told.facts) == (code in RECONCILE)
        assert told.partner_code == (None if code == "00" or told.state is State.DOUBT else code)
