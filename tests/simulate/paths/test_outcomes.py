"""Every outcome of every verb, as a table: what the partner does, what the caller is told, what the partner charged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from tests.support.paths import World, order, payout_order
from tests.support.scenarios import HELD, PAYEE, YUAN, hold_scanned, offered, pay_scanned

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import Wallet
from payport.schemas import CaptureMode, Declined, HostedPage, NotSent, Order, QrScanned, QrShown, Unknown
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.message import FailureKind, SendFailure, WireRequest
from payport.sdk.testing.faults import Fault

REF = "TABLE0001"
SOON_S = 2.0
"""A deadline before the first question of the counter's ladder."""


@dataclass(frozen=True)
class Row:
    """``told``: the outcome and its kind. ``kept``: what the partner keeps of the debt after the call, in fen."""

    verb: str
    fault: Fault | str | None
    told: str
    kept: int
    method: str | None = None


PAY, PRE, REF_, CANCEL = "trade.pay", "trade.precreate", "trade.refund", "trade.cancel"
FULL, REST = 1234, 1134


def rows(verb: str, method: str, charged: int, answers: dict[str, Iterable[Fault]]) -> list[Row]:
    """Rows of one verb. ``charged``: what a request that is carried out takes."""
    return [
        Row(verb, fault, told, charged if fault.commits else 0, method)
        for told, faults in answers.items()
        for fault in faults
    ]


TABLE = [
    Row("pay scanned", None, "Succeeded", FULL),
    Row("pay scanned", "payer confirms", "Pending", 0),
    Row("pay scanned", "no money", "Declined insufficient_funds", 0),
    Row("pay scanned", "stale code", "Declined code_invalid", 0),
    Row("pay scanned", "risky", "Declined declined", 0),
    *rows(
        "pay scanned",
        PAY,
        FULL,
        {
            "Unknown connection_lost": [Fault.RESET, Fault.COMMIT_THEN_RESET],
            "Unknown timed_out": [Fault.SILENCE, Fault.COMMIT_THEN_SILENCE, Fault.DRIP, Fault.LATE_ARRIVAL],
            "Unknown partner_fault": [
                Fault.BAD_GATEWAY,
                Fault.COMMIT_THEN_BAD_GATEWAY,
                Fault.SYSTEM_ERROR,
                Fault.COMMIT_THEN_SYSTEM_ERROR,
                Fault.ASK_RETRY,
            ],
            "Unknown unreadable": [Fault.TRUNCATED, Fault.GARBAGE],
            "Unknown unverified": [
                Fault.BAD_SIGNATURE,
                Fault.NO_SIGNATURE,
                Fault.UNSIGNED_ERROR,
                Fault.COMMIT_THEN_UNSIGNED_ERROR,
            ],
            "Unknown mismatch": [Fault.WRONG_AMOUNT, Fault.OTHER_ORDER],
            "Unknown not_found": [Fault.NOT_FOUND],
        },
    ),
    Row("pay scanned", Fault.SLOW_PROCESSING, "Pending", 0, PAY),
    Row("pay scanned", Fault.RATE_LIMITED, "Succeeded", FULL, PAY),
    Row("pay scanned", "always rate limited", "Declined rate_limited", 0),
    Row("pay scanned", "unreachable", "NotSent unreachable", 0),
    Row("pay scanned", "tls", "NotSent tls", 0),
    Row("pay scanned", "limited here", "NotSent rate_limited", 0),
    Row("pay scanned", "no time", "NotSent deadline", 0),
    Row("pay scanned", "too much", "NotSent invalid", 0),
    Row("pay shown", None, "ActionRequired", 0),
    # precreate is recognised when it is repeated, so a single fault does not show
    *(Row("pay shown", fault, "ActionRequired", 0, PRE) for fault in Fault if fault.manner.value in ("reset", "silence")
      and fault not in (Fault.RESET_BEFORE_TLS, Fault.RESET_BEFORE_READING)),
    Row("pay shown", Fault.BAD_SIGNATURE, "Unknown unverified", 0, PRE),
    Row("pay shown", Fault.OTHER_ORDER, "Unknown mismatch", 0, PRE),
    Row("pay page", None, "ActionRequired", 0),
    Row("hold scanned", None, "Authorized", 0),
    Row("hold scanned", Fault.COMMIT_THEN_SILENCE, "Unknown timed_out", 0, "fund.auth.order.freeze"),
    Row("hold scanned", Fault.UNKNOWN_STATUS, "Unknown unknown_status", 0, "fund.auth.order.freeze"),
    Row("refund", None, "Succeeded", REST),
    Row("refund", Fault.COMMIT_THEN_SILENCE, "Succeeded", REST, REF_),
    Row("refund", Fault.RESET, "Succeeded", REST, REF_),
    Row("refund", Fault.OTHER_ORDER, "Unknown mismatch", REST, REF_),
    Row("refund", Fault.BAD_SIGNATURE, "Unknown unverified", REST, REF_),
    Row("refund", Fault.SLOW_PROCESSING, "Pending", FULL, REF_),
    Row("refund", "no balance", "Declined merchant_funds", FULL),
    Row("refund", "more than paid", "NotSent invalid", FULL),
    Row("refund", "unreachable", "NotSent unreachable", FULL),
    Row("cancel offered", None, "Pending", 0),
    Row("cancel paid", None, "Declined invalid_state", FULL),
    Row("reverse paid", None, "Succeeded", 0),
    Row("reverse paid", Fault.COMMIT_THEN_RESET, "Succeeded", 0, CANCEL),
    Row("reverse paid", Fault.ASK_RETRY, "Succeeded", 0, CANCEL),
    Row("reverse paid", Fault.OTHER_ORDER, "Unknown mismatch", 0, CANCEL),
    Row("reverse paid", Fault.BAD_SIGNATURE, "Unknown unverified", 0, CANCEL),
    Row("reverse paid", "unreachable", "NotSent unreachable", FULL),
    Row("capture", None, "Succeeded", 100),
    # the repetition is told that it was done before: whether by us, the next question tells
    Row("capture", Fault.COMMIT_THEN_SILENCE, "Succeeded", 100, PAY),
    Row("capture", Fault.BAD_SIGNATURE, "Unknown unverified", 100, PAY),
    Row("capture", Fault.WRONG_AMOUNT, "Unknown mismatch", 100, PAY),
    Row("capture", Fault.SYSTEM_ERROR, "Succeeded", 100, PAY),
    Row("capture", "unreachable", "NotSent unreachable", 0),
    Row("payout", None, "Succeeded", 0),
    Row("payout", Fault.SLOW_PROCESSING, "Pending", 0, "fund.trans.uni.transfer"),
    Row("payout", Fault.UNKNOWN_STATUS, "Unknown unknown_status", 0, "fund.trans.uni.transfer"),
    Row("payout", Fault.OTHER_ORDER, "Unknown mismatch", 0, "fund.trans.uni.transfer"),
    Row("payout", "no balance", "Declined merchant_funds", 0),
    Row("payout", "unreachable", "NotSent unreachable", 0),
]  # fmt: skip

WALLETS = {
    "payer confirms": Wallet.CONFIRMS,
    "no money": Wallet.NO_MONEY,
    "stale code": Wallet.STALE,
    "risky": Wallet.RISKY,
}


class Unreached:
    """A network that never opens."""

    def __init__(self, kind: FailureKind) -> None:
        self._failure = SendFailure(kind, may_have_left=False, detail="the network is down")

    def send(self, request: WireRequest, timeout_s: float) -> SendFailure:
        return self._failure

    def close(self) -> None:
        """Nothing is open."""


class Full:
    """A call limit that is used up."""

    def admit(self, request: WireRequest) -> SendFailure | None:
        return SendFailure(FailureKind.REFUSED, may_have_left=False, detail="too many calls")


def arrange(world: World, row: Row) -> Order:
    """The partner as the row wants it; the order to pay."""
    before = {"refund": pay_scanned, "cancel paid": pay_scanned, "reverse paid": pay_scanned, "capture": hold_scanned}
    if row.verb in before:
        before[row.verb](world, REF).finish()
    if row.verb == "cancel offered":
        offered(world, REF)
    match row.fault:
        case Fault() as fault:
            world.partner.faults.next(fault, f"alipay.{row.method}")
        case "always rate limited":
            world.partner.faults.next(Fault.RATE_LIMITED, times=3)
        case "unreachable" | "tls":
            kind = FailureKind.TLS if row.fault == "tls" else FailureKind.UNREACHABLE
            world.partner_transport = Unreached(kind)
        case "no balance":
            world.partner.fund(0)
        case _:
            pass
    amount = "100000000.01" if row.fault == "too much" else "12.34"
    return order(REF, amount, capture=HELD if row.verb.startswith("hold") else CaptureMode.AUTOMATIC)


def deadline_s(row: Row) -> float:
    """Short, so that the counter's ladder is not climbed."""
    return 0.0 if row.fault == "no time" else SOON_S


def scanned(world: World, row: Row) -> QrScanned:
    """A payer's code."""
    return QrScanned(auth_code=world.partner.payer.code(WALLETS.get(str(row.fault), Wallet.PAYS)))


def call(gateway: Gateway[Alipay], world: World, row: Row, bought: Order) -> object:
    """The row's call."""
    return _table(gateway, world, row, bought)[row.verb]()


def acall(gateway: AsyncGateway[Alipay], world: World, row: Row, bought: Order) -> Awaitable[object]:
    """The same, async."""
    return _atable(gateway, world, row, bought)[row.verb]()


def _table(gateway: Gateway[Alipay], world: World, row: Row, bought: Order) -> dict[str, Callable[[], object]]:
    s = deadline_s(row)
    refund = YUAN if row.fault != "more than paid" else YUAN * 13
    return {
        "pay scanned": lambda: gateway.pay(bought, scanned(world, row), deadline_s=s),
        "hold scanned": lambda: gateway.pay(bought, scanned(world, row), deadline_s=s),
        "pay shown": lambda: gateway.pay(bought, QrShown(), deadline_s=s),
        "pay page": lambda: gateway.pay(bought, HostedPage(), deadline_s=s),
        "refund": lambda: gateway.refund(REF, "BACK0001", refund, deadline_s=s),
        "cancel offered": lambda: gateway.cancel(REF, deadline_s=s),
        "cancel paid": lambda: gateway.cancel(REF, deadline_s=s),
        "reverse paid": lambda: gateway.cancel(REF, reverse_paid=True, deadline_s=s),
        "capture": lambda: gateway.capture(REF, YUAN, deadline_s=s),
        "payout": lambda: gateway.payout(payout_order(REF), PAYEE, deadline_s=s),
    }


def _atable(
    gateway: AsyncGateway[Alipay], world: World, row: Row, bought: Order
) -> dict[str, Callable[[], Awaitable[object]]]:
    s = deadline_s(row)
    refund = YUAN if row.fault != "more than paid" else YUAN * 13
    return {
        "pay scanned": lambda: gateway.pay(bought, scanned(world, row), deadline_s=s),
        "hold scanned": lambda: gateway.pay(bought, scanned(world, row), deadline_s=s),
        "pay shown": lambda: gateway.pay(bought, QrShown(), deadline_s=s),
        "pay page": lambda: gateway.pay(bought, HostedPage(), deadline_s=s),
        "refund": lambda: gateway.refund(REF, "BACK0001", refund, deadline_s=s),
        "cancel offered": lambda: gateway.cancel(REF, deadline_s=s),
        "cancel paid": lambda: gateway.cancel(REF, deadline_s=s),
        "reverse paid": lambda: gateway.cancel(REF, reverse_paid=True, deadline_s=s),
        "capture": lambda: gateway.capture(REF, YUAN, deadline_s=s),
        "payout": lambda: gateway.payout(payout_order(REF), PAYEE, deadline_s=s),
    }


def words(outcome: object) -> str:
    """An outcome's name and kind."""
    name = type(outcome).__name__
    match outcome:
        case NotSent(cause=cause):
            return f"{name} {cause.kind.value}"
        case Unknown(cause=doubt):
            return f"{name} {doubt.kind.value}"
        case Declined(reason=reason):
            return f"{name} {reason.value}"
        case _:
            return name


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.verb}-{getattr(row.fault, 'value', row.fault)}")
def test_the_caller_is_told_what_happened(tmp_path: Path, row: Row, colour: Literal["sync", "async"]) -> None:
    """Sync and async tell the same, the partner charged what the table says, and everything settles to one charge."""
    with World(tmp_path, mode="certificate") as world:
        bought = arrange(world, row)
        admissions = (Full(),) if row.fault == "limited here" else ()
        if colour == "sync":
            told = words(call(world.gateway(admissions=admissions), world, row, bought))
        else:
            agateway = world.async_gateway(admissions=admissions)

            async def go() -> object:
                return await acall(agateway, world, row, bought)

            told = words(asyncio.run(go()))
        assert (told, world.net_minor(REF)) == (row.told, row.kept)
        world.partner_transport = world.partner.transport()
        world.settle()
        assert world.wrong_with(REF) == []
        assert world.wrong_on_the_wire() == []


def test_the_table_reaches_every_outcome() -> None:
    """Every outcome, and every kind of doubt but those that need a crash or a broken journal, stands in the table."""
    told = {row.told.partition(" ")[0] for row in TABLE}
    assert told == {"Succeeded", "Authorized", "ActionRequired", "Pending", "Declined", "NotSent", "Unknown"}
    doubts = {row.told.partition(" ")[2] for row in TABLE if row.told.startswith("Unknown")}
    assert doubts == {
        "timed_out", "connection_lost", "partner_fault", "unreadable", "unverified", "mismatch", "unknown_status",
        "not_found",
    }  # fmt: skip
