"""The undo of a completion (33) as a refund makes it: when, what is sent, and which answers are believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.wire.unionpay.answers import ACCOUNT, SILENCE, doubted, said
from tests.wire.unionpay.operations import (
    AMOUNT,
    COMPLETION_ID,
    REFUND_SLOT,
    completed,
    held,
    refund,
    succeeded,
)
from tests.wire.unionpay.stage import NOON, STAMP, Host, form, paid, signed, unionpay

from payport.adapters.unionpay.calls import Call
from payport.adapters.unionpay.planning import plan_refund
from payport.schemas import Money
from payport.schemas.events import EventKind, RawNotification
from payport.schemas.outcome import NotSentKind, Reason, UnknownKind
from payport.sdk.adapter import Opened, Plan
from payport.sdk.journal.records import Operation, State
from payport.sdk.lattice import bind
from payport.sdk.message import SendFailure
from payport.sdk.observation import Observation

PLAN = plan_refund(ACCOUNT, completed(), AMOUNT, REFUND_SLOT)
DECLINED_UNDO = refund(PLAN, state=State.DECLINED)


def beijing(text: str) -> datetime:
    """A time of November 2026."""
    return datetime.fromisoformat(f"2026-11-{text}+08:00")


def kind_of(plan: Plan) -> str:
    """Its ``txnType``."""
    request = plan.steps[0].request
    assert request is not None
    return Call.decode(request).fields["txnType"]


# planning


def test_a_whole_completion_is_undone() -> None:
    """33, in full, by UnionPay's number of the completion, under a number and time of its own."""
    (step,) = PLAN.steps
    assert step.request is not None
    call = Call.decode(step.request)
    assert call.name == "backTransReq.do 33/00"
    assert call.fields == {
        "txnType": "33",
        "txnSubType": "00",
        "bizType": "000201",
        "channelType": "07",
        "orderId": "BACK10010001R001",
        "txnTime": STAMP,
        "txnAmt": "1234",
        "backUrl": "https://shop.example/notify",
        "origQryId": COMPLETION_ID,
    }
    assert PLAN.identity == {"txnTime": STAMP, "txnType": "33", "bizType": "000201", "origQryId": COMPLETION_ID}
    assert PLAN.restores_hold


REFUNDED: dict[str, tuple[Operation, Money, tuple[Operation, ...]]] = {
    "a part": (completed(), Money.of("12.33", "CNY"), ()),
    "a payment": (succeeded(), AMOUNT, ()),
    "UnionPay's number is not known": (completed(partner_id=None), AMOUNT, ()),
    "the day before": (completed(settled_at=beijing("22T22:59:59")), AMOUNT, ()),
    "an undo of it was refused": (completed(), AMOUNT, (DECLINED_UNDO,)),
}


@pytest.mark.parametrize(("original", "amount", "refused"), REFUNDED.values(), ids=REFUNDED)
def test_everything_else_is_refunded(original: Operation, amount: Money, refused: tuple[Operation, ...]) -> None:
    """04, which any day takes, and which leaves the hold as it is."""
    plan = plan_refund(ACCOUNT, original, amount, replace(REFUND_SLOT, refused=refused))
    assert (kind_of(plan), plan.restores_hold, plan.payable_until) == ("04", False, None)


def test_a_refused_refund_is_no_refused_undo() -> None:
    """A part was refused for want of funds: the whole can be undone still."""
    part = refund(plan_refund(ACCOUNT, completed(), Money.of("1.00", "CNY"), REFUND_SLOT), state=State.DECLINED)
    assert kind_of(plan_refund(ACCOUNT, completed(), AMOUNT, replace(REFUND_SLOT, refused=(part,)))) == "33"


ENDS = {
    "noon": ("23T12:00:00", "23T23:00:00"),
    "the last second": ("23T22:59:59", "23T23:00:00"),
    "the first second": ("23T23:00:00", "24T23:00:00"),
    "past midnight": ("24T00:30:00", "24T23:00:00"),
}


@pytest.mark.parametrize(("now", "ends"), ENDS.values(), ids=ENDS)
def test_an_undo_can_be_carried_out_until_its_clearing_day_ends(now: str, ends: str) -> None:
    """Then UnionPay's "no such transaction" ends it. That is 23:00, not midnight."""
    plan = plan_refund(ACCOUNT, completed(settled_at=beijing(now)), AMOUNT, replace(REFUND_SLOT, now=beijing(now)))
    assert (kind_of(plan), plan.payable_until) == ("33", beijing(ends))


# what is sent and answered


def undone(**changes: str) -> bytes:
    """What UnionPay says of the undo."""
    whole = {
        "orderId": "BACK10010001R001",
        "txnType": "33",
        "txnSubType": "00",
        "bizType": "000201",
        "origQryId": COMPLETION_ID,
        "queryId": "512611231200000000007",
        **changes,
    }
    return said(**whole)


NOT_THERE = said(respCode="34", orderId="BACK10010001R001", queryId="", txnAmt="")


def perform(*answers: bytes | SendFailure, at: datetime = NOON) -> Observation:
    """The step against these answers."""
    return Host(list(answers), at).run(unionpay().perform(refund(PLAN), PLAN.steps[0], 10.0))


def ask(answer: bytes | SendFailure) -> Observation:
    """One question, its answer compared with what was asked."""
    operation = refund(PLAN)
    return bind(operation, Host([answer]).run(unionpay().ask(operation, 10.0)))


def test_00_is_a_receipt_and_the_question_tells() -> None:
    """Pending until UnionPay says that it was done."""
    assert perform(undone()).state is State.PENDING
    told = ask(undone(origRespCode="00"))
    assert (told.state, told.amount, told.partner_id) == (State.SUCCEEDED, AMOUNT, "512611231200000000007")
    assert ask(undone(origRespCode="05")).state is State.PENDING
    failed = ask(undone(origRespCode="35"))
    assert (failed.state, failed.reason) == (State.DECLINED, Reason.INVALID_STATE)


OTHERS = {
    "a refund": {"txnType": "04"},
    "an undo of a payment": {"txnType": "31"},
    "another completion": {"origQryId": "512611231200000000009"},
    "the hold itself": {"origQryId": "512611231200000000001"},
    "another amount": {"txnAmt": "1"},
    "another currency": {"currencyCode": "840"},
    "another number": {"orderId": "BACK10010002R001"},
    "another time": {"txnTime": "20261122120000"},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
def test_what_is_said_of_something_else_is_not_believed(changes: dict[str, str]) -> None:
    """By the reply, by the answer to a question, and by a notice, each signed by UnionPay."""
    assert doubted(bind(refund(PLAN), perform(undone(**changes)))) is UnknownKind.MISMATCH
    assert doubted(ask(undone(origRespCode="00", **changes))) is UnknownKind.MISMATCH
    told = noticed(**changes)
    assert doubted(bind(refund(PLAN), told)) is UnknownKind.MISMATCH


def noticed(**changes: str) -> Observation:
    """What a notice of the undo teaches."""
    fields = {
        **paid(orderId="BACK10010001R001", txnType="33", txnSubType="00", origQryId=COMPLETION_ID, respCode="00"),
        **changes,
    }
    said = (
        [undone(origRespCode="A6", queryId=fields["queryId"])] if fields["respCode"] == "A6" else []
    )  # which is asked about
    opened = Host([*said]).run(unionpay().open_notice(RawNotification(headers={}, body=form(signed(fields)))))
    assert isinstance(opened, Opened)
    assert opened.event.kind is EventKind.REFUND
    ((_, told),) = opened.lessons
    return told


@pytest.mark.parametrize(("code", "state"), [("00", State.SUCCEEDED), ("A6", State.SUCCEEDED), ("35", State.DECLINED)])
def test_a_notice_ends_an_undo(code: str, state: State) -> None:
    """UnionPay tells of a back-end transaction that it failed, too."""
    assert bind(refund(PLAN), noticed(respCode=code)).state is state


def test_a_notice_of_an_undo_says_nothing_of_a_payment() -> None:
    """Another till gave its undo the number that is something else here."""
    for other in (succeeded(), held(), completed()):
        assert bind(other, noticed(orderId=other.partner_ref)).unknown is not None


@pytest.mark.parametrize("code", ["12", "45", "46"])
def test_what_was_done_before_is_asked_about(code: str) -> None:
    """12, 45 and 46 may be about this very undo: the question tells."""
    assert perform(undone(respCode=code), undone(origRespCode="00")).state is State.SUCCEEDED
    assert perform(undone(respCode=code), SILENCE).state is State.DOUBT


@pytest.mark.parametrize("code", ["45", "46"])
def test_what_another_request_gave_back_is_refused(code: str) -> None:
    """And UnionPay knows no undo of this number."""
    told = perform(undone(respCode=code), NOT_THERE)
    assert (told.state, told.reason, told.partner_code) == (State.DECLINED, Reason.ALREADY_DONE, code)


def test_a_repetition_that_is_not_found_yet_is_in_doubt() -> None:
    """12: it was received. That it is not found yet is no refusal."""
    told = perform(undone(respCode="12"), NOT_THERE)
    assert (told.state, doubted(told)) == (State.DOUBT, UnknownKind.NOT_FOUND)


@pytest.mark.parametrize(("code", "state"), [("35", State.DECLINED), ("36", State.DECLINED), ("03", State.DOUBT)])
def test_refused_or_unknown(code: str, state: State) -> None:
    """35: its clearing day is over at UnionPay, or it is in another state."""
    assert perform(undone(respCode=code)).state is state


@pytest.mark.parametrize("at", ["23T12:10:00", "23T23:00:00", "24T00:00:00"])
def test_an_undo_is_not_sent_at_another_time(at: str) -> None:
    """Its ``txnTime`` is frozen: too old, or of another day, it does not leave."""
    told = perform(at=beijing(at))
    assert told.not_sent is not None
    assert told.not_sent.kind is NotSentKind.DEADLINE


def test_an_undo_lives_as_long_as_the_journal_says() -> None:
    """The fence by time is the end of the clearing day, later than any repetition."""
    assert PLAN.payable_until is not None
    assert PLAN.steps[0].replay_until == NOON + timedelta(minutes=10)
    assert PLAN.steps[0].replay_until < PLAN.payable_until
