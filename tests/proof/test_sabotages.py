"""The sabotages: each finds its guard, mends what it cut, and those that are noticed at once are noticed here."""

from __future__ import annotations

import pytest
from proof.family import Tally
from proof.sabotage import FAMILY, appendix, schedules_until_noticed
from proof.sabotages import SABOTAGES
from proof.sabotages.cut import Cut, without
from proof.sabotages.sabotage import Sabotage
from proof.subjects import subjects

from payport.sdk.testing.world.invariants import INVARIANTS

AT_ONCE = (
    "another amount under the same reference is taken for the same debt",
    "the intent is not written down before the request leaves",
    "a time-out is taken for a request that never left",
    "a call goes on after its time",
    "Adyen's word that it received a cancel is taken for a fence",
)
_HARMLESS = Cut("sdk.operations.intending:partner_reference", "{attempt:03d}", "{attempt:03}")


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda one: one.what)
def test_every_guard_is_there_and_comes_back(sabotage: Sabotage) -> None:
    """A guard that was rewritten is named anew, or nobody would know that its sabotage does nothing."""
    before = [cut.function().__code__ for cut in sabotage.cuts]
    with without(sabotage.cuts):
        assert all(cut.function().__code__ is not code for cut, code in zip(sabotage.cuts, before, strict=True))
    assert [cut.function().__code__ for cut in sabotage.cuts] == before
    assert all(cut.guard != cut.without for cut in sabotage.cuts)


def test_there_are_enough_of_them() -> None:
    """At least forty, none twice, each with invariants and partners that exist."""
    assert len({sabotage.what for sabotage in SABOTAGES}) == len(SABOTAGES) >= 40
    assert {name for sabotage in SABOTAGES for name in sabotage.breaks} <= set(INVARIANTS)
    assert all(sabotage.breaks for sabotage in SABOTAGES)
    partners = {subject.name for subject in subjects()}
    assert {name for sabotage in SABOTAGES for name in sabotage.partners} == partners
    assert any(sabotage.twins for sabotage in SABOTAGES)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("what", AT_ONCE)
def test_some_are_noticed_at_once(what: str) -> None:
    """In a few schedules, with the invariant that they break."""
    sabotage = next(one for one in SABOTAGES if one.what == what)
    played, noticed = schedules_until_noticed(sabotage, 60)
    assert noticed in sabotage.breaks
    assert played <= 60


def test_a_guard_out_alone_is_kept_by_its_twin() -> None:
    """Which is why the twins are out as well: this one alone changes nothing that anybody could see."""
    sabotage = next(one for one in SABOTAGES if one.what == AT_ONCE[0])
    alone = Sabotage(what="alone", cut=sabotage.cut, breaks=sabotage.breaks)
    assert sabotage.twins
    assert schedules_until_noticed(alone, 40) == (40, None)


def test_what_nobody_notices_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sabotage that does no harm is not noticed, and the family says so."""
    harmless = Sabotage(what="the number is written otherwise", cut=_HARMLESS, breaks=frozenset({"I1"}))
    monkeypatch.setattr("proof.sabotage.SABOTAGES", (harmless,))
    monkeypatch.setattr("proof.sabotage.MOST", 14)
    tally: Tally = FAMILY.run(0, 1)
    assert [failure.what for failure in tally.failures] == [
        "nobody noticed in 14 schedules: the number is written otherwise"
    ]


def test_the_appendix_tells_them_in_their_order() -> None:
    """What was broken, and when that was seen."""
    tally = Tally(notes={f"{SABOTAGES[1].what}: breaks I6": 1_204, f"{SABOTAGES[0].what}: breaks I1": 3})
    assert appendix(tally).splitlines()[2:] == [
        f"| {SABOTAGES[0].what} | I1 | 3 |",
        f"| {SABOTAGES[1].what} | I6 | 1,204 |",
    ]


def test_a_guard_that_is_gone_is_an_error() -> None:
    """Not a sabotage that does nothing."""
    gone = Cut("sdk.operations.intending:begin", "if the moon is full:", "if False:")
    with pytest.raises(LookupError, match="begin has 0 times"), without([gone]):
        pass
