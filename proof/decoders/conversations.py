"""Whole adapters as decoders: each conversation that the conformance subjects have with their simulators, once more,
with one answer spoilt. Every signature is believed: so the spoilt answer is an authentic one of any content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from payport.schemas.events import Rejected
from payport.sdk.message import SendFailure, WireReply
from proof.conversations import Notice, Recorded, Talk, recorded
from proof.decoders.decoder import Decoder, Read, Refused, Sample
from proof.mutating import Form
from proof.subjects import AnySubject, subjects

_FORMS = {"unionpay": Form.FORM, "wechatpay_v2": Form.XML}
_NOTICE_FORMS = {**_FORMS, "alipay": Form.FORM}


def _answered(said: Recorded, talk: Talk, turn: int, reply: WireReply) -> Read:
    def read(data: bytes) -> object:
        told = said.asked_again(talk, turn, replace(reply, content=data))
        repr(told)
        if told.unknown is not None:
            raise Refused
        return told

    return read


def _answers(subject: AnySubject, said: Recorded) -> Iterator[Sample]:
    """One sample for each endpoint and length of an answer: others of them differ in numbers only."""
    seen: set[tuple[str, int, int]] = set()
    for talk in said.talks:
        for turn, (endpoint, reply) in enumerate(talk.replies):
            if isinstance(reply, SendFailure) or endpoint in subject.aside:
                continue
            kind = (endpoint, reply.status, len(reply.content))
            if reply.content and kind not in seen:
                seen.add(kind)
                yield Sample(reply.content, _answered(said, talk, turn, reply))


def _told(said: Recorded, notice: Notice) -> Read:
    def read(data: bytes) -> object:
        found = said.told_again(notice, replace(notice.raw, body=data))
        if isinstance(found, Rejected):
            raise Refused
        repr(found)
        return found

    return read


def _notices(said: Recorded) -> Iterator[Sample]:
    seen: set[int] = set()
    for notice in said.notices:
        if len(notice.raw.body) // 8 not in seen:
            seen.add(len(notice.raw.body) // 8)
            yield Sample(notice.raw.body, _told(said, notice))


def _of(subject: AnySubject) -> Iterator[Decoder]:
    said = recorded(subject.name)
    yield Decoder(
        name=f"{subject.name}: any authentic answer",
        samples=list(_answers(subject, said)),
        declared=(Refused,),
        form=_FORMS.get(subject.name, Form.JSON),
        believing=True,
    )
    yield Decoder(
        name=f"{subject.name}: any authentic notice",
        samples=list(_notices(said)),
        declared=(Refused,),
        form=_NOTICE_FORMS.get(subject.name, Form.JSON),
        believing=True,
    )


DECODERS = tuple(found for subject in subjects() for found in _of(subject))
