"""The comparison of the books finds what does not add up: each kind of it once, and nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from payport.schemas import CancelledBy, Fact, FactKind, Money
from payport.sdk.journal.records import Operation, State, Step, Transition, Verb
from payport.sdk.message import WireRequest
from payport.sdk.testing.conformance.agreement import disagreements
from payport.sdk.testing.simulated import mentions, reference_of
from payport.sdk.testing.watching import Watch

AT = datetime(2026, 11, 23, tzinfo=UTC)
TEN, ONE, NONE = Money.of("10.00", "CNY"), Money.of("1.00", "CNY"), Money.of("0.00", "CNY")


@dataclass(frozen=True)
class Row:
    """A line of the partner's books."""

    reference: str
    amount: Money = TEN
    request: str = ""
    rest: Money = NONE
    captured: Money = NONE
    status: str = "SUCCESS"


@dataclass(frozen=True)
class Ledger:
    """The partner's books as a test wants them."""

    charged: Sequence[Row] = ()
    returned: Sequence[Row] = ()
    held: Sequence[Row] = ()
    sent: Sequence[Row] = field(default=())

    def charges(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        return _chosen(self.charged, reference, starting_with)

    def refunds(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        return _chosen(self.returned, reference, starting_with)

    def holds(self, reference: str | None = None, /) -> Sequence[Row]:
        return _chosen(self.held, reference, None)

    def transfers(self, reference: str | None = None, /) -> Sequence[Row]:
        return _chosen(self.sent, reference, None)


def _chosen(rows: Sequence[Row], reference: str | None, beginning: str | None) -> Sequence[Row]:
    return [row for row in rows if reference in (None, row.reference) and row.reference.startswith(beginning or "")]


PAID = Operation(
    id="A/pay//1",
    ref="A",
    verb=Verb.PAY,
    partner="alipay",
    account="alipay:1",
    partner_ref="AT001",
    amount=TEN,
    settled=TEN,
    created_at=AT,
    state=State.SUCCEEDED,
)
SECOND = replace(PAID, id="A/pay//2", attempt=2, partner_ref="AT002")
OVER = replace(PAID, state=State.DECLINED, settled=None)
SURPLUS = replace(OVER, facts=(Fact(kind=FactKind.SURPLUS_PAID, at=AT, amount=TEN),))
HELD = replace(PAID, state=State.AUTHORIZED)
RELEASED = replace(HELD, facts=(Fact(kind=FactKind.RELEASED, at=AT),))
CAPTURED = replace(PAID, id="A/capture//1", verb=Verb.CAPTURE, of=HELD.id, partner_ref="AC001", amount=ONE)
BACK = replace(PAID, id="A/refund/B/1", verb=Verb.REFUND, of=PAID.id, partner_ref="BR001", amount=ONE)
CONTRADICTED = replace(BACK, state=State.DECLINED, facts=(Fact(kind=FactKind.CONTRADICTED, at=AT),))
CANCEL = replace(PAID, id="A/cancel//1", verb=Verb.CANCEL, of=OVER.id, partner_ref="AX001")
WAGE = replace(PAID, id="A/payout//1", verb=Verb.PAYOUT, partner_ref="AP001")
CHARGE, RETURN = Row("AT001"), Row("AT001", ONE, "BR001")
HOLD = Row("AT001", rest=TEN)

SOUND: dict[str, tuple[Sequence[Operation], Ledger]] = {
    "paid": ([PAID], Ledger([CHARGE])),
    "declined, then paid": ([OVER, SECOND], Ledger([Row("AT002")])),
    "refunded": ([PAID, BACK], Ledger([CHARGE], [RETURN])),
    "refused, then carried out, and told so": ([PAID, CONTRADICTED], Ledger([CHARGE], [RETURN])),
    "reversed": ([OVER, replace(CANCEL, cancelled_by=CancelledBy.REVERSED)], Ledger([CHARGE], [Row("AT001")])),
    "held": ([HELD], Ledger(held=[HOLD])),
    "released": ([RELEASED], Ledger(held=[replace(HOLD, rest=NONE)])),
    "captured": ([HELD, CAPTURED], Ledger([Row("AC001", ONE)], held=[replace(HOLD, rest=NONE, captured=ONE)])),
    "surplus that is known": ([SURPLUS], Ledger([CHARGE], [Row("AT001")])),
    "sent": ([WAGE], Ledger(sent=[Row("AP001")])),
    "not sent": ([replace(WAGE, state=State.DECLINED)], Ledger(sent=[Row("AP001", status="FAIL")])),
    "open": ([replace(PAID, state=State.DOUBT)], Ledger([CHARGE])),
}
WRONG: dict[str, tuple[Sequence[Operation], Ledger]] = {
    "2 charges": ([PAID], Ledger([CHARGE, CHARGE])),
    "given back at the partner": ([PAID], Ledger([CHARGE], [Row("AT001")])),
    "charged 2 times": ([PAID, SECOND], Ledger([CHARGE, Row("AT002")])),
    "(surplus)": ([SURPLUS, SECOND], Ledger([Row("AT002")])),
    "charged as AT009, which is not in the journal": ([PAID], Ledger([CHARGE, Row("AT009")])),
    "declined in the journal, and the partner keeps money": ([OVER], Ledger([CHARGE])),
    "not_sent in the journal, and the partner keeps money": ([replace(OVER, state=State.NOT_SENT)], Ledger([CHARGE])),
    "succeeded in the journal, charged []": ([PAID], Ledger()),
    "amount=Money(amount_minor=100": ([PAID], Ledger([Row("AT001", ONE)])),
    "settled 1.00 CNY of 10.00 CNY": ([replace(PAID, settled=ONE)], Ledger([CHARGE])),
    "1100 given back of 1000": ([PAID, BACK], Ledger([CHARGE], [Row("AT001"), RETURN])),
    "succeeded in the journal, nothing at the partner": ([PAID, BACK], Ledger([CHARGE])),
    "declined in the journal, [Row": ([PAID, replace(BACK, state=State.DECLINED)], Ledger([CHARGE], [RETURN])),
    "nothing is held at the partner": ([HELD], Ledger(held=[replace(HOLD, rest=NONE)])),
    "0 captured in the journal, 100 taken": ([HELD], Ledger([Row("AT001", ONE)], held=[HOLD])),
    "and the partner keeps the money": ([RELEASED, CANCEL], Ledger(held=[HOLD])),
    "A/payout//1: succeeded in the journal, nothing": ([WAGE], Ledger(sent=[Row("AP001", status="FAIL")])),
}


def compared(operations: Sequence[Operation], ledger: Ledger, history: Sequence[Transition] = ()) -> list[str]:
    return disagreements("A", operations, history, ledger, arrived=frozenset({"SUCCESS"}))


@pytest.mark.parametrize("name", SOUND)
def test_books_that_agree(name: str) -> None:
    """Nothing to say."""
    assert compared(*SOUND[name]) == []


@pytest.mark.parametrize("said", WRONG)
def test_books_that_do_not(said: str) -> None:
    """What is wrong, with the operation that it is about."""
    assert said in " ".join(compared(*WRONG[said]))


def test_a_final_state_that_changed_is_found() -> None:
    """In the history, whatever the operation says now."""
    first = Transition(
        id=1, operation=PAID.id, ref="A", verb=Verb.PAY, version=0, state=State.DOUBT, at=AT, source="intent", detail={}
    )
    lines = [first, *(replace(first, state=state) for state in (State.DECLINED, State.SUCCEEDED))]
    assert compared([PAID], Ledger([CHARGE]), lines) == ["A/pay//1: declined became succeeded"]


def test_rows_of_any_partner() -> None:
    """The first field is the reference, and a refund's own stands in another."""
    assert reference_of(RETURN) == "AT001"
    assert mentions(RETURN, "BR001")
    assert not mentions("BR001", "BR001")


STEP = Step(name="pay", moves_money=True, digest="d1")
REQUEST = WireRequest(endpoint="pay", moves_money=True, method="POST", url="", headers={}, content=b"1")


@pytest.mark.parametrize(
    ("said", "known", "contents"),
    [
        ("", replace(PAID, steps=(STEP,)), [b"1", b"1"]),
        ("left before it was written down", None, [b"1"]),
        ("is not the step that was written down", replace(PAID, steps=(replace(STEP, digest="d2"),)), [b"1"]),
        ("repeated with another content", replace(PAID, steps=(STEP,)), [b"1", b"2"]),
    ],
)
def test_what_left_is_watched(said: str, known: Operation | None, contents: list[bytes]) -> None:
    """Against what another process would find in the journal at that moment."""
    watch = Watch(asks=lambda request: request.content, known=lambda _: known)
    for content in contents:
        watch.left(PAID, STEP, replace(REQUEST, content=content))
    problems = watch.problems()
    assert said in " ".join(problems)
    assert bool(said) is bool(problems)


def test_what_a_step_asks_on_its_way_is_no_repetition() -> None:
    """A cancel asks about the payment in one round, about itself in another: that moves no money."""
    watch = Watch(asks=lambda request: request.content, known=lambda _: replace(PAID, steps=(STEP,)))
    for content in (b"1", b"2"):
        watch.left(PAID, STEP, replace(REQUEST, endpoint="query", moves_money=False, content=content))
    assert watch.problems() == []
    watch.left(PAID, STEP, REQUEST)
    watch.left(PAID, STEP, replace(REQUEST, content=b"2"))
    assert len(watch.problems()) == 1
