"""Orders: opened, charged, asked about, closed and reversed."""

from __future__ import annotations

from datetime import datetime, timedelta

from payport.adapters.wechatpay_v2.calls import instant
from payport.adapters.wechatpay_v2.simulator.books import (
    OPENID,
    Books,
    OrderRow,
    OrderStatus,
    Refusal,
    Request,
    paid_fields,
)
from payport.adapters.wechatpay_v2.simulator.wallets import Wallet, wallet_behind

CODE_URL = "weixin://wxpay/bizpayurl?pr="
LIFE = timedelta(days=7)
CODE_LIFE = timedelta(hours=2)
SOONEST_REVERSAL = timedelta(seconds=15)
LAST_REVERSAL = timedelta(days=7)

_WORDS = {
    OrderStatus.UNPAID: "订单未支付",
    OrderStatus.PAYING: "需要用户输入支付密码",
    OrderStatus.PAID: "支付成功",
    OrderStatus.RETURNING: "订单发生过退款，退款详情请查询退款单",
    OrderStatus.FAILED: "支付失败(其他原因，如银行返回失败)",
    OrderStatus.CLOSED: "订单已关闭",
    OrderStatus.REVOKED: "订单已撤销",
}


def unified_order(books: Books, request: Request) -> dict[str, str]:
    """Open an order for a payer. The same request gives the same ``prepay_id``, another one is refused."""
    trade_type = request.need("trade_type")
    _check(request, "notify_url", "spbill_create_ip")
    row = _known(books, request)
    if row is None:
        if trade_type not in ("NATIVE", "JSAPI", "APP", "MWEB"):
            raise Refusal("PARAM_ERROR", "trade_type")
        if trade_type == "JSAPI" and not (request.fields.get("openid") or request.fields.get("sub_openid")):
            raise Refusal("LACK_PARAMS", "openid is missing")
        if trade_type == "MWEB" and not request.fields.get("scene_info"):
            raise Refusal("LACK_PARAMS", "scene_info is missing")
        row = _new(books, request, trade_type)
    fields = {"trade_type": trade_type, "prepay_id": row.prepay_id}
    if trade_type == "NATIVE":
        fields["code_url"] = f"{CODE_URL}{row.prepay_id}"
    return fields


def micropay(books: Books, request: Request) -> dict[str, str]:
    """Charge the payer whose code was scanned."""
    code, wallet = request.need("auth_code"), wallet_behind(request.need("auth_code"))
    _check(request, "spbill_create_ip")
    row = books.orders.get(request.need("out_trade_no"))
    if row is not None:
        _refuse_ended(row)
        raise Refusal("OUT_TRADE_NO_USED", "商户订单号重复")
    if wallet is None:
        raise Refusal("AUTH_CODE_INVALID", "请扫描微信支付被扫条码/二维码")
    if wallet is Wallet.STALE or code in books.used_codes:
        raise Refusal("AUTHCODEEXPIRE", "二维码已过期，请用户在微信上刷新后再试")
    row = _new(books, request, "MICROPAY")
    books.used_codes[code] = row.out_trade_no
    if wallet in (Wallet.NO_MONEY, Wallet.RISKY):
        row.status = OrderStatus.FAILED
        raise Refusal(*(("NOTENOUGH", "余额不足") if wallet is Wallet.NO_MONEY else ("TRADE_ERROR", "交易错误")))
    if request.slow or wallet is Wallet.CONFIRMS:
        row.status, row.slow = OrderStatus.PAYING, request.slow
        raise Refusal("USERPAYING", "需要用户输入支付密码")
    books.charge(row, request.now)
    return paid_fields(row)


def auth_code_to_openid(books: Books, request: Request) -> dict[str, str]:  # noqa: ARG001 - every handler has both
    """Who shows a code; it stays good."""
    if wallet_behind(request.need("auth_code")) in (None, Wallet.STALE):
        raise Refusal("AUTH_CODE_INVALID", "请扫描微信支付被扫条码/二维码")
    return {"openid": OPENID}


def order_query(books: Books, request: Request) -> dict[str, str]:
    """How an order stands. What was never paid has little more than its number."""
    row = books.find(request)
    fields = {"trade_state": row.status.value, "trade_state_desc": _WORDS[row.status]}
    if row.paid_at is not None:
        return fields | paid_fields(row)
    attach = row.asked.get("attach")
    return fields | {"out_trade_no": row.out_trade_no} | ({"attach": attach} if attach else {})


def close_order(books: Books, request: Request) -> dict[str, str]:
    """End an order that nobody paid."""
    row = books.find(request)
    if row.paid_at is not None:
        raise Refusal("ORDERPAID", "订单已支付，不能发起关单")
    if not row.payable:
        raise Refusal("ORDERCLOSED", "订单已关闭，无法重复关闭")
    if request.slow:
        row.closing = True  # accepted; still open until WeChat gets to it
    else:
        row.status = OrderStatus.CLOSED
    return {}


def reverse(books: Books, request: Request) -> dict[str, str]:
    """Close or give back a scanned order. An unknown number is answered as if it had been done."""
    try:
        row = books.find(request)
    except Refusal as refusal:
        if refusal.code != "ORDERNOTEXIST":
            raise
        return {"recall": "N"}
    if row.trade_type != "MICROPAY":
        raise Refusal("TRADE_STATE_ERROR", "订单不是付款码支付", {"recall": "N"})
    if row.status is OrderStatus.REVOKED:
        return {"recall": "N"}
    too_soon = row.paid_at is None and request.now < row.created_at + SOONEST_REVERSAL
    if too_soon or request.slow:
        raise Refusal("SYSTEMERROR", "系统超时，请稍后重试", {"recall": "Y"})
    if request.now > row.created_at + LAST_REVERSAL:
        raise Refusal("REVERSE_EXPIRE", "订单已超过可撤销的时间", {"recall": "N"})
    if row.paid_at is not None and row.amount_minor - row.refunded_minor() > books.balance_minor:
        raise Refusal("NOTENOUGH", "余额不足", {"recall": "N"})
    books.revoke(row, request.now)
    return {"recall": "N"}


def _check(request: Request, *names: str) -> None:
    for name in ("body", "out_trade_no", *names):
        request.need(name)
    number = request.need("out_trade_no")
    if len(number) > 32 or not all(sign.isascii() and (sign.isalnum() or sign in "_-|*@") for sign in number):
        raise Refusal("PARAM_ERROR", "out_trade_no")
    if len(request.need("body").encode()) > 128:
        raise Refusal("PARAM_ERROR", "body")
    request.fee("total_fee")


def _known(books: Books, request: Request) -> OrderRow | None:
    row = books.orders.get(request.need("out_trade_no"))
    if row is None:
        return None
    _refuse_ended(row)
    names = ("body", "total_fee", "trade_type", "notify_url", "openid", "time_expire")
    if any(row.asked.get(name) != request.fields.get(name) for name in names):
        raise Refusal("INVALID_REQUEST", "201 商户订单号重复")
    return row


def _refuse_ended(row: OrderRow) -> None:
    if row.paid_at is not None and row.status is not OrderStatus.REVOKED:
        raise Refusal("ORDERPAID", "该订单已支付")
    if row.status is OrderStatus.REVOKED:
        raise Refusal("ORDERREVERSED", "订单已撤销")
    if row.status is OrderStatus.CLOSED:
        raise Refusal("ORDERCLOSED", "该订单已关闭，请重新下单")


def _new(books: Books, request: Request, trade_type: str) -> OrderRow:
    row = OrderRow(
        out_trade_no=request.need("out_trade_no"),
        prepay_id=f"wx{books.number('', request.now)}{len(books.orders):016d}",
        trade_type=trade_type,
        amount_minor=request.fee("total_fee"),
        asked=dict(request.fields),
        created_at=request.now,
        expires_at=_expiry(request),
    )
    books.orders[row.out_trade_no] = row
    return row


def _expiry(request: Request) -> datetime:
    text = request.fields.get("time_expire")
    if not text:
        return request.now + LIFE
    moment = instant(text)
    if moment is None or moment < request.now + timedelta(minutes=1):
        raise Refusal("PARAM_ERROR", "time_expire")
    return moment
