"""Adyen, as the conformance suite meets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from tests.support.forging import of_another_order

from payport.adapters.adyen import Adyen, AdyenPaymentMethod, AdyenSession
from payport.adapters.adyen.simulator import CHALLENGED_CARD, PLAYED, AdyenSimulator, Visit
from payport.schemas import (
    Authorized,
    Declined,
    HostedPage,
    MobileWeb,
    Money,
    Order,
    Pending,
    RawNotification,
    Succeeded,
)
from payport.sdk.message import WireRequest
from payport.sdk.testing import Fault
from payport.sdk.testing.conformance import Closes, Door, Subject, Way

UNREADABLE = frozenset({"Unknown unreadable"})
TELLS: Mapping[Fault, frozenset[str]] = {
    # Adyen signs nothing: a page in HTML with status 403 is somebody in between, and nothing that can be read
    Fault.UNSIGNED_ERROR: UNREADABLE,
    Fault.COMMIT_THEN_UNSIGNED_ERROR: UNREADABLE,
}
AT_ONCE = frozenset({Fault.SLOW_PROCESSING})
"""What is never accepted for later."""
NO_AMOUNT = frozenset({Fault.WRONG_AMOUNT})
"""What says no amount."""


def card(number: str | None = None, **more: str) -> Callable[[AdyenSimulator], AdyenPaymentMethod]:
    def method(partner: AdyenSimulator) -> AdyenPaymentMethod:
        code = partner.payer.code() if number is None else partner.payer.code(number)
        return AdyenPaymentMethod(data={**code, **more})

    return method


def other(kind: str) -> Callable[[AdyenSimulator], AdyenPaymentMethod]:
    return lambda _: AdyenPaymentMethod(data={"type": kind})


def door(endpoint: str, *, cannot: frozenset[Fault] = frozenset(), gives: tuple[type, ...] = (Succeeded,)) -> Door:
    return Door(endpoint=endpoint, cannot=cannot, gives=gives, tells=TELLS)


def asks(request: WireRequest) -> object:
    """Everything, and what a repetition is recognised by."""
    return request.method, request.url, request.content, request.headers.get("idempotency-key")


def came_back(_: AdyenSimulator, visit: object) -> Mapping[str, str]:
    """What the browser brings along."""
    assert isinstance(visit, Visit)
    return visit.returned


def altered(name: str, value: object) -> Callable[[AdyenSimulator, RawNotification], RawNotification]:
    """Genuinely signed, with one field of every item changed."""

    def change(item: dict[str, object]) -> None:
        item[name] = value

    return lambda partner, raw: partner.notices.altered(raw, change)


def _other_amount(item: dict[str, object]) -> None:
    cast("dict[str, object]", item["amount"])["value"] = 1


PAY = door("payments")
LINK = door("paymentLinks", cannot=AT_ONCE)
SESSION = door("sessions", cannot=AT_ONCE | {Fault.UNKNOWN_STATUS})
RECEIVED = (Pending,)
IDEAL = Way(name="iDEAL", method=other("ideal"), door=PAY, expires=False)
CANCEL_HOLD = door("payments.cancels", cannot=AT_ONCE | NO_AMOUNT, gives=RECEIVED)

SUBJECT = Subject[AdyenSimulator](
    name="adyen",
    simulator=lambda clock: AdyenSimulator(clock=clock),
    adapter=lambda partner: Adyen(partner.account),
    order=Order(ref="SAMPLE01", amount=Money.of("12.34", "EUR"), subject="Tea"),
    part=Money.of("1.00", "EUR"),
    ways=[
        Way(name="card", method=card(), gives=Succeeded, door=PAY),
        Way(name="card, no money", method=card(holderName="NOT_ENOUGH_BALANCE"), gives=Declined, door=PAY),
        Way(
            name="bank debit",
            method=other("sepadirectdebit"),
            gives=Pending,
            door=PAY,
            confirm=lambda partner, _: partner.process(),
        ),
        Way(name="link", method=lambda _: HostedPage(), door=LINK),
        Way(name="mobile link", method=lambda _: MobileWeb(), door=LINK),
        IDEAL,
        Way(name="3-D Secure", method=card(CHALLENGED_CARD), door=PAY, expires=False, comes_back=came_back),
        Way(name="session", method=lambda _: AdyenSession(), door=SESSION, closes=Closes.NEVER),
        Way(name="hold", method=card(), gives=Authorized, hold=True, door=PAY),
        Way(name="hold, link", method=lambda _: HostedPage(), hold=True, door=LINK),
    ],
    plays=PLAYED,
    complete=Door(
        endpoint="payments.details",
        cannot=AT_ONCE,
        # what was handed out is outside, whatever became of what the browser brought back
        tells={**TELLS, Fault.RESET_BEFORE_TLS: frozenset({"Unknown interrupted"})},
    ),
    refund=door("payments.refunds", gives=RECEIVED, cannot=AT_ONCE),
    capture=door("payments.captures", gives=RECEIVED, cannot=AT_ONCE),
    close=door("paymentLinks.expire", cannot=AT_ONCE),
    reverse=door("payments.reversals", cannot=AT_ONCE | NO_AMOUNT, gives=RECEIVED),
    release=CANCEL_HOLD,
    asks=asks,
    forged={
        "unsigned": lambda partner, raw: partner.notices.unsigned(raw),
        "of another order": of_another_order,
        "of another merchant account": altered("merchantAccountCode", "SomebodyECOM"),
        "of the live environment": lambda partner, raw: partner.notices.altered(raw, lambda _: None, live="true"),
    },
    misleading={"another amount": lambda partner, raw: partner.notices.altered(raw, _other_amount)},
)
