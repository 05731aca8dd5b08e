"""The closing of the books: what the journal says against what really happened at the partner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from payport.adapters.alipay.simulator import Ledger
from payport.schemas.money import Money
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.journal.store import Journal

_NOTHING = Money(0, "CNY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One order. ``charged``, ``returned``: at the partner; ``paid``, ``refunded``: in the journal."""

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
            return f"{self.ref}: Alipay charged {self.charged}, the journal says {self.paid}"
        if self.returned != self.refunded:
            return f"{self.ref}: Alipay gave back {self.returned}, the journal says {self.refunded}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Both books. ``charged``, ``returned``: the partner's totals over everything, orders unknown to us included."""

    lines: Sequence[Line]
    charged: Money
    returned: Money

    @property
    def paid(self) -> Money:
        """The journal's total of payments."""
        return sum((line.paid for line in self.lines), _NOTHING)

    @property
    def refunded(self) -> Money:
        """The journal's total of refunds."""
        return sum((line.refunded for line in self.lines), _NOTHING)

    @property
    def problems(self) -> Sequence[str]:
        """Everything that is wrong."""
        found = [line.problem for line in self.lines if line.problem]
        if self.charged != self.paid:
            found.append(f"in all Alipay charged {self.charged}, the journal says {self.paid}")
        if self.returned != self.refunded:
            found.append(f"in all Alipay gave back {self.returned}, the journal says {self.refunded}")
        return found


def compare(refs: Sequence[str], journal: Journal, ledger: Ledger) -> Books:
    """Both books, order by order. The references must not begin with one another."""
    lines = [_line(ref, _operations(journal, ref), ledger) for ref in refs]
    return Books(lines=lines, charged=ledger.paid_total(), returned=ledger.refunded_total())


def _operations(journal: Journal, ref: str) -> Sequence[Operation]:
    return journal.read(lambda session: session.operations(ref))


def _line(ref: str, operations: Sequence[Operation], ledger: Ledger) -> Line:
    charges = ledger.charges(starting_with=ref)
    payments = [operation for operation in operations if operation.verb is Verb.PAY]
    return Line(
        ref=ref,
        state=payments[-1].state.value if payments else "not in the journal",
        charges=len(charges),
        charged=sum((charge.amount for charge in charges), _NOTHING),
        returned=sum((refund.amount for refund in ledger.refunds(starting_with=ref)), _NOTHING),
        paid=_done(payments),
        refunded=_done([operation for operation in operations if operation.verb is Verb.REFUND]),
    )


def _done(operations: Sequence[Operation]) -> Money:
    return sum((each.amount for each in operations if each.state is State.SUCCEEDED), _NOTHING)


def show(console: Console, books: Books) -> None:
    """The table, and what it says."""
    table = Table(title="amounts in CNY", title_justify="left")
    table.add_column("\norder", no_wrap=True)
    for heading in ("Alipay:\ncharges", "\ncharged", "\nreturned"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("journal:\nstate", no_wrap=True)
    for heading in ("\npaid", "\nrefunded"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in books.lines:
        theirs, ours = (line.charged, line.returned), (line.paid, line.refunded)
        table.add_row(
            line.ref,
            str(line.charges),
            *_texts(theirs),
            line.state,
            *_texts(ours),
            style="red" if line.problem else None,
        )
    table.add_section()
    count = sum(line.charges for line in books.lines)
    theirs, ours = (books.charged, books.returned), (books.paid, books.refunded)
    table.add_row("total", str(count), *_texts(theirs), "", *_texts(ours), style="bold")
    console.print(table)
    for problem in books.problems:
        console.print(f"WRONG: {problem}", style="bold red", highlight=False, markup=False)
    if not books.problems:
        console.print("Every order was charged at most once, and both totals agree.", style="bold green")


def _texts(amounts: Sequence[Money]) -> Sequence[str]:
    return [amount.text() for amount in amounts]
