"""Balance, ledger lines, bill addresses and certificates."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta

from payport.adapters.alipay.simulator.books import Books
from payport.adapters.alipay.simulator.calls import CHINA, Answer, Call, Refusal, read_time, wire_time, yuan
from payport.adapters.alipay.simulator.keys import Leaf
from payport.adapters.alipay.simulator.ledger import Entry, EntryKind

_KINDS = {
    EntryKind.CHARGE: "在线支付",
    EntryKind.REFUND: "交易退款",
    EntryKind.TRANSFER: "转账",
    EntryKind.TRANSFER_RETURNED: "转账退回",
    EntryKind.SPLIT: "交易分账",
}


def account_query(books: Books, call: Call) -> Answer:
    """The merchant's balance."""
    del call  # every parameter only says whose account, and there is one
    frozen = sum(row.rest_minor for row in books.holds.values())
    balance = yuan(books.balance_minor)
    return Answer(fields={"available_amount": balance, "freeze_amount": yuan(frozen), "total_amount": balance})


def accountlog_query(books: Books, call: Call) -> Answer:
    """The movements of the balance between two moments, newest last, page by page."""
    start, end = read_time(call.need("start_time")), read_time(call.need("end_time"))
    if start is None or end is None or not timedelta(0) < end - start <= timedelta(days=31):
        raise call.invalid("start_time and end_time must span at most 31 days")
    page, size = call.text("page_no") or "1", call.text("page_size") or "2000"
    if not (page.isdigit() and size.isdigit() and int(page) and 1 <= int(size) <= 2000):
        raise call.invalid("page_no must be from 1, page_size up to 2000")
    lines = [entry for entry in books.entries if start <= entry.at < end]
    wanted = call.text("merchant_order_no")
    if wanted is not None:
        lines = [entry for entry in lines if entry.out_no == wanted]
    first = (int(page) - 1) * int(size)
    return Answer(
        fields={
            "page_no": page,
            "page_size": size,
            "total_size": str(len(lines)),
            "detail_list": [
                _line(entry, number) for number, entry in enumerate(lines[first : first + int(size)], first)
            ],
        }
    )


def bill_downloadurl(books: Books, call: Call) -> Answer:
    """Where to fetch a day's or month's bill: the address only, valid for half a minute."""
    kind, day = call.need("bill_type"), call.need("bill_date")
    if kind not in ("trade", "signcustomer", "merchant_act", "trade_zft_merchant", "zft_acc", "settlementMerge"):
        raise Refusal("INVAILID_ARGUMENTS", "no such bill_type")
    start = _bill_start(day)
    if start is None:
        raise Refusal("INVAILID_ARGUMENTS", "bill_date must be yyyy-MM-dd or yyyy-MM")
    end = start + timedelta(days=1) if len(day) == 10 else (start + timedelta(days=32)).replace(day=1)
    if end > call.now:
        raise Refusal("isp.bill_not_exist", "the bill is not made yet")
    url = f"{books.code_url}bill/{kind}/{day}.zip"
    some = any(start <= entry.at < end for entry in books.entries)
    fields = {"bill_download_url": url}
    return Answer(fields=fields if some else fields | {"bill_file_code": "EMPTY_DATA_WITH_BILL_FILE"})


def certificate_download(leaves: Mapping[str, Leaf], call: Call) -> Answer:
    """Alipay's certificate of a number, as base64 of PEM."""
    leaf = leaves.get(call.need("alipay_cert_sn"))
    if leaf is None:
        raise Refusal("isv.alipay-cert-not-exist", "no such certificate", code="40002")
    return Answer(fields={"alipay_cert_content": base64.b64encode(leaf.pem.encode()).decode()})


def _line(entry: Entry, number: int) -> dict[str, object]:
    return {
        "account_log_id": f"{number + 1:012d}",
        "alipay_order_no": entry.partner_no,
        "merchant_order_no": entry.out_no,
        "merchant_out_refund_no": entry.request_no,
        "trans_dt": wire_time(entry.at),
        "trans_amount": yuan(abs(entry.amount_minor)),
        "direction": "收入" if entry.amount_minor > 0 else "支出",
        "balance": yuan(entry.balance_minor),
        "type": _KINDS[entry.kind],
    }


def _bill_start(day: str) -> datetime | None:
    for form, length in (("%Y-%m-%d", 10), ("%Y-%m", 7)):
        try:
            if len(day) == length:
                return datetime.strptime(day, form).replace(tzinfo=CHINA)
        except ValueError:
            return None
    return None
