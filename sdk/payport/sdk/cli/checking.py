"""One look at everything that can stand too long or run out, for ``payport incidents check`` and the worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from payport.sdk.adapter import Adapter
from payport.sdk.cli.partners import doctor_of
from payport.sdk.errors import ConfigurationError
from payport.sdk.host_clock import SystemClock
from payport.sdk.incidents import keeping
from payport.sdk.incidents.ageing import STANDING, Expiry, ending, open_too_long
from payport.sdk.incidents.store import JournalIncidents
from payport.sdk.settings import Settings, open_adapter

if TYPE_CHECKING:
    from payport.sdk.incidents.alerts import Alerts
    from payport.sdk.journal.store import Journal
    from payport.sdk.watch.watching import Watch

EVERY_S = 60.0
"""How often the worker looks."""


class Checks:
    """Looks at a journal and its accounts, as often as :meth:`look` is called, but not more than every ``every_s``.

    ``watch``: its stream is followed with every call.
    """

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        alerts: Alerts,
        watch: Watch | None,
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._alerts = alerts
        self._watch = watch
        self._every_s = every_s
        self._next: datetime | None = None

    def look(self) -> None:
        """Look, write down what is found, and tell what is due. Raises :class:`payport.sdk.JournalError`."""
        now = SystemClock().moment().utc
        if self._watch is not None:
            self._watch.follow(self._journal)
        if self._next is None or now >= self._next:
            self._next = now + timedelta(seconds=self._every_s)
            self._stand(now)
        self._alerts.work(look=True)

    def _stand(self, now: datetime) -> None:
        patience = self._settings.alerts.patience()
        waiting = self._journal.read(lambda session: session.open_operations())
        found = [
            *open_too_long(waiting, now, patience),
            *ending(expiries(self._settings, now), now, patience),
        ]
        keeping.stand(JournalIncidents(self._journal), found, STANDING, now)


def expiries(settings: Settings, now: datetime) -> Sequence[Expiry]:
    """What ends one day: certificates that no partner renews by itself, and the papers of the partners."""
    certificates = [each for name in sorted(settings.accounts) for each in _of_account(settings, name, now)]
    return [*certificates, *_papers(settings)]


def _papers(settings: Settings) -> Iterator[Expiry]:
    for partner, record in sorted(settings.partners.items()):
        for what, paper in record.papers():
            if paper.valid_until is not None:
                # the last day counts as a whole
                ends = datetime.combine(paper.valid_until + timedelta(days=1), time(), UTC)
                yield Expiry(what=f"{what} {paper.number}", about=partner, ends=ends, partner=partner, record=True)


def _of_account(settings: Settings, name: str, now: datetime) -> Iterator[Expiry]:
    try:
        adapter = open_adapter(settings, name)
    except ConfigurationError:
        return  # payport doctor says what is wrong with it
    doctor = doctor_of(settings.accounts[name].partner)
    for finding in doctor.examine(adapter, now) if doctor is not None else ():
        if finding.term is not None:
            yield _expiry(adapter, finding.term.item, finding.term.ends)
    yield from _client_certificate(adapter)


def _client_certificate(adapter: Adapter) -> Iterator[Expiry]:
    """The certificate that proves who we are in mutual TLS."""
    from cryptography import x509  # noqa: PLC0415 - for accounts that have one

    from payport.sdk.keys import UNREADABLE_CERTIFICATE  # noqa: PLC0415 - as above

    mine = adapter.trust.client_certificate if adapter.trust is not None else None
    if mine is None:
        return
    try:
        certificate = x509.load_pem_x509_certificate(Path(mine.chain_file).read_bytes())
    except (OSError, *UNREADABLE_CERTIFICATE):
        return  # the first connection says what is wrong with it
    yield _expiry(adapter, "TLS client certificate", certificate.not_valid_after_utc)


def _expiry(adapter: Adapter, what: str, ends: datetime) -> Expiry:
    return Expiry(what=what, about=adapter.account, ends=ends, partner=adapter.partner, account=adapter.account)
