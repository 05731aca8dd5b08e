"""From an authentic answer to what it teaches about an operation. One small function per call, found by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from payport.adapters.alipay.envelope import Answer, refusal
from payport.adapters.alipay.mapping import plain_code
from payport.adapters.alipay.planning import TRADE_QUERY, TRANSFER
from payport.adapters.alipay.reading import holds, refunds, trades, transfers
from payport.adapters.alipay.reading.fields import Unreadable
from payport.schemas.outcome import UnknownKind
from payport.sdk.journal.records import Operation
from payport.sdk.observation import Observation, Source, doubt

Reader: TypeAlias = Callable[[Operation, Answer], Observation]

_TOPICS = (trades, refunds, holds, transfers)
_REPLIES: Mapping[str, Reader] = {name: reader for topic in _TOPICS for name, reader in topic.REPLIES.items()}
_QUESTIONS: Mapping[str, Reader] = {name: reader for topic in _TOPICS for name, reader in topic.QUESTIONS.items()}


def read(operation: Operation, method: str, answer: Answer) -> Observation:
    """What the answer to ``method`` teaches about ``operation``."""
    if not answer.ok:
        return refused(method, answer)
    try:
        return _REPLIES[method](operation, answer)
    except Unreadable as error:
        return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{method}: {error}")


def refused(method: str, answer: Answer) -> Observation:
    """What the refusal of ``method`` means."""
    if method == TRANSFER and plain_code(answer.sub_code or "") == "PAYMENT_FAIL":
        # the papers do not say whether this is final for transfers: ask before believing it
        return doubt(Source.REPLY, UnknownKind.PARTNER_FAULT, f"{answer.sub_code} {answer.sub_msg}".strip())
    return refusal(answer)


def read_question(operation: Operation | None, method: str, answer: Answer) -> Observation:
    """What the answer to a query teaches. A refused question says nothing of the operation.

    ``operation``: ``None`` when a trade is looked up that no journal holds yet.
    """
    if not answer.ok:
        told = refusal(answer)
        if told.absent:
            return doubt(Source.QUERY, UnknownKind.NOT_FOUND, f"{method}: {answer.sub_code}")
        return doubt(Source.QUERY, UnknownKind.PARTNER_FAULT, f"{method} was refused: {answer.sub_code or answer.code}")
    try:
        if operation is None or method == TRADE_QUERY:
            return trades.trade_state(operation, answer)
        return _QUESTIONS[method](operation, answer)
    except Unreadable as error:
        return doubt(Source.QUERY, UnknownKind.UNREADABLE, f"{method}: {error}")
