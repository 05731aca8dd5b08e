"""Opening a journal: where it may stand, what must be in force, and how its tables come to be."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.journal_records import debt
from tests.support.journal_writers import adding, refs

from payport.sdk import journal as package
from payport.sdk.errors import ConfigurationError, JournalError
from payport.sdk.journal import Journal, engine
from payport.sdk.journal.backends import sqlite_file
from payport.sdk.journal.backends.sqlite import Sqlite

ROOT = Path(__file__).parents[3]


@pytest.fixture
def url(file_url: str) -> str:
    """A file, which has rules of its own; what holds for every database stands at the end."""
    return file_url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("payments.db", "sqlite:///payments.db"),
        ("oracle://u:hunter2@host/db", "a journal on oracle is not supported"),
        ("postgresql://u:hunter2@host", "names no database"),
        ("mysql://u:hunter2@host/db?autocommit=true", "unknown options in the journal's URL: autocommit"),
        ("postgresql://u:hunter2@host/db?password=hunter2", "unknown options in the journal's URL: password"),
        ("postgresql://u:hunter2@host:port/db", "is not one"),
        ("sqlite://", "forgets every payment"),
        ("sqlite:///:memory:", r"durable=no"),
        ("sqlite:///:memory:?durable=maybe", "forgets every payment"),
        ("sqlite:///x.db?nolock=1", "takes no options, got nolock"),
        ("sqlite:///x.db?durable=no", "takes no options, got durable"),
        ("sqlite:////nowhere/to/be/found.db", "the folder /nowhere/to/be does not exist"),
    ],
)
def test_a_place_that_cannot_hold_a_journal_is_refused(url: str, why: str) -> None:
    """With what is wrong and how to mend it, and without the password of the URL."""
    with pytest.raises(ConfigurationError, match=why) as refused:
        Journal.open(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
def test_a_server_that_does_not_answer_is_a_storage_error(scheme: str) -> None:
    """It names the server, and neither user nor password."""
    with pytest.raises(JournalError, match=rf"{scheme}://127\.0\.0\.1:1/shop") as refused:
        Journal.open(f"{scheme}://hunter1:hunter2@127.0.0.1:1/shop")
    assert "hunter" not in str(refused.value)


def test_durability_is_one_of_two(url: str) -> None:
    """A typing error does not turn it off."""
    with pytest.raises(ConfigurationError, match="'full' or 'normal'"):
        Journal.open(url, durability="off")  # type: ignore[arg-type] # the point of the test


def test_an_old_sqlite_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without STRICT tables a wrong type would be stored as it is."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 9))
    with pytest.raises(ConfigurationError, match=r"needs SQLite 3\.37\.0 or newer"):
        Journal.open(url)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """The reason of the operating system is passed on."""
    with pytest.raises(ConfigurationError, match=r"cannot be written \(Is a directory\)"):
        Journal.open(f"sqlite:///{tmp_path}")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite needs to put its log beside the file."""
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(ConfigurationError, match="let this process's user write it"):
        Journal.open(f"sqlite:///{tmp_path / 'payments.db'}")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """It is left as it is."""
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(JournalError, match="not a database"):
        Journal.open(f"sqlite:///{tmp_path / 'notes.txt'}")


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """And what SQLite puts beside it too."""
    with Journal.open(f"sqlite:///{tmp_path / 'payments.db'}") as journal:
        journal.write(lambda session: session.add_debt(debt()))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"payments.db": 0o600, "payments.db-wal": 0o600, "payments.db-shm": 0o600}


SERVER = """
import os, signal, sys
from tests.support.journal_writers import adding
from payport.adapters.alipay import Alipay
from payport.adapters.alipay.simulator import AlipaySimulator
from payport.sdk import Gateway
from payport.sdk.journal import Journal
url = sys.argv[1]
first = Journal.open(url)
first.write(adding("BEFORE"))
with AlipaySimulator() as partner, Gateway(Alipay(partner.account), journal=url, transport=partner.transport()):
    print("open", flush=True)
    input()
    first.write(adding("AFTER"))
    print("acknowledged", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""A process that has the journal open twice, and is killed."""


@pytest.mark.skipif(os.name == "nt", reason="locks are not lost so on Windows")
def test_a_process_that_opens_a_journal_twice_keeps_its_locks(url: str) -> None:
    """Another process that comes and goes leaves the log alone, so what is acknowledged afterwards is there."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, url], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "open\n"
        with Journal.open(url) as journal:
            journal.write(adding("BETWEEN"))
        server.stdin.write("\n")
        server.stdin.flush()
        assert server.stdout.readline() == "acknowledged\n"
    with Journal.open(url) as journal:
        assert refs(journal, ["BEFORE", "BETWEEN", "AFTER"]) == ["BEFORE", "BETWEEN", "AFTER"]


def test_a_file_that_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found without opening it."""
    place = tmp_path / "payments.db"
    place.touch()
    monkeypatch.setattr(os, "access", lambda path, mode: path != place)
    with pytest.raises(ConfigurationError, match=r"file cannot be written \(Permission denied\); let this process"):
        Journal.open(f"sqlite:///{place}")


def test_a_link_to_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    """The file is made where it leads, for its owner alone."""
    (tmp_path / "payments.db").symlink_to(tmp_path / "elsewhere.db")
    sqlite_file.prepare_file(tmp_path / "payments.db")
    assert stat.S_IMODE((tmp_path / "elsewhere.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [f"{'a' * 300}/x.db", "a/" * 3_000, "circle/x.db", "a\0b"])
def test_a_path_where_no_file_can_be_is_refused(tmp_path: Path, name: str) -> None:
    """Too long, in a circle of links, or with a NUL in it."""
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(
        ConfigurationError, match=r"no file can be there \(|does not exist; create it, or change the URL"
    ):
        Journal.open(f"sqlite:///{tmp_path}/{name}")


MOUNTS = [
    "/dev/sda1 / ext4 rw 0 0",
    "server:/x /mnt/share nfs4 rw 0 0",
    "tmpfs /mnt/share/local tmpfs rw 0 0",
    r"//nas/y /mnt/with\040blank cifs rw 0 0",
    "damaged",
    "old /srv ext4 rw 0 0",
    "new /srv nfs rw 0 0",
]


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/mnt/share/shop", "nfs4"),
        ("/mnt/shared", "ext4"),
        ("/mnt/share/local/shop", "tmpfs"),
        ("/mnt/with blank", "cifs"),
        ("/srv/shop", "nfs"),
    ],
)
def test_the_nearest_mount_point_tells_the_file_system(folder: str, kind: str) -> None:
    """Blanks are written as octal, and the last of two mounts on one point counts."""
    assert kind == sqlite_file.file_system(Path(folder), MOUNTS)


def test_network_file_systems_are_refused(tmp_path: Path) -> None:
    """SQLite's locks do not hold there; where nothing is known of the mounts, nothing is refused."""
    mounts = tmp_path / "mounts"
    mounts.write_text("server:/x / nfs4 rw 0 0\n")
    with pytest.raises(ConfigurationError, match=r"network file system \(nfs4\)"):
        sqlite_file.prepare_file(tmp_path / "payments.db", mounts)
    sqlite_file.prepare_file(tmp_path / "payments.db", tmp_path / "no such table")
    assert (tmp_path / "payments.db").exists()


PRAGMAS = {"journal_mode": "wal", "foreign_keys": 1, "trusted_schema": 0, "cell_size_check": 1, "busy_timeout": 3000}


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("normal", 1)])
def test_every_setting_is_in_force(url: str, durability: engine.Durability, synchronous: int) -> None:
    """On the connection that writes and on those that read."""
    database = engine.open_database(url, durability=durability, busy_timeout_s=3.0)
    for reading in (False, True):
        link = database.connect(reading=reading)
        found: dict[str, object] = {}
        for name in (*PRAGMAS, "synchronous", "query_only"):
            link.cursor.execute(f"PRAGMA {name}")
            found[name] = link.cursor.fetchall()[0][0]
        link.close()
        assert PRAGMAS | {"synchronous": synchronous, "query_only": int(reading)} == found


def test_a_setting_that_is_not_taken_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite ignores what it does not know or cannot do: so each is read back."""
    pragmas = Sqlite.pragmas
    for pragma in ({"synchronous": ("EXTRA", 2)}, {"no_such_setting": ("ON", 1)}):
        monkeypatch.setattr(Sqlite, "pragmas", lambda self, pragma=pragma: pragmas(self) | pragma)
        with pytest.raises(ConfigurationError, match=f"did not take PRAGMA {next(iter(pragma))}"):
            Journal.open(url)


def test_a_journal_in_memory_says_so() -> None:
    """It works, and nobody can take it for durable."""
    with Journal.open("sqlite:///:memory:?durable=no") as journal:
        journal.write(lambda session: session.add_debt(debt()))
        assert debt() == journal.read(lambda session: session.debt("SHOP0001"))
        assert repr(journal) == "Journal(':memory:', durable=False)"
        with pytest.raises(ZeroDivisionError):
            journal.read(lambda session: 1 / 0)


def test_the_package_is_light_until_a_journal_is_opened() -> None:
    """Importing the records, or the package, does not load SQLAlchemy."""
    script = (
        "import sys, payport.sdk.journal, payport.sdk.journal.records, payport.sdk.journal.session\n"
        "assert not {'sqlalchemy', 'alembic', 'cryptography', 'asyncio', 'sqlite3'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    assert package.Journal is Journal
    with pytest.raises(AttributeError, match="no attribute 'Ledger'"):
        getattr(package, "Led" + "ger")
