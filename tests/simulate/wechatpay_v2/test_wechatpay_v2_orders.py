"""The simulated WeChat by hand: who is let in, how orders live, what refunds do, and what is told of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.simulate.wechatpay_v2.shop import AMOUNT, ByHand, as_xml, china

from payport.adapters.wechatpay_v2 import SignType
from payport.adapters.wechatpay_v2.simulator import CannotPay, Fault, Quirks, Wallet, WeChatPayV2Simulator
from payport.schemas.actions import AppParameters, PostForm, Redirect
from payport.sdk.message import SendFailure, WireReply
from payport.sdk.testing.stepping import MORNING

UNKNOWN = {"appid": "wxffffffffffffffff"}


@pytest.mark.parametrize("kind", ["HMAC-SHA256", "MD5", None])
def test_an_answer_is_signed_as_the_request_was(hand: ByHand, kind: str | None) -> None:
    """MD5 when it does not say. The answer does not say either."""
    told = hand.call("pay/unifiedorder", hand.order(), sign_type=kind)
    assert (told["result_code"], told["authentic"]) == ("SUCCESS", "yes")
    assert len(told["sign"]) == (64 if kind == "HMAC-SHA256" else 32)
    assert "sign_type" not in told


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("appid", {"appid": "wxffffffffffffffff"}),
        ("mch_id", {"mch_id": "1900000999"}),
        ("nonce_str", {"nonce_str": None}),
        ("\u7b7e\u540d", {"sign_type": "SHA1"}),
    ],
)
def test_who_is_not_let_in(hand: ByHand, why: str, changes: dict[str, str | None]) -> None:
    """return_code FAIL, without a signature: nobody knows who says it."""
    told = hand.call("pay/unifiedorder", hand.order(), **changes)
    assert (told["return_code"], told["authentic"]) == ("FAIL", "no")
    assert why in told["return_msg"]
    assert "result_code" not in told


@pytest.mark.parametrize("body", [b"", b"<xml>", b"<!DOCTYPE xml><xml/>", b"a=1"])
def test_what_is_no_message(hand: ByHand, body: bytes) -> None:
    """The simulator reads as strictly as we do."""
    answer = hand.post("pay/unifiedorder", body)
    assert isinstance(answer, WireReply)
    assert hand.read(answer.content)["return_code"] == "FAIL"


def test_a_forged_request(hand: ByHand) -> None:
    """The signature covers every field."""
    answer = hand.post("pay/unifiedorder", as_xml({**hand.fields(hand.order()), "total_fee": "1"}))
    assert isinstance(answer, WireReply)
    assert hand.read(answer.content)["return_msg"] == "\u7b7e\u540d\u9519\u8bef"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("LACK_PARAMS", {"out_trade_no": None}),
        ("LACK_PARAMS", {"notify_url": None}),
        ("LACK_PARAMS", {"body": None}),
        ("LACK_PARAMS", {"trade_type": "JSAPI"}),
        ("LACK_PARAMS", {"trade_type": "MWEB"}),
        ("PARAM_ERROR", {"trade_type": "PAPER"}),
        ("PARAM_ERROR", {"out_trade_no": "x" * 33}),
        ("PARAM_ERROR", {"out_trade_no": "a b"}),
        ("PARAM_ERROR", {"total_fee": "12.34"}),
        ("PARAM_ERROR", {"total_fee": "0"}),
        ("PARAM_ERROR", {"body": "\u8336" * 43}),
        ("PARAM_ERROR", {"time_expire": china(MORNING + timedelta(seconds=59))}),
        ("PARAM_ERROR", {"time_expire": "tomorrow"}),
    ],
)
def test_orders_that_are_refused(hand: ByHand, code: str, changes: dict[str, str | None]) -> None:
    """Under WeChat's signature."""
    told = hand.call("pay/unifiedorder", hand.order(), **changes)
    assert (told["err_code"], told["authentic"]) == (code, "yes")


def test_the_same_order_gives_the_same_code(hand: ByHand) -> None:
    """Another amount under its number is refused; a paid or closed one too."""
    code = hand.open()
    assert hand.open() == code
    assert hand.call("pay/unifiedorder", hand.order(fee="1"))["err_code"] == "INVALID_REQUEST"
    hand.partner.payer.scan(code)
    assert hand.call("pay/unifiedorder", hand.order())["err_code"] == "ORDERPAID"
    hand.open("SHOP2")
    assert hand.call("pay/closeorder", {"out_trade_no": "SHOP2"})["result_code"] == "SUCCESS"
    assert hand.call("pay/unifiedorder", hand.order("SHOP2"))["err_code"] == "ORDERCLOSED"


def test_what_a_query_tells(hand: ByHand) -> None:
    """Of what was not paid little more than its number."""
    code = hand.open(attach="cart=7", device_info="WEB")
    told = hand.query()
    assert (told["trade_state"], told["attach"]) == ("NOTPAY", "cart=7")
    assert "total_fee" not in told
    hand.partner.payer.scan(code)
    told = hand.query()
    assert (told["trade_state"], told["total_fee"], told["device_info"]) == ("SUCCESS", "1234", "WEB")
    assert told["time_end"] == china(MORNING)
    assert hand.call("pay/orderquery", {"transaction_id": told["transaction_id"]})["out_trade_no"] == "SHOP1"
    assert hand.query("OTHER")["err_code"] == "ORDERNOTEXIST"
    assert hand.call("pay/orderquery", {"transaction_id": "42"})["err_code"] == "ORDERNOTEXIST"
    assert hand.call("pay/orderquery", {})["err_code"] == "LACK_PARAMS"


@pytest.mark.parametrize(
    ("code", "state", "wallet"),
    [
        ("", "SUCCESS", Wallet.PAYS),
        ("USERPAYING", "USERPAYING", Wallet.CONFIRMS),
        ("NOTENOUGH", "PAYERROR", Wallet.NO_MONEY),
        ("TRADE_ERROR", "PAYERROR", Wallet.RISKY),
        ("AUTHCODEEXPIRE", None, Wallet.STALE),
    ],
)
def test_what_a_scanned_code_does(hand: ByHand, code: str, state: str | None, wallet: Wallet) -> None:
    """It stands in the code itself."""
    told = hand.scan(code=hand.partner.payer.code(wallet))
    assert told.get("err_code", "") == code
    assert hand.partner.ledger.trade_state("SHOP1") == state


def test_a_code_is_taken_once(hand: ByHand) -> None:
    """And an order number too."""
    code = hand.partner.payer.code()
    assert hand.scan(code=code)["result_code"] == "SUCCESS"
    assert hand.scan(code=code)["err_code"] == "ORDERPAID"
    assert hand.scan("SHOP2", code=code)["err_code"] == "AUTHCODEEXPIRE"
    assert hand.scan("SHOP3", code="12345")["err_code"] == "AUTH_CODE_INVALID"
    assert hand.scan("SHOP4", code=Wallet.CONFIRMS.code(9))["err_code"] == "USERPAYING"
    assert hand.scan("SHOP4", code=Wallet.PAYS.code(10))["err_code"] == "OUT_TRADE_NO_USED"
    assert hand.scan("SHOP5", code=f"137{'0' * 15}")["result_code"] == "SUCCESS", "an unassigned kind pays"
    (charge, _) = hand.partner.ledger.charges()
    assert (charge.out_trade_no, charge.amount) == ("SHOP1", AMOUNT)


def reverse(hand: ByHand, number: str = "SHOP1") -> tuple[str, str, str]:
    """What a reversal is answered with."""
    told = hand.call("secapi/pay/reverse", {"out_trade_no": number})
    return told["result_code"], told.get("err_code", ""), told.get("recall", "")


def test_reversals(hand: ByHand) -> None:
    """Unpaid ones are closed, paid ones given back, once; too soon asks for another try, too late is refused."""
    partner = hand.partner
    hand.scan(code=Wallet.CONFIRMS.code(1))
    assert reverse(hand) == ("FAIL", "SYSTEMERROR", "Y")
    partner.advance(15)
    assert reverse(hand) == ("SUCCESS", "", "N")
    assert reverse(hand) == ("SUCCESS", "", "N")
    assert (hand.query()["trade_state"], partner.ledger.refunds()) == ("REVOKED", ())
    hand.scan("SHOP2")
    hand.refund("SHOP2")
    assert reverse(hand, "SHOP2") == ("SUCCESS", "", "N")
    assert [row.amount.text() for row in partner.ledger.refunds("SHOP2")] == ["1.00", "11.34"]
    assert partner.ledger.refunded_total() == AMOUNT
    assert hand.scan("SHOP2")["err_code"] == "ORDERREVERSED"
    hand.scan("SHOP3")
    partner.advance(7 * 86_400 + 1)
    assert reverse(hand, "SHOP3") == ("FAIL", "REVERSE_EXPIRE", "N")
    hand.open("SHOP4")
    assert reverse(hand, "SHOP4") == ("FAIL", "TRADE_STATE_ERROR", "N")
    assert reverse(hand, "NOBODYS") == ("SUCCESS", "", "N"), "the documented habit that the query must make good"
    assert hand.call("secapi/pay/reverse", {})["err_code"] == "LACK_PARAMS"
    hand.scan("SHOP5")
    partner.fund(0)
    assert reverse(hand, "SHOP5") == ("FAIL", "NOTENOUGH", "N")


def test_closing(hand: ByHand) -> None:
    """Only what nobody paid, and once."""
    code = hand.open()
    hand.open("SHOP2")
    hand.partner.payer.scan(code)
    assert hand.call("pay/closeorder", {"out_trade_no": "SHOP1"})["err_code"] == "ORDERPAID"
    assert hand.call("pay/closeorder", {"out_trade_no": "SHOP2"})["result_code"] == "SUCCESS"
    assert hand.call("pay/closeorder", {"out_trade_no": "SHOP2"})["err_code"] == "ORDERCLOSED"
    assert hand.call("pay/closeorder", {"out_trade_no": "OTHER"})["err_code"] == "ORDERNOTEXIST"


def test_refunds(hand: ByHand) -> None:
    """Once under their number, never more than was paid, from the merchant's own balance."""
    hand.scan()
    assert hand.refund()["refund_fee"] == "100"
    assert hand.refund()["result_code"] == "SUCCESS"
    assert hand.refund(fee="101")["err_code"] == "REFUND_FEE_MISMATCH"
    assert hand.refund(fee="1135", refund_no="R2")["err_code"] == "INVALID_REQUEST"
    assert hand.refund(refund_no="R2", total_fee="1")["err_code"] == "PARAM_ERROR"
    assert len(hand.partner.ledger.refunds()) == 1
    assert hand.query()["trade_state"] == "REFUND"
    hand.open("SHOP2")
    assert hand.refund("SHOP2", refund_no="R3")["err_code"] == "TRADE_STATE_ERROR"
    hand.partner.fund(0)
    assert hand.refund(refund_no="R4")["err_code"] == "NOTENOUGH"
    hand.partner.fund(10_000)
    hand.partner.advance(366 * 86_400)
    assert hand.refund(refund_no="R5")["err_code"] == "TRADE_OVERDUE"


def test_what_a_refund_query_tells(hand: ByHand) -> None:
    """One refund by its number, all of an order's by the order's."""
    hand.scan()
    hand.refund()
    hand.refund(fee="200", refund_no="R2")
    one = hand.call("pay/refundquery", {"out_refund_no": "R2"})
    assert (one["out_refund_no_0"], one["refund_fee_0"], one["refund_status_0"]) == ("R2", "200", "SUCCESS")
    both = hand.call("pay/refundquery", {"out_trade_no": "SHOP1"})
    assert (both["refund_count"], both["refund_fee"], both["out_refund_no_1"]) == ("2", "300", "R2")
    assert hand.call("pay/refundquery", {"out_refund_no": "R9"})["err_code"] == "REFUNDNOTEXIST"


def test_what_is_only_accepted_goes_on_when_told_to(hand: ByHand) -> None:
    """Payments, refunds and closings; or they fail."""
    partner = hand.partner
    for number in ("SHOP1", "SHOP2"):
        partner.faults.next(Fault.SLOW_PROCESSING)
        assert hand.scan(number)["err_code"] == "USERPAYING"
    hand.scan("SHOP3")
    partner.faults.next(Fault.SLOW_PROCESSING, times=2)
    hand.refund("SHOP3")
    hand.open("SHOP4")
    partner.faults.clear()
    partner.faults.next(Fault.SLOW_PROCESSING)
    hand.call("pay/closeorder", {"out_trade_no": "SHOP4"})
    assert partner.ledger.trade_state("SHOP4") == "NOTPAY"
    assert partner.process() == 4
    assert [partner.ledger.trade_state(f"SHOP{n}") for n in (1, 2, 3, 4)] == ["SUCCESS", "SUCCESS", "REFUND", "CLOSED"]
    partner.faults.next(Fault.SLOW_PROCESSING)
    hand.refund("SHOP3", refund_no="R2")
    partner.faults.next(Fault.SLOW_PROCESSING)
    hand.scan("SHOP5")
    partner.faults.next(Fault.SLOW_PROCESSING)
    hand.call("pay/closeorder", {"out_trade_no": "SHOP5"})
    assert partner.process(succeed=False) == 2
    assert hand.call("pay/refundquery", {"out_refund_no": "R2"})["refund_status_0"] == "REFUNDCLOSE"
    assert hand.refund("SHOP3", refund_no="R2")["result_code"] == "SUCCESS", "a closed refund may be tried again"
    assert len(partner.ledger.refunds("SHOP3")) == 2


def test_who_pays_first_decides(hand: ByHand) -> None:
    """Before the partner gets to a close or a charge that it accepted: it stays paid, and is charged once."""
    partner = hand.partner
    partner.faults.next(Fault.SLOW_PROCESSING)
    hand.scan("SHOP1")
    hand.open("SHOP2")
    partner.faults.next(Fault.SLOW_PROCESSING)
    hand.call("pay/closeorder", {"out_trade_no": "SHOP2"})
    for number in ("SHOP1", "SHOP2"):
        assert partner.payer.pay(number).paid
    assert partner.process() == 0
    assert [partner.ledger.trade_state(number) for number in ("SHOP1", "SHOP2")] == ["SUCCESS", "SUCCESS"]
    assert [len(partner.ledger.charges(number)) for number in ("SHOP1", "SHOP2")] == [1, 1]


def test_the_payer(hand: ByHand) -> None:
    """Pays what is open and in time, once; gives up; cannot pay what the merchant did not sign."""
    partner, payer = hand.partner, hand.partner.payer
    code = hand.open(time_expire=china(MORNING + timedelta(minutes=5)))
    assert not payer.leave(code).paid
    payer.cancel("SHOP1")
    assert partner.ledger.trade_state("SHOP1") == "NOTPAY", "only a merchant closes an order"
    assert payer.pay("SHOP1").paid
    with pytest.raises(CannotPay, match="is SUCCESS"):
        payer.pay("SHOP1")
    with pytest.raises(CannotPay, match="no such order"):
        payer.scan("weixin://wxpay/bizpayurl?pr=unheard-of")
    with pytest.raises(CannotPay, match="no such order"):
        payer.pay("OTHER")
    with pytest.raises(CannotPay, match="no posted form"):
        payer.open(PostForm(url="https://x.example", fields={}))
    with pytest.raises(CannotPay, match="\u7b7e\u540d"):
        payer.open(AppParameters(payload="", fields={"package": "prepay_id=wx1", "paySign": "0" * 32}))
    with pytest.raises(CannotPay, match="no such order"):
        payer.open(Redirect(url="https://x.example/"))
    hand.scan("SHOP2", code=Wallet.CONFIRMS.code(1))
    payer.cancel("SHOP2")
    assert partner.ledger.trade_state("SHOP2") == "PAYERROR"
    with pytest.raises(CannotPay, match="failed"):
        payer.confirm("SHOP2")
    late = hand.open("SHOP3", time_expire=china(MORNING + timedelta(minutes=5)))
    forever = hand.open("SHOP4")
    partner.advance(300)
    with pytest.raises(CannotPay, match="is over"):
        payer.scan(late)
    partner.advance(7200)
    with pytest.raises(CannotPay, match="the code is over"):
        payer.scan(forever)


@pytest.mark.parametrize(
    "quirks", [Quirks(), Quirks(says_sign_type=True), Quirks(plain_values=True), Quirks(more_fields=True)]
)
@pytest.mark.parametrize("kind", SignType)
def test_notices_are_signed_as_the_order_was(kind: SignType, quirks: Quirks) -> None:
    """And a refund's is encrypted, in an envelope without a signature."""
    partner = WeChatPayV2Simulator(kind)
    partner.quirks = quirks
    hand = ByHand(partner)
    code = hand.open(sign_type=kind.value)
    partner.payer.scan(code)
    hand.refund(notify_url="https://shop.example/notify")
    paid, refunded = (hand.read(raw.body) for raw in partner.notices)
    assert (paid["authentic"], paid["out_trade_no"], paid["total_fee"]) == ("yes", "SHOP1", "1234")
    assert ("sign_type" in paid) == quirks.says_sign_type
    assert len(paid["sign"]) == (32 if kind is SignType.MD5 else 64)
    assert set(refunded) == {"return_code", "appid", "mch_id", "nonce_str", "req_info", "authentic"}


def test_faults_before_and_after(hand: ByHand) -> None:
    """The same misbehaviour as every partner's, in WeChat's words."""
    partner, told = hand.partner, hand.call
    partner.faults.next(Fault.LATE_ARRIVAL, "pay/micropay", delay_s=20)
    assert isinstance(hand.post("pay/micropay", as_xml(hand.fields(scanned(hand)))), SendFailure)
    assert partner.ledger.charges() == ()
    partner.advance(20)
    assert len(partner.ledger.charges()) == 1
    partner.faults.next(Fault.LATE_ARRIVAL, "pay/micropay", delay_s=20)
    hand.post("pay/micropay", as_xml(hand.fields(scanned(hand))))
    partner.faults.next(Fault.LATE_ARRIVAL, "pay/micropay", delay_s=10)
    hand.post("pay/micropay", b"<xml/>")
    partner.advance(20)
    assert len(partner.ledger.charges()) == 1, "refused, and nobody is told"
    for fault, code in ((Fault.ASK_RETRY, "BIZERR_NEED_RETRY"), (Fault.RATE_LIMITED, "FREQUENCY_LIMITED")):
        partner.faults.next(fault)
        assert hand.refund()["err_code"] == code
    partner.faults.next(Fault.NOT_FOUND)
    assert told("pay/refundquery", {"out_refund_no": "R1"})["err_code"] == "REFUNDNOTEXIST"
    partner.faults.next(Fault.UNKNOWN_STATUS)
    assert told("pay/orderquery", {"out_trade_no": "SHOP1"})["trade_state"] == "IN_LIMBO"
    partner.faults.next(Fault.FOREIGN_CHARSET)
    answer = hand.post("pay/orderquery", as_xml(hand.fields({"out_trade_no": "SHOP1"})))
    assert isinstance(answer, WireReply)
    assert "\u7cfb\u7edf\u7e41\u5fd9".encode("gbk") in answer.content


def scanned(hand: ByHand) -> dict[str, str]:
    """A charge of a scanned code."""
    return {**hand.order(), "auth_code": hand.partner.payer.code()}


def test_nobody_is_charged_twice(hand: ByHand) -> None:
    """The books refuse it, whoever asks."""
    hand.partner.payer.scan(hand.open())
    with pytest.raises(CannotPay, match="is SUCCESS"):
        hand.partner.payer.fail("SHOP1")
    assert len(hand.partner.ledger.charges()) == 1


def test_an_attacker_can_change_a_notice_and_not_sign_it(hand: ByHand) -> None:
    """What the simulator offers to make for tests of receivers."""
    hand.partner.payer.scan(hand.open())
    (notice,) = hand.partner.notices
    forged = hand.read(hand.partner.notices.forged(notice, {"total_fee": "1"}).body)
    assert (forged["total_fee"], forged["authentic"]) == ("1", "no")
    altered = hand.read(hand.partner.notices.altered(notice, {"total_fee": "1"}).body)
    assert (altered["total_fee"], altered["authentic"]) == ("1", "yes")
    assert "sign" not in hand.read(hand.partner.notices.unsigned(notice).body)


def test_nothing_else_is_served(hand: ByHand) -> None:
    """No holds, no transfers, and no other endpoint."""
    assert (hand.partner.ledger.holds(), hand.partner.ledger.transfers()) == ((), ())
    answer = hand.post("mmpaymkttransfers/promotion/transfers", b"<xml/>")
    assert isinstance(answer, WireReply)
    assert answer.status == 404
    assert hand.partner.requests == ()
    assert hand.partner.now == MORNING
