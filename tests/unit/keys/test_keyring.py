"""The key ring: one fetch for a crowd, a bounded answer to a flood, old keys kept until new ones are authentic."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payport.sdk.keyring import Fetch, Finding, KeyRing, Known, Missing, Wait


def test_a_known_serial_answers_its_key() -> None:
    """Several keys are valid at once, each under its own serial."""
    ring = KeyRing({"old": "K1", "new": "K2"})
    assert Known("K1") == ring.find("old", 0.0)
    assert Known("K2") == ring.find("new", 0.0)


def test_a_crowd_at_one_unknown_serial_causes_exactly_one_fetch(restless: None) -> None:
    """200 threads meet a serial that nobody knows: one fetches, 199 wait, and then all have the key. Ten times."""
    ring = KeyRing[str]()
    together = Barrier(200)

    def ask(serial: str) -> Finding[str]:
        together.wait()
        return ring.find(serial, 10.0)

    with ThreadPoolExecutor(200) as pool:
        for serial in "ABCDEFGHIJ":
            findings = list(pool.map(ask, serial * 200))
            assert findings.count(Fetch(serial)) == 1
            assert findings.count(Wait(30.0)) == 199
            ring.learn(serial, "K")
            assert Known("K") == ring.find(serial, 11.0)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that give way at every turn, so that a missing lock shows."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before_s)


def test_a_flood_of_made_up_serials_is_capped() -> None:
    """10,000 serials that never existed cost ten fetches a minute, and ten entries of memory."""
    ring = KeyRing[str](fetches_a_minute=10)
    findings = [ring.find(f"S{number}", number / 1000) for number in range(10_000)]
    assert sum(isinstance(finding, Fetch) for finding in findings) == 10
    assert sum(isinstance(finding, Missing) for finding in findings) == 9_990
    assert ring.remembered == 10
    assert Fetch("later") == ring.find("later", 60.0)


def test_a_failed_fetch_is_not_repeated_for_a_minute() -> None:
    """The negative cache: others get an answer at once, and the partner is left alone."""
    ring = KeyRing[str]()
    assert Fetch("S") == ring.find("S", 0.0)
    ring.failed("S", 5.0)
    assert Missing(59.0) == ring.find("S", 6.0)
    assert Missing(1.0) == ring.find("S", 64.0)
    assert Fetch("S") == ring.find("S", 65.0)


def test_a_fetcher_that_dies_does_not_block_others_for_ever() -> None:
    """Its ticket runs out; after the minute somebody else may try."""
    ring = KeyRing[str](fetch_timeout_s=20.0)
    assert Fetch("S") == ring.find("S", 0.0)
    assert Wait(1.0) == ring.find("S", 19.0)
    assert Missing(40.0) == ring.find("S", 20.0)
    assert Fetch("S") == ring.find("S", 60.0)


@pytest.mark.parametrize("ahead_s", [61.0, 3_600.0, 86_400.0])
def test_a_clock_that_is_set_right_does_not_keep_anybody_from_fetching(ahead_s: float) -> None:
    """What failed while it was ahead, perhaps for that very reason, failed "in the future"."""
    ring = KeyRing[str](fetches_a_minute=2)
    for serial in "ST":
        assert Fetch(serial) == ring.find(serial, ahead_s)
    ring.failed("S", ahead_s)
    assert ring.due_for_refresh(ahead_s)
    assert [Fetch("S"), Fetch("T")] == [ring.find(serial, 0.0) for serial in "ST"]
    assert [Wait(30.0), Wait(30.0)] == [ring.find(serial, 0.0) for serial in "ST"]
    assert ring.due_for_refresh(0.0)


def test_who_looked_at_the_clock_a_moment_earlier_does_not_fetch_beside_another() -> None:
    """Two threads, each with its own reading."""
    ring = KeyRing[str]()
    assert Fetch("S") == ring.find("S", 10.0)
    assert Wait(30.0) == ring.find("S", 9.9)


def test_a_failure_that_nobody_asked_for_changes_nothing() -> None:
    """A report for a serial that is known, or was never asked for."""
    ring = KeyRing({"S": "K"})
    ring.failed("S", 0.0)
    ring.failed("T", 0.0)
    assert Known("K") == ring.find("S", 0.0)
    assert Fetch("T") == ring.find("T", 0.0)


def test_old_keys_serve_until_a_new_one_is_authentic() -> None:
    """A refresh that fails takes nothing away; one that succeeds puts the new key first and keeps the old."""
    ring = KeyRing({"old": "K1"})
    assert Fetch("new") == ring.find("new", 0.0)
    ring.failed("new", 1.0)
    assert ring.current(2.0) == ("K1",)
    ring.learn("new", "K2", expires_at_s=1000.0)
    assert ring.current(2.0) == ("K2", "K1")


def test_an_expired_or_retired_key_is_not_used() -> None:
    """Neither by serial nor for messages that name none; an expired serial may be fetched anew."""
    ring = KeyRing({"kept": "K0"})
    ring.learn("S", "K1", expires_at_s=100.0)
    assert Known("K1") == ring.find("S", 99.9)
    assert Fetch("S") == ring.find("S", 100.0)
    assert ring.current(100.0) == ("K0",)
    ring.retire("kept")
    ring.retire("kept")
    assert ring.current(100.0) == ()


def test_a_serial_learnt_again_moves_to_the_front() -> None:
    """A renewed certificate with the same serial replaces the old one."""
    ring = KeyRing({"a": "K1", "b": "K2"})
    ring.learn("a", "K3")
    assert ring.current(0.0) == ("K3", "K2")


def test_refresh_is_due_before_expiry_and_asked_of_one_caller_a_minute() -> None:
    """Thirty days ahead; an empty ring is due at once; a configured key never is."""
    day_s = 86_400.0
    assert not KeyRing({"pinned": "K"}).due_for_refresh(0.0)
    assert KeyRing[str]().due_for_refresh(0.0)
    ring = KeyRing[str]()
    ring.learn("S", "K", expires_at_s=100 * day_s)
    assert not ring.due_for_refresh(69 * day_s)
    assert [ring.due_for_refresh(70 * day_s) for _ in range(3)] == [True, False, False]
    assert ring.due_for_refresh(70 * day_s + 60)
    ring.learn("T", "K2", expires_at_s=500 * day_s)
    assert not ring.due_for_refresh(71 * day_s)


@pytest.mark.parametrize(("timeout_s", "fetches"), [(0.0, 1), (61.0, 1), (30.0, 0)])
def test_settings_that_cannot_work_are_refused(timeout_s: float, fetches: int) -> None:
    """A ticket outlives neither the minute nor its own beginning."""
    with pytest.raises(ValueError, match="fetch_timeout_s"):
        KeyRing[str](fetch_timeout_s=timeout_s, fetches_a_minute=fetches)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 30), st.sampled_from(["find", "failed", "learn"])),
        max_size=80,
    )
)
def test_no_history_exceeds_the_caps(history: list[tuple[str, float, str]]) -> None:
    """Whatever happens in whatever order: in any minute no serial is fetched twice without being learnt between, no
    more than three serials are, and a key once learnt is found.
    """
    ring = KeyRing[str](fetches_a_minute=3)
    now_s, fetched, learnt = 0.0, list[tuple[str, float]](), set[str]()
    for serial, pause_s, event in history:
        now_s += pause_s
        match event:
            case "find":
                finding = ring.find(serial, now_s)
                assert (serial in learnt) == isinstance(finding, Known)
                if isinstance(finding, Fetch):
                    recent = [one for one, at_s in fetched if at_s > now_s - 60 and one not in learnt]
                    assert serial not in recent
                    assert len(recent) < 3
                    fetched.append((serial, now_s))
            case "failed":
                ring.failed(serial, now_s)
            case _:
                ring.learn(serial, "K")
                learnt.add(serial)


def test_a_fetch_that_never_left_counts_for_nothing() -> None:
    """No road, no name, no place under a limit: whoever asks next may try at once, however often that happens."""
    ring = KeyRing[str](fetches_a_minute=2)
    for _ in range(10):
        assert Fetch("A") == ring.find("A", 0.0)
        ring.unsent("A")
    assert ring.remembered == 0


def test_a_fetcher_that_was_stopped_leaves_the_fetch_to_the_next() -> None:
    """Its task was cancelled: nobody waits for it."""
    ring = KeyRing[str]()
    assert isinstance(ring.find("A", 0.0), Fetch)
    with pytest.raises(KeyboardInterrupt), ring.fetching("A"):
        raise KeyboardInterrupt
    assert isinstance(ring.find("A", 1.0), Fetch)
    with ring.fetching("A"):
        assert isinstance(ring.find("A", 2.0), Wait)
