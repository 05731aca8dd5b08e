"""Pre-authorizations: frozen, captured, released, cancelled, asked about."""

from __future__ import annotations

from datetime import timedelta

from payport.adapters.alipay.simulator.books import Books, asked_of
from payport.adapters.alipay.simulator.calls import Answer, Call, Refusal, wire_time, yuan
from payport.adapters.alipay.simulator.rows import (
    BUYER_ID,
    BUYER_LOGIN,
    HoldOperation,
    HoldRow,
    HoldStatus,
    TradeRow,
)
from payport.adapters.alipay.simulator.wallets import Wallet, wallet_behind

LIFE = timedelta(minutes=15)


def freeze(books: Books, call: Call) -> Answer:
    """Freeze money of the payer whose code was scanned."""
    row = known_hold(books, call)
    code = call.need("auth_code")
    if call.need("auth_code_type") not in ("bar_code", "security_code"):
        raise call.invalid("auth_code_type must be bar_code or security_code")
    wallet = wallet_behind(code)
    if wallet in (None, Wallet.STALE) or books.used_codes.get(code, call.text("out_order_no")) != call.text(
        "out_order_no"
    ):
        raise Refusal("PAYMENT_AUTH_CODE_INVALID", "the payment code was used or is too old")
    if wallet is Wallet.NO_MONEY:
        raise Refusal("MONEY_NOT_ENOUGH", "the payer has not enough money")
    if wallet is Wallet.RISKY:
        raise Refusal("ACCESS_FORBIDDEN", "the payment was stopped by risk control")
    row = row or open_hold(books, call, HoldStatus.INIT)
    row.status = HoldStatus.INIT
    books.used_codes[code] = row.out_order_no
    row.slow = call.slow
    if wallet is not Wallet.CONFIRMS and not call.slow:
        agree(books, row, call)
    return Answer(fields=_order(row) | _operation(next(iter(row.operations.values()))))


def voucher_create(books: Books, call: Call) -> Answer:
    """A code to show for a freeze. No order exists before the payer scans it."""
    row = known_hold(books, call) or open_hold(books, call, HoldStatus.OFFERED)
    row.code = row.code or f"{books.code_url}pre{books.number(call.now)[-12:]}"
    books.codes[row.code] = row
    return Answer(
        fields={
            "out_order_no": row.out_order_no,
            "out_request_no": call.need("out_request_no"),
            "code_type": "qr_code",
            "code_value": row.code,
            "code_url": row.code,
        }
    )


def unfreeze(books: Books, call: Call) -> Answer:
    """Release part or all of what is still frozen."""
    row = _find(books, call)
    number, amount_minor = call.need("out_request_no"), call.money("amount")
    known = row.operations.get(number)
    if known is not None:
        if (known.kind, known.amount_minor) != ("UNFREEZE", amount_minor):
            raise Refusal("UNIQUE_VIOLATION", "the same request number with other data")
        return Answer(fields=_order(row) | _operation(known))
    _must_be_open(row)
    if amount_minor > row.rest_minor:
        raise Refusal("REQUEST_AMOUNT_EXCEED", "more than is still frozen")
    operation = _release(books, row, call, number, amount_minor)
    return Answer(fields=_order(row) | _operation(operation))


def cancel(books: Books, call: Call) -> Answer:
    """End an order of unknown result: close it when the payer has not agreed, unfreeze it when nothing was captured."""
    row = _find(books, call)
    operation = _find_operation(row, call)
    if row.status is HoldStatus.INIT:
        row.close()
    if row.status is HoldStatus.AUTHORIZED:
        if row.captured_minor:
            raise Refusal("REQUEST_AMOUNT_EXCEED", "part of it was captured, unfreeze the rest")
        _release(books, row, call, f"{operation.out_request_no}C", row.rest_minor)
    elif row.status is HoldStatus.FINISHED:
        raise Refusal("ORDER_ALREADY_FINISH", "everything was captured")
    action = "close" if operation.status == "CLOSED" else "unfreeze"
    return Answer(
        fields={
            "auth_no": row.auth_no,
            "out_order_no": row.out_order_no,
            "operation_id": operation.operation_id,
            "out_request_no": operation.out_request_no,
            "action": action,
        }
    )


def detail_query(books: Books, call: Call) -> Answer:
    """How one operation of an order stands, and the order's sums."""
    row = _find(books, call)
    operation = _find_operation(row, call)
    fields = _order(row) | _operation(operation)
    fields |= {
        "operation_type": operation.kind,
        "order_title": row.title,
        "order_status": row.status.value,
        "gmt_create": wire_time(row.created_at),
        "remark": operation.remark,
        "total_freeze_amount": yuan(row.amount_minor if row.status is not HoldStatus.INIT else 0),
        "rest_amount": yuan(row.rest_minor),
        "total_pay_amount": yuan(row.captured_minor),
    }
    return Answer(fields={name: value for name, value in fields.items() if value != ""})


def capture(books: Books, call: Call, trade: TradeRow) -> None:
    """Take the money of ``trade`` from a hold. Raises the refusal and changes nothing when it cannot be."""
    row = next((hold for hold in books.holds.values() if hold.auth_no == call.text("auth_no")), None)
    if row is None or row.status is HoldStatus.OFFERED:
        raise Refusal("ACQ.TRADE_NOT_EXIST", "no such pre-authorization")
    mode = call.text("auth_confirm_mode") or "NOT_COMPLETE"
    if mode not in ("COMPLETE", "NOT_COMPLETE"):
        raise call.invalid("auth_confirm_mode must be COMPLETE or NOT_COMPLETE")
    if row.status is not HoldStatus.AUTHORIZED:
        raise Refusal("ACQ.TRADE_STATUS_ERROR", f"the pre-authorization is {row.status.value}")
    if trade.amount_minor > row.rest_minor:
        raise Refusal("ACQ.AUTH_AMOUNT_NOT_ENOUGH", "more than is still frozen")
    trade.auth_no = row.auth_no
    row.rest_minor -= trade.amount_minor
    row.captured_minor += trade.amount_minor
    _note(books, row, call, number=trade.out_trade_no, kind="PAY", amount_minor=trade.amount_minor)
    if mode == "COMPLETE" and row.rest_minor:
        _release(books, row, call, f"{trade.out_trade_no}R", row.rest_minor)
    if not row.rest_minor:
        row.status = HoldStatus.FINISHED


def known_hold(books: Books, call: Call) -> HoldRow | None:
    """The order of this number when the payer may still agree; refuses other data, and orders that are over."""
    row = books.holds.get(call.need("out_order_no"))
    number, amount_minor, title = call.need("out_request_no"), call.money("amount"), call.need("order_title")
    if row is None:
        return None
    if (row.amount_minor, row.title) != (amount_minor, title) or number not in row.operations:
        raise Refusal("UNIQUE_VIOLATION", "the order exists with other data")
    if row.status is HoldStatus.AUTHORIZED:
        raise Refusal("FREEZE_ALREADY_SUCCESS", "the money is frozen")
    if row.status is HoldStatus.FINISHED:
        raise Refusal("ORDER_ALREADY_FINISH", "the order is finished")
    if row.status is HoldStatus.CLOSED:
        raise Refusal("ORDER_ALREADY_CLOSED", "the order is closed")
    return row


def open_hold(books: Books, call: Call, status: HoldStatus) -> HoldRow:
    """A new order; the caller has seen that there is none yet."""
    row = HoldRow(
        out_order_no=call.need("out_order_no"),
        auth_no=books.number(call.now, "10002"),
        title=call.need("order_title"),
        amount_minor=call.money("amount"),
        asked=asked_of(call),
        created_at=call.now,
        expires_at=call.now + call.span("pay_timeout", LIFE),
        status=status,
    )
    number = call.need("out_request_no")
    _note(books, row, call, number=number, kind="FREEZE", amount_minor=row.amount_minor, status="INIT")
    books.holds[row.out_order_no] = row
    books.wake(row.expires_at, row)
    return row


def agree(books: Books, row: HoldRow, call: Call) -> None:
    """The payer agrees: the money is frozen."""
    row.status, row.rest_minor = HoldStatus.AUTHORIZED, row.amount_minor
    operation = next(iter(row.operations.values()))
    operation.status, operation.at = "SUCCESS", call.now
    _tell(books, row, operation)


def _find(books: Books, call: Call) -> HoldRow:
    auth_no, order_no = call.text("auth_no"), call.text("out_order_no")
    if auth_no is None and order_no is None:
        raise call.invalid("auth_no or out_order_no is missing")
    for row in books.holds.values():
        named = row.auth_no == auth_no if auth_no is not None else row.out_order_no == order_no
        if named and row.status is not HoldStatus.OFFERED:
            return row
    raise Refusal("AUTH_ORDER_NOT_EXIST", "no such pre-authorization")


def _find_operation(row: HoldRow, call: Call) -> HoldOperation:
    operation_id, number = call.text("operation_id"), call.text("out_request_no")
    if operation_id is None and number is None:
        raise call.invalid("operation_id or out_request_no is missing")
    for operation in row.operations.values():
        if operation.operation_id == operation_id if operation_id is not None else operation.out_request_no == number:
            return operation
    raise Refusal("AUTH_OPERATION_NOT_EXIST", "no such operation of this pre-authorization")


def _must_be_open(row: HoldRow) -> None:
    if row.status is HoldStatus.FINISHED:
        raise Refusal("ORDER_ALREADY_FINISH", "everything was captured")
    if row.status is not HoldStatus.AUTHORIZED:
        raise Refusal("ORDER_ALREADY_CLOSED", "nothing is frozen")


def _release(books: Books, row: HoldRow, call: Call, number: str, amount_minor: int) -> HoldOperation:
    row.rest_minor -= amount_minor
    if not row.rest_minor:
        row.status = HoldStatus.FINISHED if row.captured_minor else HoldStatus.CLOSED
    operation = _note(books, row, call, number=number, kind="UNFREEZE", amount_minor=amount_minor)
    _tell(books, row, operation)
    return operation


def _note(
    books: Books, row: HoldRow, call: Call, *, number: str, kind: str, amount_minor: int, status: str = "SUCCESS"
) -> HoldOperation:
    row.operations[number] = HoldOperation(
        operation_id=books.number(call.now, "10003"),
        out_request_no=number,
        kind=kind,
        amount_minor=amount_minor,
        status=status,
        at=call.now,
        remark=call.text("remark") or "",
    )
    return row.operations[number]


def _order(row: HoldRow) -> dict[str, object]:
    return {
        "auth_no": row.auth_no,
        "out_order_no": row.out_order_no,
        "payer_user_id": BUYER_ID,
        "payer_logon_id": BUYER_LOGIN,
    }


def _operation(operation: HoldOperation) -> dict[str, object]:
    return {
        "operation_id": operation.operation_id,
        "out_request_no": operation.out_request_no,
        "amount": yuan(operation.amount_minor),
        "status": operation.status,
        "gmt_trans": wire_time(operation.at),
    }


def _tell(books: Books, row: HoldRow, operation: HoldOperation) -> None:
    fields = {name: str(value) for name, value in (_order(row) | _operation(operation)).items()}
    fields |= {
        "notify_type": "fund_auth_freeze" if operation.kind == "FREEZE" else "fund_auth_unfreeze",
        "operation_type": operation.kind,
        "payee_user_id": books.seller_id,
        "gmt_create": wire_time(row.created_at),
        "total_freeze_amount": yuan(row.amount_minor),
        "total_unfreeze_amount": yuan(row.amount_minor - row.rest_minor - row.captured_minor),
        "total_pay_amount": yuan(row.captured_minor),
        "rest_amount": yuan(row.rest_minor),
    }
    books.tell(operation.status, fields, row.asked, operation.at)
