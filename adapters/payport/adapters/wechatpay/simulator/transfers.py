"""Transfers to a payee who confirms them."""

from __future__ import annotations

import re
from datetime import timedelta

from payport.adapters.wechatpay.simulator.books import Books
from payport.adapters.wechatpay.simulator.calls import Answer, Call, Refusal, wire_time_ms, wrong
from payport.adapters.wechatpay.simulator.ledger import EntryKind
from payport.adapters.wechatpay.simulator.rows import TransferRow, TransferState

NAME_FROM_MINOR = 200_000
NO_NAME_BELOW_MINOR = 30
QUERY_WITHIN = timedelta(days=30)
_NUMBER = re.compile(r"[0-9A-Za-z]{1,32}", re.ASCII)
_WAITING = frozenset({TransferState.ACCEPTED, TransferState.PROCESSING, TransferState.WAIT_USER_CONFIRM})


def create(books: Books, call: Call) -> Answer:
    """Ready to be confirmed by the payee. The same number with the same content gives the same transfer again."""
    number, name = call.number("/out_bill_no", _NUMBER), call.sensitive("/user_name")
    row = books.transfers.get(number)
    if row is None:
        row = _open(books, call, number, name)
    elif row.content != _identity(call) or row.user_name != name:
        raise Refusal("INVALID_REQUEST", "商户单号已存在,且与之前的请求参数不一致")
    fields: dict[str, object] = {
        "out_bill_no": row.out_bill_no,
        "transfer_bill_no": row.transfer_bill_no,
        "create_time": wire_time_ms(row.created_at),
        "state": row.state.value,
    }
    if row.fail_reason is not None:
        fields["fail_reason"] = row.fail_reason
    if row.state is TransferState.WAIT_USER_CONFIRM:
        fields["package_info"] = row.package_info
    return Answer(fields=fields)


def query(books: Books, call: Call) -> Answer:
    """How a transfer stands, by either number, for thirty days."""
    row = _find(books, call)
    if call.now - row.created_at > QUERY_WITHIN:
        raise no_transfer()
    fields: dict[str, object] = {
        "mch_id": books.parties.mchid,
        "out_bill_no": row.out_bill_no,
        "transfer_bill_no": row.transfer_bill_no,
        "appid": row.appid,
        "state": row.state.value,
        "transfer_amount": row.amount_minor,
        "transfer_remark": row.remark,
        "openid": row.openid,
        "create_time": wire_time_ms(row.created_at),
        "update_time": wire_time_ms(row.updated_at),
    }
    if row.state is TransferState.FAIL:
        fields["fail_reason"] = row.fail_reason
    return Answer(fields=fields)


def cancel(books: Books, call: Call) -> Answer:
    """Take a transfer back that the payee did not confirm yet. Accepted now, done a little later."""
    row = _find(books, call)
    if row.state in _WAITING:
        row.slow = call.slow
        books.move_transfer(row, TransferState.CANCELING, call.now)
    elif row.state not in (TransferState.CANCELING, TransferState.CANCELLED):
        raise Refusal("INVALID_REQUEST", "当前单据状态不支持撤销")
    return Answer(
        fields={
            "out_bill_no": row.out_bill_no,
            "transfer_bill_no": row.transfer_bill_no,
            "state": row.state.value,
            "update_time": wire_time_ms(row.updated_at),
        }
    )


def no_transfer() -> Refusal:
    """The refusal of a transfer that nobody knows."""
    return Refusal("NOT_FOUND", "记录不存在", status=404)


def _find(books: Books, call: Call) -> TransferRow:
    own, partner_no = call.path.get("out_bill_no"), call.path.get("transfer_bill_no")
    for row in books.transfers.values():
        if own == row.out_bill_no or partner_no == row.transfer_bill_no:
            return row
    raise no_transfer()


def _identity(call: Call) -> str:
    # an encrypted name looks different every time; what it says is compared instead
    return call.part({name: value for name, value in call.body.items() if name != "user_name"}).content


def _open(books: Books, call: Call, number: str, name: str | None) -> TransferRow:
    amount_minor = call.fen("/transfer_amount")
    if call.need("/appid", longest=32) not in books.parties.appids:
        raise Refusal("APPID_MCHID_NOT_MATCH", "appid 与 mchid 不匹配")
    call.need("/transfer_scene_id", longest=36)
    infos = call.records("/transfer_scene_report_infos")
    if not infos or not all(info.get("info_type") and info.get("info_content") for info in infos):
        raise wrong("/transfer_scene_report_infos", None, "info_type and info_content of the scene")
    if name is None and amount_minor >= NAME_FROM_MINOR:
        raise wrong("/user_name", None, "needed from 2000 yuan")
    if name is not None and amount_minor < NO_NAME_BELOW_MINOR:
        raise wrong("/user_name", None, "not allowed below 0.30 yuan")
    if amount_minor > books.balance_minor:
        raise Refusal("NOT_ENOUGH", "商户运营账户资金不足", status=403)
    row = TransferRow(
        out_bill_no=number,
        transfer_bill_no=books.number(call.now, "1330000071"),
        amount_minor=amount_minor,
        openid=call.need("/openid"),
        appid=call.need("/appid"),
        remark=call.need("/transfer_remark", longest=32),
        content=_identity(call),
        user_name=name,
        package_info=f"ABBQO+oYAAABAAAAAAA{books.number(call.now, '')}=",
        notify_url=call.notify_url(),
        created_at=call.now,
        updated_at=call.now,
        state=TransferState.ACCEPTED if call.slow else TransferState.WAIT_USER_CONFIRM,
        slow=call.slow,
    )
    books.transfers[number] = row
    books.enter(EntryKind.TRANSFER, -amount_minor, number, row.transfer_bill_no, call.now)
    known = books.payee_names.get(row.openid)
    if name is not None and known is not None and known != name:
        books.move_transfer(row, TransferState.FAIL, call.now, "NAME_NOT_CORRECT")
    return row
