"""One request of an adapter to its partner: admitted, sent, told to the sinks; a missing reply is an observation."""

from __future__ import annotations

from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownCause, UnknownKind
from payport.sdk import exchange
from payport.sdk.adapter import Adapter
from payport.sdk.events import RequestAbandoned, RequestRefused
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.message import AskAgain, FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source

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
_TOO_LATE = SendFailure(
    FailureKind.DEADLINE, may_have_left=False, detail="it had to wait for its turn until it was too old to be sent"
)
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
        if admitted is None:
            reply = yield from exchange.send(request, deadline_s, partner, account)
        else:
            reply = yield from _in_turn(adapter, request, admitted, deadline_s)
    except GeneratorExit:
        raise  # nobody is there any more to be told
    except BaseException:
        # only who waited was cancelled, so what was sent goes on; its place under a limit is free again
        yield from _abandon(adapter, request)
        raise
    return reply if isinstance(reply, WireReply) else missing_reply(reply)


def _in_turn(
    adapter: Adapter, request: WireRequest, wait_s: float, deadline_s: float
) -> Exchange[WireReply | SendFailure]:
    yield from exchange.sleep(wait_s)
    if request.not_after is not None and (yield from exchange.now()).utc >= request.not_after:
        yield from _abandon(adapter, request)
        return _TOO_LATE
    return (yield from exchange.send(request, deadline_s, adapter.partner, adapter.account))


def _abandon(adapter: Adapter, request: WireRequest) -> Exchange[None]:
    yield from exchange.emit(
        RequestAbandoned(
            partner=adapter.partner,
            account=adapter.account,
            endpoint=request.endpoint,
            moves_money=request.moves_money,
        )
    )


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
