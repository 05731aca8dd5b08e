"""Scorecards behind real gateways and a simulated partner: what each kind of misbehaviour is counted as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import anyio
import pytest
from tests.support.paths import order

from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.schemas import ActionRequired, QrShown, Succeeded
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.journal.store import Journal
from payport.sdk.retry import RetryPolicy
from payport.sdk.scorecards import MeasureRow, MemoryMeasures, Scorecard, Scorecards, Thresholds, scorecard
from payport.sdk.testing.faults import Fault

QUERY = "alipay.trade.query"
REF = "SCORE0000001"
ONCE = RetryPolicy(max_attempts=1)

NOTHING: dict[str, int] = {}
CLEAN = ((1, 1), (1, 1), NOTHING)
FAULTY = ((0, 1), (0, 0))
WRONG = ((1, 1), (0, 1))
BOTH = ((0, 1), (0, 1))

TABLE: list[tuple[Fault | None, tuple[tuple[int, int], tuple[int, int], dict[str, int]]]] = [
    (None, CLEAN),
    (Fault.NOT_FOUND, CLEAN),
    (Fault.UNKNOWN_STATUS, ((1, 1), (1, 1), {"unknown_status": 1})),
    (Fault.WRONG_AMOUNT, (*WRONG, {"mismatch": 1})),
    (Fault.OTHER_ORDER, (*WRONG, {"mismatch": 1})),
    (Fault.BAD_SIGNATURE, (*BOTH, {"unverified": 1})),
    (Fault.NO_SIGNATURE, (*BOTH, {"unverified": 1})),
    (Fault.UNSIGNED_ERROR, (*BOTH, {"unverified": 1})),
    (Fault.SYSTEM_ERROR, (*FAULTY, {"partner_fault": 1})),
    (Fault.BAD_GATEWAY, (*FAULTY, {"http_5xx": 1})),
    (Fault.RESET, (*FAULTY, {"connection_lost": 1})),
    (Fault.TRUNCATED, (*FAULTY, {"unreadable": 1})),
    (Fault.GARBAGE, (*FAULTY, {"unreadable": 1})),
    (Fault.SILENCE, (*FAULTY, {"timed_out": 1})),
]
"""Success, accuracy, error classes of one question that meets a fault."""


def card(rows: Sequence[MeasureRow], endpoint: str = QUERY) -> Scorecard:
    """The scorecard of one endpoint."""
    return scorecard([row for row in rows if row.endpoint == endpoint], Thresholds(), partner="alipay")


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(("fault", "expected"), TABLE, ids=[getattr(fault, "value", "none") for fault, _ in TABLE])
def test_a_question_is_counted_as_what_came_of_it(
    fault: Fault | None, expected: tuple[tuple[int, int], tuple[int, int], dict[str, int]], colour: str
) -> None:
    """In both colours: every corrupted reply is caught, and nothing is held against a clean one."""
    measures = MemoryMeasures()
    counting = Scorecards(measures, every_s=3600)
    with AlipaySimulator() as partner, Journal.open("sqlite:///:memory:?durable=no") as journal:
        adapter = Alipay(partner.account)
        with Gateway(adapter, journal=journal, transport=partner.transport(), sinks=()) as gateway:
            outcome = gateway.pay(order(REF), QrShown())
            assert isinstance(outcome, ActionRequired)
            partner.payer.open(outcome.action)
        if fault is not None:
            partner.faults.next(fault, QUERY, times=1)

        async def ask() -> None:
            transport = partner.async_transport()
            async with AsyncGateway(adapter, journal=journal, transport=transport, sinks=[counting]) as gateway:
                await gateway.query(REF, deadline_s=0.2)

        if colour == "sync":
            transport = partner.transport()
            with Gateway(adapter, journal=journal, transport=transport, sinks=[counting], retry=ONCE) as gateway:
                gateway.query(REF, deadline_s=0.2)
        else:
            anyio.run(ask)
    found = card(measures.read(date.min, date.max))
    shares = ((found.success.good, found.success.total), (found.accuracy.good, found.accuracy.total))
    assert expected == (*shares, found.failures)


def test_closing_a_gateway_writes_what_was_counted() -> None:
    """No call of a short program is lost, and every endpoint is counted by its name."""
    measures = MemoryMeasures()
    with (
        AlipaySimulator() as partner,
        Gateway(
            Alipay(partner.account), journal="sqlite:///:memory:?durable=no", transport=partner.transport(),
            sinks=[Scorecards(measures, every_s=3600)],
        ) as gateway,
    ):  # fmt: skip
        outcome = gateway.pay(order(REF), QrShown())
        assert isinstance(outcome, ActionRequired)
        partner.payer.open(outcome.action)
        observed = gateway.query(REF)
        assert isinstance(observed.outcome, Succeeded)
    rows = measures.read(date.min, date.max)
    assert dict(Counter(row.endpoint for row in rows if row.measure == "judged")) == {
        "alipay.trade.precreate": 1,
        QUERY: 1,
    }
    assert {("alipay", Alipay(partner.account).account)} == {(row.partner, row.account) for row in rows}
