"""What the journal records in the audit trail of its own accord: transitions, notices, acknowledgements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from payport.sdk.audit.record import Entry, What
from payport.sdk.journal.records import Notice, Operation

_NOBODY: Mapping[str, str] = {}


def transition(
    operation: Operation,
    before: Operation | None,
    source: str,
    detail: Mapping[str, str],
    now: datetime,
    personal: Mapping[str, str] | None = None,
) -> Entry:
    """That an operation was intended (``before`` is ``None``), or went on: from which state, and what taught us."""
    told: dict[str, str | int] = {**detail, "source": source}
    if before is None:
        told["amount"] = str(operation.amount)
    else:
        told["from"] = before.state.value
        if operation.for_person is not None and before.for_person is None:
            told["for_person"] = operation.for_person
    return Entry(
        what=operation.verb.value, result=operation.state.value, at=now, ref=operation.ref, operation=operation.id,
        version=operation.version, partner=operation.partner, account=operation.account, detail=told,
        personal=personal or _NOBODY,
    )  # fmt: skip


def notice_kept(notice: Notice) -> Entry:
    """That an authentic notification was kept."""
    event = notice.event
    detail: dict[str, str | int] = {"event": event.id, "kind": event.kind.value, "status": event.status}
    if event.partner_ref is not None:
        detail["partner_ref"] = event.partner_ref
    return Entry(
        what=What.NOTICE_KEPT, result="applied" if notice.applied else "kept", at=notice.received_at,
        ref=event.ref or "", partner=notice.partner, account=notice.account, detail=detail,
    )  # fmt: skip


def acknowledged(ids: Sequence[int]) -> Entry:
    """That the caller has taken note of changes: which, by the numbers of their transitions."""
    detail = {"count": len(ids), "first": min(ids), "last": max(ids)}
    return Entry(what=What.ACKNOWLEDGED, result="acknowledged", at=datetime.now(UTC), detail=detail)
