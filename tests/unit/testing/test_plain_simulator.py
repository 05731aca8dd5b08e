"""A small partner's simulator: what is there before it says a word of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from payport.schemas import Acknowledgement, Action, Money, QrCode, RawNotification
from payport.sdk.message import SendFailure, WireReply, WireRequest
from payport.sdk.testing import Fault, Incoming
from payport.sdk.testing.plain import PLAYS, Booked, PlainSimulator
from payport.sdk.testing.simulated import SimulatedPartner


class Stall(PlainSimulator):
    """Sells at once whatever is asked for."""

    account = "stall"

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 31, tzinfo=UTC)
        super().__init__(lambda: self.at)
        self.sold: list[str] = []

    def answer(self, incoming: Incoming, fault: Fault | None) -> WireReply:
        self.sold.append(incoming.body.decode())
        return WireReply(200, (), b"a lie" if fault is Fault.WRONG_AMOUNT else b"sold")

    def open(self, action: Action) -> None:
        self.tell(b"paid", {"x": "1"})

    def charged(self) -> list[Booked]:
        return [Booked(reference, Money.of("1.00", "EUR")) for reference in self.sold]


def buy(stall: PlainSimulator, reference: str) -> WireReply | SendFailure:
    url = "https://stall.example/sales/now?x=1"
    request = WireRequest(
        endpoint="POST /sales", moves_money=True, method="POST", url=url, headers={}, content=reference.encode()
    )
    return stall.transport().send(request, 5.0)


def test_it_is_a_partner() -> None:
    """With its books, its payer and its notices."""
    stall = Stall()
    partner: SimulatedPartner = stall
    told = buy(stall, "A1")
    assert isinstance(told, WireReply)
    assert told == buy(stall, "A2") == WireReply(200, (("date", "Sat, 31 Jan 2026 00:00:00 GMT"),), b"sold")
    assert told.date == stall.clock()
    buy(stall, "B1")
    books = partner.ledger
    assert [row.amount for row in books.charges("A1")] == [Money.of("1.00", "EUR")]
    assert (len(books.charges()), len(books.charges(starting_with="A")), len(books.charges("A"))) == (3, 2, 0)
    assert list(books.refunds()) == []
    partner.payer.leave(QrCode(text="x"))
    partner.process()
    assert len(partner.notices) == 0
    partner.payer.open(QrCode(text="x"))
    assert [(raw.body, raw.headers) for raw in partner.notices] == [(b"paid", {"x": "1"})]
    partner.close()


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault in PLAYS])
def test_it_plays_what_needs_no_words(fault: Fault) -> None:
    """Carried out where the fault says so, and never answered well."""
    stall = Stall()
    stall.faults.next(fault)
    answer = buy(stall, "A1")
    assert isinstance(answer, SendFailure) or answer.status in (404, 429, 500, 502)
    assert stall.sold == (["A1"] if fault.commits else [])


def test_what_is_late_arrives_once() -> None:
    """After its time, before the next request and before anybody looks into the books."""
    stall = Stall()
    stall.faults.next(Fault.LATE_ARRIVAL, "POST /sales", delay_s=30.0)
    buy(stall, "A1")
    assert stall.charges() == []
    stall.at += timedelta(seconds=30)
    assert stall.charges("A1") == stall.charges()
    buy(stall, "A2")
    assert stall.sold == ["A1", "A2"]


def test_a_lie_is_its_own() -> None:
    """And what it has no words for is said, not ignored."""
    stall = Stall()
    stall.faults.next(Fault.WRONG_AMOUNT, "POST /sales")
    told = buy(stall, "A1")
    assert isinstance(told, WireReply)
    assert told.content == b"a lie"
    stall.faults.next(Fault.ASK_RETRY)
    with pytest.raises(ValueError, match="Stall does not play ASK_RETRY"):
        buy(stall, "A2")


def test_its_notices_can_be_delivered() -> None:
    """As those of every simulator."""
    stall, got = Stall(), list[bytes]()

    def take(raw: RawNotification) -> Acknowledgement:
        got.append(raw.body)
        return Acknowledgement(status=200, content_type="text/plain", body=b"")

    stall.deliver_to(take)
    stall.hold_notices()
    stall.open(QrCode(text="x"))
    stall.release_notices(copies=1)
    assert stall.wait_delivered()
    stall.close()
    assert got == [b"paid"]
