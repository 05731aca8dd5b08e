"""Which events are trouble: one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from payport.schemas.events import RejectedKind
from payport.sdk.events import (
    ForPerson,
    Mismatch,
    NoticeRejected,
    OrderHeld,
    OrderReleased,
    SdkEvent,
    SignatureFailed,
    StorageFailed,
    Surplus,
)
from payport.sdk.incidents import kinds
from payport.sdk.incidents.budgets import Budgets, Targets
from payport.sdk.incidents.detecting import AtOnce, Detector, Ends, Rising
from payport.sdk.incidents.kinds import BREAKER_OPEN, LIMITS_DEGRADED

_NOTICE = "notice"
"""What adapters call the endpoint of what arrived by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on something is trouble.

    ``signature_failures`` replies that are not authentic within ``within_s`` seconds; ``forged_notices`` notifications,
    more of them, because anybody can post to their address. ``storage_quiet_s``: the journal works again when it has
    not failed for so long. ``budgets``: the targets of partners; ``None``: they are not watched, and the events of
    calls that go well need not be made.
    """

    signature_failures: int = 3
    forged_notices: int = 20
    refusals: int = 5
    within_s: float = 300.0
    storage_quiet_s: float = 120.0
    budgets: Targets | None = field(default_factory=Targets)


def usual_detectors(thresholds: Thresholds) -> tuple[Detector, ...]:
    """What is listened to unless it is said otherwise. Each call makes new ones: they remember what they heard."""
    few, many, within_s = thresholds.signature_failures, thresholds.forged_notices, thresholds.within_s
    usual: tuple[Detector, ...] = (
        AtOnce(event=OrderHeld, kind=kinds.ABNORMAL_TRANSACTION, about=_held, say=_order_held),
        Ends(event=OrderReleased, kind=kinds.ABNORMAL_TRANSACTION, about=_held, why=_let_go),
        AtOnce(event=Mismatch, kind=kinds.MISMATCH, about=lambda event: event.operation, say=_mismatch),
        AtOnce(event=Surplus, kind=kinds.SURPLUS_PAYMENT, about=lambda event: event.operation, say=_surplus),
        AtOnce(event=ForPerson, kind=kinds.OPERATION_FOR_PERSON, about=lambda event: event.operation, say=_for_person),
        Rising(
            event=StorageFailed, kind=kinds.STORAGE_FAILED, least=1, within_s=thresholds.storage_quiet_s,
            about=lambda _: "journal", say=_storage,
        ),
        Rising(
            event=SignatureFailed, kind=kinds.SIGNATURE_FAILURES, least=few, within_s=within_s,
            which=lambda event: event.endpoint != _NOTICE, say=_signatures,
        ),
        Rising(
            event=NoticeRejected, kind=kinds.FORGED_NOTICES, least=many, within_s=within_s,
            which=lambda event: event.kind in _FORGED, say=_notices,
        ),
        *_named("breaker.opened", lambda kind: AtOnce(event=kind, kind=BREAKER_OPEN, about=_guarded, say=_breaker)),
        *_named("breaker.closed", lambda kind: Ends(event=kind, kind=BREAKER_OPEN, about=_guarded, why=_again)),
        *_named("limits.lost", lambda kind: AtOnce(event=kind, kind=LIMITS_DEGRADED, about=_place, say=_limits)),
        *_named("limits.back", lambda kind: Ends(event=kind, kind=LIMITS_DEGRADED, about=_place, why=_again)),
        *_named(
            "permission.refused",
            lambda kind: Rising(
                event=kind, kind=kinds.PERMISSION_REFUSED, least=thresholds.refusals, within_s=within_s,
                about=lambda refused: f"{_of(refused, 'account')}/{_of(refused, 'actor')}", say=_refused,
            ),
        ),
    )  # fmt: skip
    return usual if thresholds.budgets is None else (*usual, Budgets(targets=thresholds.budgets))


def _named(name: str, make: Callable[[type[SdkEvent]], Detector]) -> tuple[Detector, ...]:
    """A detector over an event that is known by its stable name alone: of a part that this one does not lean on."""
    return tuple(make(kind) for kind in known_events() if kind.name == name)


def known_events() -> Iterator[type[SdkEvent]]:
    """Every event that has a name."""
    found: dict[str, type[SdkEvent]] = {}
    waiting = [SdkEvent]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        place = f"{kind.__module__}.{kind.__qualname__}"
        # a dataclass with slots is made anew, and the class that it was made from lingers
        if hasattr(kind, "name") and (place not in found or "__slots__" in vars(kind)):
            found[place] = kind
    yield from found.values()


def _of(event: SdkEvent, name: str) -> str:
    return str(event.plain().get(name, ""))


def _guarded(event: SdkEvent) -> str:
    return f"{_of(event, 'account')}/{_of(event, 'operations')}"


def _place(event: SdkEvent) -> str:
    return _of(event, "place")


def _breaker(event: SdkEvent) -> str:
    return (
        f"{_of(event, 'failures')} of {_of(event, 'calls')} calls to {_of(event, 'account')} failed, so it is left "
        f"alone ({_of(event, 'operations')}): payments answer NotSent(breaker_open)"
    )


def _again(event: SdkEvent) -> str:
    return f"told by {event.name}"


def _limits(event: SdkEvent) -> str:
    return (
        f"{_of(event, 'place')} does not answer ({_of(event, 'error')}): "
        "each process keeps to a stricter call limit of its own"
    )


def _refused(event: SdkEvent) -> str:
    who = _of(event, "actor") or "somebody without a name"
    return f"{who} was refused {_of(event, 'verb')} at {_of(event, 'account')}"


_FORGED = frozenset({RejectedKind.UNSIGNED, RejectedKind.BAD_SIGNATURE, RejectedKind.STALE, RejectedKind.WRONG_ACCOUNT})


def _mismatch(event: Mismatch) -> str:
    return f"{event.partner} answered about {event.ref} with another {event.field}; it counts as unknown, not as paid"


def _surplus(event: Surplus) -> str:
    amount = "an amount that it did not state" if event.amount is None else str(event.amount)
    return f"{event.ref} was paid once more at {event.partner}: {amount} to give back"


def _held(event: OrderHeld | OrderReleased) -> str:
    return f"held/{event.ref}"


def _order_held(event: OrderHeld) -> str:
    return f"{event.ref} is held, nothing was sent: {event.rule}: {event.reason}"


def _let_go(event: OrderReleased) -> str:
    return f"let go by {event.by}"


def _for_person(event: ForPerson) -> str:
    return f"{event.operation}: {event.reason}"


def _storage(event: StorageFailed) -> str:
    return f"the journal could not be used to {event.work} ({event.error}): payments answer NotSent or Unknown(storage)"


def _signatures(event: SignatureFailed) -> str:
    return f"replies of {event.account} to {event.endpoint} are not authentic: a wrong key, or somebody in between"


def _notices(event: NoticeRejected) -> str:
    return f"notifications for {event.account} are refused ({event.kind.value}): a wrong key, or somebody forges them"
