"""What must hold of every history, each invariant by itself. They read the record and cannot change what happened.

A violation is a sentence that names the debt and says what is wrong. The names I1 to I12 are the ones that figures and
reports use.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from payport.schemas.events import Event, Rejected, Verified
from payport.schemas.money import Money
from payport.schemas.outcome import ActionRequired, Authorized, Declined, NotSent, NotSentKind, Pending, Succeeded
from payport.schemas.payment import FactKind
from payport.sdk.errors import JournalError, ReferenceConflict
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.operations.querying import Observed, UnknownReference
from payport.sdk.testing.conformance.agreement import disagreements
from payport.sdk.testing.world.bounds import everything_has_bounds
from payport.sdk.testing.world.history import Asked, Booked, History, Left, Moved, Told, changes_of

Invariant: TypeAlias = Callable[[History], Iterator[str]]

JUST_NOW_S = 1.0
"""What happened within this before an outcome was told need not be known to who tells it."""
_PAYING = ("pay", "complete", "wait", "query")
_OF = {
    **dict.fromkeys(("complete", "wait", "query", "adopt"), "pay"),
    "query_refund": "refund",
    "query_payout": "payout",
}
"""The verb of the operation that another verb tells of."""
_QUESTIONS = (
    "query",
    "query_refund",
    "query_payout",
    "wait",
    "resume",
    "resolve",
    "changes",
    "acknowledge",
    "adopt",
    "prepare",
)
"""Verbs that raise ``JournalError`` when they cannot look into the journal; the others say it in their outcome."""


def at_most_one_charge(history: History) -> Iterator[str]:
    """I1: at no moment does the partner keep money for a debt under two attempts, or more of it than was asked for.

    And who asks for another amount under the same reference is not answered as if it were the same debt.
    """
    yield from _another_amount_is_refused(history)
    attempts = _attempts(history)
    taken: dict[str, int] = defaultdict(int)
    rows: dict[str, int] = defaultdict(int)
    told: set[str] = set()
    for entry in _booked(history, "charge", "refund"):
        attempt = attempts.get(entry.reference)
        if attempt is None:
            continue  # told by I6
        taken[attempt.id] += entry.amount.amount_minor * (1 if entry.kind == "charge" else -1)
        rows[attempt.id] += entry.kind == "charge"
        kept = sorted(name for name, minor in taken.items() if minor > 0 and name.startswith(f"{attempt.ref}/"))
        if len(kept) > 1 and attempt.ref not in told:
            told.add(attempt.ref)
            yield f"{attempt.ref}: money is kept for {' and '.join(kept)} at the same time"
        if taken[attempt.id] > attempt.amount.amount_minor and attempt.id not in told:
            told.add(attempt.id)
            yield f"{attempt.id}: {taken[attempt.id]} taken, {attempt.amount} was asked for"


def _another_amount_is_refused(history: History) -> Iterator[str]:
    owed: dict[str, Money] = {}
    for operation in history.operations:
        if operation.verb is Verb.PAY:
            owed.setdefault(operation.ref, operation.amount)
    asked = {entry.call: entry for entry in history.entries if isinstance(entry, Asked)}
    for told in _told(history):
        amount, debt = asked[told.call].amount, owed.get(told.ref)
        taken = isinstance(told.outcome, Succeeded | Authorized | ActionRequired | Pending | Declined)
        if taken and None not in (amount, debt) and amount != debt:
            yield f"{told.ref}: call {told.call} asked for {amount} of a debt of {debt}, and was told {told.text}"


def written_before_sent(history: History) -> Iterator[str]:
    """I2: no request leaves, and no action is handed out, before the journal has it."""
    offered: set[str] = set()
    for entry in history.entries:
        match entry:
            case Left(step=step, written=False) if step:
                yield f"{entry.operation}: request {entry.number} {entry.endpoint} left before it was in the journal"
            case Moved(state=State.ACTION):
                offered.add(entry.operation.partition("/")[0])
            case Told(outcome=ActionRequired(), ref=ref) if ref not in offered:
                yield f"{ref}: call {entry.call} handed out an action that is not in the journal"
            case _:
                pass


def repetitions_are_identical(history: History) -> Iterator[str]:
    """I3: every try of a step asks for the same: the same reference, key and body.

    A cancel is planned anew each time: what is left to be given back may have changed.
    """
    first: dict[tuple[str, str, str, str], Left] = {}
    for entry in history.entries:
        if isinstance(entry, Left) and entry.step and "/cancel/" not in entry.operation:
            known = first.setdefault((entry.operation, entry.step, entry.digest, entry.endpoint), entry)
            if known.content != entry.content:
                yield f"{entry.operation} {entry.step}: request {entry.number} differs from request {known.number}"


def final_states_stay(history: History) -> Iterator[str]:
    """I4: a final state never changes, in the journal or in what callers are told."""
    ended: dict[str, State] = {}
    for entry in history.entries:
        if isinstance(entry, Moved):
            before = ended.get(entry.operation)
            if before is not None and before.final and entry.state is not before:
                yield f"{entry.operation}: {before.value} became {entry.state.value}"
            ended[entry.operation] = entry.state
    paid: dict[str, Told] = {}
    began = {entry.call: entry.at for entry in history.entries if isinstance(entry, Asked)}
    for told in _told(history):
        if told.verb not in _PAYING:
            continue
        outcome = _plain(told.outcome)
        if isinstance(outcome, Succeeded):
            paid.setdefault(told.ref, told)
        elif told.ref in paid and isinstance(outcome, Declined | Authorized | ActionRequired):
            came_in = paid[told.ref].at
            if told.as_of < came_in if isinstance(outcome, Declined) else began[told.call] <= came_in:
                continue  # it looked before; what is refused may be tried elsewhere, so that must be true when told
            yield f"{told.ref}: call {paid[told.ref].call} was told Succeeded, then call {told.call} {told.text}"


def everything_ends(history: History) -> Iterator[str]:
    """I5: once faults stop, everything becomes final, or is left to a person with the reason."""
    for operation in history.operations:
        if not operation.state.final and not operation.for_person:
            yield f"{operation.id}: still {operation.state.value} after {history.rounds} rounds without a fault"
    for number in history.unheard:
        yield f"notice {number + 1} was never acknowledged"


def books_agree(history: History) -> Iterator[str]:
    """I6: what the journal says is paid, held, given back or sent is what the partner's books say."""
    for ref in history.refs:
        lines = [line for line in history.transitions if line.ref == ref]
        yield from disagreements(ref, history.of(ref), lines, history.books, arrived=history.arrived)
    yield from _told_of_money_that_is_not_there(history)


def refunds_are_covered(history: History) -> Iterator[str]:
    """I7: never more is given back than was taken, at the partner or by what the journal promised."""
    for operation in history.operations:
        if operation.verb in (Verb.PAY, Verb.CAPTURE):
            refunds = [each.amount for each in history.of(operation.ref) if _gives_back(each, operation)]
            back = sum(refunds, Money(0, operation.amount.currency))
            if back > operation.amount:
                yield f"{operation.id}: refunds of {back}, {operation.amount} was paid"
    taken: dict[str, int] = defaultdict(int)
    for entry in _booked(history, "charge", "refund"):
        taken[entry.reference] += entry.amount.amount_minor * (1 if entry.kind == "charge" else -1)
        if taken[entry.reference] < 0:
            yield f"{entry.reference}: {-taken[entry.reference]} more was given back than taken"


def _gives_back(refund: Operation, paid: Operation) -> bool:
    """Whether a refund has taken money of this payment, or may have: said anew, because the library is judged by it."""
    bounced = any(fact.kind is FactKind.REFUND_BOUNCED for fact in refund.facts)
    return refund.verb is Verb.REFUND and refund.of == paid.id and not refund.state.over and not bounced


def notices_count_once(history: History) -> Iterator[str]:
    """I8: a notice is applied at most once; every change is delivered, and none again once it was acknowledged."""
    first: Counter[str] = Counter()
    for told in _told(history):
        match told.outcome:
            case Verified(event=Event(id=event), first_seen=True):
                first[event] += 1
            case _:
                pass
    for event, times in first.items():
        if times > 1:
            yield f"event {event} was seen for the first time {times} times"
    yield from _changes_are_delivered(history)


def _changes_are_delivered(history: History) -> Iterator[str]:
    delivered: set[int] = set()
    acknowledged: set[int] = set()
    asked: dict[int, Asked] = {}
    done_at: dict[int, float] = {}
    for entry in history.entries:
        match entry:
            case Asked():
                asked[entry.call] = entry
            case Told(verb="acknowledge", outcome=None):
                numbers = {int(number) for number in asked[entry.call].detail.split()}
                acknowledged |= numbers
                done_at |= dict.fromkeys(numbers, entry.at)
            case Told(verb="changes"):
                numbers = {change.id for change in changes_of(entry.outcome)}
                delivered |= numbers
                began = asked[entry.call].at
                again = sorted(number for number in numbers & acknowledged if done_at[number] < began)
                if again:
                    yield f"changes {again} were delivered after they had been acknowledged"
            case _:
                pass
    ended = {(line.operation, line.version + 1) for line in history.transitions if line.state.final}
    news = {
        line.id
        for line in history.transitions
        if (line.operation, line.version) not in ended or "facts" in line.detail  # else a number alone
    }
    missing = sorted(news - delivered)
    if missing:
        yield f"changes {missing} were never delivered"


def unverified_bytes_teach_nothing(history: History) -> Iterator[str]:
    """I9: what is not authentic, or about something else, ends nothing and reaches no caller as if it were."""
    asked = {entry.call: entry for entry in history.entries if isinstance(entry, Asked)}
    heard: dict[int, list[Left]] = defaultdict(list)
    for entry in history.entries:
        match entry:
            case Left():
                heard[entry.call].append(entry)
            case Moved(source="reply" | "query"):
                lefts = [left for left in heard.pop(entry.call, []) if left.may_have_left]
                # a cancel may be refused by what the journal knows, whatever was answered
                believed = entry.state is State.DECLINED and "/cancel/" in entry.operation
                if lefts and entry.state.final and not believed and not any(left.authentic for left in lefts):
                    last = lefts[-1]
                    if last.operation == entry.operation:
                        said = f"by the answer to request {last.number}: {last.fate}"
                        yield f"{last.operation}: {entry.state.value} {said}"
            case Moved(source="notice") if ", forged: " in asked[entry.call].detail:
                yield f"{entry.operation}: learnt from {asked[entry.call].detail}"
            case Told(verb="receive") if ", forged: " in asked[entry.call].detail:
                if not isinstance(entry.outcome, Rejected):
                    yield f"{asked[entry.call].detail}: {entry.text}"
            case _:
                pass


def nothing_leaks(history: History) -> Iterator[str]:
    """I10: no secret can be read in what came out."""
    for where, text in history.spoken:
        if any(secret in text for secret in history.secrets):
            yield f"a secret can be read in {where}"


def every_transition_is_kept(history: History) -> Iterator[str]:
    """I12: each change of an operation has its line, in order and without a gap, and the operation is what they say.

    Where an audit trail is kept, its chain is whole, and every transition has its record there.
    """
    yield from history.flaws
    versions: dict[str, int] = {}
    states: dict[str, State] = {}
    for line in history.transitions:
        expected = versions.get(line.operation, -1) + 1
        if line.version != expected:
            yield f"{line.operation}: version {line.version} stands where {expected} should"
        versions[line.operation], states[line.operation] = line.version, line.state
    for operation in history.operations:
        if (versions.get(operation.id), states.get(operation.id)) != (operation.version, operation.state):
            yield f"{operation.id}: v{operation.version} {operation.state.value}, and its history ends otherwise"
    seen = Counter(
        (entry.operation, entry.version, entry.state) for entry in history.entries if isinstance(entry, Moved)
    )
    kept = Counter((line.operation, line.version, line.state) for line in history.transitions)
    for lost in seen - kept:
        yield f"{lost[0]}: v{lost[1]} {lost[2].value} was durable once and is gone"


def not_sent_means_it(history: History) -> Iterator[str]:
    """NotSent: no request of this call can have left for what is not over, and no attempt of it is paid afterwards."""
    left: dict[int, list[Left]] = defaultdict(list)
    states: dict[str, State] = {}
    for entry in history.entries:
        match entry:
            case Moved():
                states[entry.operation] = entry.state
            case Left(moves_money=True, may_have_left=True, answered=False) if entry.step:
                left[entry.call].append(entry)
            case Told(outcome=NotSent() as outcome):
                verb = entry.verb.partition("_")[0]
                for request in left[entry.call]:
                    closed = states.get(request.operation) is State.DECLINED
                    if f"/{verb}/" in request.operation and not closed:
                        yield f"{entry.ref}: call {entry.call} was told {entry.text}, and request {request.number} left"
                if outcome.cause.kind is NotSentKind.STORAGE:
                    yield from _paid_after(history, entry)
            case _:
                pass


def declined_means_it(history: History) -> Iterator[str]:
    """Declined: it is told only where the journal, too, holds the newest attempt for refused or closed just then.

    An attempt that was opened within the last :data:`JUST_NOW_S` need not be known to who tells.
    """
    attempts: dict[str, dict[int, tuple[float, State]]] = defaultdict(dict)
    for entry in history.entries:
        match entry:
            case Moved():
                asked_for, _, number = entry.operation.rpartition("/")
                known = attempts[asked_for]
                known[int(number)] = (known[int(number)][0] if int(number) in known else entry.at, entry.state)
            case Told(outcome=outcome) if isinstance(_plain(outcome), Declined):
                verb = _OF.get(entry.verb, entry.verb)
                asked = [known for asked_for, known in attempts.items() if asked_for.startswith(f"{entry.ref}/{verb}/")]
                if not any(_ends_declined(known, entry.as_of - JUST_NOW_S) for known in asked):
                    yield f"{entry.ref}: call {entry.call} was told {entry.text}, and no {verb} of it is declined"
            case _:
                pass


def _ends_declined(attempts: Mapping[int, tuple[float, State]], until: float) -> bool:
    """Whether one is declined, and none after it was opened before that time; what was not sent is none."""
    declined = [number for number, (_, state) in attempts.items() if state is State.DECLINED]
    return bool(declined) and not any(
        number > max(declined) and opened <= until and state is not State.NOT_SENT
        for number, (opened, state) in attempts.items()
    )


def what_is_paid_is_kept(history: History) -> Iterator[str]:
    """Kept: what the journal holds for paid is reversed only where somebody asked for a cancel or a refund of it.

    And what it holds for held is let go only where somebody asked for a cancel, or the partner cannot be asked first.
    """
    asked = {entry.ref for entry in history.entries if isinstance(entry, Asked) and entry.verb == "cancel"}
    refunded = {each.of for each in history.operations if each.verb is Verb.REFUND}
    taken = {each.id: each.state for each in history.operations if each.verb is Verb.PAY}
    for payment in history.operations:
        paid = payment.verb is Verb.PAY and payment.state is State.SUCCEEDED and payment.id not in refunded
        if paid and payment.ref not in asked and history.books.refunds(payment.partner_ref):
            yield f"{payment.id}: succeeded, and was reversed without being asked"
    for cancel in history.operations:
        if cancel.verb is not Verb.CANCEL or cancel.state is not State.SUCCEEDED or cancel.ref in asked:
            continue
        state = taken.get(cancel.of)
        if state is State.AUTHORIZED and history.answers_queries:
            yield f"{cancel.of}: authorized, and was let go without being asked"


def only_declared_errors(history: History) -> Iterator[str]:
    """Errors: a verb raises what it says that it raises, and nothing else."""
    for told in _told(history):
        match told.outcome:
            case ReferenceConflict() | UnknownReference():
                pass
            case JournalError() if told.verb in _QUESTIONS:
                pass
            case Exception() as error:
                yield f"call {told.call} {told.verb} {told.ref}: raised {type(error).__name__}: {error}"
            case _:
                pass


INVARIANTS: Mapping[str, Invariant] = MappingProxyType(
    {
        "I1": at_most_one_charge,
        "I2": written_before_sent,
        "I3": repetitions_are_identical,
        "I4": final_states_stay,
        "I5": everything_ends,
        "I6": books_agree,
        "I7": refunds_are_covered,
        "I8": notices_count_once,
        "I9": unverified_bytes_teach_nothing,
        "I10": nothing_leaks,
        "I11": everything_has_bounds,
        "I12": every_transition_is_kept,
        "NotSent": not_sent_means_it,
        "Declined": declined_means_it,
        "Kept": what_is_paid_is_kept,
        "Errors": only_declared_errors,
    }
)
"""Each invariant by its name."""


def check(history: History) -> list[tuple[str, str]]:
    """Everything that is wrong with a history: the invariant's name and a sentence."""
    return [(name, line) for name, invariant in INVARIANTS.items() for line in invariant(history)]


def _told(history: History) -> Iterator[Told]:
    return (entry for entry in history.entries if isinstance(entry, Told))


def _booked(history: History, *kinds: str) -> Iterator[Booked]:
    return (entry for entry in history.entries if isinstance(entry, Booked) and entry.kind in kinds)


def _plain(outcome: object) -> object:
    """The outcome itself, where it came with its source."""
    return outcome.outcome if isinstance(outcome, Observed) else outcome  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - of any kind


def _attempts(history: History) -> dict[str, Operation]:
    """For each reference at the partner, the attempt to pay that its money belongs to."""
    by_id = {operation.id: operation for operation in history.operations}
    found: dict[str, Operation] = {}
    for operation in history.operations:
        if operation.verb is Verb.PAY:
            found[operation.partner_ref] = operation
        elif operation.verb is Verb.CAPTURE and operation.of in by_id:
            found.setdefault(operation.partner_ref, by_id[operation.of])
    return found


def _told_of_money_that_is_not_there(history: History) -> Iterator[str]:
    """Callers are told that money came in, or went back, only when it did."""
    there: set[tuple[str, str]] = set()
    owners = {operation.partner_ref: operation.ref for operation in history.operations}
    for entry in history.entries:
        match entry:
            case Booked(kind=kind, reference=reference) if reference in owners:
                there.add((kind, owners[reference]))
            case Told(verb=verb, ref=ref) if verb in _PAYING and ref in history.refs:
                if (
                    isinstance(_plain(entry.outcome), Succeeded | Authorized)
                    and not {("charge", ref), ("hold", ref)} & there
                ):
                    yield f"{ref}: call {entry.call} was told {entry.text}, and the partner has no money of it"
            case Told(verb="refund", ref=ref, outcome=Succeeded()) if ("refund", ref) not in there:
                yield f"{ref}: call {entry.call} was told that a refund succeeded, and the partner gave nothing back"
            case _:
                pass


def _paid_after(history: History, told: Told) -> Iterator[str]:
    """Whether an intent that could not be written down was carried out all the same, with nobody asking again."""
    here = history.entries.index(told)
    before, later = history.entries[:here], history.entries[here:]
    asked_again = any(isinstance(entry, Asked) and entry.ref == told.ref and entry.verb == told.verb for entry in later)
    writers = {entry.call for entry in before if isinstance(entry, Moved) and _is_of(entry, told)}
    if asked_again or writers != {told.call}:
        return
    for entry in later:
        if isinstance(entry, Moved) and _is_of(entry, told) and entry.state in (State.SUCCEEDED, State.AUTHORIZED):
            yield f"{told.ref}: call {told.call} was told {told.text}, and {entry.operation} became {entry.state.value}"
            return


def _is_of(entry: Moved, told: Told) -> bool:
    return entry.operation.startswith(f"{told.ref}/{told.verb}/")
