"""Orders created: handed out to be opened by a payer, or charged by the payer's code."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from payport.adapters.wechatpay.simulator.books import Books, asked_of, over
from payport.adapters.wechatpay.simulator.calls import Answer, Call, Refusal, wrong
from payport.adapters.wechatpay.simulator.rows import OrderRow, Prepay, TradeState
from payport.adapters.wechatpay.simulator.wallets import Wallet, wallet_behind

LIFE = timedelta(days=7)
LONGEST_LIFE = timedelta(days=90)
SHORTEST_LIFE = timedelta(minutes=1)
PREPAY_LIFE = timedelta(hours=2)
H5_LIFE = timedelta(minutes=5)
CODE_URL = "weixin://wxpay/bizpayurl?pr="
TRADE_TYPES = {"jsapi": "JSAPI", "app": "APP", "h5": "MWEB", "native": "NATIVE", "codepay": "MICROPAY"}
_OPENID = re.compile(r"o[0-9A-Za-z_-]{5,127}", re.ASCII)


def prepay(books: Books, call: Call) -> Answer:
    """Something for a payer to open. The same request again gives a usable one of the same order again."""
    kind = call.name.rpartition("/")[2]
    check_caller(books, call)
    call.notify_url(needed=True)
    for name in ("number", "name"):
        call.sensitive(f"/payer/identity/{name}")
    if kind == "jsapi":
        _check_payer(call)
    if kind == "h5":
        check_scene(call)
    row = known_order(books, call, TRADE_TYPES[kind])
    if row is None:
        row = open_order(books, call, TRADE_TYPES[kind])
    return Answer(fields=handed_out(books, call.now, kind, row.out_trade_no, row.expires_at))


def codepay(books: Books, call: Call) -> Answer:
    """Charge the payer whose code was scanned. There will be no notice."""
    check_caller(books, call)
    shop = "/scene_info/store_info"
    if call.text(f"{shop}/id") is None and call.text(f"{shop}/out_id") is None:
        raise wrong(shop, call.at(shop), "id or out_id is missing")
    code = call.need("/payer/auth_code", longest=32)
    row = known_order(books, call, "MICROPAY")
    if row is None:
        wallet = wallet_behind(code)
        if wallet is None or wallet is Wallet.STALE or code in books.used_codes:
            raise Refusal("AUTH_CODE_INVALID", "付款码无效,请重新扫码")
        row = open_order(books, call, "MICROPAY")
        books.used_codes[code] = row.out_trade_no
        _scan(books, call, row, wallet)
    if row.failure is not None:
        raise FAILURES[row.failure]()
    return Answer(fields=books.transaction(row))


FAILURES = {
    "NOT_ENOUGH": lambda: Refusal("NOT_ENOUGH", "用户余额不足", status=403),
    "ACCOUNT_ERROR": lambda: Refusal("ACCOUNT_ERROR", "用户账户异常", status=403),
    "BANK_ERROR": lambda: Refusal("BANK_ERROR", "银行系统异常", status=500),
}


def _scan(books: Books, call: Call, row: OrderRow, wallet: Wallet) -> None:
    refused = {Wallet.NO_MONEY: "NOT_ENOUGH", Wallet.RISKY: "ACCOUNT_ERROR", Wallet.BANK_FAILS: "BANK_ERROR"}
    if wallet in refused:
        row.state, row.failure = TradeState.PAYERROR, refused[wallet]
    elif call.slow or wallet is Wallet.CONFIRMS:
        row.state, row.slow = TradeState.USERPAYING, call.slow
    else:
        books.charge(row, call.now)


def open_order(
    books: Books,
    call: Call,
    trade_type: str,
    *,
    amount: str = "/amount/total",
    group: str | None = None,
    expires_at: datetime | None = None,
) -> OrderRow:
    """A new order; the caller has seen that there is none yet."""
    call.yuan_only(needed=group is not None)
    row = OrderRow(
        out_trade_no=call.number("/out_trade_no"),
        trade_type=trade_type,
        amount_minor=call.fen(amount),
        description=call.need("/description", longest=127),
        appid=call.text("/appid") or books.parties.sub_appid or books.parties.appid,
        content=call.content,
        asked=asked_of(call),
        created_at=call.now,
        expires_at=expires_at or expiry(call),
        group=group,
        splittable=call.flag("/settle_info/profit_sharing"),
    )
    books.orders[row.out_trade_no] = row
    return row


def known_order(books: Books, call: Call, trade_type: str) -> OrderRow | None:
    """The order of this number when it may still be paid; refuses other content, and orders that are over."""
    row = books.orders.get(call.number("/out_trade_no"))
    if row is None:
        return None
    if row.trade_type != trade_type or row.group is not None:
        raise Refusal("OUT_TRADE_NO_USED", "商户订单号重复", status=403)
    if row.content != call.content:
        raise Refusal("INVALID_REQUEST", "201 商户订单号重复,订单参数与之前不一致")
    if row.failure is None and row.state not in (TradeState.NOTPAY, TradeState.USERPAYING):
        raise over(row)
    if row.expires_at <= call.now:
        raise Refusal("INVALID_REQUEST", "订单已过有效期,请更换商户订单号")
    return row


def handed_out(books: Books, now: datetime, kind: str, number: str, expires_at: datetime) -> dict[str, object]:
    """A prepay_id, code_url or h5_url, which lives shorter than its order."""
    life = H5_LIFE if kind == "h5" else PREPAY_LIFE
    mark = books.number(now, "")[-16:]
    prepay = Prepay(id=f"wx{mark}{'0' * 18}", number=number, expires_at=min(now + life, expires_at))
    if kind == "native":
        prepay.id = f"{mark}N"
        books.prepays[prepay.id] = prepay
        return {"code_url": f"{CODE_URL}{prepay.id}"}
    books.prepays[prepay.id] = prepay
    if kind == "h5":
        return {"h5_url": f"{books.page_url}/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={prepay.id}&package={mark}"}
    return {"prepay_id": prepay.id}


def check_caller(books: Books, call: Call) -> None:
    """The body names the merchant that signed, and an application that belongs to it."""
    parties = books.parties
    names = {"mchid": parties.mchid}
    if call.partner:
        names = {"sp_mchid": parties.mchid, "sub_mchid": parties.sub_mchid or "", "sp_appid": parties.appid}
    for name, own in names.items():
        if call.need(f"/{name}", longest=32) != own:
            code = "APPID_MCHID_NOT_MATCH" if name.endswith("appid") else "PARAM_ERROR"
            raise Refusal(code, f"{name} 与商户不匹配")
    appid = call.text("/sub_appid") if call.partner else call.need("/appid", longest=32)
    own_apps = frozenset({parties.sub_appid}) if call.partner else parties.appids
    if appid is not None and appid not in own_apps:
        raise Refusal("APPID_MCHID_NOT_MATCH", "appid 与 mchid 不匹配")


def expiry(call: Call) -> datetime:
    """Until when the order can be paid: the first call decides."""
    at = call.moment("/time_expire")
    if at is None:
        return call.now + LIFE
    if not call.now + SHORTEST_LIFE <= at <= call.now + LONGEST_LIFE:
        raise wrong("/time_expire", call.at("/time_expire"), "1 minute to 90 days from now")
    return at


def check_scene(call: Call) -> None:
    """H5 payments say where the payer's browser is."""
    call.need("/scene_info/payer_client_ip", longest=45)
    if call.need("/scene_info/h5_info/type") not in ("Wap", "iOS", "Android"):
        raise wrong("/scene_info/h5_info/type", call.at("/scene_info/h5_info/type"), "Wap, iOS or Android")


def _check_payer(call: Call) -> None:
    name = "/payer/openid"
    if call.partner:
        name = "/payer/sub_openid" if call.text("/payer/sub_openid") is not None else "/payer/sp_openid"
    if _OPENID.fullmatch(call.need(name)) is None:
        raise Refusal("OPENID_MISMATCH", "openid 和 appid 不匹配", status=500)
