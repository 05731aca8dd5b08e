"""Every verb of the port as one call, by name: for the sync gateway, for the async one, and to be stepped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from payport.schemas.outcome import ActionRequired
from payport.sdk.desk import Desk
from payport.sdk.exchange import Exchange
from payport.sdk.gateway import AsyncGateway, Gateway
from payport.sdk.journal.records import Verb
from payport.sdk.testing.conformance.subject import PartnerT, Way
from payport.sdk.testing.conformance.world import DEADLINE_S, SOON_S, World
from payport.sdk.testing.stepping import Run
from payport.sdk.testing.watching import EveryVerb

_VERBS = {
    "pay": Verb.PAY,
    "refund": Verb.REFUND,
    "undo": Verb.REFUND,
    "capture": Verb.CAPTURE,
    "close": Verb.CANCEL,
    "reverse": Verb.CANCEL,
    "release": Verb.CANCEL,
    "payout": Verb.PAYOUT,
    "complete": Verb.PAY,
}


def verb_of(verb: str) -> Verb:
    """The journal's word for it."""
    return _VERBS[verb]


def back_ref(ref: str) -> str:
    """The reference of the refund of an order."""
    return f"BACK{ref}"


def prepare(world: World[PartnerT], verb: str, ref: str) -> None:
    """What must have happened to a debt before the verb: paid, held, or handed out and opened."""
    match verb:
        case "refund" | "reverse":
            world.sell(ref)
        case "capture" | "release":
            world.hold(ref)
        case "undo":
            world.hold(ref)
            world.capture(ref)
        case "close":
            world.partner.payer.leave(world.hand_out(ref))
        case "complete":
            world.came_back[ref] = returned(world, ref)
        case _:
            pass


def returned(world: World[PartnerT], ref: str) -> Mapping[str, str]:
    """The payer paid what was handed out and is back: what the browser brought along."""
    way = next(way for way in world.subject.ways if way.comes_back is not None)
    assert way.comes_back is not None
    return way.comes_back(world.partner, world.partner.payer.open(world.hand_out(ref, way)))


def call(
    gateway: Gateway[EveryVerb],
    world: World[PartnerT],
    verb: str,
    way: Way[PartnerT] | None,
    ref: str,
    *,
    deadline_s: float = SOON_S,
) -> object:
    """Call a verb; the outcome."""
    subject, s = world.subject, deadline_s
    calls: dict[str, Callable[[], object]] = {
        "pay": lambda: gateway.pay(world.order(ref, hold=_way(way).hold), world.method(_way(way)), deadline_s=s),
        "refund": lambda: gateway.refund(ref, back_ref(ref), subject.part, deadline_s=s),
        "undo": lambda: gateway.refund(ref, back_ref(ref), subject.part, deadline_s=s),
        "capture": lambda: gateway.capture(ref, subject.part, deadline_s=s),
        "close": lambda: gateway.cancel(ref, deadline_s=s),
        "release": lambda: gateway.cancel(ref, deadline_s=s),
        "reverse": lambda: gateway.cancel(ref, reverse_paid=True, deadline_s=s),
        "payout": lambda: gateway.payout(world.payout_order(ref), _payee(world), deadline_s=s),
        "complete": lambda: gateway.complete(ref, world.came_back[ref], deadline_s=s),
    }
    return calls[verb]()


def acall(
    gateway: AsyncGateway[EveryVerb],
    world: World[PartnerT],
    verb: str,
    way: Way[PartnerT] | None,
    ref: str,
    *,
    deadline_s: float = SOON_S,
) -> Awaitable[object]:
    """The same of the async gateway."""
    subject, s = world.subject, deadline_s
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "pay": lambda: gateway.pay(world.order(ref, hold=_way(way).hold), world.method(_way(way)), deadline_s=s),
        "refund": lambda: gateway.refund(ref, back_ref(ref), subject.part, deadline_s=s),
        "undo": lambda: gateway.refund(ref, back_ref(ref), subject.part, deadline_s=s),
        "capture": lambda: gateway.capture(ref, subject.part, deadline_s=s),
        "close": lambda: gateway.cancel(ref, deadline_s=s),
        "release": lambda: gateway.cancel(ref, deadline_s=s),
        "reverse": lambda: gateway.cancel(ref, reverse_paid=True, deadline_s=s),
        "payout": lambda: gateway.payout(world.payout_order(ref), _payee(world), deadline_s=s),
        "complete": lambda: gateway.complete(ref, world.came_back[ref], deadline_s=s),
    }
    return calls[verb]()


def start(world: World[PartnerT], verb: str, way: Way[PartnerT] | None, ref: str) -> Run[object]:
    """The same by a new worker, to be stepped."""
    name = f"pay {_way(way).name}" if verb == "pay" else ""
    return world.run(lambda desk, _: exchange_of(desk, world, verb, way, ref), name)


def exchange_of(desk: Desk, world: World[PartnerT], verb: str, way: Way[PartnerT] | None, ref: str) -> Exchange[object]:
    """The same as an operation that nobody drives yet."""
    subject, adapter, s = world.subject, world.adapter, DEADLINE_S
    begun: dict[str, Callable[[], Exchange[object]]] = {
        "pay": lambda: desk.pay(adapter, world.order(ref, hold=_way(way).hold), world.method(_way(way)), s),
        "refund": lambda: desk.refund(adapter, ref, back_ref(ref), subject.part, "", s),
        "undo": lambda: desk.refund(adapter, ref, back_ref(ref), subject.part, "", s),
        "capture": lambda: desk.capture(adapter, ref, subject.part, "", s, final=True),
        "close": lambda: desk.cancel(ref, s, reverse_paid=False),
        "release": lambda: desk.cancel(ref, s, reverse_paid=False),
        "reverse": lambda: desk.cancel(ref, s, reverse_paid=True),
        "payout": lambda: desk.payout(adapter, world.payout_order(ref), _payee(world), s),
        "complete": lambda: desk.complete(adapter, ref, world.came_back[ref], s),
        "query": lambda: desk.query(adapter, ref, s),
        "receive": lambda: desk.receive(world.partner.notices[-1]),
        "resume": lambda: desk.resume(60.0),
    }
    return begun[verb]()


def pay_what_is_shown(world: World[PartnerT], outcome: object) -> None:
    """The payer pays, when there is something to pay."""
    if isinstance(outcome, ActionRequired):
        world.partner.payer.open(outcome.action)


def _way(way: Way[PartnerT] | None) -> Way[PartnerT]:
    assert way is not None
    return way


def _payee(world: World[PartnerT]) -> object:
    assert world.subject.payout is not None
    return world.subject.payout.payee
