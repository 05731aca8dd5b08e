"""A view for a verb that a gateway does not have."""

from __future__ import annotations

from tests.typing.accepts.own_adapter import Corner

from payport.sdk import Gateway


def narrow(gateway: Gateway[Corner]) -> None:
    """Charging is called paying here."""
    gateway.permitting("pay", "charge")  # expect: arg-type
