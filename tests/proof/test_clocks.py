"""A clock that is set while an order is open ends nothing early: the partner's own time says what is over."""

from __future__ import annotations

from pathlib import Path

import pytest
from proof.clocks import SkewedWorld
from proof.subjects import AnySubject, subjects

from payport.schemas.outcome import ActionRequired, Pending
from payport.sdk.journal.records import State, Verb
from payport.sdk.testing.conformance.subject import Way
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.simulated import SimulatedPartner

AHEAD_S = (301.0, 3_600.0, 86_400.0)
LATE = [
    pytest.param(subject, way, id=f"{subject.name}-{way.name}")
    for subject in subjects()
    for way in subject.ways
    if way.door is not None and Fault.LATE_ARRIVAL in subject.plays - way.door.cannot
]
HANDED_OUT = [
    pytest.param(subject, way, id=f"{subject.name}-{way.name}")
    for subject in subjects()
    for way in subject.ways
    if way.gives is ActionRequired
]


def wrong(world: SkewedWorld) -> list[str]:
    """What does not add up once the clock is right and all is at rest."""
    world.skew.seconds = 0.0
    world.settle(rounds=2_000)
    return [line for ref in world.refs for line in world.wrong_with(ref)] + world.watch.problems()


@pytest.mark.parametrize("ahead_s", AHEAD_S)
@pytest.mark.parametrize(("subject", "way"), LATE)
def test_a_request_that_is_on_its_way_outlives_a_clock_that_is_set_ahead(
    subject: AnySubject, way: Way[SimulatedPartner], ahead_s: float, tmp_path: Path
) -> None:
    """It is asked about and cancelled, and arrives when our clock says that its time has long been over."""
    assert way.door is not None
    with SkewedWorld(subject, tmp_path) as world:
        ref = world.new_ref()
        world.partner.faults.next(Fault.LATE_ARRIVAL, way.door.endpoint, delay_s=40.0, times=4)
        world.pay(ref, way)
        world.skew.seconds = ahead_s
        world.gateway().resume()
        world.tell(world.gateway().cancel(ref))
        world.time.pass_by(50.0)
        assert wrong(world) == []


@pytest.mark.parametrize("behind_s", [240.0, 299.0])
@pytest.mark.parametrize(("subject", "way"), LATE)
def test_a_request_that_is_on_its_way_outlives_a_clock_that_was_behind_and_is_set_right(
    subject: AnySubject, way: Way[SimulatedPartner], behind_s: float, tmp_path: Path
) -> None:
    """As far behind as partners take. Its end by time was counted from that wrong hour, and is over at once."""
    assert way.door is not None
    with SkewedWorld(subject, tmp_path) as world:
        world.skew.seconds = -behind_s
        ref = world.new_ref()
        world.partner.faults.next(Fault.LATE_ARRIVAL, way.door.endpoint, delay_s=40.0, times=4)
        world.pay(ref, way)
        world.skew.seconds = 0.0
        world.time.pass_by(10.0)
        world.gateway().resume()
        world.tell(world.gateway().cancel(ref))
        world.time.pass_by(50.0)
        assert wrong(world) == []


@pytest.mark.parametrize("ahead_s", AHEAD_S)
@pytest.mark.parametrize(("subject", "way"), HANDED_OUT)
def test_what_was_handed_out_is_over_when_it_is_closed_not_when_a_clock_is_set_ahead(
    subject: AnySubject, way: Way[SimulatedPartner], ahead_s: float, tmp_path: Path
) -> None:
    """The payer pays in time by the partner's clock, or cannot, after all was looked at by a clock that is ahead."""
    with SkewedWorld(subject, tmp_path) as world:
        ref = world.new_ref()
        action = world.hand_out(ref, way)
        world.skew.seconds = ahead_s
        world.gateway().resume()
        world.gateway().query(ref)
        try:
            world.payer_pays(ref, way, action)
        except Exception:  # noqa: BLE001 - each partner shows an error page of its own
            assert world.last(ref).state.over, "only what was closed there cannot be paid"
        assert wrong(world) == []


@pytest.mark.parametrize("ahead_s", [*AHEAD_S, -3_600.0])
def test_a_payout_whose_answer_was_lost_is_found_by_a_clock_that_was_ahead(ahead_s: float, tmp_path: Path) -> None:
    """Stripe is asked for what was made since. Without a sealing key nothing but that question tells."""
    (subject,) = (each for each in subjects() if each.name == "stripe")
    assert subject.payout is not None
    with SkewedWorld(subject, tmp_path, sealed=False) as world:
        ref = world.new_ref()
        world.skew.seconds = ahead_s
        world.partner.faults.next(Fault.COMMIT_THEN_SILENCE, subject.payout.door.endpoint, times=9)
        world.gateway().payout(world.payout_order(ref), subject.payout.payee, deadline_s=5.0)
        world.partner.faults.clear()
        world.skew.seconds = 0.0
        assert isinstance(world.gateway().query_payout(ref).outcome, Pending)


def test_a_refund_on_its_way_is_not_ended_by_a_person_after_the_clock_was_set_right(tmp_path: Path) -> None:
    """Without its sealed request it is left to a person within a minute or so, who looks at once: it may yet arrive."""
    (subject,) = (each for each in subjects() if each.name == "alipay")
    with SkewedWorld(subject, tmp_path, sealed=False) as world:
        ref = world.new_ref()
        world.sell(ref)
        world.skew.seconds = -299.0
        world.partner.faults.next(Fault.LATE_ARRIVAL, "alipay.trade.refund", delay_s=40.0, times=9)
        world.gateway().refund(ref, "BACK0001", world.order(ref).amount, deadline_s=5.0)
        world.skew.seconds = 0.0
        world.time.pass_by(10.0)
        world.gateway().resume()
        assert world.last(ref, Verb.REFUND).for_person
        world.gateway().resolve(ref)
        assert not world.last(ref, Verb.REFUND).state.final
        world.time.pass_by(50.0)
        world.gateway().resolve(ref)
        assert world.last(ref, Verb.REFUND).state is State.SUCCEEDED
