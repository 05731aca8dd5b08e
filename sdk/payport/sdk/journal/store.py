"""The journal itself: opened by a URL, used from any thread, task and forked process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast

from payport.sdk.audit.policy import AuditPolicy
from payport.sdk.background import Background
from payport.sdk.errors import AuditError, ConfigurationError, JournalError, PayportError
from payport.sdk.forks import follow_forks
from payport.sdk.journal.companions import Companions
from payport.sdk.journal.engine import Durability, open_database
from payport.sdk.journal.gate import Gate
from payport.sdk.journal.readers import Readers
from payport.sdk.journal.schema import HEAD, check_schema, ensure_schema
from payport.sdk.journal.sealing import SealingKeys
from payport.sdk.journal.sql_session import SqlSession
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.journal.transactions import Transactions
from payport.sdk.journal.writer import Writer
from payport.sdk.secrets import Secret

if TYPE_CHECKING:
    from typing import Self

    from payport.sdk.audit.record import Entry
    from payport.sdk.journal.backends.backend import Setting
    from payport.sdk.journal.engine import Database
    from payport.sdk.journal.session import Session

T = TypeVar("T")

SOON_S = 0.2
"""How long what is to be recorded soon waits for something else to be written."""
CONNECTIONS = 8
"""To a database server, to write with, and as many to read with."""


class Journal:
    """Durable storage for debts, operations, their history, and notices. Open it with :meth:`open`.

    Safe to share between gateways, threads, event loops (asyncio and trio) and forked processes: connections are closed
    before a fork and opened again on both sides. Closing waits for what is under way; a ``with`` block closes too.
    """

    def __init__(
        self, database: Database, keys: SealingKeys | None, *, connections: int = CONNECTIONS, wait_s: float = 10.0
    ) -> None:
        self._database = database
        self._keys = keys
        self._connections = connections
        self._wait_s = wait_s
        self.companions = Companions()
        """What the gateways on this journal share besides it."""
        self._closed = False
        self._paused = False
        self._soon: Background | None = None
        self._start()
        follow_forks(before=self._before_fork, in_parent=self._after_fork_in_parent, in_child=self._after_fork_in_child)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        password: Secret | None = None,
        sealing_key: Secret | Sequence[Secret] | None = None,
        durability: Durability = "full",
        busy_timeout_s: float = 10.0,
        connections: int = CONNECTIONS,
        audit: AuditPolicy | bool = True,
        create: bool = True,
    ) -> Self:
        """Open a journal, creating or upgrading its tables.

        ``url``: ``sqlite:///payments.db`` (``sqlite:////var/lib/shop/payments.db`` from the root),
        ``postgresql://user@host/database`` or ``mysql://user@host/database`` (MariaDB too), or
        ``sqlite:///:memory:?durable=no`` for tests, which forgets everything.
        ``password``: of a database server, instead of writing it into the URL.
        ``sealing_key``: base64 of 32 random bytes; several for rotation: the first seals, all open. Without one, what
        is needed to repeat a request is not kept, so a request that got no answer can only be asked about or cancelled.
        ``durability``: ``"full"`` survives a power cut; ``"normal"`` only the death of the process.
        ``busy_timeout_s``: how long a write waits for others.
        ``connections``: to a database server, how many at most this process writes with, and as many to read with.
        ``audit``: whether, and how, the audit trail is kept: each transition and notice has its record there, written
        with it.
        ``create``: whether to make a journal where there is none; else that raises :class:`.schema.NoJournal`.

        Raises :class:`payport.sdk.errors.ConfigurationError` for a URL, key or place that cannot be used, and
        :class:`payport.sdk.errors.JournalError` when the storage fails.
        """
        if connections < 1:
            raise ConfigurationError(f"a journal needs one connection at least, got connections={connections}")
        keys = [sealing_key] if isinstance(sealing_key, Secret) else sealing_key
        sealing = None if keys is None else SealingKeys(keys)
        policy = audit if isinstance(audit, AuditPolicy) else AuditPolicy() if audit else None
        if policy is not None and policy.payers and sealing is None:
            raise ConfigurationError("payers can only be recorded sealed: open the journal with a sealing key")
        database = open_database(
            url, password=password, durability=durability, busy_timeout_s=busy_timeout_s, audit=policy
        )
        ensure_schema(database, create=create)
        return cls(database, sealing, connections=connections, wait_s=busy_timeout_s)

    @property
    def durable(self) -> bool:
        """Whether what was written outlives this process."""
        return self._database.backend.durable

    @property
    def seals(self) -> bool:
        """Whether there is a key to seal requests with."""
        return self._keys is not None

    def settings(self) -> Sequence[Setting]:
        """The settings of the database that durability hangs on, as they are in force, for people to look at."""
        self._gate.check()
        if not self.durable:
            return ()
        with self._gate, self._database.errors("look at its settings"):
            link = self._database.connect(reading=True)
            try:
                return self._database.backend.settings(link.cursor)
            finally:
                link.close()

    @property
    def keeps_exchanges(self) -> bool:
        """Whether what goes over the wire is kept, sealed."""
        return self._database.auditing.exchange_keys is not None

    def write(self, work: Callable[[Session], T], *, actor: str = "") -> T:
        """Run ``work`` in one transaction; what it wrote is durable on return.

        Raises what ``work`` raises, with nothing written, and :class:`payport.sdk.errors.JournalError` when the storage
        fails; :class:`payport.sdk.errors.JournalUnsure` when nobody can say whether it was committed. ``work`` must
        not wait for anything, nor do anything but read and write through the session: it is rolled back and called
        again when another writer of the same commit fails (writers on SQLite that are in flight share one), when a
        server undoes it to let another one through, and once when the connection breaks before it is committed.
        ``actor``: on whose behalf, for the audit trail.
        """
        return self._writer.write(work, actor)

    async def awrite(self, work: Callable[[Session], T], *, actor: str = "") -> T:
        """As :meth:`write`, from a task of asyncio or trio; ``work`` runs on the journal's own thread.

        A cancelled task leaves ``work`` done whole or not at all.
        """
        return await self._writer.awrite(work, actor)

    def read(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` on one unchanging view of the journal. Writing in it raises ``JournalError``.

        On a database server it is called again when the connection breaks.
        """
        return self._readers.read(work)

    async def aread(self, work: Callable[[Session], T]) -> T:
        """As :meth:`read`, from a task of asyncio or trio; ``work`` runs on another thread."""
        return await self._readers.aread(work)

    def session_on(self, connection: object, *, actor: str = "") -> Session:
        """A session inside the application's own transaction: what it writes is committed, or not, with the rest of it.

        ``connection``: a ``sqlite3.Connection`` or SQLAlchemy ``Connection``, in a transaction, on the database that
        this journal is in. When the session raises, roll the transaction back.

        Raises :class:`payport.sdk.errors.ConfigurationError` for another database or a connection in autocommit mode.
        """
        cursor = self._database.foreign(connection)
        check_schema(cursor, self._database)
        shared = self._database.backend.shared
        return SqlSession(cursor, self._database, self._keys, locks=shared, actor=actor, at_once=True)

    def announce(self, entry: Entry) -> None:
        """Record something along with the next thing that this process writes: a fact that matters only then."""
        self._database.auditing.announce(entry)

    def note_soon(self, entry: Entry) -> None:
        """Record something without waiting for it: with the next thing that is written, or a moment later by itself.

        What cannot be written then is recorded with the next thing that can. Closing waits for it.
        """
        if self._database.auditing.policy is None:
            return
        self._database.auditing.put_back([entry])
        if self._soon is None:
            self._soon = Background(self._write_announced, every_s=SOON_S, name="payport-audit")
        self._soon.ask()

    def sign_heads(self, *, at_once: bool = True) -> int:
        """Sign how far the audit trail has come, hand that to the configured sinks; answers how many heads there were.

        ``at_once``: not only when a head is due. Does nothing where no key is configured. Raises
        :class:`payport.sdk.errors.AuditError` when a sink fails: the trail goes on, but its end is not secured.
        """
        policy = self._database.auditing.policy
        if policy is None or policy.key is None:
            return 0
        return len(JournalTrail(self).sign_heads(policy, at_once=at_once))

    def move_to(self, target: Journal) -> Mapping[str, int]:
        """Move everything out of this file into an empty journal on a database server; answers the rows of each table.

        Stop the gateways and workers of this journal before. One that was forgotten can write nothing more: its calls
        end as when the storage fails. Raises :class:`payport.sdk.errors.ConfigurationError` for any other two journals,
        and :class:`payport.sdk.errors.JournalError` when either storage fails; then nothing was moved.
        """
        from payport.sdk.journal.moving import move  # noqa: PLC0415 - once in a journal's life

        return move(self._database, target._database)

    def close(self) -> None:
        """Finish the writes under way and close. Later calls raise ``JournalError``; closing again does nothing.

        Where heads of the audit trail are signed, its end is signed before. Raises
        :class:`payport.sdk.errors.AuditError` when that failed: then it is closed all the same.
        """
        self._gate.check()
        if self._soon is not None:
            self._soon.hurry()
        unsigned: PayportError | None = None
        try:
            if not self._closed:
                self.sign_heads()
        except PayportError as error:
            unsigned = error
        finally:
            self._closed = True
            self.companions.close()
            self._writer.close()
            self._readers.close()
            self._database.engine.dispose()
        if unsigned is not None:
            what = f"the journal is closed, but the end of its audit trail is not signed: {unsigned}"
            raise AuditError(what) from unsigned

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({self._database.backend.place!r}, durable={self.durable})"

    def _write_announced(self) -> None:
        if self._database.auditing.announced and not self._closed:
            with suppress(JournalError):  # then it stays announced
                self.write(lambda session: cast("SqlSession", session).audit.touch())

    def _start(self) -> None:
        gate = self._gate = Gate()
        seals, durable = ("no" if self._keys is None else "yes"), ("yes" if self.durable else "no")
        self._database.auditing.begin({"durable": durable, "schema": HEAD, "seals": seals})
        connections, wait_s = self._connections, self._wait_s
        self._writer: Writer | Transactions
        only: Writer | None = None
        if self._database.backend.shared:
            self._writer = Transactions(self._database, self._keys, gate, connections=connections, wait_s=wait_s)
        else:
            self._writer = Writer(self._database, self._keys, gate)
            only = None if self.durable else self._writer
        self._readers = Readers(self._database, self._keys, gate, connections=connections, wait_s=wait_s, only=only)

    def _before_fork(self) -> None:
        self._paused = not self._closed and self._gate.shut()
        if self._paused and self.durable:
            self._writer.disconnect()
            self._readers.disconnect()

    def _after_fork_in_parent(self) -> None:
        if self._paused:
            self._gate.reopen()

    def _after_fork_in_child(self) -> None:
        # what other threads of the parent had queued is theirs; a journal that was in use by the forking thread itself
        # stays as it was, and its gate refuses everybody in this process
        if self._paused:  # pragma: no cover - in another process
            self._start()
