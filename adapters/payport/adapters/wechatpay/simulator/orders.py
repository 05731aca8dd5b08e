"""Orders asked about, closed and reversed."""

from __future__ import annotations

import re
from datetime import timedelta

from payport.adapters.wechatpay.simulator.books import Books, no_order, over
from payport.adapters.wechatpay.simulator.calls import Answer, Call, Refusal, wrong
from payport.adapters.wechatpay.simulator.ledger import EntryKind
from payport.adapters.wechatpay.simulator.payments import check_caller
from payport.adapters.wechatpay.simulator.rows import PAID_STATES, TradeState

REVERSE_WITHIN = timedelta(days=7)
_TRANSACTION = re.compile(r"[0-9]{28,32}", re.ASCII)


def query(books: Books, call: Call) -> Answer:
    """How an order stands, by the merchant's number or by WeChat's."""
    check_query(books, call)
    transaction_id = call.path.get("transaction_id")
    if transaction_id is None:
        return Answer(fields=books.transaction(books.find_order(call.path["out_trade_no"])))
    if _TRANSACTION.fullmatch(transaction_id) is None:
        raise Refusal("INVALID_TRANSACTIONID", "微信支付订单号非法", status=500)
    row = books.orders.get(books.transactions.get(transaction_id, ""))
    if row is None:
        raise no_order()
    return Answer(fields=books.transaction(row))


def close(books: Books, call: Call) -> Answer:
    """End an order that nobody paid. 204, or 202 while the payer is typing the password."""
    _check_number(books, call)
    row = books.find_order(call.path["out_trade_no"])
    if row.state is TradeState.USERPAYING or (call.slow and row.state is TradeState.NOTPAY):
        raise Refusal("USERPAYING", "用户支付中,需要输入密码", status=202)
    if row.trade_type == "MICROPAY":
        raise Refusal("INVALID_REQUEST", "付款码支付的订单请调用撤销接口")
    if row.state is not TradeState.NOTPAY:
        raise over(row)
    row.state = TradeState.CLOSED
    return Answer(fields=None)


def reverse(books: Books, call: Call) -> Answer:
    """Payment codes only: close what was not paid, give back what was. As often as one likes."""
    check_caller(books, call)
    number = call.path["out_trade_no"]
    if books.quirks.reverses_unknown and number not in books.orders:
        return Answer(fields={**books.parties.fields(books.parties.appid), "out_trade_no": number})
    row = books.find_order(number)
    if row.trade_type != "MICROPAY":
        raise Refusal("INVALID_REQUEST", "仅付款码支付的订单可以撤销")
    if call.now - row.created_at > REVERSE_WITHIN:
        raise Refusal("INVALID_REQUEST", "订单超过可撤销期限,请退款")
    if row.state in PAID_STATES:
        rest = row.amount_minor - row.returned_minor(promised=True)
        if rest > books.balance_minor:
            raise Refusal("NOT_ENOUGH", "商户可用余额不足", status=403)
        row.reversed_minor = rest
        partner_no = row.transaction_id or ""
        books.enter(EntryKind.REFUND, -rest, row.out_trade_no, partner_no, call.now, request_no=row.out_trade_no)
    row.state = TradeState.REVOKED
    return Answer(fields={**books.parties.fields(row.appid), "out_trade_no": row.out_trade_no})


def check_query(books: Books, call: Call) -> None:
    """The query string names the merchant that signed."""
    parties = books.parties
    wanted = {"mchid": parties.mchid}
    if call.partner:
        wanted = {"sp_mchid": parties.mchid, "sub_mchid": parties.sub_mchid or ""}
    for name, own in wanted.items():
        if call.query.get(name) != own:
            raise wrong(name, call.query.get(name), "the merchant that signed")


def _check_number(books: Books, call: Call) -> None:
    parties = books.parties
    wanted = {"mchid": parties.mchid}
    if call.partner:
        wanted = {"sp_mchid": parties.mchid, "sub_mchid": parties.sub_mchid or ""}
    for name, own in wanted.items():
        if call.need(f"/{name}", longest=32) != own:
            raise wrong(f"/{name}", call.at(f"/{name}"), "the merchant that signed")
