"""Records to write into a journal, and journals to write them into."""

from __future__ import annotations

import base64
import os
import warnings
from collections.abc import Callable
from datetime import UTC, datetime

from payport.schemas.events import Event, EventKind
from payport.schemas.money import Money
from payport.sdk.journal.records import Debt, Notice, Operation, Step, Verb
from payport.sdk.journal.session import Session
from payport.sdk.secrets import Secret

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
ACCOUNT = "testpay:1001"
TEN = Money(1000, "CNY")
REQUEST = b'{"out_trade_no":"SHOP0001","auth_code":"281234567890123456"}'


def sealing_key() -> Secret:
    """A new one."""
    return Secret(base64.b64encode(os.urandom(32)).decode())


def debt(ref: str = "SHOP0001") -> Debt:
    """Ten yuan owed."""
    return Debt(ref=ref, verb=Verb.PAY, amount=TEN, payee="", created_at=NOW)


def operation(ref: str = "SHOP0001", *, attempt: int = 1, request: bytes | None = REQUEST) -> Operation:
    """An attempt to pay that was just intended."""
    return Operation(
        id=f"{ref}/pay//{attempt}",
        ref=ref,
        verb=Verb.PAY,
        attempt=attempt,
        partner="testpay",
        account=ACCOUNT,
        partner_ref=f"{ref}a{attempt}",
        identity={"out_trade_no": f"{ref}a{attempt}"},
        amount=TEN,
        method="qr_shown",
        created_at=NOW,
        steps=(Step(name="create", moves_money=True, digest="d1", request=request, replayable=True),),
        library="0.1.0",
    )


def notice(event_id: str = "event1", *, raw: bytes | None = b"signed bytes", partner_ref: str = "SHOP0001a1") -> Notice:
    """A verified notification of a payment."""
    event = Event(
        kind=EventKind.PAYMENT,
        id=event_id,
        partner_ref=partner_ref,
        partner_id=None,
        status="PAID",
        amount=TEN,
        occurred_at=NOW,
    )
    return Notice(partner="testpay", account=ACCOUNT, event=event, raw=raw, received_at=NOW)


def intend(ref: str = "SHOP0001", *, attempt: int = 1) -> Callable[[Session], Operation]:
    """The work that writes a debt with one operation."""

    def work(session: Session) -> Operation:
        wanted = operation(ref, attempt=attempt)
        if session.debt(ref) is None:
            session.add_debt(debt(ref))
        session.add(wanted, source="intent", detail={}, now=NOW)
        return wanted

    return work


def in_child(work: Callable[[], None]) -> int:
    """Fork, run ``work`` in the child, and answer the child's process id. The child ends with 0, or 1 if it raised."""
    with warnings.catch_warnings():
        # newer Pythons warn that other threads' locks stay locked in the child: it uses none of them
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:  # pragma: no cover - another process
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def exit_status(child: int) -> int:
    """Wait for a child; its exit status, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
