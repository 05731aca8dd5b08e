"""One request of an adapter to its partner: admitted, sent, told to the sinks; a missing reply is an observation.

:func:`kept` gives what a step sends, :func:`call` the reply to it, and :func:`call_json` what a reply in JSON teaches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownCause, UnknownKind
from payport.sdk import exchange
from payport.sdk.adapter import Adapter
from payport.sdk.events import RequestAbandoned, RequestRefused
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State, Step
from payport.sdk.message import AskAgain, FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source, doubt
from payport.sdk.strict_json import MalformedJson, parse_object

JsonObject: TypeAlias = Mapping[str, object]
"""A JSON object, read strictly: every name once, no floats."""

_NOT_SENT = {
    FailureKind.REFUSED: NotSentKind.INVALID,
    FailureKind.RATE_LIMITED: NotSentKind.RATE_LIMITED,
    FailureKind.BREAKER_OPEN: NotSentKind.BREAKER_OPEN,
    FailureKind.SUSPENDED: NotSentKind.PARTNER_SUSPENDED,
    FailureKind.DEADLINE: NotSentKind.DEADLINE,
    FailureKind.UNRESOLVED: NotSentKind.UNRESOLVED,
    FailureKind.UNREACHABLE: NotSentKind.UNREACHABLE,
    FailureKind.TLS: NotSentKind.TLS,
}
_UNKNOWN = {
    FailureKind.TIMED_OUT: UnknownKind.TIMED_OUT,
    FailureKind.CONNECTION_LOST: UnknownKind.CONNECTION_LOST,
    FailureKind.UNREADABLE: UnknownKind.UNREADABLE,
}
_WORTH_RETRYING = frozenset({FailureKind.UNRESOLVED, FailureKind.UNREACHABLE, FailureKind.RATE_LIMITED})


def call(adapter: Adapter, request: WireRequest, deadline_s: float) -> Exchange[WireReply | Observation]:
    """The whole reply, or what its absence amounts to: ``NOT_SENT`` or a doubt. Waits for its turn under a limit."""
    partner, account = adapter.partner, adapter.account
    admitted = yield from exchange.admit(request, deadline_s, partner, account)
    while isinstance(admitted, AskAgain):
        yield from exchange.sleep(admitted.after_s)
        admitted = yield from exchange.admit(request, deadline_s, partner, account)
    if isinstance(admitted, SendFailure):
        yield from exchange.emit(
            RequestRefused(
                partner=partner, account=account, endpoint=request.endpoint, kind=admitted.kind, reason=admitted.detail
            )
        )
        return missing_reply(admitted)
    try:
        if admitted:
            yield from exchange.sleep(admitted)
        reply = yield from exchange.send(request, deadline_s, partner, account)
    except GeneratorExit:
        raise  # nobody is there any more to be told
    except BaseException:
        # only who waited was cancelled, so what was sent goes on; its place under a limit is free again
        yield from exchange.emit(
            RequestAbandoned(
                partner=partner, account=account, endpoint=request.endpoint, moves_money=request.moves_money
            )
        )
        raise
    return reply if isinstance(reply, WireReply) else missing_reply(reply)


def missing_reply(failure: SendFailure) -> Observation:
    """What having no reply amounts to."""
    if failure.may_have_left:
        cause = UnknownCause(_UNKNOWN.get(failure.kind, UnknownKind.CONNECTION_LOST), failure.detail)
        return Observation(
            state=State.DOUBT, source=Source.REPLY, unknown=cause, again=True, retry_after_s=failure.retry_after_s
        )
    kind = _NOT_SENT.get(failure.kind, NotSentKind.UNREACHABLE)
    return Observation(
        state=State.NOT_SENT,
        source=Source.LOCAL,
        not_sent=NotSentCause(kind, failure.detail, failure.retry_after_s),
        again=failure.kind in _WORTH_RETRYING,
        retry_after_s=failure.retry_after_s,
    )


def kept(step: Step) -> bytes | Observation:
    """What a step sends, as ``plan_...`` put it there; ``NOT_SENT`` where a journal without a key did not keep it."""
    if step.request is not None:
        return step.request
    cause = NotSentCause(NotSentKind.INVALID, "the request was not kept: without a sealing key it cannot be sent again")
    return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause)


def json_of(reply: WireReply, source: Source, partner: str) -> JsonObject | Observation:
    """The JSON object of a reply, whatever its status, or the doubt that a reply without one leaves."""
    try:
        return parse_object(reply.content)
    except MalformedJson:
        busy = _is_busy(reply)
        kind = UnknownKind.PARTNER_FAULT if busy else UnknownKind.UNREADABLE
        return doubt(source, kind, f"HTTP status {reply.status} without {partner}'s JSON", again=busy)


def _is_busy(reply: WireReply) -> bool:
    """Too many calls, or the partner's own trouble: it may be asked again."""
    return reply.status == 429 or reply.status >= 500


def call_json(
    adapter: Adapter,
    request: WireRequest,
    deadline_s: float,
    read: Callable[[int, JsonObject, Source], Observation],
) -> Exchange[Observation]:
    """What the reply of a partner who speaks JSON teaches: ``read`` is told status, object and source.

    A question is one that moves no money. A reply without JSON, an error of the partner's own (429, 5xx) and one that
    ``read`` raises ``KeyError``, ``TypeError`` or ``ValueError`` over is a doubt.
    """
    reply = yield from call(adapter, request, deadline_s)
    if isinstance(reply, Observation):
        return reply
    source = Source.REPLY if request.moves_money else Source.QUERY
    node = json_of(reply, source, adapter.partner)
    if isinstance(node, Observation):
        return node
    if _is_busy(reply):
        return doubt(source, UnknownKind.PARTNER_FAULT, f"{request.endpoint}: status {reply.status}", again=True)
    try:
        return read(reply.status, node, source)
    except (KeyError, TypeError, ValueError) as error:
        # the error's own text may hold anything that the partner wrote
        detail = f"{request.endpoint}: the JSON is not what was expected ({type(error).__name__})"
        return doubt(source, UnknownKind.UNREADABLE, detail)
