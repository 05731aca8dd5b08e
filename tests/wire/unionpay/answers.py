"""UnionPay's signed answers to a payment by scanned code, and one step or question against them."""

from __future__ import annotations

from datetime import datetime

from tests.wire.unionpay.operations import ORDER, SCANNED, SLOT, payment
from tests.wire.unionpay.stage import NOON, Host, account, paid, reply, signed, unionpay

from payport.adapters.unionpay.planning import plan_pay
from payport.schemas import HostedPage, InApp, QrScanned, QrShown
from payport.schemas.outcome import UnknownKind
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.message import FailureKind, SendFailure, WireReply
from payport.sdk.observation import Observation

ACCOUNT = account()
SCAN = plan_pay(ACCOUNT, ORDER, QrScanned(auth_code="6220000000000000001"), SLOT).steps[0]
SHOW = plan_pay(ACCOUNT, ORDER, QrShown(), SLOT).steps[0]
APP = plan_pay(ACCOUNT, ORDER, InApp(), SLOT).steps[0]
PAGE = plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT).steps[0]
SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="silence")


def said(**changes: str) -> bytes:
    """UnionPay's signed reply to the scanned payment."""
    fields = {**paid(txnSubType="06", bizType="000000"), **changes}
    return reply(signed({name: value for name, value in fields.items() if value}))


def answered(code: str = "00", **changes: str) -> bytes:
    """UnionPay's signed answer to a query."""
    return said(respCode="00", origRespCode=code, origRespMsg="why", **changes)


ABSENT = said(respCode="34", respMsg="查无此交易[2600000]", queryId="", txnAmt="")
TWELVE = said(respCode="12")


def perform(
    *answers: bytes | WireReply | SendFailure, step: Step = SCAN, at: datetime = NOON, **op: object
) -> Observation:
    """One step against these answers."""
    return Host(list(answers), at).run(unionpay().perform(payment(**{"identity": SCANNED, **op}), step, 10.0))


def ask(*answers: bytes | WireReply | SendFailure, at: datetime = NOON, of: Operation | None = None) -> Observation:
    """One question against these answers."""
    return Host(list(answers), at).run(unionpay().ask(of or payment(identity=SCANNED), 10.0))


def doubted(told: Observation) -> UnknownKind:
    """Why nothing was learnt."""
    assert told.state is State.DOUBT
    assert told.unknown is not None
    return told.unknown.kind
