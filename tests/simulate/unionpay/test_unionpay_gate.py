"""The simulator's door, faults, notices and books: it answers as UnionPay does, or tests over it prove nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.simulate.unionpay.shop import beijing

from payport.adapters.unionpay.account import SignMethod
from payport.adapters.unionpay.beijing import stamp
from payport.adapters.unionpay.forms import encode_form, parse_notice, parse_reply
from payport.adapters.unionpay.signing import content_digest, keyed_digest
from payport.adapters.unionpay.simulator import CannotPay, Fault, UnionPaySimulator, Wallet
from payport.adapters.unionpay.simulator.keys import authority, merchant_leaf
from payport.adapters.unionpay.simulator.simulator import SECRET_KEY
from payport.schemas import Money
from payport.schemas.actions import AppParameters, PostForm, QrCode
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing import Incoming
from payport.sdk.testing.stepping import Time

BACK = "backTransReq.do"
QUERY = "queryTrans.do"


class Merchant:
    """Signs and sends by hand. ``time``: UnionPay's."""

    def __init__(self, method: SignMethod = "01", **changes: Any) -> None:
        self.time = Time()
        self.partner = UnionPaySimulator(method, clock=self.time, **changes)
        self.method = method
        self.numbers = 0

    def fields(self, kind: str, **changes: str) -> dict[str, str]:
        """A signed request. An empty change leaves the field out."""
        self.numbers += 1
        whole = {
            "version": "5.1.0",
            "encoding": "UTF-8",
            "signMethod": self.method,
            "merId": "777290058100001",
            "accessType": "0",
            "txnType": kind[:2],
            "txnSubType": kind[3:],
            "bizType": "000000",
            "channelType": "08",
            "orderId": f"HAND{self.numbers:06d}",
            "txnTime": stamp(self.partner.now),
            "txnAmt": "1234",
            "currencyCode": "156",
            "backUrl": "https://shop.example/n",
            **changes,
        }
        if self.method == "01":
            whole.setdefault("certId", merchant_leaf("777290058100001").cert_id)
        kept = {name: value for name, value in whole.items() if value}
        if self.method == "01":
            kept.setdefault("signature", merchant_leaf("777290058100001").sign(content_digest(kept, "utf-8")))
        else:
            kept["signature"] = keyed_digest(kept, "utf-8", self.method, SECRET_KEY)
        return kept

    def send(self, path: str, fields: Mapping[str, str]) -> WireReply | SendFailure:
        """Post it."""
        request = WireRequest(
            endpoint="by hand",
            moves_money=True,
            method="POST",
            url=f"{self.partner.account.gateway_url}{path}",
            headers={},
            content=encode_form(fields, fields.get("encoding", "UTF-8")),
        )
        return self.partner.transport().send(request, 5.0)

    def call(self, kind: str, path: str = BACK, **changes: str) -> dict[str, str]:
        """One call and its reply."""
        answer = self.send(path, self.fields(kind, **changes))
        assert isinstance(answer, WireReply), answer
        return parse_reply(answer.content, "UTF-8")

    def paid(self, kind: str = "01/06", wallet: Wallet = Wallet.PAYS) -> dict[str, str]:
        """A scanned code, charged (or held)."""
        return self.call(kind, qrNo=self.partner.payer.code(wallet))

    def asked(self, reply: Mapping[str, str]) -> dict[str, str]:
        """How it ended."""
        return self.call("00/00", QUERY, orderId=reply["orderId"], txnTime=reply["txnTime"], txnAmt="")

    def back(self, kind: str, original: Mapping[str, str], amount: str = "1234", **changes: str) -> str:
        """The code of an undo, refund, completion or release."""
        return self.call(kind, origQryId=original["queryId"], txnAmt=amount, **changes)["respCode"]


@pytest.fixture(name="merchant")
def by_hand() -> Merchant:
    """A merchant."""
    return Merchant()


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


# giving back


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
    """05 until then; process leaves it alone; given up, it is refused."""
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


def page(merchant: Merchant, kind: str = "01/01", **changes: str) -> PostForm:
    """A signed page."""
    until = stamp(merchant.partner.now.replace(hour=9))
    return PostForm(url="", fields=merchant.fields(kind, **{"payTimeout": until, "bizType": "000201", **changes}))


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
