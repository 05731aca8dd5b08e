"""WeChat Pay (mainland China), legacy API v2: XML messages signed with a shared key. New merchants take API v3."""

from payport.adapters.wechatpay_v2.account import BACKUP_URL, PRODUCTION_URL, SignType, WeChatPayV2Account
from payport.adapters.wechatpay_v2.adapter import WeChatPayV2
from payport.adapters.wechatpay_v2.methods import OfficialAccount, WeChatPayV2Method

__all__ = [
    "BACKUP_URL",
    "PRODUCTION_URL",
    "OfficialAccount",
    "SignType",
    "WeChatPayV2",
    "WeChatPayV2Account",
    "WeChatPayV2Method",
]
