"""The statements of what operating needs: incidents, holds, and the stream of transitions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, insert, select, update

from payport.sdk.journal.statements import Statement, compiled
from payport.sdk.journal.tables import cursors, holds, incidents, operations, transitions

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.sql.expression import ClauseElement

    from payport.sdk.journal.backends.backend import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingStatements:
    """What a session says to the database beside the payments."""

    incident: Statement
    latest_incident: Statement
    unsettled_incidents: Statement
    recent_incidents: Statement
    add_incident: Statement
    save_incident: Statement
    hold: Statement
    holds: Statement
    add_hold: Statement
    save_hold: Statement
    cursor: Statement
    add_cursor: Statement
    move_cursor: Statement
    streamed: Statement
    streamed_ids: Statement
    newest: Statement
    first_at: Statement


def compile_operating_statements(dialect: Dialect, backend: Backend) -> OperatingStatements:
    """All of them in the spelling of one database."""
    core = {**_on_incidents(), **_on_holds(backend), **_on_cursors(backend), **_on_the_stream()}
    return OperatingStatements(
        **{item.name: compiled(core[item.name], dialect) for item in fields(OperatingStatements)}
    )


def _on_incidents() -> dict[str, ClauseElement]:
    table = incidents.c
    read = select(table.id, table.key, table.live, table.settled, table.version, table.body)
    written: dict[str, object] = {name: bindparam(name) for name in ("live", "settled", "version", "body")}
    new: dict[str, object] = {"key": bindparam("key")}
    return {
        "incident": read.where(table.id == bindparam("id")),
        "latest_incident": read.where(table.key == bindparam("key")).order_by(table.id.desc()).limit(1),
        "unsettled_incidents": read.where(table.settled == 0).order_by(table.id).limit(bindparam("limit")),
        "recent_incidents": read.order_by(table.id.desc()).limit(bindparam("limit")),
        "add_incident": insert(incidents).values(new | written).inline(),
        "save_incident": update(incidents)
        .where(table.id == bindparam("p_id"), table.version == bindparam("p_version"))
        .values(written),
    }


def _on_holds(backend: Backend) -> dict[str, ClauseElement]:
    table = holds.c
    read = select(table.ref, table.released, table.body)
    columns = ("ref", "released", "body")
    return {
        "hold": read.where(table.ref == bindparam("ref")),
        "holds": read.where(table.released == 0).order_by(table.ref).limit(bindparam("limit")),
        "add_hold": backend.insert_absent(holds, columns, ("ref",)),
        "save_hold": update(holds)
        .where(table.ref == bindparam("p_ref"))
        .values(released=bindparam("released"), body=bindparam("body")),
    }


def _on_cursors(backend: Backend) -> dict[str, ClauseElement]:
    table = cursors.c
    return {
        "cursor": select(table.place).where(table.name == bindparam("name")),
        "add_cursor": backend.insert_absent(cursors, ("name", "place"), ("name",)),
        # forward only: of two readers the slower one must not turn it back
        "move_cursor": update(cursors)
        .where(table.name == bindparam("p_name"), table.place < bindparam("place"))
        .values(place=bindparam("place")),
    }


def _on_the_stream() -> dict[str, ClauseElement]:
    table, earlier = transitions.c, transitions.alias("earlier")
    return {
        "streamed": select(
            table.id, table.operation, operations.c.ref, operations.c.verb, table.version, table.state, table.at,
            table.body, earlier.c.state.label("before"), operations.c.body.label("whole"),
        )
        .select_from(
            transitions.join(operations, operations.c.id == table.operation).outerjoin(
                earlier, (earlier.c.operation == table.operation) & (earlier.c.version == table.version - 1)
            )
        )
        .where(table.id > bindparam("after"))
        .order_by(table.id)
        .limit(bindparam("limit")),
        "streamed_ids": select(table.id)
        .where(table.id >= bindparam("first"), table.id <= bindparam("last"))
        .order_by(table.id),
        "newest": select(func.max(table.id)),
        "first_at": select(table.id, table.at).where(table.id >= bindparam("first")).order_by(table.id).limit(1),
    }  # fmt: skip
