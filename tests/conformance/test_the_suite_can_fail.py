"""A check that cannot fail is not one: an adapter that does what has cost somebody money is found out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest
from tests.conformance.subjects.kiosk import SUBJECT
from tests.support.source import ROOT

from payport.schemas import Acknowledgement, Event, EventKind, NotSentCause, NotSentKind, Order, QrShown, Reason
from payport.schemas.events import RawNotification, Rejected
from payport.sdk import exchange
from payport.sdk.adapter import Opened, Plan, Slot, SupportsPay
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import Operation, State, Step
from payport.sdk.observation import Observation, Source
from payport.sdk.profile import Profile
from payport.sdk.testing.conformance import cases, subject_named
from payport.sdk.testing.simulated import Row, SimulatedLedger, SimulatedPartner
from payport.sdk.tls import Trust

Kiosk = SupportsPay[QrShown, object]
Read = Callable[[Observation], Observation]


def as_it_is(told: Observation) -> Observation:
    return told


@dataclass
class Sound:
    """The page's Kiosk, with another reading of what the partner answers to a step and to a question."""

    kiosk: Kiosk
    on_step: Read = as_it_is
    on_question: Read = as_it_is

    @property
    def partner(self) -> str:
        return self.kiosk.partner

    @property
    def account(self) -> str:
        return self.kiosk.account

    @property
    def profile(self) -> Profile:
        return self.kiosk.profile

    @property
    def trust(self) -> Trust | None:
        return self.kiosk.trust

    def plan_pay(self, order: Order, method: QrShown, slot: Slot) -> Plan:
        return self.kiosk.plan_pay(order, method, slot)

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        return self.on_step((yield from self.kiosk.perform(operation, step, deadline_s)))

    def ask(self, operation: Operation, deadline_s: float) -> Exchange[Observation]:
        return self.on_question((yield from self.kiosk.ask(operation, deadline_s)))

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        return self.kiosk.open_notice(raw)

    def native_payment(self, native: object) -> object:
        return self.kiosk.native_payment(native)


def declined(told: Observation) -> Observation:
    return replace(told, state=State.DECLINED, reason=Reason.OTHER, unknown=None) if told.unknown else told


def not_sent(told: Observation) -> Observation:
    cause = NotSentCause(NotSentKind.UNREACHABLE, "no answer")
    return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause) if told.unknown else told


def of_any_amount(told: Observation) -> Observation:
    return replace(told, amount=None)


def of_any_bill(told: Observation) -> Observation:
    return replace(told, partner_ref=None)


def paid_probably(told: Observation) -> Observation:
    guessed = told.unknown is not None and told.unknown.kind.value == "unknown_status"
    return replace(told, state=State.SUCCEEDED, unknown=None) if guessed else told


def raised(told: Observation) -> Observation:
    if told.unknown is not None:
        raise ValueError("no answer")
    return told


def gone(told: Observation) -> Observation:
    return declined(told) if told.absent else told


class Credulous(Sound):
    """Believes whoever posts a notice."""

    def open_notice(self, raw: RawNotification) -> Exchange[Opened | Rejected]:
        yield from exchange.now()
        reference = raw.body.decode("ascii", "replace")
        told = Observation(state=State.SUCCEEDED, source=Source.NOTICE, partner_ref=reference)
        event = Event(
            kind=EventKind.PAYMENT,
            id=reference,
            partner_ref=reference,
            partner_id=None,
            status="paid",
            amount=None,
            occurred_at=None,
        )
        thanks = Acknowledgement(status=204, content_type="text/plain", body=b"")
        return Opened(event=event, lessons=((reference, told),), acknowledgement=thanks)


class Restless(Sound):
    """Asks for something else on every try."""

    def perform(self, operation: Operation, step: Step, deadline_s: float) -> Exchange[Observation]:
        asked = json.loads(step.request or b"{}") | {"nonce": (yield from exchange.nonce())}
        other = replace(step, request=json.dumps(asked).encode())
        return (yield from self.kiosk.perform(operation, other, deadline_s))


class Endless(Sound):
    """Keeps the end of the order's life to itself."""

    def plan_pay(self, order: Order, method: QrShown, slot: Slot) -> Plan:
        return self.kiosk.plan_pay(order, method, replace(slot, payable_until=slot.payable_until.replace(year=2099)))


class Talkative(Sound):
    """Shows its token."""

    def __repr__(self) -> str:
        return f"Kiosk({getattr(self.kiosk, 'token').reveal()})"  # noqa: B009 - the page's own field


FAULTS = "a_fault_is_told_for_what_it_is"
TRAITS: Mapping[str, tuple[str, Callable[[Kiosk], Kiosk]]] = {
    "takes a missing answer for a refusal": (FAULTS, lambda kiosk: Sound(kiosk, on_step=declined)),
    "says that nothing was sent when nothing came back": (FAULTS, lambda kiosk: Sound(kiosk, on_step=not_sent)),
    "does not compare the amount": (FAULTS, lambda kiosk: Sound(kiosk, of_any_amount, of_any_amount)),
    "does not compare the reference": (FAULTS, lambda kiosk: Sound(kiosk, on_step=of_any_bill)),
    "guesses what a new word means": (FAULTS, lambda kiosk: Sound(kiosk, on_step=paid_probably)),
    "raises where it should doubt": (FAULTS, lambda kiosk: Sound(kiosk, on_step=raised)),
    "believes unsigned notices": ("a_forged_notice_is_refused", Credulous),
    "asks for something else on each try": ("a_crash_after_any_effect_loses_nothing", Restless),
    "keeps the end of an order's life to itself": ("the_end_is_on_the_wire", Endless),
    "takes *no such bill* for the end": (
        "after_anything_else_no_other_attempt_opens",
        lambda kiosk: Sound(kiosk, on_question=gone),
    ),
    "shows its token": ("asked_twice_is_one_attempt", Talkative),
}
"""What has cost somebody money, the check that promises that it does not happen, and an adapter that does it."""


def failures(make: Callable[[Kiosk], Kiosk], name: str, folder: Path) -> list[str]:
    """What the cases of one check say of an adapter."""
    folder.mkdir()
    subject = replace(SUBJECT, adapter=lambda partner: make(cast("Kiosk", partner.account)))
    said: list[str] = []
    for number, case in enumerate(case for case in cases(subject) if case.name.partition("[")[0] == name):
        place = folder / str(number)
        place.mkdir()
        try:
            case.run(place)
        except Exception as error:  # noqa: BLE001 - whatever the suite says
            said.append(f"{error} {error.__notes__}")
    return said


@pytest.mark.parametrize("trait", TRAITS)
def test_what_costs_money_is_found_out(trait: str, tmp_path: Path) -> None:
    """By the check that promises it; the sound adapter passes the same check."""
    name, make = TRAITS[trait]
    assert failures(Sound, name, tmp_path / "sound") == []
    found = failures(make, name, tmp_path / "broken")
    assert found
    assert name in found[0]


class Twice:
    """Books in which every charge stands twice."""

    def __init__(self, ledger: SimulatedLedger) -> None:
        self._ledger = ledger

    def charges(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        return [*self._ledger.charges(reference, starting_with=starting_with)] * 2

    def refunds(self, reference: str | None = None, /, *, starting_with: str | None = None) -> Sequence[Row]:
        return self._ledger.refunds(reference, starting_with=starting_with)


def test_a_partner_that_charges_twice_is_found_out(tmp_path: Path) -> None:
    """Whatever the journal says, the partner's own books are read."""

    def simulator(clock: Callable[[], datetime]) -> SimulatedPartner:
        partner = SUBJECT.simulator(clock)
        setattr(partner, "ledger", Twice(partner.ledger))  # noqa: B010 - the page's own attribute
        return partner

    case = next(each for each in cases(replace(SUBJECT, simulator=simulator)) if each.name.startswith("every_way"))
    with pytest.raises(AssertionError, match="2 charges"):
        case.run(tmp_path)


def test_pytest_collects_the_suite_by_an_option(tmp_path: Path) -> None:
    """Each case is a test of its own."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, "--payport-conformance=tests.conformance.subjects.kiosk", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(cases(SUBJECT))} passed" in ran.stdout


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (ModuleNotFoundError, "no.such.module"),
        (AttributeError, "tests.conformance.subjects.kiosk:NOTHING"),
        (TypeError, "tests.conformance.subjects.kiosk:PAGE"),
    ],
)
def test_what_is_no_subject_is_said(where: str, error: type[Exception]) -> None:
    """Before anything is tried."""
    with pytest.raises(error):
        subject_named(where)
