"""Trades: created, paid, asked about, closed and cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from payport.adapters.alipay.simulator.books import Books, asked_of
from payport.adapters.alipay.simulator.calls import CHINA, Answer, Call, Refusal, wire_time, yuan
from payport.adapters.alipay.simulator.preauth import capture
from payport.adapters.alipay.simulator.rows import (
    BUYER_ID,
    BUYER_LOGIN,
    RefundRow,
    RefundStatus,
    TradeRow,
    TradeStatus,
)
from payport.adapters.alipay.simulator.wallets import Wallet, wallet_behind

LIFE = timedelta(days=15)
FACE_TO_FACE_LIFE = timedelta(hours=3)
CODE_LIFE = timedelta(hours=2)


def precreate(books: Books, call: Call) -> Answer:
    """A code to show. No trade exists before the payer scans it; asking again gives the same code."""
    row = known_trade(books, call)
    if row is None:
        row = open_trade(books, call, TradeStatus.OFFERED, FACE_TO_FACE_LIFE)
        row.code = f"{books.code_url}bax{books.number(call.now)[-12:]}"
        books.codes[row.code] = row
        own_life = call.text("time_expire") is not None or call.text("timeout_express") is not None
        life = call.span("qr_code_timeout_express", row.expires_at - call.now if own_life else CODE_LIFE)
        row.code_expires_at = call.now + life
    if row.code is None or row.code_expires_at is None or row.code_expires_at <= call.now:
        raise Refusal("ACQ.APPLY_PC_MERCHANT_CODE_ERROR", "no code can be made for this order any more")
    return Answer(fields={"out_trade_no": row.out_trade_no, "qr_code": row.code})


def create(books: Books, call: Call) -> Answer:
    """A trade for a mini-program."""
    if call.text("buyer_id") is None and call.text("buyer_open_id") is None:
        raise call.invalid("buyer_id or buyer_open_id is missing")
    row = known_trade(books, call) or open_trade(books, call, TradeStatus.WAITING, LIFE)
    return Answer(fields=_numbers(row))


def pay(books: Books, call: Call) -> Answer:
    """Charge the payer whose code was scanned, or capture a hold (``auth_no``)."""
    row = known_trade(books, call)
    if call.text("auth_no") is not None:
        if row is not None:
            raise Refusal("ACQ.CONTEXT_INCONSISTENT", "the trade exists and is no capture")
        row = _new_trade(books, call, TradeStatus.WAITING, LIFE)
        capture(books, call, row)
        books.charge(books.add_trade(row), call.now)
        return Answer(fields=_paid(row))
    wallet = _scan(books, call)
    row = row or open_trade(books, call, TradeStatus.WAITING, FACE_TO_FACE_LIFE)
    row.status = TradeStatus.WAITING
    books.used_codes[call.need("auth_code")] = row.out_trade_no
    row.slow = call.slow
    if call.slow or wallet is Wallet.CONFIRMS:
        return Answer(fields=_numbers(row) | _buyer(), code="10003")
    books.charge(row, call.now)
    return Answer(fields=_paid(row))


def query(books: Books, call: Call) -> Answer:
    """How a trade stands."""
    row = books.find_trade(call)
    fields: dict[str, object] = _numbers(row) | _buyer()
    fields |= {"trade_status": row.status.value, "total_amount": yuan(row.amount_minor), "subject": row.subject}
    if row.paid_at is not None:
        paid = yuan(row.amount_minor)
        fields |= {"receipt_amount": paid, "buyer_pay_amount": paid, "invoice_amount": paid, "point_amount": "0.00"}
        fields["send_pay_date"] = wire_time(row.paid_at)
        if "fund_bill_list" in call.options():
            fields["fund_bill_list"] = [{"amount": paid, "fund_channel": "ALIPAYACCOUNT"}]
    fields |= {name: row.asked[name] for name in ("body", "passback_params") if name in row.asked}
    return Answer(fields=fields)


def close(books: Books, call: Call) -> Answer:
    """End a trade that waits for its payer. A code that nobody scanned stays payable: no trade, nothing closed."""
    row = books.find_trade(call)
    if row.status is not TradeStatus.WAITING:
        raise Refusal("ACQ.TRADE_STATUS_ERROR", f"the trade is {row.status.value}")
    books.close(row, call.now)
    return Answer(fields=_numbers(row))


def cancel(books: Books, call: Call) -> Answer:
    """Make good for an unknown result: close what was not paid, give back what was. Absent trades have no action."""
    try:
        row = books.find_trade(call)
    except Refusal as refusal:
        if refusal.sub_code != "ACQ.TRADE_NOT_EXIST":
            raise
        return Answer(fields={"out_trade_no": call.text("out_trade_no") or "", "retry_flag": "N"})
    if row.status is TradeStatus.FINISHED:
        raise Refusal("ACQ.TRADE_HAS_FINISHED", "the trade is finished", fields={"retry_flag": "N"})
    if row.status is TradeStatus.WAITING:
        books.close(row, call.now)
    elif row.status is TradeStatus.PAID:
        _reverse(books, call, row)
    action = "refund" if row.reversed_at is not None else "close"
    return Answer(fields=_numbers(row) | {"retry_flag": "N", "action": action})


def open_trade(books: Books, call: Call, status: TradeStatus, life: timedelta) -> TradeRow:
    """A new trade from a creating call; the caller has seen that there is none yet."""
    return books.add_trade(_new_trade(books, call, status, life))


def known_trade(books: Books, call: Call) -> TradeRow | None:
    """The trade of this number when it may still be paid; refuses other data, and trades that are over."""
    row = books.trades.get(_out_trade_no(call))
    amount_minor, subject = call.money("total_amount"), call.need("subject")
    if row is None:
        return None
    if (row.amount_minor, row.subject) != (amount_minor, subject):
        raise Refusal("ACQ.CONTEXT_INCONSISTENT", "the trade exists with other data")
    if row.status in (TradeStatus.PAID, TradeStatus.FINISHED):
        raise Refusal("ACQ.TRADE_HAS_SUCCESS", "the trade was paid")
    if row.status is TradeStatus.CLOSED:
        raise Refusal("ACQ.TRADE_HAS_CLOSE", "the trade is closed")
    return row


def _new_trade(books: Books, call: Call, status: TradeStatus, life: timedelta) -> TradeRow:
    extension = call.record("extend_params")
    return TradeRow(
        out_trade_no=_out_trade_no(call),
        trade_no=books.number(call.now),
        amount_minor=call.money("total_amount"),
        subject=call.need("subject"),
        asked=asked_of(call),
        created_at=call.now,
        expires_at=call.expiry(life),
        status=status,
        splittable=extension.get("royalty_freeze") in ("true", True),
    )


def _out_trade_no(call: Call) -> str:
    number = call.need("out_trade_no")
    if len(number) > 64 or not number.replace("_", "").isalnum() or not number.isascii():
        raise call.invalid("out_trade_no must be 1 to 64 letters, digits or underscores")
    return number


def _scan(books: Books, call: Call) -> Wallet:
    if call.need("scene") not in ("bar_code", "security_code"):
        raise call.invalid("scene must be bar_code or security_code")
    code = call.need("auth_code")
    wallet = wallet_behind(code)
    user = books.used_codes.get(code)
    own = user == call.text("out_trade_no")
    if wallet is None or wallet is Wallet.STALE or (user is not None and not own):
        raise Refusal("ACQ.PAYMENT_AUTH_CODE_INVALID", "the payment code was used or is too old")
    if wallet is Wallet.NO_MONEY:
        raise Refusal("ACQ.BUYER_BALANCE_NOT_ENOUGH", "the payer has not enough money")
    if wallet is Wallet.RISKY:
        raise Refusal("ACQ.PAYMENT_REQUEST_HAS_RISK", "the payment was stopped by risk control")
    return wallet


def _reverse(books: Books, call: Call, row: TradeRow) -> None:
    assert row.paid_at is not None
    if row.paid_at.astimezone(CHINA).date() != call.now.astimezone(CHINA).date():
        raise Refusal("ACQ.TRADE_CANCEL_TIME_OUT", "too late to cancel, refund instead", fields={"retry_flag": "N"})
    rest = row.amount_minor - row.refunded_minor(promised=True)
    if rest > books.balance_minor:
        raise Refusal("ACQ.SELLER_BALANCE_NOT_ENOUGH", "the merchant's balance is too low", fields={"retry_flag": "N"})
    row.reversed_at = call.now
    # the query for a reversal names the trade's own number; a partial refund may have taken it already
    number = row.out_trade_no if row.out_trade_no not in row.refunds else f"{row.out_trade_no}C"
    refund = RefundRow(out_request_no=number, amount_minor=rest, at=call.now, status=RefundStatus.SUCCESS)
    row.refunds[refund.out_request_no] = refund
    books.give_back(row, refund, call.now)


def _numbers(row: TradeRow) -> dict[str, object]:
    return {"out_trade_no": row.out_trade_no, "trade_no": row.trade_no}


def _buyer() -> dict[str, object]:
    return {"buyer_user_id": BUYER_ID, "buyer_logon_id": BUYER_LOGIN}


def _paid(row: TradeRow) -> Mapping[str, object]:
    assert row.paid_at is not None
    paid = yuan(row.amount_minor)
    return {
        **_numbers(row),
        **_buyer(),
        "total_amount": paid,
        "receipt_amount": paid,
        "buyer_pay_amount": paid,
        "invoice_amount": paid,
        "point_amount": "0.00",
        "gmt_payment": wire_time(row.paid_at),
        "fund_bill_list": [{"amount": paid, "fund_channel": "ALIPAYACCOUNT"}],
    }
