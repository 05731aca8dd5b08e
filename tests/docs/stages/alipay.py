"""Alipay, on its own page and on every page that is about no partner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, cast

from tests.docs.stages import Stage

from payport.adapters.alipay import PRODUCTION_URL, SANDBOX_URL, Alipay, AlipayAccount
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.sdk.adapter import AnyAdapter

MODES: Mapping[str, Literal["key", "certificate"]] = MappingProxyType(
    {"docs/pay-out.md": "certificate", "docs/configure.md": "certificate", "docs/partners/alipay.md": "certificate"}
)
"""Pages on what Alipay does in certificate mode only; the others run in public-key mode."""

DECLARATIONS = """
from payport.adapters.alipay import Alipay, AlipayAccount
from payport.adapters.alipay.simulator import AlipaySimulator
partner: AlipaySimulator
account: AlipayAccount
gateway: Gateway[Alipay]
"""


def stage(page: str, clock: Callable[[], datetime]) -> Stage:
    """The simulator's merchant as it would be configured for the sandbox."""
    partner = AlipaySimulator(MODES.get(page, "key"), clock=clock)
    merchant = partner.account
    account = AlipayAccount(
        app_id=merchant.app_id,
        private_key=merchant.private_key,
        alipay_public_key=merchant.alipay_public_key,
        certificates=merchant.certificates,
        seller_id=merchant.seller_id,
        gateway_url=SANDBOX_URL,
    )
    adapter = cast("AnyAdapter", Alipay(account))
    return Stage(partner=partner, account=account, adapter=adapter, files=_files(merchant), plays=_plays)


def _plays(adapter: object) -> bool:
    return isinstance(adapter, Alipay) and adapter.config.gateway_url in (PRODUCTION_URL, SANDBOX_URL)


def _files(account: AlipayAccount) -> dict[str, str]:
    """What a merchant downloads from the console."""
    found = {"app_private_key.pem": account.private_key.reveal()}
    if account.alipay_public_key is not None:
        found["alipay_public_key.txt"] = account.alipay_public_key
    if account.certificates is not None:
        found["app_cert.pem"] = account.certificates.application
        found["alipay_cert.pem"] = account.certificates.alipay
        found["alipay_root_cert.pem"] = account.certificates.root
    return found
