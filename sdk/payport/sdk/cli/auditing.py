"""``payport audit``: verify the trail, and show what it says of an order or of a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from payport.sdk.audit.archiving import check_archive, check_order, read_archives
from payport.sdk.audit.canonical import canonical_text
from payport.sdk.audit.chain import Chain, Flaw
from payport.sdk.audit.record import Entry, Record, What, read_record
from payport.sdk.audit.reporting import Report
from payport.sdk.audit.signing import AuditKey, PublicKeys
from payport.sdk.audit.verifying import Verification
from payport.sdk.cli.configured import journal_file, open_journal
from payport.sdk.errors import ConfigurationError
from payport.sdk.journal.trail import JournalTrail
from payport.sdk.settings import Settings

SHOWN: Final = 50
"""So many flaws are shown one by one."""


def trusted_keys(settings: Settings, public_keys: Sequence[str] = ()) -> PublicKeys:
    """The public half of the configured key, those of former keys, and those named on the command line.

    ``public_keys``: each the base64 text, or a file that holds it. Raises :class:`payport.sdk.ConfigurationError`.
    """
    own = [AuditKey(settings.audit.key).public] if settings.audit.key else []
    try:
        named = [Path(each).read_text("utf-8") if Path(each).is_file() else each for each in public_keys]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"a file named with --public-key cannot be read as text: {error}") from None
    return PublicKeys([*own, *settings.audit.former_keys, *named])


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What a trail is verified against. ``heads``: a file of signed heads; ``archives``: folders."""

    heads: Path | None
    archives: Sequence[Path]
    keys: PublicKeys

    def __post_init__(self) -> None:
        if (self.archives or self.heads) and not self.keys:
            raise ConfigurationError(
                "heads and archives are signed: name the public key with --public-key, or set key in [audit]"
            )


def verify(console: Console, settings: Settings, against: Against) -> bool:
    """Verify the journal's trail, its heads, and archives; say everything that is wrong. True when nothing is."""
    path = journal_file(settings)
    if against.archives and path is not None and not path.is_file():
        _say(console, f"There is no journal at {path.absolute()}: only the archives are verified.", "yellow")
        whole = _tell(console, _archive_flaws(console, against))
        _say(console, "They verify." if whole else "They do not verify.")
        return whole
    with open_journal(settings) as journal:
        trail = JournalTrail(journal)
        against = _with_heads(trail, against)
        looking = Verification(trail=trail, heads=against.heads, keys=against.keys if against.heads else None)
        with console.status("verifying") as status:
            whole = _tell(console, looking.flaws(lambda count: status.update(f"verifying: {count:,} records")))
        whole = _tell(console, _archive_flaws(console, against, looking.chains)) and whole
    _say(console, f"{looking.records:,} records in {_used(looking.chains)} were looked at.")
    if against.heads is None:
        _say(
            console, "No signed heads were given: only they can tell whether the newest records were cut off.", "yellow"
        )
    else:
        archived = f", {looking.heads_archived:,} of them about archived records" if looking.heads_archived else ""
        _say(console, f"{looking.heads_seen:,} signed heads in {against.heads} were looked at{archived}.")
    _say(console, "The audit trail is whole." if whole else "The audit trail is NOT whole.", None if whole else "red")
    return whole


def _with_heads(trail: JournalTrail, against: Against) -> Against:
    """Without the file of heads, where none was signed yet: then it cannot be there."""
    if against.heads is None or against.heads.is_file() or any(chain.signed for chain in trail.chains()):
        return against
    return replace(against, heads=None)


def _used(chains: Sequence[Chain]) -> str:
    used = sum(1 for each in chains if each.head.seq)
    return f"{used} chains" if used != 1 else "1 chain"


def _archive_flaws(console: Console, against: Against, chains: Sequence[Chain] = ()) -> Iterator[Flaw]:
    for folder in against.archives:
        there = read_archives(folder)
        for each in there:
            yield from check_archive(each, against.keys)
        yield from check_order(there, chains)
        count = sum(each.count for each in there)
        _say(console, f"{count:,} records in {len(there)} archives in {folder} were looked at.")


def _tell(console: Console, flaws: Iterable[Flaw]) -> bool:
    count = 0
    for count, flaw in enumerate(flaws, 1):
        if count <= SHOWN:
            where = "" if flaw.chain is None else f"chain {flaw.chain}: "
            _say(console, f"{flaw.kind.value}: {where}{flaw.what}", "red")
    if count > SHOWN:
        _say(console, f"and {count - SHOWN:,} more", "red")
    return count == 0


def export(console: Console, trail: JournalTrail, ref: str, now: datetime, *, as_json: bool, personal: bool) -> bool:
    """Show every record about an order, and record that it was shown; false when there is none.

    ``personal``: with what is sealed in them, as far as it was not erased.
    """
    with console.status("reading"):
        rows = trail.of_debt(ref)
        detail = {"records": len(rows), "personal": "opened" if personal else "sealed"}
        result = "shown" if rows else "nothing_there"
        trail.note(Entry(what=What.EXPORTED, result=result, at=now, ref=ref, detail=detail))
        records = [read_record(row.body) for row in rows]
        opened = [trail.personal(ref, each.sealed) if personal and each.sealed else None for each in records]
    if as_json:
        for row, found in zip(rows, opened, strict=True):
            extra = f',"personal":{canonical_text(found)}' if found else ""
            console.file.write(f'{{"hash":"{row.hash.hex()}"{extra},"record":{row.body}}}\n')
    else:
        _show_records(console, records, opened)
    return bool(rows)


def _show_records(console: Console, records: Sequence[Record], opened: Sequence[Mapping[str, str] | None]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("when (UTC)", "who", "what", "result", "object", "origin", "detail"):
        table.add_column(name, no_wrap=name in ("when (UTC)", "what", "result"))
    for record, personal in zip(records, opened, strict=True):
        detail = {**record.detail, **(personal or ({"personal": "sealed"} if record.sealed else {}))}
        table.add_row(
            f"{record.when:%Y-%m-%d %H:%M:%S.%f}", record.who, record.what, record.result,
            " ".join(each for each in (record.operation or record.ref, record.account) if each),
            f"{record.origin.host}:{record.origin.process} {record.origin.library}",
            " ".join(f"{name}={value}" for name, value in detail.items()),
        )  # fmt: skip
    console.print(table, highlight=False, markup=False)


def report(console: Console, trail: JournalTrail, begins: datetime, ends: datetime, *, as_json: bool) -> None:
    """Count what was recorded from ``begins`` (included) to ``ends`` (not included)."""
    with console.status("counting"):
        found = Report(begins=begins, ends=ends).add(read_record(row.body) for row in trail.between(begins, ends))
        found.untold = sum(1 for _ in trail.untold())
    if as_json:
        console.file.write(json.dumps(_as_json(found), ensure_ascii=False, indent=2) + "\n")
        return
    _say(console, f"{found.records:,} records from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC")
    for title, counter in _counters(found).items():
        if counter:
            _show_counter(console, title, counter)
    for name, record in sorted(found.partner_records.items()):
        _say(console, f"{name}: " + ", ".join(f"{key} {value}" for key, value in record.detail.items()))
    if found.refused:
        _say(console, f"{found.refused:,} refusals, the first {len(found.refusals)}:")
        _show_records(console, found.refusals, [None] * len(found.refusals))
    for record in found.off:
        _say(console, f"{record.when:%Y-%m-%d %H:%M:%S}: {record.origin.host}:{record.origin.process} wrote with the "
             "audit trail switched off", "red")  # fmt: skip
    if found.untold:
        _say(console, f"{found.untold:,} transitions of the journal have no record (payport audit verify)", "red")


def _counters(found: Report) -> Mapping[str, Counter[str]]:
    return {
        "by actor": found.actors,
        "by kind": found.kinds,
        "by result": found.results,
        "by day": found.days,
        "by partner": found.partners,
        "written by": found.openings,
    }


def _show_counter(console: Console, title: str, counter: Counter[str]) -> None:
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    table.add_column("", justify="right")
    for name, count in sorted(counter.items()) if title == "by day" else counter.most_common():
        table.add_row(name, f"{count:,}")
    console.print(table, highlight=False, markup=False)


def _as_json(found: Report) -> Mapping[str, object]:
    def shown(record: Record) -> Mapping[str, object]:
        return {
            "when": record.when.isoformat(), "who": record.who, "what": record.what, "result": record.result,
            "partner": record.partner, "account": record.account, "detail": dict(record.detail),
        }  # fmt: skip

    return {
        "from": found.begins.isoformat(),
        "to": found.ends.isoformat(),
        "records": found.records,
        **{title.replace(" ", "_"): dict(counter) for title, counter in _counters(found).items()},
        "refused": found.refused,
        "refusals": [shown(each) for each in found.refusals],
        "switched_off": [shown(each) for each in found.off],
        "partner_records": {name: dict(each.detail) for name, each in sorted(found.partner_records.items())},
        "transitions_without_record": found.untold,
    }


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
