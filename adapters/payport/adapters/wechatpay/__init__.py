"""WeChat Pay (mainland China), API v3: merchants and service providers, certificate and public-key mode."""

from payport.adapters.wechatpay.account import BACKUP_URL, PRODUCTION_URL, WeChatPayAccount
from payport.adapters.wechatpay.adapter import WeChatPay
from payport.adapters.wechatpay.methods import JsApi, WeChatPayMethod, WeChatPayPayee

__all__ = [
    "BACKUP_URL",
    "PRODUCTION_URL",
    "JsApi",
    "WeChatPay",
    "WeChatPayAccount",
    "WeChatPayMethod",
    "WeChatPayPayee",
]
