"""Native calls: any endpoint that the adapter knows, through the same signing, limits, deadline and validation.

A native call is sent once and not journalled: the uniform verbs are the ones that survive a crash.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from payport.schemas.outcome import (
    Declined,
    NotSent,
    NotSentCause,
    NotSentKind,
    Reason,
    Succeeded,
    Unknown,
    UnknownCause,
    UnknownKind,
)
from payport.sdk.adapter import Answer, Endpoint
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.operations.judging import judged
from payport.sdk.operations.setup import Setup

RequestT = TypeVar("RequestT")
ReplyT = TypeVar("ReplyT")

NativeOutcome: TypeAlias = Succeeded[ReplyT] | Declined | NotSent | Unknown


def native(
    setup: Setup, endpoint: Endpoint[RequestT, ReplyT], request: RequestT, deadline_s: float
) -> Exchange[NativeOutcome[ReplyT]]:
    """Call one endpoint. Raises :class:`payport.sdk.ConfigurationError` for another partner's endpoint."""
    if endpoint.partner != setup.adapter.partner:
        raise ConfigurationError(
            f"{endpoint.name} is an endpoint of {endpoint.partner}, not of {setup.adapter.partner}"
        )
    answer = yield from judged(setup, None, endpoint.call(setup.adapter, request, deadline_s))
    if isinstance(answer, Answer):
        return Succeeded(answer.value)
    if answer.state is State.NOT_SENT:
        return NotSent(cause=answer.not_sent or NotSentCause(NotSentKind.UNREACHABLE, "nothing was sent"))
    if answer.state is State.DECLINED:
        return Declined(reason=answer.reason or Reason.OTHER, partner_code=answer.partner_code, message=answer.message)
    cause = answer.unknown or UnknownCause(UnknownKind.UNKNOWN_STATUS, "the answer is not final")
    return Unknown(operation=endpoint.name, cause=cause)
