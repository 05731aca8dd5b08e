"""Archives: records of one chain in a compressed file, with a signed manifest beside it.

``audit-<chain>-<first>-<last>.jsonl.gz`` holds a record a line, ``{"hash":"<hex>","record":<body>}``, the body as it
was hashed. The ``.json`` of the same name is the manifest: which records of which chain, the hash before the first and
that of the last, the SHA-256 of the file, signed like a head. A file without its manifest was never finished.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Final, cast

from payport.schemas.encoding import instant_text
from payport.sdk.audit.canonical import Canonical, canonical_text, integer_in, parse_canonical, text_in
from payport.sdk.audit.chain import Chain, Flaw, FlawKind, Place, Row
from payport.sdk.audit.signing import AuditKey, PublicKeys
from payport.sdk.audit.trail import Trail, end_of_old, rows_of
from payport.sdk.audit.walking import Walk, row_of
from payport.sdk.errors import AuditError

KIND: Final = "audit archive"
VERSION: Final = 1
_HEX: Final = 64
_HASH: Final = '{"hash":"'
_RECORD: Final = '","record":'
_BEGIN: Final = len(_HASH) + _HEX + len(_RECORD)
_LONGEST_LINE: Final = 1024 * 1024
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The manifest of one archive. ``path``: where it was read from; its records are in ``file`` beside it."""

    start: bytes = field(repr=False)
    chain: int
    before: Place
    """The record before the first."""
    through: Place
    """The last record."""
    begins: str
    ends: str
    """When the first and the last of them were written."""
    made: str
    library: str
    file: str
    sha256: str = field(repr=False)
    key: str
    signature: str = field(default="", repr=False)
    path: Path = field(default=Path(), compare=False)

    @property
    def count(self) -> int:
        """How many records it holds."""
        return self.through.seq - self.before.seq

    def content(self) -> dict[str, Canonical]:
        """What is signed."""
        return {
            "before": self.before.hash.hex(),
            "begins": self.begins,
            "chain": self.chain,
            "count": self.count,
            "ends": self.ends,
            "file": self.file,
            "first": self.before.seq + 1,
            "hash": self.through.hash.hex(),
            "key": self.key,
            "last": self.through.seq,
            "library": self.library,
            "made": self.made,
            "sha256": self.sha256,
            "start": self.start.hex(),
            "v": VERSION,
        }

    @classmethod
    def read(cls, path: Path) -> Archive:
        """The manifest in a file; its signature is not checked. Raises :class:`payport.sdk.errors.AuditError`."""
        try:
            content = _manifest(path.read_text("utf-8").rstrip("\n"))
            first, last = integer_in(content, "first"), integer_in(content, "last")
            return cls(
                start=bytes.fromhex(text_in(content, "start")),
                chain=integer_in(content, "chain"),
                before=Place(first - 1, bytes.fromhex(text_in(content, "before"))),
                through=Place(last, bytes.fromhex(text_in(content, "hash"))),
                begins=text_in(content, "begins"),
                ends=text_in(content, "ends"),
                made=text_in(content, "made"),
                library=text_in(content, "library"),
                file=text_in(content, "file"),
                sha256=text_in(content, "sha256"),
                key=text_in(content, "key"),
                signature=text_in(content, "signature"),
                path=path,
            )
        except OSError as error:
            raise AuditError(f"{path} cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise AuditError(f"{path} is no manifest of an archive of the audit trail") from error

    def rows(self) -> Iterator[Row]:
        """The records, in order. Raises :class:`payport.sdk.errors.AuditError` for a line that is none."""
        path = self.path.with_name(self.file)
        try:
            with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
                for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), ""), 1):
                    yield self._row(line, number)
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise AuditError(f"{path} cannot be read: {error}") from error

    def _row(self, line: str, number: int) -> Row:
        found = _hash_in(line)
        if found is None:
            raise AuditError(f"line {number} of {self.file} is no archived record")
        return row_of(line[_BEGIN:-2], found, chain=self.chain, place=self.before.seq + number)


def write_archive(
    trail: Trail,
    chain: Chain,
    after: Place,
    before: datetime,
    folder: Path,
    *,
    key: AuditKey,
    now: datetime,
    library: str,
) -> Archive | None:
    """Write the records of a chain behind ``after`` that are older than ``before``, and read them back.

    Ends before the first that is not older, so what is archived is all that came before. Answers ``None`` when there is
    none. Raises :class:`payport.sdk.errors.AuditError` when the records do not verify, or a file cannot be written:
    then no manifest is there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = folder / f".audit-{chain.name}-{after.seq + 1}.part"
    written = _Written()
    try:
        through = end_of_old(trail, chain.chain, after, before, now)
        old = takewhile(lambda row: row.seq <= through.seq, rows_of(trail, chain.chain, after.seq))
        _write_rows(partial, written.note(old))
        if written.first is None or written.last is None:
            return None
        name = f"audit-{chain.name}-{written.first.seq:09d}-{written.last.seq:09d}"
        file, manifest = folder / f"{name}.jsonl.gz", folder / f"{name}.json"
        unsigned = Archive(
            start=chain.start,
            chain=chain.chain,
            before=after,
            through=Place(written.last.seq, written.last.hash),
            begins=_when(written.first),
            ends=_when(written.last),
            made=instant_text(now),
            library=library,
            file=file.name,
            sha256=_digest(partial),
            key=key.key_id,
            path=manifest,
        )
        if manifest.exists():
            raise AuditError(f"{manifest} is there already, and is left as it is; archive to another folder")
        archive = replace(unsigned, signature=key.sign(KIND, unsigned.content()))
        partial.replace(file)
        flaws = list(_check_rows(archive))
        if flaws:
            file.unlink()
            raise AuditError(f"not archived: {flaws[0].what}; look with payport audit verify")
        _write_manifest(partial, manifest, archive)
    except (OSError, ValueError) as error:
        raise AuditError(f"the archive could not be written to {folder}: {error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return archive


def read_archives(folder: Path) -> Sequence[Archive]:
    """The manifests in a folder, by chain and place. Raises :class:`payport.sdk.errors.AuditError`."""
    if not folder.is_dir():
        raise AuditError(f"{folder} is no folder")
    found = [Archive.read(path) for path in sorted(folder.glob("audit-*.json"))]
    return sorted(found, key=lambda each: (each.start, each.chain, each.before.seq))


def check_archive(archive: Archive, keys: PublicKeys) -> Iterator[Flaw]:
    """What is wrong with one archive: its signature, its file, its records."""
    if not keys.verify(KIND, archive.content(), archive.key, archive.signature):
        why = "its signature is wrong" if keys.knows(archive.key) else f"key {archive.key} is not trusted"
        yield Flaw(FlawKind.FORGED, f"{archive.path.name} does not count: {why}", archive.chain)
    try:
        digest = _digest(archive.path.with_name(archive.file))
    except OSError as error:
        yield Flaw(FlawKind.MISSING, f"{archive.file} cannot be read ({error.strerror})", archive.chain)
        return
    if digest != archive.sha256:
        yield Flaw(FlawKind.CHANGED, f"{archive.file} is not the file that was signed", archive.chain)
    yield from _check_rows(archive)


def check_order(archives: Sequence[Archive], chains: Sequence[Chain] = ()) -> Iterator[Flaw]:
    """Whether each archive follows on the one before it, and the journal's ``chains`` on the last.

    ``archives``: as :func:`read_archives` gives them.
    """
    known: dict[tuple[bytes, int], Archive] = {}
    for each in archives:
        before = known.get((each.start, each.chain))
        if before is not None and before.through != each.before:
            what = f"{each.file} does not follow on {before.file}"
            if each.before.seq > before.through.seq:
                what += f": records {before.through.seq + 1} to {each.before.seq} are missing"
            yield Flaw(FlawKind.MISSING, what, each.chain, before.through.seq + 1)
        known[each.start, each.chain] = each
    for chain in chains:
        last = known.get((chain.start, chain.chain))
        reached = Place(0, chain.start) if last is None else last.through
        ends = {each.through for each in archives if (each.start, each.chain) == (chain.start, chain.chain)}
        if reached.seq < chain.dropped.seq:
            what = f"records {reached.seq + 1} to {chain.dropped.seq} are neither in the journal nor in the archives"
            yield Flaw(FlawKind.MISSING, what, chain.chain, reached.seq + 1)
        elif chain.dropped.seq and chain.dropped not in ends:
            what = f"the journal goes on from record {chain.dropped.seq}, where no archive ends with the same hash"
            yield Flaw(FlawKind.REWRITTEN, what, chain.chain, chain.dropped.seq)


class _Written:
    """The first and last row of those that go by."""

    first: Row | None = None
    last: Row | None = None

    def note(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.first = self.first or row
            self.last = row
            yield row


def _hash_in(line: str) -> bytes | None:
    """The hash that stands in a line beside its record; ``None`` when it is no such line."""
    if not line.startswith(_HASH) or line[_BEGIN - len(_RECORD) : _BEGIN] != _RECORD or line[-2:] != "}\n":
        return None
    try:
        return bytes.fromhex(line[len(_HASH) : len(_HASH) + _HEX])
    except ValueError:
        return None


def _manifest(text: str) -> Mapping[str, object]:
    content: object = parse_canonical(text)
    if not isinstance(content, Mapping):
        raise ValueError("not a manifest")  # noqa: TRY004 - of a content, not of an argument
    found = cast("Mapping[str, object]", content)
    file = text_in(found, "file")
    if found.get("v") != VERSION or not file or "\0" in file or Path(file).name != file:
        raise ValueError("not a manifest")
    return found


def _when(row: Row) -> str:
    return instant_text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row.at_us))


def _write_rows(path: Path, rows: Iterable[Row]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as raw:
        with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
            for row in rows:
                file.write(f"{_HASH}{row.hash.hex()}{_RECORD}{row.body}}}\n".encode())
        raw.flush()
        os.fsync(raw.fileno())


def _write_manifest(partial: Path, path: Path, archive: Archive) -> None:
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(canonical_text({**archive.content(), "signature": archive.signature}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the names are durable, too
    finally:
        os.close(folder)


def _check_rows(archive: Archive) -> Iterator[Flaw]:
    walk = Walk(archive.before, archive.chain)
    try:
        for row in archive.rows():
            yield from walk.step(row)
    except AuditError as error:
        yield Flaw(FlawKind.UNREADABLE, str(error), archive.chain, walk.last + 1)
    yield from walk.end(archive.through)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
