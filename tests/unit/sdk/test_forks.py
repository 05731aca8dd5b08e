"""What is to happen around a fork: in Python's order, for as long as its object lives."""

from __future__ import annotations

import gc
import os

import pytest

from payport.sdk import forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork: use Linux or macOS")


class Follower:
    """Writes down what it was called for."""

    def __init__(self, name: str, said: list[str]) -> None:
        self.name, self.said = name, said
        forks.follow_forks(before=self.before, in_parent=self.in_parent, in_child=self.in_child)

    def before(self) -> None:
        """The fork comes."""
        self.said.append(f"before {self.name}")

    def in_parent(self) -> None:
        """It is over here."""
        self.said.append(f"parent {self.name}")

    def in_child(self) -> None:
        """And there."""
        self.said.append(f"child {self.name}")


def said_in_child(said: list[str]) -> list[str]:
    """Fork, and have the child tell what was said there."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, "\n".join(said).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    return told.split("\n")


def test_what_was_built_last_is_held_still_first() -> None:
    """As ``os.register_at_fork`` has it: backwards before the fork, forwards after it."""
    said: list[str] = []
    followers = [Follower("pool", said), Follower("journal", said)]
    assert said_in_child(said) == ["before journal", "before pool", "child pool", "child journal"]
    assert said == ["before journal", "before pool", "parent pool", "parent journal"]
    assert len(followers) == 2


def test_what_is_gone_is_not_called_and_leaves_nothing_behind() -> None:
    """A process that opens gateways all day long keeps nothing of those that it let go of."""
    said: list[str] = []
    gc.collect()
    kept = len(forks._in_child._methods)
    for number in range(100):
        Follower(str(number), said)
    gc.collect()
    assert len(forks._in_child._methods) == kept
    assert said_in_child(said) == [""]
