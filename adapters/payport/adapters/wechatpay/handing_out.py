"""What the payer is handed: a code, a link, or the parameters that open the payment in WeChat, signed by us.

Source: pay.weixin.qq.com, "calling up a payment" for JSAPI, mini-programs, apps and H5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from payport.adapters.wechatpay import signing
from payport.adapters.wechatpay.calls import Call, to_text
from payport.adapters.wechatpay.planning import APPID, H5, JSAPI, NATIVE, RETURN_URL, plain_name
from payport.adapters.wechatpay.reading.fields import Unreadable
from payport.adapters.wechatpay.wire import Prepared
from payport.schemas.actions import Action, AppParameters, QrCode, Redirect
from payport.sdk import exchange
from payport.sdk.exchange import Exchange

if TYPE_CHECKING:
    from payport.adapters.wechatpay.adapter import WeChatPay


def handed_out(adapter: WeChatPay, request: Call, prepared: Prepared) -> Exchange[Action]:
    """The action of a new order. Raises :class:`.reading.fields.Unreadable` when the answer lacks its part."""
    match plain_name(request.name):
        case name if name == NATIVE:
            return QrCode(text=_need(prepared.code_url, "code_url"))
        case name if name == H5:
            return Redirect(url=_with_return(_need(prepared.h5_url, "h5_url"), request.notes.get(RETURN_URL)))
        case name if name == JSAPI:
            return (yield from page_parameters(adapter, _appid(adapter, request), _prepay_id(prepared)))
        case _:
            return (yield from app_parameters(adapter, _appid(adapter, request), _prepay_id(prepared)))


def _need(value: str | None, name: str) -> str:
    if not value:
        raise Unreadable(f"field missing: {name}")
    return value


def _with_return(url: str, back: str | None) -> str:
    """The link with the address to which WeChat sends the browser back; that it comes back proves nothing."""
    if back is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}redirect_url={quote(back, safe='')}"


def _appid(adapter: WeChatPay, request: Call) -> str:
    return request.notes.get(APPID, adapter.config.appid)


def _prepay_id(prepared: Prepared) -> str:
    return _need(prepared.prepay_id, "prepay_id")


def page_parameters(adapter: WeChatPay, appid: str, prepay_id: str) -> Exchange[AppParameters]:
    """What ``WeixinJSBridge`` and ``wx.requestPayment`` take."""
    package = f"prepay_id={prepay_id}"
    timestamp, nonce, signature = yield from _signed(adapter, appid, package)
    fields = {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": signature,
    }
    return AppParameters(payload=to_text(fields), fields=fields)


def app_parameters(adapter: WeChatPay, appid: str, prepay_id: str) -> Exchange[AppParameters]:
    """What the SDK in a phone app takes. ``package`` is a constant there and not signed; the bare prepay id is."""
    timestamp, nonce, signature = yield from _signed(adapter, appid, prepay_id)
    fields = {
        "appid": appid,
        "partnerid": adapter.config.mchid,
        "prepayid": prepay_id,
        "package": "Sign=WXPay",
        "noncestr": nonce,
        "timestamp": timestamp,
        "sign": signature,
    }
    return AppParameters(payload=to_text(fields), fields=fields)


def _signed(adapter: WeChatPay, appid: str, package: str) -> Exchange[tuple[str, str, str]]:
    now = yield from exchange.now()
    timestamp, nonce = str(int(now.utc.timestamp())), (yield from exchange.nonce())
    message = signing.payer_message(appid, timestamp, nonce, package)
    signature = yield from exchange.sign(adapter.keys.private, message)
    return timestamp, nonce, signing.base64_text(signature)
