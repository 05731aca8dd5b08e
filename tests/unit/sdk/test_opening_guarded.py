"""Gateways from configuration: guarded as configured, sharing what one account must share, with a role's verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.redis_server import free_port

from payport.schemas import Money, NotSent, NotSentKind, Order
from payport.schemas.methods import QrShown
from payport.sdk import Guards, NotPermitted, Settings, open_async_gateway, open_gateway, open_guards
from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.store import Journal

TEXT = """
[account.shop]
partner = "stripe"
account_id = "acct_1000000000000001"
secret_key = "env:KEY"

[account.shop.limits.writes]
rate_per_s = 7

[account.other]
partner = "stripe"
account_id = "acct_1000000000000002"
secret_key = "env:KEY"

[role.cashier]
verbs = ["pay", "query"]
"""


@pytest.fixture
def journal() -> Iterator[Journal]:
    with Journal.open("sqlite:///:memory:?durable=no") as opened:
        yield opened


def load(folder: Path, more: str = "") -> Settings:
    """The settings of two shops."""
    path = folder / "payport.toml"
    path.write_text(TEXT + more, "utf-8")
    return Settings.load(path, {"KEY": "sk_test_100000000000000000000001"})


def test_gateways_of_one_account_on_one_journal_share_their_guards(tmp_path: Path, journal: Journal) -> None:
    """Sync and async, breaker and limits; another account has its own breaker, with limits as its profile has them."""
    settings = load(tmp_path)
    shop, other = open_gateway(settings, "shop", journal), open_gateway(settings, "other", journal)
    again = open_async_gateway(settings, "shop", journal)
    assert (len(shop.breakers()), len({id(each) for each in (shop.journal, again.journal)})) == (2, 1)
    seen = [{each.name: each.usual_per_s for each in gateway.limits()} for gateway in (shop, other)]
    assert [(each["writes"], each["reads"]) for each in seen] == [(7.0, 20.0), (20.0, 20.0)]
    guards = journal.companions.get(Guards, Guards)
    assert guards.of(shop.adapter) is guards.of(again.adapter)
    assert guards.of(shop.adapter) is not guards.of(other.adapter)
    assert seen[0] == {each.name: each.usual_per_s for each in asyncio.run(again.limits())}
    for gateway in (shop, other):
        gateway.close()
    asyncio.run(again.aclose())


def test_an_application_may_pass_its_own_guards(tmp_path: Path, journal: Journal) -> None:
    """And closes them."""
    settings = load(tmp_path)
    with closing(open_guards(settings)) as guards, open_gateway(settings, "shop", journal, guards=guards) as shop:
        assert guards.of(shop.adapter) is guards.of(shop.adapter)
        assert [each.usual_per_s for each in shop.limits() if each.name == "writes"] == [7.0]
    assert journal.companions.get(Guards, lambda: open_guards(settings)) is not guards


def test_everything_can_be_switched_off(tmp_path: Path, journal: Journal) -> None:
    """Then nothing stands before the partner."""
    settings = load(tmp_path, "[limits]\non = false\n[breaker]\non = false\n")
    with open_gateway(settings, "shop", journal) as shop:
        assert (list(shop.limits()), list(shop.breakers())) == ([], [])


def test_a_role_gives_a_gateway_its_verbs(tmp_path: Path, journal: Journal) -> None:
    """By name; the actor is told with what was refused."""
    settings = load(tmp_path)
    with open_gateway(settings, "shop", journal, role="cashier", actor="till-7") as till:
        with pytest.raises(NotPermitted, match="till-7 may not resume, only pay, query"):
            till.resume()
        told = till.pay(Order(ref="SHOP10010001", amount=Money.of("1", "EUR"), subject="Tea"), QrShown())
        assert isinstance(told, NotSent)
        assert told.cause.kind is NotSentKind.INVALID
    gateway = open_async_gateway(settings, "shop", journal, role="cashier", actor="till-7")
    assert frozenset({"pay", "query"}) == gateway.permitted
    asyncio.run(gateway.aclose())
    with pytest.raises(ConfigurationError, match=r"no role 'boss' is configured; add \[role.boss\]"):
        open_gateway(settings, "shop", journal, role="boss")


def test_a_redis_that_is_away_stops_nobody(tmp_path: Path, journal: Journal) -> None:
    """A gateway opens, and keeps to a part of its limits."""
    settings = load(tmp_path, f'[limits]\nredis = "redis://127.0.0.1:{free_port()}"\nhosts = 2\n')
    with open_gateway(settings, "shop", journal) as shop:
        shares = {each.name: (each.rate_per_s, each.shared) for each in shop.limits()}
    assert (shares["writes"], shares["reads"]) == ((3.5, False), (10.0, False))


def test_what_cannot_work_is_told_when_a_gateway_is_opened(tmp_path: Path, journal: Journal) -> None:
    """With the table that it stands in."""
    with pytest.raises(ConfigurationError, match="must begin with redis://"):
        open_gateway(load(tmp_path, '[limits]\nredis = "http://127.0.0.1"\n'), "shop", journal)
    with pytest.raises(ConfigurationError, match=r"\[account.shop\] limits.mine: it limits nothing"):
        open_gateway(load(tmp_path, "[account.shop.limits.mine]\nburst = 7\n"), "shop", journal)
