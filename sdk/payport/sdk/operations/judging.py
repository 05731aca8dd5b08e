"""What the partner's replies amount to, told to the sinks: for breakers, limits and scorecards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeVar, cast

from payport.schemas.outcome import UnknownCause, UnknownKind
from payport.sdk import exchange
from payport.sdk.adapter import Found
from payport.sdk.events import ReplyJudged
from payport.sdk.exchange import Effect, Exchange, Send
from payport.sdk.journal.records import Operation, State
from payport.sdk.lattice import bind
from payport.sdk.message import Purpose, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation
from payport.sdk.operations.setup import Setup

T = TypeVar("T")


def judged(
    setup: Setup,
    about: Operation | None,
    asking: Exchange[T],
    purpose: Purpose | None = None,
    *,
    not_after: datetime | None = None,
) -> Exchange[T]:
    """Carry out an adapter's exchange for this ``purpose``, and tell what came of the reply that it read.

    What may be tried again waits as long as the last reply that asked for it by ``Retry-After``, whoever the partner
    is. And whatever an adapter makes of it: once a request that moves money may have left, "not sent" is a doubt.

    ``about``: the operation that the answer is held against, where there is one. Of several requests the last counts
    that is no errand: tokens and certificates are fetched around the question itself. ``purpose``: left out for a
    native call, where the endpoint says whether it moves money. ``not_after``: from when on none of its requests that
    move money may leave any more.

    What the partner does not know, it does not know at its own time, where its reply tells that: what it ends by time,
    it ends by its own clock, to whatever ours has been set since.
    """
    heard = _Heard(setup.profile.errands)
    asked_at = None if purpose is None or purpose is Purpose.MOVE else (yield from exchange.now()).utc
    answer = yield from exchange.overheard(asking, heard.hear, purpose, not_after)
    if asked_at is not None and isinstance(answer, Observation):
        answer = replace(answer, as_of=min(asked_at, heard.date or asked_at) if answer.absent else asked_at)
    if heard.left and isinstance(answer, Observation) and answer.state is State.NOT_SENT:
        answer = replace(answer, state=State.DOUBT, not_sent=None, unknown=_left_before(answer))
    if isinstance(answer, Observation) and answer.again and answer.retry_after_s is None:
        now = yield from exchange.now()
        waits = (reply.retry_after_s(now.utc) for reply in reversed(heard.replies))
        answer = replace(answer, retry_after_s=next((wait_s for wait_s in waits if wait_s is not None), None))
    if heard.answered is not None and setup.hears(ReplyJudged):
        yield from exchange.emit(_verdict(setup, about, *heard.answered, answer, purpose))
    return answer


class _Heard:
    """``replies``: all of them, in order. ``answered``: the last request that is no errand, with its reply. ``left``:
    whether one that moves money may have left.
    """

    __slots__ = ("_errands", "answered", "left", "replies")

    def __init__(self, errands: frozenset[str]) -> None:
        self._errands = errands
        self.replies: list[WireReply] = []
        self.left = False
        self.answered: tuple[WireRequest, WireReply] | None = None

    @property
    def date(self) -> datetime | None:
        """When the reply that counts was made, by the partner's clock."""
        return None if self.answered is None else self.answered[1].date

    def hear(self, effect: Effect, answer: object) -> None:
        if not isinstance(effect, Send):
            return
        reply = answer if isinstance(answer, WireReply) else None
        if reply is not None:
            self.replies.append(reply)
        if effect.request.moves_money and (reply is not None or cast("SendFailure", answer).may_have_left):
            self.left = True
        if effect.request.endpoint not in self._errands:
            self.answered = None if reply is None else (effect.request, reply)


def _left_before(answer: Observation) -> UnknownCause:
    return UnknownCause(UnknownKind.CONNECTION_LOST, f"a request had left before; the next one was {answer.not_sent}")


def _verdict(
    setup: Setup,
    about: Operation | None,
    request: WireRequest,
    reply: WireReply,
    answer: object,
    purpose: Purpose | None,
) -> ReplyJudged:
    if isinstance(answer, Found):
        answer = answer.observation
    observation = answer if isinstance(answer, Observation) else None
    if observation is not None and about is not None:
        observation = bind(about, observation)
    unknown = None if observation is None else observation.unknown
    return ReplyJudged(
        partner=setup.adapter.partner,
        account=setup.adapter.account,
        endpoint=request.endpoint,
        moves_money=request.moves_money,
        doubt=None if unknown is None else unknown.kind,
        refusal=None if observation is None else observation.reason,
        retry_after_s=None if observation is None else observation.retry_after_s,
        status=reply.status,
        purpose=purpose or (Purpose.MOVE if request.moves_money else Purpose.ASK),
    )
