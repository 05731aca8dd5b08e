"""WeChat's side, in process, and a merchant who talks to it by hand and by a gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.simulate.wechatpay_v2.shop import ByHand, Till

from payport.adapters.wechatpay_v2.simulator import WeChatPayV2Simulator
from payport.sdk.testing.stepping import Time


@pytest.fixture
def time() -> Time:
    """Time stands still until the test moves it."""
    return Time()


@pytest.fixture
def partner(time: Time) -> Iterator[WeChatPayV2Simulator]:
    """WeChat."""
    with WeChatPayV2Simulator(clock=time) as simulator:
        yield simulator


@pytest.fixture
def hand(partner: WeChatPayV2Simulator) -> ByHand:
    """Who talks to it by hand."""
    return ByHand(partner)


@pytest.fixture
def till(time: Time, partner: WeChatPayV2Simulator) -> Iterator[Till]:
    """Who talks to it through the library."""
    opened = Till(time, partner)
    yield opened
    opened.close()
