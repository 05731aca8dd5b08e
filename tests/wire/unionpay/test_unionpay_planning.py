"""Every intent becomes one call, frozen with its time; what UnionPay cannot take is refused before anything is sent."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.wire.unionpay.operations import (
    AMOUNT,
    CANCEL_SLOT,
    ORDER,
    QUERY_ID,
    SCANNED,
    SLOT,
    held,
    payment,
    succeeded,
)
from tests.wire.unionpay.stage import NOON, STAMP, account

from payport.adapters.unionpay import ApplePay, BusinessPage, UnionPay, UnionPayMethod
from payport.adapters.unionpay.adapter import LADDERS
from payport.adapters.unionpay.beijing import stamp
from payport.adapters.unionpay.calls import Call
from payport.adapters.unionpay.forms import parse_group
from payport.adapters.unionpay.planning import plan_cancel, plan_capture, plan_pay, plan_refund
from payport.schemas import HostedPage, InApp, MiniProgram, MobileWeb, Money, QrScanned, QrShown
from payport.schemas.order import CaptureMode, Payer
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.journal.records import State, Verb

ACCOUNT = account(term_id="01080209")
HOLD = replace(ORDER, capture=CaptureMode.MANUAL)
CODE = QrScanned(auth_code="6220000000000000001")


def call_of(plan: Plan) -> Call:
    """The call of its only step."""
    (step,) = plan.steps
    assert step.request is not None
    return Call.decode(step.request)


def beijing(text: str) -> datetime:
    """A time as a clock in Beijing shows it."""
    return datetime.fromisoformat(f"2026-11-{text}+08:00")


PRODUCTS: dict[str, tuple[UnionPayMethod, bool, str, str, str, str]] = {
    "page": (HostedPage(), False, "frontTransReq.do 01/01", "000201", "07", "shown"),
    "mobile page": (MobileWeb(), False, "frontTransReq.do 01/01", "000201", "08", "shown"),
    "page for companies": (BusinessPage(), False, "frontTransReq.do 01/01", "000202", "07", "shown"),
    "app": (InApp(), False, "appTransReq.do 01/01", "000201", "08", "shown"),
    "Apple Pay": (ApplePay(), False, "appTransReq.do 01/01", "000802", "08", "shown"),
    "shown code": (QrShown(), False, "backTransReq.do 01/07", "000000", "08", "shown"),
    "scanned code": (CODE, False, "backTransReq.do 01/06", "000000", "08", "scanned"),
    "hold by page": (HostedPage(), True, "frontTransReq.do 02/01", "000201", "07", "shown"),
    "hold by mobile page": (MobileWeb(), True, "frontTransReq.do 02/01", "000201", "08", "shown"),
    "hold by shown code": (QrShown(), True, "backTransReq.do 02/05", "000000", "08", "shown"),
    "hold by scanned code": (CODE, True, "backTransReq.do 02/04", "000000", "08", "held"),
}


@pytest.mark.parametrize(("method", "hold", "name", "biz", "channel", "ladder"), PRODUCTS.values(), ids=PRODUCTS)
def test_each_method_is_a_product_of_unionpays(
    method: UnionPayMethod, hold: bool, name: str, biz: str, channel: str, ladder: str
) -> None:
    """Address, types, channel, and when to ask."""
    plan = plan_pay(ACCOUNT, HOLD if hold else ORDER, method, SLOT)
    call = call_of(plan)
    assert (call.name, call.fields["bizType"], call.fields["channelType"]) == (name, biz, channel)
    assert (plan.ladder, plan.method, plan.expires) == (ladder, type(method).__name__, True)
    assert plan.ladder in LADDERS
    said = {name: call.fields[name] for name in ("orderId", "txnTime", "txnAmt", "currencyCode", "backUrl")}
    assert said == {
        "orderId": "SHOP10010001T001",
        "txnTime": STAMP,
        "txnAmt": "1234",
        "currencyCode": "156",
        "backUrl": "https://shop.example/notify",
    }
    assert plan.identity["txnTime"] == STAMP
    assert plan.steps[0].moves_money is not name.startswith("front")


def test_the_end_of_its_time_is_on_the_wire() -> None:
    """In Beijing time; a scanned code is over by itself, and soon."""
    plan = plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT)
    assert call_of(plan).fields["payTimeout"] == "20261123121500"
    assert plan.payable_until == SLOT.payable_until
    scanned = plan_pay(ACCOUNT, ORDER, CODE, SLOT)
    assert "payTimeout" not in call_of(scanned).fields
    assert scanned.payable_until == NOON + timedelta(minutes=3)


def test_pages_carry_what_the_payer_sees() -> None:
    """The subject without the characters that structure a message, the way back, the payer's address."""
    order = replace(ORDER, payer=Payer(ip="203.0.113.7"), return_url="https://shop.example/thanks")
    fields = call_of(plan_pay(ACCOUNT, order, HostedPage(), SLOT)).fields
    assert parse_group(fields["riskRateInfo"]) == {"commodityName": "Tea Cake 茶"}
    assert fields["frontUrl"] == "https://shop.example/thanks"
    assert fields["customerIp"] == "203.0.113.7"
    assert call_of(plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT)).fields["frontUrl"] == "https://shop.example/return"


def test_a_scanned_code_names_its_terminal() -> None:
    """And is in the call only."""
    fields = call_of(plan_pay(ACCOUNT, ORDER, CODE, SLOT)).fields
    assert (fields["qrNo"], fields["termId"]) == ("6220000000000000001", "01080209")
    assert "termId" not in call_of(plan_pay(account(), ORDER, CODE, SLOT)).fields


def test_metadata_comes_back_without_breaking_replies() -> None:
    """In base64: ``&``, ``=`` and brackets in ``reqReserved`` would break the parsing of every reply."""
    fields = call_of(plan_pay(ACCOUNT, replace(ORDER, metadata={"a": "{1}&2"}), HostedPage(), SLOT)).fields
    assert base64.b64decode(fields["reqReserved"]) == b"a=%7B1%7D%262"


def test_the_same_intent_gives_the_same_call() -> None:
    """Pure: nothing new comes in on a repetition, least of all a new time."""
    first, second = (plan_pay(ACCOUNT, ORDER, CODE, SLOT) for _ in range(2))
    assert first == second
    assert Call.decode(first.steps[0].request or b"").encode() == first.steps[0].request


REFUSED: dict[str, tuple[object, str]] = {
    "another partner's method": (
        lambda: plan_pay(ACCOUNT, ORDER, MiniProgram(), SLOT),  # type: ignore[arg-type]  # that is what is tried
        "does not take MiniProgram",
    ),
    "a hold by app": (lambda: plan_pay(ACCOUNT, HOLD, InApp(), SLOT), "holds money by pages and codes only"),
    "a hold for companies": (lambda: plan_pay(ACCOUNT, HOLD, BusinessPage(), SLOT), "not by BusinessPage"),
    "a hold by Apple Pay": (lambda: plan_pay(ACCOUNT, HOLD, ApplePay(), SLOT), "not by ApplePay"),
    "nowhere to tell": (lambda: plan_pay(account(notify_url=None), ORDER, QrShown(), SLOT), "set notify_url"),
    "a long address": (
        lambda: plan_pay(ACCOUNT, replace(ORDER, notify_url="https://a/" + "b" * 250), QrShown(), SLOT),
        "at most 256 characters",
    ),
    "a code that is none": (
        lambda: plan_pay(ACCOUNT, ORDER, QrScanned(auth_code="28x"), SLOT),
        "at most 20 digits and nothing else",
    ),
    "much metadata": (
        lambda: plan_pay(ACCOUNT, replace(ORDER, metadata={"a": "x" * 900}), QrShown(), SLOT),
        "1024 characters of metadata",
    ),
    "half a character": (
        lambda: plan_pay(ACCOUNT, replace(ORDER, metadata={"a": "\ud83d"}), QrShown(), SLOT),
        "surrogate pair",
    ),
    "a part of a hold, the rest kept": (
        lambda: plan_capture(ACCOUNT, held(), Money.of("1.00", "CNY"), SLOT, final=False),
        "completes a hold once",
    ),
    "a hold whose number is not known": (
        lambda: plan_capture(ACCOUNT, held(partner_id=None), AMOUNT, SLOT, final=True),
        "queryId.*query it first",
    ),
}


@pytest.mark.parametrize(("plan", "message"), REFUSED.values(), ids=REFUSED)
def test_what_unionpay_cannot_take_is_refused_here(plan: object, message: str) -> None:
    """Nothing is sent."""
    with pytest.raises(InvalidIntent, match=message):
        plan()  # type: ignore[operator]  # a table of plans


def test_gbk_cannot_carry_everything() -> None:
    """What a server sends is in the account's encoding, what a browser posts is always UTF-8."""
    gbk = account(encoding="GBK", term_id="🫖")
    with pytest.raises(InvalidIntent, match="goes out in GBK, which has no"):
        plan_pay(gbk, ORDER, CODE, SLOT)
    plan_pay(gbk, replace(ORDER, subject="🫖"), HostedPage(), SLOT)


@pytest.mark.parametrize("reference", ["SHOP_100100", "SHOP-100100", "SHOP100100茶", "SHOP 10010", "SHOP1"])
def test_numbers_have_letters_and_digits_only(reference: str) -> None:
    """``-`` and ``_`` in an ``orderId`` end in code 10."""
    pattern = UnionPay(account()).profile.reference
    assert not pattern.fullmatch(reference)
    assert pattern.fullmatch("SHOP1001000120261123ABCDEFGHIJKLMNOP")


# cancelling: there is no close


@pytest.mark.parametrize("state", [State.DOUBT, State.ACTION, State.PENDING])
def test_a_page_or_code_cannot_be_closed(state: State) -> None:
    """A plan without steps: the sdk asks and waits until its time is over."""
    assert plan_cancel(ACCOUNT, payment(state=state), CANCEL_SLOT, reverse_paid=False).steps == ()


def test_a_paid_order_is_left_alone_unless_asked() -> None:
    """Not even a step is planned."""
    assert plan_cancel(ACCOUNT, succeeded(), CANCEL_SLOT, reverse_paid=False).steps == ()


def test_on_its_clearing_day_a_payment_is_undone() -> None:
    """31, in full, by UnionPay's number, under a number and time of its own."""
    call = call_of(plan_cancel(ACCOUNT, succeeded(), CANCEL_SLOT, reverse_paid=True))
    assert call.name == "backTransReq.do 31/00"
    assert call.fields == {
        "txnType": "31",
        "txnSubType": "00",
        "bizType": "000201",
        "channelType": "07",
        "orderId": "SHOP10010001X001",
        "txnTime": STAMP,
        "txnAmt": "1234",
        "backUrl": "https://shop.example/notify",
        "origQryId": QUERY_ID,
    }


UNDO_OR_REFUND = {
    "the same afternoon": ("23T12:00:00", "23T22:59:59", "31"),
    "after the cut-off, before midnight": ("23T12:00:00", "23T23:00:00", "04"),
    "across midnight, one clearing day": ("23T23:30:00", "24T00:30:00", "31"),
    "the next day": ("23T12:00:00", "24T12:00:00", "04"),
    "paid in the last second": ("23T22:59:59", "23T23:00:01", "04"),
}


@pytest.mark.parametrize(("paid_at", "asked_at", "kind"), UNDO_OR_REFUND.values(), ids=UNDO_OR_REFUND)
def test_undo_or_refund_is_chosen_by_the_clearing_day_of_the_cancel(paid_at: str, asked_at: str, kind: str) -> None:
    """The clearing day ends at 23:00 in Beijing, not at midnight."""
    slot = replace(CANCEL_SLOT, now=beijing(asked_at))
    plan = plan_cancel(ACCOUNT, succeeded(settled_at=beijing(paid_at)), slot, reverse_paid=True)
    assert call_of(plan).fields["txnType"] == kind
    assert call_of(plan).fields["txnTime"] == stamp(beijing(asked_at))


def test_a_cancel_that_waited_for_the_payment_dates_from_the_payment() -> None:
    """``txnTime`` must be close to now, and stay the same however often the cancel is planned anew."""
    paid = succeeded(settled_at=NOON + timedelta(minutes=10))
    plans = [plan_cancel(ACCOUNT, paid, CANCEL_SLOT, reverse_paid=True) for _ in range(2)]
    assert plans[0] == plans[1]
    assert call_of(plans[0]).fields["txnTime"] == "20261123121000"


def test_without_unionpays_number_it_is_refunded() -> None:
    """An undo needs ``queryId``; a refund can name the original by our own number and time."""
    call = call_of(plan_cancel(ACCOUNT, succeeded(partner_id=None), CANCEL_SLOT, reverse_paid=True))
    assert call.fields["txnType"] == "04"
    assert (call.fields["origOrderId"], call.fields["origTxnTime"]) == ("SHOP10010001T001", STAMP)
    assert call.fields["reqReserved"] == "cancel"


def test_a_hold_is_released_whole() -> None:
    """32, whether or not paid orders are to be reversed."""
    for reverse in (True, False):
        call = call_of(plan_cancel(ACCOUNT, held(), CANCEL_SLOT, reverse_paid=reverse))
        assert (call.name, call.fields["txnAmt"]) == ("backTransReq.do 32/00", "1234")


@pytest.mark.parametrize("state", [State.DOUBT, State.PENDING])
def test_a_scanned_payment_in_doubt_is_reversed(state: State) -> None:
    """99, by the payment's own number and time."""
    call = call_of(plan_cancel(ACCOUNT, payment(identity=SCANNED, state=state), CANCEL_SLOT, reverse_paid=False))
    assert call.name == "backTransReq.do 99/01"
    assert (call.fields["orderId"], call.fields["txnTime"]) == ("SHOP10010001T001", STAMP)


@pytest.mark.parametrize("asked_at", ["23T23:00:00", "24T00:00:01", "24T12:00:00"])
def test_across_the_cut_off_nothing_is_reversed(asked_at: str) -> None:
    """Only on its own clearing day; afterwards it is asked about and, if paid, refunded."""
    slot = replace(CANCEL_SLOT, now=beijing(asked_at))
    assert plan_cancel(ACCOUNT, payment(identity=SCANNED), slot, reverse_paid=True).steps == ()


def test_a_scanned_hold_in_doubt_is_not_reversed() -> None:
    """Reversal is for consumption only."""
    hold = payment(identity={**SCANNED, "txnType": "02", "txnSubType": "04"})
    assert plan_cancel(ACCOUNT, hold, CANCEL_SLOT, reverse_paid=True).steps == ()


# capture and refund


def test_a_hold_is_completed_once() -> None:
    """03, with a part of the hold or all of it."""
    for amount in (Money.of("5.00", "CNY"), AMOUNT):
        plan = plan_capture(ACCOUNT, held(), amount, replace(SLOT, partner_ref="SHOP10010001C001"), final=True)
        call = call_of(plan)
        assert (call.name, call.fields["txnAmt"]) == ("backTransReq.do 03/00", str(amount.amount_minor))
        assert (call.fields["orderId"], call.fields["origQryId"]) == ("SHOP10010001C001", QUERY_ID)
        assert plan.of == held().id
    assert plan_capture(ACCOUNT, held(), AMOUNT, SLOT, final=False).steps


def test_each_refund_has_a_number_and_time_of_its_own() -> None:
    """04, of a payment or a capture, by UnionPay's number."""
    slot = replace(SLOT, partner_ref="BACK10010001R001", now=NOON + timedelta(hours=1))
    for original in (succeeded(), succeeded(verb=Verb.CAPTURE)):
        plan = plan_refund(ACCOUNT, original, Money.of("1.00", "CNY"), slot)
        fields = call_of(plan).fields
        assert (fields["txnType"], fields["orderId"], fields["txnTime"]) == ("04", "BACK10010001R001", "20261123130000")
        assert (fields["txnAmt"], fields["origQryId"]) == ("100", QUERY_ID)
        assert "reqReserved" not in fields
        assert plan.identity == {"txnTime": "20261123130000", "txnType": "04", "bizType": "000201"}


def test_an_orders_own_address_serves_whatever_is_done_about_it() -> None:
    """The account may have none: undo, reversal, capture and refund are told to where the payment was."""
    nowhere = account(notify_url=None)
    own = replace(ORDER, notify_url="https://shop.example/7")
    identity = plan_pay(nowhere, own, CODE, SLOT).identity
    assert identity["backUrl"] == "https://shop.example/7"
    plans = [
        plan_refund(nowhere, succeeded(identity=identity), AMOUNT, SLOT),
        plan_cancel(nowhere, succeeded(identity=identity), CANCEL_SLOT, reverse_paid=True),
        plan_cancel(nowhere, payment(identity=identity), CANCEL_SLOT, reverse_paid=True),
        plan_capture(nowhere, held(identity=identity), AMOUNT, SLOT, final=True),
    ]
    assert [call_of(plan).fields["backUrl"] for plan in plans] == ["https://shop.example/7"] * 4
    assert plans[-1].identity["backUrl"] == "https://shop.example/7"
    with pytest.raises(InvalidIntent, match="set notify_url"):
        plan_refund(nowhere, succeeded(), AMOUNT, SLOT)


# repeating


REPEATABLE = {
    "noon": ("23T12:00:00", True, "23T12:10:00"),
    "five minutes before the cut-off": ("23T22:55:00", True, "23T23:00:00"),
    "just before the cut-off": ("23T22:58:30", False, "23T23:00:00"),
    "just before midnight": ("23T23:59:00", False, "24T00:00:00"),
    "just after midnight": ("24T00:00:00", True, "24T00:10:00"),
}


@pytest.mark.parametrize(("now", "replayable", "until"), REPEATABLE.values(), ids=REPEATABLE)
def test_nothing_is_repeated_across_the_end_of_a_day(now: str, replayable: bool, until: str) -> None:
    """UnionPay knows a request by number and time, and takes the same number again on another day."""
    slot = Slot(partner_ref="SHOP10010001T001", now=beijing(now), payable_until=beijing(now) + timedelta(minutes=15))
    (step,) = plan_pay(ACCOUNT, ORDER, CODE, slot).steps
    assert step.replayable is replayable
    assert step.replay_until == beijing(until)


def test_a_page_is_never_repeated_by_us() -> None:
    """The browser sends it."""
    (step,) = plan_pay(ACCOUNT, ORDER, HostedPage(), SLOT).steps
    assert (step.replayable, step.replay_until) == (False, None)


def test_the_ladders_hold_unionpays_timetables() -> None:
    """Back-end: 1, 2, 4, 8, 16, 32 seconds; pages: 5, 10, 30, 60, 120 minutes after sending, and earlier looks."""
    for name in ("default", "scanned", "held"):
        assert LADDERS[name].ask_after_s[:6] == (1, 2, 4, 8, 16, 32)
    passed, moments = 0.0, []
    for wait_s in LADDERS["shown"].ask_after_s:
        passed += wait_s
        moments.append(passed / 60)
    assert {5.0, 10.0, 30.0, 60.0, 120.0} <= set(moments)
    assert LADDERS["scanned"].fence_after_s == 60
