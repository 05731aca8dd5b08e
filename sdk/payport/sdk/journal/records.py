"""What the journal keeps: debts, operations with their steps, transitions, notices. All values, no storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from payport.schemas.actions import Action
from payport.schemas.events import Event
from payport.schemas.money import Money
from payport.schemas.outcome import NotSentCause, Reason, UnknownCause
from payport.schemas.payment import CancelledBy, Fact


class Verb(Enum):
    """Kinds of operation. ``PAY`` and ``PAYOUT`` open a debt, the others belong to one."""

    PAY = "pay"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"
    PAYOUT = "payout"


class State(Enum):
    """Where an operation stands. The order of the members is the order in which it may move."""

    DOUBT = "doubt"
    """Intended, perhaps sent: nothing authentic is known. Every operation starts here, before the first byte."""
    ACTION = "action"
    """The payer must act."""
    PENDING = "pending"
    """Accepted by the partner, not final."""
    AUTHORIZED = "authorized"
    """Funds held."""
    NOT_SENT = "not_sent"
    DECLINED = "declined"
    SUCCEEDED = "succeeded"

    final: bool
    """Whether the operation's own answer can no longer change."""
    over: bool
    """Whether it ended without money having moved: the only ends after which another attempt may open."""

    def __init__(self, word: str) -> None:
        # fixed here, because a payment asks a dozen times, and a property asks a set and a hash written in Python
        self.over = word in ("not_sent", "declined")
        self.final = self.over or word in ("authorized", "succeeded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What is owed or to be sent: frozen when its reference is first used."""

    ref: str
    verb: Verb
    amount: Money
    payee: str
    """Who gets a payout, as a fingerprint; empty for payments."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of an operation.

    ``request``: everything needed to send the identical request again. Sealed at rest, absent without a sealing key,
    dropped at settlement. ``digest``: SHA-256 of it, kept. ``replay_until``: until when the partner is sure to
    recognise a repetition (``None``: for good). ``replayable``: whether a repetition is recognised at all.
    """

    name: str
    moves_money: bool
    digest: str
    request: bytes | None = field(default=None, repr=False)
    replayable: bool = False
    replay_until: datetime | None = None
    done: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        request: bytes,
        *,
        moves_money: bool = True,
        replayable: bool = False,
        replay_until: datetime | None = None,
    ) -> Self:
        """A step as ``plan_...`` makes it: not done, with the digest of its request."""
        return cls(
            name=name,
            moves_money=moves_money,
            digest=sha256(request).hexdigest(),
            request=request,
            replayable=replayable,
            replay_until=replay_until,
        )

    def answered(self) -> Step:
        """The step as it stands once it was answered."""
        # written out, because `dataclasses.replace` takes three times as long
        return self if self.done else Step(
            name=self.name, moves_money=self.moves_money, digest=self.digest, request=self.request,
            replayable=self.replayable, replay_until=self.replay_until, done=True,
        )  # fmt: skip


RESTORES_HOLD = "restores_hold"
"""Mark in a refund's identity: it undoes a capture. See :attr:`Operation.restores_hold`."""


def _no_ids() -> Mapping[str, str]:
    return {}


# no slots: forty fields in a dictionary are copied by one call in C, see `evolve`
@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of a debt: the attempt to pay, a capture, a cancel, a refund, a payout.

    ``id`` is ``<ref>/<verb>/<part>/<attempt>``, ``part`` being the caller's refund reference, or empty.
    ``of``: the id of the operation that a cancel, capture or refund is about.
    ``partner_ref`` and ``identity`` are what the partner recognises a repetition by: frozen before the first byte.
    ``started``: false for an intent that was only prepared: nobody may have sent anything for it.
    ``may_have_left``: whether a byte of a money-moving request, or an action, of any process can be outside.
    ``next_at``: when ``resume`` looks again. ``asked``: how often the partner was asked.
    ``for_person``: why a person must look, when resolving came to its end.
    """

    id: str
    ref: str
    verb: Verb
    part: str = ""
    of: str = ""
    attempt: int = 1
    partner: str
    account: str
    partner_ref: str
    identity: Mapping[str, str] = field(default_factory=_no_ids)
    amount: Money
    payer: str = ""
    """Who pays, as a keyed digest, where abnormal transactions are watched."""
    method: str = ""
    method_digest: str = ""
    ladder: str = ""
    created_at: datetime
    payable_until: datetime | None = None
    expires: bool = True
    """Whether the partner itself refuses it after ``payable_until``: only then is an attempt over by time."""
    steps: tuple[Step, ...] = ()
    library: str = ""
    """The version of this library that intended it: an upgrade between send and resume must not change the meaning."""

    state: State = State.DOUBT
    version: int = 0
    started: bool = True
    may_have_left: bool = False
    action: Action | None = field(default=None, repr=False)
    partner_id: str | None = None
    ids: Mapping[str, str] = field(default_factory=_no_ids)
    """Further numbers of the partner (a hold's ``auth_no``, an operation id)."""
    settled: Money | None = None
    settled_at: datetime | None = None
    cancelled_by: CancelledBy | None = None
    reason: Reason | None = None
    partner_code: str | None = None
    message: str = ""
    unknown: UnknownCause | None = None
    not_sent: NotSentCause | None = None
    facts: tuple[Fact, ...] = ()
    next_at: datetime | None = None
    asked: int = 0
    for_person: str | None = None

    if not TYPE_CHECKING:

        def __init__(self, **values: object) -> None:
            # what `dataclass` would make, but with all fields set at once: one by one they take four times as long
            if not _REQUIRED <= values.keys() <= _NAMES:
                wrong = sorted((_REQUIRED - values.keys()) | (values.keys() - _NAMES))
                raise TypeError(f"an operation lacks, or has no, {', '.join(wrong)}")
            self.__dict__.update(_DEFAULTS, **values)
            self.__dict__.setdefault("identity", {})
            self.__dict__.setdefault("ids", {})

    @property
    def restores_hold(self) -> bool:
        """Whether it is a refund that undoes a capture: once it has succeeded, the hold is in force again."""
        return RESTORES_HOLD in self.identity

    @property
    def open_step(self) -> Step | None:
        """The first step that was not answered; ``None`` when all were."""
        return next((step for step in self.steps if not step.done), None)


_NAMES = frozenset(item.name for item in fields(Operation))
_DEFAULTS = {item.name: item.default for item in fields(Operation) if item.default is not MISSING}
_REQUIRED = _NAMES - _DEFAULTS.keys() - {"identity", "ids"}


class Moved(TypedDict, total=False):
    """What of an operation may be another in its successor."""

    steps: tuple[Step, ...]
    state: State
    version: int
    started: bool
    may_have_left: bool
    action: Action | None
    partner_id: str | None
    ids: Mapping[str, str]
    settled: Money | None
    settled_at: datetime | None
    cancelled_by: CancelledBy | None
    reason: Reason | None
    partner_code: str | None
    message: str
    unknown: UnknownCause | None
    not_sent: NotSentCause | None
    facts: tuple[Fact, ...]
    next_at: datetime | None
    asked: int
    for_person: str | None


_MOVING = Moved.__optional_keys__


def evolve(operation: Operation, **changes: Unpack[Moved]) -> Operation:
    """The operation with these fields changed: ``dataclasses.replace`` for the hot path, eight times as fast.

    ``replace`` sets every field by itself; here the whole dictionary is copied at once. An operation has no invariant
    of its own that a constructor would check: what may follow what is checked when it is saved.
    """
    if not changes.keys() <= _MOVING:
        raise TypeError(f"an operation's {', '.join(sorted(changes.keys() - _MOVING))} cannot change")
    changed = object.__new__(Operation)
    changed.__dict__.update(operation.__dict__, **changes)
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One line of an operation's history."""

    id: int
    operation: str
    ref: str
    verb: Verb
    version: int
    state: State
    at: datetime
    source: str
    """What taught us: ``intent``, ``reply``, ``query``, ``notice``, ``local``, ``person``."""
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A verified notification in the inbox: unique on partner, account and event id."""

    partner: str
    account: str
    event: Event
    raw: bytes | None = field(default=None, repr=False)
    """The body as it came; sealed at rest, absent without a sealing key."""
    received_at: datetime
    applied: bool = False
