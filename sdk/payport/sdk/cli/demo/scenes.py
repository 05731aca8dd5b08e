"""Scenes that any partner can play: something is paid, an answer is lost, money goes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from payport.schemas.actions import Action, PostForm, QrCode, Redirect
from payport.schemas.events import Acknowledgement, RawNotification, Verified
from payport.schemas.order import Order
from payport.schemas.outcome import ActionRequired, NotSent, Pending, Succeeded, Unknown
from payport.sdk.cli.demo.stage import AdapterT, PartnerT, Scene, Stage
from payport.sdk.testing.faults import Fault
from payport.sdk.testing.mailbox import Mailbox

# pyright: reportInvalidTypeVarUse=false
# a scene's partner and adapter are solved by the play that it stands in
Method: TypeAlias = Callable[[PartnerT], object]
"""Makes what ``gateway.pay`` takes."""
ComesBack: TypeAlias = Callable[[PartnerT, object], Mapping[str, str]]
"""What the payer's browser brings along, out of what ``payer.open`` answered."""
_SETTLING = 5
_LOST_S = 2.0


def handed_out_and_paid(
    amount: str,
    subject: str,
    method: Method[PartnerT],
    *,
    copies: int = 1,
    comes_back: ComesBack[PartnerT] | None = None,
) -> Scene[PartnerT, AdapterT]:
    """The payer pays what was handed out, and the partner's notices count once each.

    ``copies``: how often the partner sends each. ``comes_back``: where ``complete`` must follow.
    """

    def scene(stage: Stage[PartnerT, AdapterT]) -> None:
        order = stage.order(amount, subject)
        way = method(stage.partner)
        outcome = stage.till.pay(order, way)
        stage.tell(f"gateway.pay({order.ref}, {order.amount}, {type(way).__name__}())", outcome, ActionRequired)
        if not isinstance(outcome, ActionRequired):
            return
        _show(stage, outcome.action)
        heard = listen(stage, copies)
        stage.say(f"The payer pays. {stage.play.name} notifies us{', and then again' if copies > 1 else ''}.")
        answer = stage.partner.payer.open(outcome.action)
        if comes_back is not None:
            returned = comes_back(stage.partner, answer)
            stage.tell(f"gateway.complete({order.ref}, ...)", stage.till.complete(order.ref, returned), Succeeded)
        stage.partner.wait_delivered()
        stage.partner.deliver_to(None)
        _set_copies(stage, 1)
        for once, again in zip(heard[::copies], heard[1::copies], strict=False):
            stage.expect(copies == 1 or (once, again) == (True, False), f"a notice should count once, not {heard}")
        stage.expect(bool(heard), "no notice came")
        stage.tell(f"gateway.query({order.ref})", stage.till.query(order.ref).outcome, Succeeded)
        stage.charges(order.ref, 1)

    return scene


def listen(stage: Stage[PartnerT, AdapterT], copies: int) -> list[bool]:
    """Have notices received from now on; whether each was new."""
    heard: list[bool] = []

    def receive(raw: RawNotification) -> Acknowledgement:
        received = stage.till.receive(raw)
        if isinstance(received, Verified):
            heard.append(received.first_seen)
            seen = "new: applied" if received.first_seen else "seen before: acknowledged, nothing applied"
            stage.say(f"A notice arrives, {received.event.status}, it is authentic; {seen}.")
        return received.acknowledgement

    _set_copies(stage, copies)
    stage.partner.deliver_to(receive)
    return heard


def _set_copies(stage: Stage[PartnerT, AdapterT], copies: int) -> None:
    if isinstance(stage.partner.notices, Mailbox):
        stage.partner.notices.copies = copies


def _show(stage: Stage[PartnerT, AdapterT], action: Action) -> None:
    match action:
        case QrCode(text=text):
            stage.draw(text)
        case Redirect(url=url) | PostForm(url=url):
            stage.say(f"The payer's browser goes to {url.partition('?')[0]}")
        case _:
            stage.say("The parameters are handed to the partner's SDK in the app.")


def answer_lost(
    amount: str,
    subject: str,
    method: Method[PartnerT],
    endpoint: str,
    *,
    comes_back: ComesBack[PartnerT] | None = None,
) -> Scene[PartnerT, AdapterT]:
    """The partner charges, and its answer never comes; asking finds out, and nothing is charged again.

    ``endpoint``: where it charges, as faults name it: in ``complete`` where ``comes_back`` is given, else in ``pay``.
    """

    def scene(stage: Stage[PartnerT, AdapterT]) -> None:
        order, name = stage.order(amount, subject), stage.play.name
        way = method(stage.partner)
        paying = f"gateway.pay({order.ref}, {order.amount}, {type(way).__name__}(...))"
        returned = None if comes_back is None else _approved(stage, order, way, comes_back)
        stage.say(f"{name} will charge it and then say nothing; its notice is lost as well.")
        stage.partner.faults.next(Fault.COMMIT_THEN_SILENCE, endpoint, times=3)
        with stage.console.status("waiting two seconds for an answer that does not come"):
            if returned is None:
                stage.tell(paying, stage.till.pay(order, way, deadline_s=_LOST_S), Unknown)
            else:
                lost = stage.till.complete(order.ref, returned, deadline_s=_LOST_S)
                stage.tell(f"gateway.complete({order.ref}, ...)", lost, Unknown)
        stage.partner.faults.clear()
        stage.say("Unknown is not a failure: paying again by another way might charge twice. So we ask:")
        stage.till.resolve(order.ref)
        stage.say(f"gateway.resolve({order.ref}) asks {name} about it. After that, the same call again:")
        stage.tell(f"gateway.pay({order.ref}, ...)", stage.till.pay(order, way), Succeeded)
        stage.charges(order.ref, 1)

    return scene


def _approved(
    stage: Stage[PartnerT, AdapterT], order: Order, way: object, comes_back: ComesBack[PartnerT]
) -> Mapping[str, str] | None:
    """What the browser of a payer who approved brings along."""
    outcome = stage.till.pay(order, way)
    stage.tell(f"gateway.pay({order.ref}, {order.amount}, {type(way).__name__}())", outcome, ActionRequired)
    if not isinstance(outcome, ActionRequired):
        return None
    _show(stage, outcome.action)
    stage.say("The payer approves and comes back.")
    return comes_back(stage.partner, stage.partner.payer.open(outcome.action))


def refunded_in_parts(*parts: str, beyond: str) -> Scene[PartnerT, AdapterT]:
    """Money of the first order goes back in parts; ``beyond`` would be more than was paid."""

    def scene(stage: Stage[PartnerT, AdapterT]) -> None:
        ref = stage.refs[0]
        expected: Sequence[tuple[str, tuple[type, ...]]] = [
            *((part, (Succeeded, Pending)) for part in parts),
            (beyond, (NotSent,)),
        ]
        for number, (part, kinds) in enumerate(expected, start=1):
            refund_ref = f"DEMOBACK{number:02d}"
            outcome = stage.till.refund(ref, refund_ref, stage.money(part))
            stage.tell(f"gateway.refund({ref}, {refund_ref}, {stage.money(part)})", outcome, *kinds)
            _settled(stage, ref, refund_ref, outcome)

    return scene


def _settled(stage: Stage[PartnerT, AdapterT], ref: str, refund_ref: str, outcome: object) -> None:
    """What was only accepted is asked about until it is final."""
    for _ in range(_SETTLING):
        if not isinstance(outcome, Pending):
            return
        stage.partner.process()
        outcome = stage.till.query_refund(ref, refund_ref).outcome
        stage.tell(f"gateway.query_refund({ref}, {refund_ref})", outcome, Succeeded, Pending)
