"""Pay: make sure this debt has one live attempt, and tell how it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from payport.schemas.order import CaptureMode, CompletionMode, Order
from payport.schemas.outcome import NotSent, NotSentCause, NotSentKind, PayOutcome, Unknown
from payport.sdk.adapter import Plan, Slot, SupportsPay
from payport.sdk.checks import check_argument
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.journal.session import Session
from payport.sdk.observation import Observation, Source
from payport.sdk.operations.cancelling import fence
from payport.sdk.operations.carrying import carry_out
from payport.sdk.operations.extending import AUTOMATIC, can_complete
from payport.sdk.operations.following import follow, newest, stay
from payport.sdk.operations.intending import Existing, Intent, digest_of, intend
from payport.sdk.operations.learning import learn, release
from payport.sdk.operations.leasing import take
from payport.sdk.operations.resolver import resolve
from payport.sdk.operations.setup import Setup
from payport.sdk.outcomes import pay_outcome

MethodT = TypeVar("MethodT")
NativeT = TypeVar("NativeT")


def pay_intent(setup: Setup, adapter: SupportsPay[MethodT, NativeT], order: Order, method: MethodT) -> Intent:
    """What paying this order by this method wants."""
    check_argument("order", order, Order, "an Order")
    automatic = order.complete is CompletionMode.AUTOMATIC and can_complete(adapter)

    def plan(_: Session, slot: Slot) -> Plan:
        planned = adapter.plan_pay(order, method, slot)
        return replace(planned, identity={**planned.identity, AUTOMATIC: "1"}) if automatic else planned

    return Intent(
        ref=order.ref,
        verb=Verb.PAY,
        amount=order.amount,
        plan=plan,
        method_digest=method_digest(method, order.capture),
        payable_until=order.payable_until,
        opens_debt=True,
        payer=_payer(order),
        payer_digest="" if setup.watch is None else setup.watch.payer(adapter.partner, order.payer),
    )


def _payer(order: Order) -> dict[str, str]:
    told = {"id": order.payer.id, "ip": order.payer.ip, "email": order.payer.email}
    return {name: value for name, value in told.items() if value}


def method_digest(method: object, capture: CaptureMode) -> str:
    """Tells one way of paying from another, a new scanned code and a hold included, without holding the code."""
    values = [getattr(method, name) for name in getattr(method, "__dataclass_fields__", {})]
    return digest_of(type(method).__name__, capture.value, *values)


def pay(
    setup: Setup, adapter: SupportsPay[MethodT, NativeT], order: Order, method: MethodT, deadline_s: float
) -> Exchange[PayOutcome[NativeT]]:
    """The outcome of the debt's live attempt, opening the first or the next one when there is none."""
    intent = pay_intent(setup, adapter, order, method)
    begun = yield from intend(setup, intent, deadline_s)
    if isinstance(begun, Existing):
        live = yield from _fence_other_method(setup, begun.operation, intent, deadline_s)
        begun = (yield from intend(setup, intent, deadline_s)) if live.state.over else Existing(live)
    if isinstance(begun, NotSent | Unknown):
        return begun
    if isinstance(begun, Existing):
        carried = yield from follow(setup, begun.operation, deadline_s)
    else:
        inline = setup.ladder(begun.operation).inline
        carried = yield from carry_out(setup, begun.operation, deadline_s, release=not inline)
        if inline:
            carried = yield from stay(setup, carried, deadline_s)
    carried = yield from newest(setup, carried, deadline_s)
    return pay_outcome(carried.operation, setup.profile, adapter.native_payment(carried.native))


def _fence_other_method(setup: Setup, live: Operation, intent: Intent, deadline_s: float) -> Exchange[Operation]:
    """Close the live attempt when it is for another method; as it stands then: when over, a new one may be opened."""
    if live.state.final or live.method_digest == intent.method_digest or live.account != setup.adapter.account:
        return live
    try:
        taken = yield from take(setup, live, deadline_s)
        return live if taken is None else (yield from _end(setup, taken, deadline_s))
    except JournalError:
        return live  # what is live stays live: following it tells that the storage failed


def _end(setup: Setup, operation: Operation, deadline_s: float) -> Exchange[Operation]:
    """Ask about an attempt, and close it when it is open. One that was only prepared needs no more than a word."""
    if not operation.started:
        cause = NotSentCause(NotSentKind.INVALID, "another way of paying was asked for before this one was sent")
        unsent = Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause)
        return (yield from learn(setup, operation, unsent, release=True)).after
    operation = (yield from resolve(setup, operation, deadline_s)).operation
    if not operation.state.final:
        operation = yield from fence(setup, operation, deadline_s)
    yield from release(setup, operation)
    return operation
