"""What every migration is made of: the types of columns, and tables and indexes that may be half there already.

MariaDB and MySQL commit after each statement that changes a schema. A process that dies in between leaves a part of
the migration done, and the next one does the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

if TYPE_CHECKING:
    from sqlalchemy.schema import SchemaItem
    from sqlalchemy.types import TypeEngine


def number() -> TypeEngine[int]:
    """64 bits. STRICT tables of SQLite know one kind of integer."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def name(length: int) -> TypeEngine[str]:
    """A text that is compared byte by byte, blanks at the end included, whatever the database is set to."""
    return (
        sa.String(length, collation="C" if _on("postgresql") else None)
        .with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation=_bytewise()), "mysql")
        .with_variant(sa.Text(), "sqlite")
    )


def body() -> TypeEngine[str]:
    """JSON of any length."""
    return sa.Text().with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql")


def sealed() -> TypeEngine[bytes]:
    """Bytes of any number."""
    return sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql")


def make_table(table: str, *parts: SchemaItem, rowid: bool = True) -> None:
    """Create a table. ``rowid``: whether SQLite gives it one."""
    if _on("mysql") and sa.inspect(op.get_bind()).has_table(table):
        return
    op.create_table(
        table,
        *parts,
        sqlite_strict=True,
        **({} if rowid else {"sqlite_with_rowid": False}),
        mysql_engine="InnoDB",
        mysql_default_charset="utf8mb4",
    )


def make_index(index: str, table: str, columns: Sequence[str]) -> None:
    """Create an index."""
    if _on("mysql") and index in {each["name"] for each in sa.inspect(op.get_bind()).get_indexes(table)}:
        return
    op.create_index(index, table, columns)


def _on(dialect: str) -> bool:
    return op.get_bind().dialect.name == dialect


def _bytewise() -> str:
    # their older utf8mb4_bin takes "a" and "a " for the same
    return "utf8mb4_nopad_bin" if getattr(op.get_bind().dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
