"""The journal's tables, for every database it may live in.

Portable types only: instants are microseconds since 1970 in UTC, bodies are JSON text, sealed bytes are binary. Columns
repeat what is searched for; the body holds everything, and the two are compared on every read. An index is one more
page to make durable at each write, so there are few: an operation's id begins with its debt's reference and serves to
find both. Names are compared byte by byte, which the migrations see to. On SQLite the tables are ``STRICT``. All names
begin with ``payport_``, because the tables may stand in the application's own database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine

SCHEMA_TABLE = "payport_schema"
"""Where the number of the schema stands, in one row, kept by Alembic."""

# STRICT tables know INTEGER, TEXT and BLOB only
_NUMBER: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")


_BODY: TypeEngine[str] = Text().with_variant(LONGTEXT(), "mysql")
_SEALED: TypeEngine[bytes] = LargeBinary().with_variant(LONGBLOB(), "mysql")


def _name(length: int) -> TypeEngine[str]:
    return String(length).with_variant(Text(), "sqlite")


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

debts = Table(
    "payport_debt",
    metadata,
    Column("ref", _name(64), primary_key=True),
    Column("body", _BODY, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

operations = Table(
    "payport_operation",
    metadata,
    Column("seq", _NUMBER, primary_key=True),
    Column("id", _name(160), nullable=False, unique=True),
    Column("ref", _name(64), ForeignKey("payport_debt.ref"), nullable=False),
    Column("verb", _name(16), nullable=False),
    Column("account", _name(128), nullable=False),
    Column("partner_ref", _name(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", _name(16), nullable=False),
    Column("standing", Integer, nullable=False),
    Column("due_at", _NUMBER, nullable=False),
    Column("lease_owner", _name(128)),
    Column("lease_until", _NUMBER),
    Column("body", _BODY, nullable=False),
    Column("sealed", _SEALED),
    # the account and the partner's reference first: it also answers "whose reference is this"
    Unique("account", "partner_ref", "verb"),
    Index("ix_payport_operation_due", "standing", "account", "due_at"),
    sqlite_strict=True,
)

transitions = Table(
    "payport_transition",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("operation", _name(160), ForeignKey("payport_operation.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", _name(16), nullable=False),
    Column("at", _NUMBER, nullable=False),
    Column("delivered", Integer, nullable=False, index=True),
    Column("body", _BODY, nullable=False),
    Unique("operation", "version"),
    sqlite_strict=True,
)

notices = Table(
    "payport_notice",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("partner", _name(64), nullable=False),
    Column("account", _name(128), nullable=False),
    Column("event_id", _name(255), nullable=False),
    Column("partner_ref", _name(128)),
    Column("applied", Integer, nullable=False),
    Column("body", _BODY, nullable=False),
    Column("sealed", _SEALED),
    Unique("account", "event_id", "partner"),
    Index("ix_payport_notice_open", "account", "applied", "partner_ref"),
    sqlite_strict=True,
)

audit_chains = Table(
    "payport_audit_chain",
    metadata,
    Column("chain", Integer, primary_key=True, autoincrement=False),
    Column("start", _SEALED, nullable=False),
    Column("seq", _NUMBER, nullable=False),
    Column("hash", _SEALED, nullable=False),
    Column("dropped_seq", _NUMBER, nullable=False),
    Column("dropped_hash", _SEALED, nullable=False),
    Column("dropped_at", _NUMBER, nullable=False),
    Column("signed_seq", _NUMBER, nullable=False),
    Column("signed_at", _NUMBER, nullable=False),
    # the newest transition from before there was a trail, or whose record was taken out
    Column("since", _NUMBER, nullable=False),
    sqlite_strict=True,
)

audit_records = Table(
    "payport_audit",
    metadata,
    # the chain and the place in it, in one number: rows are only ever put behind the last of their chain
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", _NUMBER, nullable=False),
    Column("about", _name(160)),
    Column("version", Integer),
    Column("body", _BODY, nullable=False),
    Column("hash", _SEALED, nullable=False),
    Index("ix_payport_audit_about", "about", "version"),
    sqlite_strict=True,
)

audit_exchanges = Table(
    "payport_audit_exchange",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("at", _NUMBER, nullable=False),
    Column("about", _name(160), index=True),
    Column("endpoint", _name(128), nullable=False),
    Column("digest", _name(64), nullable=False, unique=True),
    Column("sealed", _SEALED, nullable=False),
    sqlite_strict=True,
)

audit_keys = Table(
    "payport_audit_key",
    metadata,
    Column("ref", _name(64), primary_key=True),
    Column("sealed", _SEALED),
    Column("erased_at", _NUMBER),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


measures = Table(
    "payport_measure",
    metadata,
    # the day as 2026-11-23: it is read and forgotten by the day
    Column("day", _name(10), primary_key=True),
    Column("partner", _name(64), primary_key=True),
    Column("account", _name(128), primary_key=True),
    Column("endpoint", _name(128), primary_key=True),
    Column("measure", _name(64), primary_key=True),
    Column("number", _NUMBER, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


incidents = Table(
    "payport_incident",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("key", _name(255), nullable=False, index=True),
    # the key while it is not resolved, NULL afterwards: one incident of a key is open at a time
    Column("live", _name(255), unique=True),
    Column("settled", Integer, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("body", _BODY, nullable=False),
    sqlite_strict=True,
)

holds = Table(
    "payport_hold",
    metadata,
    Column("ref", _name(64), primary_key=True),
    Column("released", Integer, nullable=False),
    Column("body", _BODY, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

cursors = Table(
    "payport_cursor",
    metadata,
    Column("name", _name(64), primary_key=True),
    Column("place", _NUMBER, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


class DatabaseClock(GenericFunction[int]):
    """Now, by the database's own clock, in microseconds since 1970: leases of several machines compare on it."""

    type = BigInteger()
    inherit_cache = True
    name = "payport_clock"


@compiles(DatabaseClock, "sqlite")
def _sqlite_clock(element: DatabaseClock, compiler: SQLCompiler, **options: object) -> str:  # noqa: ARG001 - SQLAlchemy's call
    # SQLite's clock counts milliseconds; a Julian day in a float is exact to 40 us, so it is rounded to them
    return "(CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)"


@compiles(DatabaseClock, "postgresql")
def _postgresql_clock(element: DatabaseClock, compiler: SQLCompiler, **options: object) -> str:  # noqa: ARG001 - SQLAlchemy's call
    # now() stands still inside a transaction, which may have waited for a lock
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


@compiles(DatabaseClock, "mysql")
def _mysql_clock(element: DatabaseClock, compiler: SQLCompiler, **options: object) -> str:  # noqa: ARG001 - SQLAlchemy's call
    # whatever the connection's time zone is
    return "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
