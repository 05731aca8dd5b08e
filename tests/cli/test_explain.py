"""``payport explain``: the story of one order in words, with nothing secret in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from tests.cli.conftest import Command, Shop

from payport.adapters.alipay.simulator import Wallet
from payport.schemas import ActionRequired, Money, Order, QrCode, QrScanned, QrShown
from payport.schemas.payment import CancelledBy, Fact, FactKind
from payport.sdk.cli.words import advice, meaning
from payport.sdk.journal.records import RESTORES_HOLD, Operation, State, Transition, Verb
from payport.sdk.operations.screening import keep
from payport.sdk.watch.holds import Hold
from payport.sdk.watch.releasing import release

ORDER = Order(ref="SHOP10010001", amount=Money.of("12.34", "CNY"), subject="Tea")
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_story_of_an_order(shop: Shop, payport: Command) -> None:
    """Intent, action, notice, payment and refund in the order of time, then how it stands."""
    with shop.gateway() as gateway:
        outcome = gateway.pay(ORDER, QrShown())
        assert isinstance(outcome, ActionRequired)
        assert isinstance(outcome.action, QrCode)
        shop.partner.payer.scan(outcome.action.text)
        gateway.receive(shop.partner.notices[0])
        gateway.refund(ORDER.ref, "BACK10010001", Money.of("2.34", "CNY"))
    ran = payport("explain", ORDER.ref, "--config", shop.config)
    assert (ran.status, ran.err) == (0, "")
    told = [
        "SHOP10010001: a payment of 12.34 CNY",
        "pay 1 is SHOP10010001T001 at alipay:",
        "the attempt to pay was written down, before anything was sent (QrShown)",
        "the payer was given something to pay with",
        "the partner told us TRADE_SUCCESS, 12.34 CNY; genuine, applied",
        "paid, and order, amount and merchant match",
        "the refund was written down",
        "the money was given back",
        "Next: nothing is open.",
    ]
    assert sorted(ran.out.index(words) for words in told) == [ran.out.index(words) for words in told]


def test_codes_that_take_money_are_not_shown(shop: Shop, payport: Command) -> None:
    """Neither the scanned code nor the shown one stands in the story."""
    code = shop.partner.payer.code(Wallet.CONFIRMS)
    with shop.gateway() as gateway:
        gateway.pay(ORDER, QrScanned(auth_code=code), deadline_s=1.0)
        shown = gateway.pay(replace(ORDER, ref="SHOP10010002"), QrShown())
    assert isinstance(shown, ActionRequired)
    assert isinstance(shown.action, QrCode)
    for ref in ("SHOP10010001", "SHOP10010002"):
        printed = payport("explain", ref, "--config", shop.config).out
        assert code not in printed
        assert shown.action.text not in printed


def test_an_order_that_is_not_there(shop: Shop, payport: Command) -> None:
    """Status 1, and a sentence that says what it means."""
    with shop.gateway():
        pass
    ran = payport("explain", "SHOP99990001", "--config", shop.config)
    assert ran.status == 1
    assert "SHOP99990001 is not in this journal: nothing was ever sent for it from here." in ran.out


def test_what_only_the_audit_trail_tells(shop: Shop, payport: Command) -> None:
    """That a rule held an order back and a person let it go, who looked at its records, and who erased its payer."""
    at = ["--config", shop.config]
    with shop.gateway() as gateway:
        hold = Hold(
            ref=ORDER.ref, rule="velocity", reason="six orders in a minute", partner="alipay",
            account=gateway.adapter.account, amount=ORDER.amount, held_at=AT,
        )  # fmt: skip
        gateway.journal.write(lambda session: keep(session, hold))
        ran = payport("explain", ORDER.ref, *at)
        assert ran.status == 1
        assert "nothing was ever sent for it from here" in ran.out
        assert "held the order back (amount 12.34 CNY, reason six orders in a minute, rule velocity)" in ran.out
        release(gateway.journal, ORDER.ref, "Wen", AT)
        gateway.pay(ORDER, QrShown())
    payport("audit", "export", "--order", ORDER.ref, "--actor", "auditor", *at)
    payport("audit", "erase", "--order", ORDER.ref, "--reason", "asked for", "--actor", "auditor", *at)
    ran = payport("explain", ORDER.ref, *at)
    assert ran.status == 0
    told = [
        "Wen let the order go",
        "the attempt to pay was written down",
        "auditor was shown what the audit trail tells of the order",
        "auditor made what was kept of the payer unreadable (exchanges 0, reason asked for)",
    ]
    assert sorted(ran.out.index(words) for words in told) == [ran.out.index(words) for words in told]


def transition(state: State, verb: Verb = Verb.PAY, detail: Mapping[str, str] = MappingProxyType({})) -> Transition:
    """One line of a history."""
    return Transition(
        id=1, operation="R/pay//1", ref="R", verb=verb, version=1, state=state, at=AT, source="reply", detail=detail
    )


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("state", State)
def test_every_state_of_every_verb_has_words(state: State, verb: Verb) -> None:
    """What it means stands there whatever happened."""
    assert len(meaning(transition(state, verb), transition(State.DOUBT, verb))) > 10


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("it may have happened: no authentic answer yet (timed_out: no answer)", {"unknown": "timed_out: no answer"}),
        ("(the partner's code is ACQ.TRADE_HAS_CLOSE)", {"code": "ACQ.TRADE_HAS_CLOSE"}),
        ("asked, nothing new: it may have happened: no authentic answer yet", {}),
        ("another process took over; what the first one sent may have arrived", {"taken_by": "host:1:aa"}),
        ("the prepared request is now being sent", {"started": "1"}),
        ("the same request is sent once more", {"repeated": "alipay.trade.cancel"}),
        ("asking has come to its end: why", {"person": "why"}),
        ("paid although it had been closed: refund the surplus", {"facts": "surplus_paid"}),
    ],
)
def test_what_a_transition_means(said: str, detail: dict[str, str]) -> None:
    """The reason follows the state; some transitions are about something else."""
    assert meaning(transition(State.DOUBT, detail=detail), transition(State.DOUBT)).endswith(said)


OPERATION = Operation(
    id="R/pay//1",
    ref="R",
    verb=Verb.PAY,
    partner="alipay",
    account="alipay:1",
    partner_ref="RT001",
    amount=Money.of("1.00", "CNY"),
    created_at=AT,
)


@pytest.mark.parametrize(
    ("said", "operation"),
    [
        ("do not charge this another way", replace(OPERATION, state=State.DOUBT)),
        ("a person must look: why", replace(OPERATION, state=State.DOUBT, for_person="why")),
        ("until 2026-01-01 12:00:00 UTC", replace(OPERATION, state=State.ACTION, payable_until=AT)),
        ("wait; a notice or payport resume", replace(OPERATION, state=State.PENDING)),
        (
            "Open: R/cancel//1: wait until 2026-01-01 12:00:00 UTC; after that payport resume",
            replace(OPERATION, id="R/cancel//1", verb=Verb.CANCEL, state=State.PENDING, payable_until=AT),
        ),
        (
            "Since: R/cancel//1 of 1.00 CNY: it had been paid, and the money was given back",
            replace(
                OPERATION,
                id="R/cancel//1",
                verb=Verb.CANCEL,
                state=State.SUCCEEDED,
                cancelled_by=CancelledBy.REVERSED,
            ),
        ),
        (
            "Since: R/refund/B/1 of 1.00 CNY: the money was given back",
            replace(OPERATION, id="R/refund/B/1", verb=Verb.REFUND, state=State.SUCCEEDED),
        ),
        (
            "Since: R/refund/B/1 of 1.00 CNY: the capture was undone and the hold is in force again: cancel the order",
            replace(
                OPERATION,
                id="R/refund/B/1",
                verb=Verb.REFUND,
                state=State.SUCCEEDED,
                identity={RESTORES_HOLD: "1"},
            ),
        ),
        ("capture it, or cancel it", replace(OPERATION, state=State.AUTHORIZED)),
        ("asking again under the same reference is safe", replace(OPERATION, state=State.NOT_SENT)),
        ("asking again under the same reference is safe", replace(OPERATION, state=State.DECLINED)),
        ("nothing is open", replace(OPERATION, state=State.SUCCEEDED)),
        ("Look: R/pay//1: the payer disputes it", replace(OPERATION, facts=(Fact(kind=FactKind.DISPUTED, at=AT),))),
    ],
)
def test_what_to_do_next(said: str, operation: Operation) -> None:
    """Each state has one piece of advice, and a later fact that wants somebody is named."""
    assert said in "\n".join(advice([operation]))


def test_a_refund_that_was_expected_is_no_alarm() -> None:
    """Only facts that want somebody are named."""
    refunded = replace(OPERATION, state=State.SUCCEEDED, facts=(Fact(kind=FactKind.REFUNDED, at=AT),))
    assert list(advice([refunded])) == ["Now: paid, and order, amount and merchant match.", "Next: nothing is open."]
