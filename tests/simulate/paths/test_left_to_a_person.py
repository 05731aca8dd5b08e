"""A refund that the partner never saw, and that was left to a person, can be ended and made again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.paths import World, order

from payport.schemas import Declined, NotSent, QrScanned, Succeeded, Unknown
from payport.sdk.journal.records import Verb
from payport.sdk.testing.faults import Fault

REF = "SHOP10010001"
REFUND = "alipay.trade.refund"


@pytest.mark.parametrize("sealed", [False, True])
def test_what_a_person_has_asked_about_ends_and_is_made_again(tmp_path: Path, sealed: bool) -> None:
    """Pain: it counted as given back for ever, and nobody could give the payer the money through the library."""
    with World(tmp_path, sealed=sealed) as world:
        assert isinstance(world.worker.pay(order(REF), QrScanned(auth_code=world.partner.payer.code())), Succeeded)
        world.partner.faults.next(Fault.RESET, REFUND, times=9_999)
        whole = order(REF).amount
        assert isinstance(world.worker.refund(REF, "BACK0001", whole), Unknown)
        while not world.last(REF, Verb.REFUND).for_person:
            world.forget_leases()
            world.time.pass_by(4_000)
            world.worker.resume()
        world.partner.faults.clear()
        assert isinstance(world.worker.refund(REF, "BACK0002", whole), NotSent)
        world.time.pass_by(61)
        world.worker.resolve(REF)
        assert isinstance(world.worker.query_refund(REF, "BACK0001").outcome, Declined)
        assert isinstance(world.worker.refund(REF, "BACK0001", whole), Succeeded)
        assert world.net_minor(REF) == 0
        assert not world.worker.open_operations()
