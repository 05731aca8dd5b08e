"""Letting an order go that a rule had held: a person's decision, written down with his name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from payport.sdk.audit.record import Entry, What
from payport.sdk.errors import PayportError
from payport.sdk.events import OrderReleased
from payport.sdk.incidents.records import one_line
from payport.sdk.journal.session import Session
from payport.sdk.watch.holds import Hold

if TYPE_CHECKING:
    from payport.sdk.journal.store import Journal

MANY = 1000


class NotHeld(PayportError):
    """No order of this reference is held."""


def held_orders(journal: Journal) -> Sequence[Hold]:
    """The orders that are held, by their references, a thousand at most."""
    return journal.read(lambda session: session.operating.holds(MANY))


def release(journal: Journal, ref: str, by: str, at: datetime, note: str = "", *, actor: str = "") -> OrderReleased:
    """Let an order go: calling ``pay`` again for it, with the same amount, sends it. Answers the event to tell.

    ``by``: who looked and decided; ``actor``: who does it, for the audit trail, when that is another. Raises
    :class:`NotHeld` for an order that is not held, and ``ValueError`` without a name.
    """
    name = one_line(by)
    if not name:
        raise ValueError("say who lets it go: a name that colleagues know")

    def write(session: Session) -> Hold:
        hold = session.operating.hold(ref)
        if hold is None or hold.released:
            gone = "" if hold is None else f": {hold.released_by} let it go at {hold.released_at:%Y-%m-%d %H:%M} UTC"
            raise NotHeld(f"{ref} is not held{gone}; payport watch held shows what is")
        released = replace(hold, released_at=at, released_by=name, note=one_line(note))
        session.operating.keep_hold(released)
        session.note(
            Entry(
                what=What.ORDER_RELEASED,
                result="released",
                at=at,
                ref=ref,
                partner=hold.partner,
                account=hold.account,
                detail={"rule": hold.rule, "amount": str(hold.amount), "by": name, "note": released.note},
                who=actor or name,
            )
        )
        return released

    hold = journal.write(write)
    return OrderReleased(partner=hold.partner, account=hold.account, ref=ref, by=name, note=hold.note)
