"""Validate, then write the intent: the debt, the attempt with its frozen identity, and the lease, in one commit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from payport.schemas.money import Money
from payport.schemas.outcome import NotSent, NotSentKind, Unknown
from payport.sdk import exchange
from payport.sdk.adapter import InvalidIntent, Plan, Slot
from payport.sdk.errors import JournalConflict, JournalError, JournalUnsure, ReferenceConflict
from payport.sdk.events import OperationStarted
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Debt, Operation, Verb
from payport.sdk.journal.session import Lease, Session
from payport.sdk.operations.given_back import why_no_more
from payport.sdk.operations.learning import refused_by_storage, storage_failed, unreadable
from payport.sdk.operations.screening import Held, held_back, screen
from payport.sdk.operations.setup import LEASE_MARGIN_S, Setup
from payport.sdk.outcomes import not_sent
from payport.sdk.profile import Profile
from payport.sdk.secrets import Secret

_SUFFIX = {Verb.PAY: "T", Verb.CAPTURE: "C", Verb.CANCEL: "X", Verb.REFUND: "R", Verb.PAYOUT: "P"}
_LAST_ATTEMPT = 999
_RACES = 20


@dataclass(frozen=True, slots=True)
class Fresh:
    """A new attempt, written down, and the right to send for it is ours."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Existing:
    """There is an attempt already; nothing was written."""

    operation: Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What an operation wants, before its attempt number is known.

    ``plan``: makes the steps once reference and time are fixed; runs inside the transaction, so it sees what the
    journal says, and may raise :class:`Invalid`. ``part``: the caller's own reference of a refund or capture;
    ``of``: the id of the operation that a cancel, capture or refund is about.
    """

    ref: str
    verb: Verb
    amount: Money
    plan: Callable[[Session, Slot], Plan]
    payee: str = ""
    part: str = ""
    of: str = ""
    method_digest: str = ""
    payable_until: datetime | None = None
    opens_debt: bool = False
    payer: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Who pays, for the audit trail where that records payers."""
    payer_digest: str = ""
    """The same as a keyed digest, where abnormal transactions are watched."""

    @property
    def base(self) -> str:
        """What the reference at the partner begins with."""
        return self.part or self.ref


class Invalid(Exception):
    """The request breaks a rule that only the journal can tell: more than is left, not paid, already cancelled."""


def partner_reference(base: str, verb: Verb, attempt: int) -> str:
    """The reference of one attempt at the partner: always four characters longer, so no two can be the same."""
    return f"{base}{_SUFFIX[verb]}{attempt:03d}"


def digest_of(*parts: object) -> str:
    """A short digest that tells methods and payees apart. Too short to find a secret by."""
    told = (repr(part.reveal() if isinstance(part, Secret) else part) for part in parts)
    return hashlib.sha256("\x1f".join(told).encode()).hexdigest()[:8]


def check_money(profile: Profile, ref: str, amount: Money) -> str | None:
    """Why the partner cannot take this reference or amount, ``None`` when it can."""
    if not profile.reference.fullmatch(ref):
        return f"{profile.partner} takes references that match {profile.reference.pattern}, got {ref!r}"
    if amount.currency not in profile.currencies:
        return f"{profile.partner} cannot charge {amount.currency}, only {', '.join(sorted(profile.currencies))}"
    if not profile.min_amount_minor <= amount.amount_minor <= profile.max_amount_minor:
        return f"{amount} is outside of what {profile.partner} takes in one payment"
    return None


def payable_until(profile: Profile, wanted: datetime | None, now: datetime) -> datetime:
    """The absolute instant after which an attempt may not be paid, in whole seconds. Raises :class:`InvalidIntent`."""
    until = wanted or now + timedelta(seconds=profile.default_life_s)
    if until <= now:
        raise InvalidIntent(f"payable_until {until.isoformat()} has passed")
    if until > now + timedelta(seconds=profile.max_life_s):
        raise InvalidIntent(f"{profile.partner} keeps an order open for at most {profile.max_life_s:.0f} seconds")
    return until.replace(microsecond=0)


def intend(
    setup: Setup, intent: Intent, deadline_s: float, *, started: bool = True
) -> Exchange[Fresh | Existing | NotSent | Unknown]:
    """Write a new attempt, or answer the one there is. Raises :class:`ReferenceConflict` before anything is sent.

    ``Unknown`` when the journal cannot be read: an attempt from before may have left.
    """
    now = yield from exchange.now()
    ttl_s = max(0.0, deadline_s - now.monotonic_s) + LEASE_MARGIN_S

    lease = Lease(setup.owner, ttl_s) if started else None
    taken = False
    tried: list[Fresh | Existing] = []
    unsure: Operation | None = None

    def write(session: Session) -> Fresh | Existing:
        tried.append(begin(setup, intent, session, now.utc, lease=lease, look_first=taken))
        return tried[-1]

    for _ in range(_RACES):
        try:
            begun = yield from exchange.record(f"intend {intent.verb.value}", write)
        except JournalConflict:
            taken = True
            continue  # another worker was first: read what it wrote
        except (Invalid, InvalidIntent, Held) as refusal:
            return (yield from _refused(refusal))
        except JournalError as error:
            if unsure is not None:
                break
            if isinstance(error, JournalUnsure) and isinstance(tried[-1], Fresh):
                unsure = tried[-1].operation
                continue  # look whether it is there
            return (yield from _unwritten(setup, intent, error))
        if isinstance(begun, Fresh) and setup.hears(OperationStarted):
            yield from exchange.emit(OperationStarted(**setup.about(begun.operation), verb=intent.verb))
        return begun
    if unsure is not None:  # where it is there, `resume` may send it: following it tells, or says that it cannot
        return Existing(unsure)
    return (yield from _unwritten(setup, intent, JournalConflict("other workers kept changing this debt")))


def _unwritten(setup: Setup, intent: Intent, error: JournalError) -> Exchange[Existing | NotSent | Unknown]:
    """The intent could not be written. That nothing was sent is told where the journal still shows that, only there."""
    work = f"intend {intent.verb.value}"

    def look(session: Session) -> Operation | None:
        debt = session.debt(intent.ref)
        if debt is not None and intent.opens_debt:
            _check_same(debt, intent)
        return _live(_attempts(session.operations(intent.ref), intent), intent)

    try:
        live = yield from exchange.load("sent before", look)
    except JournalError as unread:
        return (yield from unreadable(setup, work, f"{intent.ref}/{intent.verb.value}/{intent.part}/1", unread))
    if live is None:
        return (yield from refused_by_storage(setup, work, error))
    yield from storage_failed(setup, work, error)
    return Existing(live)


def _refused(refusal: Exception) -> Exchange[NotSent]:
    if isinstance(refusal, Held):
        return (yield from held_back(refusal))
    return not_sent(NotSentKind.INVALID, str(refusal))


def begin(
    setup: Setup, intent: Intent, session: Session, now: datetime, *, lease: Lease | None, look_first: bool = True
) -> Fresh | Existing:
    """The body of :func:`intend` inside a transaction. Raises what ``intent.plan`` raises, and :class:`Held`.

    ``lease``: the right to send, taken with the new attempt; ``None`` for one that is only prepared. ``look_first``:
    look whether the reference at the partner is taken, to say so in words; the journal refuses it in any case.
    """
    known = _check_debt(session, intent, now)
    operations = session.operations(intent.ref) if known else ()
    attempts = _attempts(operations, intent)
    live = _live(attempts, intent)
    if live is not None:
        return Existing(live)
    why = why_no_more(operations, attempts)
    if why is not None:
        raise Invalid(why)
    attempt = len(attempts) + 1
    if attempt > _LAST_ATTEMPT and intent.verb is not Verb.CANCEL:
        raise Invalid(f"{intent.base} was tried {_LAST_ATTEMPT} times; use a new reference")
    until = intent.payable_until
    if intent.opens_debt:
        until = payable_until(setup.profile, until, now)
    partner_ref = partner_reference(intent.base, intent.verb, attempt)
    _check_new(setup, intent, session if look_first else None, partner_ref)
    plan = intent.plan(session, Slot(partner_ref=partner_ref, now=now, payable_until=until or now))
    operation = Operation(
        id=f"{intent.ref}/{intent.verb.value}/{intent.part}/{attempt}",
        ref=intent.ref,
        verb=intent.verb,
        part=intent.part,
        of=intent.of or plan.of,
        attempt=attempt,
        partner=setup.adapter.partner,
        account=setup.adapter.account,
        partner_ref=partner_ref,
        identity=plan.identity,
        amount=intent.amount,
        payer=intent.payer_digest,
        method=plan.method,
        method_digest=intent.method_digest,
        ladder=plan.ladder,
        created_at=now,
        payable_until=plan.payable_until or until,
        expires=plan.expires,
        steps=plan.steps,
        library=setup.library,
        started=lease is not None,
        next_at=now,
    )
    if setup.watch is not None:
        screen(setup.watch, session, operation, now)
    detail = {"method": plan.method} if plan.method else {}
    session.add(operation, source="intent", detail=detail, now=now, lease=lease, personal=intent.payer)
    return Fresh(operation)


def _attempts(operations: Sequence[Operation], intent: Intent) -> Sequence[Operation]:
    """What was tried of it before, oldest first."""
    return [each for each in operations if each.verb is intent.verb and each.part == intent.part]


def _live(attempts: Sequence[Operation], intent: Intent) -> Operation | None:
    """The attempt that may yet come to something, or has. Raises :class:`ReferenceConflict` for another amount."""
    if not attempts:
        return None
    last = attempts[-1]
    if last.amount != intent.amount:
        raise ReferenceConflict(
            f"{intent.base} stands for {last.amount} already, now {intent.amount} was asked; "
            "nothing was sent. Use another reference for another amount"
        )
    return last if intent.of in ("", last.of) and not last.state.over else None


def _check_new(setup: Setup, intent: Intent, session: Session | None, partner_ref: str) -> None:
    """Whether a new attempt can be made at all: what the partner takes, and a reference that is nobody else's."""
    if intent.verb is Verb.CANCEL:
        return
    problem = check_money(setup.profile, intent.base, intent.amount)
    if problem is not None:
        raise Invalid(problem)
    taken = session.by_partner_ref(setup.adapter.account, partner_ref) if session is not None else ()
    if any(operation.verb is intent.verb for operation in taken):
        raise ReferenceConflict(
            f"{intent.base} is the {intent.verb.value} reference of another order already; nothing was sent. "
            "Use a new reference"
        )


def _check_debt(session: Session, intent: Intent, now: datetime) -> bool:
    """Whether the debt was there before; a new one has no operations, as each points to its debt."""
    if not intent.opens_debt:
        if session.debt(intent.ref) is None:
            raise Invalid(f"{intent.ref} is not in this journal: is it misspelt, or to be adopted?")
        return True
    debt = session.open_debt(
        Debt(ref=intent.ref, verb=intent.verb, amount=intent.amount, payee=intent.payee, created_at=now)
    )
    if debt is None:
        return False
    _check_same(debt, intent)
    return True


def _check_same(debt: Debt, intent: Intent) -> None:
    """Raises :class:`ReferenceConflict` when the reference stands for another debt."""
    asked = (intent.verb, intent.amount, intent.payee)
    if asked != (debt.verb, debt.amount, debt.payee):
        what = "payee" if asked[:2] == (debt.verb, debt.amount) else f"{intent.verb.value} of {intent.amount}"
        raise ReferenceConflict(
            f"{intent.ref} is a {debt.verb.value} of {debt.amount} already, now another {what} was asked; "
            "nothing was sent. One reference stands for one debt: use a new one"
        )
