"""One limit over several real processes, through a real Redis."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from tests.support.redis_server import RedisServer, redis_server

ROOT = Path(__file__).parent.parent.parent
PROCESSES = 8
RATE_PER_S, BURST, SECONDS = 200.0, 40.0, 10.0


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


def start(server: RedisServer) -> subprocess.Popen[str]:
    """A process that calls as often as it may."""
    roots = [ROOT, *(ROOT / name for name in ("schemas", "sdk", "adapters"))]
    command = [server.url.reveal(), str(RATE_PER_S), str(BURST), str(SECONDS)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.limited_callers", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(90)
def test_eight_processes_keep_one_limit_and_use_it(server: RedisServer) -> None:
    """For ten seconds never more than burst and rate together, and at least 95 % of it."""
    children = [start(server) for _ in range(PROCESSES)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    begun_s = monotonic()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [json.loads(child.communicate(timeout=60)[0]) for child in children]
    assert [each["news"] for each in told] == [[]] * PROCESSES, "Redis was there all the time"
    most = BURST + RATE_PER_S * SECONDS
    inside = [at_s for each in told for at_s in each["sent"] if at_s <= begun_s + SECONDS]
    shares = [len(each["sent"]) for each in told]
    sys.stdout.write(f"{len(inside)} of {most:.0f} calls in {SECONDS:.0f} s, {len(inside) / most:.1%}: {shares}\n")
    assert 0.95 * most <= len(inside) <= most
    assert min(shares) > 0.5 * max(shares), "none of them starves"
