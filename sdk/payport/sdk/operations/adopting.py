"""Prepare and adopt: intents that enter the journal by another door than ``pay``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from payport.schemas.order import Order
from payport.schemas.outcome import NotSent, NotSentKind, PayOutcome
from payport.schemas.references import PartnerId, check_reference
from payport.sdk import exchange
from payport.sdk.adapter import InvalidIntent, SupportsAdopt, SupportsPay
from payport.sdk.checks import check_argument
from payport.sdk.errors import ConfigurationError, JournalConflict, JournalError, ReferenceConflict
from payport.sdk.events import SdkEvent
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Debt, Operation, Verb
from payport.sdk.journal.session import Session
from payport.sdk.message import Purpose
from payport.sdk.operations.intending import Invalid, begin
from payport.sdk.operations.judging import judged
from payport.sdk.operations.learning import learn, unreadable
from payport.sdk.operations.paying import pay_intent
from payport.sdk.operations.screening import Held, answer, keep, told
from payport.sdk.operations.setup import Setup
from payport.sdk.outcomes import not_sent, pay_outcome

MethodT = TypeVar("MethodT")
NativeT = TypeVar("NativeT")


def prepare(
    setup: Setup,
    adapter: SupportsPay[MethodT, NativeT],
    order: Order,
    method: MethodT,
    session: Session,
    now: datetime,
    *,
    sealed: bool,
    tell: Callable[[SdkEvent], object],
) -> str | NotSent:
    """Write the intent inside the application's own transaction; answers the operation's id.

    Nothing is sent: ``resume`` does it once the application has committed. Without a sealing key the request could
    not be kept, so that raises :class:`payport.sdk.ConfigurationError`. ``tell``: who hears when it is held back.
    """
    if not sealed:
        raise ConfigurationError(
            "prepare keeps the whole request until resume sends it, so the journal needs a sealing key: "
            "open it with Journal.open(url, sealing_key=...)"
        )
    intent = pay_intent(setup, adapter, order, method)
    try:
        # the application may commit all the same: what is refused leaves no debt behind that fixes the amount
        begun = session.whole(partial(begin, setup, intent, session, now, lease=None))
    except (Invalid, InvalidIntent) as error:
        return not_sent(NotSentKind.INVALID, str(error))
    except Held as held:
        if held.first:
            keep(session, held.hold)
            tell(told(held.hold))
        return answer(held.hold)
    return begun.operation.id


def adopt(
    setup: Setup,
    adapter: SupportsAdopt[NativeT],
    ref: str,
    partner_id: PartnerId,
    deadline_s: float,
) -> Exchange[PayOutcome[NativeT]]:
    """Take over a payment that this journal never saw: ask the partner by its own number, then write what it says.

    ``ref`` becomes the debt's reference here. Raises :class:`payport.sdk.ReferenceConflict` when it is taken.
    """
    check_reference(ref)
    check_argument("partner_id", partner_id, PartnerId, "a PartnerId, the partner's own number")
    found = yield from judged(setup, None, adapter.find(partner_id, deadline_s), Purpose.ASK)
    observation = found.observation
    if found.partner_ref is None or observation.amount is None:
        detail = str(observation.unknown or observation.not_sent or "the partner does not know this number")
        return not_sent(NotSentKind.INVALID, f"nothing was adopted: {detail}")
    now = (yield from exchange.now()).utc
    operation = Operation(
        id=f"{ref}/{Verb.PAY.value}//1",
        ref=ref,
        verb=Verb.PAY,
        partner=adapter.partner,
        account=adapter.account,
        partner_ref=found.partner_ref,
        amount=observation.amount,
        method="adopted",
        created_at=now,
        # nobody here knows until when it may be paid: as long as the partner keeps any order open
        payable_until=now + timedelta(seconds=setup.profile.max_life_s),
        library=setup.library,
        may_have_left=True,
        next_at=now,
    )

    def write(session: Session) -> Operation:
        debt = Debt(ref=ref, verb=Verb.PAY, amount=operation.amount, payee="", created_at=now)
        if session.open_debt(debt) is not None:
            raise ReferenceConflict(f"{ref} is in this journal already; nothing was changed")
        if session.by_partner_ref(adapter.account, operation.partner_ref):
            raise ReferenceConflict(f"{partner_id} is in this journal already, under another reference")
        session.add(operation, source="intent", detail={"adopted": str(partner_id)}, now=now)
        return operation

    try:
        try:
            yield from exchange.record("adopt", write)
        except JournalConflict:  # another worker was first: now it is found
            yield from exchange.record("adopt", write)
    except JournalError as error:
        return (yield from unreadable(setup, "adopt", operation.id, error))
    adopted = (yield from learn(setup, operation, observation)).after
    return pay_outcome(adopted, setup.profile, adapter.native_payment(observation.native))
