"""What ``prepare`` refuses leaves nothing in the transaction of the application, which may commit all the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from tests.support.corner import EURO, GO_ON, PAID, Corner, Wink, gateway, order
from tests.support.databases import NAMES, SERVERS, application

from payport.schemas import Money, NotSent, NotSentKind, Order, Succeeded
from payport.sdk.journal.store import Journal
from payport.sdk.testing.conformance.world import SEALING_KEY
from payport.sdk.testing.stepping import Time


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(
    ("wanted", "method"),
    [(order(amount=Money.of("300.00", "CNY")), Wink()), (order(amount=Money.of("5.00", "EUR")), Wink(eye="none"))],
)
def test_what_is_refused_may_be_asked_for_again_in_another_way(
    tmp_path: Path, time: Time, kind: str, wanted: Order, method: Wink
) -> None:
    """The application notes that its order was not sent, commits that, and asks with the amount that was meant."""
    url = f"sqlite:///{tmp_path / 'x.db'}" if kind == "sqlite" else SERVERS[kind].url("prepare")
    with Journal.open(url, sealing_key=SEALING_KEY) as journal:
        till = gateway(Corner(says=[GO_ON, PAID]), journal, time)
        with closing(application(kind, url)) as connection:
            refused = till.prepare(wanted, method, connection)
            assert isinstance(refused, NotSent)
            assert refused.cause.kind is NotSentKind.INVALID
            connection.commit()
        assert isinstance(till.pay(order(amount=EURO), Wink()), Succeeded)
