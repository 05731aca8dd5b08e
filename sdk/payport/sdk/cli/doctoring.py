"""``payport doctor``: settings, journal, host and clock; keys and rights by the partner's own doctor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import assert_never

from rich.console import Console

from payport.sdk.adapter import Adapter
from payport.sdk.cli.configured import journal_file
from payport.sdk.cli.findings import Finding, Light, green, red, yellow
from payport.sdk.cli.hosts import examine_host
from payport.sdk.cli.partners import Doctor, doctor_of
from payport.sdk.errors import ConfigurationError, PayportError
from payport.sdk.exchange import drive
from payport.sdk.host_clock import SystemClock
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.journal.schema import NoJournal
from payport.sdk.journal.store import Journal
from payport.sdk.opening import open_journal
from payport.sdk.partner_records import PaperState, Standing, describe
from payport.sdk.settings import Settings, open_adapter
from payport.sdk.tls import Trust
from payport.sdk.transport.http import HttpTransport

ASK_S = 10.0
_MARKS = {Light.GREEN: "ok  ", Light.YELLOW: "look", Light.RED: "BAD "}


def examine_all(
    console: Console, settings: Settings, accounts: Sequence[str], *, offline: bool
) -> Mapping[str, Sequence[Finding]]:
    """Findings by what they are about: the journal, then each account. Never raises for what is wrong."""
    found = {"the journal": list(examine_journal(settings))}
    if settings.partners:
        found["partner records"] = list(examine_records(settings))
    for name in accounts:
        with console.status(f"{name}: looking at keys, host and clock"):
            found[name] = list(_examine_account(settings, name, offline=offline))
    return found


def show_findings(console: Console, findings: Mapping[str, Iterable[Finding]]) -> int:
    """Print them; the exit status: 1 when one is red."""
    worst = 0
    for about, each in findings.items():
        console.print(about, style="bold", highlight=False, markup=False)
        for finding in each:
            mark = f"  {_MARKS[finding.light]} {finding.what}"
            console.print(mark, style=finding.light.value, highlight=False, markup=False, soft_wrap=True)
            if finding.mend:
                console.print(f"       to mend: {finding.mend}", highlight=False, markup=False, soft_wrap=True)
            worst = max(worst, int(finding.light is Light.RED))
    return worst


def examine_records(settings: Settings) -> Iterator[Finding]:
    """How the partners' licences, agreements and certifications stand today."""
    today = SystemClock().moment().utc.date()
    used = {account.partner for account in settings.accounts.values()}
    for state in describe(settings.partners, today, ahead_days=settings.alerts.expiry_days):
        for each in state.papers:
            yield _paper(state.partner, each)
        if state.missing:
            yield yellow(f"{state.partner}: not on file: {', '.join(state.missing)}", "ask the partner for a copy")
        if state.blocked:
            yield red(f"nothing new goes to {state.partner}: {state.blocked}", f"see [partner.{state.partner}]")
        if state.partner not in used:
            yield yellow(f"no account uses {state.partner}", "is its name spelt as in the accounts' partner?")


def _paper(partner: str, state: PaperState) -> Finding:
    what = f"{partner}: the {state.what} {state.paper.number}"
    match state.standing:
        case Standing.VALID:
            until = f"is valid until {state.paper.valid_until}" if state.paper.valid_until else "has no end"
            return green(f"{what} {until}")
        case Standing.ENDING:
            return yellow(f"{what} ends on {state.paper.valid_until}", "ask the partner for the next one")
        case Standing.ENDED:
            return red(f"{what} ended on {state.paper.valid_until}", "ask the partner for the next one")
        case Standing.NOT_BEGUN:
            return red(f"{what} begins on {state.paper.valid_from}", "ask the partner for the one that holds now")
    assert_never(state.standing)


def examine_journal(settings: Settings) -> Iterator[Finding]:
    """Whether the journal can be opened, outlives the process, and can keep requests; what is open in it."""
    path = journal_file(settings)
    if path is not None and not path.is_file():
        folder = path.absolute().parent
        if folder.is_dir():
            yield green(f"no journal at {path.absolute()} yet; the first gateway makes it")
        else:
            yield red(f"the folder {folder} of the journal does not exist", "create it, or change [journal] url")
    else:
        yield from _opened(settings)
    if settings.journal.sealing_key is None:
        yield yellow(
            "no sealing key: a request without an answer can be asked about or cancelled, never sent again",
            'make one with payport keygen, keep it with your secrets: sealing_key = "env:SEALING_KEY"',
        )
    if settings.journal.durability != "full":
        yield yellow("durability is normal: a power cut may lose the last payments", 'set durability = "full"')


def _opened(settings: Settings) -> Iterator[Finding]:
    try:
        with open_journal(settings, create=False) as journal:
            waiting = journal.read(lambda session: session.open_operations())
            durable, in_force = journal.durable, journal.settings()
    except NoJournal as error:
        yield green(str(error))
        return
    except PayportError as error:
        yield red(f"the journal cannot be used: {error}", "see above; without a journal nothing is sent")
        return
    if not durable:
        yield red("the journal forgets everything when the process ends", "use a file: sqlite:///payments.db")
        return
    people = [operation.id for operation in waiting if operation.for_person]
    yield green(f"the journal opens; {len(waiting)} operations are open")
    yield green(f"its database says: {', '.join(f'{setting.name} {setting.value}' for setting in in_force)}")
    for setting in in_force:
        if setting.doubt:
            yield yellow(f"{setting.name} is {setting.value}: {setting.doubt}", setting.mend)
    if people:
        yield yellow(f"a person must look at {', '.join(people)}", "payport explain REF says why")


def _examine_account(settings: Settings, name: str, *, offline: bool) -> Iterator[Finding]:
    try:
        adapter = open_adapter(settings, name)
    except ConfigurationError as error:
        yield red(str(error), "correct the setting that is named, then run payport doctor again")
        return
    yield green(f"the settings of {adapter.account} are complete and well formed")
    doctor = doctor_of(settings.accounts[name].partner)
    if doctor is not None:
        yield from doctor.examine(adapter, SystemClock().moment().utc)
    if offline:
        yield yellow("host, clock and the partner's answer were not looked at", "leave --offline out")
        return
    reached = True
    for host in sorted(adapter.profile.hosts):
        findings = examine_host(host, adapter.trust or Trust(), SystemClock())
        yield from findings
        reached = reached and findings[0].light is Light.GREEN
    if doctor is not None and reached:
        yield from _converse(doctor, adapter)


def _converse(doctor: Doctor, adapter: Adapter) -> Sequence[Finding]:
    """Ask the partner one harmless question, as a gateway would, with a journal that forgets."""
    clock = SystemClock()
    transport = HttpTransport(adapter.trust or Trust(), adapter.profile.hosts)
    try:
        with Journal.open("sqlite:///:memory:?durable=no") as journal:
            host = SyncHost(around=Surroundings(journal=journal, clock=clock), transport=transport)
            return drive(doctor.converse(adapter, clock.moment().monotonic_s + ASK_S), host)
    finally:
        transport.close()
