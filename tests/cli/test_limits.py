"""``payport limits``: what partners let one do, and what is left of it where all processes count together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest
from tests.cli.conftest import Command
from tests.support.redis_server import RedisServer, free_port, redis_server

from payport.sdk import Settings, open_adapter, open_guards
from payport.sdk.events import RequestSent
from payport.sdk.hosting import Asked
from payport.sdk.limits import Limiter
from payport.sdk.message import Purpose, WireRequest

TEXT = """
[account.shop]
partner = "stripe"
account_id = "acct_1000000000000001"
secret_key = "file:key.txt"

[account.shop.limits.writes]
rate_per_s = 0.1
burst = 5
concurrency = 7
"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


def write(folder: Path, more: str = "") -> Path:
    """Settings of one shop."""
    (folder / "key.txt").write_text("sk_test_100000000000000000000001")
    path = folder / "payport.toml"
    path.write_text(TEXT + more)
    return path


def test_it_shows_what_is_configured(tmp_path: Path, payport: Command) -> None:
    """With where each limit comes from; what is left is known to each process alone."""
    ran = payport("limits", "--config", write(tmp_path))
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "shop (stripe:acct_1000000000000001:test): each process counts for itself"
    assert "  writes: 0.1 a second, 5 at once, 7 under way" in lines
    assert "  endpoint, every endpoint by itself: 20 a second, 5 at once" in lines
    assert "      configuration" in lines
    assert any("Stripe's documentation on rate limits: 20 a second for search" in line for line in lines)
    assert "left now" not in ran.out


def test_it_shows_what_is_left_for_all_processes(tmp_path: Path, payport: Command, server: RedisServer) -> None:
    """And that the partner complained to one of them."""
    config = write(tmp_path, f'[limits]\nredis = "{server.url.reveal()}"\n')
    assert (
        "writes: 0.1 a second, 5 at once, 7 under way (5 left now; 0 under way now)"
        in payport("limits", "--config", config).out
    )
    settings = Settings.load(config, {})
    request = WireRequest(
        endpoint="payment_intents.confirm", moves_money=True, method="POST", url="https://x/", headers={}, content=b""
    )
    complaint = RequestSent(
        partner="stripe", account="stripe:1", endpoint=request.endpoint, status=429, elapsed_s=0.1, moves_money=True,
        retry_after_s=30.0,
    )  # fmt: skip
    with closing(open_guards(settings)) as guards:
        admissions = guards.of(open_adapter(settings, "shop"), settings.accounts["shop"].limits)
        (limiter,) = [each for each in admissions if isinstance(each, Limiter)]
        assert limiter.admit(Asked("stripe", "stripe:1", request, 60.0, Purpose.MOVE, monotonic())) is None
        assert "4 left now; 1 under way now" in payport("limits", "--config", config).out
        limiter(complaint)
        until_s = monotonic() + 5
        while len(limiter.news) < 2 and monotonic() < until_s:
            sleep(0.01)
    ran = payport("limits", "--config", config, "--account", "shop")
    assert ran.out.startswith("shop (stripe:acct_1000000000000001:test): counted over all processes")
    line = next(line for line in ran.out.splitlines() if line.startswith("  writes"))
    assert "0 under way now" in line
    assert "the partner wants to be left alone for" in line


def test_it_says_that_redis_is_away(tmp_path: Path, payport: Command) -> None:
    """The part that each process keeps to."""
    config = write(tmp_path, f'[limits]\nredis = "redis://127.0.0.1:{free_port()}"\n')
    ran = payport("limits", "--config", config)
    assert ran.status == 0
    assert "Redis does not answer: each process keeps to a part of them" in ran.out
    assert "slowed down to 5 a second" in ran.out


def test_it_says_that_they_are_off(tmp_path: Path, payport: Command) -> None:
    """By which setting."""
    ran = payport("limits", "--config", write(tmp_path, "[limits]\non = false\n"))
    assert "call limits are switched off: [limits] on = false" in ran.out
