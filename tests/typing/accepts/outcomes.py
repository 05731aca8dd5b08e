"""Every outcome handled, each verb used as it is meant."""

from __future__ import annotations

from typing import assert_never

from payport.adapters.alipay import Alipay, AlipayPayee
from payport.adapters.alipay.wire import AlipayTrade
from payport.schemas import (
    ActionRequired,
    Authorized,
    Declined,
    Money,
    NotSent,
    Order,
    PayoutOrder,
    Pending,
    QrScanned,
    QrShown,
    Retriable,
    Succeeded,
    Unknown,
)
from payport.sdk import Gateway


def elsewhere(outcome: Retriable) -> None:
    """Try another partner."""


def sell(gateway: Gateway[Alipay], order: Order) -> str:
    """Every outcome."""
    outcome = gateway.pay(order, QrShown())
    match outcome:
        case ActionRequired(action=action):
            return type(action).__name__
        case Succeeded(value=payment):
            return payment.native.trade_no if isinstance(payment.native, AlipayTrade) else payment.ref
        case Authorized(value=hold):
            return hold.ref
        case Pending(operation=name) | Unknown(operation=name):
            return name
        case Declined() | NotSent():
            elsewhere(outcome)
            return "elsewhere"
        case _:
            assert_never(outcome)


def others(gateway: Gateway[Alipay], order: Order, wages: PayoutOrder, payee: AlipayPayee) -> None:
    """Every verb."""
    gateway.pay(order, QrScanned(auth_code="280000000000000001"))
    gateway.capture(order.ref, Money.of("1.00", "CNY")).unwrap()
    gateway.refund(order.ref, "BACK0001", Money.of("1.00", "CNY")).unwrap()
    gateway.cancel(order.ref, reverse_paid=True).unwrap()
    gateway.payout(wages, payee).unwrap()
