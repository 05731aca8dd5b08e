"""Holding back what a rule on abnormal transactions finds: before anything is sent, and until a person lets it go."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from payport.schemas.order import Payer
from payport.schemas.outcome import NotSent, NotSentKind
from payport.sdk import exchange
from payport.sdk.audit.record import Entry
from payport.sdk.audit.record import What as Recorded
from payport.sdk.errors import JournalError
from payport.sdk.events import OrderHeld
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, Verb
from payport.sdk.journal.session import Session
from payport.sdk.outcomes import not_sent
from payport.sdk.watch.holds import Hold
from payport.sdk.watch.moves import Moved, What

ORDERED = {Verb.PAY: What.ORDERED, Verb.PAYOUT: What.PAID_OUT}
"""What a new attempt is to a rule, by the verb that opens a debt."""


class TransactionWatch(Protocol):
    """What a gateway asks of the watch on abnormal transactions; see :class:`payport.sdk.watch.Watch`."""

    @property
    def holds(self) -> bool:
        """Whether any rule may hold a payment back."""
        ...

    def payer(self, partner: str, payer: Payer) -> str:
        """Who pays, as a keyed digest; empty when nobody knows or nobody asks."""
        ...

    def screen(self, wanted: Moved) -> tuple[str, str] | None:
        """The rule that holds this back, and why; ``None`` when none does, and it counts as done."""
        ...


class Held(Exception):
    """Raised inside the transaction that would have written the intent. ``first``: it was not held before."""

    def __init__(self, hold: Hold, *, first: bool) -> None:
        super().__init__(hold.reason)
        self.hold = hold
        self.first = first


def screen(watch: TransactionWatch, session: Session, attempt: Operation, now: datetime) -> None:
    """Raise :class:`Held` when a rule holds this new attempt back, or held its order before and nobody let it go."""
    what = ORDERED.get(attempt.verb)
    if what is None or not watch.holds:
        return
    known = session.operating.hold(attempt.ref)
    if known is not None and known.lets(attempt.amount):
        return
    if known is not None and not known.released:
        raise Held(known, first=False)
    wanted = Moved(
        what=what,
        at=now,
        partner=attempt.partner,
        account=attempt.account,
        ref=attempt.ref,
        operation=attempt.id,
        amount=attempt.amount,
        payer=attempt.payer,
    )
    found = watch.screen(wanted)
    if found is not None:
        rule, reason = found
        hold = Hold(
            ref=attempt.ref,
            partner=attempt.partner,
            account=attempt.account,
            amount=attempt.amount,
            payer=attempt.payer,
            rule=rule,
            reason=reason,
            held_at=now,
        )
        raise Held(hold, first=True)


def held_back(held: Held) -> Exchange[NotSent]:
    """Write down that an order is held, tell it, and answer ``NotSent(held)``: nothing was sent either way."""
    hold = held.hold
    if held.first:
        try:
            yield from exchange.record("hold", lambda session: keep(session, hold))
        except JournalError as error:
            return not_sent(NotSentKind.STORAGE, f"a rule holds it, which could not be written down: {error}")
        yield from exchange.emit(told(hold))
    return answer(hold)


def keep(session: Session, hold: Hold) -> None:
    """Write it down, in the audit trail too."""
    session.operating.keep_hold(hold)
    session.note(
        Entry(
            what=Recorded.ORDER_HELD,
            result="held",
            at=hold.held_at,
            ref=hold.ref,
            partner=hold.partner,
            account=hold.account,
            detail={"rule": hold.rule, "reason": hold.reason, "amount": str(hold.amount)},
        )
    )


def told(hold: Hold) -> OrderHeld:
    """The event of it."""
    return OrderHeld(partner=hold.partner, account=hold.account, ref=hold.ref, rule=hold.rule, reason=hold.reason)


def answer(hold: Hold) -> NotSent:
    """What the caller is told."""
    return not_sent(
        NotSentKind.HELD,
        f"rule {hold.rule} holds {hold.ref}: {hold.reason}. Nothing was sent; a person who has looked lets it go with "
        f"payport watch release {hold.ref} --by NAME",
    )
