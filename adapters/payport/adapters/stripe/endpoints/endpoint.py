"""One endpoint of Stripe, typed: the request and reply it speaks, and the one way to call any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from payport.adapters.stripe.adapter import Stripe
from payport.adapters.stripe.calls import Call, ask_stripe
from payport.adapters.stripe.reading.fields import Unreadable, another_mode, parsed
from payport.adapters.stripe.reading.refusals import refusal
from payport.adapters.stripe.wire import Wire
from payport.schemas.outcome import UnknownKind
from payport.sdk.adapter import Adapter, Answer
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.observation import Observation, Source, doubt

ECHOED = ("amount", "currency", "client_reference_id")
"""Fields that a reply repeats from its request: another one there is an answer to another question."""


class Request(BaseModel):
    """What requests are made of: Stripe's spelling, checked here. Amounts are whole numbers as Stripe counts them.

    ``numbers``: the fields that stand in the path.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)
    numbers: ClassVar[tuple[str, ...]] = ()


RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", bound=Wire, covariant=True)


@dataclass(frozen=True, slots=True)
class StripeEndpoint(Generic[RequestT_contra, ReplyT_co]):
    """One call of the API for ``gateway.native``.

    ``name``: as in :data:`~payport.adapters.stripe.calls.ROUTES`. ``reply``: what a successful answer is read as.
    ``Succeeded`` says that the call was carried out; what became of the money stands in the reply's ``status``.
    """

    name: str
    reply: type[ReplyT_co]

    @property
    def partner(self) -> str:
        """``"stripe"``."""
        return "stripe"

    def call(
        self, adapter: Adapter, request: RequestT_contra, deadline_s: float
    ) -> Exchange[Answer[ReplyT_co] | Observation]:
        """Send, decode, compare with what was asked. Without a key: a native call is sent once, never repeated."""
        if not isinstance(adapter, Stripe):
            raise ConfigurationError(f"{self.name} goes through the Stripe adapter, not {type(adapter).__name__}")
        params = request.model_dump(exclude_none=True, exclude=set(request.numbers), by_alias=True)
        numbers = {name: str(getattr(request, name)) for name in request.numbers}
        asked = Call(name=self.name, params=params, numbers=numbers)
        answer = yield from ask_stripe(adapter, asked, deadline_s)
        if isinstance(answer, Observation):
            return answer
        if not answer.ok:
            return refusal(asked, answer)
        try:
            reply = parsed(self.reply, answer.node)
        except Unreadable as error:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{self.name}: {error}")
        live = getattr(reply, "livemode", None)
        foreign = another_mode(adapter.config.live, live, Source.REPLY) if isinstance(live, bool) else None
        differing = _differing(request, reply, numbers)
        if differing is not None:
            return doubt(Source.REPLY, UnknownKind.MISMATCH, f"{differing} is not the one that was asked about")
        return foreign or Answer(reply)


def _differing(request: Request, reply: Wire, numbers: dict[str, str]) -> str | None:
    """The first number or field in the reply that is not the request's."""
    told = getattr(reply, "id", None)
    if len(numbers) == 1 and isinstance(told, str) and told not in numbers.values():
        return "id"
    for name in ECHOED:
        asked, said = getattr(request, name, None), getattr(reply, name, None)
        if asked is not None and said is not None and asked != said:
            return name
    return None
