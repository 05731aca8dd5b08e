"""The journal against the partner's books: everything that does not add up about one debt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from payport.schemas.payment import FactKind
from payport.sdk.journal.records import Operation, State, Transition, Verb
from payport.sdk.testing.simulated import (
    KeepsHolds,
    KeepsTransfers,
    Row,
    SimulatedLedger,
    mentions,
    reference_of,
)

CLAIMED = (State.SUCCEEDED, State.AUTHORIZED)


def disagreements(
    ref: str,
    operations: Sequence[Operation],
    history: Sequence[Transition],
    ledger: SimulatedLedger,
    *,
    arrived: frozenset[str],
) -> list[str]:
    """What does not add up about one debt. ``arrived``: the partner's words for a transfer whose money arrived."""
    payments = [_Books(payment, operations, ledger) for payment in operations if payment.verb is Verb.PAY]
    return [
        *_charged_twice(ref, payments, operations),
        *_strays(ref, operations, ledger),
        *(line for books in payments for line in books.problems()),
        *(line for operation in operations for line in _others(operation, payments, ledger, arrived)),
        *_changed_after_the_end(history),
    ]


class _Books:
    """One attempt to pay, with its captures, in both books."""

    def __init__(self, payment: Operation, operations: Sequence[Operation], ledger: SimulatedLedger) -> None:
        self.payment = payment
        self.operations = operations
        self.captures = [each for each in operations if each.verb is Verb.CAPTURE and each.of == payment.id]
        references = {payment.partner_ref, *(capture.partner_ref for capture in self.captures)}
        self.charges: list[Row] = [row for one in references for row in ledger.charges(one)]
        self.taken = sum(row.amount.amount_minor for row in self.charges)
        self.back = sum(row.amount.amount_minor for one in references for row in ledger.refunds(one))
        self.holds = ledger.holds(payment.partner_ref) if isinstance(ledger, KeepsHolds) else ()

    @property
    def kept(self) -> bool:
        """Whether the partner keeps or holds money of this attempt."""
        return self.taken > self.back or any(hold.rest.amount_minor for hold in self.holds)

    @property
    def left(self) -> bool:
        """Whether a cancel left anything: what was captured before a hold was released is not given back by it."""
        if self.payment.state is State.AUTHORIZED:
            return any(hold.rest.amount_minor for hold in self.holds)
        return self.kept

    def problems(self) -> Iterator[str]:
        """What does not add up about this attempt."""
        payment = self.payment
        if self.back > self.taken:
            yield f"{payment.id}: {self.back} given back of {self.taken}"
        if not self.holds and len(self.charges) > 1:
            yield f"{payment.id}: {len(self.charges)} charges"
        if not payment.state.final:
            return
        if payment.state in CLAIMED:
            if payment.settled != payment.amount:
                yield f"{payment.id}: settled {payment.settled} of {payment.amount}"
            yield from self._held_as_claimed() if self.holds else self._charged_as_claimed()
            if self.back and not self._told_to_be_back():
                yield f"{payment.id}: {payment.state.value} in the journal, and {self.back} given back at the partner"
        elif self.kept and not any(fact.kind is FactKind.SURPLUS_PAID for fact in payment.facts):
            yield f"{payment.id}: {payment.state.value} in the journal, and the partner keeps money"

    def _told_to_be_back(self) -> bool:
        """Whether anything in the journal says that money of it went back, or may have."""
        about = {self.payment.id, *(capture.id for capture in self.captures)}
        gives_back = (Verb.REFUND, Verb.CANCEL)
        asked = [each for each in self.operations if each.verb in gives_back and each.of in about]
        facts = {fact.kind for each in (self.payment, *asked) for fact in each.facts}
        told = facts & {FactKind.REFUNDED, FactKind.CONTRADICTED}
        return bool(told) or any(each.state is State.SUCCEEDED or not each.state.final for each in asked)

    def _charged_as_claimed(self) -> Iterator[str]:
        if [row.amount for row in self.charges] != [self.payment.amount]:
            yield f"{self.payment.id}: {self.payment.state.value} in the journal, charged {self.charges}"

    def _held_as_claimed(self) -> Iterator[str]:
        released = any(fact.kind is FactKind.RELEASED for fact in self.payment.facts)
        if not released and not any(hold.rest.amount_minor or hold.captured.amount_minor for hold in self.holds):
            yield f"{self.payment.id}: {self.payment.state.value} in the journal, nothing is held at the partner"
        captured = sum(each.amount.amount_minor for each in self.captures if each.state in CLAIMED)
        if all(capture.state.final for capture in self.captures) and captured != self.taken:
            yield f"{self.payment.id}: {captured} captured in the journal, {self.taken} taken at the partner"


def _charged_twice(ref: str, payments: Sequence[_Books], operations: Sequence[Operation]) -> Iterator[str]:
    surplus = any(fact.kind is FactKind.SURPLUS_PAID for operation in operations for fact in operation.facts)
    kept = [books.payment.partner_ref for books in payments if books.taken > books.back]
    if len(kept) > 1 or (surplus and kept):
        yield f"{ref}: charged {len(kept)} times: {sorted(kept)}{' (surplus)' if surplus else ''}"


def _strays(ref: str, operations: Sequence[Operation], ledger: SimulatedLedger) -> Iterator[str]:
    known = {operation.partner_ref for operation in operations}
    for row in ledger.charges(starting_with=ref):
        if reference_of(row) not in known:
            yield f"{ref}: charged as {reference_of(row)}, which is not in the journal"


def _others(
    operation: Operation, payments: Sequence[_Books], ledger: SimulatedLedger, arrived: frozenset[str]
) -> Iterable[str]:
    """A final answer of a cancel, refund or payout that is not what the partner's books say, and nobody was told so."""
    if not operation.state.final or any(fact.kind is FactKind.CONTRADICTED for fact in operation.facts):
        return
    claimed = operation.state in CLAIMED
    match operation.verb:
        case Verb.CANCEL:
            if claimed and any(books.left for books in payments if books.payment.id == operation.of):
                yield f"{operation.id}: succeeded by {operation.cancelled_by}, and the partner keeps the money"
            return
        case Verb.REFUND:
            rows = [row for row in ledger.refunds() if mentions(row, operation.partner_ref)]
        case Verb.PAYOUT if isinstance(ledger, KeepsTransfers):
            rows = [row for row in ledger.transfers(operation.partner_ref) if row.status in arrived]
        case _:
            return
    if [row.amount for row in rows] != [operation.amount] * claimed:
        yield f"{operation.id}: {operation.state.value} in the journal, {rows or 'nothing'} at the partner"


def _changed_after_the_end(history: Sequence[Transition]) -> Iterator[str]:
    ended: dict[str, State] = {}
    for line in history:
        before = ended.get(line.operation)
        if before is not None and before.final and line.state is not before:
            yield f"{line.operation}: {before.value} became {line.state.value}"
        ended[line.operation] = line.state
