"""What the databases have in common that are servers."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import URL

from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.backends.backend import Setting

if TYPE_CHECKING:
    from payport.sdk.journal.backends.backend import Backend

STILL_S = 60.0
"""After so long without a word from inside a transaction the server ends the connection: a process that stands still
must not hold a payment's lock."""

_HERE = ("", "localhost", "127.0.0.1", "::1")


def place_of(url: URL, scheme: str) -> str:
    """Host and database, for messages: no user, no password, no options."""
    bare = URL.create(scheme, host=url.host, port=url.port, database=url.database)
    return bare.render_as_string(hide_password=True)


def check_url(url: URL, options: Collection[str]) -> None:
    """Raise :class:`ConfigurationError` for a URL without a database, or with options that nobody knows."""
    if not url.database:
        raise ConfigurationError(f"the journal's URL names no database; write {url.get_backend_name()}://host/database")
    unknown = sorted(set(url.query) - set(options))
    if unknown:
        raise ConfigurationError(
            f"unknown options in the journal's URL: {', '.join(unknown)}; known are {', '.join(sorted(options))}"
        )


def too_old(backend: Backend, oldest: str) -> ConfigurationError:
    """What is wrong with a server whose version lacks what a journal needs."""
    return ConfigurationError(f"{backend.place} is too old: a journal needs {oldest} or newer")


def is_near(url: URL) -> bool:
    """Whether nobody is on the way: the server is on this machine."""
    host = url.host or ""
    return host in _HERE or host.startswith("/") or "unix_socket" in url.query


def encryption(url: URL, *, encrypted: bool, how: str) -> Setting:
    """How the connection looks to somebody on the way. ``how``: what to write into the URL for TLS."""
    if encrypted or is_near(url):
        return Setting(name="connection", value="TLS" if encrypted else "on this machine")
    return Setting(
        name="connection",
        value="in the clear",
        doubt="whoever is on the way can read and change payments",
        mend=f"use TLS: {how}",
    )
