"""The simulator's books and its payers: undo, refund, reversal, holds, cards, pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.simulate.unionpay.by_hand import BACK, Merchant, page
from tests.simulate.unionpay.shop import beijing

from payport.adapters.unionpay.beijing import stamp
from payport.adapters.unionpay.forms import encode_form, parse_reply
from payport.adapters.unionpay.simulator import CannotPay, Fault, Wallet
from payport.schemas import Money
from payport.schemas.actions import AppParameters, PostForm, QrCode
from payport.sdk.message import WireReply
from payport.sdk.testing import Incoming


def test_an_undo_is_for_the_whole_payment_on_its_clearing_day(merchant: Merchant) -> None:
    """Another amount, another day, twice, unknown: refused."""
    merchant.time.at = beijing("23T22:00:00")
    first, second = merchant.paid(), merchant.paid()
    assert merchant.back("31/00", first, "1") == "36"
    assert merchant.back("31/00", {"queryId": "0" * 21}) == "35"
    assert merchant.back("31/00", first) == "00"
    assert merchant.back("31/00", first) == "45"
    assert merchant.back("04/00", first) == "45"
    merchant.time.at = beijing("23T23:00:00")
    assert merchant.back("31/00", second) == "35"
    assert merchant.back("04/00", second) == "00"
    assert [row.amount for row in merchant.partner.ledger.refunds()] == [Money.of("12.34", "CNY")] * 2


def test_refunds_are_never_more_than_the_payment(merchant: Merchant) -> None:
    """Several parts, what is on its way counted."""
    paid = merchant.paid()
    assert [merchant.back("04/00", paid, amount) for amount in ("1000", "235", "234", "1")] == ["00", "36", "00", "45"]
    assert merchant.back("31/00", paid) == "45"
    by_number = merchant.paid()
    found = merchant.call("04/00", origOrderId=by_number["orderId"], origTxnTime=by_number["txnTime"])
    assert found["origQryId"] == by_number["queryId"]


def test_a_refund_is_recognised_before_its_original_is_looked_at(merchant: Merchant) -> None:
    """A repetition gets 12, also when nothing is left to refund."""
    paid = merchant.paid()
    fields = merchant.fields("04/00", origQryId=paid["queryId"])
    codes = []
    for _ in range(2):
        answer = merchant.send(BACK, fields)
        assert isinstance(answer, WireReply)
        codes.append(parse_reply(answer.content, "UTF-8")["respCode"])
    assert codes == ["00", "12"]


def reversed_code(merchant: Merchant, original: Mapping[str, str]) -> str:
    """What a reversal is answered."""
    return merchant.call("99/01", orderId=original["orderId"], txnTime=original["txnTime"])["respCode"]


def test_a_reversal_is_for_payments_by_code_only(merchant: Merchant) -> None:
    """By the payment's own number and time, on its clearing day, once."""
    merchant.time.at = beijing("23T22:59:00")
    paid, held, undone, late = merchant.paid(), merchant.paid("02/04"), merchant.paid(), merchant.paid()
    merchant.back("31/00", undone)
    waiting = merchant.paid(wallet=Wallet.CONFIRMS)
    assert [reversed_code(merchant, paid) for _ in range(2)] == ["00", "46"]
    assert reversed_code(merchant, held) == "35"
    assert reversed_code(merchant, undone) == "35"
    assert reversed_code(merchant, {"orderId": "UNKNOWN001", "txnTime": paid["txnTime"]}) == "35"
    assert merchant.back("04/00", paid) == "46"
    assert reversed_code(merchant, waiting) == "00"
    assert merchant.asked(waiting)["origRespCode"] == "01"
    merchant.time.at = beijing("23T23:00:00")
    assert reversed_code(merchant, late) == "35"
    assert len(merchant.partner.ledger.refunds()) == 2


def test_a_hold_is_completed_up_to_115_percent_and_once(merchant: Merchant) -> None:
    """Then it cannot be released, and the completion can be undone on its clearing day."""
    hold = merchant.paid("02/04")
    assert merchant.back("03/00", hold, "1420") == "36"
    completed = merchant.call("03/00", origQryId=hold["queryId"], txnAmt="1419")
    assert completed["respCode"] == "00"
    assert merchant.back("03/00", hold, "1") == "35"
    assert merchant.back("32/00", hold) == "35"
    assert merchant.back("33/00", hold) == "35"
    assert merchant.back("33/00", completed, "1419") == "00"
    assert merchant.partner.ledger.refunded_total() == Money.of("14.19", "CNY")
    other = merchant.paid("02/04")
    assert merchant.back("32/00", other, "1") == "36"
    assert [merchant.back("32/00", other) for _ in range(2)] == ["00", "45"]
    assert merchant.back("03/00", merchant.paid()) == "35"


def test_an_undone_completion_puts_its_hold_in_force_again(merchant: Merchant) -> None:
    """As a whole, on its own clearing day, once, and never beside a refund; then it is completed anew, or released."""
    merchant.time.at = beijing("23T22:00:00")
    hold, other, third, late = (merchant.paid("02/04") for _ in range(4))
    taken, refunded, slow, missed = (
        merchant.call("03/00", origQryId=each["queryId"], txnAmt="1000") for each in (hold, other, third, late)
    )
    assert merchant.back("33/00", taken, "999") == "36"
    assert merchant.back("33/00", merchant.paid(), "1234") == "35"
    assert [merchant.back("33/00", taken, "1000") for _ in range(2)] == ["00", "45"]
    assert merchant.back("04/00", taken, "1") == "45"
    assert merchant.partner.ledger.holds(hold["orderId"])[0].rest == Money.of("12.34", "CNY")
    anew = merchant.call("03/00", origQryId=hold["queryId"], txnAmt="1234")
    assert merchant.back("33/00", anew, "1234") == "00"
    assert [merchant.back("32/00", hold) for _ in range(2)] == ["00", "45"]
    assert merchant.back("03/00", hold) == "45"
    # a refund, or an undo that is on its way, is in the way of an undo
    assert merchant.back("04/00", refunded, "1") == "00"
    assert merchant.back("33/00", refunded, "1000") == "45"
    merchant.partner.faults.next(Fault.SLOW_PROCESSING)
    assert merchant.back("33/00", slow, "1000") == "00"
    assert [merchant.back(kind, slow, "1000") for kind in ("33/00", "04/00")] == ["45", "45"]
    assert merchant.back("03/00", third, "1") == "35"
    assert merchant.partner.process(succeed=False) == 1
    assert merchant.back("04/00", slow, "1000") == "00"
    # another day
    merchant.time.at = beijing("23T23:00:00")
    assert merchant.back("33/00", missed, "1000") == "35"
    assert merchant.back("04/00", missed, "1000") == "00"


def test_what_was_accepted_can_fail(merchant: Merchant) -> None:
    """A slow refund that fails frees its amount; a slow completion that fails leaves the hold."""
    paid = merchant.paid()
    merchant.partner.faults.next(Fault.SLOW_PROCESSING)
    slow = merchant.call("04/00", origQryId=paid["queryId"])
    assert merchant.asked(slow)["origRespCode"] == "05"
    assert merchant.back("04/00", paid) == "45"
    assert merchant.partner.process(succeed=False) == 1
    assert merchant.asked(slow)["origRespCode"] == "01"
    assert merchant.back("04/00", paid) == "00"
    hold = merchant.paid("02/04")
    merchant.partner.faults.next(Fault.SLOW_PROCESSING)
    merchant.back("03/00", hold)
    merchant.partner.process(succeed=False)
    assert merchant.back("03/00", hold) == "00"
    assert merchant.partner.process() == 0


# payers


def test_a_code_pays_one_order(merchant: Merchant) -> None:
    """Used once, it is stale."""
    code = merchant.partner.payer.code()
    assert [merchant.call("01/06", qrNo=code)["respCode"] for _ in range(2)] == ["00", "86"]


def test_who_confirms_later(merchant: Merchant) -> None:
    """05 until then; process leaves it alone; given up, or after five minutes, it is refused."""
    payer = merchant.partner.payer
    first, second = merchant.paid(wallet=Wallet.CONFIRMS), merchant.paid(wallet=Wallet.CONFIRMS)
    assert first["respCode"] == "05"
    assert merchant.partner.process() == 0
    payer.confirm(first["orderId"])
    payer.cancel(second["orderId"])
    assert merchant.asked(first)["origRespCode"] == "00"
    assert merchant.asked(second)["origRespCode"] == "01"
    with pytest.raises(CannotPay):
        payer.confirm(first["orderId"])
    third = merchant.paid(wallet=Wallet.CONFIRMS)
    merchant.time.pass_by(299)
    assert merchant.asked(third)["origRespCode"] == "05"
    merchant.time.pass_by(1)
    assert merchant.asked(third)["origRespCode"] == "69"


def test_a_page_is_known_once_a_card_was_tried(merchant: Merchant) -> None:
    """Before that a query says 34; afterwards how the last card fared."""
    form, payer = page(merchant), merchant.partner.payer
    assert merchant.asked(form.fields)["respCode"] == "34"
    payer.leave(form)
    assert merchant.asked(form.fields)["respCode"] == "34"
    payer.try_empty_card(form)
    assert merchant.asked(form.fields)["origRespCode"] == "64"
    payer.open(form)
    assert merchant.asked(form.fields)["origRespCode"] == "00"
    assert merchant.partner.ledger.status(form.fields["orderId"]) == "done"
    assert merchant.partner.ledger.status("UNKNOWN001") is None
    with pytest.raises(CannotPay, match="DONE"):
        payer.open(form)


def test_what_the_cashier_turns_away(merchant: Merchant) -> None:
    """A wrong signature, another amount under the same number, a time that is over, codes nobody gave."""
    payer = merchant.partner.payer
    form = page(merchant)
    payer.leave(form)
    same = {"orderId": form.fields["orderId"], "txnTime": form.fields["txnTime"]}
    wrongs: list[Any] = [
        PostForm(url="", fields={**form.fields, "txnAmt": "1"}),
        page(merchant, txnAmt="1", **same),
        page(merchant, payTimeout=stamp(merchant.partner.now)),
        page(merchant, payTimeout="soon"),
        page(merchant, currencyCode="840"),
        page(merchant, "79/00"),
        PostForm(url="", fields=merchant.fields("04/00")),
        QrCode(text="https://qr.unionpay.simulator/unknown"),
        AppParameters(payload="unknown", fields={}),
        "unknown",
    ]
    for wrong in wrongs:
        with pytest.raises(CannotPay):
            payer.open(wrong)
    with pytest.raises(CannotPay, match="not opened"):
        payer.pay("UNKNOWN001")
    with pytest.raises(CannotPay, match="late"):
        payer.pay_late("UNKNOWN001")


def test_the_counters_pages(merchant: Merchant) -> None:
    """What a browser sees: errors, what waits, a scanned code, a paid one."""

    def visit(method: str, target: str, body: bytes = b"") -> WireReply:
        return merchant.partner.handle(Incoming(method=method, target=target, headers={}, body=body)).reply

    assert b"Nobody has to pay" in visit("GET", "/").content
    shown = merchant.call("01/07", payTimeout=stamp(merchant.partner.now.replace(hour=9)))
    path = "/qr/" + shown["qrCode"].rpartition("/")[2]
    assert b"12.34" in visit("GET", path).content
    number = f"number={shown['orderId']}".encode()
    assert shown["orderId"].encode() in visit("GET", "/").content
    assert b"another card" in visit("POST", "/cashier/refused", number).content
    assert b"Paid." in visit("POST", "/cashier/pay", number).content
    assert visit("POST", "/cashier/pay", number).status == 409
    assert visit("GET", "/qr/unknown").status == 409
    assert visit("GET", "/nothing").status == 404
    front = "/gateway/api/frontTransReq.do"
    assert "错误" in visit("POST", front, b"txnType=01").content.decode()
    over = page(merchant, payTimeout=stamp(merchant.partner.now))
    assert visit("POST", front, encode_form(over.fields, "UTF-8")).status == 409
    card = page(merchant, "79/00", bizType="000301")
    assert b"card is open" in visit("POST", front, encode_form(card.fields, "UTF-8")).content
    hold = page(merchant, "02/01")
    assert b"Let hold" in visit("POST", front, encode_form(hold.fields, "UTF-8")).content


@pytest.mark.parametrize(
    ("kind", "path", "change", "code"),
    [
        ("95/00", BACK, {"certType": "02"}, "10"),
        ("95/00", BACK, {"certType": ""}, "13"),
        ("78/02", BACK, {}, "34"),
        ("22/03", "batchTrans.do", {"batchNo": "0009"}, "34"),
        ("01/01", BACK, {"tokenPayData": "token=1"}, "10"),
        ("01/01", BACK, {"tokenPayData": "{token=1}"}, "80"),
        ("01/01", BACK, {}, "13"),
        ("01/07", BACK, {"currencyCode": "840"}, "10"),
    ],
)
def test_what_moves_no_money_is_refused_in_the_same_words(
    merchant: Merchant, kind: str, path: str, change: dict[str, str], code: str
) -> None:
    """Keys, cards, batches, codes."""
    assert merchant.call(kind, path, **change)["respCode"] == code


def test_a_batch_and_a_card_payment_are_recognised_and_can_be_slow(merchant: Merchant) -> None:
    """The same batch number again is a repetition; a card payment that is slow ends later."""
    batch = {"batchNo": "0001", "totalQty": "1", "totalAmt": "1", "fileContent": "x"}
    assert [merchant.call("21/03", "batchTrans.do", **batch)["respCode"] for _ in range(2)] == ["00", "12"]
    merchant.partner.faults.next(Fault.SLOW_PROCESSING)
    slow = merchant.call("01/01", BACK, accNo="sealed")
    assert merchant.asked(slow)["origRespCode"] == "05"
    assert merchant.partner.process() == 1
    assert merchant.asked(slow)["origRespCode"] == "00"
