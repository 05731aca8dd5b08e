"""Rows and values: how a record becomes JSON text with a version, and how an older text is still read.

``{"v": 1, ...}`` with the fields as :func:`payport.schemas.sparse.sparse_text` writes them: those that hold their
default are left out, so a default may only change together with the version. What must not lie in the clear is left out
of the text and sealed beside it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TypeVar, cast

from payport.schemas.encoding import load
from payport.schemas.sparse import sparse_text
from payport.sdk.compact_json import compact_encoder
from payport.sdk.errors import JournalError
from payport.sdk.journal.driver import Row
from payport.sdk.journal.recent import Recent
from payport.sdk.journal.records import Debt, Notice, Operation, State, Step, Transition, Verb, evolve
from payport.sdk.journal.rules import FROZEN
from payport.sdk.journal.sealing import SealingKeys

T = TypeVar("T")
Content = dict[str, object]

VERSION = 1

UPGRADES: Mapping[int, Callable[[Content], Content]] = {VERSION: lambda content: content}
"""For each version of a body that was ever written: how to read it as the newest."""

CLOSED, DRIVEN, LEFT_TO_A_PERSON, HURRIED = 0, 1, 2, 3
"""An operation's standing: final, driven by ``resume``, waiting for a person, driven before the others."""
DRIVEN_IN_ORDER = (HURRIED, DRIVEN)
_SHORT = timedelta(hours=1)
"""What may be sent again for longer than this can wait for its turn."""

# what is sealed (`request`, `action`, `raw`) never lies in the clear: these are the other fields
_CLEAR_STEP = tuple(item.name for item in fields(Step) if item.name != "request")
_CLEAR_NOTICE = tuple(item.name for item in fields(Notice) if item.name != "raw")
_MOVING = tuple(item.name for item in fields(Operation) if item.name not in FROZEN and item.name != "steps")
_CLEAR_MOVING = tuple(name for name in _MOVING if name != "action")
_FROZEN_TEXT = "_frozen_text"
_REFERENCE_CHARS = 128
"""The longest reference at a partner that is searched for, as the column has it. None of ours is longer."""
_EVENT_CHARS = 255
"""The longest name of an event that its column holds; of a longer one it holds the digest."""
_ACTION = ""
"""Under which name an action is sealed among the requests of the steps, none of which is called so."""

_to_text = compact_encoder()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """An instant as microseconds since 1970 in UTC, exact."""
    return (at - _EPOCH) // _MICROSECOND


def instant(at_us: int) -> datetime:
    """The instant of :func:`micros`."""
    return _EPOCH + timedelta(microseconds=at_us)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a transition's body holds."""

    source: str
    detail: Mapping[str, str]


def encode(record: Debt | Operation | Notice, *, sealed: bool = False) -> str:
    """The body of a record, with what belongs sealed left out.

    ``sealed``: the action of an operation is sealed beside it: whoever has it may be able to go on with the payment.
    """
    match record:
        case Debt():
            return with_version(sparse_text(record))
        case Operation():
            return _encode_operation(record, _CLEAR_MOVING if sealed else _MOVING)
        case Notice():
            return with_version(sparse_text(record, _CLEAR_NOTICE))


def _encode_operation(operation: Operation, fields_kept: tuple[str, ...]) -> str:
    """Half of the fields are frozen, so their text is made once and goes along from version to version.

    It lies in the dictionary of the operation, beside its fields: :func:`.records.evolve`, which changes none of the
    frozen ones, copies it; ``dataclasses.replace``, which may change them, does not.
    """
    frozen = cast("str | None", operation.__dict__.get(_FROZEN_TEXT))
    if frozen is None:
        frozen = operation.__dict__[_FROZEN_TEXT] = sparse_text(operation, FROZEN)[:-1]
    steps = ",".join([sparse_text(step, _CLEAR_STEP)[:-1] + ',"request":null}' for step in operation.steps])
    moving = sparse_text(operation, fields_kept).removeprefix('{"type":"Operation"')  # which stands in the frozen part
    return with_version(f'{frozen},"steps":[{steps}]{moving}')


def with_version(text: str) -> str:
    """The JSON object of a record, with the version of its form."""
    return f'{text[:-1]},"v":{VERSION}}}'


def encode_lesson(source: str, detail: Mapping[str, str]) -> str:
    """The body of a transition."""
    return _to_text({"type": "Lesson", "source": source, "detail": dict(detail), "v": VERSION})


def decode(body: object, kind: type[T], row: str, fill: Callable[[Content], None] | None = None) -> T:
    """The record of a body. Raises :class:`JournalError` naming the row when it cannot be read.

    ``fill``: puts what was sealed back into the content before it becomes a record.
    """

    def read() -> T:
        content = cast("Content", json.loads(cast("str", body)))
        version = content.pop("v")
        if type(version) is not int or version not in UPGRADES:
            raise ValueError(f"version {version} is newer than this library reads: update it on every machine first")
        content = UPGRADES[version](content)
        if fill is not None:
            fill(content)
        return load(content, kind)

    return _reading(row, read)


def _reading(row: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except JournalError:
        raise
    except Exception as error:
        raise JournalError(f"{row} in the journal cannot be read: {error}") from error


def ids_of_debt(ref: str) -> dict[str, object]:
    """The range in which the ids of a debt's operations lie."""
    return {"first": f"{ref}/", "last": f"{ref}0"}


def standing(operation: Operation) -> int:
    """Whether it is final, driven by ``resume``, before the others or in its turn, or waits for a person."""
    if operation.state.final:
        return CLOSED
    if operation.for_person:
        return LEFT_TO_A_PERSON
    return HURRIED if _runs_out(operation) else DRIVEN


def _runs_out(operation: Operation) -> bool:
    """Whether it may be sent again for minutes only, and is left to a person after that. A payment ends by itself."""
    if operation.state is not State.DOUBT or operation.verb is Verb.PAY:
        return False
    step = operation.open_step
    if step is None or not step.replayable or step.replay_until is None:
        return False
    return step.replay_until - operation.created_at <= _SHORT


def due_at(operation: Operation) -> datetime:
    """From when on ``resume`` looks at it."""
    return operation.next_at or operation.created_at


def is_due(operation: Operation, now: datetime) -> bool:
    """Whether ``resume`` has to look at it now."""
    return standing(operation) in DRIVEN_IN_ORDER and due_at(operation) <= now


def operation_row(operation: Operation, sealed: bytes | None) -> dict[str, object]:
    """The columns of an operation, ``sealed`` from :func:`seal_secrets`."""
    return {
        "id": operation.id,
        "ref": operation.ref,
        "verb": operation.verb.value,
        "account": operation.account,
        "partner_ref": operation.partner_ref,
        "version": operation.version,
        "state": operation.state.value,
        "standing": standing(operation),
        "due_at": micros(due_at(operation)),
        "body": encode(operation, sealed=sealed is not None),
        "sealed": sealed,
    }


def seal_secrets(
    operation: Operation, keys: SealingKeys | None, before: tuple[Operation, bytes | None] | None = None
) -> bytes | None:
    """The requests of an operation's steps and its action, sealed together under its name; none once it is settled.

    ``before``: what the row was and what is sealed in it, kept as it is while nothing else comes along: a journal
    without the key must not lose what one with the key has sealed.
    """
    if operation.state.final:
        return None
    if before is not None and _secret(operation) == _secret(before[0]):
        return before[1]  # as usual: no step was added since, and nothing handed out
    old, sealed = ({}, None) if before is None else (_secrets(before[0]), before[1])
    wanted = old | _secrets(operation)
    if keys is None or wanted == old:
        return sealed
    plain = _to_text({name: b64encode(secret).decode() for name, secret in wanted.items()})
    return keys.seal(plain.encode(), operation_name(operation.id))


def without_requests(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of a settled operation."""
    return tuple(replace(step, request=None) if step.request is not None else step for step in steps)


def as_read(operation: Operation, keys: SealingKeys | None, sealed: bytes | None) -> Operation | None:
    """What reading an operation's row will give, ``None`` where only reading it tells."""
    if sealed is None or keys is None:
        return evolve(operation, steps=without_requests(operation.steps)) if _requests(operation) else operation
    # a step without its request here may have one there: it came along with an earlier writer
    return operation if len(_requests(operation)) == len(operation.steps) else None


def read_operation(row: Row, keys: SealingKeys | None, recent: Recent) -> Operation:
    """The operation of a row, its columns and its newest transition compared with its body.

    ``row``: id, ref, verb, account, partner_ref, version, state, state of that transition, body, sealed.
    """
    columns, told, body, sealed = tuple(row[:7]), row[7], row[8], cast("bytes | None", row[9])
    name = operation_name(str(row[0]))

    def fill(content: Content) -> None:
        if sealed is not None and keys is not None:
            secrets = cast("Content", json.loads(keys.open(sealed, name)))
            for step in cast("list[Content]", content["steps"]):
                step["request"] = secrets.get(cast("str", step["name"]))
            if _ACTION in secrets:
                content["action"] = json.loads(b64decode(cast("str", secrets[_ACTION])))

    operation = recent.find(str(row[0]), body, sealed)
    if operation is None:
        operation = decode(body, Operation, name, fill)
    if columns != (
        operation.id, operation.ref, operation.verb.value, operation.account, operation.partner_ref, operation.version,
        operation.state.value,
    ):  # fmt: skip
        raise JournalError(f"{name} in the journal contradicts itself: its columns and its body differ")
    if told != operation.state.value:
        raise JournalError(f"{name} in the journal contradicts its history: {told} there, {operation.state.value} here")
    return operation


def read_debt(row: Row) -> Debt:
    """The debt of a row: ref, body."""
    name = f"debt {row[0]}"
    debt = decode(row[1], Debt, name)
    if debt.ref != row[0]:
        raise JournalError(f"{name} in the journal contradicts itself: its columns and its body differ")
    return debt


def read_transition(row: Row) -> Transition:
    """The transition of a row: id, operation, ref, verb, version, state, at, body."""
    name = f"transition {row[0]}"
    lesson = decode(row[7], Lesson, name)
    return _reading(
        name,
        lambda: Transition(
            id=cast("int", row[0]),
            operation=cast("str", row[1]),
            ref=cast("str", row[2]),
            verb=Verb(row[3]),
            version=cast("int", row[4]),
            state=State(cast("str", row[5])),
            at=instant(cast("int", row[6])),
            source=lesson.source,
            detail=lesson.detail,
        ),
    )


def notice_row(notice: Notice, keys: SealingKeys | None) -> dict[str, object]:
    """The columns of a notice."""
    raw, event = notice.raw, notice.event
    return {
        "partner": notice.partner,
        "account": notice.account,
        **searched(event.id, event.partner_ref),
        "applied": int(notice.applied),
        "body": encode(notice),
        "sealed": None if raw is None or keys is None else keys.seal(raw, notice_name(notice.account, event.id)),
    }


def searched(event_id: str, partner_ref: str | None) -> dict[str, object]:
    """The columns of a notice that the partner has a say in; it may say more than a column holds."""
    fits = partner_ref is not None and len(partner_ref) <= _REFERENCE_CHARS
    return {"event_id": event_column(event_id), "partner_ref": partner_ref if fits else None}


def event_column(event_id: str) -> str:
    """What stands for an event in its column."""
    if len(event_id) <= _EVENT_CHARS:
        return event_id
    return sha256(event_id.encode("utf-8", "surrogatepass")).hexdigest()


def read_notice(row: Row, keys: SealingKeys | None) -> Notice:
    """The notice of a row: id, partner, account, event_id, applied, body, sealed."""
    name = notice_name(str(row[2]), str(row[3]))
    notice = decode(row[5], Notice, name)
    event_id = notice.event.id
    # a file from before knows every event by its whole name
    if (notice.partner, notice.account) != tuple(row[1:3]) or row[3] not in (event_id, event_column(event_id)):
        raise JournalError(f"{name} in the journal contradicts itself: its columns and its body differ")
    sealed = cast("bytes | None", row[6])
    raw = None if sealed is None or keys is None else keys.open(sealed, notice_name(notice.account, event_id))
    return replace(notice, raw=raw, applied=row[4] == 1)


def operation_name(operation_id: str) -> str:
    """How errors and seals call an operation's row."""
    return f"operation {operation_id}"


def notice_name(account: str, event_id: str) -> str:
    """How errors and seals call a notice's row."""
    return f"notice {event_id} of {account}"


def _requests(operation: Operation) -> dict[str, bytes]:
    return {step.name: step.request for step in operation.steps if step.request is not None}


def _secrets(operation: Operation) -> dict[str, bytes]:
    action = {} if operation.action is None else {_ACTION: sparse_text(operation.action).encode()}
    return _requests(operation) | action


def _secret(operation: Operation) -> tuple[object, ...]:
    return operation.action, *(step.request for step in operation.steps)
