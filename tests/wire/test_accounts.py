"""Every partner's account: what it says of a value that is in the wrong place, and of one of the wrong type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from payport.adapters.adyen.simulator import AdyenSimulator
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.adapters.paypal.simulator import PayPalSimulator
from payport.adapters.stripe.simulator import StripeSimulator
from payport.adapters.unionpay.simulator import UnionPaySimulator
from payport.adapters.wechatpay.simulator import WeChatPaySimulator
from payport.adapters.wechatpay_v2.simulator import WeChatPayV2Simulator
from payport.sdk import ConfigurationError

SIMULATORS: tuple[Callable[[], Any], ...] = (
    AdyenSimulator,
    AlipaySimulator,
    PayPalSimulator,
    StripeSimulator,
    UnionPaySimulator,
    WeChatPaySimulator,
    WeChatPayV2Simulator,
)
A_KEY = "sk_live_51SECRET-SECRET-SECRET/" * 10


def typed(account: Any, *kinds: str) -> list[str]:
    """The account's fields that are annotated with one of these types, optional or not."""
    return [item.name for item in fields(account) if str(item.type).removesuffix(" | None") in kinds]


def refusal(account: Any, name: str) -> str:
    """What is said of a key in this field; nothing where it may stand."""
    try:
        replace(account, **{name: A_KEY})
    except ConfigurationError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_key_in_the_place_of_a_name_is_not_shown(simulator: Callable[[], Any]) -> None:
    """Whoever mixes two settings up must not find the key in the log."""
    account = simulator().account
    for name in typed(account, "str", "Encoding", "SignMethod"):
        assert "SECRET" not in refusal(account, name), name


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_value_of_another_type_is_named(simulator: Callable[[], Any]) -> None:
    """A number for an id, a plain text for a secret: the setting is named, no inner error comes through."""
    account = simulator().account
    for name in typed(account, "str", "bool", "Secret"):
        with pytest.raises(ConfigurationError, match=f"^{name} must be a "):
            replace(account, **{name: 9021})
    for name in typed(account, "Secret"):
        with pytest.raises(ConfigurationError, match=f"^{name} must be a Secret, got str") as refused:
            replace(account, **{name: A_KEY})
        assert "SECRET" not in str(refused.value)
    for name in typed(account, "tuple[Secret, ...]"):
        with pytest.raises(ConfigurationError, match=f"^{name} must be a tuple, got str"):
            replace(account, **{name: A_KEY})
        with pytest.raises(ConfigurationError, match=f"^{name} must be a Secret, got str"):
            replace(account, **{name: (A_KEY,)})
