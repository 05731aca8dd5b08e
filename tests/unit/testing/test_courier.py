"""The simulators' postman: insists until a notice is accepted, then gives up; what is held back comes out as asked."""

from __future__ import annotations

import pytest

from payport.schemas.events import Acknowledgement, RawNotification
from payport.sdk.testing.courier import Courier, Letter
from payport.sdk.testing.mailbox import Mailbox

NO = Acknowledgement(status=500, content_type="text/plain", body=b"")
YES = Acknowledgement(status=200, content_type="text/plain", body=b"")


def accepts(answer: Acknowledgement) -> bool:
    """A partner that looks at the status alone."""
    return answer.status == 200


def letter(text: bytes, address: str | None = None) -> Letter:
    """A notice that is the same on every try."""
    return Letter(lambda: RawNotification(body=text, headers={}), address)


@pytest.mark.parametrize(("tries", "answers"), [(1, [YES]), (2, [NO, YES]), (3, [NO, NO, NO])])
def test_a_notice_is_sent_again_until_it_is_accepted_or_given_up(tries: int, answers: list[Acknowledgement]) -> None:
    """One try more than there are waits."""
    seen: list[RawNotification] = []
    left = list(answers)

    def receive(raw: RawNotification) -> Acknowledgement:
        seen.append(raw)
        return left.pop(0)

    courier = Courier(accepts, resend_after_s=(0.0, 0.0))
    courier.deliver_to(receive)
    courier.take(letter(b"paid"))
    assert courier.wait(5)
    courier.stop()
    assert [raw.body for raw in seen] == [b"paid"] * tries


def test_a_receiver_that_fails_has_not_accepted() -> None:
    """Whatever it raises."""
    tries: list[int] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        tries.append(1)
        raise RuntimeError("out of order")

    courier = Courier(accepts, resend_after_s=(0.0,))
    courier.deliver_to(receive)
    courier.take(letter(b"paid"))
    assert courier.wait(5)
    courier.stop()
    assert len(tries) == 2


@pytest.mark.parametrize("address", [None, "https://shop.example/notify", "https://10.0.0.1/notify"])
def test_nothing_is_posted_to_anywhere_but_this_machine(address: str | None) -> None:
    """Without a receiver such a letter is nobody's."""
    courier = Courier(accepts)
    courier.take(letter(b"paid", address))
    assert courier.wait(0)


def test_what_is_held_back_comes_out_copied_and_shuffled_by_the_seed() -> None:
    """The same seed, the same order; nothing is lost."""
    delivered: list[Letter] = []
    orders: list[list[bytes]] = []
    for _ in range(2):
        box = Mailbox(delivered.append)
        box.post(letter(b"first"))
        box.hold()
        for number in range(5):
            box.post(letter(b"%d" % number))
        assert [raw.body for raw in box] == [b"first"]
        orders.append([raw.body for raw in box.release(copies=2, shuffle_seed=7)])
        assert [raw.body for raw in box[1:]] == orders[-1]
    assert orders[0] == orders[1] != sorted(orders[0])
    assert sorted(orders[0]) == sorted([b"%d" % number for number in range(5)] * 2)
    assert len(delivered) == 2 * 11
