"""What the partner's replies amount to, told to the sinks: for breakers, limits and scorecards."""

from __future__ import annotations

from typing import TypeVar

from payport.sdk import exchange
from payport.sdk.adapter import Found
from payport.sdk.events import ReplyJudged
from payport.sdk.exchange import Effect, Exchange, Send
from payport.sdk.journal.records import Operation
from payport.sdk.lattice import bind
from payport.sdk.message import Purpose, WireReply, WireRequest
from payport.sdk.observation import Observation
from payport.sdk.operations.setup import Setup

T = TypeVar("T")


def judged(setup: Setup, about: Operation | None, asking: Exchange[T], purpose: Purpose | None = None) -> Exchange[T]:
    """Carry out an adapter's exchange for this ``purpose``, and tell what came of the reply that it read.

    ``about``: the operation that the answer is held against, where there is one. Of several requests the last counts
    that is no errand: tokens and certificates are fetched around the question itself. ``purpose``: left out for a
    native call, where the endpoint says whether it moves money.
    """
    if not setup.hears(ReplyJudged) and not setup.admits:
        return (yield from asking)
    answered: list[tuple[WireRequest, WireReply]] = []

    def hear(effect: Effect, answer: object) -> None:
        if isinstance(effect, Send) and effect.request.endpoint not in setup.profile.errands:
            answered[:] = [(effect.request, answer)] if isinstance(answer, WireReply) else []

    answer = yield from exchange.overheard(asking, hear, purpose)
    if setup.hears(ReplyJudged):
        for request, reply in answered:
            yield from exchange.emit(_verdict(setup, about, request, reply, answer, purpose))
    return answer


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
