"""Every fault does what its name says: what the caller sees, and whether money moved."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.simulate.alipay.merchant import Clock, Merchant

from payport.adapters.alipay.simulator import Fault
from payport.schemas.money import Money
from payport.sdk.message import FailureKind, SendFailure, WireReply

PAY = "alipay.trade.pay"

NO_REPLY = [
    (Fault.RESET_BEFORE_TLS, FailureKind.TLS, False, 0),
    (Fault.RESET_BEFORE_READING, FailureKind.CONNECTION_LOST, True, 0),
    (Fault.RESET, FailureKind.CONNECTION_LOST, True, 0),
    (Fault.SILENCE, FailureKind.TIMED_OUT, True, 0),
    (Fault.LATE_ARRIVAL, FailureKind.TIMED_OUT, True, 0),
    (Fault.COMMIT_THEN_RESET, FailureKind.CONNECTION_LOST, True, 1),
    (Fault.COMMIT_THEN_SILENCE, FailureKind.TIMED_OUT, True, 1),
    (Fault.DRIP, FailureKind.TIMED_OUT, True, 1),
    (Fault.TRUNCATED, FailureKind.UNREADABLE, True, 1),
    (Fault.GARBAGE, FailureKind.UNREADABLE, True, 1),
]
ANSWERED = [
    (Fault.SYSTEM_ERROR, "ACQ.SYSTEM_ERROR", True, True, 0),
    (Fault.FOREIGN_CHARSET, "isp.unknow-error", True, True, 0),
    (Fault.RATE_LIMITED, "isv.app-call-limited", True, True, 0),
    (Fault.UNSIGNED_ERROR, "ACQ.PAYMENT_FAIL", False, False, 0),
    (Fault.ASK_RETRY, "ACQ.SYSTEM_ERROR", True, True, 0),
    (Fault.NOT_FOUND, "ACQ.TRADE_NOT_EXIST", True, True, 0),
    (Fault.COMMIT_THEN_SYSTEM_ERROR, "ACQ.SYSTEM_ERROR", True, True, 1),
    (Fault.COMMIT_THEN_UNSIGNED_ERROR, "ACQ.PAYMENT_FAIL", False, False, 1),
    (Fault.WRONG_AMOUNT, "10000", True, True, 1),
    (Fault.OTHER_ORDER, "10000", True, True, 1),
    (Fault.BAD_SIGNATURE, "10000", True, False, 1),
    (Fault.NO_SIGNATURE, "10000", False, False, 1),
    (Fault.UNKNOWN_STATUS, "10077", True, True, 1),
    (Fault.SLOW_PROCESSING, "10003", True, True, 0),
]
GATEWAY = [(Fault.BAD_GATEWAY, 0), (Fault.COMMIT_THEN_BAD_GATEWAY, 1)]


def content(merchant: Merchant) -> dict[str, object]:
    """A payment by a scanned code."""
    return merchant.order(scene="bar_code", auth_code=merchant.partner.payer.code())


def test_no_fault_is_left_out() -> None:
    """The tables below cover the whole list."""
    assert set(Fault) == {row[0] for row in [*NO_REPLY, *ANSWERED, *GATEWAY]}


@pytest.mark.parametrize(("fault", "kind", "left", "charges"), NO_REPLY)
def test_a_fault_without_a_reply(merchant: Merchant, fault: Fault, kind: FailureKind, left: bool, charges: int) -> None:
    """The failure a socket would give, and whether the partner charged."""
    merchant.partner.faults.next(fault)
    failure = merchant.fails(PAY, content(merchant))
    assert (kind, left) == (failure.kind, failure.may_have_left)
    assert charges == len(merchant.partner.ledger.charges("SHOP1"))
    assert merchant.partner.faults.pending == 0


@pytest.mark.parametrize(("fault", "code", "signed", "authentic", "charges"), ANSWERED)
def test_a_fault_with_a_reply(
    merchant: Merchant, fault: Fault, code: str, signed: bool, authentic: bool, charges: int
) -> None:
    """What the reply says, whether it is signed and authentic, and whether the partner charged."""
    merchant.partner.faults.next(fault, PAY)
    said = merchant.call(PAY, content(merchant))
    assert (code, signed, authentic) == (said.code, said.signed, said.authentic)
    assert charges == len(merchant.partner.ledger.charges("SHOP1"))


@pytest.mark.parametrize(("fault", "charges"), GATEWAY)
def test_a_gateway_in_between_answers(merchant: Merchant, fault: Fault, charges: int) -> None:
    """502 in HTML says nothing about the payment."""
    merchant.partner.faults.next(fault)
    answer = merchant.send(merchant.parameters(PAY, content(merchant)))
    assert isinstance(answer, WireReply)
    assert (answer.status, answer.content.startswith(b"<html>")) == (502, True)
    assert charges == len(merchant.partner.ledger.charges("SHOP1"))


def test_an_error_in_another_charset_is_gbk(merchant: Merchant) -> None:
    """UTF-8 was asked for; the bytes are not UTF-8, the signature is over them all the same."""
    merchant.partner.faults.next(Fault.FOREIGN_CHARSET)
    said = merchant.query()
    with pytest.raises(UnicodeDecodeError):
        said.raw.decode("utf-8")
    assert (said.fields["code"], said.fields["sub_msg"], said.authentic) == ("20000", "系统繁忙", True)


def test_authentic_replies_that_must_not_be_believed(merchant: Merchant) -> None:
    """One yuan more, another order, a status of no document."""
    merchant.pay()
    faults = merchant.partner.faults
    for fault in (Fault.WRONG_AMOUNT, Fault.OTHER_ORDER, Fault.UNKNOWN_STATUS):
        faults.next(fault)
    amount, other, status = (merchant.query() for _ in range(3))
    assert (
        amount.fields["total_amount"],
        other.fields["out_trade_no"],
        status.fields["trade_status"],
    ) == ("13.34", "SHOP1X", "TRADE_IN_LIMBO")
    assert all(said.authentic for said in (amount, other, status))


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("alipay.trade.cancel", "AQC.SYSTEM_ERROR"),
        ("alipay.trade.refund", "ACQ.SYSTEM_ERROR"),
        ("alipay.fund.auth.order.freeze", "SYSTEM_ERROR"),
        ("alipay.fund.trans.uni.transfer", "SYSTEM_ERROR"),
        ("alipay.trade.royalty.relation.bind", "SYSTEM_ERROR"),
    ],
)
def test_each_family_has_its_own_word_for_a_fault(merchant: Merchant, method: str, code: str) -> None:
    """With Alipay's own misspelling for cancel."""
    merchant.partner.faults.next(Fault.SYSTEM_ERROR, method)
    assert code == merchant.call(method, {}).code


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("alipay.trade.query", "ACQ.TRADE_NOT_EXIST"),
        ("alipay.trade.fastpay.refund.query", "TRADE_NOT_EXIST"),
        ("alipay.fund.auth.operation.detail.query", "AUTH_ORDER_NOT_EXIST"),
        ("alipay.fund.trans.common.query", "ORDER_NOT_EXIST"),
    ],
)
def test_a_query_may_lag_behind(merchant: Merchant, method: str, code: str) -> None:
    """As many questions as planned hear that there is no such order."""
    merchant.pay()
    merchant.partner.faults.next(Fault.NOT_FOUND, method, times=2)
    asked = {"out_trade_no": "SHOP1", "out_request_no": "R1", "out_order_no": "H", "order_id": "1"}
    assert [code, code] == [merchant.call(method, asked).code for _ in range(2)]
    assert merchant.query().code == "10000"


def test_cancel_may_ask_to_be_repeated(merchant: Merchant) -> None:
    """retry_flag=Y, nothing done; the repetition does it."""
    merchant.pay()
    merchant.partner.faults.next(Fault.ASK_RETRY, "alipay.trade.cancel")
    first = merchant.call("alipay.trade.cancel", {"out_trade_no": "SHOP1"})
    assert (first.fields["retry_flag"], len(merchant.partner.ledger.refunds())) == ("Y", 0)
    assert merchant.call("alipay.trade.cancel", {"out_trade_no": "SHOP1"}).fields["action"] == "refund"


def test_a_request_may_arrive_late(merchant: Merchant) -> None:
    """Nothing, then a charge at the moment the request arrived, without anybody asking again."""
    merchant.partner.faults.next(Fault.LATE_ARRIVAL, PAY, delay_s=90)
    merchant.fails(PAY, content(merchant))
    start = merchant.partner.now
    merchant.partner.advance(89)
    assert merchant.query().code == "ACQ.TRADE_NOT_EXIST"
    merchant.partner.advance(600)
    (charge,) = merchant.partner.ledger.charges("SHOP1")
    assert start + timedelta(seconds=90) == charge.at


def test_a_late_request_may_come_too_late(merchant: Merchant) -> None:
    """The order ended before the request arrived: it is refused and nobody hears of it."""
    merchant.partner.faults.next(Fault.LATE_ARRIVAL, PAY, delay_s=90)
    merchant.fails(PAY, {**content(merchant), "time_expire": "2026-11-23 12:01:00"})
    merchant.partner.advance(100)
    assert merchant.partner.ledger.charges() == ()


def test_a_late_request_and_its_repetition_charge_once(merchant: Merchant, clock: Clock) -> None:
    """The simulator's own rule: one trade number, one charge, whatever arrives in whatever order."""
    merchant.partner.faults.next(Fault.LATE_ARRIVAL, PAY, delay_s=10)
    asked = content(merchant)
    merchant.fails(PAY, asked)
    assert merchant.call(PAY, asked).code == "10000"
    clock.now += timedelta(seconds=11)
    assert len(merchant.partner.ledger.charges(starting_with="SHOP")) == 1
    assert Money(1234, "CNY") == merchant.partner.ledger.paid_total()


def test_an_absent_trade_cancelled_is_no_fence(merchant: Merchant) -> None:
    """Cancel found nothing, then the late request arrives and charges: absent is not cancelled."""
    merchant.partner.faults.next(Fault.LATE_ARRIVAL, PAY, delay_s=10)
    merchant.fails(PAY, content(merchant))
    assert "action" not in merchant.call("alipay.trade.cancel", {"out_trade_no": "SHOP1"}).fields
    merchant.partner.advance(10)
    assert len(merchant.partner.ledger.charges("SHOP1")) == 1


def test_many_callers_of_one_order_charge_once(merchant: Merchant) -> None:
    """Thirty-two threads with thirty-two codes: one is told 10000, the others that it was paid."""
    with ThreadPoolExecutor(32) as pool:
        payments = [pool.submit(merchant.pay) for _ in range(32)]
        codes = [payment.result().code for payment in payments]
    assert Counter(codes) == {"10000": 1, "ACQ.TRADE_HAS_SUCCESS": 31}
    assert len(merchant.partner.ledger.charges()) == 1
    assert len(merchant.partner.notices) == 1


@pytest.mark.parametrize(("succeed", "status", "charges"), [(True, "TRADE_SUCCESS", 1), (False, "TRADE_CLOSED", 0)])
def test_a_payment_that_takes_its_time(merchant: Merchant, succeed: bool, status: str, charges: int) -> None:
    """Accepted, finished by Alipay later; it does not run out meanwhile."""
    merchant.partner.faults.next(Fault.SLOW_PROCESSING, PAY)
    merchant.pay(timeout_express="1m")
    merchant.partner.advance(3600)
    assert merchant.query().fields["trade_status"] == "WAIT_BUYER_PAY"
    assert merchant.partner.process(succeed=succeed) == 1
    assert (status, charges) == (merchant.query().fields["trade_status"], len(merchant.partner.ledger.charges()))


def test_something_can_be_done_between_commit_and_answer(merchant: Merchant) -> None:
    """The hook sees the method after the charge and before the reply; a refused call commits nothing."""
    seen: list[tuple[str, int]] = []

    def look(method: str) -> None:
        seen.append((method, len(merchant.partner.ledger.charges())))

    merchant.partner.on_commit = look
    assert look is merchant.partner.on_commit
    merchant.pay()
    merchant.pay()
    assert seen == [(PAY, 1)]


def test_faults_can_be_left_to_chance(merchant: Merchant) -> None:
    """The same seed, the same faults."""
    merchant.partner.faults.chance(Fault.RATE_LIMITED, 0.5, seed=7, method="alipay.trade.query")
    first = [merchant.query().code for _ in range(12)]
    merchant.partner.faults.clear()
    merchant.partner.faults.chance(Fault.RATE_LIMITED, 0.5, seed=7)
    assert first == [merchant.query().code for _ in range(12)]
    assert {"isv.app-call-limited", "ACQ.TRADE_NOT_EXIST"} == set(first)


@pytest.mark.anyio
async def test_the_async_transport_speaks_to_the_same_books(merchant: Merchant) -> None:
    """Paid in one colour, seen in the other."""
    transport = merchant.partner.async_transport()
    answer = await transport.send(merchant.request(merchant.parameters(PAY, content(merchant))), 1.0)
    await transport.aclose()
    assert isinstance(answer, WireReply)
    assert merchant.read(answer, "utf-8").code == "10000"
    assert merchant.query().fields["trade_status"] == "TRADE_SUCCESS"


def test_a_transport_refuses_when_time_is_up(merchant: Merchant) -> None:
    """No time, no request."""
    failure = merchant.send(merchant.parameters(PAY, content(merchant)), timeout_s=0)
    assert SendFailure(FailureKind.DEADLINE, False, "time was up before sending") == failure
