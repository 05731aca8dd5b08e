"""One endpoint of Alipay, typed: the request and reply it speaks, and the one way to call any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from payport.adapters.alipay.adapter import Alipay
from payport.adapters.alipay.calls import Call
from payport.adapters.alipay.endpoints.fields import Notified, Request, Returning
from payport.adapters.alipay.envelope import ask_gateway
from payport.adapters.alipay.mapping import PAYER_MUST_CONFIRM
from payport.adapters.alipay.performing import signed_action
from payport.adapters.alipay.planning import check_charset
from payport.adapters.alipay.reading import refused
from payport.adapters.alipay.reading.fields import Unreadable, money, parsed
from payport.adapters.alipay.wire import Wire
from payport.schemas.actions import Action
from payport.schemas.outcome import NotSentCause, NotSentKind, UnknownKind
from payport.sdk.adapter import Adapter, Answer, InvalidIntent
from payport.sdk.errors import ConfigurationError
from payport.sdk.exchange import Exchange
from payport.sdk.journal.records import State
from payport.sdk.observation import Observation, Source, doubt

RequestT_contra = TypeVar("RequestT_contra", bound=Request, contravariant=True)
ReplyT_co = TypeVar("ReplyT_co", bound=Wire, covariant=True)

ECHOED = (
    "out_trade_no",
    "trade_no",
    "out_request_no",
    "out_order_no",
    "auth_no",
    "operation_id",
    "out_biz_no",
    "order_id",
    "pay_fund_order_id",
)
"""Numbers that a reply repeats from its request: another one there is an answer to another question."""
ECHOED_AMOUNTS = ("total_amount", "refund_amount", "amount")


@dataclass(frozen=True, slots=True)
class AlipayEndpoint(Generic[RequestT_contra, ReplyT_co]):
    """One operation of ``gateway.do`` for ``gateway.native``.

    ``name``: Alipay's name of it. ``reply``: what a successful answer is read as. ``moves_money``: whether it may
    charge, hold, refund or send money. ``Succeeded`` says that the call was carried out; what became of the money
    stands in the reply's own fields (``fund_change``, ``status``, ``retry_flag``).
    """

    name: str
    reply: type[ReplyT_co]
    moves_money: bool = True

    @property
    def partner(self) -> str:
        """``"alipay"``."""
        return "alipay"

    def call(
        self, adapter: Adapter, request: RequestT_contra, deadline_s: float
    ) -> Exchange[Answer[ReplyT_co] | Observation]:
        """Sign, send, authenticate, decode, compare with what was asked.

        Code 10003 (the payer must confirm) is no success: it comes back as a doubt, to be asked about.
        """
        alipay = _alipay(adapter, self.name)
        asked = _call(alipay, self.name, request, moves_money=self.moves_money)
        if isinstance(asked, Observation):
            return asked
        answer = yield from ask_gateway(alipay, asked, deadline_s)
        if isinstance(answer, Observation):
            return answer
        if not answer.ok:
            return refused(self.name, answer)
        if answer.code == PAYER_MUST_CONFIRM:
            return doubt(Source.REPLY, UnknownKind.UNKNOWN_STATUS, f"{answer.code}: the payer must confirm; query it")
        try:
            reply = parsed(self.reply, answer)
            differing = _differing(request, reply)
        except Unreadable as error:
            return doubt(Source.REPLY, UnknownKind.UNREADABLE, f"{self.name}: {error}")
        if differing is not None:
            return doubt(Source.REPLY, UnknownKind.MISMATCH, f"{differing} is not the one that was asked about")
        return Answer(reply)


@dataclass(frozen=True, slots=True)
class AlipayAction(Generic[RequestT_contra]):
    """An operation that is signed here and handed to the payer: page, form or app string; no call of ours.

    The action can be paid with no further word to us, and a native call is not journalled: prefer ``pay``.
    """

    name: str

    @property
    def partner(self) -> str:
        """``"alipay"``."""
        return "alipay"

    def call(
        self,
        adapter: Adapter,
        request: RequestT_contra,
        deadline_s: float,  # noqa: ARG002 - every endpoint is told; nothing is sent here
    ) -> Exchange[Answer[Action] | Observation]:
        """Sign the action."""
        alipay = _alipay(adapter, self.name)
        asked = _call(alipay, self.name, request, moves_money=True)
        if isinstance(asked, Observation):
            return asked
        return Answer((yield from signed_action(alipay, asked)))


def _alipay(adapter: Adapter, name: str) -> Alipay:
    if not isinstance(adapter, Alipay):
        raise ConfigurationError(f"{name} goes through the Alipay adapter, not through {type(adapter).__name__}")
    return adapter


def _call(alipay: Alipay, name: str, request: Request, *, moves_money: bool) -> Call | Observation:
    biz = request.content()
    try:
        check_charset(alipay.config, biz)
    except InvalidIntent as error:
        cause = NotSentCause(NotSentKind.INVALID, str(error))
        return Observation(state=State.NOT_SENT, source=Source.LOCAL, not_sent=cause)
    notify_url = return_url = None
    if isinstance(request, Notified):
        notify_url = request.notify_url or alipay.config.notify_url
    if isinstance(request, Returning):
        return_url = request.return_url or alipay.config.return_url
    return Call(method=name, biz=biz, notify_url=notify_url, return_url=return_url, moves_money=moves_money)


def _differing(request: BaseModel, reply: BaseModel) -> str | None:
    """The first number or amount in the reply that is not the request's. Raises :class:`Unreadable`."""
    for name in ECHOED:
        asked, told = getattr(request, name, None), getattr(reply, name, None)
        if asked and told and asked != told:
            return name
    for name in ECHOED_AMOUNTS:
        asked, told = getattr(request, name, None), getattr(reply, name, None)
        if asked and told and money(asked) != money(told):
            return name
    return None
