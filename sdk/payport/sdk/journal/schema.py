"""The schema's number: read with plain SQL on every opening, brought up to date by Alembic when it is behind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.tables import SCHEMA_TABLE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payport.sdk.journal.backends.backend import Backend
    from payport.sdk.journal.driver import Cursor
    from payport.sdk.journal.engine import Database

HEAD = "0005"
"""The schema that this version of the library reads and writes: the newest revision in ``migrations/versions``."""

MOVED = "moved"
"""In the place of the schema's number: the journal lives on in another database."""

_VERSION = f"SELECT version_num FROM {SCHEMA_TABLE}"  # noqa: S608 - a constant


class NoJournal(ConfigurationError):
    """No journal stands in the database, and none was to be made."""


def ensure_schema(database: Database, *, create: bool = True) -> None:
    """Bring the database to :data:`HEAD`; any number of processes may do so at once.

    ``create``: whether to begin with nothing; :class:`NoJournal` is raised otherwise. Raises
    :class:`ConfigurationError` when a newer version of the library has been there.
    """
    place = database.backend.place
    with database.errors(f"bring {place} up to date"):
        with database.engine.connect() as connection:
            if _at_head(connection, database.backend):
                return
            if not create and database.backend.durable and not _there(connection, database.backend):
                raise NoJournal(f"there is no journal in {place}; the first gateway makes it")
        engine = database.patient_engine()
        try:
            with engine.begin() as connection:
                database.backend.alone(connection)  # the others wait here, and find the work done
                if not _at_head(connection, database.backend):
                    _upgrade(connection)
        finally:
            if engine is not database.engine:
                engine.dispose()


def check_schema(cursor: Cursor, database: Database) -> None:
    """Raise :class:`ConfigurationError` unless the journal's tables stand in this database, at :data:`HEAD`."""
    with database.errors("look for its tables on this connection"):
        cursor.execute(database.backend.find_schema, (SCHEMA_TABLE,))
        there = cursor.fetchall()[0][0] == 1
        if there:
            cursor.execute(_VERSION)
            there = [tuple(row) for row in cursor.fetchall()] == [(HEAD,)]
    if not there:
        raise ConfigurationError(
            "this connection's database does not hold the journal's tables; "
            "open the journal with the URL of the application's own database"
        )


def _there(connection: Connection, backend: Backend) -> bool:
    return connection.exec_driver_sql(backend.find_schema, (SCHEMA_TABLE,)).scalar() != 0


def _at_head(connection: Connection, backend: Backend) -> bool:
    if not _there(connection, backend):
        return False
    found = [str(version) for version in connection.exec_driver_sql(_VERSION).scalars()]
    if found == [MOVED]:
        raise ConfigurationError(f"the journal in {backend.place} was moved into another database: open it there")
    if found > [HEAD]:
        raise ConfigurationError(
            f"the journal's schema is {found[0]}, this version of payport knows {HEAD}: a newer one has been there. "
            "Install that version again: an older one cannot tell what it wrote"
        )
    return found == [HEAD]


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - 0.1 s to import, needed once in a schema's life
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
