"""Transfers to others, in certificate mode only."""

from __future__ import annotations

import json

from payport.adapters.alipay.simulator.books import Books, asked_of
from payport.adapters.alipay.simulator.calls import Answer, Call, Refusal, wire_time, yuan
from payport.adapters.alipay.simulator.ledger import EntryKind
from payport.adapters.alipay.simulator.rows import TransferRow, TransferStatus

_BACK = frozenset({TransferStatus.FAILED, TransferStatus.CLOSED, TransferStatus.RETURNED})
_IDENTITIES = ("ALIPAY_USER_ID", "ALIPAY_LOGON_ID", "ALIPAY_OPEN_ID", "BANKCARD_ACCOUNT")


def uni_transfer(books: Books, call: Call) -> Answer:
    """Send money. The same number with the same data gives the same result; with other data it is refused."""
    if "app_cert_sn" not in call.params:
        raise Refusal("isv.missing-app-cert-sn", "transfers need certificate mode", code="40001")
    amount_minor = call.money("trans_amount", at_least_minor=10)
    identity = _identity(call)
    row = books.transfers.get(call.need("out_biz_no"))
    if row is None:
        if amount_minor > books.balance_minor:
            raise Refusal("BALANCE_IS_NOT_ENOUGH", "the balance is too low")
        row = _open(books, call, amount_minor, identity)
    elif row.identity != identity:
        raise Refusal("PAYMENT_INFO_INCONSISTENCY", "the same number with other data")
    return Answer(
        fields={
            "out_biz_no": row.out_biz_no,
            "order_id": row.order_id,
            "pay_fund_order_id": row.fund_order_id,
            "status": row.status.value,
            "trans_date": wire_time(row.at),
        }
    )


def common_query(books: Books, call: Call) -> Answer:
    """How a transfer stands."""
    row = _find(books, call)
    fields: dict[str, object] = {
        "out_biz_no": row.out_biz_no,
        "order_id": row.order_id,
        "pay_fund_order_id": row.fund_order_id,
        "status": row.status.value,
        "trans_amount": yuan(row.amount_minor),
        "order_fee": "0.00",
    }
    if row.status is TransferStatus.SUCCESS:
        fields["pay_date"] = wire_time(row.at)
    if row.fail_code is not None:
        fields |= {"error_code": row.fail_code, "fail_reason": "the payee's side refused"}
    return Answer(fields=fields)


def move_on(books: Books, row: TransferRow, status: TransferStatus, call: Call) -> None:
    """A transfer reaches another state by itself: finished, failed, or sent back by the payee's bank.

    Raises ``ValueError`` once the money is back: that is the end.
    """
    if row.status in _BACK:
        raise ValueError(f"{row.out_biz_no} is {row.status.value}, the money is back")
    if status in _BACK:
        books.enter(EntryKind.TRANSFER_RETURNED, row.amount_minor, row.out_biz_no, row.order_id, call.now)
        row.fail_code = "PAYEE_ACCOUNT_STATUS_ERROR"
    row.status, row.at = status, call.now
    _tell(books, row)


def _identity(call: Call) -> tuple[str, ...]:
    payee = call.record("payee_info")
    kind, account = str(payee.get("identity_type", "")), str(payee.get("identity", ""))
    if kind not in _IDENTITIES or not account:
        raise call.invalid("payee_info needs identity_type and identity")
    if kind == "ALIPAY_LOGON_ID" and not payee.get("name"):
        raise call.invalid("payee_info.name is missing")
    if call.need("product_code") != "TRANS_ACCOUNT_NO_PWD" or call.need("biz_scene") != "DIRECT_TRANSFER":
        raise call.invalid("product_code or biz_scene does not fit")
    return (call.need("trans_amount"), kind, account, str(payee.get("name", "")), call.need("order_title"))


def _open(books: Books, call: Call, amount_minor: int, identity: tuple[str, ...]) -> TransferRow:
    row = TransferRow(
        out_biz_no=call.need("out_biz_no"),
        order_id=books.number(call.now, "00150"),
        fund_order_id=books.number(call.now, "00151"),
        amount_minor=amount_minor,
        identity=identity,
        asked=asked_of(call),
        at=call.now,
        status=TransferStatus.DEALING if call.slow else TransferStatus.SUCCESS,
    )
    books.transfers[row.out_biz_no] = row
    books.enter(EntryKind.TRANSFER, -amount_minor, row.out_biz_no, row.order_id, call.now)
    if not call.slow:
        _tell(books, row)
    return row


def _find(books: Books, call: Call) -> TransferRow:
    names = ("out_biz_no", "order_id", "pay_fund_order_id")
    wanted = {name: call.text(name) for name in names}
    if not any(wanted.values()):
        raise call.invalid("out_biz_no, order_id or pay_fund_order_id is missing")
    if wanted["out_biz_no"] is not None and not (call.text("product_code") and call.text("biz_scene")):
        raise call.invalid("out_biz_no needs product_code and biz_scene")
    for row in books.transfers.values():
        if row.out_biz_no == wanted["out_biz_no"] or row.order_id == wanted["order_id"]:
            return row
        if row.fund_order_id == wanted["pay_fund_order_id"]:
            return row
    raise Refusal("ORDER_NOT_EXIST", "no such transfer")


def _tell(books: Books, row: TransferRow) -> None:
    content = {
        "out_biz_no": row.out_biz_no,
        "order_id": row.order_id,
        "pay_fund_order_id": row.fund_order_id,
        "status": row.status.value,
        "trans_amount": yuan(row.amount_minor),
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "action_type": "FINISH",
        "pay_date": wire_time(row.at),
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    books.tell(row.status.value, {"biz_content": text}, row.asked, row.at, message="alipay.fund.trans.order.changed")
