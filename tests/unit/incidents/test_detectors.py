"""What is trouble and what is not: single events, rising numbers, budgets, ages and dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar, TypedDict

import pytest
from tests.support.incidents import later

from payport.schemas.events import RejectedKind
from payport.schemas.money import Money
from payport.schemas.outcome import UnknownCause, UnknownKind
from payport.sdk.events import (
    ForPerson,
    Level,
    Mismatch,
    NoticeRejected,
    ReplyJudged,
    RequestFailed,
    RequestSent,
    SdkEvent,
    SignatureFailed,
    StorageFailed,
    Surplus,
)
from payport.sdk.incidents import detectors
from payport.sdk.incidents.ageing import Expiry, Patience, ending, open_too_long
from payport.sdk.incidents.alerts import Alerts
from payport.sdk.incidents.budgets import Budgets, Measure, Targets
from payport.sdk.incidents.detecting import ABOUT_AT_MOST, AtOnce, Ends, Found, Rising
from payport.sdk.incidents.detectors import Thresholds, usual_detectors
from payport.sdk.incidents.kinds import BREAKER_OPEN, BUDGET_BURNT
from payport.sdk.incidents.records import Cleared, Trouble
from payport.sdk.incidents.store import MemoryIncidents
from payport.sdk.journal.records import Operation, State, Verb
from payport.sdk.message import FailureKind
from payport.sdk.testing.stepping import MORNING


class Whose(TypedDict):
    """Fields that every event of a test has."""

    partner: str
    account: str


class About(TypedDict):
    """Fields that every event of a test has."""

    partner: str
    account: str
    ref: str
    operation: str


ACCOUNT: Whose = {"partner": "alipay", "account": "alipay:2021"}
OPERATION: About = {**ACCOUNT, "ref": "SHOP10010001", "operation": "SHOP10010001/pay//1"}


class Ears:
    """All detectors that are there by default."""

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self.detectors = usual_detectors(thresholds or Thresholds())

    def hear(self, *events: SdkEvent, at_s: float = 0.0) -> list[Found]:
        """What they say to these events."""
        return [
            found
            for event in events
            for detector in self.detectors
            if type(event) in detector.hears
            for found in detector.hear(event, later(at_s))
        ]

    def tick(self, at_s: float) -> list[Found]:
        """What they say when time has passed."""
        return [found for detector in self.detectors for found in detector.tick(later(at_s))]


def keys(found: Iterable[Found]) -> list[str]:
    """Which incidents it is about; an end with a minus."""
    return [f"-{each.key}" if isinstance(each, Cleared) else each.key for each in found]


@pytest.mark.parametrize(
    ("key", "words", "event"),
    [
        (
            "mismatch/SHOP10010001/pay//1",
            "alipay answered about SHOP10010001 with another amount; it counts as unknown, not as paid",
            Mismatch(**OPERATION, field="amount"),
        ),
        (
            "surplus_payment/SHOP10010001/pay//1",
            "SHOP10010001 was paid once more at alipay: 12.34 CNY to give back",
            Surplus(**OPERATION, amount=Money.of("12.34", "CNY")),
        ),
        (
            "surplus_payment/SHOP10010001/pay//1",
            "SHOP10010001 was paid once more at alipay: an amount that it did not state to give back",
            Surplus(**OPERATION, amount=None),
        ),
        (
            "operation_for_person/SHOP10010001/pay//1",
            "SHOP10010001/pay//1: nobody can tell",
            ForPerson(**OPERATION, reason="nobody can tell"),
        ),
        (
            "storage_failed/journal",
            "the journal could not be used to learn pay (JournalError): payments answer NotSent or Unknown(storage)",
            StorageFailed(**ACCOUNT, work="learn pay", error="JournalError"),
        ),
    ],
)
def test_some_events_are_trouble_at_once(key: str, words: str, event: SdkEvent) -> None:
    """Money may be wrong, or the journal is: one is enough."""
    (found,) = Ears().hear(event)
    assert isinstance(found, Trouble)
    assert (key, words) == (found.key, found.summary)
    assert (found.partner, found.account) == ("alipay", "alipay:2021")


def test_replies_that_are_not_authentic_are_trouble_when_they_rise() -> None:
    """One may be a proxy's page; three in five minutes are a wrong key or somebody in between."""
    ears, failed = Ears(), SignatureFailed(**ACCOUNT, endpoint="trade.pay")
    assert ears.hear(failed, at_s=0) + ears.hear(failed, at_s=200) == []
    (found,) = ears.hear(failed, at_s=299)
    assert isinstance(found, Trouble)
    assert (found.key, found.count) == ("signature_failures/alipay:2021", 3)
    (again,) = ears.hear(failed, at_s=300)
    assert isinstance(again, Trouble)
    assert again.count == 1


def test_old_failures_do_not_count() -> None:
    """A failure a day is no rise."""
    ears, failed = Ears(), SignatureFailed(**ACCOUNT, endpoint="trade.pay")
    assert [found for day in range(50) for found in ears.hear(failed, at_s=day * 86_400)] == []


def test_it_is_over_when_none_came_for_as_long() -> None:
    """And only once."""
    ears, failed = Ears(), SignatureFailed(**ACCOUNT, endpoint="trade.pay")
    ears.hear(failed, failed, failed)
    assert ears.tick(299) == []
    assert keys(ears.tick(300)) == ["-signature_failures/alipay:2021"]
    assert ears.tick(301) == []


def test_accounts_are_counted_apart() -> None:
    """Two of one and one of another are no three."""
    ears = Ears()
    mine, theirs = SignatureFailed(**ACCOUNT, endpoint="x"), SignatureFailed(partner="p", account="p:1", endpoint="x")
    assert ears.hear(mine, theirs, mine) == []


def test_forged_notices_take_more_because_anybody_can_post_them() -> None:
    """Twenty in five minutes, each of whatever kind; a malformed one or one that could not be kept is not forged."""
    ears = Ears()
    forged = [NoticeRejected(**ACCOUNT, kind=kind) for kind in (RejectedKind.UNSIGNED, RejectedKind.BAD_SIGNATURE)]
    others = [NoticeRejected(**ACCOUNT, kind=kind) for kind in (RejectedKind.MALFORMED, RejectedKind.NOT_STORED)]
    assert ears.hear(*(forged * 9), forged[0], *(others * 30)) == []
    assert keys(ears.hear(forged[1])) == ["forged_notices/alipay:2021"]


def test_a_forged_notice_is_no_failed_reply() -> None:
    """An adapter tells of its signature as well: it counts once, on the milder side."""
    assert Ears().hear(*[SignatureFailed(**ACCOUNT, endpoint="notice")] * 10) == []


def test_the_journal_is_well_when_it_did_not_fail_for_two_minutes() -> None:
    """Its end is told without a person."""
    ears = Ears()
    ears.hear(StorageFailed(**ACCOUNT, work="intend pay", error="JournalError"))
    assert ears.tick(119) == []
    assert keys(ears.tick(120)) == ["-storage_failed/journal"]


def test_a_rise_remembers_so_much_and_no_more() -> None:
    """Whoever makes up names cannot fill the memory; what was quiet for longest is forgotten."""
    rising: Rising[SignatureFailed] = Rising(
        event=SignatureFailed,
        kind=BREAKER_OPEN,
        least=2,
        within_s=60,
        say=lambda _: "",
        about=lambda event: event.account,
    )
    for number in range(ABOUT_AT_MOST + 1):
        rising.hear(SignatureFailed(partner="p", account=f"p:{number}", endpoint="x"), later(0))
    assert len(rising._seen) == ABOUT_AT_MOST
    assert list(rising.hear(SignatureFailed(partner="p", account="p:0", endpoint="x"), later(1))) == []
    assert keys(rising.hear(SignatureFailed(partner="p", account="p:5", endpoint="x"), later(1))) == [
        "breaker_open/p:5"
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(SdkEvent):
    """As circuit breakers tell it."""

    name: ClassVar[str] = "breaker.opened"
    level: ClassVar[Level] = Level.ERROR
    partner: str = "alipay"
    account: str = "alipay:2021"
    operations: str = "money"
    failures: int = 5
    calls: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(SdkEvent):
    """And its end."""

    name: ClassVar[str] = "breaker.closed"
    level: ClassVar[Level] = Level.INFO
    account: str = "alipay:2021"
    operations: str = "money"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(SdkEvent):
    """As shared limits tell it."""

    name: ClassVar[str] = "limits.lost"
    level: ClassVar[Level] = Level.ERROR
    place: str = "redis://127.0.0.1"
    error: str = "ConnectionError"


@dataclass(frozen=True, slots=True, kw_only=True)
class Back(SdkEvent):
    """And its end."""

    name: ClassVar[str] = "limits.back"
    level: ClassVar[Level] = Level.INFO
    place: str = "redis://127.0.0.1"
    away_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(SdkEvent):
    """As views of a gateway tell it."""

    name: ClassVar[str] = "permission.refused"
    level: ClassVar[Level] = Level.WARNING
    account: str = "alipay:2021"
    actor: str = "till 7"
    verb: str = "refund"


def test_events_of_other_parts_are_known_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Breakers, shared limits and refused permissions begin trouble, and end it."""
    monkeypatch.setattr(detectors, "known_events", lambda: [Opened, Closed, Lost, Back, Refused])
    ears = Ears()
    assert keys(ears.hear(Opened(), Closed(), Lost(), Back())) == [
        "breaker_open/alipay:2021/money", "-breaker_open/alipay:2021/money",
        "limits_degraded/redis://127.0.0.1", "-limits_degraded/redis://127.0.0.1",
    ]  # fmt: skip
    assert ears.hear(*[Refused()] * 4) == []
    (refused,) = ears.hear(Refused())
    assert isinstance(refused, Trouble)
    assert (refused.key, refused.summary) == (
        "permission_refused/alipay:2021/till 7", "till 7 was refused refund at alipay:2021",
    )  # fmt: skip
    (opened,) = ears.hear(Opened())
    assert isinstance(opened, Trouble)
    assert opened.summary.startswith("5 of 6 calls to alipay:2021 failed, so it is left alone (money)")


def test_a_new_event_joins_with_a_line() -> None:
    """One that begins trouble, and one that ends it."""
    begins = AtOnce(event=SignatureFailed, kind=BREAKER_OPEN, say=lambda event: f"{event.endpoint} is closed")
    ends = Ends(event=StorageFailed, kind=BREAKER_OPEN, why=lambda _: "open again")
    assert keys(begins.hear(SignatureFailed(**ACCOUNT, endpoint="x"), later(0))) == ["breaker_open/alipay:2021"]
    assert keys(ends.hear(StorageFailed(**ACCOUNT, work="", error=""), later(0))) == ["-breaker_open/alipay:2021"]
    assert list(begins.tick(later(1))) + list(ends.tick(later(1))) == []


@pytest.mark.parametrize("budgets", [Targets(), None])
def test_calls_that_go_well_are_listened_to_only_for_budgets(budgets: Targets | None) -> None:
    """Without them those events need not even be made."""
    alerts = Alerts(MemoryIncidents(), [], thresholds=Thresholds(budgets=budgets), background=False)
    assert ({RequestSent, ReplyJudged} <= alerts.hears) is (budgets is not None)


# budgets


def sent(status: int = 200, elapsed_s: float = 0.1) -> RequestSent:
    return RequestSent(**ACCOUNT, endpoint="x", status=status, elapsed_s=elapsed_s, moves_money=True)


def failed(kind: FailureKind = FailureKind.TIMED_OUT) -> RequestFailed:
    return RequestFailed(
        **ACCOUNT, endpoint="x", failure_kind=kind, may_have_left=True, elapsed_s=1.0, moves_money=True
    )


def judged(doubt: UnknownKind | None = None) -> ReplyJudged:
    return ReplyJudged(
        partner="alipay", account="alipay:2021", endpoint="x", moves_money=True, doubt=doubt, refusal=None,
        retry_after_s=None,
    )  # fmt: skip


def play(budgets: Budgets, minutes: int, *events: SdkEvent, begin_s: float = 0.0) -> list[str]:
    """The same events in each of so many minutes; which incidents begin and end."""
    found: list[Found] = []
    for minute in range(minutes):
        for event in events:
            found += budgets.hear(event, later(begin_s + minute * 60))
        found += budgets.tick(later(begin_s + minute * 60 + 30))
    return keys(found)


def test_a_partner_that_works_burns_nothing() -> None:
    """One failure in two thousand is within 99.9 %."""
    assert play(Budgets(), 60, *[sent()] * 2000, failed()) == []


def test_an_outage_is_told_within_a_minute() -> None:
    """Half of the calls fail: that burns the budget five hundred times as fast as it may."""
    assert play(Budgets(), 1, sent(), failed(), sent(), failed(), failed()) == ["budget_burnt/alipay:2021/success"]


def test_it_is_told_once_and_its_end_too() -> None:
    """A partner that works again is told of when the short window is well."""
    budgets = Budgets()
    bad = play(budgets, 10, sent(), failed())
    good = play(budgets, 60, *[sent()] * 10, begin_s=600)
    assert bad + good == ["budget_burnt/alipay:2021/success", "-budget_burnt/alipay:2021/success"]


def test_two_failures_prove_nothing() -> None:
    """However few calls there were."""
    assert play(Budgets(), 1, failed(), failed()) == []


def test_a_slow_leak_is_told_by_the_long_window() -> None:
    """Eight in a thousand is too little for an hour's alarm, and too much for six hours'."""
    assert play(Budgets(burns=Budgets().burns[:1]), 370, *[sent()] * 992, *[failed()] * 8) == []
    assert play(Budgets(), 10, *[sent()] * 992, *[failed()] * 8) == ["budget_burnt/alipay:2021/success"]


@pytest.mark.parametrize(
    ("measure", "event"),
    [
        (Measure.SUCCESS, sent(503)),
        (Measure.SUCCESS, failed(FailureKind.UNREACHABLE)),
        (Measure.SUCCESS, judged(UnknownKind.PARTNER_FAULT)),
        (Measure.ACCURACY, judged(UnknownKind.MISMATCH)),
        (Measure.ACCURACY, judged(UnknownKind.UNVERIFIED)),
        (Measure.ACCURACY, judged(UnknownKind.UNREADABLE)),
        (Measure.ACCURACY, judged(UnknownKind.UNKNOWN_STATUS)),
        (Measure.SPEED, sent(elapsed_s=2.1)),
    ],
)
def test_what_burns_which_budget(measure: Measure, event: SdkEvent) -> None:
    """Each failure counts against one measure."""
    found = play(Budgets(), 1, *[sent()] * 5, *[judged()] * 5, *[event] * 5)
    assert [f"budget_burnt/alipay:2021/{measure.value}"] == found


@pytest.mark.parametrize(
    "event",
    [
        failed(FailureKind.RATE_LIMITED),
        failed(FailureKind.BREAKER_OPEN),
        failed(FailureKind.DEADLINE),
        judged(UnknownKind.NOT_FOUND),
        sent(400),
        sent(elapsed_s=2.0),
    ],
)
def test_what_burns_nothing(event: SdkEvent) -> None:
    """What was held back here, an authentic "not found", a refusal, and two seconds sharp."""
    assert play(Budgets(), 1, *[sent()] * 5, *[judged()] * 5, *[event] * 5) == []


def test_the_words_say_what_is_missed() -> None:
    """How many, in which time, and which target."""
    budgets = Budgets()
    for _ in range(5):
        budgets.hear(failed(), later(0))
    (found,) = budgets.tick(later(1))
    assert isinstance(found, Trouble)
    assert found.kind is BUDGET_BURNT
    assert found.summary == (
        "5 of 5 calls to alipay:2021 in 1 h failed; "
        "the target of 99.90% is being missed at 14.4 times the rate that it allows"
    )


def test_it_is_looked_at_a_few_times_a_minute() -> None:
    """A look costs more than an event."""
    budgets = Budgets()
    assert list(budgets.tick(later(0))) == []
    for _ in range(5):
        budgets.hear(failed(), later(1))
    assert list(budgets.tick(later(14))) == []
    assert keys(budgets.tick(later(15))) == ["budget_burnt/alipay:2021/success"]


def test_memory_is_one_line_a_minute() -> None:
    """However many calls there are."""
    budgets = Budgets()
    play(budgets, 24 * 60, *[sent()] * 3)
    lengths = [len(counts.minutes) for counts in budgets._counts.values()]
    assert max(lengths) <= 6 * 60 + 1


# ages and dates


def operation(ref: str, **changes: object) -> Operation:
    values: dict[str, object] = {
        "id": f"{ref}/pay//1", "ref": ref, "verb": Verb.PAY, "partner": "alipay", "account": "alipay:2021",
        "partner_ref": f"{ref}T001", "amount": Money.of("1.00", "CNY"), "created_at": MORNING, "state": State.DOUBT,
    }  # fmt: skip
    return Operation(**(values | changes))  # type: ignore[arg-type]  # a table of tests


def test_doubt_that_ages_is_one_incident_for_an_account() -> None:
    """An outage leaves thousands in doubt: one message says how many, and which is the oldest."""
    young = operation("SHOP10010003", created_at=later(599))
    cause = UnknownCause(UnknownKind.TIMED_OUT, "no answer")
    old = [operation("SHOP10010002", created_at=later(1)), operation("SHOP10010001", unknown=cause), young]
    (found,) = open_too_long(old, later(1198), Patience())
    assert found.key == "unknown_ageing/alipay:2021"
    assert found.summary == (
        "2 operations of alipay:2021 in doubt, the oldest since 2026-11-23 01:00 UTC: SHOP10010001/pay//1 "
        "(timed_out: no answer)"
    )


@pytest.mark.parametrize(
    "changes",
    [{"state": State.PENDING}, {"state": State.ACTION}, {"started": False}, {"created_at": later(601)}],
)
def test_what_is_not_in_doubt_does_not_age(changes: dict[str, object]) -> None:
    """The payer takes his time; what was only prepared has not left."""
    assert list(open_too_long([operation("SHOP10010001", **changes)], later(1200), Patience())) == []


def test_what_waits_for_a_person_is_an_incident_each() -> None:
    """Each is work of its own, and not in doubt besides."""
    waiting = [replace(operation(f"SHOP1001000{number}"), for_person="look it up") for number in (1, 2)]
    found = open_too_long(waiting, later(10_000), Patience())
    assert keys(found) == ["operation_for_person/SHOP10010001/pay//1", "operation_for_person/SHOP10010002/pay//1"]


@pytest.mark.parametrize(
    ("days", "record", "kinds"),
    [
        (31, False, []),
        (30, False, ["certificate_expiring"]),
        (0, False, ["certificate_expired"]),
        (1, True, ["record_expiring"]),
        (-1, True, ["record_expired"]),
    ],
)
def test_dates_are_told_a_month_ahead(days: int, record: bool, kinds: list[str]) -> None:
    """And as another, worse kind once they are past."""
    expiry = Expiry(what="app_cert", about="alipay:2021", ends=MORNING + timedelta(days=days), record=record)
    assert kinds == [found.kind.name for found in ending([expiry], MORNING, Patience())]
