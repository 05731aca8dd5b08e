"""One step, one question: what each answer amounts to, told by a PayPal that says what it is told to say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

import pytest
from tests.wire.paypal.shapes import (
    ACCOUNT,
    CAPTURE_ID,
    CREATE,
    MERCHANT,
    ORDER_ID,
    REF,
    SLOT,
    movement,
    operation,
    order,
)

from payport.adapters.paypal import PayPal
from payport.adapters.paypal.methods import PayeeKind, PayPalPayee
from payport.adapters.paypal.performing import ask, find, perform
from payport.adapters.paypal.planning import plan_cancel, plan_capture, plan_complete, plan_payout, plan_refund
from payport.schemas import CancelledBy, Money, PartnerId, PayoutOrder, Reason, UnknownKind
from payport.sdk.adapter import Plan
from payport.sdk.exchange import Exchange, drive
from payport.sdk.hosting import Surroundings, SyncHost
from payport.sdk.journal.records import Operation, State, Step, Verb
from payport.sdk.message import FailureKind, SendFailure, WireReply, WireRequest
from payport.sdk.observation import Observation, Source
from payport.sdk.testing.stepping import Time, WorkerClock

T = TypeVar("T")
IDS = {"order_id": ORDER_ID, "capture_id": CAPTURE_ID}
HELD = {"order_id": ORDER_ID, "authorization_id": "A1"}
CANCEL = "SHOP10010001X001"
SILENCE = SendFailure(FailureKind.TIMED_OUT, may_have_left=True, detail="silence")

Said = tuple[int, object] | SendFailure


class Script:
    """A PayPal that says one thing after the other. ``asked``: what it was asked."""

    def __init__(self, *says: Said) -> None:
        self.says = list(says)
        self.asked: list[tuple[str, str, object]] = []

    def send(self, request: WireRequest, timeout_s: float) -> WireReply | SendFailure:
        """A token, or what comes next."""
        if request.endpoint == "oauth2.token":
            return WireReply(200, (), b'{"access_token":"A21","token_type":"Bearer","expires_in":32400}')
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.endpoint, request.url.removeprefix("https://api-m.paypal.com"), body))
        said = self.says.pop(0)
        if isinstance(said, SendFailure):
            return said
        status, node = said
        return WireReply(status, (), node if isinstance(node, bytes) else json.dumps(node).encode())

    def close(self) -> None:
        """Nothing is open."""

    def run(self, exchange: Exchange[T]) -> T:
        """Run an exchange against it."""
        around = Surroundings(journal=None, clock=WorkerClock(Time(), "w"))  # type: ignore[arg-type]  # none is read
        answer = drive(exchange, SyncHost(around=around, transport=self))
        assert not self.says, "it was not asked everything"
        return answer


def refused(issue: str, status: int = 422, links: Sequence[Mapping[str, str]] = (), field: str = "") -> Said:
    """A refusal in PayPal's form."""
    detail = {"issue": issue, "field": field, "description": issue}
    node = {
        "name": "UNPROCESSABLE_ENTITY",
        "message": "no",
        "debug_id": "f1",
        "details": [detail],
        "links": list(links),
    }
    return status, node


def step_of(plan: Plan | None) -> Step:
    assert plan is not None
    return plan.steps[0]


def tell(of: Operation, step: Step, *says: Said) -> Observation:
    """What carrying out a step teaches."""
    return Script(*says).run(perform(PayPal(ACCOUNT), of, step, 10.0))


def kind_of(observation: Observation) -> UnknownKind | None:
    return None if observation.unknown is None else observation.unknown.kind


APPROVED = operation(state=State.ACTION, ids={"order_id": ORDER_ID, "approved": "1"})
CAPTURE_ORDER = step_of(plan_complete(APPROVED, {"token": ORDER_ID}, SLOT))
PAID = order("COMPLETED", captures=[movement("COMPLETED")])


@pytest.mark.parametrize(
    ("says", "state", "kind"),
    [
        ([(201, PAID)], State.SUCCEEDED, None),
        ([(201, {**PAID, "id": "ANOTHER"})], State.DOUBT, UnknownKind.MISMATCH),
        ([refused("ORDER_ALREADY_CAPTURED"), (200, PAID)], State.SUCCEEDED, None),
        ([refused("ORDER_ALREADY_CAPTURED"), (200, {**PAID, "id": "ANOTHER"})], State.DOUBT, UnknownKind.MISMATCH),
        ([refused("ORDER_ALREADY_CAPTURED"), (500, {})], State.DOUBT, UnknownKind.PARTNER_FAULT),
        ([refused("ORDER_ALREADY_CAPTURED"), SILENCE], State.DOUBT, UnknownKind.TIMED_OUT),
        ([refused("ORDER_ALREADY_CAPTURED"), refused("INVALID_RESOURCE_ID", 404)], State.DOUBT, UnknownKind.NOT_FOUND),
        ([refused("INSTRUMENT_DECLINED")], State.ACTION, None),
        ([refused("PAYER_CANNOT_PAY")], State.DECLINED, None),
        ([(429, {"name": "RATE_LIMIT_REACHED"})], State.DOUBT, UnknownKind.PARTNER_FAULT),
        ([SILENCE], State.DOUBT, UnknownKind.TIMED_OUT),
    ],
)
def test_what_a_capture_of_an_order_ends_with(says: Sequence[Said], state: State, kind: UnknownKind | None) -> None:
    """Done before: ask how."""
    told = tell(APPROVED, CAPTURE_ORDER, *says)
    assert (told.state, kind_of(told)) == (state, kind)


def test_a_declined_payer_is_sent_where_paypal_says() -> None:
    """The link of the refusal, when it is one that a browser may be sent to."""
    link = {"href": "https://www.paypal.com/checkoutnow?token=5O", "rel": "redirect"}
    assert tell(APPROVED, CAPTURE_ORDER, refused("INSTRUMENT_DECLINED", links=[link])).action is not None
    odd = {**link, "href": "javascript:alert(1)"}
    assert tell(APPROVED, CAPTURE_ORDER, refused("INSTRUMENT_DECLINED", links=[odd])).action is None


def test_without_its_sealed_request_a_step_is_not_sent() -> None:
    """Nor is one that a later version wrote."""
    told = tell(APPROVED, Step(name="capture-1", moves_money=True, digest=""))
    assert told.state is State.NOT_SENT
    from payport.adapters.paypal.calls import Call

    call = Call(endpoint="orders.new", verb="POST", path="/v3/new", body={})
    step = Step(name="new", moves_money=True, digest="", request=call.encode())
    assert kind_of(tell(APPROVED, step, (200, PAID))) is UnknownKind.UNREADABLE


HOLD = operation(state=State.AUTHORIZED, ids=HELD)
PART = operation(Verb.CAPTURE, identity=HELD)
TAKE = step_of(plan_capture(HOLD, PART.amount, SLOT, final=True))
SHOWN = order("COMPLETED", intent="AUTHORIZE", captures=[movement("COMPLETED")], authorizations=[movement("CAPTURED")])
NOT_SHOWN = order("COMPLETED", intent="AUTHORIZE", captures=[movement("COMPLETED", invoice_id="OTHER")])


@pytest.mark.parametrize(
    ("says", "state", "kind"),
    [
        ([(201, movement("COMPLETED"))], State.SUCCEEDED, None),
        ([(201, movement("PENDING"))], State.PENDING, None),
        ([(201, movement("DECLINED"))], State.DECLINED, None),
        ([(201, movement("COMPLETED", invoice_id=None))], State.DOUBT, UnknownKind.MISMATCH),
        ([(201, {"id": 1})], State.DOUBT, UnknownKind.UNREADABLE),
        ([refused("AUTHORIZATION_ALREADY_CAPTURED"), (200, SHOWN)], State.SUCCEEDED, None),
        ([refused("AUTHORIZATION_ALREADY_CAPTURED"), (200, NOT_SHOWN)], State.DECLINED, None),
        ([refused("AUTHORIZATION_ALREADY_CAPTURED"), SILENCE], State.DOUBT, UnknownKind.TIMED_OUT),
        ([refused("INSTRUMENT_DECLINED")], State.DECLINED, None),
        ([refused("AUTHORIZATION_EXPIRED")], State.DECLINED, None),
    ],
)
def test_what_a_capture_of_a_hold_ends_with(says: Sequence[Said], state: State, kind: UnknownKind | None) -> None:
    """Captured before: ours, when the order shows our reference; else the refusal stands. No payer is sent anywhere."""
    told = tell(PART, TAKE, *says)
    assert (told.state, kind_of(told)) == (state, kind)


PAYMENT = operation(state=State.SUCCEEDED, ids=IDS)
BACK = operation(Verb.REFUND, identity={"order_id": ORDER_ID}, partner_ref=REF)
GIVE = step_of(plan_refund(PAYMENT, PAYMENT.amount, SLOT, reason=""))


@pytest.mark.parametrize(
    ("says", "state"),
    [
        ([(201, movement("COMPLETED"))], State.SUCCEEDED),
        ([(201, movement("COMPLETED", invoice_id=None))], State.DOUBT),
        (
            [refused("CAPTURE_FULLY_REFUNDED"), (200, order("COMPLETED", refunds=[movement("COMPLETED")]))],
            State.SUCCEEDED,
        ),
        ([refused("CAPTURE_FULLY_REFUNDED"), (200, PAID)], State.DECLINED),
        ([refused("REFUND_AMOUNT_EXCEEDED")], State.DECLINED),
    ],
)
def test_what_a_refund_ends_with(says: Sequence[Said], state: State) -> None:
    """Refunded before: ours, or somebody else's."""
    assert tell(BACK, GIVE, *says).state is state


WAGES = operation(Verb.PAYOUT, identity={})
SEND = step_of(
    plan_payout(
        PayoutOrder(ref="WAGES0001", amount=Money.of("12.34", "USD"), subject="Wages"),
        PayPalPayee(kind=PayeeKind.EMAIL, receiver="a@example.com"),
        SLOT,
    )
)
BATCH = {
    "batch_header": {
        "payout_batch_id": "B1",
        "batch_status": "PENDING",
        "sender_batch_header": {"sender_batch_id": REF},
    }
}
HELP = [{"href": "https://developer.paypal.com/docs/api/payments.payouts-batch/v1/", "rel": "information_link"}]
KNOWN = [{"href": "https://api-m.paypal.com/v1/payments/payouts/B1", "rel": "self"}]


@pytest.mark.parametrize(
    ("says", "state"),
    [
        ([(201, BATCH)], State.PENDING),
        ([refused("exists", 400, KNOWN, "SENDER_BATCH_ID"), (200, BATCH)], State.PENDING),
        ([refused("exists", 400, KNOWN)], State.DECLINED),
        ([refused("exists", 400, HELP + KNOWN, "SENDER_BATCH_ID"), (200, BATCH)], State.PENDING),
        ([refused("exists", 400, HELP, "SENDER_BATCH_ID")], State.DOUBT),  # it may be ours: no reason to send another
        ([refused("exists", 400, (), "SENDER_BATCH_ID")], State.DOUBT),
        ([refused("INSUFFICIENT_FUNDS")], State.DECLINED),
    ],
)
def test_what_a_payout_ends_with(says: Sequence[Said], state: State) -> None:
    """A batch number that was used is followed to the batch that has it."""
    assert tell(WAGES, SEND, *says).state is state


def cancelling(of: Operation, *, reverse: bool = False) -> tuple[Operation, Step]:
    """A cancel and its step, for a payment as it stands."""
    plan = plan_cancel(
        of, SLOT.__class__(partner_ref=CANCEL, now=SLOT.now, payable_until=SLOT.now), reverse_paid=reverse
    )
    return operation(Verb.CANCEL, identity=plan.identity, partner_ref=CANCEL), plan.steps[0]


VOID = cancelling(HOLD)
REVERSE = cancelling(PAYMENT, reverse=True)
IN_DOUBT = operation(
    state=State.ACTION, ids={"order_id": ORDER_ID}, steps=(CREATE, Step(name="capture-1", moves_money=True, digest=""))
)
LOOK = cancelling(IN_DOUBT)
LOOK_REVERSING = cancelling(IN_DOUBT, reverse=True)
OURS = movement("COMPLETED", invoice_id=CANCEL, custom_id=f"reverse.{REF}")
HOLDING = order("COMPLETED", intent="AUTHORIZE", authorizations=[movement("CREATED", id="A1")])


@pytest.mark.parametrize(
    ("cancel", "says", "by"),
    [
        (VOID, [(204, b"")], CancelledBy.VOIDED),
        (VOID, [(200, movement("VOIDED"))], CancelledBy.VOIDED),
        (VOID, [refused("PREVIOUSLY_VOIDED")], CancelledBy.VOIDED),
        (VOID, [refused("PREVIOUSLY_CAPTURED")], Reason.INVALID_STATE),
        (VOID, [refused("CANNOT_BE_VOIDED")], Reason.INVALID_STATE),
        (VOID, [(200, movement("CREATED"))], UnknownKind.UNKNOWN_STATUS),
        (VOID, [(200, movement("VOIDED", custom_id="OTHER"))], UnknownKind.MISMATCH),
        (VOID, [(200, {"id": 1})], UnknownKind.UNREADABLE),
        (VOID, [SILENCE], UnknownKind.TIMED_OUT),
        (REVERSE, [(201, OURS)], CancelledBy.REVERSED),
        (REVERSE, [(201, {**OURS, "status": "FAILED"})], Reason.DECLINED),
        (REVERSE, [(201, {**OURS, "status": "NEW"})], UnknownKind.UNKNOWN_STATUS),
        (REVERSE, [(201, {**OURS, "invoice_id": "OTHER"})], UnknownKind.MISMATCH),
        (REVERSE, [(201, {"id": 1})], UnknownKind.UNREADABLE),
        (REVERSE, [refused("REFUND_FAILED_INSUFFICIENT_FUNDS")], Reason.MERCHANT_FUNDS),
        (REVERSE, [refused("CAPTURE_FULLY_REFUNDED"), (200, order("COMPLETED", refunds=[OURS]))], CancelledBy.REVERSED),
        (REVERSE, [refused("CAPTURE_FULLY_REFUNDED"), (200, PAID)], CancelledBy.CLOSED),
        (REVERSE, [refused("CAPTURE_FULLY_REFUNDED"), (200, {"id": 1})], UnknownKind.UNREADABLE),
        (REVERSE, [refused("CAPTURE_FULLY_REFUNDED"), SILENCE], UnknownKind.TIMED_OUT),
        (REVERSE, [refused("CAPTURE_FULLY_REFUNDED"), (500, {})], UnknownKind.PARTNER_FAULT),
        (LOOK, [(200, PAID)], Reason.INVALID_STATE),
        (LOOK, [(200, order("COMPLETED", captures=[movement("PENDING")]))], Reason.INVALID_STATE),
        (LOOK, [(200, order("APPROVED"))], UnknownKind.NOT_FOUND),
        (LOOK, [(200, order("VOIDED"))], CancelledBy.CLOSED),
        (LOOK, [(200, order("COMPLETED", captures=[movement("DECLINED")]))], CancelledBy.CLOSED),
        (LOOK, [(200, order("IN_LIMBO"))], UnknownKind.UNKNOWN_STATUS),
        (LOOK, [(200, {"id": 1})], UnknownKind.UNREADABLE),
        (LOOK, [refused("INVALID_RESOURCE_ID", 404)], UnknownKind.NOT_FOUND),
        (LOOK, [(200, HOLDING), (204, b"")], CancelledBy.VOIDED),
        (LOOK, [(200, HOLDING), SILENCE], UnknownKind.TIMED_OUT),
        (LOOK_REVERSING, [(200, PAID), (201, OURS)], CancelledBy.REVERSED),
        (LOOK_REVERSING, [(200, PAID), SILENCE], UnknownKind.TIMED_OUT),
    ],
)
def test_what_a_cancel_ends_with(
    cancel: tuple[Operation, Step], says: Sequence[Said], by: CancelledBy | Reason | UnknownKind
) -> None:
    """How it was made sure, why it cannot be, or what left it open."""
    told = tell(*cancel, *says)
    match by:
        case CancelledBy():
            assert (told.state, told.cancelled_by) == (State.SUCCEEDED, by)
        case Reason():
            assert (told.state, told.reason) == (State.DECLINED, by)
        case UnknownKind():
            assert kind_of(told) is by


def test_a_cancel_looks_only_at_its_own_order() -> None:
    """An answer about another one is a mismatch, whatever it says."""
    unit = {"reference_id": "O", "custom_id": "O", "invoice_id": "O"}
    assert kind_of(tell(*LOOK, (200, order("VOIDED", unit=unit)))) is UnknownKind.MISMATCH


def asked(of: Operation, *says: Said) -> tuple[Observation, Script]:
    """What a question teaches."""
    script = Script(*says)
    return script.run(ask(PayPal(ACCOUNT), of, 10.0)), script


@pytest.mark.parametrize(
    ("of", "said", "path", "state"),
    [
        (operation(ids=IDS), PAID, f"/v2/checkout/orders/{ORDER_ID}", State.SUCCEEDED),
        (
            operation(Verb.CAPTURE, ids=IDS),
            movement("COMPLETED"),
            f"/v2/payments/captures/{CAPTURE_ID}",
            State.SUCCEEDED,
        ),
        (operation(Verb.CAPTURE, identity=HELD), SHOWN, f"/v2/checkout/orders/{ORDER_ID}", State.SUCCEEDED),
        (
            operation(Verb.CAPTURE, ids={"capture_id": "C9"}),
            movement("COMPLETED"),
            "/v2/payments/captures/C9",
            State.DOUBT,
        ),
        (
            operation(Verb.REFUND, ids={"refund_id": CAPTURE_ID}),
            movement("PENDING"),
            f"/v2/payments/refunds/{CAPTURE_ID}",
            State.PENDING,
        ),
        (operation(Verb.REFUND, ids={"refund_id": "R9"}), movement("PENDING"), "/v2/payments/refunds/R9", State.DOUBT),
        (operation(Verb.PAYOUT, ids={"batch_id": "B1"}), BATCH, "/v1/payments/payouts/B1", State.PENDING),
        (operation(Verb.PAYOUT, ids={"batch_id": "B9"}), BATCH, "/v1/payments/payouts/B9", State.DOUBT),
    ],
)
def test_which_question_is_asked_and_what_its_answer_teaches(
    of: Operation, said: object, path: str, state: State
) -> None:
    """By PayPal's number, else by our reference in what the order shows. Another record is a doubt."""
    told, script = asked(of, (200, said))
    assert [each[1] for each in script.asked] == [path]
    assert (told.state, told.source) == (state, Source.QUERY)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ((404, {"name": "RESOURCE_NOT_FOUND"}), UnknownKind.NOT_FOUND),
        ((403, {"name": "NOT_AUTHORIZED"}), UnknownKind.PARTNER_FAULT),
        ((200, {"id": 5}), UnknownKind.UNREADABLE),
        ((200, {**PAID, "id": "ANOTHER"}), UnknownKind.MISMATCH),
        (SILENCE, UnknownKind.TIMED_OUT),
        (SendFailure(FailureKind.UNREACHABLE, may_have_left=False, detail="no road"), UnknownKind.TIMED_OUT),
    ],
)
def test_a_question_that_was_not_answered_teaches_nothing(said: Said, kind: UnknownKind) -> None:
    """Whether it left or not."""
    told, _ = asked(operation(ids=IDS), said)
    assert (told.state, kind_of(told)) == (State.DOUBT, kind)


def test_nothing_is_asked_without_a_number() -> None:
    """PayPal has no question by our reference."""
    told, script = asked(operation())
    assert (kind_of(told), script.asked) == (UnknownKind.NOT_FOUND, [])


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ([(200, PAID)], REF),
        ([(200, order("IN_LIMBO"))], None),
        ([(200, {"id": 5})], None),
        ([SILENCE], None),
        ([(200, {**PAID, "id": "ANOTHER"})], None),
        ([refused("INVALID_RESOURCE_ID", 404), refused("INVALID_RESOURCE_ID", 404)], None),
        ([refused("INVALID_RESOURCE_ID", 404), SILENCE], None),
        ([refused("INVALID_RESOURCE_ID", 404), (200, {"id": 5})], None),
        ([refused("INVALID_RESOURCE_ID", 404), (200, movement("COMPLETED", id=ORDER_ID))], None),
    ],
)
def test_what_is_found_by_a_number(says: Sequence[Said], found: str | None) -> None:
    """An order, a capture's order, or nothing that could be adopted."""
    told = Script(*says).run(find(PayPal(ACCOUNT), PartnerId(ORDER_ID), 10.0))
    assert told.partner_ref == found
    assert ACCOUNT.merchant_id == MERCHANT
