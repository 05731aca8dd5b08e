"""What is particular to a database, as one object: how to connect, what must be in force, what an error means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Literal

from payport.sdk.errors import ConfigurationError, JournalConflict, JournalError, JournalUnsure

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Pool, Table
    from sqlalchemy.sql.expression import ClauseElement

    from payport.sdk.journal import driver

Durability = Literal["full", "normal"]


class Failure(Enum):
    """What an error of the driver means for the transaction that met it."""

    TAKEN = "taken"
    """A unique value is there already."""
    UNDONE = "undone"
    """The database undid the transaction to let another one through (a deadlock): the same work may be done again."""
    LOST = "lost"
    """The connection is gone, or nothing can be written on it any more, and the transaction with it, unless it was just
    being committed."""
    OTHER = "other"


class Undone(JournalConflict):
    """The database undid the transaction to let another one through."""


class Lost(JournalError):
    """The connection to the database is of no use any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """How SQLAlchemy connects. ``arguments``: the driver's own; ``placeholder``: how parameters are spelt."""

    url: URL = field(repr=False)
    arguments: Mapping[str, object] = field(repr=False)
    placeholder: Literal["qmark", "format"]
    pool: type[Pool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of the database that durability or safety hangs on, as it is in force.

    ``doubt``: what can go wrong with it as it is, empty when all is well; ``mend``: what to do then.
    """

    name: str
    value: str
    doubt: str = ""
    mend: str = ""


class Backend(ABC):
    """One database that a journal stands in. ``place``: what messages call it, without the password of its URL."""

    name: ClassVar[str]
    """What its makers call it."""
    extra: ClassVar[str] = ""
    """The extra of this library that brings the driver; empty for one that Python brings."""
    shared: ClassVar[bool]
    """Whether several connections write at the same moment. Where they do, rows are locked; SQLite has one writer."""
    begin_write: ClassVar[str]
    begin_read: ClassVar[str]
    """Begins what sees one unchanging state of the database, and cannot write."""
    find_schema: ClassVar[str]
    """Counts the tables that hold the number of a journal's schema; takes the table's name."""

    def __init__(self, url: URL, *, durability: Durability, busy_timeout_s: float) -> None:
        self._url = url
        self._durability: Durability = durability
        self._busy_timeout_s = busy_timeout_s

    @property
    @abstractmethod
    def place(self) -> str:
        """What messages call the database."""

    @property
    def durable(self) -> bool:
        """Whether what is committed outlives this process."""
        return True

    @property
    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """Everything that the driver raises, values that it cannot store included."""

    @abstractmethod
    def connecting(self, *, patient: bool) -> Connecting:
        """How to connect. ``patient``: for changes of the schema, which may take long.

        Raises :class:`ConfigurationError` when the driver or the place is not there.
        """

    @abstractmethod
    def set_up(self, connection: object) -> None:
        """Put every setting in force on a new connection and read it back.

        Raises :class:`ConfigurationError` for one that is not taken.
        """

    @abstractmethod
    def own(self, connection: object, *, reading: bool) -> driver.Connection:
        """A connection that is ours alone from now on: transactions begin and end by our word only."""

    @abstractmethod
    def foreign(self, connection: object) -> driver.Cursor:
        """A cursor on the application's own connection, inside a transaction that the application will end.

        Rows come as tuples, whatever the application has chosen for its own. Raises :class:`ConfigurationError` for a
        connection to something else, and for one that commits by itself.
        """

    @abstractmethod
    def failure(self, error: BaseException) -> Failure:
        """What an error of the driver means."""

    @abstractmethod
    def insert_absent(self, table: Table, values: Sequence[str], key: Sequence[str]) -> ClauseElement:
        """An INSERT that changes no row when one with the same ``key`` is there; it may then fail as ``TAKEN``."""

    @abstractmethod
    def insert_adding(self, table: Table, key: Sequence[str], number: str) -> ClauseElement:
        """An INSERT of a row with this ``key``, or where there is one, its ``number`` added to that of the row."""

    @abstractmethod
    def alone(self, connection: Connection) -> None:
        """Wait until no other process changes the schema, and keep the others out until the transaction ends."""

    @abstractmethod
    def go_on_counting(self, connection: Connection, table: Table) -> None:
        """Have the database's own numbers go on after those that were copied into a table."""

    @abstractmethod
    def settings(self, cursor: driver.Cursor) -> Sequence[Setting]:
        """What durability hangs on, for people to look at."""

    def error(self, error: BaseException, doing: str) -> JournalError:
        """Our error for one of the driver's."""
        cause = root_of(error)
        words = self.words(cause)
        match self.failure(cause):
            case Failure.TAKEN:
                return JournalConflict(f"the journal could not {doing}: it is there already")
            case Failure.UNDONE:
                return Undone(f"the journal could not {doing}: another transaction was in its way ({words})")
            case Failure.LOST:
                return Lost(f"the journal could not {doing}: the connection to {self.name} is of no use now ({words})")
            case Failure.OTHER:
                return JournalError(f"the journal could not {doing}: {words}")

    def unsure(self, error: BaseException) -> JournalUnsure:
        """Our error for one that came instead of the answer to a commit."""
        return JournalUnsure(
            f"{self.name} did not say whether it committed, so what was written may be there or not: {error}"
        )

    def words(self, error: BaseException) -> str:
        """What the driver says, without the row that it says it of."""
        return str(error)


def root_of(error: BaseException) -> BaseException:
    """The driver's own error where SQLAlchemy has wrapped it, with the statement and its values in the message."""
    return getattr(error, "orig", None) or error


def in_autocommit() -> ConfigurationError:
    """What is wrong with a connection on which every statement would be durable by itself."""
    return ConfigurationError("the connection is in autocommit mode: begin a transaction on it first")
