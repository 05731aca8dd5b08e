"""The closing of the books: what the journals say against what really happened at the partners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from payport.schemas.money import Money
from payport.schemas.payment import CancelledBy
from payport.sdk.cli.demo.stage import AdapterT, PartnerT, Stage
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.journal.store import Journal
from payport.sdk.testing.simulated import CountingLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One order. ``charged``, ``returned``: at the partner; ``paid``, ``refunded``: in the journal."""

    partner: str
    ref: str
    state: str
    charges: int
    charged: Money
    returned: Money
    paid: Money
    refunded: Money

    @property
    def problem(self) -> str:
        """What is wrong with this order, empty when nothing is."""
        if self.charges > 1:
            return f"{self.ref} was charged {self.charges} times"
        if self.charged != self.paid:
            return f"{self.ref}: {self.partner} charged {self.charged}, the journal says {self.paid}"
        if self.returned != self.refunded:
            return f"{self.ref}: {self.partner} gave back {self.returned}, the journal says {self.refunded}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Both books of one partner. ``charged``, ``returned``: its own totals, orders unknown to us included."""

    partner: str
    lines: Sequence[Line]
    charged: Money
    returned: Money

    @property
    def paid(self) -> Money:
        """The journal's total of payments."""
        return sum((line.paid for line in self.lines), Money.zero(self.charged.currency))

    @property
    def refunded(self) -> Money:
        """The journal's total of refunds."""
        return sum((line.refunded for line in self.lines), Money.zero(self.charged.currency))

    @property
    def problems(self) -> Sequence[str]:
        """Everything that is wrong."""
        found = [line.problem for line in self.lines if line.problem]
        if self.charged != self.paid:
            found.append(f"in all {self.partner} charged {self.charged}, the journal says {self.paid}")
        if self.returned != self.refunded:
            found.append(f"in all {self.partner} gave back {self.returned}, the journal says {self.refunded}")
        return found


def compare(stage: Stage[PartnerT, AdapterT]) -> Books:
    """Both books of a stage."""
    return compare_books(stage.play.name, stage.play.currency, stage.partner.ledger, stage.journal, stage.refs)


def compare_books(name: str, currency: str, ledger: CountingLedger, journal: Journal, refs: Sequence[str]) -> Books:
    """Both books, order by order. The references must not begin with one another."""
    lines = [_line(name, ref, _operations(journal, ref), ledger, currency) for ref in refs]
    totals = ledger.paid_total(currency), ledger.refunded_total(currency)
    return Books(partner=name, lines=lines, charged=totals[0], returned=totals[1])


def _operations(journal: Journal, ref: str) -> Sequence[Operation]:
    return journal.read(lambda session: session.operations(ref))


def _line(partner: str, ref: str, operations: Sequence[Operation], ledger: CountingLedger, currency: str) -> Line:
    nothing = Money.zero(currency)
    charges = ledger.charges(starting_with=ref)
    payments = [operation for operation in operations if operation.verb is Verb.PAY]
    return Line(
        partner=partner,
        ref=ref,
        state=payments[-1].state.value if payments else "not in the journal",
        charges=len(charges),
        charged=sum((charge.amount for charge in charges), nothing),
        returned=sum((refund.amount for refund in ledger.refunds(starting_with=ref)), nothing),
        paid=sum((each.amount for each in operations if _takes(each)), nothing),
        refunded=sum((each.amount for each in operations if _gives_back(each)), nothing),
    )


def _takes(operation: Operation) -> bool:
    """A hold takes nothing until it is captured."""
    return operation.verb in (Verb.PAY, Verb.CAPTURE) and operation.state is State.SUCCEEDED


def _gives_back(operation: Operation) -> bool:
    reversed_ = operation.verb is Verb.CANCEL and operation.cancelled_by is CancelledBy.REVERSED
    return operation.state is State.SUCCEEDED and (operation.verb is Verb.REFUND or reversed_)


def show(console: Console, books: Sequence[Books]) -> None:
    """One table over all partners, and what it says."""
    table = Table()
    table.add_column("\norder", no_wrap=True)
    for heading in ("partner:\ncharges", "\ncharged", "\nreturned"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("journal:\nstate", no_wrap=True)
    for heading in ("\npaid", "\nrefunded"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in books:
        for line in each.lines:
            amounts = (line.charged, line.returned, line.paid, line.refunded)
            _row(table, line.ref, line.charges, line.state, amounts, "red" if line.problem else None)
        total = (each.charged, each.returned, each.paid, each.refunded)
        charges = sum(line.charges for line in each.lines)
        _row(table, each.partner, charges, each.charged.currency, total, "bold")
        table.add_section()
    console.print(table)
    problems = [problem for each in books for problem in each.problems]
    for problem in problems:
        console.print(f"WRONG: {problem}", style="bold red", highlight=False, markup=False)
    if not problems:
        console.print("Every order was charged at most once, and both totals agree.", style="bold green")


def _row(table: Table, name: str, charges: int, state: str, amounts: Sequence[Money], style: str | None) -> None:
    charged, returned, paid, refunded = (amount.text() for amount in amounts)
    table.add_row(name, str(charges), charged, returned, state, paid, refunded, style=style)
