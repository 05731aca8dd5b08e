"""A fork while another thread holds a lock: that thread does not exist in the child, and would never let go of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

import pytest
from cryptography import x509
from tests.support.journal_records import exit_status, in_child

from payport.adapters.paypal.certificates import Signers
from payport.adapters.paypal.tokens import TokenCache
from payport.adapters.unionpay.certificates import Signers as UnionPaySigners
from payport.sdk.audit.flood import Flood
from payport.sdk.journal.store import Journal
from payport.sdk.keyring import Fetch, KeyRing
from payport.sdk.retry import RetryBudget
from payport.sdk.routing import Health
from payport.sdk.tls import usual_authorities
from payport.sdk.watch import Watch

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def followed(watch: Watch) -> None:
    """A round in a process that has its own journal."""
    with Journal.open("sqlite:///:memory:?durable=no") as journal:
        watch.follow(journal)


def cases() -> list[tuple[object, str, Callable[[], object]]]:
    """What keeps a lock from the start of a gateway to its end, the lock's name, and a use of it."""
    budget, ring, flood, health, tokens = RetryBudget(), KeyRing({"1": 1}), Flood(), Health(), TokenCache()
    signers, certificates, watch = Signers(None), UnionPaySigners((), test=False), Watch([])
    stranger = x509.load_pem_x509_certificate(usual_authorities().encode())
    return [
        (budget, "_lock", budget.succeeded),
        (ring, "_lock", lambda: ring.find("1", 0.0)),
        (flood, "_lock", lambda: flood.admit(0.0)),
        (health, "_lock", lambda: health.rests(0.0)),
        (tokens, "_lock", lambda: tokens.drop(tokens.serial)),
        (signers, "_lock", lambda: signers.trusted([stranger], "api.paypal.com", NOW)),
        (certificates, "_lock", lambda: certificates.find("", NOW)),
        (watch, "_following", lambda: followed(watch)),
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(("owner", "name", "use"), [pytest.param(*case, id=type(case[0]).__name__) for case in cases()])
def test_a_lock_held_at_the_fork_does_not_hold_the_child(owner: object, name: str, use: Callable[[], object]) -> None:
    """The parent's lock stays held."""

    def work() -> None:
        signal.alarm(10)
        use()

    lock: Lock = getattr(owner, name)
    with lock:
        child = in_child(work)
        assert exit_status(child) == 0
        assert getattr(owner, name).locked()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_waits_for_no_fetch_of_its_parent() -> None:
    """Whoever is fetching a key in the parent reports there; a serial that was refused stays refused."""
    ring: KeyRing[int] = KeyRing()
    ring.find("refused", 0.0)
    ring.failed("refused", 0.0)
    ring.find("1", 0.0)

    def work() -> None:
        assert ring.remembered == 1
        assert ring.find("1", 1.0) == Fetch("1")

    assert exit_status(in_child(work)) == 0
