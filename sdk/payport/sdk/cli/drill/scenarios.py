"""The fault classes that can be drilled: how each strikes, what must be noticed, and how it is mended."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from threading import Event

from payport.schemas.events import Event as Notified
from payport.schemas.events import RawNotification, Rejected, Verified
from payport.schemas.outcome import ActionRequired
from payport.sdk.cli.drill.ground import Ground
from payport.sdk.cli.drill.guarding import MANY, keeps_failing, no_redis_client, redis_back, redis_lost, too_many_calls
from payport.sdk.incidents import kinds
from payport.sdk.incidents.kinds import IncidentKind
from payport.sdk.operations.setup import LEASE_MARGIN_S
from payport.sdk.testing.faults import Fault

CALLS = 4
FORGED = 60
COPIES = 3
LEASE_S = LEASE_MARGIN_S + 5.0
_TILL = "payport.sdk.cli.drill.till"
_CHILD_S = 30.0


def _nothing(_: Ground) -> None:
    """Nothing."""


def _anywhere() -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One fault class. ``expects``: the kinds of which an incident must be opened; none: it is to be absorbed.

    ``strike``: injects the fault and makes the calls that meet it; answers what somebody should know. ``mend``: takes
    it away. ``pace_s``: how much time passes between two looks until it is noticed. ``cannot``: why it cannot be played
    on this machine, in words. ``early``: it takes real time to be over, so it strikes first. ``waits_s``: that time.
    ``shares``: whether call limits are shared between processes.
    """

    name: str
    title: str
    expects: tuple[IncidentKind, ...] = ()
    strike: Callable[[Ground], list[str]]
    mend: Callable[[Ground], None] = _nothing
    pace_s: float = 15.0
    cannot: Callable[[], str] = field(default=_anywhere)
    early: bool = False
    waits_s: float = 0.0
    shares: bool = False


def _sells(ground: Ground, calls: int = CALLS) -> None:
    for _ in range(calls):
        ground.sell()


def _planned(fault: Fault, *, at_sale: bool = True) -> Callable[[Ground], list[str]]:
    """The next calls meet this fault, every one."""

    def strike(ground: Ground) -> list[str]:
        ground.partner.faults.next(fault, ground.sale.endpoint if at_sale else None, times=MANY)
        _sells(ground)
        return []

    return strike


def _cleared(ground: Ground) -> None:
    ground.partner.faults.clear()


def _expire(ground: Ground) -> list[str]:
    ground.partner.faults.certificate_expired = True
    _sells(ground)
    return []


def _renew(ground: Ground) -> None:
    ground.partner.faults.certificate_expired = False


def _wrong_signatures(ground: Ground) -> list[str]:
    """Replies where the partner signs them, and notifications, of which everybody can forge one."""
    findings: list[str] = []
    if ground.sale.signed:
        findings += _planned(Fault.BAD_SIGNATURE)(ground)
    else:
        findings.append(f"{ground.play.name} does not sign its replies: they are authenticated by TLS alone")
    ground.hand_out()
    forged = believed = 0
    for raw in list(ground.partner.notices)[:1]:
        for spoilt in _spoilt(raw):
            received = ground.gateway.receive(spoilt)
            forged += isinstance(received, Rejected)
            believed += isinstance(received, Verified) and not _says_the_same(ground, raw, received)
    findings.append(f"{forged} forged notifications were refused")
    if believed:
        ground.broken.append(f"{believed} forged notifications were believed")
    return findings


def _spoilt(raw: RawNotification) -> Iterator[RawNotification]:
    """One bit changed, here and there in the body and in every header, often enough to be noticed."""
    size = len(raw.body)
    for at in range(0, size, max(1, size // FORGED)):
        body = bytearray(raw.body)
        body[at] ^= 1
        yield replace(raw, body=bytes(body))
    for name, value in raw.headers.items():
        for at in range(0, len(value), max(1, len(value) // 8)):
            yield replace(raw, headers={**raw.headers, name: f"{value[:at]}{chr(ord(value[at]) ^ 1)}{value[at + 1 :]}"})


def _says_the_same(ground: Ground, genuine: RawNotification, received: Verified[Notified]) -> bool:
    """Whether it tells what the genuine one tells: what is not signed and not read may be anything."""
    told = ground.gateway.receive(genuine)
    assert isinstance(told, Verified)
    one, other = told.event, received.event
    return (one.kind, one.partner_ref, one.status, one.amount) == (
        other.kind,
        other.partner_ref,
        other.status,
        other.amount,
    )


def _duplicates(ground: Ground) -> list[str]:
    """Each notification arrives three times, and before that nobody asked."""
    for _ in range(2):
        ground.hand_out()
    ground.sell()
    told = len(ground.partner.notices)
    new = ground.notices(COPIES)
    findings = [f"{told} notifications came {COPIES} times each, {sum(new)} were new"]
    if sum(new) != told:
        ground.broken.append("a notification did not count exactly once")
    return findings


def _storage_lost(ground: Ground) -> list[str]:
    ground.journal.lost = True
    _sells(ground)
    return []


def _storage_back(ground: Ground) -> None:
    ground.journal.lost = False


def _killed(ground: Ground) -> list[str]:
    """Another process pays, and is killed when the partner has charged and before it answers."""
    order, method = ground.order(), ground.sale.method(ground.partner)
    returned = None
    if ground.sale.comes_back is not None:
        outcome = ground.gateway.pay(order, method)
        assert isinstance(outcome, ActionRequired)
        returned = ground.sale.comes_back(ground.partner, ground.partner.payer.open(outcome.action))
    began, dead = Event(), Event()
    till: subprocess.Popen[bytes] | None = None

    def kill(endpoint: str) -> None:
        if endpoint == ground.sale.endpoint and began.wait(_CHILD_S) and till is not None:
            till.kill()
            till.wait()
            dead.set()

    ground.partner.on_commit = kill
    till = subprocess.Popen(  # noqa: S603 - our own module, started by this very interpreter
        [sys.executable, "-m", _TILL, str(ground.config)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    began.set()
    _, complaint = till.communicate(pickle.dumps((order, method, returned)), timeout=_CHILD_S)
    ground.partner.on_commit = None
    if not dead.is_set():
        return [f"the process ended before it could be killed: {complaint.decode()[-500:]}"]
    return [f"process {till.pid} was killed between the partner's charge and its answer"]


SCENARIOS = (
    Scenario(
        name="process_killed", title="A process is killed in the middle of a payment", strike=_killed,
        expects=(kinds.UNKNOWN_AGEING,), pace_s=120.0, early=True, waits_s=LEASE_S,
    ),
    Scenario(
        name="partner_down", title="The partner cannot be reached", expects=(kinds.BREAKER_OPEN, kinds.BUDGET_BURNT),
        strike=_planned(Fault.RESET_BEFORE_TLS, at_sale=False), mend=_cleared,
    ),
    Scenario(
        name="partner_slow", title="The partner does not answer in time",
        expects=(kinds.BREAKER_OPEN, kinds.BUDGET_BURNT), strike=_planned(Fault.SILENCE), mend=_cleared,
    ),
    Scenario(
        name="partner_failing", title="The partner fails again and again, is left alone, and works again",
        expects=(kinds.BREAKER_OPEN,), strike=keeps_failing, mend=_cleared,
    ),
    Scenario(
        name="expired_certificate", title="The partner's TLS certificate has run out",
        expects=(kinds.BREAKER_OPEN, kinds.BUDGET_BURNT), strike=_expire, mend=_renew,
    ),
    Scenario(
        name="wrong_signatures", title="Replies and notifications are not authentic",
        expects=(kinds.SIGNATURE_FAILURES, kinds.FORGED_NOTICES), strike=_wrong_signatures, mend=_cleared,
    ),
    Scenario(
        name="unknown_outcomes", title="Payments are charged and the answers are lost",
        expects=(kinds.UNKNOWN_AGEING,), strike=_planned(Fault.COMMIT_THEN_RESET), mend=_cleared, pace_s=120.0,
    ),
    Scenario(
        name="rate_limited", title="The partner refuses calls because there are too many",
        strike=too_many_calls, mend=_cleared,
    ),
    Scenario(
        name="redis_lost", title="What processes share their call limits through is lost",
        expects=(kinds.LIMITS_DEGRADED,), strike=redis_lost, mend=redis_back, cannot=no_redis_client, shares=True,
    ),
    Scenario(name="duplicate_notifications", title="Notifications come several times", strike=_duplicates),
    Scenario(
        name="storage_lost", title="The journal's storage is full or lost", expects=(kinds.STORAGE_FAILED,),
        strike=_storage_lost, mend=_storage_back,
    ),
)  # fmt: skip
"""Every fault class, those that take real time first."""

NAMES = tuple(scenario.name for scenario in SCENARIOS)
