"""The databases that a journal may stand in, by the scheme of their URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.backends.mysql import MySql
from payport.sdk.journal.backends.postgresql import PostgreSql
from payport.sdk.journal.backends.sqlite import Sqlite

if TYPE_CHECKING:
    from payport.sdk.journal.backends.backend import Backend, Durability
    from payport.sdk.secrets import Secret

_BY_SCHEME: Mapping[str, type[Backend]] = {
    "sqlite": Sqlite,
    "postgresql": PostgreSql,
    "postgresql+psycopg": PostgreSql,
    "mysql": MySql,
    "mysql+pymysql": MySql,
    "mariadb": MySql,
    "mariadb+pymysql": MySql,
}

_EXAMPLES = "sqlite:///payments.db, postgresql://user@host/database or mysql://user@host/database"


def backend_of(url: str, password: Secret | None, *, durability: Durability, busy_timeout_s: float) -> Backend:
    """The database of a journal's URL. Raises :class:`ConfigurationError` for one that cannot hold a journal."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # not chained: it may show the password
        raise ConfigurationError(f"the journal's URL is not one; write for example {_EXAMPLES}") from None
    backend = _BY_SCHEME.get(parsed.drivername)
    if backend is None:
        raise ConfigurationError(f"a journal on {parsed.drivername} is not supported; write for example {_EXAMPLES}")
    if durability not in ("full", "normal"):
        raise ConfigurationError(f"durability must be 'full' or 'normal', got {durability!r}")
    if password is not None:
        if not backend.shared:
            raise ConfigurationError(f"a journal on {backend.name} takes no password")
        if parsed.password is not None:
            raise ConfigurationError("the journal's password was given twice: in the URL and beside it")
        parsed = parsed.set(password=password.reveal())
    return backend(parsed, durability=durability, busy_timeout_s=busy_timeout_s)
