"""Every fault does what its name says: what the caller sees, and whether money moved."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.simulate.wechatpay.merchant import BILL, CLOSE, CODEPAY, NATIVE, ORDER, REFUND, REVERSE, Merchant

from payport.adapters.wechatpay.simulator import Fault
from payport.schemas.money import Money
from payport.sdk.message import FailureKind, SendFailure, WireReply

PAY = f"POST {CODEPAY}"
QUERY = f"GET {ORDER}"

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
    (Fault.SYSTEM_ERROR, 500, "SYSTEM_ERROR", True, True, 0),
    (Fault.FOREIGN_CHARSET, 500, "SYSTEM_ERROR", True, True, 0),
    (Fault.RATE_LIMITED, 429, "FREQUENCY_LIMITED", True, True, 0),
    (Fault.UNSIGNED_ERROR, 403, "TRADE_ERROR", False, False, 0),
    (Fault.ASK_RETRY, 202, "ACCEPTED", True, True, 0),
    (Fault.NOT_FOUND, 404, "ORDER_NOT_EXIST", True, True, 0),
    (Fault.COMMIT_THEN_SYSTEM_ERROR, 500, "SYSTEM_ERROR", True, True, 1),
    (Fault.COMMIT_THEN_UNSIGNED_ERROR, 403, "TRADE_ERROR", False, False, 1),
    (Fault.WRONG_AMOUNT, 200, "", True, True, 1),
    (Fault.OTHER_ORDER, 200, "", True, True, 1),
    (Fault.BAD_SIGNATURE, 200, "", True, False, 1),
    (Fault.NO_SIGNATURE, 200, "", False, False, 1),
    (Fault.UNKNOWN_STATUS, 200, "", True, True, 1),
    (Fault.SLOW_PROCESSING, 200, "", True, True, 0),
]
GATEWAY = [(Fault.BAD_GATEWAY, 0), (Fault.COMMIT_THEN_BAD_GATEWAY, 1)]


def test_no_fault_is_left_out() -> None:
    """The tables below cover the whole list."""
    assert set(Fault) == {row[0] for row in [*NO_REPLY, *ANSWERED, *GATEWAY]}


@pytest.mark.parametrize(("fault", "kind", "left", "charges"), NO_REPLY)
def test_a_fault_without_a_reply(merchant: Merchant, fault: Fault, kind: FailureKind, left: bool, charges: int) -> None:
    """The failure a socket would give, and whether the partner charged."""
    merchant.partner.faults.next(fault)
    failure = merchant.fails("POST", CODEPAY, merchant.code_order())
    assert (kind, left) == (failure.kind, failure.may_have_left)
    assert charges == len(merchant.partner.ledger.charges("SHOP01"))
    assert merchant.partner.faults.pending == 0


@pytest.mark.parametrize(("fault", "status", "code", "signed", "authentic", "charges"), ANSWERED)
def test_a_fault_with_a_reply(
    merchant: Merchant, fault: Fault, status: int, code: str, signed: bool, authentic: bool, charges: int
) -> None:
    """What the answer says, whether it is signed and authentic, and whether the partner charged."""
    merchant.partner.faults.next(fault, PAY)
    said = merchant.codepay()
    assert (status, code, signed, authentic) == (said.status, said.code, said.signed, said.authentic)
    assert charges == len(merchant.partner.ledger.charges("SHOP01"))


@pytest.mark.parametrize(("fault", "charges"), GATEWAY)
def test_a_gateway_in_between_answers(merchant: Merchant, fault: Fault, charges: int) -> None:
    """502 in HTML says nothing about the payment."""
    merchant.partner.faults.next(fault)
    answer = merchant.send("POST", CODEPAY, merchant.code_order())
    assert isinstance(answer, WireReply)
    assert (answer.status, answer.content.startswith(b"<html>")) == (502, True)
    assert charges == len(merchant.partner.ledger.charges("SHOP01"))


def test_an_error_in_another_charset_is_gbk(merchant: Merchant) -> None:
    """The bytes are not UTF-8, the signature is over them all the same."""
    merchant.partner.faults.next(Fault.FOREIGN_CHARSET)
    said = merchant.query()
    with pytest.raises(UnicodeDecodeError):
        said.raw.decode("utf-8")
    assert said.authentic


def test_authentic_answers_that_must_not_be_believed(merchant: Merchant) -> None:
    """One yuan more, another order, a state of no document; for an answer without a state, a status of none."""
    merchant.codepay()
    faults = merchant.partner.faults
    for fault in (Fault.WRONG_AMOUNT, Fault.OTHER_ORDER, Fault.UNKNOWN_STATUS):
        faults.next(fault, QUERY)
    amount, other, state = (merchant.query() for _ in range(3))
    assert (
        amount.fields["amount"]["total"],
        other.fields["out_trade_no"],
        state.fields["trade_state"],
    ) == (1334, "SHOP01X", "IN_LIMBO")
    assert all(said.authentic for said in (amount, other, state))
    for number, call in (("SHOP02", f"POST {NATIVE}"), ("SHOP03", f"POST {CLOSE}")):
        merchant.native("SHOP03")
        faults.next(Fault.UNKNOWN_STATUS, call)
        said = merchant.call("POST", NATIVE, merchant.order(number)) if number == "SHOP02" else merchant.close(number)
        assert (said.status, said.authentic) == (218, True)


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("GET", f"{ORDER.format(out_trade_no='SHOP01')}?mchid=1900000109", "ORDER_NOT_EXIST"),
        ("POST", CLOSE.format(out_trade_no="SHOP01"), "ORDER_NOT_EXIST"),
        ("POST", REVERSE.format(out_trade_no="SHOP01"), "ORDER_NOT_EXIST"),
        ("POST", REFUND, "RESOURCE_NOT_EXISTS"),
        ("GET", f"{REFUND}/R1", "RESOURCE_NOT_EXISTS"),
        ("GET", BILL.format(out_bill_no="A1"), "NOT_FOUND"),
        ("GET", "/v3/profitsharing/transactions/1/amounts", "RESOURCE_NOT_EXISTS"),
        ("GET", "/v3/combine-transactions/out-trade-no/SHOP01", "ORDER_NOT_EXIST"),
    ],
)
def test_each_family_has_its_own_word_for_what_is_not_there(
    merchant: Merchant, method: str, target: str, code: str
) -> None:
    """Signed, or (nobody knows who says it) not."""
    body: dict[str, object] | None = {} if method == "POST" else None
    for fault, authentic in ((Fault.NOT_FOUND, True), (Fault.UNSIGNED_ERROR, False)):
        merchant.partner.faults.next(fault)
        said = merchant.call(method, target, body)
        if target != REFUND or fault is Fault.NOT_FOUND:
            assert (404, code, authentic) == (said.status, said.code, said.authentic)


def test_a_fault_strikes_only_who_is_known(merchant: Merchant) -> None:
    """The signature is checked first."""
    merchant.partner.faults.next(Fault.SYSTEM_ERROR)
    assert merchant.call("GET", "/v3/certificates", authorization="Basic x").code == "SIGN_ERROR"


def test_a_late_request_is_carried_out_later(merchant: Merchant) -> None:
    """When the partner's clock has come that far, also if nobody waits any more; a wrong one is dropped."""
    merchant.partner.faults.next(Fault.LATE_ARRIVAL, PAY, delay_s=30)
    merchant.fails("POST", CODEPAY, merchant.code_order())
    merchant.partner.faults.next(Fault.LATE_ARRIVAL, PAY, delay_s=40)
    merchant.fails("POST", CODEPAY, merchant.code_order("SHOP02", 1))
    assert merchant.query().code == "ORDER_NOT_EXIST"
    merchant.partner.advance(30)
    assert merchant.query().fields["success_time"] == "2026-11-23T12:00:30+08:00"
    merchant.reverse("SHOP01")
    merchant.partner.advance(10)
    assert len(merchant.partner.ledger.charges()) == 2


def test_a_late_request_with_a_wrong_signature_changes_nothing(merchant: Merchant) -> None:
    """It is refused when it arrives."""
    merchant.partner.faults.next(Fault.LATE_ARRIVAL, PAY)
    header = merchant.request("POST", CODEPAY, {}).headers["authorization"]
    merchant.send("POST", CODEPAY, merchant.code_order(), 5.0, authorization=header)
    merchant.partner.advance(60)
    assert merchant.partner.ledger.charges() == ()


def test_slow_processing_is_finished_when_told_to(merchant: Merchant) -> None:
    """Paid or failed; a close that is slow says that the payer is paying."""
    for number, succeed, state in (("SHOP01", True, "SUCCESS"), ("SHOP02", False, "PAYERROR")):
        merchant.partner.faults.next(Fault.SLOW_PROCESSING, PAY)
        assert merchant.codepay(number).fields["trade_state"] == "USERPAYING"
        assert merchant.partner.process(succeed=succeed) == 1
        assert state == merchant.query(number).fields["trade_state"]
    merchant.native("SHOP03")
    merchant.partner.faults.next(Fault.SLOW_PROCESSING, f"POST {CLOSE}")
    said = merchant.close("SHOP03")
    assert (said.status, said.code) == (202, "USERPAYING")
    assert merchant.close("SHOP03").status == 204


def test_the_test_is_told_when_something_was_carried_out(merchant: Merchant) -> None:
    """Before the answer leaves: the place to stop a process at."""
    told: list[str] = []
    merchant.download()
    merchant.partner.on_commit = told.append
    assert merchant.partner.on_commit is not None
    merchant.codepay()
    merchant.query("SHOP99")
    assert told == [PAY]


def test_many_at_once_are_charged_once_each(merchant: Merchant) -> None:
    """The same order from eight threads, eight times."""
    bodies = [merchant.code_order(f"SHOP{number:02}") for number in range(4)]

    def one(turn: int) -> str:
        return merchant.call("POST", CODEPAY, bodies[turn % 4]).code

    with ThreadPoolExecutor(8) as pool:
        codes = Counter(pool.map(one, range(32)))
    assert codes == {"": 4, "ORDERPAID": 28}
    assert Money(4 * 1234, "CNY") == merchant.partner.ledger.paid_total()


def test_chances_depend_on_the_seed_only(merchant: Merchant) -> None:
    """The same faults in the same order of requests."""
    merchant.partner.faults.chance(Fault.RATE_LIMITED, 0.5, seed=7, method=QUERY)
    first = [merchant.query().code for _ in range(12)]
    merchant.partner.faults.clear()
    merchant.partner.faults.chance(Fault.RATE_LIMITED, 0.5, seed=7)
    assert first == [merchant.query().code for _ in range(12)]
    assert set(first) == {"FREQUENCY_LIMITED", "ORDER_NOT_EXIST"}


@pytest.mark.anyio
async def test_the_async_transport_speaks_to_the_same_books(merchant: Merchant) -> None:
    """Paid in one colour, seen in the other."""
    transport = merchant.partner.async_transport()
    answer = await transport.send(merchant.request("POST", CODEPAY, merchant.code_order()), 1.0)
    await transport.aclose()
    assert isinstance(answer, WireReply)
    assert merchant.read(answer).authentic
    assert merchant.query().fields["trade_state"] == "SUCCESS"


def test_a_transport_refuses_when_time_is_up(merchant: Merchant) -> None:
    """No time, no request."""
    failure = merchant.fails("POST", CODEPAY, merchant.code_order(), timeout_s=0)
    assert SendFailure(FailureKind.DEADLINE, False, "time was up before sending") == failure
