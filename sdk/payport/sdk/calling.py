"""One request of an adapter to its partner: admitted, sent, told to the sinks; a missing reply is an observation."""

from __future__ import annotations

from typing import TypedDict

from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownCause, UnknownKind
from payport.sdk import exchange
from payport.sdk.adapter import Adapter
from payport.sdk.events import RequestFailed, RequestRefused, RequestSent
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source

_NOT_SENT = {
    FailureKind.REFUSED: NotSentKind.RATE_LIMITED,
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
_WORTH_RETRYING = frozenset({FailureKind.UNRESOLVED, FailureKind.UNREACHABLE, FailureKind.REFUSED})


class _Whose(TypedDict):
    partner: str
    account: str
    endpoint: str


def call(adapter: Adapter, request: WireRequest, deadline_s: float) -> Exchange[WireReply | Observation]:
    """The whole reply, or what its absence amounts to: ``NOT_SENT`` or a doubt."""
    start = yield from exchange.now()
    reply = yield from exchange.send(request, deadline_s)
    elapsed_s = (yield from exchange.now()).monotonic_s - start.monotonic_s
    whose = _Whose(partner=adapter.partner, account=adapter.account, endpoint=request.endpoint)
    if isinstance(reply, WireReply):
        yield from exchange.emit(RequestSent(**whose, status=reply.status, elapsed_s=elapsed_s))
        return reply
    if reply.kind is FailureKind.REFUSED:
        yield from exchange.emit(RequestRefused(**whose, reason=reply.detail))
    else:
        yield from exchange.emit(
            RequestFailed(**whose, failure_kind=reply.kind, may_have_left=reply.may_have_left, elapsed_s=elapsed_s)
        )
    return missing_reply(reply)


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
