"""Stripe, as the conformance suite meets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from tests.support.forging import of_another_order

from payport.adapters.stripe import Stripe, StripeElements, StripePayee, StripePaymentMethod
from payport.adapters.stripe.simulator import StripeSimulator
from payport.schemas import (
    Authorized,
    Declined,
    HostedPage,
    MobileWeb,
    Money,
    Order,
    PayoutOrder,
    Pending,
    RawNotification,
    Succeeded,
)
from payport.sdk.testing import Fault
from payport.sdk.testing.conformance import Door, Payout, Subject, Way

UNREADABLE = frozenset({"Unknown unreadable"})
TELLS: Mapping[Fault, frozenset[str]] = {
    # Stripe signs nothing: a page in HTML with status 403 is somebody in between, and nothing that can be read
    Fault.UNSIGNED_ERROR: UNREADABLE,
    Fault.COMMIT_THEN_UNSIGNED_ERROR: UNREADABLE,
}
AT_ONCE = frozenset({Fault.SLOW_PROCESSING})
"""What is never accepted for later."""


def simulator(clock: Callable[[], datetime]) -> StripeSimulator:
    """With money to pay out."""
    partner = StripeSimulator(clock=clock)
    partner.fund(Money.of("10000.00", "EUR"))
    return partner


def card(number: str = "pm_card_visa") -> Callable[[StripeSimulator], StripePaymentMethod]:
    return lambda partner: StripePaymentMethod(payment_method=partner.payer.code(number))


def door(endpoint: str, *, cannot: frozenset[Fault] = frozenset(), gives: tuple[type, ...] = (Succeeded,)) -> Door:
    return Door(endpoint=endpoint, cannot=cannot, gives=gives, tells=TELLS)


def altered(name: str, value: object) -> Callable[[StripeSimulator, RawNotification], RawNotification]:
    """Genuinely signed, with one field changed."""
    return lambda partner, raw: partner.notices.altered(raw, {name: value})


CONFIRM = door("payment_intents.confirm")
CREATE = door("payment_intents.create", cannot=AT_ONCE)
PAGE = door("checkout.sessions.create", cannot=AT_ONCE)
CANCEL = door("payment_intents.cancel", cannot=AT_ONCE)

SUBJECT = Subject[StripeSimulator](
    name="stripe",
    simulator=simulator,
    adapter=lambda partner: Stripe(partner.account),
    order=Order(ref="SAMPLE01", amount=Money.of("12.34", "EUR"), subject="Tea"),
    part=Money.of("1.00", "EUR"),
    ways=[
        Way(name="card", method=card(), gives=Succeeded, door=CONFIRM),
        Way(name="card, made", method=card("pm_card_mastercard"), gives=Succeeded, door=CREATE),
        Way(
            name="card, no money", method=card("pm_card_chargeDeclinedInsufficientFunds"), gives=Declined, door=CONFIRM
        ),
        Way(
            name="bank debit",
            method=card("pm_usBankAccount_success"),
            gives=Pending,
            door=CONFIRM,
            confirm=lambda partner, _: partner.process(),
        ),
        Way(name="3-D Secure", method=card("pm_card_authenticationRequired"), door=CONFIRM, expires=False),
        Way(name="elements", method=lambda _: StripeElements(), door=CREATE, expires=False),
        Way(name="page", method=lambda _: HostedPage(), door=PAGE),
        Way(name="mobile page", method=lambda _: MobileWeb(quit_url="https://shop.example/basket"), door=PAGE),
        Way(name="hold", method=card(), gives=Authorized, hold=True, door=CONFIRM),
        Way(
            name="hold, 3-D Secure",
            method=card("pm_card_authenticationRequired"),
            hold=True,
            door=CONFIRM,
            expires=False,
        ),
        Way(name="hold, page", method=lambda _: HostedPage(), hold=True, door=PAGE),
    ],
    plays=frozenset(Fault) - {Fault.BAD_SIGNATURE, Fault.NO_SIGNATURE},
    refund=door("refunds.create"),
    capture=door("payment_intents.capture", cannot=AT_ONCE),
    close=CANCEL,
    reverse=door("refunds.create"),
    release=CANCEL,
    payout=Payout(
        order=PayoutOrder(ref="SAMPLE02", amount=Money.of("5.00", "EUR"), subject="To the bank"),
        payee=StripePayee(),
        door=door("payouts.create", gives=(Pending,)),
        done=frozenset({"paid"}),
    ),
    query="payment_intents.retrieve",
    adopts=True,
    forged={
        "unsigned": lambda partner, raw: partner.notices.unsigned(raw),
        "of another order": of_another_order,
        "of a connected account": altered("event", {"account": "acct_1Somebody"}),
        "of live mode": altered("event", {"livemode": True}),
        "too old": lambda partner, raw: partner.notices.signed(raw.body, age_s=301),
        "of the future": lambda partner, raw: partner.notices.signed(raw.body, age_s=-2_000),
    },
    misleading={"another amount": altered("amount", 1)},
    life_s=2400.0,
)
