"""What the journal's states mean, in words, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import assert_never

from payport.schemas.payment import CancelledBy, FactKind
from payport.sdk.audit.record import Record, What
from payport.sdk.journal.records import Notice, Operation, State, Transition, Verb

_INTENDED: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.PAY: "the attempt to pay was written down, before anything was sent",
        Verb.CAPTURE: "the capture was written down, before anything was sent",
        Verb.CANCEL: "the cancel was written down, before anything was sent",
        Verb.REFUND: "the refund was written down, before anything was sent",
        Verb.PAYOUT: "the payout was written down, before anything was sent",
    }
)
_DONE: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.PAY: "paid, and order, amount and merchant match",
        Verb.CAPTURE: "the held money was taken",
        Verb.CANCEL: "it is certain that this attempt will not be paid",
        Verb.REFUND: "the money was given back",
        Verb.PAYOUT: "the money was sent",
    }
)
_HELD_AGAIN = "the capture was undone and the hold is in force again: cancel the order to release it, or capture anew"
_REFUSED: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.PAY: "nothing more can be paid under this attempt",
        Verb.CAPTURE: "the partner refused the capture",
        Verb.CANCEL: "the partner refused to cancel",
        Verb.REFUND: "the partner refused the refund",
        Verb.PAYOUT: "the partner refused the payout",
    }
)
_FACTS: Mapping[FactKind, str] = MappingProxyType(
    {
        FactKind.REFUNDED: "money was given back",
        FactKind.REFUND_BOUNCED: "a refund came back: give the money another way",
        FactKind.CAPTURE_REVERSED: "the capture was reversed: the money is not yours",
        FactKind.TRANSFER_RETURNED: "the transfer came back: the payee does not have it",
        FactKind.SURPLUS_PAID: "paid although it had been closed: refund the surplus",
        FactKind.RELEASED: "what was left of the hold went back to the payer",
        FactKind.DISPUTED: "the payer disputes it: answer the partner in time",
        FactKind.CONTRADICTED: "the partner's word changed after it was final: compare with its console",
        FactKind.FLAGGED: "the partner says that its books may not agree yet: look at it when reconciling",
    }
)
_HARMLESS = frozenset({FactKind.REFUNDED, FactKind.RELEASED})
_CANCELLED: Mapping[CancelledBy, str] = MappingProxyType(
    {
        CancelledBy.NOTHING_SENT: "nothing of it had been sent",
        CancelledBy.CLOSED: "the partner closed it unpaid",
        CancelledBy.VOIDED: "the hold was released",
        CancelledBy.REVERSED: "it had been paid, and the money was given back",
        CancelledBy.EXPIRED: "its time to be paid was over",
    }
)

_RECORDED: Mapping[str, str] = MappingProxyType(
    {
        What.ORDER_HELD: "held the order back",
        What.ORDER_RELEASED: "let the order go",
        What.EXPORTED: "was shown what the audit trail tells of the order",
        What.ERASED: "made what was kept of the payer unreadable",
    }
)


def meaning(transition: Transition, before: Transition | None) -> str:
    """One transition in words. ``before``: the same operation's last one."""
    detail = transition.detail
    if before is None:
        method = f" ({detail['method']})" if "method" in detail else ""
        return _INTENDED[transition.verb] + method
    if "facts" in detail:
        return "; ".join(_FACTS[FactKind(name)] for name in detail["facts"].split(","))
    if "taken_by" in detail:
        return "another process took over; what the first one sent may have arrived"
    if "started" in detail:
        return "the prepared request is now being sent"
    if "repeated" in detail:
        return "the same request is sent once more"
    if "person" in detail:
        return f"asking has come to its end: {detail['person']}"
    because = _because(detail)
    if transition.state is before.state and not because:
        return f"asked, nothing new: {_standing(transition.state, transition.verb)}"
    return _standing(transition.state, transition.verb) + because


def _because(detail: Mapping[str, str]) -> str:
    words = [detail[name] for name in ("unknown", "not_sent", "reason", "cancelled_by") if name in detail]
    if "code" in detail:
        words.append(f"the partner's code is {detail['code']}")
    return f" ({'; '.join(words)})" if words else ""


def _standing(state: State, verb: Verb) -> str:
    match state:
        case State.DOUBT:
            return "it may have happened: no authentic answer yet"
        case State.ACTION:
            return "the payer was given something to pay with"
        case State.PENDING if verb is Verb.CANCEL:
            return "it is not closed: what was handed out may be paid until its time is over"
        case State.PENDING:
            return "the partner has accepted it and not decided yet"
        case State.AUTHORIZED:
            return "the money is held"
        case State.NOT_SENT:
            return "nothing was sent, so nothing can have happened"
        case State.DECLINED:
            return _REFUSED[verb]
        case State.SUCCEEDED:
            return _DONE[verb]
    assert_never(state)


def notice_meaning(notice: Notice) -> str:
    """A notification in words: the partner's own word, never the payer's data."""
    applied = "applied" if notice.applied else "kept, not applied"
    amount = f", {notice.event.amount}" if notice.event.amount else ""
    return f"the partner told us {notice.event.status}{amount}; genuine, {applied}"


def record_meaning(record: Record) -> str | None:
    """A record of the audit trail in words; ``None`` for what is told elsewhere, and what is not about an order."""
    words = _RECORDED.get(record.what)
    if words is None:
        return None
    detail = ", ".join(f"{name} {value}" for name, value in record.detail.items())
    return f"{record.who} {words}" + (f" ({detail})" if detail else "")


def advice(operations: Sequence[Operation]) -> Iterator[str]:
    """How the debt stands, and what to do next: the newest attempt, what came after it, what wants a person."""
    main = [operation for operation in operations if operation.verb in (Verb.PAY, Verb.PAYOUT)]
    for operation in main[-1:]:
        yield f"Now: {_standing(operation.state, operation.verb)}."
        yield f"Next: {_next(operation)}."
    for operation in operations:
        if operation not in main and operation.state is State.SUCCEEDED:
            how = _CANCELLED[operation.cancelled_by] if operation.cancelled_by else _DONE[operation.verb]
            how = _HELD_AGAIN if operation.restores_hold else how
            yield f"Since: {operation.id} of {operation.amount}: {how}."
        if operation not in main[-1:] and not operation.state.final:
            yield f"Open: {operation.id}: {_next(operation)}."
        for fact in operation.facts:
            if fact.kind not in _HARMLESS:
                yield f"Look: {operation.id}: {_FACTS[fact.kind]}."


def _next(operation: Operation) -> str:
    if operation.for_person and not operation.state.final:
        return f"a person must look: {operation.for_person}"
    match operation.state:
        case State.DOUBT:
            return "do not charge this another way; payport resume asks the partner and settles it"
        case State.ACTION:
            until = f"{operation.payable_until:%Y-%m-%d %H:%M:%S}" if operation.payable_until else "its end"
            return f"wait for the payer until {until} UTC, or cancel it; a notice or payport resume settles it"
        case State.PENDING if operation.verb is Verb.CANCEL and operation.payable_until is not None:
            return f"wait until {operation.payable_until:%Y-%m-%d %H:%M:%S} UTC; after that payport resume settles it"
        case State.PENDING:
            return "wait; a notice or payport resume settles it"
        case State.AUTHORIZED:
            return "capture it, or cancel it to release the money"
        case State.NOT_SENT | State.DECLINED:
            return "nothing is open; asking again under the same reference is safe"
        case State.SUCCEEDED:
            return "nothing is open"
    assert_never(operation.state)
