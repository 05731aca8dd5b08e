"""A row that was damaged or edited is never believed: reading it names the row, and nothing else comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.databases import by_hand
from tests.support.journal_records import ACCOUNT, NOW, debt, intend, notice, operation

from payport.sdk.errors import JournalError
from payport.sdk.journal import Journal, rows
from payport.sdk.journal.records import Debt, Operation, State
from payport.sdk.journal.session import Session

READS: dict[str, Callable[[Session], object]] = {
    "debt": lambda session: session.debt("SHOP0001"),
    "operation": lambda session: session.operation("SHOP0001/pay//1"),
    "history": lambda session: session.history("SHOP0001"),
    "notice": lambda session: session.notices(ACCOUNT),
}


@pytest.mark.parametrize(
    ("read", "edit", "why"),
    [
        ("debt", "payport_debt SET body = '{'", "debt SHOP0001 in the journal cannot be read"),
        ("debt", "payport_debt SET body = replace(body, 'SHOP0001', 'SHOP0002')", "contradicts itself"),
        ("debt", "payport_debt SET body = replace(body, '\"v\":1', '\"v\":2')", "version 2 is newer"),
        ("debt", "payport_debt SET body = replace(body, '\"v\":1', '\"v\":true')", "cannot be read"),
        ("debt", "payport_debt SET body = replace(body, ',\"v\":1', '')", "debt SHOP0001"),
        ("operation", "payport_operation SET body = '[1]'", "operation SHOP0001/pay//1 in the journal cannot be read"),
        ("operation", "payport_operation SET body = replace(body, 'pending', 'nonsense')", "operation SHOP0001/pay//1"),
        ("operation", "payport_operation SET body = replace(body, '1000', '9000')", None),
        ("operation", "payport_operation SET state = 'succeeded'", "its columns and its body differ"),
        ("operation", "payport_operation SET version = 2", "differ"),
        ("operation", "payport_operation SET partner_ref = 'other'", "differ"),
        (
            "operation",
            "payport_operation SET sealed = substr(sealed, 20)",
            "operation SHOP0001/pay//1 was sealed with another key",
        ),
        ("operation", "payport_transition SET state = 'declined' WHERE version = 1", "contradicts its history"),
        ("operation", "payport_transition SET version = 7 WHERE version = 1", "contradicts its history: None there"),
        ("history", "payport_transition SET version = 7 WHERE version = 1", "version 7 follows 0"),
        ("history", "payport_transition SET state = 'nonsense' WHERE version = 1", r"transition \d+ in the journal"),
        (
            "history",
            "payport_transition SET at = 9000000000000000000 WHERE version = 1",
            r"transition \d+ in the journal",
        ),
        ("history", "payport_transition SET body = ''", r"transition \d+ in the journal cannot be read"),
        ("notice", "payport_notice SET event_id = 'event2'", "differ"),
        ("notice", "payport_notice SET body = 'x'", f"notice event1 of {ACCOUNT} in the journal cannot be read"),
        ("notice", "payport_notice SET sealed = substr(sealed, 1, 30)", "does not open"),
    ],
)
def test_an_edited_row_is_not_believed(
    kind: str, url: str, journal: Journal, read: str, edit: str, why: str | None
) -> None:
    """``None``: an edit of the body alone, made well, cannot be told; that is what the audit trail is for."""
    first = journal.write(intend())
    journal.write(lambda session: session.save(replace(first, state=State.PENDING), source="reply", detail={}, now=NOW))
    journal.write(lambda session: session.add_notice(notice()))
    with by_hand(kind, url) as cursor:
        cursor.execute(f"UPDATE {edit}")
        assert cursor.rowcount > 0

    if why is None:
        journal.read(READS[read])
    else:
        with pytest.raises(JournalError, match=why):
            journal.read(READS[read])


_TEXT = rows.encode(operation())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(_TEXT) - 1), st.characters(codec="utf-8"))
def test_any_changed_character_is_read_or_refused(place: int, character: str) -> None:
    """No raw exception comes out of a decoder."""
    try:
        rows.decode(_TEXT[:place] + character + _TEXT[place + 1 :], Operation, "operation 1")
    except JournalError as error:
        refused = str(error)
    else:
        refused = ""
    assert refused == "" or refused.startswith("operation 1 in the journal cannot be read")


_LEAVES = st.none() | st.integers() | st.text(max_size=5)
_KEYS = st.sampled_from(["v", "type", "ref", "amount"])


@settings(max_examples=150, deadline=None)
@given(st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner)))
def test_any_json_is_refused(content: object) -> None:
    """Only a debt is a debt."""
    with pytest.raises(JournalError, match="debt 1"):
        rows.decode(json.dumps(content), Debt, "debt 1")


def test_a_body_carries_its_version_and_no_secret() -> None:
    """The text that an operation becomes: version 1, every step without its request."""
    content = json.loads(rows.encode(operation()))
    assert (content["v"], content["steps"][0]["request"]) == (1, None)
    assert {1} == set(rows.UPGRADES)
    assert debt() == rows.decode(rows.encode(debt()), Debt, "debt")


@given(st.datetimes(timezones=st.just(NOW.tzinfo)))
def test_instants_are_exact(at: object) -> None:
    """To the microsecond, over all years."""
    assert isinstance(at, type(NOW))
    assert at == rows.instant(rows.micros(at))
