"""Alipay's side, in process, and a merchant who talks to it by hand."""

from __future__ import annotations

import pytest
from tests.simulate.alipay.merchant import Clock, Merchant

from payport.adapters.alipay.simulator import AlipaySimulator


@pytest.fixture
def clock() -> Clock:
    """Time stands still until the test moves it."""
    return Clock()


@pytest.fixture
def partner(clock: Clock) -> AlipaySimulator:
    """Alipay in public-key mode."""
    return AlipaySimulator(clock=clock)


@pytest.fixture
def certified(clock: Clock) -> AlipaySimulator:
    """Alipay in certificate mode."""
    return AlipaySimulator("certificate", clock=clock)


@pytest.fixture
def merchant(partner: AlipaySimulator) -> Merchant:
    """Who talks to it."""
    return Merchant(partner)
