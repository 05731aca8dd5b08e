"""The simulator's door, faults, notices and books: it answers as UnionPay does, or tests over it prove nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.simulate.unionpay.by_hand import BACK, QUERY, Merchant, page

from payport.adapters.unionpay.account import SignMethod
from payport.adapters.unionpay.forms import parse_notice, parse_reply
from payport.adapters.unionpay.simulator import Fault, UnionPaySimulator, Wallet
from payport.adapters.unionpay.simulator.keys import authority, merchant_leaf
from payport.schemas import Money
from payport.sdk.message import SendFailure, WireReply

REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "no encoding": ({"encoding": ""}, "13"),
    "another encoding": ({"encoding": "latin-1"}, "10"),
    "an older version": ({"version": "5.0.0"}, "10"),
    "another method": ({"signMethod": "11"}, "10"),
    "a wrong signature": ({"signature": "AAAA"}, "11"),
    "no base64": ({"signature": "?"}, "11"),
    "a certificate in hexadecimal": ({"certId": "1046900149"}, "11"),
    "another merchant": ({"merId": "777290058100002"}, "31"),
    "no such transaction": ({"txnType": "88"}, "10"),
    "no number": ({"orderId": ""}, "13"),
    "a number with an underscore": ({"orderId": "SHOP_10010001"}, "10"),
    "a number with a dash": ({"orderId": "SHOP-10010001"}, "10"),
    "no time": ({"txnTime": "2026"}, "10"),
    "a host clock in UTC": ({"txnTime": "20261123010000"}, "10"),
    "an amount in yuan": ({"txnAmt": "12.34"}, "10"),
    "an amount of nothing": ({"txnAmt": "0"}, "10"),
    "no amount": ({"txnAmt": ""}, "13"),
    "nowhere to tell": ({"backUrl": ""}, "13"),
    "a long address": ({"backUrl": "https://a/" + "b" * 250}, "10"),
    "structure in reqReserved": ({"reqReserved": "a]b"}, "10"),
    "no code": ({"qrNo": ""}, "13"),
    "a code that is none": ({"qrNo": "99"}, "88"),
    "a code that was used": ({"qrNo": Wallet.STALE.code(1)}, "86"),
    "too little money": ({"qrNo": Wallet.NO_MONEY.code(1)}, "64"),
    "a payer at risk": ({"qrNo": Wallet.RISKY.code(1)}, "38"),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED)
def test_the_door_refuses_with_unionpays_codes(merchant: Merchant, change: dict[str, str], code: str) -> None:
    """The first rule that is broken."""
    told = merchant.call("01/06", **{"qrNo": Wallet.PAYS.code(1), **change})
    assert told["respCode"] == code
    assert merchant.partner.ledger.charges() == ()


def test_a_type_is_made_at_its_own_address(merchant: Merchant) -> None:
    """A refund at the address of app orders is no refund."""
    assert merchant.call("04/00", "appTransReq.do")["respCode"] == "10"


@pytest.mark.parametrize("method", ["01", "11", "12"])
def test_every_method_of_signing(method: SignMethod) -> None:
    """And a wrong key is refused with each."""
    merchant = Merchant(method)
    assert merchant.paid()["respCode"] == "00"
    fields = merchant.fields("01/06", qrNo=Wallet.PAYS.code(9))
    answer = merchant.send(BACK, {**fields, "txnAmt": "1"})
    assert isinstance(answer, WireReply)
    assert parse_reply(answer.content, "UTF-8")["respCode"] == "11"


def test_the_same_request_again_is_recognised(merchant: Merchant) -> None:
    """By number and time, whatever the amount; one charge."""
    fields = merchant.fields("01/06", qrNo=Wallet.PAYS.code(1))
    codes = []
    for _ in range(2):
        answer = merchant.send(BACK, fields)
        assert isinstance(answer, WireReply)
        codes.append(parse_reply(answer.content, "UTF-8")["respCode"])
    again = {"orderId": fields["orderId"], "txnTime": fields["txnTime"], "qrNo": fields["qrNo"]}
    codes.append(merchant.call("01/06", txnAmt="1", **again)["respCode"])
    assert codes == ["00", "12", "12"]
    assert len(merchant.partner.ledger.charges()) == 1


def test_the_same_number_on_another_day_is_another_order(merchant: Merchant) -> None:
    """Why nothing may ever be repeated with a new time: UnionPay charges it."""
    first = merchant.paid()
    merchant.partner.advance(86_400)
    second = merchant.call("01/06", orderId=first["orderId"], qrNo=merchant.partner.payer.code())
    assert second["respCode"] == "00"
    assert len(merchant.partner.ledger.charges(first["orderId"])) == 2


def test_a_query_needs_number_and_time(merchant: Merchant) -> None:
    """With the time of the asking it knows of nothing."""
    paid = merchant.paid()
    merchant.time.pass_by(5)
    assert merchant.asked(paid)["origRespCode"] == "00"
    assert merchant.call("00/00", QUERY, orderId=paid["orderId"], txnAmt="")["respCode"] == "34"


def test_queries_may_lag(merchant: Merchant) -> None:
    """For a while it is not found."""
    merchant.partner.query_lag_s = 10.0
    paid = merchant.paid()
    assert merchant.asked(paid)["respCode"] == "34"
    merchant.time.pass_by(10)
    assert merchant.asked(paid)["origRespCode"] == "00"
    assert merchant.partner.query_lag_s == 10.0


# notices and faults


def test_pages_are_told_of_on_success_only(merchant: Merchant) -> None:
    """What the server sent is told of either way; each bears UnionPay's certificate and signature."""
    form = page(merchant)
    merchant.partner.payer.try_empty_card(form)
    assert list(merchant.partner.notices) == []
    merchant.partner.payer.open(form)
    merchant.paid(wallet=Wallet.NO_MONEY)
    told = [parse_notice(raw.body) for raw in merchant.partner.notices]
    assert [fields["respCode"] for fields in told] == ["00", "64"]
    assert all("\r\n" in fields["signPubKeyCert"] for fields in told)
    assert [fields["txnType"] for fields in told] == ["01", "01"]


def test_the_chain_is_signed_with_sha1() -> None:
    """As the genuine one is, which the library's own verifier refuses."""
    tree = authority()
    for each in (tree.root, tree.middle, merchant_leaf("777290058100001")):
        digest = each.certificate.signature_hash_algorithm
        assert digest is not None
        assert digest.name == "sha1"


FAULTS: dict[Fault, str | None] = {
    Fault.SYSTEM_ERROR: "06",
    Fault.ASK_RETRY: "02",
    Fault.RATE_LIMITED: "37",
    Fault.NOT_FOUND: "34",
    Fault.UNSIGNED_ERROR: "01",
    Fault.COMMIT_THEN_SYSTEM_ERROR: "03",
    Fault.COMMIT_THEN_UNSIGNED_ERROR: "01",
    Fault.WRONG_AMOUNT: "00",
    Fault.OTHER_ORDER: "00",
    Fault.UNKNOWN_STATUS: "Z9",
    Fault.BAD_SIGNATURE: "00",
    Fault.NO_SIGNATURE: "00",
    Fault.SLOW_PROCESSING: "00",
    Fault.BAD_GATEWAY: None,
    Fault.COMMIT_THEN_BAD_GATEWAY: None,
}


@pytest.mark.parametrize(("fault", "code"), FAULTS.items(), ids=lambda item: getattr(item, "name", ""))
def test_content_faults_in_unionpays_words(merchant: Merchant, fault: Fault, code: str | None) -> None:
    """Carried out or not, as the fault says."""
    merchant.partner.faults.next(fault, f"{BACK} 01/06")
    answer = merchant.send(BACK, merchant.fields("01/06", qrNo=Wallet.PAYS.code(1)))
    assert isinstance(answer, WireReply)
    if code is None:
        assert answer.status == 502
    else:
        fields = parse_reply(answer.content, "UTF-8")
        assert fields["respCode"] == code
        unsigned = (Fault.UNSIGNED_ERROR, Fault.COMMIT_THEN_UNSIGNED_ERROR, Fault.NO_SIGNATURE)
        assert ("signature" in fields) is (fault not in unsigned)
    charged = len(merchant.partner.ledger.charges())
    assert charged == (1 if fault.commits and fault is not Fault.SLOW_PROCESSING else 0)


def test_a_foreign_charset_is_not_the_one_that_was_asked_for(merchant: Merchant) -> None:
    """GBK where UTF-8 was asked."""
    merchant.partner.faults.next(Fault.FOREIGN_CHARSET)
    answer = merchant.send(BACK, merchant.fields("01/06", qrNo=Wallet.PAYS.code(1)))
    assert isinstance(answer, WireReply)
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode("utf-8")
    assert "系统繁忙" in answer.content.decode("gbk")


def test_a_late_request_arrives_later(merchant: Merchant) -> None:
    """Silence now, carried out after thirty seconds; one that is refused then is refused quietly."""
    merchant.partner.faults.next(Fault.LATE_ARRIVAL, times=2, delay_s=30.0)
    for code in (Wallet.PAYS.code(1), "99"):
        assert isinstance(merchant.send(BACK, merchant.fields("01/06", qrNo=code)), SendFailure)
    merchant.partner.advance(29)
    assert merchant.partner.ledger.charges() == ()
    merchant.partner.advance(1)
    assert len(merchant.partner.ledger.charges()) == 1


def test_the_books_can_be_read_every_way(merchant: Merchant) -> None:
    """By number, by beginning, in sums."""
    first, _ = merchant.paid(), merchant.paid()
    merchant.back("04/00", first, "34")
    ledger = merchant.partner.ledger
    assert len(ledger.charges()) == len(ledger.charges(starting_with="HAND")) == 2
    assert [row.order_id for row in ledger.charges(first["orderId"])] == [first["orderId"]]
    assert [row.amount for row in ledger.refunds(first["orderId"])] == [Money.of("0.34", "CNY")]
    assert (ledger.paid_total(), ledger.refunded_total()) == (Money.of("24.68", "CNY"), Money.of("0.34", "CNY"))
    assert ledger.transfers() == ()
    assert ledger.holds("UNKNOWN001") == ()


def test_on_commit_is_called_between_deed_and_answer(merchant: Merchant) -> None:
    """For tests that must act at that very moment."""
    seen: list[tuple[str, int]] = []
    merchant.partner.on_commit = lambda name: seen.append((name, len(merchant.partner.ledger.charges())))
    merchant.paid()
    assert merchant.partner.on_commit is not None
    assert seen == [(f"{BACK} 01/06", 1)]


def test_accounts_are_whole() -> None:
    """Each way of signing gives an account that a gateway can be built from, and the files for one."""
    for method in ("01", "11", "12"):
        account = UnionPaySimulator(method).account
        assert account.sandbox
        files = UnionPaySimulator(method).settings_files()
        assert 'partner = "unionpay"' in files["payport.toml"]
        assert ("private_key.pem" in files) is (method == "01")
    assert replace(account, mer_id="777290058100002").mer_id != account.mer_id
