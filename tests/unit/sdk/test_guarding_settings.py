"""Limits, breakers and roles in ``payport.toml``: read by the types that they become, and told by place when wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from payport.sdk.breaker import BreakerSettings
from payport.sdk.errors import ConfigurationError
from payport.sdk.limits.settings import LimitChange, LimitsSettings, changed
from payport.sdk.profile import CallLimit
from payport.sdk.secrets import Secret
from payport.sdk.settings import Settings
from payport.sdk.verbs import Role

TEXT = """
[account.shop]
partner = "alipay"
app_id = "2021"

[account.shop.limits.account]
rate_per_s = 40

[account.shop.limits.refunds]
rate_per_s = 5.5
burst = 2
endpoints = ["alipay.trade.refund"]
methods = ["POST"]

[limits]
redis = "env:REDIS"
hosts = 8
reserve = 0.3

[breaker]
share = 0.25
sample = 20

[role.cashier]
verbs = ["pay", "query"]
"""


def load(folder: Path, text: str, env: Mapping[str, str] | None = None) -> Settings:
    """Load a file with this text from a folder."""
    path = folder / "payport.toml"
    path.write_text(text, "utf-8")
    return Settings.load(path, env or {})


def test_a_file_with_limits_breaker_and_roles(tmp_path: Path) -> None:
    """The account's own keys stay the adapter's; what is not said is as it always is."""
    settings = load(tmp_path, TEXT, {"REDIS": "redis://:w0rd5@redis.example:6379/1"})
    shop = settings.accounts["shop"]
    assert dict(shop.table) == {"app_id": "2021"}
    assert shop.limits == {
        "account": LimitChange(rate_per_s=40),
        "refunds": LimitChange(rate_per_s=5.5, burst=2, endpoints=("alipay.trade.refund",), methods=("POST",)),
    }
    assert settings.limits == LimitsSettings(redis=Secret("redis://:w0rd5@redis.example:6379/1"), hosts=8, reserve=0.3)
    assert settings.breaker == BreakerSettings(share=0.25, sample=20)
    assert settings.roles == {"cashier": Role(verbs=("pay", "query"))}
    assert "w0rd5" not in repr(settings)


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    """And a URL with a password may stand there."""
    env = {
        "REDIS": "redis://unused",
        "PAYPORT_LIMITS__REDIS": "redis://:w0rd5@other:6379",
        "PAYPORT_LIMITS__ON": "false",
        "PAYPORT_BREAKER__ON": "no",
        "PAYPORT_ACCOUNT__SHOP__LIMITS__ACCOUNT__RATE_PER_S": "7",
    }
    settings = load(tmp_path, TEXT, env)
    assert (settings.limits.on, settings.limits.redis) == (False, Secret("redis://:w0rd5@other:6379"))
    assert not settings.breaker.on
    assert settings.accounts["shop"].limits["account"] == LimitChange(rate_per_s=7)


ACCOUNT = '[account.shop]\npartner = "alipay"\n'
REFUSED: dict[str, tuple[str, str]] = {
    "unknown key": ("[limits]\nredi = 1\n", "payport.toml [limits] redi: unknown; known here: on, redis, prefix,"),
    "no table": ("limits = 1\n", "payport.toml [limits]: must be a table"),
    "no share": ("[limits]\nreserve = 1\n", "payport.toml [limits]: reserve must be 0 or more and less than 1; known"),
    "no hosts": ("[limits]\nhosts = 0\n", "payport.toml [limits]: hosts must be at least 1"),
    "password": (
        '[limits]\nredis = "redis://:pw@h"\n',
        'payport.toml [limits] redis: a secret must not stand in the file; refer to it: redis = "file:/run/secr',
    ),
    "breaker": ("[breaker]\nshare = 2\n", "payport.toml [breaker]: share must be in (0, 1]"),
    "breaker key": ("[breaker]\nshares = 2\n", "payport.toml [breaker] shares: unknown; known here: share, sample,"),
    "limit key": (
        f"{ACCOUNT}[account.shop.limits.refunds]\nrate = 5\n",
        "payport.toml [account.shop] limits.refunds.rate: unknown; known here: off, rate_per_s, burst",
    ),
    "limit value": (
        f'{ACCOUNT}[account.shop.limits.refunds]\nrate_per_s = "fast"\n',
        "payport.toml [account.shop] limits.refunds.rate_per_s: Input should be a valid number",
    ),
    "limit without a name": (
        f"{ACCOUNT}[account.shop.limits]\nrate_per_s = 5\n",
        "payport.toml [account.shop] limits.rate_per_s: must be a table",
    ),
    "role": (
        '[role.cashier]\nverbs = ["pay", "steal"]\n',
        "payport.toml [role.cashier] verbs.1: Input should be 'pay', 'query'",
    ),
    "role key": ('[role.cashier]\nverb = ["pay"]\n', "payport.toml [role.cashier] verb: unknown; known here: verbs"),
    "role without verbs": ("[role.cashier]\nverbs = []\n", "payport.toml [role.cashier]: name at least one verb"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_named_with_its_place(case: str, tmp_path: Path) -> None:
    """And with what would be known there."""
    text, expected = REFUSED[case]
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text)
    assert expected in str(refused.value).replace(f"{tmp_path}/", "")


PROFILE = (
    CallLimit(name="account", rate_per_s=80, burst=20, source="the partner"),
    CallLimit(name="refunds", rate_per_s=8, burst=2, endpoints=("refund",), source="the partner"),
)


def test_a_profile_is_changed_by_the_names_of_its_limits() -> None:
    """What is not said stays; a new rate without a burst lets a quarter of a second's calls come at once."""
    account, refunds, mine = changed(
        PROFILE,
        {
            "account": LimitChange(rate_per_s=40),
            "refunds": LimitChange(burst=5, concurrency=3),
            "mine": LimitChange(concurrency=2, methods=("GET",), each=True),
        },
    )
    assert (account.rate_per_s, account.burst, account.source) == (40, 10, "configuration")
    assert (refunds.rate_per_s, refunds.burst, refunds.concurrency, refunds.endpoints) == (8, 5, 3, ("refund",))
    assert (mine.rate_per_s, mine.concurrency, mine.methods, mine.each) == (None, 2, frozenset({"GET"}), True)
    assert changed(PROFILE, {"account": LimitChange(off=True), "none": LimitChange(off=True)}) == PROFILE[1:]
    assert changed(PROFILE, {}) == PROFILE


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("mine", LimitChange(endpoints=("pay",)), r"\[account.shop\] limits.mine: it limits nothing"),
        ("mine", LimitChange(rate_per_s=1), "limits.mine: what counts under it"),
        ("refunds", LimitChange(rate_per_s=-1), "limits.refunds: the limit refunds: rate_per_s must be more than 0"),
    ],
)
def test_a_limit_that_limits_nothing_is_refused(name: str, change: LimitChange, says: str) -> None:
    """A mistake in a name would otherwise be a limit that nobody is held to."""
    with pytest.raises(ConfigurationError, match=says):
        changed(PROFILE, {name: change}, "[account.shop] limits")
