"""Moving a journal out of its file into a database server: every row as it is, or none.

The file stays, to be looked at, but nothing more can be written into it: a process that was forgotten would go on with
payments that others are at by now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from sqlalchemy import delete, func, insert, select, text, update

from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal.rows import searched
from payport.sdk.journal.schema import MOVED
from payport.sdk.journal.tables import SCHEMA_TABLE, audit_chains, metadata, notices

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

    from payport.sdk.journal.engine import Database

BATCH = 500

_FENCED = (
    ("INSERT", "payport_debt"),
    ("INSERT", "payport_notice"),
    ("INSERT", "payport_transition"),
    ("INSERT", "payport_audit"),
    ("UPDATE", "payport_operation"),
)
"""Whatever sends anything writes one of these before."""


def move(source: Database, target: Database) -> Mapping[str, int]:
    """Copy every table, then fence the file; answers how many rows each table has.

    Raises :class:`ConfigurationError` unless it is from a file into an empty journal on a server, and
    :class:`JournalError` when either storage fails: then the file is as it was, and the server has nothing of it.
    """
    if source.backend.shared or not source.backend.durable or not target.backend.shared:
        raise ConfigurationError("a journal is moved out of an SQLite file into a database server, and no other way")
    with source.errors(f"move {source.backend.place}"), source.engine.connect() as old:
        source.backend.alone(old)  # whoever writes waits, and then meets the fence
        try:
            chains = _chains(target)
            counts = _copy(old, target)
            try:
                _fence(old)
                old.exec_driver_sql("COMMIT")
            except BaseException:
                _take_back(target, chains)  # else both would go on with the same payments
                raise
        except BaseException:
            old.exec_driver_sql("ROLLBACK")
            raise
    return counts


def _chains(target: Database) -> Sequence[Mapping[str, object]]:
    """The chains of the audit trail as they were made, with nothing in them."""
    with target.errors("look at its chains"), target.engine.connect() as new:
        return [dict(row) for row in new.execute(select(audit_chains)).mappings()]


def _take_back(target: Database, chains: Sequence[Mapping[str, object]]) -> None:
    with target.errors("take back what was moved"), target.engine.begin() as new:
        for table in reversed(metadata.sorted_tables):
            new.execute(delete(table))
        new.execute(insert(audit_chains).inline(), chains)


def _copy(old: Connection, target: Database) -> Mapping[str, int]:
    place = target.backend.place
    with target.errors(f"move it to {place}"), target.engine.begin() as new:
        target.backend.alone(new)
        filled = [table.name for table in _filled(new)]
        if filled:
            raise ConfigurationError(f"{place} is not empty ({', '.join(filled)}): a journal is moved into a new one")
        counts = {table.name: _copy_table(old, new, table) for table in metadata.sorted_tables}
        for table in metadata.sorted_tables:
            target.backend.go_on_counting(new, table)
    return counts


def _filled(new: Connection) -> Sequence[Table]:
    # the chains of the audit trail are there from the beginning
    return [table for table in metadata.sorted_tables if table is not audit_chains and _count(new, table)]


def _copy_table(old: Connection, new: Connection, table: Table) -> int:
    read = select(table).order_by(*table.primary_key.columns)
    for part in old.execution_options(yield_per=BATCH).execute(read).mappings().partitions(BATCH):
        batch = [dict(row) for row in part]
        if table is notices:  # a file from before has columns that a server has no room for
            for row in batch:
                row.update(searched(row["event_id"], row["partner_ref"]))
        if table is audit_chains:  # a file has one of them, a server has more, with nothing in them yet
            new.execute(delete(table).where(table.c.chain.in_([row["chain"] for row in batch])))
            new.execute(update(table).values(since=min(row["since"] for row in batch)))
        new.execute(insert(table).inline(), batch)
    before, after = _count(old, table), _count(new, table)
    if before != after and table is not audit_chains:
        raise JournalError(f"{before} rows of {table.name} became {after}: nothing was moved")
    return before


def _count(connection: Connection, table: Table) -> int:
    return cast("int", connection.execute(select(func.count()).select_from(table)).scalar())


def _fence(old: Connection) -> None:
    for what, table in _FENCED:
        old.execute(
            text(
                f"CREATE TRIGGER payport_moved_{table} BEFORE {what} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'this journal was moved into another database'); END"
            )
        )
    old.execute(text(f"UPDATE {SCHEMA_TABLE} SET version_num = :moved"), {"moved": MOVED})  # noqa: S608 - a constant
