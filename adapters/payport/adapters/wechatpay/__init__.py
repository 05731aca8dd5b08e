"""WeChat Pay (mainland China), API v3: merchants and service providers, certificate and public-key mode."""

from payport.adapters.wechatpay.account import BACKUP_URL, PRODUCTION_URL, WeChatPayAccount

__all__ = ["BACKUP_URL", "PRODUCTION_URL", "WeChatPayAccount"]
