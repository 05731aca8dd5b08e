"""Undo, release and reversal: asked about first, sent once, believed when confirmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.wire.unionpay.answers import (
    ABSENT,
    ACCOUNT,
    SILENCE,
    answered,
    doubted,
    said,
)
from tests.wire.unionpay.operations import CANCEL_SLOT, QUERY_ID, SCANNED, cancel, held, payment, succeeded
from tests.wire.unionpay.stage import NOON, Host, unionpay

from payport.adapters.unionpay.planning import plan_cancel
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.journal.records import State
from payport.sdk.message import SendFailure
from payport.sdk.observation import Observation, Source

UNDO = plan_cancel(ACCOUNT, succeeded(), CANCEL_SLOT, reverse_paid=True)
RELEASE = plan_cancel(ACCOUNT, held(), CANCEL_SLOT, reverse_paid=False)
REVERSE = plan_cancel(ACCOUNT, payment(identity=SCANNED), CANCEL_SLOT, reverse_paid=True)


def undone(code: str = "00", kind: str = "31", **changes: str) -> bytes:
    """What UnionPay says of an undo."""
    return said(orderId="SHOP10010001X001", txnType=kind, txnSubType="00", respCode=code, currencyCode="", **changes)


def go_on(
    *answers: bytes | SendFailure, at: datetime = NOON, before: bool = False, release: bool = False
) -> Observation:
    """One round of a cancel. ``before``: something of it was sent, or waited for, earlier."""
    plan = RELEASE if release else UNDO
    operation = cancel(plan, may_have_left=before, asked=int(before))
    return Host(list(answers), at).run(unionpay().perform(operation, plan.steps[0], 10.0))


def test_an_undo_is_received_and_then_asked_about() -> None:
    """00 is a receipt; the next round asks by the undo's own number and time."""
    first = go_on(undone())
    assert (first.state, first.cancelled_by) == (State.PENDING, None)
    then = go_on(undone(origRespCode="00"), before=True)
    assert (then.state, then.cancelled_by) == (State.SUCCEEDED, CancelledBy.REVERSED)
    assert go_on(undone(origRespCode="05"), before=True).state is State.PENDING
    refused = go_on(undone(origRespCode="35"), before=True)
    assert (refused.state, refused.reason) == (State.DECLINED, Reason.INVALID_STATE)


def test_a_release_voids() -> None:
    """32: the hold goes back."""
    told = go_on(undone(kind="32", origRespCode="00"), before=True, release=True)
    assert told.cancelled_by is CancelledBy.VOIDED


def test_a_cancel_that_nobody_knows_is_sent_when_it_still_may_be() -> None:
    """Asked first, then sent once more with the same number and time."""
    assert go_on(ABSENT_UNDO, undone(), before=True).state is State.PENDING
    assert go_on(ABSENT_UNDO, undone("12"), undone(origRespCode="00"), before=True).state is State.SUCCEEDED
    assert doubted(go_on(undone("12"), ABSENT_UNDO)) is UnknownKind.UNKNOWN_STATUS


ABSENT_UNDO = said(
    orderId="SHOP10010001X001", txnType="00", txnSubType="00", respCode="34", queryId="", txnAmt="", currencyCode=""
)


def test_a_cancel_whose_time_is_over_is_not_sent() -> None:
    """It is refused here, so that the next one gets a time of its own; while it may be under way it is waited for."""
    late = NOON + timedelta(minutes=10)
    waits = go_on(ABSENT_UNDO, at=late, before=True)
    assert doubted(waits) is UnknownKind.INTERRUPTED
    over = go_on(ABSENT_UNDO, at=late + timedelta(seconds=60), before=True)
    assert (over.state, over.reason, over.source) == (State.DECLINED, Reason.INVALID_STATE, Source.LOCAL)
    assert "cancel again" in over.message
    assert go_on(at=late).state is State.DECLINED


def test_a_cancel_that_was_received_is_not_ended_by_the_clock() -> None:
    """UnionPay gave it a number, and says later that it knows nothing of it: it may have been done, and is not sent."""
    for at in (NOON, NOON + timedelta(hours=5)):
        received = cancel(RELEASE, state=State.PENDING, may_have_left=True, asked=1, partner_id=QUERY_ID)
        told = Host([ABSENT_UNDO], at).run(unionpay().perform(received, RELEASE.steps[0], 10.0))
        assert (doubted(told), told.source) == (UnknownKind.UNKNOWN_STATUS, Source.QUERY)


def test_an_undo_is_not_sent_after_its_clearing_day() -> None:
    """Planned at 22:59, carried out after 23:00: it would be refused, or undo nothing."""
    evening = datetime.fromisoformat("2026-11-23T22:59:30+08:00")
    plan = plan_cancel(ACCOUNT, succeeded(), replace(CANCEL_SLOT, now=evening), reverse_paid=True)
    told = Host([], evening + timedelta(minutes=1)).run(unionpay().perform(cancel(plan), plan.steps[0], 10.0))
    assert (told.state, told.source) == (State.DECLINED, Source.LOCAL)


def test_what_another_request_undid_is_a_refusal() -> None:
    """45, and no undo of our own."""
    told = go_on(undone("45"), ABSENT_UNDO)
    assert (told.state, told.reason) == (State.DECLINED, Reason.ALREADY_DONE)


@pytest.mark.parametrize("code", ["34", "03"])
def test_a_refused_undo_is_no_missing_order(code: str) -> None:
    """The sdk takes "not found" for "nothing to cancel", and this order is paid."""
    told = go_on(undone(code))
    assert told.state is State.DOUBT
    assert not told.absent


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (SILENCE, UnknownKind.TIMED_OUT),
        (undone(origRespCode="00", kind="04"), UnknownKind.MISMATCH),
        (undone(origRespCode=""), UnknownKind.UNREADABLE),
    ],
)
def test_questions_about_a_cancel_that_teach_nothing(answer: bytes | SendFailure, kind: UnknownKind) -> None:
    """It is asked again."""
    assert doubted(go_on(answer, before=True)) is kind


def reverse(*answers: bytes | SendFailure) -> Observation:
    """One round of a reversal."""
    operation = cancel(REVERSE)
    return Host(list(answers)).run(unionpay().perform(operation, REVERSE.steps[0], 10.0))


def reversal(code: str) -> bytes:
    """What UnionPay says to a reversal."""
    return said(txnType="99", txnSubType="01", respCode=code, currencyCode="")


def test_a_reversal_is_confirmed_by_its_repetition() -> None:
    """It has no number of its own to ask about: 46 says that it was done."""
    for answers in ((reversal("00"), reversal("46")), (reversal("46"),)):
        told = reverse(*answers, answered())
        assert (told.state, told.cancelled_by) == (State.SUCCEEDED, CancelledBy.REVERSED)


@pytest.mark.parametrize(
    ("answer", "by"),
    [
        (answered("01"), CancelledBy.CLOSED),
        (answered("00"), CancelledBy.REVERSED),
        (answered("05"), CancelledBy.REVERSED),
        (answered("Z9"), CancelledBy.REVERSED),
        (ABSENT, CancelledBy.REVERSED),
        (SILENCE, CancelledBy.REVERSED),
    ],
)
def test_whether_money_was_given_back_is_asked(answer: bytes | SendFailure, by: CancelledBy) -> None:
    """Only when UnionPay says that the payment failed, nothing had been taken."""
    assert reverse(reversal("46"), answer).cancelled_by is by


@pytest.mark.parametrize("second", [reversal("00"), reversal("35"), reversal("06"), SILENCE])
def test_a_reversal_that_is_not_confirmed_is_in_doubt(second: bytes | SendFailure) -> None:
    """It was received, so a paid answer to a question does not say that it was not done; the next round confirms it."""
    told = reverse(reversal("00"), second)
    assert (doubted(told), told.source) == (UnknownKind.INTERRUPTED, Source.REPLY)


@pytest.mark.parametrize("answers", [(reversal("34"),), (reversal("35"), ABSENT)])
def test_nothing_to_reverse_is_no_fence(answers: tuple[bytes, ...]) -> None:
    """The payment may still be on its way."""
    assert doubted(reverse(*answers)) is UnknownKind.NOT_FOUND


def test_what_35_means_the_question_tells() -> None:
    """Missing, failed, paid and not to be reversed: only the first is "not found", and none is taken for another."""
    paid = reverse(reversal("35"), answered("00"))
    assert (paid.state, paid.reason) == (State.DECLINED, Reason.INVALID_STATE)
    failed = reverse(reversal("35"), answered("01"))
    assert (failed.state, failed.cancelled_by) == (State.SUCCEEDED, CancelledBy.CLOSED)
    for answer in (answered("05"), answered("Z9"), SILENCE):
        assert doubted(reverse(reversal("35"), answer)) is UnknownKind.UNKNOWN_STATUS


def test_a_refused_repetition_is_not_the_end_of_an_undo() -> None:
    """The first request may still arrive, or be why this one is refused."""
    for code in ("33", "35", "45"):
        later = [ABSENT_UNDO] if code == "45" else []
        told = go_on(ABSENT_UNDO, undone(code), *later, before=True)
        assert (doubted(told), told.source) == (UnknownKind.INTERRUPTED, Source.REPLY)


def test_a_refused_repetition_is_not_the_end_of_a_reversal() -> None:
    """The first may still arrive, and then it is carried out."""
    again = cancel(REVERSE, may_have_left=True)
    told = Host([reversal("33")]).run(unionpay().perform(again, REVERSE.steps[0], 10.0))
    assert (doubted(told), told.source) == (UnknownKind.INTERRUPTED, Source.REPLY)
    assert reverse(reversal("33")).state is State.DECLINED


def test_a_reversal_that_was_not_kept_is_not_refused_as_too_late() -> None:
    """Without a sealing key it cannot be repeated, which would tell whether it was done; nor may it be undone now."""
    left = tuple(replace(step, request=None) for step in REVERSE.steps)
    late = NOON + timedelta(hours=1)
    for steps, kind in ((left, UnknownKind.INTERRUPTED), (UNDO.steps, None)):
        operation = replace(cancel(UNDO, may_have_left=True), steps=steps)
        told = Host([ABSENT_UNDO], late).run(unionpay().perform(operation, UNDO.steps[0], 10.0))
        assert (told.unknown.kind if told.unknown else None) is kind


def test_what_was_reversed_needs_no_undo() -> None:
    """46 to an undo: a reversal whose answer was lost gave back all of it."""
    told = go_on(undone("46"), ABSENT_UNDO)
    assert (told.state, told.cancelled_by) == (State.SUCCEEDED, CancelledBy.REVERSED)


def test_other_answers_to_a_reversal() -> None:
    """Refused, or in doubt."""
    assert reverse(reversal("32")).reason is Reason.NOT_PERMITTED
    assert doubted(reverse(reversal("03"))) is UnknownKind.PARTNER_FAULT
    assert doubted(reverse(SILENCE)) is UnknownKind.TIMED_OUT
