"""A capture at a partner that never holds money."""

from __future__ import annotations

from tests.typing.accepts.own_adapter import Corner

from payport.sdk import Gateway


def take(gateway: Gateway[Corner]) -> None:
    """There is nothing to capture, cancel or refund."""
    gateway.capture("SHOP10010001")  # expect: misc
    gateway.cancel("SHOP10010001")  # expect: misc
