"""The families: a few units of each hold, and each can fail: what it looks for is found when it is there."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from proof import (
    books,
    clocks,
    colours,
    concurrency,
    crash_points,
    killing,
    network,
    power,
    rotation,
    schedules,
    secrecy,
    signatures,
    standing_still,
    storms,
    suites,
    two_partners,
)
from proof.family import Family, Tally
from proof.sabotages.cut import Cut, without
from proof.soak import Soak, _compare, _flat
from proof.stores import EVERY, shares, stores, units
from proof.subjects import subjects

from payport.schemas import NotSent, NotSentCause, NotSentKind, Unknown, UnknownCause, UnknownKind
from payport.sdk.testing.conformance.world import World

SAMPLES: list[tuple[Family, int, int]] = [
    (schedules.FAMILY, 999, 4),
    (crash_points.FAMILY, 3, 1),
    (crash_points.FAMILY, len(crash_points.places()), 1),
    (killing.FAMILY, 0, 8),
    (power.FAMILY, 0, 20),
    (network.FAMILY, len(network.KINDS) - 3, 8),
    (signatures.FAMILY, 1_000, 300),
    (signatures.FAMILY, signatures.FAMILY.gate - 20_000, 300),
    (rotation.FAMILY, 0, 3),
    (rotation.FAMILY, rotation.CROWDS, 1),
    (rotation.FAMILY, rotation.CROWDS + 4, 1),
    (storms.FAMILY, 118, 5),
    (storms.FAMILY, 127, 3),
    (clocks.FAMILY, 0, 7),
    (secrecy.FAMILY, 5, 6),
    (books.FAMILY, 0, 7),
    (colours.FAMILY, 0, 3),
    (colours.FAMILY, colours.DAYS, 2),
    (standing_still.FAMILY, 1_587, 1),
    (two_partners.FAMILY, 3, 1),
]


# signed messages differ in length with the keys of a process, so a number is no name
NAMES = [f"{family.id}-{turn}" for turn, (family, _, _) in enumerate(SAMPLES)]


@pytest.mark.parametrize(("family", "first", "count"), SAMPLES, ids=NAMES)
def test_some_units_of_each_family_hold(family: Family, first: int, count: int) -> None:
    """The same bodies that the proof runs by the thousand."""
    tally = family.run(first, count)
    assert tally.failures == []
    assert tally.cases >= count


def test_a_crowd_is_charged_once() -> None:
    """Two rounds of the family that takes processes."""
    tally = concurrency.run(0, 2)
    assert (tally.failures, tally.cases, tally.notes["callers"]) == ([], 2, 128)


def test_a_believed_forgery_is_a_failure() -> None:
    """A reader that believes whatever it reads is found at the first bit."""
    partner, signed, means = signatures.messages()[0]
    gullible = replace(signed, read=lambda _, body: ("paid", bytes(body)))
    tally = Tally()
    signatures._judge(7, tally, partner, gullible, means, gullible.with_parts(signatures.flipped(signed.parts, 9)))
    assert [failure.number for failure in tally.failures] == [7]
    assert "was believed" in tally.failures[0].what


def test_a_refusal_that_ends_what_was_sent_again_is_found() -> None:
    """The guard against it is taken out: a second worker is enough to see what comes of it."""
    believed = Cut("sdk.operations.learning:_unless_sent_again", "if sent is None or", "if True or sent is None or")
    with without((believed,)):
        tally = standing_still.run(1_587, 1)
    assert any("declined" in failure.what for failure in tally.failures)


def test_a_second_partner_that_is_asked_too_early_is_found() -> None:
    """What is in doubt at one partner counts as over: then the other one is paid as well."""
    over = Cut(
        "sdk.operations.intending:_live",
        "not last.state.over else",
        'not last.state.over and last.state.value != "doubt" else',
    )
    with without((over,)):
        tally = two_partners.run(3, 1)
    assert any("both keep money" in failure.what for failure in tally.failures)


def test_every_bit_is_flipped_once() -> None:
    """Body and headers: no two units make the same message, and each differs in one bit."""
    _, signed, _ = signatures.messages()[-1]
    made = {signatures.flipped(signed.parts, bit) for bit in range(signed.bits)}
    assert len(made) == signed.bits
    assert signed.parts not in made


@pytest.mark.parametrize(
    ("outcome", "verb", "sent", "fine"),
    [
        (Unknown(operation="o", cause=UnknownCause(UnknownKind.TIMED_OUT, "")), "pay", True, True),
        (Unknown(operation="o", cause=UnknownCause(UnknownKind.TIMED_OUT, "")), "pay", False, False),
        (NotSent(cause=NotSentCause(NotSentKind.TLS, "")), "pay", False, True),
        (NotSent(cause=NotSentCause(NotSentKind.TLS, "")), "pay", True, False),
        (NotSent(cause=NotSentCause(NotSentKind.TLS, "")), "query", True, False),
    ],
)
def test_what_is_told_wrongly_is_found(outcome: object, verb: str, *, sent: bool, fine: bool) -> None:
    """A doubt where nothing can have left, and certainty where something may have."""
    kind = network.Kind("a fault", sent=sent)
    assert (network.wrongly_told(outcome, verb, kind) is None) == fine


def test_there_are_as_many_faults_as_promised() -> None:
    """Two dozen kinds, four verbs of each partner, both colours."""
    assert len(network.KINDS) >= 24
    assert {len(network.verbs_of(subject.name)) for subject in subjects()} == {4}
    assert len(network.cases()) >= 1_152


def test_a_secret_that_is_logged_is_found(tmp_path: Path) -> None:
    """In a log line, in the locals of the library's frames, in a file of the journal."""
    subject = secrecy.careless(subjects()[0])
    with World(subject, tmp_path) as world, secrecy.listening() as watch:
        hidden = secrecy.secret(world)
        assert len(hidden) >= 2
        assert secrecy.found(hidden, list(secrecy.spoken(watch, "", world, None))) == []
        logging.getLogger("shop").debug("the key is %s", next(iter(hidden.values())))
        assert secrecy.found(hidden, list(secrecy.spoken(watch, "", world, None))) == [
            "account secret 0 in log of shop"
        ]
        (tmp_path / "payments.db-new").write_text(secrecy.CARD_NUMBER)
        assert secrecy.found(hidden, list(secrecy.files(world))) == ["card number in file payments.db-new"]


def test_memory_that_grows_is_found() -> None:
    """And handles; what stays flat is not."""
    for grows, expected in (((0, 0), 0), ((2**20, 0), 1), ((0, 1), 1), ((2**20, 1), 2)):
        samples = [(100 * 2**20 + turn * grows[0], 90 + turn * grows[1]) for turn in range(120)]
        soak = Soak([], None, None, Tally(), samples=samples)  # type: ignore[arg-type] # only its samples are looked at
        _flat(soak, 0)
        assert len(soak.tally.failures) == expected


def test_totals_that_differ_are_found(tmp_path: Path) -> None:
    """A payment that only the partner knows of makes the day's books differ."""
    with World(subjects()[0], tmp_path) as world:
        world.sell(world.new_ref())
        tally = Tally()
        books._compare_totals(world, tally, set())
        assert sum(tally.notes.values()) > 0
        world.refs.clear()
        with pytest.raises(AssertionError, match="in the journal"):
            books._compare_totals(world, tally, set())


def test_money_that_only_the_partner_knows_of_is_found_after_the_soak(tmp_path: Path) -> None:
    """An order that nobody finds in the journal, and whose partner took a cent."""
    partner = SimpleNamespace(
        subject=SimpleNamespace(name="alipay"), wrong_with=lambda _: [], net_minor=lambda refs: [1 for _ in refs]
    )
    with World(subjects()[0], tmp_path) as world:
        ref = "SOAK00000001"
        world.sell(ref)
        gateway = SimpleNamespace(adapter=SimpleNamespace(account=world.adapter.account))
        soak = Soak([SimpleNamespace(partner=partner, sync=gateway)], world.journal, None, Tally())  # type: ignore[list-item, arg-type] # only what is compared
        next(soak.numbers)
        _compare(soak, 7)
    assert [(each.number, each.what[:12]) for each in soak.tally.failures] == [(7, ref)]


def test_a_skipped_test_proves_nothing(tmp_path: Path) -> None:
    """It is a failure, as is one that fails; one that passes is a case."""
    place = tmp_path / "test_three.py"
    place.write_text(
        "import pytest\n\ndef test_a():\n    pass\n\ndef test_b():\n    pytest.skip('not here')\n\n"
        "def test_c():\n    assert 1 == 2\n"
    )
    tally = suites.passed(3, [str(place)])
    assert tally.cases == 1
    assert sorted(failure.what.split("::")[1][:13] for failure in tally.failures) == ["test_b: skipp", "test_c: failu"]
    assert suites.passed(3, [str(tmp_path / "nowhere.py")]).failures


def test_each_database_has_its_share() -> None:
    """Every unit belongs to one of them."""
    numbers = list(range(units(20) * 2))
    found = dict(shares(numbers, 20))
    assert sorted(number for mine in found.values() for number in mine) == numbers
    assert {store.name for store in found} == {store.name for store in stores()}
    assert EVERY[0] in found


@pytest.mark.timeout(60)
@pytest.mark.parametrize("partner", ["paypal", "wechatpay"])
def test_who_is_cancelled_keeps_nobody_waiting(partner: str) -> None:
    """Found by T16: a call cancelled after it had fetched a token left everybody else waiting for that token."""
    first = next(at for at, which in enumerate(colours.cancelled()) if which[0].name == partner)
    tally = colours.FAMILY.run(colours.DAYS + first, 2)
    assert tally.failures == []
    assert tally.cases > 20
