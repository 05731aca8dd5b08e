"""Rows and values: how a record becomes JSON text with a version, and how an older text is still read.

``{"v": 1, ...}`` with the fields as :func:`payport.schemas.sparse.sparse_text` writes them: those that hold their
default are left out, so a default may only change together with the version. What must not lie in the clear is left out
of the text and sealed beside it.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from typing import TypeVar, cast

from payport.schemas.encoding import load
from payport.schemas.sparse import Write, sparse_text, sparse_writer
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

_debt_text = sparse_writer(Debt)
# what is sealed (`request`, `action`, `raw`) never lies in the clear: these are the other fields
_step_text = sparse_writer(Step, tuple(item.name for item in fields(Step) if item.name != "request"))
_notice_text = sparse_writer(Notice, tuple(item.name for item in fields(Notice) if item.name != "raw"))
_frozen_text = sparse_writer(Operation, FROZEN)
_MOVING = tuple(item.name for item in fields(Operation) if item.name not in FROZEN and item.name != "steps")
_moving_text = sparse_writer(Operation, _MOVING)
_clear_moving_text = sparse_writer(Operation, tuple(name for name in _MOVING if name != "action"))
_FROZEN_TEXT = "_frozen_text"
_REFERENCE_CHARS = 128
"""The longest reference at a partner that is searched for, as the column has it. None of ours is longer."""
_EVENT_CHARS = 255
"""The longest name of an event that its column holds; of a longer one it holds the digest."""
_ACTION = ""
"""Under which name an action is sealed among the requests of the steps, none of which is called so."""

_to_text = compact_encoder()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """An instant as microseconds since 1970 in UTC, exact."""
    since = at - _EPOCH  # put together by hand: dividing two spans of time takes twice as long
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def blob(content: bytes) -> bytearray:
    """Bytes as they are given to a driver: of ``bytes``, ``sqlite3`` asks for an adapter, which costs an error each."""
    return bytearray(content)


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
            return with_version(_debt_text(record))
        case Operation():
            return _encode_operation(record, _clear_moving_text if sealed else _moving_text)
        case Notice():
            return with_version(_notice_text(record))


def _encode_operation(operation: Operation, moving_text: Write) -> str:
    """Half of the fields are frozen, so their text is made once and goes along from version to version.

    It lies in the dictionary of the operation, beside its fields: :func:`.records.evolve`, which changes none of the
    frozen ones, copies it; ``dataclasses.replace``, which may change them, does not.
    """
    frozen = cast("str | None", operation.__dict__.get(_FROZEN_TEXT))
    if frozen is None:
        frozen = operation.__dict__[_FROZEN_TEXT] = _frozen_text(operation)[:-1]
    steps = ",".join([_step_text(step)[:-1] + ',"request":null}' for step in operation.steps])
    moving = moving_text(operation).removeprefix('{"type":"Operation"')  # which stands in the frozen part
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
        "sealed": None if sealed is None else blob(sealed),
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
    old: dict[str, bytes] = {}
    sealed: bytes | None = None
    if before is not None:
        was, sealed = before
        # as usual: nothing handed out since, and no step was added
        if operation.action == was.action and _sent(operation) == _sent(was):
            return sealed
        old = _secrets(was)
    wanted = old | _secrets(operation)
    if keys is None or wanted == old:
        return sealed
    # by hand: an encoder would look at every character of the base64
    plain = ",".join([f'{quoted(name)}:"{b2a_base64(it, newline=False).decode()}"' for name, it in wanted.items()])
    return keys.seal(f"{{{plain}}}".encode(), operation_name(operation.id))


def without_requests(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of a settled operation."""
    return tuple(replace(step, request=None) if step.request is not None else step for step in steps)


def as_read(operation: Operation, keys: SealingKeys | None, sealed: bytes | None) -> Operation | None:
    """What reading an operation's row will give, ``None`` where only reading it tells."""
    if sealed is None or keys is None:
        kept = _sent(operation).count(None) < len(operation.steps)
        return evolve(operation, steps=without_requests(operation.steps)) if kept else operation
    # a step without its request here may have one there: it came along with an earlier writer
    return None if None in _sent(operation) else operation


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


def _sent(operation: Operation) -> list[bytes | None]:
    return [step.request for step in operation.steps]


def _secrets(operation: Operation) -> dict[str, bytes]:
    secrets = {step.name: step.request for step in operation.steps if step.request is not None}
    if operation.action is not None:
        secrets[_ACTION] = sparse_text(operation.action).encode()
    return secrets
