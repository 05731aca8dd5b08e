"""Where an SQLite journal may stand: a folder that can be written, on a file system whose locks can be trusted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from errno import EACCES, EISDIR
from pathlib import Path

from payport.sdk.errors import ConfigurationError

# WAL keeps its index in memory that the processes share, and trusts in byte-range locks and fsync. None of the three
# holds across machines (https://www.sqlite.org/wal.html, "Disadvantages"), and 9p and FUSE shares break one of them.
_NETWORK = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs",
        "beegfs", "orangefs", "ocfs2", "gfs2", "davfs", "vboxsf", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph",
        "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.davfs2", "fuse.smbnetfs", "fuse.juicefs",
    }
)  # fmt: skip


def prepare_file(path: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Make sure that a journal can stand at ``path``, and create the empty file, readable by its owner alone.

    ``mounts``: the table of mounted file systems; where the system has none (not Linux), a network share is only
    recognised by a Windows ``\\\\\\\\host\\\\share`` path. Raises :class:`ConfigurationError` that says how to mend it.
    """
    try:
        file = path.resolve()
        folder = file.parent
        is_there = folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # too long, links in a circle, a NUL in it, not to be seen
        raise ConfigurationError(f"journal {path}: no file can be there ({error}); change the URL") from error
    if not is_there:
        raise ConfigurationError(f"journal {path}: the folder {folder} does not exist; create it, or change the URL")
    kind = "smb" if str(folder).startswith("\\\\") else file_system(folder, _lines(mounts))
    if kind in _NETWORK or kind == "smb":
        raise ConfigurationError(
            f"journal {path}: {folder} is on a network file system ({kind}), where SQLite loses writes; "
            "use a folder on a local disk"
        )
    try:
        _create(file)
    except OSError as error:
        raise ConfigurationError(
            f"journal {path}: the file cannot be written ({error.strerror}); "
            f"let this process's user write the folder {folder} and the file"
        ) from error
    if not os.access(folder, os.W_OK):
        raise ConfigurationError(
            f"journal {path}: the folder {folder} cannot be written; let this process's user write it"
        )


def file_system(folder: Path, mounts: Iterable[str]) -> str:
    """The kind of file system that ``folder`` (absolute) is on, by the lines of the mount table; empty if not there."""
    best, kind = -1, ""
    for line in mounts:
        columns = line.split(" ")
        if len(columns) < 3:
            continue
        # the table writes blanks, tabs and backslashes of a path as octal
        point = columns[1].encode().decode("unicode_escape").encode("latin-1").decode(errors="surrogateescape")
        # a later line of the same mount point covers an earlier one
        if folder.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), columns[2]
    return kind


def _create(file: Path) -> None:
    """Create it where it is not there; one that is there is not opened.

    Closing it would drop every lock that this process has on it: another process could then remove the log that a
    journal of this one is writing (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if file.is_dir():
            raise OSError(EISDIR, os.strerror(EISDIR)) from None
        if not os.access(file, os.R_OK | os.W_OK):
            raise OSError(EACCES, os.strerror(EACCES)) from None


def _lines(mounts: Path) -> list[str]:
    try:
        return mounts.read_bytes().decode("latin-1").splitlines()
    except OSError:
        return []
