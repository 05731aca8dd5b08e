"""UnionPay, on its own page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import cast

from tests.docs.stages import Stage

from payport.adapters.unionpay import PRODUCTION_URL, UnionPay
from payport.adapters.unionpay.simulator import UnionPaySimulator
from payport.sdk.adapter import AnyAdapter

DECLARATIONS = """
from payport.adapters.unionpay import UnionPay, UnionPayAccount
from payport.adapters.unionpay.simulator import UnionPaySimulator
partner: UnionPaySimulator
account: UnionPayAccount
gateway: Gateway[UnionPay]
"""


def stage(page: str, clock: Callable[[], datetime]) -> Stage:
    """The simulator's merchant as it would be configured in production."""
    partner = UnionPaySimulator(clock=clock)
    merchant = partner.account
    account = replace(merchant, gateway_url=PRODUCTION_URL, files_url=None, trust=None)
    key, (authority,) = merchant.key, merchant.authorities
    assert key is not None
    assert key.private_key is not None
    files = {
        "sign_key.pem": key.private_key.reveal(),
        "sign_cert.pem": key.certificate or "",
        "acp_prod_middle.cer": authority.middle,
        "acp_prod_root.cer": authority.root,
    }
    adapter = cast("AnyAdapter", UnionPay(account))
    return Stage(partner=partner, account=account, adapter=adapter, files=files, plays=_plays)


def _plays(adapter: object) -> bool:
    return isinstance(adapter, UnionPay) and adapter.config.gateway_url == PRODUCTION_URL
