"""Make sure that an attempt will not be paid: expire the link, cancel, or reverse what is paid.

Adyen only ever says that it received a cancel: no fence. Its webhook is one. A payment whose number is not known, its
answer having been lost, is cancelled by our own reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from payport.adapters.adyen.account import AdyenAccount
from payport.adapters.adyen.calls import Answer, Call, ask_adyen, key_of
from payport.adapters.adyen.mapping import LinkStatus
from payport.adapters.adyen.planning import HOST, LINK, LINK_WAY, PAYMENT_REF, PSP, WAY, amount_node, step_of
from payport.adapters.adyen.reading import (
    Unreadable,
    known,
    money,
    parsed,
    read_modification,
    refusal,
)
from payport.adapters.adyen.wire import AdyenLink, Modification
from payport.schemas.outcome import Reason, UnknownKind
from payport.schemas.payment import CancelledBy
from payport.sdk.adapter import Plan, Slot
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State
from payport.sdk.observation import Observation, Source, doubt

if TYPE_CHECKING:
    from payport.adapters.adyen.adapter import Adyen

IF_PAID = "if_paid"
"""Mark in a cancel's identity: what is to be done with a payment that came through."""
REFUSE = "refuse"
REVERSE = "reverse"
DONE = "done"
REFUSED = "refused"
ABSENT = "absent."
"""Begins the numbers under which a cancel keeps when Adyen said that it knows no such payment."""
HEARD = "heard."
"""Begins the numbers under which a payment keeps how a cancel by our reference ended, and when we heard of it."""
UNTIL = "until"
OPEN_END = "open_end"
EXPIRES = "expires"
PAID = "paid"


def plan_cancel(account: AdyenAccount, payment: Operation, slot: Slot, *, reverse_paid: bool) -> Plan:
    """One step, by how the attempt stands. The request carries our reference of the cancel: the webhook says it."""
    until = payment.payable_until or slot.payable_until
    notes = {
        PAYMENT_REF: payment.partner_ref,
        UNTIL: until.isoformat(),
        IF_PAID: REVERSE if reverse_paid else REFUSE,
        ABSENT: " ".join(_absences(payment)),
        "amount": f"{amount_node(payment.amount)['value']} {payment.amount.currency}",
    }
    if payment.expires:
        notes[EXPIRES] = "1"
    elif payment.state is not State.DOUBT:
        notes[OPEN_END] = "1"  # the payer was sent away with something that has no end on the wire
    ended = [how for how in _heard(payment) if datetime.fromisoformat(how.partition(" ")[0]) >= slot.now]
    if ended:
        notes[HEARD] = max(ended).partition(" ")[2]
    psp, body = payment.ids.get(PSP), {"merchantAccount": account.merchant_account, "reference": slot.partner_ref}
    paid, host = payment.state is State.SUCCEEDED, payment.identity.get(HOST, account.host)
    identity = {PAYMENT_REF: payment.partner_ref, IF_PAID: notes[IF_PAID]}
    if paid and (not reverse_paid or psp is None):
        call = _call(host, "payments.reversals", {}, notes | {PAID: "1"}, slot)
    elif paid and psp is not None:
        call = _call(host, "payments.reversals", body, notes, slot, psp=psp)
    elif payment.state is State.AUTHORIZED and psp is not None:
        call = _call(host, "payments.cancels", body, notes, slot, psp=psp)
    elif payment.identity.get(WAY) == LINK_WAY and LINK in payment.ids:
        call = _call(host, "paymentLinks.expire", {"status": "expired"}, notes, slot, link=payment.ids[LINK])
    else:
        call = _call(host, "cancels", {**body, "paymentReference": payment.partner_ref}, notes, slot)
    return Plan(steps=(step_of(call.name, call, slot.now),), identity=identity)


def _call(
    host: str, name: str, body: Mapping[str, object], notes: Mapping[str, str], slot: Slot, **numbers: str
) -> Call:
    key = key_of(str(body["merchantAccount"]), slot.partner_ref, name) if "merchantAccount" in body else None
    return Call(name=name, host=host, body=body, numbers=numbers, key=key, notes=notes)


def carry_out_cancel(adyen: Adyen, cancel: Operation, asked: Call, deadline_s: float) -> Exchange[Observation]:
    """Send the one step of a cancel."""
    if asked.notes.get(HEARD) == DONE:
        return Observation(state=State.SUCCEEDED, source=Source.NOTICE, cancelled_by=CancelledBy.CLOSED)
    if PAID in asked.notes:
        return _paid(asked, cancel)
    if asked.name == "paymentLinks.expire":
        return (yield from _expire(adyen, asked, deadline_s))
    absences = sorted({*_absences(cancel), *asked.notes.get(ABSENT, "").split()})
    if asked.name == "cancels" and absences:
        arrived = datetime.fromisoformat(asked.notes[UNTIL]) + timedelta(seconds=adyen.profile.settle_margin_s)
        if OPEN_END not in asked.notes and datetime.fromisoformat(absences[-1]) > arrived:
            # what was sent in its time has arrived, who was at the bank is back, and Adyen knew of no payment
            return Observation(state=State.SUCCEEDED, source=Source.NOTICE, cancelled_by=CancelledBy.EXPIRED)
        # what was absent then may have come since: another question needs another key
        asked = _asked_anew(asked, len(absences))
    answer = yield from ask_adyen(adyen, asked, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if not answer.ok:
        return refusal(asked, answer)
    try:
        told = read_modification(adyen.config, asked, parsed(Modification, answer.node))
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: {error}")
    ends = asked.name == "cancels" and EXPIRES in asked.notes and told.state is State.PENDING
    return replace(told, cancelled_by=CancelledBy.EXPIRED) if ends else told  # no fence yet: over by time at the latest


def _absences(operation: Operation) -> list[str]:
    """When Adyen said that it knows no such payment, as the webhooks left it on a cancel or on the payment itself."""
    return [when for name, when in operation.ids.items() if name.startswith(ABSENT)]


def _heard(payment: Operation) -> list[str]:
    return [how for name, how in payment.ids.items() if name.startswith(HEARD)]


def _asked_anew(asked: Call, times: int) -> Call:
    key = key_of(str(asked.body["merchantAccount"]), str(asked.body["reference"]), f"cancels.{times}")
    return Call(name=asked.name, host=asked.host, body=asked.body, key=key, notes=asked.notes)


def _paid(asked: Call, cancel: Operation) -> Observation:
    """Nothing is sent: cancelling at Adyen would undo a payment whose capture has not gone through yet.

    What was sent before it was paid may still do that: until its webhook came nobody is told that it failed. A link
    that is paid was not ended in time, and a cancel that was asked for when it was paid already never sent anything.
    """
    untold = asked.notes[IF_PAID] == REFUSE and HEARD not in asked.notes
    if untold and cancel.state is State.PENDING:
        return Observation(state=State.PENDING, source=Source.LOCAL, message="received by Adyen before it was paid")
    if untold and cancel.may_have_left and any(step.name in _TOLD_BY_WEBHOOK for step in cancel.steps):
        return doubt(Source.LOCAL, UnknownKind.NO_QUERY, "a cancel left before it was paid: its webhook tells")
    if asked.notes[IF_PAID] == REFUSE:
        return Observation(state=State.DECLINED, source=Source.LOCAL, reason=Reason.INVALID_STATE, message="it is paid")
    return doubt(Source.LOCAL, UnknownKind.NO_QUERY, _NO_NUMBER)


_TOLD_BY_WEBHOOK = ("cancels", "payments.cancels")
_NO_NUMBER = "it is paid, and Adyen's number of it comes with the webhook AUTHORISATION: only then it can be reversed"


def _expire(adyen: Adyen, asked: Call, deadline_s: float) -> Exchange[Observation]:
    """End a link. One that was used cannot be ended: then it says so itself."""
    answer = yield from ask_adyen(adyen, asked, deadline_s)
    if isinstance(answer, Observation):
        return answer
    if not answer.ok and answer.status in (400, 422) and not answer.transient:
        question = Call(name="paymentLinks.get", host=asked.host, numbers=asked.numbers)
        refused, answer = refusal(asked, answer), (yield from ask_adyen(adyen, question, deadline_s))
        if isinstance(answer, Observation):
            return answer
        if not answer.ok:
            return refused
    if not answer.ok:
        return refusal(asked, answer)
    try:
        return _how_the_link_stands(adyen.config, asked, answer)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{asked.name}: {error}")


def _how_the_link_stands(account: AdyenAccount, asked: Call, answer: Answer) -> Observation:
    link = parsed(AdyenLink, answer.node)
    if link.id != asked.numbers[LINK] or link.reference != asked.notes[PAYMENT_REF]:
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "reference: the answer is about another link")
    if link.merchant_account != account.merchant_account:
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "merchant: the answer is about another account's link")
    money(link.amount)
    if f"{link.amount.value} {link.amount.currency}" != asked.notes["amount"]:
        return doubt(Source.REPLY, UnknownKind.MISMATCH, "amount: the answer is about another amount")
    status = known(LinkStatus, link.status)
    match status:
        case LinkStatus.EXPIRED:
            return Observation(state=State.SUCCEEDED, source=Source.REPLY, cancelled_by=CancelledBy.CLOSED, native=link)
        case LinkStatus.PAID | LinkStatus.COMPLETED | LinkStatus.PAYMENT_PENDING:
            if asked.notes[IF_PAID] == REVERSE:
                return doubt(Source.LOCAL, UnknownKind.NO_QUERY, _NO_NUMBER)
            return Observation(
                state=State.DECLINED,
                source=Source.REPLY,
                reason=Reason.INVALID_STATE,
                partner_code=link.status,
                message="the link was used: the webhook AUTHORISATION tells whether it is paid",
            )
        case LinkStatus.ACTIVE:
            return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, "the link is still active after it was expired")
        case None:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"link status {link.status}")
        case _:
            assert_never(status)
