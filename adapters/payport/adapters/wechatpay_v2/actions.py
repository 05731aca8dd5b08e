"""What the payer is handed after ``unifiedorder``: a code, a link, or parameters that are signed here once more.

Source: pay.weixin.qq.com, API v2, "starting the payment" of each trade type.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from payport.adapters.wechatpay_v2.envelope import Answer
from payport.adapters.wechatpay_v2.planning import RETURN_URL
from payport.adapters.wechatpay_v2.reading import Unreadable
from payport.adapters.wechatpay_v2.signing import signature
from payport.schemas.actions import Action, AppParameters, QrCode, Redirect
from payport.sdk import exchange
from payport.sdk.exchange import Exchange

if TYPE_CHECKING:
    from payport.adapters.wechatpay_v2.adapter import WeChatPayV2
    from payport.adapters.wechatpay_v2.calls import Call


def hand_out(wechat: WeChatPayV2, call: Call, answer: Answer) -> Exchange[Action]:
    """The action of an order that WeChat opened. Raises :class:`.reading.Unreadable`."""
    match call.fields["trade_type"]:
        case "NATIVE":
            return QrCode(text=_need(answer, "code_url"))
        case "MWEB":
            return Redirect(url=_link(_need(answer, "mweb_url"), call.notes.get(RETURN_URL)))
        case "APP":
            return (yield from _app(wechat, _need(answer, "prepay_id")))
        case _:
            return (yield from _in_wechat(wechat, _need(answer, "prepay_id")))


def _need(answer: Answer, name: str) -> str:
    value = answer.fields.get(name)
    if not value:
        raise Unreadable(f"field missing: {name}")
    return value


def _link(url: str, return_url: str | None) -> str:
    if not url.startswith("https://"):
        raise Unreadable("mweb_url is no https address")
    if return_url is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}redirect_url={quote(return_url, safe='')}"


def _in_wechat(wechat: WeChatPayV2, prepay_id: str) -> Exchange[Action]:
    """``wx.requestPayment`` and ``WeixinJSBridge``: names in mixed case, ``package`` with ``prepay_id=``."""
    account = wechat.config
    now = yield from exchange.now()
    fields = {
        "appId": account.paying_appid,
        "timeStamp": str(int(now.utc.timestamp())),
        "nonceStr": (yield from exchange.nonce()),
        "package": f"prepay_id={prepay_id}",
        "signType": account.sign_type.value,
    }
    fields["paySign"] = signature(fields, account.api_key.reveal(), account.sign_type)
    return _parameters(fields)


def _app(wechat: WeChatPayV2, prepay_id: str) -> Exchange[Action]:
    """The phone's SDK: lower-case names; it is signed as the order was, without saying how."""
    account = wechat.config
    now = yield from exchange.now()
    fields = {
        "appid": account.paying_appid,
        "partnerid": account.sub_mch_id or account.mch_id,
        "prepayid": prepay_id,
        "package": "Sign=WXPay",
        "noncestr": (yield from exchange.nonce()),
        "timestamp": str(int(now.utc.timestamp())),
    }
    fields["sign"] = signature(fields, account.api_key.reveal(), account.sign_type)
    return _parameters(fields)


def _parameters(fields: dict[str, str]) -> AppParameters:
    return AppParameters(payload=json.dumps(fields, separators=(",", ":")), fields=fields)
