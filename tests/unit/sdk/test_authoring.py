"""What an adapter is written with: steps, calls in JSON, notices that nobody signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from tests.support.corner import Corner

from payport.schemas import EventKind, Fact, FactKind, Money, RejectedKind, UnknownKind
from payport.schemas.events import Rejected
from payport.sdk import authoring
from payport.sdk.adapter import Opened
from payport.sdk.authoring import JsonObject, Observation, Source, State, Step, call_json, confirmed, doubt, kept
from payport.sdk.exchange import Admit, Effect, Exchange, Moment, Send, drive
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest

NOW = Moment(datetime(2026, 1, 31, tzinfo=UTC), 100.0)
MUCH_LATER = datetime(2027, 1, 31, tzinfo=UTC)
POST = WireRequest(endpoint="pay", moves_money=True, method="POST", url="https://corner/", headers={}, content=b"")
GET = WireRequest(endpoint="look", moves_money=False, method="GET", url="https://corner/", headers={}, content=b"")


@dataclass
class Host:
    """Answers every request with the same."""

    reply: WireReply | SendFailure = field(default_factory=lambda: WireReply(200, (), b"{}"))

    def perform(self, effect: Effect) -> object:
        """Let it go, answer it, tell the time."""
        match effect:
            case Admit():
                return None
            case Send():
                return self.reply
            case _:
                return NOW


def read(status: int, bill: JsonObject, source: Source) -> Observation:
    return Observation(state=State[str(bill["state"]).upper()], source=source, message=str(status))


def told(reply: WireReply | SendFailure, request: WireRequest = POST) -> Observation:
    return drive(call_json(Corner(), request, 110.0, read), Host(reply))


def test_a_step_of_a_request_has_its_digest() -> None:
    """And gives the request back; where it was not kept, nothing is sent."""
    step = Step.of("bill", b"{}", replayable=True)
    assert step == Step(name="bill", moves_money=True, digest=sha256(b"{}").hexdigest(), request=b"{}", replayable=True)
    assert kept(step) == b"{}"
    nothing = kept(Step(name="bill", moves_money=True, digest=step.digest))
    assert isinstance(nothing, Observation)
    assert nothing.state is State.NOT_SENT


@pytest.mark.parametrize(("source", "request_"), [(Source.REPLY, POST), (Source.QUERY, GET)])
def test_a_reply_in_json_is_read(source: Source, request_: WireRequest) -> None:
    """With the status, whatever it is, and as an answer to a request or to a question."""
    found = told(WireReply(404, (), b'{"state": "declined"}'), request_)
    assert (State.DECLINED, source, "404") == (found.state, found.source, found.message)


@pytest.mark.parametrize(
    ("kind", "again", "status", "content"),
    [
        (UnknownKind.UNREADABLE, False, 200, b"<html>"),
        (UnknownKind.UNREADABLE, False, 200, b'{"state": "succeeded", "state": "declined"}'),
        (UnknownKind.UNREADABLE, False, 200, b"{}"),
        (UnknownKind.UNREADABLE, False, 200, b'["succeeded"]'),
        (UnknownKind.UNREADABLE, False, 404, b"<html>not found</html>"),
        (UnknownKind.PARTNER_FAULT, True, 502, b"<html>bad gateway</html>"),
        (UnknownKind.PARTNER_FAULT, True, 500, b'{"state": "succeeded"}'),
        (UnknownKind.PARTNER_FAULT, True, 429, b'{"state": "declined"}'),
    ],
)
def test_what_is_not_the_partners_word_is_a_doubt(kind: UnknownKind, again: bool, status: int, content: bytes) -> None:
    """Never a failure, and never an end."""
    found = told(WireReply(status, (), content))
    assert found.unknown is not None
    assert (State.DOUBT, kind, again) == (found.state, found.unknown.kind, found.again)


def test_what_a_reader_stumbles_over_is_not_repeated() -> None:
    """What a partner wrote may be anybody's."""
    found = told(WireReply(200, (), b'{"state": "s3cret"}'))
    assert found.unknown is not None
    assert "s3cret" not in found.unknown.detail.lower()


def test_no_reply_is_what_it_always_is() -> None:
    """Nothing left, or nobody knows."""
    assert told(SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="")).state is State.NOT_SENT
    assert told(SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="")).state is State.DOUBT


PAID = Observation(
    state=State.SUCCEEDED,
    source=Source.QUERY,
    partner_ref="SHOP1T001",
    partner_id="42",
    amount=Money.of("9.90", "EUR"),
)


def looking(found: Observation, asked: list[tuple[str, float]]) -> Callable[[str, float], Exchange[Observation]]:
    def look(reference: str, deadline_s: float) -> Exchange[Observation]:
        asked.append((reference, deadline_s))
        yield from ()
        return found

    return look


def test_a_notice_that_the_partner_confirms_teaches_what_it_answers() -> None:
    """The answer counts, under the reference, for five seconds at most."""
    asked: list[tuple[str, float]] = []
    opened = drive(confirmed("SHOP1T001", looking(PAID, asked)), Host())
    assert isinstance(opened, Opened)
    assert asked == [("SHOP1T001", 105.0)]
    ((reference, lesson),) = opened.lessons
    assert (reference, lesson.state, lesson.source) == ("SHOP1T001", State.SUCCEEDED, Source.NOTICE)
    event = opened.event
    assert (EventKind.PAYMENT, "SHOP1T001/succeeded", PAID.amount) == (event.kind, event.id, event.amount)
    assert event.partner_id is not None
    assert (event.partner_id.value, opened.acknowledgement.status) == ("42", 204)


def test_what_is_confirmed_later_is_another_event() -> None:
    """A refund of what was told as paid: under the same name it would count as told before."""
    back = Fact(kind=FactKind.REFUNDED, at=NOW.utc, amount=PAID.amount)
    names: set[str] = set()
    for told in (PAID, replace(PAID, facts=(back,)), replace(PAID, facts=(replace(back, at=MUCH_LATER),))):
        opened = drive(confirmed("SHOP1T001", looking(told, [])), Host())
        assert isinstance(opened, Opened)
        names.add(opened.event.id)
    assert len(names) == 2


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (400, doubt(Source.QUERY, UnknownKind.NOT_FOUND, "no such bill")),
        (503, doubt(Source.QUERY, UnknownKind.TIMED_OUT, "no answer")),
        (503, Observation(state=State.SUCCEEDED, source=Source.QUERY, partner_ref="OTHER1T001")),
        (503, Observation(state=State.SUCCEEDED, source=Source.QUERY)),
    ],
)
def test_a_notice_that_is_not_confirmed_is_refused(status: int, found: Observation) -> None:
    """It is to come again where that may help."""
    refused = drive(confirmed("SHOP1T001", looking(found, [])), Host())
    assert isinstance(refused, Rejected)
    assert (RejectedKind.UNSIGNED, status) == (refused.kind, refused.acknowledgement.status)


@pytest.mark.parametrize("reference", ["", "../refunds", "A?x=1", "A B", "A\n", "\ufffd", "A" * 65])
def test_what_cannot_be_a_reference_is_not_asked_about(reference: str) -> None:
    """Whoever wrote the notice chose it."""
    asked: list[tuple[str, float]] = []
    refused = drive(confirmed(reference, looking(PAID, asked)), Host())
    assert isinstance(refused, Rejected)
    assert (asked, refused.acknowledgement.status) == ([], 400)


def test_the_names_are_there_and_sorted() -> None:
    """Classes, then functions."""
    assert authoring.__all__ == sorted(set(authoring.__all__), key=lambda name: (not name[0].isupper(), name))
    assert [name for name in authoring.__all__ if not hasattr(authoring, name)] == []
