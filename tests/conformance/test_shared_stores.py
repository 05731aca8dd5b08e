"""The promises that lean on the journal hold wherever it stands: with it on database servers."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from tests.support.databases import SERVERS

from payport.sdk.testing.conformance import Case, cases

STORED = (
    "a_crash_after_any_effect_loses_nothing",
    "a_crash_after_recording_an_action_loses_nothing",
    "a_crash_in_the_recovery_from_a_crash_loses_nothing",
    "a_journal_that_fails_at_any_time_loses_nothing",
    "a_close_that_races_a_late_payment_tells_the_truth",
    "a_notice_counts_once",
    "a_notice_before_the_reply_is_not_lost",
    "a_notice_of_an_order_that_nobody_knows_is_kept",
    "a_refund_in_doubt_counts_and_is_never_doubled",
    "another_amount_is_a_conflict",
    "another_way_never_lets_both_be_paid",
    "asked_twice_is_one_attempt",
    "what_was_prepared_is_sent_once_by_resume",
)
"""The checks that lean on it most. The others are about the partner, and hold here as they do on a file."""


def stored(partner: str) -> list[Case]:
    """The cases of these checks for one partner."""
    found = cases(import_module(f"tests.conformance.subjects.{partner}").SUBJECT)
    return [case for case in found if case.name.partition("[")[0] in STORED]


@pytest.mark.parametrize("case", stored("alipay"), ids=str)
def test_on_postgresql(tmp_path: Path, case: Case) -> None:
    """The promise stands in the check's docstring."""
    case.run(tmp_path, SERVERS["postgresql"].url())


@pytest.mark.parametrize("case", stored("kiosk"), ids=str)
def test_on_mariadb(tmp_path: Path, case: Case) -> None:
    """The promise stands in the check's docstring."""
    case.run(tmp_path, SERVERS["mariadb"].url())


def test_every_name_is_that_of_a_check() -> None:
    """One that was renamed would be left out in silence."""
    assert {case.name.partition("[")[0] for case in stored("alipay")} == set(STORED)
