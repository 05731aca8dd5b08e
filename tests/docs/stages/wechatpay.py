"""WeChat Pay, on its own page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

from tests.docs.stages import Stage

from payport.adapters.wechatpay import BACKUP_URL, PRODUCTION_URL, WeChatPay
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.sdk.adapter import AnyAdapter

DECLARATIONS = """
from payport.adapters.wechatpay import WeChatPay, WeChatPayAccount
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
partner: WeChatPaySimulator
account: WeChatPayAccount
gateway: Gateway[WeChatPay]
"""


def stage(page: str, clock: Callable[[], datetime]) -> Stage:
    """The simulator's merchant as it would be configured in production, with the platform public key."""
    partner = WeChatPaySimulator("public_key", clock=clock)
    merchant = partner.account
    account = replace(merchant, base_url=PRODUCTION_URL, backup_url=BACKUP_URL, trust=None)
    files = {
        "apiclient_key.pem": merchant.private_key.reveal(),
        "api_v3_key.txt": merchant.api_v3_key.reveal(),
        "pub_key.pem": merchant.platform_public_key or "",
    }
    adapter = cast("AnyAdapter", WeChatPay(account))
    return Stage(partner=partner, account=account, adapter=adapter, files=files, plays=_plays)


def _plays(adapter: object) -> bool:
    return isinstance(adapter, WeChatPay) and adapter.config.base_url == PRODUCTION_URL
