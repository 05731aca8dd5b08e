"""The database servers that journals are tested on, each test in an empty database of this process's own."""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

import psycopg
import pymysql
import pytest
from sqlalchemy.engine import URL, make_url

PREFIX = "payport_test_"
CHAINS = "payport_audit_chain"
BEGIN_CHAINS = (
    f"UPDATE {CHAINS} SET seq = 0, hash = start, dropped_seq = 0, dropped_hash = start, dropped_at = 0, "
    "signed_seq = 0, signed_at = 0, since = 0"
)
"""The chains of the audit trail were made with the tables: they begin again."""


@dataclass
class Server(ABC):
    """One server, and what of it this process has made. ``variable``: names another one in the environment."""

    variable: ClassVar[str]
    default: ClassVar[str]
    get: ClassVar[str]
    _made: set[str] = field(default_factory=set[str])

    @property
    def address(self) -> URL:
        """Where it is, and a database on it that is always there."""
        return make_url(os.environ.get(self.variable, self.default))

    def url(self, purpose: str = "journal", *, bare: bool = False) -> str:
        """The URL of a database of that purpose, without rows; ``bare``: without tables."""
        name = f"{PREFIX}{os.getpid()}_{purpose}"
        with self._connected(self.address.database) as cursor:
            if bare:
                self.drop(cursor, name)
                self._made.discard(name)
            if name not in self._made:
                self._remove_leftovers(cursor)
                self.create(cursor, name)
                self._made.add(name)
        with self._connected(name) as cursor:
            self.empty(cursor)
        return self.address.set(database=name).render_as_string(hide_password=False)

    def remove(self) -> None:
        """Drop everything that was made."""
        if self._made:
            with self._connected(self.address.database) as cursor:
                for name in self._made:
                    self.drop(cursor, name)
        self._made.clear()

    def _remove_leftovers(self, cursor: Any) -> None:
        """Databases of test runs on this machine that were killed."""
        for name in self.names(cursor):
            pid = name.removeprefix(PREFIX).partition("_")[0]
            if pid.isdigit() and not _lives(int(pid)):
                self.drop(cursor, name)

    @contextmanager
    def _connected(self, database: str | None) -> Iterator[Any]:
        try:
            connection = self.connect(database)
        except (psycopg.OperationalError, pymysql.err.OperationalError) as error:
            reason = f"{self.address.host} does not answer ({error}); {self.get}, or name another in {self.variable}"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    @contextmanager
    def by_hand(self, url: str) -> Iterator[Any]:
        """A cursor that commits at once, on a database of ours."""
        with self._connected(make_url(url).database) as cursor:
            yield cursor

    @abstractmethod
    def connect(self, database: str | None) -> Any:
        """A connection in autocommit mode."""

    @abstractmethod
    def driver(self, url: str, *, autocommit: bool = False) -> Any:
        """The driver's connection to a database of ours, as an application opens it."""

    @abstractmethod
    def others(self, cursor: Any) -> list[int]:
        """The numbers of all other connections to the cursor's database."""

    @abstractmethod
    def end(self, cursor: Any, number: int) -> None:
        """Break a connection."""

    @abstractmethod
    def create(self, cursor: Any, name: str) -> None:
        """Make a database."""

    @abstractmethod
    def drop(self, cursor: Any, name: str) -> None:
        """Remove a database, whoever is in it."""

    @abstractmethod
    def names(self, cursor: Any) -> list[str]:
        """The databases of tests."""

    @abstractmethod
    def empty(self, cursor: Any) -> None:
        """Delete every row of a journal, where there is one."""


class PostgreSql(Server):
    """A role that may create databases is enough."""

    variable = "PAYPORT_TEST_POSTGRESQL"
    default = "postgresql://postgres@127.0.0.1:5432/postgres"
    get = "start PostgreSQL 13 or newer there, with a role that may create databases"

    def connect(self, database: str | None) -> Any:
        address = self.address
        return psycopg.connect(
            host=address.host, port=address.port, user=address.username, password=address.password, dbname=database,
            autocommit=True, connect_timeout=3, options="-c synchronous_commit=off -c client_min_messages=warning",
        )  # fmt: skip

    def driver(self, url: str, *, autocommit: bool = False) -> Any:
        return psycopg.connect(url, autocommit=autocommit)

    def others(self, cursor: Any) -> list[int]:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [row[0] for row in cursor.fetchall()]

    def end(self, cursor: Any, number: int) -> None:
        cursor.execute("SELECT pg_terminate_backend(%s)", (number,))

    def create(self, cursor: Any, name: str) -> None:
        cursor.execute(f'CREATE DATABASE "{name}"')

    def drop(self, cursor: Any, name: str) -> None:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def names(self, cursor: Any) -> list[str]:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (PREFIX,))
        return [row[0] for row in cursor.fetchall()]

    def empty(self, cursor: Any) -> None:
        cursor.execute(
            "SELECT string_agg(tablename, ',') FROM pg_tables WHERE tablename LIKE 'payport%' "
            "AND tablename <> 'payport_schema'"
        )
        tables = cursor.fetchone()[0]
        if tables:
            kept = [table for table in tables.split(",") if table != CHAINS]
            cursor.execute(f"TRUNCATE {','.join(kept)} RESTART IDENTITY")
            if len(kept) < len(tables.split(",")):
                cursor.execute(BEGIN_CHAINS)


class MariaDb(Server):
    """Root, since the name of each database is new."""

    variable = "PAYPORT_TEST_MARIADB"
    default = "mysql://root@127.0.0.1:3306/mysql"
    get = "start MariaDB 10.6 or newer there, with a user that may create databases"

    def connect(self, database: str | None) -> Any:
        address = self.address
        return pymysql.connect(
            host=address.host, port=address.port or 3306, user=address.username, password=address.password or "",
            database=database, autocommit=True, connect_timeout=3, charset="utf8mb4", ssl_disabled=True,
        )  # fmt: skip

    def driver(self, url: str, *, autocommit: bool = False) -> Any:
        parsed = make_url(url)
        return pymysql.connect(
            host=parsed.host, port=parsed.port or 3306, user=parsed.username, password=str(parsed.password or ""),
            database=parsed.database, autocommit=autocommit, ssl_disabled=True,
        )  # fmt: skip

    def others(self, cursor: Any) -> list[int]:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
        return [row[0] for row in cursor.fetchall()]

    def end(self, cursor: Any, number: int) -> None:
        with suppress(pymysql.err.OperationalError):  # it has ended by itself
            cursor.execute(f"KILL {number}")

    def create(self, cursor: Any, name: str) -> None:
        cursor.execute(f"CREATE DATABASE `{name}`")

    def drop(self, cursor: Any, name: str) -> None:
        cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def names(self, cursor: Any) -> list[str]:
        cursor.execute(
            "SELECT schema_name FROM information_schema.schemata WHERE LEFT(schema_name, %s) = %s",
            (len(PREFIX), PREFIX),
        )
        return [row[0] for row in cursor.fetchall()]

    def empty(self, cursor: Any) -> None:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
            "AND table_name LIKE 'payport%' AND table_name <> 'payport_schema'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        cursor.execute("SET SESSION FOREIGN_KEY_CHECKS = 0")
        for table in tables:
            cursor.execute(BEGIN_CHAINS if table == CHAINS else f"DELETE FROM {table}")


SERVERS: dict[str, Server] = {"postgresql": PostgreSql(), "mariadb": MariaDb()}

NAMES = ("sqlite", *SERVERS)


def kind_of(url: str) -> str:
    """The name of the database that a journal's URL leads to."""
    backend = make_url(url).get_backend_name()
    return "mariadb" if backend == "mysql" else backend


def application(kind: str, url: str, *, autocommit: bool = False) -> Any:
    """The driver's connection, as an application opens it on the database that its journal is in too."""
    if kind != "sqlite":
        return SERVERS[kind].driver(url, autocommit=autocommit)
    path = url.removeprefix("sqlite:///")
    return sqlite3.connect(path, isolation_level=None) if autocommit else sqlite3.connect(path)


def sqlalchemy_url(url: str) -> str:
    """The same for SQLAlchemy, with the drivers that a journal uses."""
    schemes = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
    scheme, _, rest = url.partition("://")
    return f"{schemes.get(scheme, scheme)}://{rest}"


@contextmanager
def by_hand(kind: str, url: str) -> Iterator[Any]:
    """A cursor that commits at once, on the database of a journal."""
    if kind != "sqlite":
        with SERVERS[kind].by_hand(url) as cursor:
            yield cursor
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10, isolation_level=None)) as connection:
        yield connection.cursor()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
