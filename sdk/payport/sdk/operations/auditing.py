"""What is recorded in the audit trail by itself, because no transition and no notice is written along with it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from payport.schemas.events import RawNotification, Rejected
from payport.sdk import exchange
from payport.sdk.adapter import Adapter
from payport.sdk.audit.record import Entry, What
from payport.sdk.errors import JournalError
from payport.sdk.exchange import Exchange
from payport.sdk.operations.learning import storage_failed
from payport.sdk.operations.setup import Setup


def note(setup: Setup, entry: Entry) -> Exchange[None]:
    """Record something. That it could not be recorded is told to the sinks and changes no answer."""
    try:
        yield from exchange.record("audit", lambda session: session.note(entry))
    except JournalError as error:
        yield from storage_failed(setup, "audit", error)


def note_rejected(setup: Setup, raw: RawNotification, rejected: Rejected) -> Exchange[None]:
    """Record that a notification was refused: why, how long it was and its digest, never what it said.

    In a flood of them not each has its record: the next one that has says how many had none.
    """
    now = yield from exchange.now()
    unrecorded = setup.flood.admit(now.monotonic_s)
    if unrecorded is None:
        return
    detail: dict[str, str | int] = {"bytes": len(raw.body), "sha256": hashlib.sha256(raw.body).hexdigest()}
    if unrecorded:
        detail["unrecorded_before"] = unrecorded
    yield from note(
        setup,
        Entry(
            what=What.NOTICE_REJECTED,
            result=rejected.kind.value,
            at=now.utc,
            partner=setup.adapter.partner,
            account=setup.adapter.account,
            detail=detail,
        ),
    )


def account_opened(adapter: Adapter, now: datetime, actor: str) -> Entry:
    """What an account was configured with, for the audit trail: no key, and nothing that a key could be told by."""
    kind = type(adapter)
    detail = {"adapter": f"{kind.__module__}.{kind.__qualname__}", "hosts": ",".join(sorted(adapter.profile.hosts))}
    return Entry(
        what=What.ACCOUNT_OPENED, result="opened", at=now, partner=adapter.partner, account=adapter.account,
        detail=detail, who=actor,
    )  # fmt: skip


def permission_refused(adapter: Adapter, verb: str, now: datetime, actor: str, unrecorded: int) -> Entry:
    """That somebody wanted what is not permitted to him. ``unrecorded``: how often before, without a record."""
    detail: dict[str, str | int] = {"unrecorded_before": unrecorded} if unrecorded else {}
    return Entry(
        what=What.REFUSED, result=verb, at=now, partner=adapter.partner, account=adapter.account, detail=detail,
        who=actor,
    )  # fmt: skip
