"""UnionPay's response codes as a table: what each means for the order. Unknown ones are kept, never guessed.

Source: the public code tables, merged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from payport.schemas.outcome import Reason, UnknownKind
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

OK = "00"
DEFECTIVE = "A6"
ABSENT = "34"


class Meaning(Enum):
    """What a code amounts to, beyond a reason."""

    DONE = "done"
    """Of a query's ``origRespCode`` and of notices: it happened. Of a reply to a request: it was received."""
    FLAGGED = "flagged"
    """It happened and settles, and UnionPay says that something about it is not in order."""
    PENDING = "pending"
    """Accepted, not final."""
    UNKNOWN = "unknown"
    """It may have happened: ask."""
    REFUSED = "refused"
    """Final: nothing of this call happened or will."""
    ABSENT = "absent"
    """UnionPay does not know the order (yet)."""
    REPEATED = "repeated"
    """It was received, or done, before: ask how."""
    TOO_OFTEN = "too_often"
    """Asked too often: the question says nothing, and the next one has to wait."""
    RETURNED = "returned"
    """Paid after its time; UnionPay gives the money back by itself. To be looked at when reconciling."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A code's meaning and reason. ``again``: the same call, with the same identity, may be repeated at once."""

    meaning: Meaning
    reason: Reason
    again: bool = False


def _refused(reason: Reason) -> Verdict:
    return Verdict(Meaning.REFUSED, reason)


_TABLE: dict[Verdict, str] = {
    Verdict(Meaning.DONE, Reason.ALREADY_DONE): OK,
    Verdict(Meaning.FLAGGED, Reason.ALREADY_DONE): DEFECTIVE,
    Verdict(Meaning.PENDING, Reason.PARTNER_UNAVAILABLE): "05 70 83",
    Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE): "03 04 06 74 99",
    Verdict(Meaning.UNKNOWN, Reason.PARTNER_UNAVAILABLE, again=True): "02",
    Verdict(Meaning.ABSENT, Reason.NOT_FOUND): ABSENT,
    Verdict(Meaning.REPEATED, Reason.DUPLICATE): "12",
    Verdict(Meaning.REPEATED, Reason.ALREADY_DONE): "45 46",
    Verdict(Meaning.TOO_OFTEN, Reason.RATE_LIMITED): "37",
    Verdict(Meaning.RETURNED, Reason.EXPIRED): "42",
    _refused(Reason.DECLINED): ("01 30 38 60 61 62 63 65 66 67 68 71 72 73 75 76 77 78 79 80 82 85 87 89 91"),
    _refused(Reason.INSUFFICIENT_FUNDS): "64",
    _refused(Reason.MERCHANT_FUNDS): "90",
    _refused(Reason.LIMIT_EXCEEDED): "33 81",
    _refused(Reason.INVALID_REQUEST): "10 13 14 36 44",
    _refused(Reason.BAD_SIGNATURE): "11",
    _refused(Reason.MERCHANT_BLOCKED): "31",
    _refused(Reason.NOT_PERMITTED): "32 43 92 93 94 95 96",
    _refused(Reason.INVALID_STATE): "35 40 41",
    _refused(Reason.CODE_INVALID): "86 88",
    _refused(Reason.PARTNER_UNAVAILABLE): "39",
    _refused(Reason.EXPIRED): "69",
    _refused(Reason.NOT_FOUND): "98",
}
CODES = {code: found for found, codes in _TABLE.items() for code in codes.split()}
"""Every code that is known, and what it means."""

RECONCILE = frozenset({DEFECTIVE, "42", "75"})
"""Codes after which the books are to be compared: settled in spite of a defect, paid too late, write-off failed."""


def verdict(code: str) -> Verdict | None:
    """What a code means; ``None`` for one that this version does not know."""
    return CODES.get(code)


def too_often(source: Source, text: str) -> Observation:
    """Nothing is learnt of the order; by the reason call limits know that they have to slow down."""
    return replace(doubt(source, UnknownKind.PARTNER_FAULT, text), reason=Reason.RATE_LIMITED)


def refusal(code: str, message: str) -> Observation:
    """What a reply's code means where nothing more is known than the code. Raises ``ValueError`` for a success."""
    found = verdict(code)
    text = f"{code} {message}".strip()
    if found is None:
        return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"respCode {text}")
    match found.meaning:
        case Meaning.REFUSED:
            return Observation(
                state=State.DECLINED, source=Source.REPLY, reason=found.reason, partner_code=code, message=message
            )
        case Meaning.UNKNOWN:
            return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, text, again=found.again)
        case Meaning.TOO_OFTEN:
            return too_often(Source.REPLY, text)
        case Meaning.ABSENT:
            return doubt(Source.REPLY, UnknownKind.NOT_FOUND, text)
        case Meaning.PENDING:
            return Observation(state=State.PENDING, source=Source.REPLY, partner_code=code, message=message)
        case Meaning.REPEATED | Meaning.RETURNED:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"{text}: it was received before; ask how")
        case Meaning.DONE | Meaning.FLAGGED:
            raise ValueError("a success is no refusal")
        case _:
            assert_never(found.meaning)
