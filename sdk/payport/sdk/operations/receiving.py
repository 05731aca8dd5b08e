"""Receive: authenticate, keep and apply in one commit, acknowledge. A notice may be early, late, twice or foreign."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from payport.schemas.events import Acknowledgement, RawNotification, Received, Rejected, RejectedKind, Verified
from payport.sdk import exchange
from payport.sdk.adapter import Opened
from payport.sdk.checks import check_argument
from payport.sdk.errors import JournalConflict, JournalError
from payport.sdk.events import NoticeReceived, NoticeRejected
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Notice, Operation
from payport.sdk.journal.session import Session
from payport.sdk.observation import Observation
from payport.sdk.operations.auditing import note_rejected
from payport.sdk.operations.cancelling import end_with_cancel, is_being_cancelled
from payport.sdk.operations.learning import ASK_S, MAX_CONFLICTS, Learnt, add, ask_again, storage_failed, tell
from payport.sdk.operations.setup import Setup
from payport.sdk.operations.undoing import TAKEN


@dataclass(frozen=True, slots=True)
class _Kept:
    first_seen: bool
    ref: str | None
    learnt: tuple[Learnt, ...]


def receive(setup: Setup, raw: RawNotification) -> Exchange[Received]:
    """A verified event, durably kept and applied before it is acknowledged, or why it was refused.

    One about an order that is not in this journal is kept and acknowledged too: :func:`.adopting.adopt` asks about it.
    """
    adapter = setup.adapter
    check_argument("raw", raw, RawNotification, "a RawNotification: the body's bytes and the headers")
    opened = yield from adapter.open_notice(raw)
    if isinstance(opened, Rejected):
        yield from exchange.emit(NoticeRejected(partner=adapter.partner, account=adapter.account, kind=opened.kind))
        yield from note_rejected(setup, raw, opened)
        return opened
    now = (yield from exchange.now()).utc
    answers: Answers = {}
    for _ in range(MAX_CONFLICTS):
        try:
            kept = yield from exchange.record(
                "keep notice", lambda session: _keep(setup, session, opened, raw, now, answers)
            )
        except JournalConflict:
            continue
        except _Contradicts as contradiction:
            until = (yield from exchange.now()).monotonic_s + ASK_S
            answers[contradiction.operation.id] = yield from ask_again(setup, contradiction.operation, until)
            continue
        except JournalError as error:
            yield from storage_failed(setup, "keep notice", error)
            break
        yield from exchange.emit(
            NoticeReceived(
                partner=adapter.partner, account=adapter.account, kind=opened.event.kind, first_seen=kept.first_seen
            )
        )
        for learnt in kept.learnt:
            yield from tell(setup, learnt, now)
        event = replace(opened.event, ref=kept.ref)
        return Verified(event=event, acknowledgement=opened.acknowledgement, first_seen=kept.first_seen)
    return Rejected(
        kind=RejectedKind.NOT_STORED,
        detail="authentic, but it could not be kept; the partner will send it again",
        acknowledgement=Acknowledgement(status=503, content_type="text/plain", body=b"try again"),
    )


Answers: TypeAlias = dict[str, Observation | None]
"""What the partner answered about operations that a notice contradicts, by their ids; ``None`` when it did not."""


class _Contradicts(Exception):
    """A notice says that money came in for an attempt that the journal knows to be over, or that is being cancelled."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(operation.id)
        self.operation = operation


def _may_be_over(session: Session, operation: Operation) -> bool:
    """Whether an attempt has ended already, or a cancel of it may have been carried out whose answer is missing."""
    return operation.state.over or (not operation.state.final and is_being_cancelled(session, operation))


def _with_facts(answer: Observation | None, notice: Observation) -> Observation:
    """The partner's answer to the question that a notice raised, with what the notice tells beside; else the notice."""
    if answer is None:
        return notice
    known = {fact.kind for fact in answer.facts}
    return replace(answer, facts=answer.facts + tuple(fact for fact in notice.facts if fact.kind not in known))


def _keep(
    setup: Setup, session: Session, opened: Opened, raw: RawNotification, now: datetime, answers: Answers
) -> _Kept:
    account = setup.adapter.account
    about = [
        (operation, observation)
        for partner_ref, observation in opened.lessons
        for operation in session.by_partner_ref(account, partner_ref)
    ]
    ref = about[0][0].ref if about else None
    concerned = [(each, told) for each, told in about if told.concerns.items() <= each.identity.items()]
    notice = Notice(
        partner=setup.adapter.partner,
        account=account,
        event=replace(opened.event, ref=ref),
        raw=raw.body,
        received_at=now,
        applied=bool(concerned),
    )
    if not session.add_notice(notice):
        return _Kept(first_seen=False, ref=ref, learnt=())
    for operation, observation in concerned:
        if operation.id not in answers and observation.state in TAKEN and _may_be_over(session, operation):
            raise _Contradicts(operation)
    learnt = tuple(
        add(setup, session, operation.id, _with_facts(answers.get(operation.id), observation), now)
        for operation, observation in concerned
    )
    for each in learnt:
        end_with_cancel(session, each, now)
    return _Kept(first_seen=True, ref=ref, learnt=learnt)
