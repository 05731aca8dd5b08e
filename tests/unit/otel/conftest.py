"""A partner in process, and a gateway that is traced."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.telemetry import Scope

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.sdk.gateway import Gateway
from payport.sdk.retry import RetryPolicy

MEMORY = "sqlite:///:memory:?durable=no"
ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture
def scope() -> Scope:
    return Scope()


@pytest.fixture
def partner() -> Iterator[AlipaySimulator]:
    with AlipaySimulator() as made:
        yield made


@pytest.fixture
def gateway(partner: AlipaySimulator, scope: Scope) -> Iterator[Gateway[Alipay]]:
    transport = partner.transport()
    with Gateway(
        Alipay(partner.account), journal=MEMORY, transport=transport, sinks=[scope.sink], retry=ONCE
    ) as opened:
        yield opened
