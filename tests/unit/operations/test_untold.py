"""Since when a partner has been answering without telling how an operation stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from payport.sdk.journal.records import State, Transition, Verb
from payport.sdk.operations.resolver import untold_since

START = datetime(2026, 11, 23, tzinfo=UTC)
REFUSED = ("query", {"unknown": "partner_fault: the query was refused: 32"})
DIFFERS = ("query", {"unknown": "mismatch: amount"})
IN_DOUBT = ("local", {"unknown": "interrupted: it may have been given back"})
SILENT = ("query", {"unknown": "timed_out: no answer came in time"})
LOST = ("reply", {"unknown": "connection_lost: reset"})
ABSENT = ("query", {"unknown": "not_found: no such transaction"})
NOT_DONE_YET: tuple[str, dict[str, str]] = ("query", {"code": "05"})
TAKEN: tuple[str, dict[str, str]] = ("local", {"taken_by": "worker-2"})
INTENT: tuple[str, dict[str, str]] = ("intent", {})


def history(*lines: tuple[str, Mapping[str, str]]) -> list[Transition]:
    """One line an hour."""
    return [
        Transition(
            id=number,
            operation="R/payout//1",
            ref="R",
            verb=Verb.PAYOUT,
            version=number,
            state=State.DOUBT,
            at=START + timedelta(hours=number),
            source=source,
            detail=detail,
        )
        for number, (source, detail) in enumerate(lines)
    ]


@pytest.mark.parametrize(
    ("hour", "lines"),
    [
        pytest.param(1, [INTENT, REFUSED, REFUSED, DIFFERS], id="from the first refusal on"),
        pytest.param(3, [INTENT, REFUSED, NOT_DONE_YET, REFUSED], id="an answer that told something begins it anew"),
        pytest.param(1, [INTENT, REFUSED, SILENT, LOST, ABSENT, REFUSED], id="silence in between ends nothing"),
        pytest.param(3, [INTENT, LOST, SILENT, REFUSED], id="silence does not begin it"),
        pytest.param(1, [INTENT, REFUSED, REFUSED, TAKEN], id="what happens here is no answer"),
        pytest.param(1, [INTENT, IN_DOUBT], id="what the answers leave in doubt counts"),
        pytest.param(None, [INTENT, REFUSED, SILENT], id="silent now: it may answer well once the line is mended"),
        pytest.param(None, [INTENT, REFUSED, NOT_DONE_YET], id="told now"),
        pytest.param(None, [INTENT, ABSENT], id="what is not found has rules of its own"),
        pytest.param(None, [INTENT], id="never answered"),
    ],
)
def test_since_when_nothing_was_told(hour: int | None, lines: list[tuple[str, Mapping[str, str]]]) -> None:
    """Only answers count, and only those that taught nothing, up to now."""
    expected = None if hour is None else START + timedelta(hours=hour)
    assert expected == untold_since(history(*lines))
