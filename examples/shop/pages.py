"""The pages, as plain HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import assert_never

import segno

from payport.schemas import (
    ActionRequired,
    AppParameters,
    Authorized,
    Declined,
    NotSent,
    Pending,
    PostForm,
    QrCode,
    Redirect,
    Succeeded,
    Unknown,
)
from payport.schemas.outcome import PayOutcome

STYLE = "body{font:18px system-ui;max-width:34em;margin:3em auto;padding:0 1em}button{font:inherit;padding:.4em 1.2em}"


def page(title: str, body: str, *, refresh: bool = False) -> str:
    """A whole page; ``refresh``: looked at again every second."""
    again = '<meta http-equiv="refresh" content="1">' if refresh else ""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>{again}'
    return f"<!doctype html><html><head>{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>"


def front(partners: Mapping[str, str]) -> str:
    """The tea, and a button for each partner."""
    buttons = "".join(
        f'<p><button name="partner" value="{escape(name)}">Pay with {escape(title)}</button></p>'
        for name, title in partners.items()
    )
    return page("Tea", f'<p>One bag, 12.34.</p><form method="post" action="/orders">{buttons}</form>')


def checkout(ref: str, action: QrCode | AppParameters, cashier: str) -> str:
    """What the payer must do, where no redirect does it. The simulator's own page plays the phone."""
    phone = f'<p><a id="phone" href="{escape(cashier)}">The payer\'s phone</a></p>'
    watch = f'<p><a id="order" href="/orders/{escape(ref)}">My order</a></p>'
    match action:
        case QrCode(text=text):
            return page("Scan to pay", segno.make_qr(text).svg_inline(scale=5) + phone + watch)
        case AppParameters():
            return page("Pay in the app", phone + watch)


def status(ref: str, outcome: PayOutcome[object]) -> str:
    """How an order stands."""
    match outcome:
        case Succeeded(value=payment):
            return page("Paid", f'<p id="state">{escape(ref)}: paid, {escape(str(payment.amount))}</p>')
        case Authorized():
            return page("Held", f'<p id="state">{escape(ref)}: the money is held</p>')
        case Declined(reason=reason):
            return page("Not paid", f'<p id="state">{escape(ref)}: declined, {reason.value}</p>')
        case NotSent(cause=cause):
            return page("Not paid", f'<p id="state">{escape(ref)}: try again ({escape(str(cause))})</p>')
        case ActionRequired(action=Redirect() | PostForm() | QrCode() | AppParameters()):
            return page("Waiting for you", f'<p id="state">{escape(ref)}: not paid yet</p>', refresh=True)
        case Pending() | Unknown():
            return page("One moment", f'<p id="state">{escape(ref)}: being settled</p>', refresh=True)
        case _:
            assert_never(outcome)
