"""Alerts: one message for one trouble, whoever finds it and however often, and nothing that can harm a payment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread
from typing import TypeVar

import pytest
from tests.support.incidents import Duty, Listener, later, trouble

from payport.sdk.errors import JournalError
from payport.sdk.events import Mismatch, NoticeReceived, RequestSent, SdkEvent, SignatureFailed, StorageFailed
from payport.sdk.incidents import keeping
from payport.sdk.incidents.alert import Alert
from payport.sdk.incidents.alerts import CLAIM_S, INBOX, SINK_FAILED_AFTER, Alerts
from payport.sdk.incidents.detecting import Detector, Found
from payport.sdk.incidents.kinds import ABNORMAL_TRANSACTION, BREAKER_OPEN, MISMATCH, FaultClass, IncidentKind
from payport.sdk.incidents.lifecycle import QUIET_S, Contact, IncidentError
from payport.sdk.incidents.outlets import Pace, Route
from payport.sdk.incidents.records import Cleared, Incident, Stage, Status
from payport.sdk.incidents.store import IncidentSession, MemoryIncidents
from payport.sdk.testing.stepping import Time

T = TypeVar("T")

MISMATCHED = Mismatch(
    partner="alipay", account="alipay:2021", ref="SHOP10010001", operation="SHOP10010001/pay//1", field="amount"
)
UNSTORED = StorageFailed(partner="alipay", account="alipay:2021", work="learn pay", error="JournalError")


def incidents(duty: Duty) -> list[Incident]:
    """What is in the store, newest first."""
    return list(duty.store.read(lambda session: session.recent_incidents(100)))


def test_one_trouble_is_told_once() -> None:
    """Found a thousand times: one incident, one message, and the count."""
    duty = Duty()
    for _ in range(1000):
        duty.alerts.report(trouble())
    duty.settle()
    duty.alerts.report(trouble())
    duty.pass_by(60)
    assert duty.sink.stages == [Stage.OPENED]
    assert [each.count for each in incidents(duty)] == [1001]


def test_repetitions_are_written_every_few_seconds_at_most() -> None:
    """A storm of trouble must not become a storm of writes."""
    duty = Duty()
    duty.alerts.report(trouble())
    duty.settle()
    for _ in range(50):
        duty.alerts.report(trouble())
        duty.alerts.work()
    assert [each.count for each in incidents(duty)] == [1]
    duty.pass_by(5.1)
    assert [each.count for each in incidents(duty)] == [51]


def test_an_event_becomes_an_alert() -> None:
    """From the gateway's sink to the person."""
    duty = Duty()
    duty.alerts(MISMATCHED)
    duty.settle()
    (alert,) = duty.sink.heard
    assert alert.subject == ("[payport] critical: A partner answered about something else than was asked (alipay:2021)")
    assert alert.text() == (
        "A partner answered about something else than was asked.\n"
        "alipay answered about SHOP10010001 with another amount; it counts as unknown, not as paid\n"
        "\n"
        "Incident:  1 (mismatch, critical), found 1 times\n"
        "Opened:    2026-11-23 01:00:00 UTC; last seen 2026-11-23 01:00:00 UTC\n"
        "Order:     SHOP10010001   (payport explain SHOP10010001)\n"
        "Take it on by 2026-11-23 01:30:00 UTC: payport incidents ack 1 --by NAME\n"
        "Recover by 2026-11-23 05:00:00 UTC\n"
        "What to do: docs/alerts.md#mismatch\n"
    )


def test_nobody_answers_so_the_next_one_is_called() -> None:
    """And the one after that; then all hear that it takes too long."""
    duty = Duty(steps=3)
    duty.alerts.report(trouble())
    duty.settle()
    assert [len(sink.heard) for sink in duty.sinks] == [1, 0, 0]
    duty.pass_by(7200)
    assert [sink.stages for sink in duty.sinks[1:]] == [[Stage.ESCALATED], []]
    assert "nobody has acknowledged" in duty.sinks[1].heard[0].subject
    duty.pass_by(7200)
    assert [sink.stages for sink in duty.sinks] == [
        [Stage.OPENED, Stage.OVERDUE],
        [Stage.ESCALATED, Stage.OVERDUE],
        [Stage.ESCALATED, Stage.OVERDUE],
    ]


def test_somebody_answers_and_resolves() -> None:
    """Nobody else is called, and whoever was told hears the end, with the name and the note."""
    duty = Duty(steps=2)
    duty.alerts.report(trouble())
    duty.settle()
    keeping.acknowledge(duty.store, 1, "Wen", later(60))
    duty.pass_by(7300)
    keeping.resolve(duty.store, 1, "Wen", later(7300), "the partner is back")
    duty.settle()
    assert [sink.stages for sink in duty.sinks] == [[Stage.OPENED, Stage.RESOLVED], []]
    text = duty.sink.heard[-1].text()
    assert "Resolved:  2026-11-23 03:01:40 UTC by Wen: the partner is back" in text
    assert "Taken on" in replace(duty.sink.heard[-1], incident=incidents(duty)[0]).text() or "Resolved" in text
    assert incidents(duty)[0].settled


def test_what_is_over_by_itself_is_told_after_a_quiet_minute() -> None:
    """A breaker that flaps is one message, not a hundred."""
    duty = Duty()
    for _ in range(20):
        duty.alerts.report(trouble(after_s=(duty.time.at - later(0)).total_seconds()))
        duty.pass_by(1)
        duty.alerts.report(Cleared(kind=BREAKER_OPEN, about="alipay:2021", why="closed again", at=duty.time.at))
        duty.pass_by(1)
    assert duty.sink.stages == [Stage.OPENED]
    duty.pass_by(QUIET_S)
    assert duty.sink.stages == [Stage.OPENED, Stage.RESOLVED]
    assert len(incidents(duty)) == 1


def test_the_end_of_what_never_was_is_no_news() -> None:
    """A breaker closes that nobody saw open."""
    duty = Duty()
    duty.alerts.report(Cleared(kind=BREAKER_OPEN, about="alipay:2021", why="closed", at=later(0)))
    duty.settle()
    assert (incidents(duty), duty.sink.heard) == ([], [])


def test_a_class_that_nobody_wants_is_told_to_nobody() -> None:
    """It is kept all the same."""
    duty = Duty(least=FaultClass.CRITICAL)
    duty.alerts.report(trouble(BREAKER_OPEN), trouble(MISMATCH))
    duty.settle()
    assert duty.sink.kinds == ["mismatch"]
    assert len(incidents(duty)) == 2


def test_a_kind_of_your_own_needs_no_registration() -> None:
    """The set of kinds is open; its runbook may stand anywhere."""
    own = IncidentKind(
        name="till_offline", fault_class=FaultClass.MAJOR, title="A till is off", runbook="https://wiki.example/till"
    )
    duty = Duty()
    duty.alerts.report(trouble(own, "till 7"))
    duty.settle()
    assert (duty.sink.kinds, duty.sink.heard[0].runbook) == (["till_offline"], "https://wiki.example/till")


def test_a_flood_is_paced_and_the_worst_goes_first() -> None:
    """At most so many at once, then one every so often; each message says how many wait. Nothing is lost."""
    duty = Duty(pace=Pace(burst=3, every_s=60))
    duty.alerts.report(*[trouble(about=f"p:{number}") for number in range(8)], trouble(MISMATCH, "x"))
    duty.settle()
    assert len(duty.sink.heard) == 3
    assert duty.sink.kinds[0] == "mismatch"
    assert {alert.waiting for alert in duty.sink.heard} == {6}
    assert "6 more messages wait; all of them: payport incidents list" in duty.sink.heard[0].text()
    for _ in range(6):
        duty.pass_by(60)
    assert len({alert.incident.key for alert in duty.sink.heard}) == len(duty.sink.heard) == 9


def test_a_sink_that_fails_is_tried_again_with_longer_and_longer_waits() -> None:
    """After 5 s, 10 s, 20 s: the message arrives when it works, once, with the same id."""
    duty = Duty(steps=2)
    duty.sink.fails = True
    duty.alerts.report(trouble())
    duty.settle()
    tries = 1
    for wait_s in (5, 10, 20):
        duty.pass_by(wait_s - 1)
        assert duty.alerts._outlets["step0"].fails == tries
        duty.pass_by(1)
        tries += 1
        assert duty.alerts._outlets["step0"].fails == tries
    duty.sink.fails = False
    duty.pass_by(40)
    assert duty.sink.kinds.count("breaker_open") == 1


def test_a_sink_that_keeps_failing_is_an_incident_itself() -> None:
    """The others hear of it, and of its end. What an exception said stays here: it may hold an address with a token."""
    duty = Duty()
    other = Listener()
    routes = [Route(contact=Contact(name="broken"), sink=duty.sink), Route(contact=Contact(name="log"), sink=other)]
    duty.alerts = Alerts(duty.store, routes, clock=duty.alerts._clock, background=False)
    duty.sink.fails = True
    duty.alerts.report(trouble())
    duty.settle()
    for wait_s in (5, 10, 20, 40)[:SINK_FAILED_AFTER]:
        duty.pass_by(wait_s)
    assert other.kinds == ["breaker_open", "alert_sink_failed"]
    assert other.heard[-1].incident.summary == "the sink broken does not take alerts: it raised OSError"
    duty.sink.fails = False
    duty.pass_by(300)
    duty.pass_by(QUIET_S)
    assert other.stages[-1] is Stage.RESOLVED


class Interrupted(MemoryIncidents):
    """A store that cannot be reached while it is told so."""

    down = False

    def write(self, work: Callable[[IncidentSession], T]) -> T:
        if self.down:
            raise JournalError("the disk is full")
        return super().write(work)


def test_people_are_told_although_the_store_is_lost() -> None:
    """That the journal fails is told from memory, and written down once it works: counted on, told nobody twice."""
    store = Interrupted()
    duty = Duty(store=store)
    store.down = True
    duty.alerts(UNSTORED)
    duty.settle()
    assert duty.sink.kinds == ["storage_failed"]
    duty.alerts(UNSTORED)
    duty.pass_by(6)
    store.down = False
    assert incidents(duty) == []
    duty.pass_by(10)
    assert [(each.kind, each.count, dict(each.told)) for each in incidents(duty)] == [
        ("storage_failed", 2, {"step0": Stage.OPENED})
    ]
    duty.pass_by(120)
    duty.pass_by(QUIET_S)
    assert duty.sink.stages == [Stage.OPENED, Stage.RESOLVED]


def test_what_was_kept_in_memory_joins_what_another_process_wrote() -> None:
    """The same trouble is one incident there, and who was told of it here is remembered."""
    store = Interrupted()
    duty = Duty(store=store)
    keeping.report(store, trouble())
    store.down = True
    duty.alerts.report(trouble())
    duty.settle()
    store.down = False
    duty.pass_by(11)
    (found,) = incidents(duty)
    assert (found.count, dict(found.told)) == (2, {"step0": Stage.OPENED})
    assert duty.sink.stages == [Stage.OPENED]


def test_two_processes_tell_it_once() -> None:
    """Both find it, one of them tells it."""
    time, store = Time(), MemoryIncidents()
    one, two = Duty(time=time, store=store), Duty(time=time, store=store)
    one.alerts.report(trouble())
    two.alerts.report(trouble())
    one.alerts.work()
    two.alerts.work()
    one.settle()
    two.settle()
    assert len(one.sink.heard) + len(two.sink.heard) == 1
    assert [each.count for each in incidents(one)] == [2]


def test_another_process_takes_over_from_one_that_died() -> None:
    """Whoever claimed a message and was killed does not swallow it."""
    time, store = Time(), MemoryIncidents()
    dead, alive = Duty(time=time, store=store), Duty(time=time, store=store)
    dead.alerts._outlets["step0"].tell = lambda alert, done: None  # type: ignore[method-assign]  # killed before it told
    dead.alerts.report(trouble())
    dead.alerts.work()
    alive.pass_by(CLAIM_S - 1)
    assert alive.sink.heard == []
    alive.pass_by(1)
    assert alive.sink.stages == [Stage.OPENED]


def test_trouble_that_lasts_is_written_when_there_is_news() -> None:
    """A look that finds the same again says nothing; what is not found any more is over."""
    duty = Duty()
    for _ in range(5):
        keeping.stand(duty.store, [trouble()], [BREAKER_OPEN], duty.time.at)
        duty.pass_by(60)
    assert [each.count for each in incidents(duty)] == [1]
    keeping.stand(duty.store, [replace(trouble(), summary="worse")], [BREAKER_OPEN], duty.time.at)
    assert [(each.count, each.summary) for each in incidents(duty)] == [(2, "worse")]
    keeping.stand(duty.store, [], [MISMATCH], duty.time.at)
    assert incidents(duty)[0].live
    keeping.stand(duty.store, [], [BREAKER_OPEN], duty.time.at)
    assert (incidents(duty)[0].status, incidents(duty)[0].resolved_by) == (Status.RESOLVED, "payport")


def test_what_a_person_closed_stays_closed_for_the_time_of_its_class() -> None:
    """Then it is opened anew: it is still there."""
    duty = Duty()
    keeping.stand(duty.store, [trouble()], [BREAKER_OPEN], later(0))
    keeping.resolve(duty.store, 1, "Wen", later(60))
    keeping.stand(duty.store, [trouble(after_s=60 + 14_400)], [BREAKER_OPEN], later(60 + 14_400))
    assert len(incidents(duty)) == 1
    keeping.stand(duty.store, [trouble(after_s=61 + 14_400)], [BREAKER_OPEN], later(61 + 14_400))
    assert [each.live for each in incidents(duty)] == [True, False]


def test_an_end_that_nobody_can_be_told_is_given_up_after_a_day() -> None:
    """Its sink was taken out of the configuration."""
    duty = Duty()
    duty.alerts.report(trouble())
    duty.settle()
    keeping.resolve(duty.store, 1, "Wen", later(1))
    after = Duty(time=duty.time, store=duty.store, steps=0)
    after.pass_by(3600)
    assert not incidents(after)[0].settled
    after.pass_by(86_400)
    assert incidents(after)[0].settled


@pytest.mark.parametrize("work", [keeping.acknowledge, keeping.resolve])
def test_there_is_no_such_incident(work: Callable[[MemoryIncidents, int, str, object], object]) -> None:
    """A person mistyped the number."""
    with pytest.raises(IncidentError, match="no incident 7; payport incidents list"):
        work(MemoryIncidents(), 7, "Wen", later(0))


def test_two_sinks_of_one_name_are_refused() -> None:
    """Who was told is remembered by name."""
    routes = [Route(contact=Contact(name="duty"), sink=Listener())] * 2
    with pytest.raises(ValueError, match="two sinks have one name: duty, duty"):
        Alerts(MemoryIncidents(), routes, background=False)


class Raising:
    """A detector of somebody else, with a mistake in it."""

    hears = (Mismatch,)

    def hear(self, event: SdkEvent, at: object) -> list[Found]:
        raise ZeroDivisionError

    def tick(self, at: object) -> list[Found]:
        return []


def test_a_detector_that_raises_does_not_stop_the_others() -> None:
    """The events that it could not look at are counted, and told."""
    duty = Duty()
    usual: tuple[Detector, ...] = duty.alerts._detectors
    routes = [Route(contact=Contact(name="duty"), sink=duty.sink)]
    duty.alerts = Alerts(duty.store, routes, detectors=(Raising(), *usual), clock=duty.alerts._clock, background=False)
    duty.alerts(MISMATCHED)
    duty.settle()
    assert duty.sink.kinds == ["mismatch", "events_dropped"]
    assert duty.alerts.dropped == 1


def test_more_events_than_can_be_looked_at_are_dropped_and_told() -> None:
    """The queue is bounded: memory is more than any number of log lines worth."""
    duty = Duty()
    ordinary = RequestSent(
        partner="alipay", account="alipay:2021", endpoint="x", status=200, elapsed_s=0.1, moves_money=True
    )
    for _ in range(INBOX + 25):
        duty.alerts(ordinary)
    duty.settle()
    assert duty.alerts.dropped == 25
    assert duty.sink.heard[0].incident.summary.startswith("25 events were not looked at")


# with its thread


def test_the_thread_tells_within_moments() -> None:
    """Nobody has to call anything."""
    heard = Event()

    def sink(alert: Alert) -> None:
        heard.set()

    alerts = Alerts(MemoryIncidents(), [Route(contact=Contact(name="duty"), sink=sink)])
    alerts(MISMATCHED)
    assert heard.wait(5.0)
    alerts.close()


def test_closing_tells_what_there_is_to_tell() -> None:
    """A script that ends at once has told all the same; closing twice does nothing."""
    listener = Listener()
    alerts = Alerts(MemoryIncidents(), [Route(contact=Contact(name="duty"), sink=listener)])
    alerts(MISMATCHED)
    alerts.close()
    alerts.close()
    assert listener.kinds == ["mismatch"]


def test_a_sink_that_hangs_holds_up_nobody_else() -> None:
    """Each has a thread of its own, and closing does not wait for it longer than it says."""
    release, listener = Event(), Listener()

    def hangs(alert: Alert) -> None:
        release.wait(30)

    routes = [Route(contact=Contact(name="stuck"), sink=hangs), Route(contact=Contact(name="duty"), sink=listener)]
    alerts = Alerts(MemoryIncidents(), routes)
    alerts(MISMATCHED)
    alerts.close(0.5)
    assert listener.kinds == ["mismatch"]
    release.set()


def test_many_threads_may_tell_at_once() -> None:
    """None of it is lost."""
    duty = Duty()
    failed = SignatureFailed(partner="alipay", account="alipay:2021", endpoint="trade.pay")

    def tell() -> None:
        for _ in range(500):
            duty.alerts(failed)

    threads = [Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    duty.settle()
    assert [(each.kind, each.count) for each in incidents(duty)] == [("signature_failures", 4000)]


def test_an_abnormal_transaction_is_major() -> None:
    """It is answered within two hours."""
    duty = Duty()
    duty.alerts.report(trouble(ABNORMAL_TRANSACTION))
    duty.settle()
    assert duty.sink.heard[0].plain()["respond_by"] == "2026-11-23T03:00:00.000000Z"


def test_it_says_what_it_wants_to_hear() -> None:
    """Other events need not be made."""
    assert Mismatch in Duty().alerts.hears
    assert NoticeReceived not in Duty().alerts.hears
