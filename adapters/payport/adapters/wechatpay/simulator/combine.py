"""Combined orders: several orders paid together."""

from __future__ import annotations

from datetime import datetime

from payport.adapters.wechatpay.simulator.books import Books, asked_of, no_order, over
from payport.adapters.wechatpay.simulator.calls import NUMBER, Answer, Call, Refusal, wire_time, wrong
from payport.adapters.wechatpay.simulator.payments import TRADE_TYPES, check_scene, expiry, handed_out, open_order
from payport.adapters.wechatpay.simulator.rows import PAID_STATES, GroupRow, OrderRow, TradeState

MOST_PARTS = 50


def prepay(books: Books, call: Call) -> Answer:
    """Something for a payer to open that pays every part at once."""
    kind = call.name.rpartition("/")[2]
    _check_caller(books, call)
    if kind == "jsapi":
        call.need("/combine_payer_info/openid")
    if kind == "h5":
        check_scene(call)
    number = call.number("/combine_out_trade_no", NUMBER)
    group = books.groups.get(number) or _open(books, call, number, kind)
    if group.trade_type != TRADE_TYPES[kind]:
        raise Refusal("OUT_TRADE_NO_USED", "合单商户订单号重复", status=403)
    if group.content != call.content:
        raise Refusal("INVALID_REQUEST", "合单商户订单号重复,订单参数与之前不一致")
    for row in parts(books, group):
        if row.state is not TradeState.NOTPAY:
            raise over(row)
    if group.expires_at <= call.now:
        raise Refusal("INVALID_REQUEST", "订单已过有效期,请更换商户订单号")
    return Answer(fields=handed_out(books, call.now, kind, number, group.expires_at))


def query(books: Books, call: Call) -> Answer:
    """How every part stands; the whole has no state of its own."""
    return Answer(fields=shown(books, _find(books, call)))


def close(books: Books, call: Call) -> Answer:
    """End all parts; the list must be the order's."""
    group = _find(books, call)
    if call.need("/combine_appid", longest=32) != group.appid:
        raise wrong("/combine_appid", call.at("/combine_appid"), "the order's")
    named = {str(part.get("out_trade_no")) for part in call.records("/sub_orders")}
    if named != set(group.parts):
        raise wrong("/sub_orders", sorted(named), "every part of the order")
    rows = parts(books, group)
    for row in rows:
        if row.state is not TradeState.NOTPAY:
            raise over(row)
    for row in rows:
        row.state = TradeState.CLOSED
    return Answer(fields=None)


def pay(books: Books, group: GroupRow, now: datetime) -> None:
    """The payer pays all parts; one notice tells of them."""
    for row in parts(books, group):
        books.charge(row, now)
    books.tell("TRANSACTION.SUCCESS", "transaction", "支付成功", shown(books, group), group.asked, now)


def parts(books: Books, group: GroupRow) -> list[OrderRow]:
    """The orders of a combined order."""
    return [books.orders[number] for number in group.parts]


def shown(books: Books, group: GroupRow) -> dict[str, object]:
    """A combined order as queries and notices show it."""
    parties = books.parties
    fields: dict[str, object] = {
        "combine_appid": group.appid,
        "combine_mchid": parties.mchid,
        "combine_out_trade_no": group.out_trade_no,
        "sub_orders": [_part(books, row) for row in parts(books, group)],
    }
    if any(row.state in PAID_STATES for row in parts(books, group)):
        fields["combine_payer_info"] = {"openid": parties.payer().get("openid") or parties.payer()["sp_openid"]}
    return fields


def _part(books: Books, row: OrderRow) -> dict[str, object]:
    fields: dict[str, object] = {
        "mchid": books.parties.mchid,
        "out_trade_no": row.out_trade_no,
        "trade_type": row.trade_type,
        "trade_state": row.state.value,
        "attach": row.asked.get("attach", ""),
        "amount": {"total_amount": row.amount_minor, "currency": "CNY"},
    }
    if books.parties.sub_mchid is not None:
        fields["sub_mchid"] = books.parties.sub_mchid
    if row.paid_at is not None:
        fields |= {
            "transaction_id": row.transaction_id,
            "bank_type": "OTHERS",
            "success_time": wire_time(row.paid_at),
            "amount": {
                "total_amount": row.amount_minor,
                "payer_amount": row.amount_minor,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
    return fields


def _open(books: Books, call: Call, number: str, kind: str) -> GroupRow:
    items = call.records("/sub_orders")
    if not 1 <= len(items) <= MOST_PARTS:
        raise wrong("/sub_orders", len(items), f"1 to {MOST_PARTS}")
    expires_at = expiry(call)
    numbers: list[str] = []
    for item in items:
        part = call.part(item)
        part.need("/attach")
        _check_sub_merchant(books, part)
        name = part.number("/out_trade_no")
        if name in books.orders or name in numbers:
            raise Refusal("OUT_TRADE_NO_USED", "子单商户订单号重复", status=403)
        part.fen("/amount/total_amount")
        part.need("/description", longest=127)
        part.yuan_only(needed=True)
        numbers.append(name)
    # only now: an order is made whole or not at all
    for item in items:
        open_order(
            books,
            call.part(item),
            TRADE_TYPES[kind],
            amount="/amount/total_amount",
            group=number,
            expires_at=expires_at,
        )
    asked = asked_of(call)
    group = GroupRow(
        out_trade_no=number,
        trade_type=TRADE_TYPES[kind],
        appid=call.need("/combine_appid"),
        content=call.content,
        asked=asked,
        created_at=call.now,
        expires_at=expires_at,
        parts=tuple(numbers),
    )
    books.groups[number] = group
    return group


def _find(books: Books, call: Call) -> GroupRow:
    group = books.groups.get(call.path["combine_out_trade_no"])
    if group is None:
        raise no_order()
    return group


def _check_caller(books: Books, call: Call) -> None:
    call.notify_url(needed=True)
    if call.need("/combine_mchid", longest=32) != books.parties.mchid:
        raise wrong("/combine_mchid", call.at("/combine_mchid"), "the merchant that signed")
    if call.need("/combine_appid", longest=32) not in books.parties.appids:
        raise Refusal("APPID_MCHID_NOT_MATCH", "appid 与 mchid 不匹配")


def _check_sub_merchant(books: Books, part: Call) -> None:
    if part.need("/mchid", longest=32) != books.parties.mchid:
        raise wrong("/sub_orders/mchid", part.at("/mchid"), "the merchant that signed")
    if part.text("/sub_mchid") != books.parties.sub_mchid:
        raise wrong("/sub_orders/sub_mchid", part.at("/sub_mchid"), "the sub-merchant, for service providers only")
