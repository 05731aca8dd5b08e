"""Move old records into archives, and delete what is older than it must be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from payport.sdk.audit.archiving import Archive, check_archive, check_order, read_archives, write_archive
from payport.sdk.audit.chain import Chain, Place
from payport.sdk.audit.record import Entry, What
from payport.sdk.audit.retention import Retention
from payport.sdk.audit.signing import AuditKey, PublicKeys
from payport.sdk.audit.trail import Trail, end_of_old
from payport.sdk.errors import AuditError


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """One run. ``keys``: whose archives in ``folder`` are gone on from, that of ``key`` among them."""

    trail: Trail
    folder: Path
    key: AuditKey
    keys: PublicKeys
    library: str
    now: datetime

    def archive(self, before: datetime) -> Sequence[Archive]:
        """Write what was recorded before this instant and is in no archive of the folder yet, and record that.

        Raises :class:`payport.sdk.errors.AuditError` for an instant to come, for archives that do not verify, and for
        records that do not.
        """
        if before > self.now:
            raise AuditError(f"{before:%Y-%m-%d} is still to come: archive what is over")
        there: Sequence[Archive] = read_archives(self.folder) if self.folder.is_dir() else ()
        _check(there, self.keys, self.trail.chains())
        made: list[Archive] = []
        for chain in self.trail.chains():
            after = self._reached(chain, there)
            archive = write_archive(
                self.trail, chain, after, before, self.folder, key=self.key, now=self.now, library=self.library
            )
            if archive is not None:
                made.append(archive)
                self.trail.note(_entry(What.ARCHIVED, "written", chain, after, archive.through, self.now, archive.file))
        return made

    def _reached(self, chain: Chain, there: Sequence[Archive]) -> Place:
        own = [each.through for each in there if (each.start, each.chain) == (chain.start, chain.chain)]
        reached = max(own, default=chain.dropped)
        if reached.seq < chain.dropped.seq:
            raise AuditError(
                f"the archives in {self.folder} end at record {reached.seq} of chain {chain.name}, and the journal "
                f"begins behind record {chain.dropped.seq}: what lies between is archived elsewhere; name that folder"
            )
        if reached.seq > chain.dropped.seq and self.trail.hash_at(chain.chain, reached.seq) != reached.hash:
            raise AuditError(f"the archives in {self.folder} are not of this journal: record {reached.seq} differs")
        return reached

    def move(self, before: datetime, retention: Retention) -> int:
        """Take out of the journal what the archives of the folder hold and is older than this; answers how much.

        Raises :class:`payport.sdk.errors.AuditError` for records that must stay at hand, and for archives that do not
        verify: nothing is taken out then.
        """
        retention.check_move(before, self.now)
        there = read_archives(self.folder)
        _check(there, self.keys, self.trail.chains())
        moved = 0
        for chain in self.trail.chains():
            ends = [
                each.through
                for each in there
                if (each.start, each.chain) == (chain.start, chain.chain) and _instant(each.ends) < before
            ]
            through = max(ends, default=chain.dropped)
            why = _entry(What.DROPPED, "archived", chain, chain.dropped, through, self.now, str(self.folder))
            moved += self.trail.take_out(chain.chain, max(through, chain.dropped), before, why)
        return moved


def drop(trail: Trail, before: datetime, retention: Retention, now: datetime) -> int:
    """Delete for good what was recorded before this instant; answers how many records.

    Raises :class:`payport.sdk.errors.AuditError` for what must still be kept: nothing is deleted then.
    """
    retention.check_drop(before, now)
    dropped = 0
    for chain in trail.chains():
        through = end_of_old(trail, chain.chain, chain.dropped, before, now)
        why = _entry(What.DROPPED, "deleted", chain, chain.dropped, through, now, "the journal")
        dropped += trail.take_out(chain.chain, through, before, why)
    return dropped


def drop_archives(
    trail: Trail, folder: Path, before: datetime, retention: Retention, keys: PublicKeys, now: datetime
) -> Sequence[Archive]:
    """Delete for good the archives of a folder whose last record is older than this instant; answers them.

    Raises :class:`payport.sdk.errors.AuditError` for what must still be kept, and for archives that do not verify,
    because nobody can tell how old those are: nothing is deleted then.
    """
    retention.check_drop(before, now)
    there = read_archives(folder)
    _check(there, keys)
    chains = {(each.start, each.chain): each for each in trail.chains()}
    gone = [each for each in there if _instant(each.ends) < before and (each.start, each.chain) in chains]
    for each in gone:
        chain = chains[each.start, each.chain]
        trail.note(_entry(What.DROPPED, "deleted", chain, each.before, each.through, now, each.file))
        # a file without its manifest counts for nothing, while a manifest without its file is a loss
        each.path.unlink()
        each.path.with_name(each.file).unlink(missing_ok=True)
    return gone


def _entry(what: What, result: str, chain: Chain, after: Place, through: Place, now: datetime, where: str) -> Entry:
    detail: dict[str, str | int] = {"chain": chain.name, "first": after.seq + 1, "last": through.seq, "where": where}
    return Entry(what=what, result=result, at=now, detail=detail)


def _check(archives: Sequence[Archive], keys: PublicKeys, chains: Sequence[Chain] = ()) -> None:
    known = [
        chain for chain in chains if any((each.start, each.chain) == (chain.start, chain.chain) for each in archives)
    ]
    flaws = [flaw for each in archives for flaw in check_archive(each, keys)] + list(check_order(archives, known))
    if flaws:
        raise AuditError(f"nothing was done, because the archives do not verify: {flaws[0].what}")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
