"""WeChat Pay's side, in process, and a merchant who talks to it by hand."""

from __future__ import annotations

import pytest
from tests.simulate.wechatpay.merchant import Clock, Merchant

from payport.adapters.wechatpay.simulator import WeChatPaySimulator


@pytest.fixture
def clock() -> Clock:
    """Time stands still until the test moves it."""
    return Clock()


@pytest.fixture
def partner(clock: Clock) -> WeChatPaySimulator:
    """WeChat Pay with certificates."""
    return WeChatPaySimulator(clock=clock)


@pytest.fixture
def merchant(partner: WeChatPaySimulator) -> Merchant:
    """Who talks to it."""
    return Merchant(partner)
