"""PayPal, as the conformance suite meets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from tests.support.forging import of_another_order

from payport.adapters.paypal import PayeeKind, PayPal, PayPalPayee
from payport.adapters.paypal.simulator import PLAYED, PayPalSimulator, Visit
from payport.schemas import (
    HostedPage,
    MobileWeb,
    Money,
    Order,
    PayoutOrder,
    Pending,
    RawNotification,
    Succeeded,
)
from payport.sdk.message import WireRequest
from payport.sdk.testing import Fault
from payport.sdk.testing.conformance import Door, Payout, Subject, Way

UNREADABLE = frozenset({"Unknown unreadable"})
TELLS: Mapping[Fault, frozenset[str]] = {
    # PayPal signs nothing: a page in HTML with status 403 is somebody in between, and nothing that can be read
    Fault.UNSIGNED_ERROR: UNREADABLE,
    Fault.COMMIT_THEN_UNSIGNED_ERROR: UNREADABLE,
}
AT_ONCE = frozenset({Fault.SLOW_PROCESSING})
"""What is never accepted for later."""


def door(endpoint: str, *, cannot: frozenset[Fault] = frozenset(), gives: tuple[type, ...] = (Succeeded,)) -> Door:
    return Door(endpoint=endpoint, cannot=cannot, gives=gives, tells=TELLS)


def asks(request: WireRequest) -> object:
    """Everything but the token: the request id is what a repetition is recognised by."""
    return request.method, request.url, request.content, request.headers.get("paypal-request-id")


def came_back(_: PayPalSimulator, visit: object) -> Mapping[str, str]:
    """What the browser brings along."""
    assert isinstance(visit, Visit)
    return visit.returned


Change = Callable[[dict[str, object]], None]


def altered(change: Change) -> Callable[[PayPalSimulator, RawNotification], RawNotification]:
    """Genuinely signed, with something changed."""
    return lambda partner, raw: partner.notices.altered(raw, change)


def _other_amount(event: dict[str, object]) -> None:
    """Wherever an amount stands, of an order or of a capture."""
    for node in _nodes(event["resource"]):
        if "value" in node:
            node["value"] = "0.01"


def _nodes(node: object) -> list[dict[str, object]]:
    """Every object in an event."""
    if isinstance(node, list):
        return [found for each in cast("list[object]", node) for found in _nodes(each)]
    if not isinstance(node, dict):
        return []
    fields = cast("dict[str, object]", node)
    return [fields, *(found for each in fields.values() for found in _nodes(each))]


CREATE = door("orders.create", cannot=AT_ONCE)

SUBJECT = Subject[PayPalSimulator](
    name="paypal",
    simulator=lambda clock: PayPalSimulator(clock=clock),
    adapter=lambda partner: PayPal(partner.account),
    order=Order(ref="SAMPLE01", amount=Money.of("12.34", "USD"), subject="Tea"),
    part=Money.of("1.00", "USD"),
    ways=[
        Way(name="page", method=lambda _: HostedPage(), door=CREATE, comes_back=came_back),
        Way(name="mobile page", method=lambda _: MobileWeb(), door=CREATE, comes_back=came_back),
        Way(name="hold", method=lambda _: HostedPage(), hold=True, door=CREATE, comes_back=came_back),
    ],
    plays=PLAYED,
    complete=Door(
        endpoint="orders.capture",
        # the approved order is outside, whatever became of its capture
        tells={**TELLS, Fault.RESET_BEFORE_TLS: frozenset({"Unknown interrupted"})},
    ),
    refund=door("captures.refund"),
    capture=door("authorizations.capture"),
    reverse=door("captures.refund", cannot=frozenset({Fault.WRONG_AMOUNT})),
    release=door("authorizations.void", cannot=AT_ONCE | {Fault.WRONG_AMOUNT}),
    payout=Payout(
        order=PayoutOrder(ref="SAMPLE02", amount=Money.of("5.00", "USD"), subject="Wages"),
        payee=PayPalPayee(kind=PayeeKind.EMAIL, receiver="worker@example.com"),
        door=door("payouts.post", gives=(Pending,), cannot=frozenset({Fault.WRONG_AMOUNT})),
        done=frozenset({"SUCCESS"}),
    ),
    query="orders.get",
    asks=asks,
    forged={
        "unsigned": lambda partner, raw: partner.notices.unsigned(raw),
        "of another order": of_another_order,
        "of another webhook": lambda partner, raw: partner.notices.sign(raw.body, webhook_id="9XX99999XX999999X"),
        "by a weaker algorithm": lambda partner, raw: partner.notices.sign(raw.body, algorithm="SHA1withRSA"),
    },
    misleading={"another amount": altered(_other_amount)},
    adopts=True,
    aside=frozenset({"oauth2.token", "notifications.certs"}),
)
