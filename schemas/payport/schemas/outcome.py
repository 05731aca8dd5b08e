"""How an operation ended, as a closed union.

``match`` over an outcome and end with ``typing.assert_never``: a caller who forgets ``Unknown`` fails the type check.
Only ``NotSent`` and ``Declined`` may be tried again elsewhere (:data:`Retriable`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, NoReturn, TypeAlias, TypeVar

from payport.schemas.actions import Action
from payport.schemas.payment import Authorization, Cancellation, Capture, Payment, Payout, Refund

ValueT_co = TypeVar("ValueT_co", covariant=True)
NativeT = TypeVar("NativeT")


class Reason(Enum):
    """Why a partner said no, in one vocabulary over all partners. The partner's own code stands beside it."""

    DECLINED = "declined"
    """The payer's side refused: account state, risk rules, a channel that is off."""
    CODE_INVALID = "code_invalid"
    """The scanned payment code was used before or is too old: ask the payer for a new one."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    MERCHANT_FUNDS = "merchant_funds"
    """The merchant's own balance does not cover it: top up, then ask again."""
    LIMIT_EXCEEDED = "limit_exceeded"
    INVALID_REQUEST = "invalid_request"
    INVALID_STATE = "invalid_state"
    """Not possible in the state that the partner's record is in: paid, closed, too old, more than is left."""
    DUPLICATE = "duplicate"
    """The partner holds this reference with other data."""
    ALREADY_DONE = "already_done"
    NOT_FOUND = "not_found"
    UNAUTHENTICATED = "unauthenticated"
    """The partner did not accept our application, token or certificate."""
    NOT_PERMITTED = "not_permitted"
    """The product or permission is not granted to this merchant."""
    BAD_SIGNATURE = "bad_signature"
    """The partner could not verify what we sent: wrong key, wrong mode, clock."""
    RATE_LIMITED = "rate_limited"
    MERCHANT_BLOCKED = "merchant_blocked"
    BLOCKED = "blocked"
    """Frozen at the partner for now."""
    CLOSED = "closed"
    """Closed unpaid: by us, by the payer or by the partner."""
    EXPIRED = "expired"
    """Its time is over and the partner knows nothing of it."""
    PARTNER_UNAVAILABLE = "partner_unavailable"
    OTHER = "other"
    """An authentic refusal with a code that this version does not know; see ``partner_code``."""


class NotSentKind(Enum):
    """Why nothing was sent."""

    INVALID = "invalid"
    """The request breaks a rule that is known here: amount, reference, time, method."""
    UNSUPPORTED = "unsupported"
    """The partner has no such operation."""
    RATE_LIMITED = "rate_limited"
    """A call limit left no room before the deadline."""
    BREAKER_OPEN = "breaker_open"
    """The partner failed too often lately, so it is left alone for a while."""
    PARTNER_SUSPENDED = "partner_suspended"
    """The partner may not be used now: its licence or agreement ran out, or an operator suspended it."""
    HELD = "held"
    """A rule on abnormal transactions holds it until a person has looked."""
    STORAGE = "storage"
    """The journal could not be written, so nothing was risked."""
    DEADLINE = "deadline"
    """Time ran out before anything was sent."""
    UNRESOLVED = "unresolved"
    """The host name could not be resolved."""
    UNREACHABLE = "unreachable"
    """No connection could be opened."""
    TLS = "tls"
    """The connection could not be made safe: certificate, host name, pin or version."""
    KEYS = "keys"
    """A key, token or certificate that the call needs could not be had."""


class UnknownKind(Enum):
    """What left the outcome open."""

    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"
    PARTNER_FAULT = "partner_fault"
    """The partner reported a fault of its own (5xx, SYSTEM_ERROR)."""
    UNREADABLE = "unreadable"
    UNVERIFIED = "unverified"
    """The answer was not authentic: signature missing or wrong."""
    MISMATCH = "mismatch"
    """The answer is authentic but about another order, amount, currency or merchant."""
    UNKNOWN_STATUS = "unknown_status"
    """The answer is authentic but says something that this version does not know."""
    STORAGE = "storage"
    """The answer arrived but could not be written down; or the journal could not be read for what was sent before."""
    INTERRUPTED = "interrupted"
    """The process that was sending stopped, its lease ran out, or what was sent before may yet change what was told."""
    NOT_FOUND = "not_found"
    """The partner does not know the order yet, which is no proof while a request may be on its way."""
    NO_QUERY = "no_query"
    """The partner cannot be asked: its notification, the same request again or a fence will tell."""


@dataclass(frozen=True, slots=True)
class NotSentCause:
    """Why nothing was sent. ``retry_after_s`` when it is known how long to wait, in seconds."""

    kind: NotSentKind
    detail: str
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.detail}"


@dataclass(frozen=True, slots=True)
class UnknownCause:
    """What left the outcome open."""

    kind: UnknownKind
    detail: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.detail}"


class OutcomeError(Exception):
    """Raised by ``unwrap`` on anything but success; ``outcome`` holds what it was."""

    def __init__(self, outcome: object) -> None:
        super().__init__(f"not a success: {outcome!r}")
        self.outcome = outcome

    def __reduce__(self) -> tuple[type[OutcomeError], tuple[object]]:
        return type(self), (self.outcome,)


@dataclass(frozen=True, slots=True)
class Succeeded(Generic[ValueT_co]):
    """Authentic, final, and everything matches what was asked."""

    value: ValueT_co

    def unwrap(self) -> ValueT_co:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Authorized(Generic[ValueT_co]):
    """Authentic, final: the money is held and everything matches what was asked."""

    value: ValueT_co

    def unwrap(self) -> ValueT_co:
        """The value."""
        return self.value


class _NotASuccess:
    __slots__ = ()

    def unwrap(self) -> NoReturn:
        """Raise :class:`OutcomeError`."""
        raise OutcomeError(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequired(_NotASuccess):
    """The payer must act (of a payout, the payee), and can until ``payable_until`` with no further call from us."""

    action: Action
    payable_until: datetime
    last_refusal: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending(_NotASuccess):
    """Authentic and accepted, not final. ``ask_again_s``: seconds after which asking again is sensible.

    ``payable_until``: for a cancel that no fence could confirm, the instant up to which the order may still be paid.
    """

    operation: str
    ask_again_s: float
    payable_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined(_NotASuccess):
    """Authentic: nothing more can be paid under this attempt."""

    reason: Reason
    partner_code: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent(_NotASuccess):
    """No request or action of this operation, by any process, can have left. Trying again is safe."""

    cause: NotSentCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(_NotASuccess):
    """It may have happened. The journal holds it; ``resume`` or ``resolve`` settles it. Never treat it as a failure."""

    operation: str
    cause: UnknownCause


Retriable: TypeAlias = NotSent | Declined
"""What may be tried again, here or at another partner. ``Unknown`` is not in it, so the type check refuses it."""

PayOutcome: TypeAlias = (
    Succeeded[Payment[NativeT]]
    | Authorized[Authorization[NativeT]]
    | ActionRequired
    | Pending
    | Declined
    | NotSent
    | Unknown
)
CaptureOutcome: TypeAlias = Succeeded[Capture[NativeT]] | Pending | Declined | NotSent | Unknown
CancelOutcome: TypeAlias = Succeeded[Cancellation[NativeT]] | Pending | Declined | NotSent | Unknown
RefundOutcome: TypeAlias = Succeeded[Refund[NativeT]] | Pending | Declined | NotSent | Unknown
PayoutOutcome: TypeAlias = Succeeded[Payout[NativeT]] | ActionRequired | Pending | Declined | NotSent | Unknown
