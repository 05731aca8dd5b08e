"""T8: signed messages with one bit flipped, headers missing, doubled or swapped, other algorithms and other signers.

None of them is believed: a notice is rejected, an answer is doubted. Where a flip changes nothing that is signed (the
two spellings of a percent-escape, a field that the partner leaves out of its signature) what is read is the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from payport.schemas.events import Rejected
from payport.sdk.adapter import Opened
from payport.sdk.message import SendFailure, WireReply
from payport.sdk.observation import Observation
from payport.sdk.web.raw import notification
from proof.conversations import Notice, Recorded, Talk, recorded
from proof.family import Family, Tally, each, shown
from proof.subjects import AnySubject, subjects

SAMPLES = 5
"""Messages of each kind that every bit of is flipped."""
SIGNS_REPLIES = frozenset({"alipay", "unionpay", "wechatpay", "wechatpay_v2"})
"""The others sign no reply: TLS is what they are believed by."""
ALGORITHMS: Mapping[bytes, bytes] = {
    b"RSA2": b"RSA",
    b"SHA256withRSA": b"SHA1withRSA",
    b"WECHATPAY2-SHA256-RSA2048": b"WECHATPAY2-SM2-WITH-SM3",
    b"HMAC-SHA256": b"MD5",
    b"signMethod=01": b"signMethod=11",
    b"v1=": b"v0=",
}
"""What a message may say of its algorithm, and another that it might like better."""

Meaning = object
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A genuine signed message. ``read``: what it means, ``None`` when it is not believed."""

    name: str
    headers: Headers
    body: bytes
    read: Callable[[Headers, bytes], Meaning | None]

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The body, and the value of each header."""
        return self.body, *(value.encode("latin-1") for _, value in self.headers)

    @property
    def bits(self) -> int:
        """How many bits it has."""
        return 8 * sum(map(len, self.parts))

    def with_parts(self, parts: tuple[bytes, ...]) -> tuple[Headers, bytes]:
        """The same with other bytes."""
        pairs = zip(self.headers, parts[1:], strict=True)
        return tuple((name, value.decode("latin-1")) for (name, _), value in pairs), parts[0]


def _essence(observation: Observation) -> Meaning:
    facts = frozenset((fact.kind, fact.amount) for fact in observation.facts)
    ids = frozenset(observation.ids.items())
    return observation.state, observation.amount, observation.partner_ref, observation.partner_id, ids, facts


def meaning(found: Opened) -> Meaning:
    """What a notice teaches."""
    event = found.event
    lessons = tuple((ref, _essence(lesson)) for ref, lesson in found.lessons)
    return event.kind, event.partner_ref, event.partner_id, event.amount, lessons


def _of_notice(said: Recorded, notice: Notice) -> Signed:
    def read(headers: Headers, body: bytes) -> Meaning | None:
        found = said.told_again(notice, notification(body, headers, notice.raw.query))
        return None if isinstance(found, Rejected) else meaning(found)

    headers = tuple((name.lower(), value) for name, value in notice.raw.headers.items())
    kept = tuple((name, value) for name, value in headers if name not in ("content-type", "user-agent"))
    return Signed("notice", kept, notice.raw.body, read)


def _of_reply(said: Recorded, talk: Talk, turn: int, endpoint: str, reply: WireReply) -> Signed:
    def read(headers: Headers, body: bytes) -> Meaning | None:
        told = said.asked_again(talk, turn, WireReply(reply.status, (*others, *headers), body))
        return None if told.unknown is not None else _essence(told)

    signing = [pair for pair in reply.headers if "wechatpay" in pair[0] and not pair[0].endswith("signature-type")]
    others = tuple(pair for pair in reply.headers if pair not in signing)
    return Signed(endpoint, tuple(signing), reply.content, read)


def _genuine(subject: AnySubject) -> Iterator[Signed]:
    """Every message whose signature was checked: it is believed as it is."""
    said = recorded(subject.name)
    for notice in said.notices:
        yield _of_notice(said, notice)
    if subject.name in SIGNS_REPLIES:
        for talk in said.talks:
            for turn, (endpoint, reply) in enumerate(talk.replies):
                if not isinstance(reply, SendFailure) and endpoint not in subject.aside:
                    yield _of_reply(said, talk, turn, endpoint, reply)


@cache
def messages() -> tuple[tuple[str, Signed, Meaning], ...]:
    """The partner, a message, and what it means: five notices and five replies of each partner, of different kinds."""
    found: list[tuple[str, Signed, Meaning]] = []
    for subject in subjects():
        seen: set[tuple[str, object]] = set()
        count = {"notice": 0, "reply": 0}
        for signed in _genuine(subject):
            means = signed.read(signed.headers, signed.body)
            kind = "notice" if signed.name == "notice" else "reply"
            key = (signed.name, len(signed.body) // 32 if kind == "notice" else None)
            if means is None or key in seen or count[kind] == SAMPLES:
                continue
            seen.add(key)
            count[kind] += 1
            found.append((subject.name, signed, means))
    return tuple(found)


@cache
def _ends() -> tuple[int, ...]:
    """Where each message's bits end, all counted on."""
    ends, total = [], 0
    for _, signed, _ in messages():
        total += signed.bits
        ends.append(total)
    return tuple(ends)


@cache
def _forgeries() -> tuple[tuple[str, Signed, Meaning, tuple[Headers, bytes]], ...]:
    """Every message forged in every way that :func:`forged` knows, and those that the partner's own data name."""
    found = [(name, signed, means, changed) for name, signed, means in messages() for changed in forged(signed)]
    for subject in subjects():
        said = recorded(subject.name)
        for notice in said.forged:
            signed = _of_notice(said, notice)
            found.append((subject.name, signed, None, (signed.headers, signed.body)))
    return tuple(found)


def run(first: int, count: int) -> Tally:
    """Every bit of every message by its number, then every forgery, then the same messages with several changes."""
    return each(range(first, first + count), _one)


def _one(number: int, tally: Tally) -> None:
    total = _ends()[-1]
    if total <= number < total + len(_forgeries()):
        partner, signed, means, changed = _forgeries()[number - total]
        _judge(number, tally, partner, signed, means, changed)
        return
    if number < total:
        which = next(turn for turn, end in enumerate(_ends()) if number < end)
        bit = number - (_ends()[which - 1] if which else 0)
        partner, signed, means = messages()[which]
        _judge(number, tally, partner, signed, means, signed.with_parts(flipped(signed.parts, bit)))
        return
    dice = random.Random(number)
    partner, signed, means = messages()[dice.randrange(len(messages()))]
    parts = signed.parts
    for _ in range(dice.randint(2, 5)):
        parts = flipped(parts, dice.randrange(signed.bits))
    _judge(number, tally, partner, signed, means, signed.with_parts(parts))


def flipped(parts: tuple[bytes, ...], bit: int) -> tuple[bytes, ...]:
    """The parts with one bit turned over."""
    at, turn = divmod(bit, 8)
    changed = list(parts)
    for index, part in enumerate(parts):
        if at < len(part):
            changed[index] = part[:at] + bytes([part[at] ^ 1 << turn]) + part[at + 1 :]
            break
        at -= len(part)
    return tuple(changed)


def forged(signed: Signed) -> Iterator[tuple[Headers, bytes]]:
    """Headers missing, doubled, swapped; another algorithm; nothing signed at all."""
    headers, body = signed.headers, signed.body
    for turn, (name, value) in enumerate(headers):
        yield headers[:turn] + headers[turn + 1 :], body
        yield (*headers, (name, value)), body
        yield (*headers, (name, value[::-1])), body
        yield ((name, value[::-1]), *headers), body
        if name.endswith("signature"):
            yield (*headers[:turn], (name, f"WECHATPAY/SIGNTEST/{value[19:]}"), *headers[turn + 1 :]), body
        for other in range(turn):
            swapped = list(headers)
            swapped[turn], swapped[other] = (name, headers[other][1]), (headers[other][0], value)
            yield tuple(swapped), body
    if headers:
        yield (), body
    for said, liked in ALGORITHMS.items():
        parts = tuple(part.replace(said, liked) for part in signed.parts)
        if parts != signed.parts:
            yield signed.with_parts(parts)
    yield headers, b""
    yield headers, body + b" " * 2 + body


def _judge(
    number: int, tally: Tally, partner: str, signed: Signed, means: Meaning, changed: tuple[Headers, bytes]
) -> None:
    tally.cases += 1
    found = signed.read(*changed)
    if found is None:
        tally.note("not believed")
    elif found == means:
        tally.note(f"{partner}: read the same")
    else:
        tally.fail(number, f"{partner} {signed.name} was believed: {found} instead of {means}; {shown(changed[1])}")


FAMILY = Family(
    id="T8",
    title="no signed message is believed with any bit flipped, any header changed, another algorithm or signer",
    run=run,
    gate=_ends()[-1] + len(_forgeries()) + 20_000,
    long=10_000_000,
    shard=40_000,
)
