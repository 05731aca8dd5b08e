"""Bills of a day: asked for, then fetched with a token that lives five minutes.

UTF-8 with a byte order mark, CRLF, a back-tick before every value; two lines of sums at the end. The answer that brings
the file is signed by nobody: its hash stands in the answer before.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha1
from typing import TYPE_CHECKING

from payport.adapters.wechatpay.simulator.calls import CHINA, Answer, Call, Refusal, wrong
from payport.adapters.wechatpay.simulator.ledger import EntryKind
from payport.adapters.wechatpay.simulator.rows import OPENID, OrderRow, RefundStatus, TradeState

if TYPE_CHECKING:
    from payport.adapters.wechatpay.simulator.books import Books

FILE = "/v3/billdownload/file"
TOKEN_LIFE = timedelta(minutes=5)
READY_AT = timedelta(hours=10)
"""The bill of a day is there at ten o'clock of the next."""
KEPT = timedelta(days=92)


def _names(text: str) -> list[str]:
    return text.split()


_TRADE = _names(
    "交易时间 公众账号ID 商户号 特约商户号 设备号 微信订单号 商户订单号 用户标识 交易类型 交易状态 付款银行 货币种类"
    " 应结订单金额 代金券金额 微信退款单号 商户退款单号 退款金额 充值券退款金额 退款类型 退款状态 商品名称 商户数据包"
    " 手续费 费率 订单金额 申请退款金额 费率备注"
)
_REFUND_TIMES = ("退款申请时间", "退款成功时间")
_TRADE_SUMS = _names("总交易单数 应结订单总金额 退款总金额 充值券退款总金额 手续费总金额 订单总金额 申请退款总金额")
_PAID_SUMS = _names("总交易单数 应结订单总金额 手续费总金额 订单总金额")
_FUNDS = _names(
    "记账时间 微信支付业务单号 资金流水单号 业务名称 业务类型 收支类型 收支金额(元) 账户结余(元) 资金变更提交申请人"
    " 备注 业务凭证号"
)
_FUND_SUMS = _names("资金流水总笔数 收入笔数 收入金额 支出笔数 支出金额")
_BUSINESS = {
    EntryKind.CHARGE: "交易",
    EntryKind.REFUND: "退款",
    EntryKind.TRANSFER: "商家转账",
    EntryKind.TRANSFER_RETURNED: "商家转账退回",
    EntryKind.SPLIT: "分账",
    EntryKind.SPLIT_RETURNED: "分账回退",
}


def trade_bill(books: Books, call: Call) -> Answer:
    """Where to fetch the payments and refunds of a day."""
    kind = call.query.get("bill_type", "ALL")
    if kind not in ("ALL", "SUCCESS", "REFUND"):
        raise wrong("bill_type", kind, "ALL, SUCCESS or REFUND")
    day = _day(call)
    paid = [] if kind == "REFUND" else [row for row in books.orders.values() if _on(row, day)]
    given_back = [] if kind == "SUCCESS" else list(_refund_lines(books, day, with_times=kind == "REFUND"))
    lines = [*(_payment_line(books, row) for row in paid), *(line for line, _ in given_back)]
    settled, refunded = sum(row.amount_minor for row in paid), sum(amount_minor for _, amount_minor in given_back)
    count = len(lines)
    if not lines:
        raise no_statement()
    if kind == "SUCCESS":
        columns, names = _TRADE[:14] + [name for name in _TRADE[20:] if name != "申请退款金额"], _PAID_SUMS
        lines = [line[:14] + line[20:25] + line[26:] for line in lines]
        sums = [f"{count}.0", _yuan(settled), "0.0", _yuan(settled)]
    else:
        columns = [*_TRADE[:14], *(_REFUND_TIMES if kind == "REFUND" else ()), *_TRADE[14:]]
        names = _TRADE_SUMS
        sums = [f"{count}.0", _yuan(settled), _yuan(refunded), "0.0", "0.0", _yuan(settled), _yuan(refunded)]
    return _prepared(books, call, _text(columns, lines, names, sums))


def fund_flow_bill(books: Books, call: Call) -> Answer:
    """Where to fetch every movement of the balance of a day; transfers stand here only."""
    account = call.query.get("account_type", "BASIC")
    if account not in ("BASIC", "OPERATION", "FEES"):
        raise wrong("account_type", account, "BASIC, OPERATION or FEES")
    day = _day(call)
    entries = [entry for entry in books.entries if day <= entry.at < day + timedelta(days=1)]
    if account != "BASIC" or not entries:
        raise no_statement()
    lines = [
        [
            _local(entry.at),
            entry.partner_no,
            f"{entry.partner_no}{index:04d}",
            _BUSINESS[entry.kind],
            _BUSINESS[entry.kind],
            "收入" if entry.amount_minor > 0 else "支出",
            _yuan(abs(entry.amount_minor)),
            _yuan(entry.balance_minor),
            "system",
            "",
            entry.request_no or entry.out_no,
        ]
        for index, entry in enumerate(entries)
    ]
    income = [entry.amount_minor for entry in entries if entry.amount_minor > 0]
    spent = [-entry.amount_minor for entry in entries if entry.amount_minor < 0]
    sums = [f"{len(lines)}.0", f"{len(income)}.0", _yuan(sum(income)), f"{len(spent)}.0", _yuan(sum(spent))]
    return _prepared(books, call, _text(_FUNDS, lines, _FUND_SUMS, sums))


def file(books: Books, call: Call) -> Answer:
    """The file behind a token."""
    content, until = books.bills.get(call.query.get("token", ""), (b"", call.now))
    if until <= call.now:
        raise Refusal("RESOURCE_NOT_EXISTS", "账单下载地址已失效", status=404)
    return Answer(fields=None, file=gzip.compress(content, mtime=0) if call.query.get("tartype") == "gzip" else content)


def no_statement() -> Refusal:
    """A day without a line: final."""
    return Refusal("NO_STATEMENT_EXIST", "账单文件不存在")


def _day(call: Call) -> datetime:
    text = call.query.get("bill_date", "")
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=CHINA)
    except ValueError:
        raise wrong("bill_date", text, "yyyy-MM-dd") from None
    if call.now - day > KEPT or day > call.now:
        raise wrong("bill_date", text, "a day of the last three months")
    if call.now < day + timedelta(days=1) + READY_AT:
        raise Refusal("STATEMENT_CREATING", "账单生成中,请稍后再试")
    return day


def _prepared(books: Books, call: Call, content: bytes) -> Answer:
    packed = call.query.get("tar_type")
    if packed not in (None, "GZIP"):
        raise wrong("tar_type", packed, "GZIP")
    token = f"{books.number(call.now, 'bill')}=="
    books.bills[token] = (content, call.now + TOKEN_LIFE)
    address = f"{books.api_url}{FILE}?token={token.replace('=', '%3D')}{'&tartype=gzip' if packed else ''}"
    # the hash is of the file before it is packed
    digest = sha1(content, usedforsecurity=False).hexdigest()
    return Answer(fields={"hash_type": "SHA1", "hash_value": digest, "download_url": address})


def _on(row: OrderRow, day: datetime) -> bool:
    return row.paid_at is not None and day <= row.paid_at < day + timedelta(days=1)


def _payment_line(books: Books, row: OrderRow) -> list[str]:
    assert row.paid_at is not None
    refund = ["0", "0", "0.00", "0.00", "", ""]
    return _line(books, row, row.paid_at, "SUCCESS", row.amount_minor, refund, 0)


def _refund_lines(books: Books, day: datetime, *, with_times: bool) -> Iterable[tuple[list[str], int]]:
    for row in books.orders.values():
        for refund in row.refunds.values():
            if not day <= refund.created_at < day + timedelta(days=1):
                continue
            status = {RefundStatus.SUCCESS: "SUCCESS", RefundStatus.CLOSED: "FAIL"}.get(refund.status, "PROCESSING")
            amount = _yuan(refund.amount_minor)
            told = [refund.refund_id, refund.out_refund_no, amount, "0.00", "ORIGINAL", status]
            line = _line(books, row, refund.created_at, "REFUND", 0, told, refund.amount_minor)
            if with_times:
                line[14:14] = [_local(refund.created_at), _local(refund.finished_at) if refund.finished_at else ""]
            yield line, refund.amount_minor
        if row.state is TradeState.REVOKED and row.reversed_minor and _on(row, day):
            assert row.paid_at is not None
            told = ["0", "0", _yuan(row.reversed_minor), "0.00", "", "SUCCESS"]
            line = _line(books, row, row.paid_at, "REVOKED", 0, told, row.reversed_minor)
            if with_times:
                line[14:14] = [_local(row.paid_at), _local(row.paid_at)]
            yield line, row.reversed_minor


def _line(
    books: Books, row: OrderRow, at: datetime, state: str, settled_minor: int, refund: list[str], asked_minor: int
) -> list[str]:
    parties = books.parties
    who = [row.appid, parties.mchid, parties.sub_mchid or "0", ""]
    what = [row.transaction_id or "", row.out_trade_no, OPENID, row.trade_type, state, "OTHERS", "CNY"]
    money = ["0.00000", "0.00%", _yuan(settled_minor), _yuan(asked_minor), ""]
    named = [row.description, row.asked.get("attach", "")]
    return [_local(at), *who, *what, _yuan(settled_minor), "0.00", *refund, *named, *money]


def _text(columns: Sequence[str], lines: Sequence[list[str]], names: Sequence[str], sums: Sequence[str]) -> bytes:
    text = [",".join(columns), *map(_ticked, lines), ",".join(names), _ticked(sums)]
    return b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in text).encode()


def _ticked(values: Sequence[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _local(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
